"""The Share tab in a browser, with the real app and the stand-in Hub: push, pull, a look at publishing, a replay, an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import render, saved
from gan_core.config import make_config
from gan_core.runs import create_run
from tests.hub.standin import StandIn
from tests.lively import lively
from tests.processes import App, wait_until


@pytest.fixture(scope="module")
def hub() -> Iterator[StandIn]:
    with StandIn() as hub:
        hub.building = ["BUILDING", "RUNNING"]
        yield hub
        assert not hub.sent_token_outside


@pytest.fixture(scope="module")
def app(hub: StandIn, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("share") / "runs"
    run = create_run(folder / "small", make_config("tutorial", {"z_dim": 16, "dataset": "mnist"}), "0" * 64, 60_000)
    saved.save_snapshot(run, 500, lively(1), render.encode(torch.zeros(140, 140, dtype=torch.uint8)))
    environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_bob", "HF_HOME": str(folder.parent / "hf")}
    with App(folder, cache, GAN_PUSH_REPO="bob/kept", **environment) as app:
        yield app


class Tab:
    """The Share tab of a page."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        page.set_default_timeout(30_000)
        page.goto(address)
        page.wait_for_selector("[data-card=push] .sh-will", state="visible")
        page.wait_for_function("ganLive.view?.run")

    def fill(self, card: str, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"[data-card={card}] [name={name}]", value)

    def press(self, card: str, what: str) -> None:
        self.page.click(f"[data-card={card}] [data-t=do_{what}]")

    def says(self, card: str, part: str, text: str) -> None:
        where = f"[data-card={card}] .{part}:not([hidden])"
        self.page.wait_for_function(
            "([where, text]) => document.querySelector(where)?.textContent.includes(text)", arg=[where, text]
        )


@pytest.fixture
def open_tab(app: App, new_page: Callable[..., Any]) -> Callable[..., Tab]:
    def opened(query: str = "?lang=en&run=small&tab=share", width: int = 1300) -> Tab:
        return Tab(new_page(width, 900, forgiven=("422",)), app.url + "/" + query)

    return opened


def test_a_run_goes_to_the_hub_and_comes_back(open_tab: Callable[..., Tab], hub: StandIn, app: App) -> None:
    tab = open_tab()
    tab.says("push", "sh-will", "Uploads small to USER/NAME, about")
    tab.press("push", "push")
    tab.says("push", "jb-said", "Type a name first")
    tab.fill("push", repo="bob/no--dashes")
    tab.press("push", "push")
    tab.says("push", "jb-said", "cannot be a name on Hugging Face")
    tab.fill("push", repo="alice/digits")
    tab.press("push", "push")
    tab.says("push", "jb-said", "may not do that to alice/digits")
    assert ("models", "alice/digits") not in hub.repositories
    tab.fill("push", repo="bob/digits", tag="v1")
    tab.page.check("[data-card=push] [name=private]")
    tab.says("push", "sh-will", "Nobody else can see it")
    tab.page.press("[data-card=push] [name=tag]", "Enter")
    tab.says("push", "sh-done", "Pushed:")
    assert tab.page.get_attribute("[data-card=push] .sh-done a", "href") == f"{hub.url}/bob/digits"
    assert hub["bob/digits"].private
    tab.fill("pull", repo="bob/nothing")
    tab.press("pull", "pull")
    tab.says("pull", "jb-said", "There is no bob/nothing")
    tab.fill("pull", repo="bob/digits@v1")
    tab.press("pull", "pull")
    tab.says("pull", "sh-done", "among the runs")
    tab.page.wait_for_function("ganLive.view.run.includes('digits')")
    assert tab.page.input_value(".sh-run") == tab.page.evaluate("ganLive.view.run")


def test_publishing_shows_first_what_it_will_do(open_tab: Callable[..., Tab], hub: StandIn) -> None:
    tab = open_tab()
    tab.fill("publish", repo="bob/gan")
    tab.page.select_option("[data-card=publish] [name=hardware]", "cpu-basic")
    tab.press("publish", "look")
    tab.says("publish", "jb-said", "A free account cannot host")
    assert not tab.page.is_visible(".sh-go")
    tab.page.select_option("[data-card=publish] [name=hardware]", "")
    tab.page.check("[data-card=publish] [name=with_run]")
    tab.press("publish", "look")
    tab.says("publish", "sh-will", "ZeroGPU is what a free account may host")
    tab.says("publish", "sh-will", "With them goes small")
    tab.says("publish", "sh-will", "checkpoints/pretrained")
    assert ("spaces", "bob/gan") not in hub.repositories
    tab.fill("publish", repo="bob/other")  # what was looked at is not what would be published
    assert not tab.page.is_visible(".sh-go")
    tab.fill("publish", repo="bob/gan")
    tab.press("publish", "look")
    tab.page.click(".sh-go")
    tab.says("publish", "jb-facts", "being built")
    tab.says("publish", "sh-done", "It runs:")
    assert "checkpoints/runs/small/config.json" in hub.repositories["spaces", "bob/gan"].files


def test_a_replay_is_downloaded_on_a_phone_and_in_chinese(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab("?lang=zh&run=small&tab=share", width=390)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    tab.says("push", "sh-will", "所有人可见")
    tab.page.select_option(".sh-run", "best")  # which ships, and is no run of the page
    tab.says("replay", "sh-will", "把 best 做成网页")
    tab.page.select_option(".sh-run", "small")
    tab.press("replay", "replay")
    tab.page.wait_for_selector("[data-card=replay] .jb-file", state="visible")
    with tab.page.expect_download() as download:
        tab.page.click("[data-card=replay] .jb-file")
    assert download.value.suggested_filename == "small-replay.html"
    assert "GAN Live replay" in Path(download.value.path()).read_text("utf-8")


def test_the_page_says_that_the_runs_are_kept(open_tab: Callable[..., Tab], hub: StandIn) -> None:
    tab = open_tab()
    tab.page.wait_for_function("document.querySelector('.kp')?.textContent.includes('Runs are kept in bob/kept')")
    wait_until(lambda: "runs/small/gan-live.json" in hub["bob/kept"].files)
    assert hub["bob/kept"].private


def test_the_tabs_agree_on_the_run_that_is_explored(open_tab: Callable[..., Tab]) -> None:
    page = open_tab("?tab=share").page

    def chosen(run: str) -> None:
        for tab, box in (("explore", ".lb-run"), ("timeline", ".tl-run"), ("share", ".sh-run")):
            page.evaluate("tab => ganLive.openTab(tab)", tab)
            page.wait_for_function("([box, run]) => document.querySelector(box)?.value === run", arg=[box, run])

    chosen("best")  # whoever has chosen nothing
    page.select_option(".sh-run", "small")
    chosen("small")
    page.evaluate("ganLive.openTab('timeline')")
    page.select_option(".tl-run", "conditional")
    chosen("conditional")
    page.reload()
    page.wait_for_function("window.ganLive?.view?.run")
    chosen("conditional")
