"""The preset cards, the presets that fail on purpose, and data sets other than digits, in the real app."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gan_core.config import make_config
from gan_core.loop import prepare, train_run
from gan_core.presets import DEFAULT_PRESET, PRESETS
from gan_core.runs import Run, create_run
from gan_core.trainer import Measured, Trainer
from gan_ui.components import doctor, preset_cards
from gan_ui.strings import STRINGS
from tests.browser.bare import bare_page
from tests.processes import App

Open = Callable[..., Any]
STATUS = "document.querySelector('#status .gs-pill')?.dataset.status"
SMALL = {"width": "4", "batch_size": "16", "z_dim": "8", "seconds": "0", "log_every": "2", "checkpoint_every": "5"}
DOOMED = next(preset for preset in PRESETS.values() if preset.cure and not preset.afresh)
BEYOND_MENDING = next(preset for preset in PRESETS.values() if preset.afresh)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, cache: Path, tiny_dataset: str) -> Iterator[App]:
    with App(tmp_path_factory.mktemp("presets") / "runs", cache) as app:
        yield app


@pytest.fixture
def open_page(app: App, new_page: Open) -> Open:
    """Opens the app's page."""

    def opened(query: str = "", width: int = 1300, **options: Any) -> Any:
        page = new_page(width, 900, **options)
        page.set_default_timeout(30_000)
        page.goto(app.url + "/" + query)
        page.wait_for_selector("#start")
        page.wait_for_function("document.querySelector('.gs-pill')?.textContent && ganLive.view")
        return page

    return opened


@pytest.fixture(autouse=True)
def _no_run_is_left(app: App) -> Iterator[None]:
    yield
    for folder in app.runs_dir.iterdir():
        run = Run(folder)
        while run.alive() or run.state().status == "queued":
            run.set_wish("stop")


@pytest.fixture
def train(app: App, tiny_dataset: str) -> Callable[..., Run]:
    """Trains a run in the app's folder, in this process: train("name", preset, steps=...)."""

    def trained(name: str, preset: str = DEFAULT_PRESET, **changes: Any) -> Run:
        overrides = {**SMALL, "dataset": tiny_dataset, "threads": 1, "precision": "fp32", **changes}
        config, facts = prepare(make_config(preset, overrides))
        run = create_run(app.runs_dir / name, config, facts.sha256, facts.size)
        train_run(run)
        return run

    return trained


def fill(page: Any, name: str, value: str) -> None:
    page.locator(f"#setting-{name} textarea, #setting-{name} input").first.fill(value)


def wait_status(page: Any, status: str) -> None:
    page.wait_for_function(f"{STATUS} === {status!r}")


def wait_words(page: Any, selector: str, words: str) -> None:
    page.wait_for_function(
        "([selector, words]) => document.querySelector(selector)?.innerText.includes(words)", arg=[selector, words]
    )


# --- the cards ---


def bare_cards(new_page: Open, width: int = 340, **changes: Any) -> Any:
    page = new_page(width, 760)
    page.set_content(bare_page(preset_cards.HTML, preset_cards.CSS, preset_cards.JS, {"value": "a", **changes}))
    return page


def card(name: str, **changes: Any) -> dict[str, Any]:
    about = {"en": f"about {name}", "zh": f"关于 {name}"}
    return {"name": name, "about": about, "seconds": 60, "fails": False, "picture": "", **changes}


def test_every_preset_has_a_card_in_its_group_and_no_picture_is_broken(open_page: Open) -> None:
    page = open_page()
    for fails, group in ((False, "no"), (True, "yes")):
        names = page.eval_on_selector_all(
            f".pc [data-fails={group}] [role=radio]", "all => all.map(one => one.dataset.preset)"
        )
        assert names == [preset.name for preset in PRESETS.values() if bool(preset.cure) == fails]
    page.locator(".pc summary").click()
    for preset in PRESETS.values():
        shown = page.locator(f"[data-preset='{preset.name}']")
        assert shown.is_visible()
        assert shown.locator("small").inner_text().startswith("≈")
        assert shown.locator("img").count() == (preset_cards.PICTURES / f"{preset.name}.webp").exists()
    page.wait_for_function(
        "[...document.querySelectorAll('.pc img')].every(one => one.complete && one.naturalWidth > 0)"
    )


def test_fifteen_cards_leave_room_for_start(open_page: Open, new_page: Open) -> None:
    assert open_page().locator("#start").bounding_box()["y"] < 850
    assert open_page(width=390).locator("#start").bounding_box()["y"] < 800
    many = [card(f"preset-{n}", fails=n > 8) for n in range(15)]
    assert bare_cards(new_page, cards=many).locator(".pc").bounding_box()["height"] < 450
    assert bare_cards(new_page, 360, cards=many).evaluate("document.documentElement.scrollWidth") <= 360


def test_a_picture_is_said_after_the_name_and_a_damaged_one_leaves_the_frame(new_page: Open) -> None:
    good = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='2' height='1'/%3E"
    cards = [card("a", picture=good), card("b", picture="data:image/webp;base64,AAAA"), card("c")]
    cards.append(card("d", picture=good, fails=True))
    page = bare_cards(new_page, cards=cards)
    page.wait_for_function("document.querySelectorAll('.pc img').length === 2")
    page.get_by_role("radio", name="a ≈ 1 min 8 fakes from the end of such a training", exact=True).wait_for()
    page.get_by_text("Break it").click()
    page.get_by_role("radio", name="d ≈ 1 min 8 fakes from such a training that failed", exact=True).wait_for()
    sizes = page.eval_on_selector_all(".pc [data-fails=no] .pc-picture", "all => all.map(one => one.offsetHeight)")
    assert len(set(sizes)) == 1
    page.evaluate("ganLive.send('language', 'zh')")
    assert page.locator("[data-preset=a] img").get_attribute("alt") == STRINGS["presets.picture"][1]


def test_tab_reaches_the_cards_also_when_the_chosen_one_is_folded_away(new_page: Open) -> None:
    page = bare_cards(new_page, cards=[card("a"), card("b"), card("c", fails=True)], value="c")
    assert page.locator(".pc-broken").get_attribute("open") is not None
    assert page.locator("[tabindex='0']").get_attribute("data-preset") == "c"
    page.locator(".pc summary").click()
    page.wait_for_selector("[data-preset=a][tabindex='0']")
    assert page.locator("[role=radio][tabindex='0']").count() == 1
    page.locator("[data-preset=a]").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("props.value") == "b"
    page.locator(".pc summary").click()
    page.locator("[data-preset=b]").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("props.value") == "c"


# --- presets that fail on purpose, and the doctor ---


def test_a_run_that_failed_with_nan_offers_the_cure_and_its_branch_is_watched(
    open_page: Open, train: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    measurements = Trainer.measurements

    def blow_up(trainer: Trainer) -> list[Measured]:
        rows = measurements(trainer)
        return [row._replace(g_loss=math.nan) for row in rows] if trainer.step_count >= 8 else rows

    monkeypatch.setattr(Trainer, "measurements", blow_up)
    run = train("20260101-nan", BEYOND_MENDING.name, steps=1000)
    assert (run.state().error or {})["key"] == "not_finite"
    assert not run.metrics()[0]
    page = open_page(f"?run={run.id}")
    wait_status(page, "failed")
    assert BEYOND_MENDING.about[0] in page.inner_text("#doctor .gx-lesson")
    assert page.locator("#doctor .gx-calm, #doctor .gx-waits").locator("visible=true").count() == 0
    wait_words(page, "#quality", "Nothing was measured in this run.")
    assert "from step 0" in page.inner_text("#doctor .gx-lesson .gx-offer")
    page.get_by_role("button", name="Cure").click()
    page.wait_for_function(f"ganLive.view.run !== {run.id!r}")
    wait_status(page, "running")
    branch = page.evaluate("ganLive.view")
    assert branch["parent"] == {"run": run.id, "step": 0, "kind": "start"}
    for name, value in BEYOND_MENDING.cure.items():
        assert branch["settings"][name] == (list(value) if isinstance(value, tuple) else value)
    page.wait_for_function("ganLive.view.step > 20")
    assert page.inner_text("#doctor .gx-lesson").startswith("This run has the cure")
    assert page.get_by_role("button", name="Cure").count() == 0
    wait_words(page, "#runs li[aria-current=true]", f"{BEYOND_MENDING.name} · branch")


def test_the_cure_of_a_run_that_trains_pauses_it_and_goes_on_from_there(
    open_page: Open, tiny_dataset: str, app: App
) -> None:
    page = open_page()
    page.locator(".pc summary").click()
    page.locator(f"[data-preset='{DOOMED.name}']").click()
    page.get_by_role("button", name="More settings").click()
    wanted = json.dumps(str(PRESETS[DOOMED.name].settings.get("batch_size", 128)))
    page.wait_for_function(
        f"document.querySelector('#setting-batch_size textarea, #setting-batch_size input')?.value === {wanted}"
    )
    page.locator("#setting-dataset input").click()
    page.get_by_role("option", name=tiny_dataset).click()
    for name, value in {**SMALL, "steps": "1000000", "checkpoint_every": "1000000"}.items():
        fill(page, name, value)
    page.click("#start")
    page.wait_for_function(f"ganLive.chosen && ganLive.view.run === ganLive.chosen && {STATUS} === 'running'")
    run = Run(app.runs_dir / page.evaluate("ganLive.view.run"))
    page.wait_for_function("ganLive.view.step > 10")
    assert "Pauses this run" in page.inner_text("#doctor .gx-lesson")
    page.get_by_role("button", name="Cure").click()
    page.wait_for_function(f"ganLive.view.run !== {run.id!r}")
    wait_status(page, "running")
    assert run.state().status == "paused"
    origin = {"run": run.id, "step": run.state().step, "kind": "checkpoint"}
    assert page.evaluate("ganLive.view.parent") == origin
    assert run.state().step > 10


def test_new_numbers_leave_a_finding_its_focus_its_fold_and_its_button(new_page: Open) -> None:
    def send(*kinds: str, share: float) -> None:
        texts = {text: {"en": f"{text} {share}", "zh": "中"} for text in ("title", "measured", "reading", "try")}
        alerts = [{"kind": kind, "cure": {"lr_d": 0.5}, **texts} for kind in kinds]
        page.evaluate(
            "view => ganLive.send('view', view)",
            {"run": "r", "status": "running", "measured": {"newest": {"step": 1}, "alerts": alerts}},
        )

    page = new_page(700, 700)
    page.set_content(bare_page(doctor.HTML, doctor.CSS, doctor.JS))
    send("first", "anything", share=0.1)
    assert page.eval_on_selector_all("details", "all => all.map(one => one.open)") == [True, False]
    page.locator("[data-kind=anything] summary").click()
    page.locator("button[data-kind=anything]").focus()
    send("first", "anything", share=0.2)
    assert page.inner_text("[data-kind=anything] .gx-measured") == "measured 0.2"
    assert page.evaluate("document.activeElement.dataset.kind") == "anything"
    page.keyboard.press("Enter")
    send("anything", share=0.3)
    assert page.locator("li").count() == 1
    assert page.locator("button[data-kind=anything]").is_disabled()  # one branch is enough
    assert page.evaluate("fired") == [["cure", {"run": "r", "kind": "anything"}]]
    page.evaluate("fromPython({run: '', message: 'refused'})")
    assert page.locator("button[data-kind=anything]").is_enabled()


# --- other data sets, and other times ---


def test_what_only_digits_have_is_said_to_be_unavailable_elsewhere(open_page: Open, train: Callable[..., Run]) -> None:
    run = train("20260102-images", steps=10)
    page = open_page(f"?run={run.id}")
    page.wait_for_function("ganLive.view.measured?.newest")
    for language, word in enumerate(("not available", "不适用")):
        for name in ("digit_fid", "kid", "precision", "recall", "nearest_real"):
            wait_words(page, f"#quality [data-row={name}] td", word)
        assert float(page.inner_text("#quality [data-row=diversity] td")) > 0
        wait_words(page, "#histogram", STRINGS["quality.no_histogram"][language])
        assert not page.locator("#histogram ol").is_visible()
        for panel in ("fid", "pr"):
            chip = page.locator(f"#chart [data-panel={panel}]")
            assert chip.is_disabled()
            assert chip.get_attribute("title") == STRINGS["chart.no_judge"][language]
        page.locator("#language").get_by_text("中文").click()
        page.wait_for_function("document.documentElement.lang === 'zh-CN'")


def test_presets_of_all_kinds_are_compared(open_page: Open, train: Callable[..., Run], mnist: str) -> None:
    images, digits = train("20260103-images", steps=10), train("20260103-digits", "tutorial", steps=10, dataset=mnist)
    page = open_page(width=390)
    page.get_by_role("tab", name="Compare").click()
    for run in (images.id, digits.id, "best", "tutorial"):
        page.locator(f".gk-runs [data-run='{run}']").click()
    page.wait_for_function("document.querySelectorAll('.gk tbody tr').length === 4")
    rows = {
        row.get_attribute("data-run"): row.locator("td").all_inner_texts()[1:]
        for row in page.locator(".gk tbody tr").all()
    }
    assert rows[images.id] == ["not available"] * 2
    assert all(float(value) > 0 for run in (digits.id, "best", "tutorial") for value in rows[run])
    drawn = "document.querySelector('.gk').parentElement.drawn()"
    for axis in ("step", "seconds"):
        page.locator(".gk-axis").select_option(axis)
        page.locator(".gk-log-x").set_checked(axis == "step")
        page.wait_for_function(f"{drawn}.length === 3")
        ends = page.evaluate(f"Object.fromEntries({drawn}.map(line => [line.id, line.x.at(-1)]))")
        slower, slowest = ("best", "tutorial") if axis == "step" else ("tutorial", "best")  # whose batches are large
        assert ends[digits.id] < ends[slower] < ends[slowest]
    page.locator(".gk-quantity").select_option("g_loss")
    page.wait_for_function(f"{drawn}.length === 4")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_run_of_a_preset_that_is_gone_does_not_stop_the_page(open_page: Open, train: Callable[..., Run]) -> None:
    run, other = train("20260104-gone", steps=10), train("20260104-other", steps=10)
    text = (run.folder / "config.json").read_text()
    (run.folder / "config.json").write_text(text.replace(f'"preset": "{DEFAULT_PRESET}"', '"preset": "long-gone"'))
    page = open_page(f"?run={run.id}")
    page.wait_for_function("ganLive.view.curves.x.length > 3")
    assert page.evaluate("ganLive.view.run") == run.id
    assert not page.locator("#doctor .gx-lesson").is_visible()
    page.wait_for_selector("#reuse:not([disabled])")
    page.click("#reuse")
    page.wait_for_selector("#start-notice p")
    page.locator("#runs li", has_text=other.id).locator("small").click()  # the card, not its thumbnail
    page.wait_for_function(f"ganLive.view.run === {other.id!r}")
    wait_status(page, "finished")
