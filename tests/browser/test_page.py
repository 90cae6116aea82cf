"""The whole page in a browser, as a learner uses it, against the real app and real trainings."""

from __future__ import annotations

import json
import signal
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_core.config import make_config
from gan_core.loop import prepare
from gan_core.runs import Run, State, create_run
from tests.processes import App, wait_until

STATUS = "document.querySelector('#status .gs-pill')?.dataset.status"
POINTS = "window.ganLive && ganLive.view && ganLive.view.curves ? ganLive.view.curves.x.length : 0"
FIELDS = {
    "seconds": "0",
    "steps": "1000000",
    "width": "4",
    "batch_size": "16",
    "z_dim": "8",
    "log_every": "2",
    "snapshot_every": "50",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, cache: Path, tiny_dataset: str) -> Iterator[App]:
    with App(tmp_path_factory.mktemp("page") / "runs", cache) as app:
        yield app


# Chromium also logs answers of 422 (a value was refused) and, while the app is away, refused connections.
FORGIVEN = ("422", "ERR_CONNECTION_REFUSED")


@pytest.fixture
def open_page(app: App, new_page: Callable[..., Any], errors: list[str]) -> Callable[..., Any]:
    """Opens the page, which may ask no other host than this."""

    def opened(width: int = 1300, *, query: str = "", **options: Any) -> Any:
        def asked(request: Any) -> None:
            if "//127.0.0.1" not in request.url and request.url.startswith("http"):
                errors.append(request.url)

        page = new_page(width, 900, forgiven=FORGIVEN, **options)
        page.set_default_timeout(30_000)
        page.on("request", asked)
        page.goto(app.url + "/" + query)
        page.wait_for_selector("#start")
        page.wait_for_function("document.querySelector('.gs-pill')?.textContent")
        return page

    return opened


@pytest.fixture(autouse=True)
def _no_run_is_left(app: App) -> Iterator[None]:
    """Stop whatever a test left running, so that the next one's Start is not queued."""
    yield
    if app.process.poll() is not None:
        app.start()
    for folder in app.runs_dir.iterdir():
        run = Run(folder)
        while run.alive() or run.state().status == "queued":
            run.set_wish("stop")


def fill(page: Any, name: str, value: str) -> None:
    page.locator(f"#setting-{name} textarea, #setting-{name} input").first.fill(value)


def choose(page: Any, name: str, value: str) -> None:
    page.locator(f"#setting-{name} input").click()
    page.get_by_role("option", name=value).click()
    chosen = f"document.querySelector('#setting-{name} input')?.value.startsWith({value!r})"
    page.wait_for_function(chosen)
    page.wait_for_function("!document.querySelector('ul.options, [role=listbox]')")  # it closes a moment later


def start(page: Any, dataset: str, **fields: str) -> str:
    """Fill in the form, press Start, and return the id of the run that begins."""
    before = page.evaluate("ganLive.chosen")
    choose(page, "dataset", dataset)
    page.get_by_role("button", name="More settings").click()
    for name, value in {**FIELDS, **fields}.items():
        fill(page, name, value)
    page.click("#start")
    # a page that shows no run of its own follows whatever trains: only its own choice says that Start was answered
    page.wait_for_function(f"ganLive.chosen !== {before!r} && ganLive.view.run === ganLive.chosen")
    page.wait_for_function(f"['running', 'finished', 'queued'].includes({STATUS})")
    return str(page.evaluate("ganLive.view.run"))


def wait_status(page: Any, status: str) -> None:
    page.wait_for_function(f"{STATUS} === {status!r}")


def make_run(app: App, name: str, **changes: Any) -> Run:
    """A run folder as training leaves it, without the training."""
    config, facts = prepare(make_config("tutorial", {"steps": 20, **FIELDS, **changes}))
    run = create_run(app.runs_dir / name, config, facts.sha256, facts.size)
    run.write_state(State(status="stopped", step=20, target=20))
    return run


def measured(step: int, **values: Any) -> str:
    """A line of metrics.jsonl."""
    row = {"step": step, "seconds": step / 10, "count": 1000, "digit_fid": 50 - step, "histogram": [0.1] * 10}
    return json.dumps({**row, "alerts": [], **values}) + "\n"


def pixels(page: Any, selector: str) -> str:
    return str(page.evaluate(f"document.querySelector({selector!r}).toDataURL()"))


def test_start_watch_reload_pause_resume_stop_and_train_more(
    app: App, open_page: Callable[..., Any], tiny_dataset: str
) -> None:
    page = open_page()
    run = start(page, tiny_dataset)
    page.wait_for_function(f"{POINTS} > 3")
    curves = pixels(page, ".gc-base")
    picture = page.get_attribute(".gg-fakes", "src")
    page.wait_for_function(f"document.querySelector('.gc-base').toDataURL() !== {curves!r}")
    page.wait_for_function(f"document.querySelector('.gg-fakes').getAttribute('src') !== {picture!r}")
    assert page.evaluate("document.querySelector('.gg-reals').naturalWidth") == 5 * 28 + 4 * 2

    shown = page.evaluate(POINTS)
    page.reload()
    page.wait_for_function(f"{POINTS} >= {shown}")
    assert page.evaluate("ganLive.view.run") == run

    second = open_page()
    wait_status(second, "running")
    page.click("#pause")
    wait_status(page, "paused")
    wait_status(second, "paused")
    second.wait_for_selector("#resume:not([disabled])")
    assert second.is_disabled("#pause")
    step = page.evaluate("ganLive.view.step")
    second.click("#resume")
    wait_status(page, "running")
    page.wait_for_function(f"ganLive.view.step > {step}")
    page.click("#stop")
    wait_status(second, "stopped")
    step = Run(app.runs_dir / run).state().step
    page.locator("#more-steps input, #more-steps textarea").fill("12")
    page.click("#more:not([disabled])")
    wait_status(page, "finished")
    assert page.evaluate("ganLive.view.step") == step + 12
    assert Run(app.runs_dir / run).state().status == "finished"


def test_a_slider_moves_the_digit_while_it_trains(open_page: Callable[..., Any], tiny_dataset: str) -> None:
    page = open_page()
    start(page, tiny_dataset)
    page.get_by_role("tab", name="Sample").click()
    digit = ".lb-digit"
    page.wait_for_function("document.querySelector('#explore .lb').parentElement.settled()")
    page.get_by_role("button", name="Reset").click()
    before = pixels(page, digit)
    page.get_by_role("button", name="Dimensions").click()
    page.locator(".lb-bars").get_by_role("slider").first.focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    page.wait_for_function(f"document.querySelector({digit!r}).toDataURL() !== {before!r}")
    assert page.evaluate("ganLive.view.status") == "running"


def test_a_second_start_queues_and_says_so(open_page: Callable[..., Any], tiny_dataset: str) -> None:
    page, other = open_page(), open_page()
    first = start(page, tiny_dataset)
    second = start(other, tiny_dataset, steps="4")
    wait_status(other, "queued")
    assert first in other.inner_text(".gs-waiting")
    assert page.evaluate("ganLive.view.run") == first
    page.click("#stop")
    wait_status(other, "finished")
    assert other.evaluate("ganLive.view.run") == second


def test_bad_input_is_answered_at_its_field_in_the_visitors_language(app: App, open_page: Callable[..., Any]) -> None:
    page = open_page(locale="zh-HK")
    page.get_by_role("button", name="开始训练").wait_for()
    before = sorted(app.runs_dir.iterdir())
    fill(page, "lr_g", "0")
    fill(page, "steps", "abc")
    page.click("#start")
    page.wait_for_selector("#setting-lr_g :text('必须大于')")
    page.wait_for_selector("#setting-steps :text('必须是数字')")
    fill(page, "lr_g", "1e-5")
    fill(page, "steps", "5")
    page.get_by_role("button", name="更多设置").click()
    fill(page, "batch_size", "4000")
    choose(page, "dataset", "images-")
    page.click("#start")
    # the first Start after the app's imports torch in it, which takes long on a busy machine
    answered = "document.querySelector('#start-notice').innerText.includes('batch_size') || ganLive.chosen"
    page.wait_for_function(answered, timeout=60_000)
    assert not page.evaluate("ganLive.chosen"), "it was started"
    assert sorted(app.runs_dir.iterdir()) == before


def test_languages_switch_on_the_page_and_are_remembered(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.get_by_role("tab", name="Train").wait_for()
    page.locator("#language").get_by_text("中文").click()
    page.get_by_role("tab", name="训练").wait_for()
    page.get_by_role("button", name="开始训练").wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert "平滑" in page.inner_text("#chart")
    page.reload()
    page.get_by_role("tab", name="训练").wait_for()
    page.locator("#language").get_by_text("English").click()
    page.get_by_role("tab", name="Train").wait_for()


@pytest.mark.parametrize("query", ["", "?__theme=dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(open_page: Callable[..., Any], query: str) -> None:
    page = open_page(390, query=query)
    for tab in ("Sample", "Compare", "Train"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [page.locator(selector).bounding_box()["y"] for selector in ("#start", "#status", "#chart", "#setting-lr_g")]
    assert tops == sorted(tops)


def test_deleting_a_run_asks_first(app: App, open_page: Callable[..., Any], tiny_dataset: str) -> None:
    page = open_page()
    run = start(page, tiny_dataset, steps="4")
    wait_status(page, "finished")
    card = page.locator("#runs li", has_text=run)
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("button", name="Keep").click()
    assert (app.runs_dir / run).exists()
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("button", name="Delete for good").click()
    card.wait_for(state="detached")
    assert not (app.runs_dir / run).exists()


def test_a_reload_keeps_the_tab_and_the_network_that_sample_shows(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.get_by_role("tab", name="Sample").click()
    page.wait_for_function(
        "[...document.querySelectorAll('.lb-run option')].some(each => each.value === 'conditional')"
    )
    page.locator(".lb-run").select_option("conditional")
    page.wait_for_function("new URL(location).searchParams.get('net') === 'conditional'")
    page.reload()
    page.wait_for_function(
        "document.querySelector('button[role=tab][aria-selected=true]')?.dataset.tabId === 'explore'"
    )
    page.wait_for_function("document.querySelector('.lb-run')?.value === 'conditional'")


def test_what_was_wrong_with_a_file_is_over_once_something_else_is_chosen(
    open_page: Callable[..., Any], tmp_path: Path
) -> None:
    page = open_page()
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    page.get_by_role("button", name="Use your own images").click()
    page.locator("#own-images input[type=file]").set_input_files(tmp_path / "bad.zip")
    page.wait_for_selector("#own-images-notice :text('⚠')")
    page.click("#setting-preset [data-preset=dcgan]")
    page.wait_for_function("!document.querySelector('#own-images-notice').innerText.trim()")


def test_own_images_become_a_data_set(open_page: Callable[..., Any], tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for index in range(70):
            path = tmp_path / f"{index}.png"
            Image.fromarray(random.integers(0, 256, (20, 30), dtype=np.uint8)).save(path)
            archive.write(path, path.name)
        archive.writestr("broken.png", b"not a picture")
    page = open_page()
    page.get_by_role("button", name="Use your own images").click()
    page.locator("#own-images input[type=file]").set_input_files(tmp_path / "mine.zip")
    page.wait_for_selector("#own-images-notice :text('70 images')")
    assert "broken.png" in page.inner_text("#own-images-notice")
    name = page.locator("#setting-dataset input").input_value()
    assert name.startswith("images-")
    other = open_page()  # also on a page that opens later
    other.locator("#setting-dataset input").click()
    other.get_by_role("option", name=name).wait_for()
    for name, value in {**FIELDS, "steps": "4"}.items():
        if name == "width":
            page.get_by_role("button", name="More settings").click()
        fill(page, name, value)
    page.click("#start")
    wait_status(page, "finished")


def test_a_preset_fills_in_the_form_and_its_fakes_are_measured(
    app: App, open_page: Callable[..., Any], mnist: str
) -> None:
    page = open_page()
    page.locator("[data-preset=tutorial]").click()
    page.wait_for_function("document.querySelector('#setting-lr_g input, #setting-lr_g textarea')?.value === '1e-05'")
    page.locator("[data-preset=minute]").click()
    page.wait_for_function(
        "document.querySelector('#setting-seconds input, #setting-seconds textarea')?.value === '60'"
    )
    fill(page, "seconds", "3")
    page.get_by_role("button", name="More settings").click()
    fill(page, "width", "4")
    page.click("#start")
    page.wait_for_function("ganLive.chosen && ganLive.view.run === ganLive.chosen")  # not the run watched before
    wait_status(page, "finished")
    page.wait_for_function("parseFloat(document.querySelector('#quality [data-row=digit_fid] td')?.innerText) >= 0")
    page.wait_for_function("ganLive.view.measured.newest?.step === ganLive.view.step")
    assert float(page.inner_text("#quality [data-row=digit_fid] td")) > 1
    assert page.locator("#histogram .gq-bar").count() == 11
    assert "not comparable" in page.inner_text("#quality").lower()


def test_a_setting_changed_while_it_trains_is_applied_and_marked(
    app: App, open_page: Callable[..., Any], tiny_dataset: str
) -> None:
    page = open_page()
    run = Run(app.runs_dir / start(page, tiny_dataset, lr_g="0.002"))
    page.get_by_role("button", name="Change while it trains").click()
    box = page.locator("#live-lr_g textarea, #live-lr_g input").first
    page.wait_for_selector("#apply:not([disabled])")
    assert box.input_value() == "0.002"
    box.fill("nonsense")
    page.click("#apply")
    page.wait_for_selector("#live-lr_g :text('must be a number')")
    box.fill("0.001")
    page.click("#apply")
    page.wait_for_selector("#change-notice :text('lr_g 0.002 → 0.001')")
    page.wait_for_function("document.querySelector('.gc').parentElement.chartLayout().marks.length === 1")
    assert [event["settings"] for event in run.events() if event["event"] == "changed"] == [{"lr_g": 0.001}]
    page.click("#stop")
    wait_status(page, "stopped")
    page.wait_for_selector("#apply[disabled]")


def test_an_alert_is_shown_and_a_change_is_drawn(app: App, open_page: Callable[..., Any], tiny_dataset: str) -> None:
    run = make_run(app, "20200101-000000-ill", dataset=tiny_dataset)
    alert = {"kind": "made-up", "values": {}, "cure": {"lr_d": 0.0005}}
    (run.folder / "metrics.jsonl").write_text(measured(10) + measured(20, alerts=[alert]))
    page = open_page(query=f"?run={run.id}")
    page.locator(".gx-alerts li[data-kind=made-up]").wait_for()
    assert "lr_d = 0.0005" in page.inner_text("#doctor")
    with open(run.folder / "metrics.jsonl", "a") as file:
        file.write(measured(30))
    page.locator("#doctor .gx-calm").wait_for()
    assert not page.locator(".gx-alerts li").count()


def test_a_cure_branches_and_the_page_watches_the_branch(
    app: App, open_page: Callable[..., Any], tiny_dataset: str
) -> None:
    page = open_page()
    run = Run(app.runs_dir / start(page, tiny_dataset, steps="6"))
    wait_status(page, "finished")
    alert = {"kind": "made-up", "values": {}, "cure": {"lr_d": 0.0005}}
    with open(run.folder / "metrics.jsonl", "a") as file:
        file.write(measured(7, alerts=[alert]))
    page.locator("#doctor li[data-kind=made-up] button").click()
    page.wait_for_function(f"ganLive.view.run !== {run.id!r}")
    branch = Run(app.runs_dir / page.evaluate("ganLive.view.run"))
    assert branch.config().lr_d == 0.0005
    assert branch.document()["parent"] == {"run": run.id, "step": 6, "kind": "checkpoint"}
    page.wait_for_selector(f".gs-parent:text('{run.id}')")


def test_runs_are_compared_on_their_tab(app: App, open_page: Callable[..., Any], tiny_dataset: str) -> None:
    runs = [make_run(app, f"20200102-00000{n}-compared", dataset=tiny_dataset) for n in range(2)]
    for run in runs:
        (run.folder / "metrics.jsonl").write_text(measured(10) + measured(20))
    page = open_page()
    page.get_by_role("tab", name="Compare").click()
    for run in runs:
        page.locator(f".gk-runs [data-run='{run.id}']").click()
    page.wait_for_function("document.querySelector('.gk').parentElement.drawn()?.length === 2")
    assert page.locator(".gk tbody tr").all_inner_texts()[0].split() == [runs[0].id, "30.00", "30.00"]


def test_the_app_may_die_and_come_back_under_an_open_page(
    app: App, open_page: Callable[..., Any], tiny_dataset: str
) -> None:
    page = open_page()
    run = start(page, tiny_dataset)
    page.wait_for_function(f"{POINTS} > 3")
    fill(page, "seed", "77")
    folder = Run(app.runs_dir / run)
    app.stop(signal.SIGKILL)
    page.wait_for_selector(".gs-offline:not([hidden])")
    wait_until(lambda: not folder.alive())
    assert folder.state().status == "stopped"
    fresh = open_page  # the address changes with the port: a new page, as after a restart of the machine
    app.start()
    again = fresh()
    wait_status(again, "stopped")
    again.click("#resume:not([disabled])")
    wait_status(again, "running")
