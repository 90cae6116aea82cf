"""Which generator the Sample tab draws with, and what it shows where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from gan_core import saved
from gan_core.latent import sample_z
from gan_core.runs import Run
from gan_ui.sampling import Blend
from gan_ui.strings import STRINGS
from tests.browser.sample.bank import SHIPPED, picture, same
from tests.lively import lively


def test_snapshots_and_live(open_bank, server, runs_dir):
    bank = open_bank()
    z = sample_z(0, 1, 64)
    choice = bank.page.locator(".lb-snapshot")
    assert choice.locator("option").all_inner_texts() == ["live (newest)", "step 1,000", "step 500"]
    choice.select_option("500")
    bank.settle()
    assert bank.page.locator(".lb-step").inner_text() == "step 500"
    assert np.array_equal(bank.digit(), picture(server, z, step=500))
    bank.view(live_version=2, snapshots=[1000, 2000])  # 500 was thinned out: the nearest takes over
    bank.settle()
    assert choice.input_value() == "1000"
    assert bank.page.locator(".lb-step").inner_text() == "step 1,000"
    choice.select_option("live")
    bank.settle()
    run = Run(runs_dir / "first")
    try:
        for step in (1001, 1002):
            saved.save_live(run, step, lively(step, 64), b"")
            bank.view(live_version=step)
            bank.settle()
            assert bank.page.locator(".lb-step").inner_text() == f"step {step:,}"
            assert np.array_equal(bank.digit(), picture(server, z))
    finally:
        (run.folder / "live.safetensors").unlink()
        saved.snapshot_path(run, 1000).touch()
        server._loaded.clear()


def test_another_run_keeps_z_where_it_fits(open_bank, server):
    bank = open_bank()
    bank.page.mouse.click(*bank.at(5, 3))
    bank.settle()
    z = bank.values()
    bank.page.locator(".lb-run").select_option("small")
    assert bank.page.evaluate("ganLive.chosen") == "small"
    bank.view("small")  # what the store answers
    bank.page.wait_for_function("document.querySelectorAll('.lb-bar').length === 6")
    bank.settle()
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 6), "small"))
    bank.view("first")
    bank.page.wait_for_function("document.querySelectorAll('.lb-bar').length === 64")
    bank.settle()
    assert np.allclose(bank.values(), sample_z(0, 1, 64)[0].numpy(), atol=0.005)
    bank.page.mouse.click(*bank.at(5, 3))
    bank.settle()
    bank.view("first", status="finished", step=4000)  # the same run, further on
    bank.settle()
    assert np.array_equal(bank.values(), z)


def test_no_run_yet(open_bank):
    bank = open_bank("", shown=False)
    bank.open()
    assert "No training yet" in bank.page.locator(".lb").inner_text()
    assert bank.page.locator(".lb-digit").is_hidden()
    assert bank.asked == []
    bank.view("first")  # somebody pressed Start
    bank.settle()
    assert bank.digit().any()
    assert bank.page.locator(".lb-none").is_hidden()


def test_a_refusal_is_shown_in_place_and_mends_itself(open_bank, runs_dir, server):
    bank = open_bank()
    bank.page.mouse.click(*bank.at(5, 3))
    bank.settle()
    old, z = bank.digit(), bank.values()
    bank.view("young", live_version=0, snapshots=[])
    trouble = bank.page.locator(".lb-trouble")
    trouble.wait_for()
    assert trouble.inner_text() == "The run young has nothing to sample yet; wait for its first steps."
    assert np.array_equal(bank.digit(), old)  # dimmed, but there
    bank.page.wait_for_function("getComputedStyle(document.querySelector('.lb-digit')).opacity < 0.5")
    bank.page.evaluate("ganLive.send('language', 'zh')")
    assert trouble.inner_text() == "训练 young 还没有可采样的内容；请等它开始。"
    run = Run(runs_dir / "young")
    saved.save_live(run, 1, lively(1, 64), b"")
    try:
        bank.settle()  # without anybody telling the page
        assert trouble.is_hidden()
        assert np.array_equal(bank.values(), z)  # another run, the same z
        assert np.array_equal(bank.digit(), picture(server, bank.last_z(), "young"))
        bank.page.wait_for_function("getComputedStyle(document.querySelector('.lb-digit')).opacity > 0.9")
    finally:
        (run.folder / "live.safetensors").unlink()


def test_a_lost_connection_is_shown_and_mends_itself(open_bank, server):
    bank = open_bank()
    bank.page.route("**/lab/**", lambda route: route.abort())
    bank.page.mouse.click(*bank.at(8, 3))
    trouble = bank.page.locator(".lb-trouble")
    trouble.wait_for()
    assert trouble.inner_text() == STRINGS["explore.unreachable"][0]
    bank.page.mouse.click(*bank.at(9, -3))
    bank.page.unroute("**/lab/**")
    bank.settle()
    assert trouble.is_hidden()
    assert bank.values()[[8, 9]] == pytest.approx([3, -3], abs=0.1)
    assert np.array_equal(bank.digit(), picture(server, bank.last_z()))


def test_a_tab_that_is_not_seen_asks_nothing(open_bank):
    bank = open_bank(shown=False)
    bank.view(live_version=2)
    bank.page.wait_for_timeout(400)
    assert bank.asked == []
    bank.open()
    bank.settle()
    asked = len(bank.asked)
    assert asked >= 3
    bank.page.get_by_role("tab", name="Other").click()
    bank.page.locator(".lb").wait_for(state="hidden")
    bank.page.wait_for_timeout(100)
    for version in range(3, 6):
        bank.view(live_version=version)
        bank.page.wait_for_timeout(100)
    assert len(bank.asked) == asked
    bank.page.get_by_role("tab", name="Sample").click()  # seen again: catches up
    bank.settle()
    assert len(bank.asked) > asked


def test_whoever_has_chosen_nothing_sees_the_best_that_ships(open_bank, server):
    bank = open_bank(pretrained=SHIPPED)
    assert bank.page.locator(".lb-run").input_value() == "best"
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 16), "best"))
    bank.view("first", pretrained=SHIPPED, step=1001)  # the training goes on: still the best
    bank.settle()
    assert bank.page.locator(".lb-run").input_value() == "best"
    bank.page.evaluate("ganLive.chosen = 'first'")  # Start was pressed, or a run opened
    bank.view("first", pretrained=SHIPPED)
    bank.settle()
    assert bank.page.locator(".lb-run").input_value() == "first"
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 64)))
    bank.page.locator(".lb-run").select_option("best")
    bank.settle()
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 16), "best"))
    assert bank.page.evaluate("ganLive.chosen") == "first"


def test_what_ships_is_there_before_any_training(open_bank, server):
    bank = open_bank("", runs=[], live_version=0, snapshots=[], pretrained=SHIPPED)
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 16), "best"))


def test_a_conditional_run_draws_the_digit_that_is_pressed(open_bank, server):
    bank = open_bank(pretrained=SHIPPED)
    assert not bank.page.locator(".lb-classes").is_visible()
    bank.page.locator(".lb-run").select_option("conditional")
    bank.settle()
    z = sample_z(0, 1, 16)
    as_digits = bank.pixels(".lb-class canvas")
    for digit in (0, 3, 9):
        assert same(as_digits[digit], server.images("conditional", None, z, Blend(digit))[0][0, 0].numpy())
    assert same(bank.digit(), as_digits[7])
    assert same(bank.tiles()[12], bank.digit())
    bank.page.get_by_role("button", name="Draw a 3").click()
    bank.settle()
    assert same(bank.digit(), as_digits[3])
    assert bank.page.get_by_role("button", name="Draw a 3").get_attribute("aria-pressed") == "true"
    bank.page.get_by_role("button", name="Each in turn").click()
    bank.settle()
    assert same(bank.digit(), as_digits[0])
    assert same(bank.tiles()[12], as_digits[2])
