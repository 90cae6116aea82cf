"""A class in several browsers at once: the owner, visitors, who follows whom, and what each keeps to itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from gradio_client import Client

from gan_core.runs import Run
from tests.conftest import TINY
from tests.processes import App, wait_until

TOKEN = "open sesame"
OPEN_TAB = "document.querySelector('button[role=tab][aria-selected=true]')?.dataset.tabId"
PICTURE = "document.querySelector('#explore .lb-digit')?.toDataURL()"
BLANK = "Object.assign(document.createElement('canvas'), {width: 28, height: 28}).toDataURL()"
SETTINGS = {name: value for name, value in TINY.items() if name != "checkpoint_every"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[App]:
    with App(tmp_path_factory.mktemp("class") / "runs", cache, GAN_OWNER_TOKEN=TOKEN) as app:
        yield app


@pytest.fixture(scope="module")
def two_runs(app: App, tiny_dataset: str) -> list[str]:
    """Two finished runs, the older one first."""
    owner = Client(app.url, verbose=False, headers={"X-Owner-Token": TOKEN})
    ids = []
    for seed in (1, 2):
        overrides = json.dumps({"dataset": tiny_dataset, **SETTINGS})
        run = Run(app.runs_dir / owner.predict("tutorial", 20, seed, overrides, api_name="/start"))
        _wait_for_the_end(run)
        ids.append(run.id)
    return sorted(ids)


def _wait_for_the_end(run: Run) -> None:
    wait_until(lambda: run.state().status == "finished" and not run.alive())


@pytest.fixture
def open_page(app: App, new_page: Callable[..., Any], two_runs: list[str]) -> Callable[..., Any]:
    """Opens the page in a browser of its own, and waits until it shows a run and knows who its visitor is."""

    def opened(query: str = "?lang=en", width: int = 1300) -> Any:
        page = new_page(width, 900)
        page.set_default_timeout(30_000)
        page.goto(app.url + "/" + query)
        page.wait_for_function("window.ganLive?.view?.run && ganLive.view.me")
        page.wait_for_function("document.querySelector('.ga-role')?.textContent")
        return page

    return opened


def shows(page: Any, run: str) -> None:
    page.wait_for_function("run => window.ganLive?.view?.run === run", arg=run)


def test_the_owners_link_opens_everything_and_disappears(open_page: Callable[..., Any]) -> None:
    owner = open_page("?owner=open+sesame&lang=en")
    assert "owner" not in owner.url
    assert "You are the owner" in owner.text_content(".ga-role")
    owner.wait_for_function("document.querySelector('button#start')?.disabled === false")
    owner.reload()
    owner.wait_for_function("window.ganLive?.view?.me?.role === 'owner'")


def test_a_visitor_is_told_what_is_not_allowed_and_cannot_press_it(open_page: Callable[..., Any]) -> None:
    visitor = open_page("?owner=guess&lang=en")
    assert visitor.is_visible(".ga-refused")
    assert "You are a visitor" in visitor.text_content(".ga-role")
    visitor.wait_for_function("document.querySelector('button#start')?.disabled")
    for button in ("pause", "resume", "stop", "more"):
        assert visitor.is_disabled(f"button#{button}")
    visitor.wait_for_function("document.querySelectorAll('.gr-runs [data-action=delete]').length === 2")
    assert visitor.evaluate(
        "[...document.querySelectorAll('.gr-runs [data-action=delete]')].every(b => b.disabled && b.title)"
    )
    assert not visitor.is_visible(".ga-lead")
    visitor.click("#language label:has-text('中文')")
    visitor.wait_for_function("document.querySelector('.ga-role')?.textContent.includes('访客')")


def test_two_browsers_keep_run_language_and_pose_to_themselves(
    open_page: Callable[..., Any], two_runs: list[str]
) -> None:
    older, newer = two_runs
    one, other = open_page(f"?lang=en&tab=explore&run={older}"), open_page(f"?lang=zh&tab=explore&run={newer}")
    for page, run in ((one, older), (other, newer)):
        shows(page, run)
        page.wait_for_function(f"{OPEN_TAB} === 'explore'")
        page.wait_for_function(f"{PICTURE} !== undefined && {PICTURE} !== {BLANK}")
    before, mine = other.evaluate(PICTURE), one.evaluate(PICTURE)
    one.get_by_role("button", name="Randomise").first.click()
    one.wait_for_function(f"before => {PICTURE} !== before", arg=mine)
    one.evaluate("ganLive.poke()")
    other.evaluate("ganLive.poke()")
    shows(other, newer)
    shows(one, older)
    assert other.evaluate(PICTURE) == before
    assert (one.evaluate("ganLive.language"), other.evaluate("ganLive.language")) == ("en", "zh")
    visitors = [page.evaluate("ganLive.view.me.visitor") for page in (one, other)]
    assert visitors[0] != visitors[1]


def test_who_follows_goes_where_the_owner_goes_and_stops_when_the_owner_does(
    open_page: Callable[..., Any], two_runs: list[str]
) -> None:
    older, newer = two_runs
    owner, follower, other = open_page("?owner=open+sesame&lang=en"), open_page(), open_page()
    asked: list[str] = []
    follower.on("request", lambda request: asked.append(urlparse(request.url).path))
    owner.click(".ga-menu summary")
    owner.check(".ga-lead input")
    follower.wait_for_selector(".ga-follow:not([hidden])")
    follower.click(".ga-follow")
    follower.evaluate("window.went = []; ganPlace.on('go', place => went.push(place))")
    owner.evaluate("run => ganLive.select(run)", older)
    shows(follower, older)
    owner.keyboard.press("Escape")
    owner.click("button[role=tab][data-tab-id=compare]")
    follower.wait_for_function(f"{OPEN_TAB} === 'compare'")
    owner.evaluate("ganPlace.set({step: 500})")  # as a tab with a slider of its own does
    follower.wait_for_function("went.at(-1)?.step === 500")
    assert other.evaluate("ganLive.view.run") == newer  # who did not ask to follow is left alone
    assert other.evaluate(OPEN_TAB) == "train"
    assert {path for path in asked if "lead" in path} == set()  # the poll brings it
    owner.click(".ga-menu summary")
    owner.uncheck(".ga-lead input")
    follower.wait_for_selector(".ga-follow", state="hidden")


def test_a_lesson_link_opens_what_the_teacher_saw(open_page: Callable[..., Any], two_runs: list[str]) -> None:
    older, _ = two_runs
    teacher = open_page(f"?lang=zh&run={older}")
    shows(teacher, older)
    teacher.click("#setting-preset [data-preset=lsgan]")
    teacher.click("button[role=tab][data-tab-id=compare]")
    teacher.wait_for_function(f"{OPEN_TAB} === 'compare'")
    teacher.click(".ga-menu summary")
    teacher.check(".ga-parts input[value=lock]")
    link = teacher.input_value(".ga-url")
    query = {name: values[0] for name, values in parse_qs(urlparse(link).query).items()}
    assert query == {"preset": "lsgan", "run": older, "tab": "compare", "lang": "zh", "lock": "1"}
    teacher.uncheck(".ga-parts input[value=run]")
    assert "run=" not in teacher.input_value(".ga-url")

    pupil = open_page("?" + urlparse(link).query, width=390)
    shows(pupil, older)
    pupil.wait_for_function(f"{OPEN_TAB} === 'compare'")
    pupil.wait_for_function("document.querySelector('#setting-preset [aria-checked=true]')?.dataset.preset === 'lsgan'")
    assert pupil.evaluate("ganLive.language") == "zh"
    pupil.tap("button[role=tab][data-tab-id=train]")
    pupil.wait_for_selector("#start", state="visible")
    for hidden in (".gl-others", "#changing", ".pc-list", ".ga-menu", ".gr-buttons"):
        assert not pupil.locator(hidden).first.is_visible()
