"""The bars of z, the digit and the tiles around it: mouse, keys, fingers, seeds, knobs, and the download."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gan_core.latent import sample_z
from gan_ui.strings import STRINGS
from tests.browser.sample.bank import picture, same


def test_it_opens_on_the_z_of_seed_0(open_bank, server):
    bank = open_bank()
    z = sample_z(0, 1, 64)
    assert np.allclose(bank.values(), z[0].numpy(), atol=0.005)
    assert np.array_equal(bank.digit(), picture(server, z))
    assert same(bank.tiles()[12], bank.digit())
    assert bank.page.locator(".lb-step").inner_text() == "step 1,000"
    assert bank.page.locator(".lb-norm").inner_text() == f"|z| {z.norm():.2f}"
    assert [request.method for request in bank.asked] == ["GET", "POST", "POST"]


def test_a_drag_paints_every_bar_it_crosses(open_bank, server):
    bank = open_bank()
    before, values = bank.digit(), bank.values()
    mouse = bank.page.mouse
    mouse.move(*bank.at(10, 3))
    mouse.down()
    mouse.move(*bank.at(14, -1))  # in one leap: the bars between get the values on the way
    mouse.move(*bank.at(14, 2))
    mouse.up()
    mouse.move(*bank.at(30, -3))  # released: paints no more
    bank.settle()
    after = bank.values()
    assert np.allclose(after[10:15], [3, 2, 1, 0, 2], atol=0.1)
    assert np.array_equal(np.delete(after, range(10, 15)), np.delete(values, range(10, 15)))
    assert np.array_equal(bank.digit(), picture(server, bank.last_z()))
    assert abs(bank.digit() - before).max() > 10
    assert same(bank.tiles()[12], bank.digit())


def test_a_long_drag_has_one_request_under_way_and_ends_on_the_last_value(open_bank, server):
    bank = open_bank()
    bank.page.route("**/lab/sample*", lambda route: (bank.page.wait_for_timeout(15), route.continue_()))
    first = len(bank.asked)
    x, y = bank.at(20, 0)
    bank.page.mouse.move(x, y)
    bank.page.mouse.down()
    for k in range(60):
        bank.page.mouse.move(x, y - 60 + 2 * k)
    bank.page.mouse.up()
    bank.settle()
    assert bank.most_under_way == 1
    assert len(bank.asked) - first < 60  # values that were overtaken on the way were left out
    assert bank.last_z()[0, 20].item() == pytest.approx(bank.values()[20], abs=0.01)
    assert np.array_equal(bank.digit(), picture(server, bank.last_z()))


def test_keys_choose_a_bar_and_change_it(open_bank, server):
    bank = open_bank()
    press = bank.page.keyboard.press
    bank.page.locator(".lb-bar[tabindex='0']").focus()

    def focused() -> str:
        return str(bank.page.evaluate("document.activeElement.getAttribute('aria-label')"))

    for key, name in (
        ("ArrowRight", "z1"),
        ("End", "z63"),
        ("ArrowRight", "z63"),
        ("ArrowLeft", "z62"),
        ("Home", "z0"),
        ("ArrowLeft", "z0"),
        ("ArrowRight", "z1"),
    ):
        press(key)
        assert focused() == name
    start = sample_z(0, 1, 64)[0, 1].item()
    for key, value in (
        ("ArrowUp", start + 0.1),
        ("ArrowDown", start),
        ("Shift+ArrowUp", start + 0.01),
        ("PageUp", start + 1.01),
        ("PageDown", start + 0.01),
        ("Delete", 0),
        ("PageUp", 1),
    ):
        press(key)
        assert float(bank.bar(1).get_attribute("aria-valuetext")) == pytest.approx(value, abs=0.006)
    for _ in range(4):
        press("PageUp")
    assert bank.bar(1).get_attribute("aria-valuetext") == "4.00"  # the end of the bar
    assert bank.page.locator(".lb-value").inner_text() == "z1 = 4.00"
    bank.settle()
    expected = sample_z(0, 1, 64)
    expected[0, 1] = 4
    assert np.array_equal(bank.digit(), picture(server, expected))
    assert bank.page.locator(".lb-bar[tabindex='0']").count() == 1


def test_a_double_click_sets_one_bar_to_zero(open_bank):
    bank = open_bank()
    before = bank.values()
    bank.page.mouse.dblclick(*bank.at(33, 2))
    bank.settle()
    assert bank.values()[33] == 0
    assert np.array_equal(np.delete(bank.values(), 33), np.delete(before, 33))


def test_randomise_takes_the_next_seed_and_a_seed_gives_its_z_back(open_bank, server):
    bank = open_bank()
    button = bank.page.get_by_role("button", name="Randomise")
    button.evaluate("button => { for (let i = 0; i < 3; i++) button.click(); }")  # faster than the server answers
    bank.settle()
    assert bank.page.locator(".lb-seed").input_value() == "3"
    third = bank.digit()
    assert np.array_equal(third, picture(server, sample_z(3, 1, 64)))
    for typed, seed in (("41", 41), ("-5", 0), ("99999999999", 2**31 - 1), ("3", 3)):
        bank.page.locator(".lb-seed").fill(typed)
        bank.page.keyboard.press("Enter")
        bank.settle()
        assert bank.page.locator(".lb-seed").input_value() == str(seed)
        assert np.array_equal(bank.digit(), picture(server, sample_z(seed, 1, 64)))
    assert np.array_equal(bank.digit(), third)


def test_reset_and_psi_zero_both_give_the_mean(open_bank, server):
    bank = open_bank()
    bank.knob("psi", 0)
    bank.settle()
    mean = bank.digit()
    assert np.array_equal(mean, picture(server, torch.zeros(1, 64)))
    assert all(same(tile, mean) for tile in bank.tiles())
    assert bank.page.locator(".lb-psi-value").inner_text() == "0.00"
    bank.knob("psi", 0.5)
    bank.settle()
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 64) / 2))
    bank.page.get_by_role("button", name="Reset").click()
    bank.settle()
    assert not bank.values().any()
    assert np.array_equal(bank.digit(), mean)
    assert not all(same(tile, mean) for tile in bank.tiles())


@pytest.mark.parametrize("psi", [1, 0.6])
def test_a_tile_becomes_the_digit(open_bank, psi):
    bank = open_bank()
    bank.knob("psi", psi)
    bank.knob("radius", 6)
    bank.settle()
    tiles, before = bank.tiles(), bank.digit()
    assert not same(tiles[3], before)
    bank.page.get_by_role("button", name="Row 1, column 4").click()
    bank.settle()
    assert same(bank.digit(), tiles[3])
    assert same(bank.tiles()[12], tiles[3])
    assert bank.page.locator(".lb-seed").input_value() == "0"


def test_tiles_by_keyboard(open_bank):
    bank = open_bank()
    tiles = bank.tiles()
    bank.page.get_by_role("button", name="Row 3, column 3").focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowLeft"):  # the last one stays at the edge
        bank.page.keyboard.press(key)
    assert bank.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Row 2, column 1"
    bank.page.keyboard.press("Enter")
    bank.settle()
    assert same(bank.digit(), tiles[5])


def test_the_radius_changes_the_neighbourhood_alone(open_bank):
    bank = open_bank()
    bank.knob("radius", 0)
    bank.settle()
    assert all(same(tile, bank.digit()) for tile in bank.tiles())
    assert float(bank.page.locator(".lb-radius").get_attribute("max")) == pytest.approx(128**0.5, abs=0.06)


def test_chinese_at_once_and_z_stays(open_bank):
    bank = open_bank()
    bank.page.mouse.click(*bank.at(5, 3))
    bank.settle()
    before, asked = bank.values(), len(bank.asked)
    bank.page.evaluate("ganLive.send('language', 'zh')")
    text = bank.page.locator(".lb").inner_text()
    for key in ("run", "snapshot", "randomise", "reset", "png", "near", "radius", "seed", "about_psi", "bank_help"):
        assert STRINGS[f"explore.{key}"][1] in text
        assert STRINGS[f"explore.{key}"][0] not in text.replace("种子 seed", "")
    assert bank.page.locator(".lb-step").inner_text() == "第 1,000 步"
    assert bank.page.get_by_role("button", name="第 1 行第 4 列").count() == 1
    assert bank.page.locator(".lb").get_attribute("lang") == "zh-CN"
    assert np.array_equal(bank.values(), before)
    assert len(bank.asked) == asked
    bank.page.evaluate("ganLive.send('language', 'en')")
    assert "Randomise" in bank.page.locator(".lb").inner_text()


def test_a_phone_shows_a_few_wide_bars_at_a_time(open_bank):
    bank = open_bank(width=390)
    page = bank.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".lb-bar").count() == 16
    assert bank.bar(3).bounding_box()["width"] >= 16
    assert page.locator(".lb-page").inner_text() == "z0 to z15 of 64"
    before = bank.digit()
    page.get_by_role("button", name="Next bars").tap()
    assert page.locator(".lb-page").inner_text() == "z16 to z31 of 64"
    bank.bar(20).scroll_into_view_if_needed()
    page.touchscreen.tap(*bank.at(20, 3))
    bank.settle()
    assert float(bank.bar(20).get_attribute("aria-valuetext")) == pytest.approx(3, abs=0.1)
    assert abs(bank.digit() - before).max() > 10
    page.locator(".lb-zoom").select_option("8")
    assert page.locator(".lb-page").inner_text() == "z16 to z23 of 64"  # the page with the bar last touched
    page.locator(".lb-zoom").select_option("64")
    assert page.locator(".lb-bar").count() == 64
    assert page.locator(".lb-pages").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_512_values(open_bank, server):
    bank = open_bank("wide")
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 512), "wide"))
    assert 8 <= bank.page.locator(".lb-bar").count() < 64
    bank.page.locator(".lb-bar[tabindex='0']").focus()
    bank.page.keyboard.press("End")
    assert bank.page.evaluate("document.activeElement.getAttribute('aria-label')") == "z511"
    bank.page.locator(".lb-zoom").select_option("512")
    assert bank.page.locator(".lb-bar").count() == 512
    bank.page.mouse.move(*bank.at(0, 2))
    bank.page.mouse.down()
    bank.page.mouse.move(*bank.at(511, 2))
    bank.page.mouse.up()
    bank.settle()
    assert np.allclose(bank.values(), 2, atol=0.1)
    assert np.array_equal(bank.digit(), picture(server, bank.last_z(), "wide"))


def test_download(open_bank, tmp_path):
    from PIL import Image

    bank = open_bank()
    with bank.page.expect_download() as download:
        bank.page.get_by_role("button", name="Download PNG").click()
    assert download.value.suggested_filename == "first-step1000-seed0.png"
    download.value.save_as(tmp_path / "digit.png")
    large = np.asarray(Image.open(tmp_path / "digit.png").convert("L"))
    assert large.shape == (280, 280)
    assert np.array_equal(large[5::10, 5::10], bank.digit())
