"""The Timeline tab in Chromium, with the real stores and routes, on run folders made here without training."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_core import saved
from gan_core.config import make_config
from gan_core.latent import sample_z
from gan_core.loop import prepare
from gan_core.networks import build_pair
from gan_core.runner import Runner
from gan_core.runs import Run, create_run
from gan_ui.sampling import SampleServer
from gan_ui.strings import STRINGS
from tests.conftest import TINY
from tests.lively import lively
from tests.processes import wait_until

STEPS = (0, 100, 200, 300, 400)
HOOK = "document.querySelector('.tl').parentElement"
# what the doctor of a branch looks at, besides the digit-FID
MEASURED = {
    **{"count": 1000, "kid": 0.5, "precision": 0.4, "recall": 0.3, "nearest_real": 2.0, "batchnorm_drift": 0.01},
    **{"diversity": 9.0, "diversity_of_reals": 10.0, "histogram": [0.1] * 10},
}
ALERT = {"kind": "batchnorm_drift", "values": {}, "cure": {}}


def snapshot(run: Run, step: int) -> None:
    config, file = run.config(), io.BytesIO()
    Image.fromarray(np.full((8, 8), step % 251, np.uint8)).save(file, "webp", lossless=True)
    D = build_pair(config)[1] if step else None
    saved.save_snapshot(run, step, lively(step, config.z_dim), file.getvalue(), D)


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory, tiny_dataset: str) -> Path:
    return tmp_path_factory.mktemp("timeline") / "runs"


@pytest.fixture(scope="module")
def make_line(runs_dir: Path, tiny_dataset: str, cache: Path) -> Callable[..., Run]:
    """Makes a run with snapshots, measured at 90, 210 and 390, with an alert from 210 on."""

    def made(name: str, steps: tuple[int, ...] = STEPS, z_dim: int = 16) -> Run:
        settings = {"dataset": tiny_dataset, "steps": 20, **TINY, "z_dim": z_dim}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GAN_DATA_DIR", str(cache))
            config, facts = prepare(make_config("tutorial", settings))
        run = create_run(runs_dir / name, config, facts.sha256, facts.size)
        for step in steps:
            snapshot(run, step)
        rows = [(90, 20.5, []), (210, 12.25, [ALERT]), (390, 31.0, [ALERT])]
        lines = [
            {"step": at, "seconds": at, "digit_fid": fid, **MEASURED, "alerts": alerts} for at, fid, alerts in rows
        ]
        (run.folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return run

    return made


@pytest.fixture(scope="module")
def address(runs_dir: Path, cache: Path, make_line: Callable[..., Run], chromium: Any) -> Iterator[str]:
    import gradio as gr

    from gan_ui.app import build, launch_settings
    from gan_ui.jobs import Jobs
    from gan_ui.who import Who

    make_line("line")
    make_line("small", (100, 200), z_dim=8)
    create_run(runs_dir / "empty", make_config("tutorial"), "", 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_DATA_DIR", str(cache))  # for the process that trains a branch
        runner, samples, jobs, who = Runner(runs_dir), SampleServer(runs_dir), Jobs(), Who({})
        page: gr.Blocks = build(runner, samples, who)
        settings = launch_settings(runner, samples, jobs, who)
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **settings)
        yield url
        page.close(verbose=False)
        jobs.close()
        runner.close()


@pytest.fixture
def open_line(new_page: Callable[..., Any], address: str) -> Callable[..., Any]:
    """Opens the tab and waits until the run is on the screen."""

    def opened(run: str = "line", width: int = 1300, query: str = "lang=en") -> Any:
        # the browser itself reports a refusal as an error; what the page makes of it is tested
        page = new_page(width, 900, forgiven=("Failed to load resource",))
        page.set_default_timeout(30_000)
        page.goto(f"{address}?{query}&tab=timeline&run={run}")
        page.wait_for_selector(".tl:not(.tl-waiting)")
        settle(page, run)
        return page

    return opened


def settle(page: Any, run: str = "line") -> None:
    page.wait_for_function(
        f"{HOOK}.settled() && ({HOOK}.lastShown.run === '{run}' || !document.querySelector('.tl-none').hidden)"
    )


def words(page: Any, selector: str) -> str:
    return str(page.locator(selector).first.inner_text())


def pixels(page: Any, selector: str) -> np.ndarray:
    values = page.evaluate(
        """selector => { const canvas = document.querySelector(selector);
           return Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data) }""",
        selector,
    )
    return np.array(values).reshape(-1, 4)[:, 0]


def shows(page: Any, samples: SampleServer, step: int, run: str = "line", seed: int = 0) -> None:
    """Everything on the screen belongs to that step."""
    settle(page, run)
    z_dim = samples.find(run).config().z_dim
    assert words(page, ".tl-step") == f"step {step:,}"
    assert abs(pixels(page, ".tl-grid") - step % 251).max() <= 2
    assert np.array_equal(pixels(page, ".tl-pose"), samples.images(run, step, sample_z(seed, 1, z_dim))[0].flatten())


def press(page: Any, *keys: str) -> None:
    page.locator(".tl-slider").focus()
    for key in keys:
        page.keyboard.press(key)


def test_the_slider_moves_pictures_verdict_measurements_and_alerts_together(open_line, runs_dir):
    page, samples = open_line(), SampleServer(runs_dir)
    shows(page, samples, 400)
    press(page, "Home")
    shows(page, samples, 0)
    assert words(page, ".tl-measured-at") == "Nothing had been measured by this step."
    assert words(page, ".tl-verdict") == "D was not kept at this step, so there is no verdict."
    assert page.locator(".tl-alerts li").count() == 0
    press(page, "ArrowRight")
    shows(page, samples, 100)
    assert words(page, ".tl-measured-at") == "Measured at step 90"
    assert "20.50" in words(page, ".tl-found dl")
    assert words(page, ".tl-verdict").startswith("D of this step says 0.")
    assert page.locator(".tl-slider").get_attribute("aria-valuetext") == "step 100, snapshot 2 of 5"
    press(page, "ArrowRight")
    shows(page, samples, 200)
    assert words(page, ".tl-measured-at") == "Measured at step 210"
    assert page.locator(".tl-alerts li").count() == 1
    # the pose is the page's own: another z is another picture at once
    page.locator(".tl-random").click()
    page.wait_for_function("ganPose.pose.seed === 1")
    page.wait_for_function(f"{HOOK}.prefetched()")
    shows(page, samples, 200, seed=1)
    page.locator(".tl-track").click(position={"x": 8, "y": 30})
    shows(page, samples, 0, seed=1)


def test_it_jumps_to_the_best_and_to_where_an_alert_began_and_plays(open_line, runs_dir):
    page, samples = open_line(), SampleServer(runs_dir)
    page.locator(".tl-best").click()
    assert words(page, ".tl-best") == "★ Best digit-FID: 12.25, step 210"
    shows(page, samples, 200)
    press(page, "Home")
    page.locator(".tl-jumps button").click()
    shows(page, samples, 200)
    press(page, "Home", " ")
    assert words(page, ".tl-play") == "❚❚ Pause"
    page.wait_for_function("document.querySelector('.tl-slider').value === '2'")
    press(page, " ")
    assert words(page, ".tl-play") == "▶ Play"
    page.locator(".tl-play").click()
    page.wait_for_function("document.querySelector('.tl-play').textContent.includes('Play')")  # at the end it stops
    shows(page, samples, 400)


def test_it_grows_and_stays_at_the_end_unless_somebody_scrubs(open_line, make_line, runs_dir):
    run, samples = make_line("grows", (0, 100)), SampleServer(runs_dir)
    page = open_line("grows")
    snapshot(run, 200)
    page.wait_for_function("document.querySelector('.tl-slider').max === '2'")
    shows(page, samples, 200, "grows")
    press(page, "ArrowLeft")
    snapshot(run, 300)
    page.wait_for_function("document.querySelector('.tl-slider').max === '3'")
    shows(page, samples, 100, "grows")
    # a place that somebody leads to, or a link, is where one stays, as well
    page.evaluate("ganPlace.go({run: 'line', tab: 'timeline', step: 200})")
    settle(page, "line")
    page.evaluate("ganPlace.go({run: 'grows', tab: 'timeline', step: 100})")
    settle(page, "grows")
    snapshot(run, 400)
    page.wait_for_function("document.querySelector('.tl-slider').max === '4'")
    shows(page, samples, 100, "grows")
    # thinned out while it is looked at
    for path in run.folder.glob("snapshots/000100.*"):
        path.unlink()
    page.wait_for_selector(".tl-main > .tl-said:not([hidden])")
    assert "Step 100 is not kept any more" in words(page, ".tl-said")
    settle(page, "grows")
    # and deleted
    shutil.rmtree(run.folder)
    page.wait_for_function("document.querySelector('.tl-said').textContent.includes('deleted')")
    assert "grows was deleted meanwhile" in words(page, ".tl-said")
    page.wait_for_function("document.querySelector('.tl-run').value !== 'grows'")
    page.wait_for_function(f"{HOOK}.settled()")


def test_a_duel_shows_both_with_the_same_pose_or_says_why_not(open_line, runs_dir):
    page, samples = open_line(), SampleServer(runs_dir)
    page.locator(".td > summary").click()
    page.locator(".td-run").select_option("line")
    page.locator(".td-step").select_option("100")
    page.wait_for_function("document.querySelector('[data-side=there] .td-verdict').textContent")
    assert "step 100" in words(page, "[data-side=there] .td-name")
    z = sample_z(0, 1, 16)
    assert np.array_equal(pixels(page, "[data-side=there] .td-pose"), samples.images("line", 100, z)[0].flatten())
    assert np.array_equal(pixels(page, "[data-side=here] .td-pose"), samples.images("line", 400, z)[0].flatten())
    page.locator(".td-run").select_option("small")
    page.wait_for_selector(".td-refused:not([hidden])")
    assert words(page, ".td-refused") == (
        "line takes 16 values of z and small takes 8, so no pose fits both; choose another run."
    )
    assert not page.locator(".td-sides").is_visible()
    # a run whose z is of another length keeps the pose as it is, and says so
    page.locator(".tl-run").select_option("small")
    settle(page, "small")
    assert "16 values of z and this run takes 8" in words(page, ".tl-no-pose")
    assert page.locator(".tf-of option").last.is_disabled()
    page.locator(".tl-random").click()
    page.wait_for_function("ganPose.pose.z.length === 8")
    shows(page, samples, 200, "small", seed=1)
    page.locator(".tl-run").select_option("empty")
    settle(page, "empty")
    assert "empty has no snapshots" in words(page, ".tl-none")
    assert not page.locator(".tl-slider").is_visible()


def test_a_branch_says_what_it_restores_and_becomes_the_run_that_is_watched(open_line, runs_dir):
    page = open_line()
    press(page, "Home", "ArrowRight", "ArrowRight")
    page.locator(".tb > summary").click()
    page.wait_for_selector(".tb-form:not([hidden])")
    assert "Restores the snapshot of step 200: the weights only" in words(page, ".tb-origin")
    page.locator(".tb [name=lr_g]").fill("fast")
    page.locator(".tb [name=steps]").fill("5")
    page.locator(".tb-go").click()
    page.wait_for_selector(".tb-wrong:not([hidden])")
    assert words(page, ".tb-wrong:not([hidden])") == "lr_g must be a number, not “fast”."
    assert page.locator(".tb [name=lr_g]").get_attribute("aria-invalid") == "true"
    assert page.locator(".tb [name=steps]").input_value() == "5"
    page.locator(".tb [name=lr_g]").fill("0.002")
    page.locator(".tb-go").click()
    page.wait_for_selector(".tb-done:not([hidden])")
    branch = Run(next(runs_dir.glob("*-tutorial-*")))
    assert branch.document()["parent"] == {"run": "line", "step": 200, "kind": "snapshot"}
    assert (branch.config().lr_g, branch.config().steps) == (0.002, 205)
    assert branch.id in words(page, ".tb-done")
    settle(page, branch.id)
    # the tree: both runs, and a press goes back to the parent
    page.wait_for_selector(f".tt-rows [data-run='{branch.id}'] [aria-current=true]")
    assert "from step 200" in words(page, f".tt-rows [data-run='{branch.id}']")
    page.locator(".tt-rows [data-run=line] button").click()
    settle(page)
    wait_until(lambda: branch.state().status in ("finished", "failed") and not branch.alive())
    assert branch.state().status == "finished", branch.state().error
    page.locator(f".tt-rows [data-run='{branch.id}'] button").click()
    page.wait_for_function("document.querySelector('.tl-step').textContent === 'step 205'")
    press(page, "Home")
    assert "of line, before it branched" in words(page, ".tl-count")


def test_a_film_is_made_and_nonsense_is_refused_beside_its_button(open_line):
    page = open_line()
    page.locator(".tf > summary").click()
    page.locator(".tf-size").fill("huge")
    page.locator(".tf-go").click()
    page.wait_for_selector(".tf .jb-said:not([hidden])")
    assert words(page, ".tf .jb-said") == "size must be a number, not “huge”."
    page.locator(".tf-size").fill("56")
    page.locator(".tf-seconds").fill("1")
    page.locator(".tf-kind").select_option("gif")
    page.locator(".tf-of").select_option("pose")
    page.locator(".tf-go").click()
    page.wait_for_selector(".tf .jb-file:not([hidden])")
    assert "line-training.gif" in words(page, ".tf .jb-file")


def test_on_a_phone_in_chinese_nothing_sticks_out(open_line):
    page = open_line(width=390, query="lang=zh")
    for card in ("tb", "tf", "td"):
        page.locator(f".{card} > summary").click()
    page.wait_for_selector(".tb-form:not([hidden])")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert words(page, ".tb-go") == STRINGS["timeline.branch_go"][1]
    assert page.locator(".tl button:visible").evaluate_all("all => all.every(one => one.innerText.trim())")
