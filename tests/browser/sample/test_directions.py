"""The directions of G as sliders, locks, undo, a blend of digits, and the pose as text and link."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gan_core.directions import find_directions
from gan_core.latent import sample_z
from gan_core.pose import Pose, from_text, to_text
from gan_core.runs import Run
from gan_ui.sampling import Blend
from tests.browser.sample.bank import SHIPPED, picture, same

Z = "Array.from(ganPose.pose.z)"


@pytest.fixture
def open_directions(open_bank):
    def opened(run="first", query="view=directions", **options):
        return open_bank(run, query=query, **options)

    return opened


def z_of_page(bank) -> torch.Tensor:
    return torch.tensor(bank.page.evaluate(Z))


def slider(bank, i: int):
    return bank.page.locator(".ld-slider").nth(i)


def test_a_slider_moves_z_along_its_direction_alone(open_directions, server):
    bank = open_directions()
    rows = find_directions(server.generator("first", None).G, 64)
    z = sample_z(0, 1, 64)[0]
    assert bank.page.locator(".ld-row:visible").count() == 12
    shown = [float(text) for text in bank.page.locator(".ld-value").all_inner_texts()]
    assert np.allclose(shown, (rows @ z).numpy(), atol=0.006)
    slider(bank, 2).fill("2.5")
    bank.settle()
    moved = z + (2.5 - z @ rows[2]) * rows[2]
    assert torch.allclose(z_of_page(bank), moved, atol=1e-4)
    assert same(bank.digit(), picture(server, moved[None]))
    after = [float(text) for text in bank.page.locator(".ld-value").all_inner_texts()]
    assert after[2] == 2.5
    assert after[:2] + after[3:] == shown[:2] + shown[3:]


def test_the_pictures_beside_a_slider_are_where_a_click_goes(open_directions):
    bank = open_directions()
    more = bank.pixels(".ld-more canvas")
    assert not same(more[0], bank.pixels(".ld-less canvas")[0])
    bank.page.locator(".ld-more").nth(1).click()
    bank.settle()
    assert same(bank.digit(), more[1])
    assert bank.page.locator(".ld-value").nth(1).inner_text() == "3.00"
    slider(bank, 1).dblclick()
    bank.settle()
    assert bank.page.locator(".ld-value").nth(1).inner_text() == "0.00"


def test_what_is_locked_stays_when_the_rest_is_drawn_anew(open_directions, server):
    bank = open_directions()
    rows = find_directions(server.generator("first", None).G, 64)
    before = z_of_page(bank)
    slider(bank, 4).focus()
    bank.page.keyboard.press("l")
    assert slider(bank, 4).is_disabled()
    bank.page.locator(".ld-lock").nth(7).click()
    bank.page.keyboard.press("r")
    bank.settle()
    after = z_of_page(bank)
    assert bank.page.locator(".lb-seed").input_value() == "1"
    kept = (rows @ after - rows @ before).abs()
    assert kept[[4, 7]].max() < 1e-4
    assert kept[[0, 1, 2, 3]].max() > 0.1
    bank.page.get_by_role("button", name="Dimensions").click()
    bank.bar(5).focus()
    bank.page.keyboard.press("l")
    bank.page.keyboard.press("ArrowUp")
    value = z_of_page(bank)[5]
    bank.page.get_by_role("button", name="Reset").click()
    bank.settle()
    assert z_of_page(bank)[5] == value
    assert torch.count_nonzero(z_of_page(bank)) > 1, "the locked directions stayed, too"


def test_undo_takes_a_whole_drag_back_and_redo_makes_it_again(open_bank):
    bank = open_bank()
    start = z_of_page(bank)
    mouse = bank.page.mouse
    mouse.move(*bank.at(10, 3))
    mouse.down()
    for k in range(20):
        mouse.move(*bank.at(10, 3 - k / 4))
    mouse.up()
    dragged = z_of_page(bank)
    bank.page.locator(".lb-psi").fill("0.5")
    assert not torch.equal(dragged, start)
    bank.page.keyboard.press("Control+z")
    assert bank.page.evaluate("ganPose.pose.psi") == 1
    bank.page.keyboard.press("Control+z")
    assert torch.equal(z_of_page(bank), start)
    assert bank.page.locator(".lb-undo").is_disabled()
    bank.settle()
    bank.page.keyboard.press("Control+Shift+z")
    assert torch.equal(z_of_page(bank), dragged)
    bank.page.locator(".lb-redo").click()
    assert bank.page.evaluate("ganPose.pose.psi") == 0.5
    assert bank.page.locator(".lb-psi").input_value() == "0.5"
    # two kinds of change in turn: the same one again at once would be the same gesture
    bank.page.evaluate("() => { for (let k = 0; k < 60; k++) ganPose.set(k % 2 ? {psi: k / 60} : {share: k / 60}); }")
    assert bank.page.evaluate("ganPose.past") == 50


def test_a_name_is_kept_and_one_of_a_run_that_ships_is_refused(open_directions, runs_dir):
    bank = open_directions()
    name = bank.page.locator(".ld-name").nth(1)
    name.fill("slant")
    with bank.page.expect_response(lambda answer: "/directions" in answer.url and answer.request.method == "POST"):
        bank.page.keyboard.press("Enter")
    assert bank.page.get_by_role("slider", name="slant").count() == 1
    again = open_directions()
    assert again.page.locator(".ld-name").nth(1).input_value() == "slant"
    (Run(runs_dir / "first").folder / "directions.json").unlink()
    again.page.locator(".ld-name").nth(0).fill("x")
    again.page.route("**/directions*index*", lambda route: route.fulfill(status=422, json={"en": "no", "zh": "不"}))
    again.page.keyboard.press("Enter")
    again.page.wait_for_function("document.querySelector('.lb-trouble').innerText === 'no'")
    again.settle()
    assert again.page.locator(".lb-trouble").inner_text() == "no", "and the next picture does not wipe it away"
    again.view("wide")
    again.page.wait_for_selector(".lb-trouble", state="hidden")


def test_a_network_that_ships_says_at_the_name_why_it_keeps_it(open_directions):
    bank = open_directions(pretrained=SHIPPED)
    bank.page.locator(".lb-run").select_option("conditional")
    bank.settle()
    name = bank.page.locator(".ld-name").nth(1)
    before = name.input_value()
    name.click()
    bank.page.keyboard.type("slant")
    assert name.input_value() == before, "nothing is typed that would be emptied again"
    assert "ships with the app" in bank.page.locator(".ld-row:has(.ld-name:focus) + .ld-why").inner_text()
    bank.page.keyboard.press("Tab")
    assert bank.page.locator(".ld-why").count() == 0


def test_directions_stay_while_a_run_trains_until_new_ones_are_wanted(open_directions, server):
    bank = open_directions()
    assert bank.page.locator(".ld-found").inner_text() == "found at step 1,000"
    assert not bank.page.locator(".ld-again").is_visible()
    bank.page.locator(".lb-snapshot").select_option("500")
    bank.settle()
    assert bank.page.locator(".ld-found").inner_text() == "found at step 500"
    asked = len([one for one in bank.asked if "directions" in one.url])
    bank.view(live_version=2)
    bank.settle()
    assert len([one for one in bank.asked if "directions" in one.url]) == asked


def test_a_blend_lies_between_two_digits(open_directions, server):
    bank = open_directions(pretrained=SHIPPED)
    bank.page.locator(".lb-run").select_option("conditional")
    bank.settle()
    bank.page.locator(".lb-to").select_option("3")
    bank.settle()
    bank.page.locator(".lb-share").fill("0.25")
    bank.settle()
    expected, _ = server.images("conditional", None, sample_z(0, 1, 16), Blend(7, 3, 0.25))
    assert same(bank.digit(), expected[0, 0].numpy())
    assert bank.page.locator(".lb-share-value").inner_text() == "25 %"
    bank.page.get_by_role("button", name="Draw a 3").click()
    bank.settle()
    assert bank.page.evaluate("ganPose.pose.to") == "", "a digit is not blended with itself"


def test_a_link_brings_run_snapshot_pose_and_view_back(open_directions, server):
    bank = open_directions(pretrained=SHIPPED)
    bank.page.locator(".lb-run").select_option("conditional")
    bank.settle()
    bank.page.locator(".lb-snapshot").select_option("500")
    bank.page.locator(".lb-to").select_option("1")
    slider(bank, 0).fill("-2")
    bank.page.locator(".lb-psi").fill("0.7")
    bank.settle()
    bank.page.locator(".lp summary").click()
    bank.page.locator(".lp-link").click()
    bank.page.wait_for_function("document.querySelector('.lp-text').value.includes('pose=p2_')")
    link = bank.page.locator(".lp-text").input_value()
    query = link.split("?")[1]
    assert "tab=explore" in query
    assert "view=directions" in query
    other = open_directions(query=query, pretrained=SHIPPED)
    other.page.wait_for_function("ganPose.pose.run === 'conditional' && ganPose.pose.snapshot === '500'")
    other.settle()
    assert same(other.digit(), bank.digit())
    assert other.page.evaluate("[ganPose.pose.psi, ganPose.pose.digit, ganPose.pose.to, ganPose.pose.share]") == [
        0.7,
        "7",
        1,
        0.5,
    ]
    assert other.page.locator(".lp-said").text_content() == "Here is the pose."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "That is not a pose"),
        (to_text(Pose((0.5,) * 64, run="deleted")), "deleted"),
        (to_text(Pose((0.5,) * 9, run="first")), "9 values of z"),
    ],
)
def test_a_link_that_cannot_be_used_gets_a_sentence_and_the_page_goes_on(open_directions, text, says):
    bank = open_directions(query=f"pose={text}&view=directions")
    bank.page.wait_for_selector(".lp-wrong")
    assert says in bank.page.locator(".lp-said").inner_text()
    assert bank.page.locator(".lp-said").is_visible()
    assert torch.allclose(z_of_page(bank), sample_z(0, 1, 64)[0], atol=1e-6)


def test_a_pasted_pose_moves_there_and_back(open_directions, server):
    bank = open_directions()
    z = sample_z(9, 1, 64)
    text = to_text(Pose(tuple(z[0].tolist()), 0.8, run="first", step=77))
    bank.page.locator(".lp summary").click()
    bank.page.locator(".lp-text").fill(f"https://example.org/?pose={text}")
    bank.page.locator(".lp-go").click()
    bank.page.wait_for_function("document.querySelector('.lp-said').innerText.includes('step 77')")
    bank.settle()
    pose = from_text(text)
    assert torch.allclose(z_of_page(bank), torch.tensor(pose.z))
    assert same(bank.digit(), picture(server, torch.tensor(pose.z)[None] * 0.8))
    bank.page.locator(".lp-text").fill("p1_torn")
    bank.page.keyboard.press("Enter")
    bank.page.wait_for_selector(".lp-wrong")
    assert torch.allclose(z_of_page(bank), torch.tensor(pose.z)), "what is wrong changes nothing"
    bank.page.locator(".lb-undo").click()
    assert torch.allclose(z_of_page(bank), sample_z(0, 1, 64)[0])
