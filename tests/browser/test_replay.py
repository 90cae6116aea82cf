"""A replay in Chromium, opened as people open it: from a file, with the network off."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_core import runs, saved
from gan_core.config import make_config
from gan_core.direction_names import name_direction
from gan_core.runs import Run, create_run
from gan_ui.replay import export
from tests.lively import lively

STEPS = (0, 100, 200, 400, 800, 1000)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with a best measurement in its middle, and an alert near its end."""
    run = create_run(tmp_path_factory.mktemp("runs") / "mine", make_config("tutorial", {"z_dim": 16}), "", 0)
    grids = sorted((runs.PRETRAINED / "best" / "snapshots").glob("*.webp"))
    for step, grid in zip(STEPS, grids, strict=False):
        saved.save_snapshot(run, step, lively(step, 16), grid.read_bytes())
    names = {"d_loss": 0.5, "g_loss": 0.9, "d_real": 0.6, "d_fake": 0.4}
    points = [{"step": step, "seconds": step / 50, **names} for step in range(10, 1001, 10)]
    alert = {
        "kind": "mode_collapse",
        "values": {"lost": 7, "lost_most": 5, "share": 0.1, "share_least": 0.45},
        "cure": {"r1_gamma": 0.3},
    }
    rest = {"count": 1000, "diversity": 9.0, "diversity_of_reals": 10.2, "histogram": [0.1] * 10}
    rows = [
        {"step": step, "seconds": step / 50, "digit_fid": fid, "alerts": [alert] if step > 500 else [], **rest}
        for step, fid in ((110, 30.0), (210, 20.0), (410, 12.5), (810, 40.0), (1000, 50.0))
    ]
    for name, lines in (("history", points), ("metrics", rows)):
        (run.folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    name_direction(run, STEPS[-1], 0, "slant <b>")
    run.write_state(runs.State(status="finished", step=1000, target=1000, seconds=20.0))
    return run


@pytest.fixture(scope="module")
def site(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sites") / "mine"
    export(run, folder)
    return folder


@pytest.fixture
def opened(new_page: Callable[..., Any], site: Path, errors: list[str]) -> Callable[..., Any]:
    """Opens a replay: opened(width, height, folder, ...). Whatever it asks of anybody else is an error."""

    def open_page(width: int = 1300, height: int = 900, folder: Path = site, **options: Any) -> Any:
        # waiting for a condition evaluates a string, which the page's own policy would forbid
        page = new_page(width, height, **{"locale": "en-US", "bypass_csp": True, **options})
        page.context.set_offline(True)
        page.on("request", lambda request: errors.extend([request.url] if request.url.startswith("http") else []))
        page.goto((folder / "index.html").as_uri())
        page.locator("#chart .gc:not(.gc-without)").wait_for()  # the chart has been drawn
        return page

    return open_page


def at(page: Any) -> str:
    return str(page.locator(".rp-at").text_content())


def wait_for_step(page: Any, step: int) -> None:
    page.wait_for_function("step => document.querySelector('.rp-at')?.textContent === 'step ' + step", arg=f"{step:,}")


def test_it_opens_on_the_last_step_with_words_for_everything(opened: Callable[..., Any]) -> None:
    page = opened(bypass_csp=False)
    assert page.title() == "Replay of mine"
    assert at(page) == "step 1,000"
    for _ in range(2):  # in each language
        said = page.evaluate(
            "[document.body.innerText, ...[...document.querySelectorAll('[aria-label], [title]')]"
            ".map(node => node.ariaLabel + ' ' + node.title)].join('\\n')"
        )
        assert not re.findall(r"\b(?:replay|chart|quality|doctor|grids)\.\w+|\{\w+\}|undefined|NaN|\[object", said)
        page.click("#rp-language")
    assert page.evaluate("document.querySelector('#rp-fakes').naturalWidth") == 148


def test_the_keys_scrub_and_play(opened: Callable[..., Any]) -> None:
    page = opened()
    page.focus("#rp-slider")
    last = page.get_attribute("#rp-fakes", "src")
    page.keyboard.press("ArrowLeft")
    wait_for_step(page, 800)
    assert page.get_attribute("#rp-fakes", "src") != last
    assert page.get_attribute("#rp-slider", "aria-valuetext") == "step 800, snapshot 5 of 6"
    assert page.locator(".gq-step").text_content() == "at step 810, 1,000 fakes"
    assert "40.0" in page.locator("[data-row=digit_fid] td").first.text_content()
    page.keyboard.press("Home")
    wait_for_step(page, 0)
    assert page.locator("#rp-unmeasured").is_visible()
    assert not page.locator("#quality").is_visible()
    assert page.is_disabled("#rp-back")
    page.keyboard.press("Space")
    assert page.locator("#rp-play").text_content() == "❚❚ Pause"
    page.wait_for_function("document.querySelector('#rp-play').textContent === '▶ Play'")
    assert at(page) == "step 1,000"
    page.click("#rp-best")
    wait_for_step(page, 400)
    assert page.locator("#rp-best").text_content() == "★ Best digit-FID: 12.50, step 410"


def test_the_alerts_are_told_where_they_began(opened: Callable[..., Any]) -> None:
    page = opened()
    page.click("#rp-jumps button")
    wait_for_step(page, 800)
    assert page.locator("#rp-jumps button").all_text_contents() == ["⚠ G draws too few kinds of digits · 800"]
    card = page.locator(".gx-alerts li")
    assert "7 digits make up less than 5 %" in card.text_content()
    assert not card.locator("button").is_visible()  # nothing can be cured here
    page.click("#rp-language")
    assert "G 画的数字种类太少" in card.text_content()
    page.click("#rp-back")
    assert card.count() == 0
    assert page.locator(".gx-calm").is_visible()


def test_the_language_is_the_browsers_then_the_last_chosen_and_dark_too(opened: Callable[..., Any], site: Path) -> None:
    page = opened(locale="zh-CN", color_scheme="dark")
    assert page.locator("h1").text_content() == "mine 的回放"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.evaluate("document.body.classList.contains('dark')")
    page.click("#rp-language")
    page.click("#rp-dark")
    page.reload()
    assert page.locator("h1").text_content() == "Replay of mine"
    assert page.locator("#rp-language").text_content() == "中文"
    assert not page.evaluate("document.body.classList.contains('dark')")


def test_a_place_in_the_curves_leads_to_its_step(opened: Callable[..., Any]) -> None:
    page = opened()
    for axis in ("steps", "seconds"):
        page.select_option(".gc-axis", axis)
        page.wait_for_function(
            "end => document.querySelector('#chart').chartLayout().end === end", arg=1000 if axis == "steps" else 20
        )
        page.press("#rp-slider", "End")
        wait_for_step(page, 1000)
        x = page.evaluate("(({x, end}) => x(0.42 * end))(document.querySelector('#chart').chartLayout())")
        page.locator(".gc-over").click(position={"x": x, "y": 80})
        wait_for_step(page, 400)
        page.wait_for_function("""() => {
          const {x, end} = document.querySelector('#chart').chartLayout();
          return Math.abs(parseFloat(document.querySelector('.rp-mark').style.left) - x(0.4 * end)) < 2; }""")


def tile(png: str, row: int, column: int) -> list[int]:
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))
    return [int(value) for value in picture[28 * row : 28 * row + 28, 28 * column : 28 * column + 28].ravel()]


def wait_for_digit(page: Any, wanted: list[int]) -> None:
    page.wait_for_function(
        """wanted => {
          const {data} = document.querySelector('#rp-digit').getContext('2d').getImageData(0, 0, 28, 28);
          return wanted.every((value, i) => data[4 * i] === value && data[4 * i + 3] === 255); }""",
        arg=wanted,
    )


def test_dragging_over_the_map_shows_its_digits_large(opened: Callable[..., Any]) -> None:
    page = opened()
    maps = page.evaluate("ganReplay.record.maps")
    mosaic = page.locator("#rp-mosaic")
    mosaic.scroll_into_view_if_needed()
    box = mosaic.bounding_box()
    middle = lambda place: (place + 0.5) * box["width"] / 24  # noqa: E731
    page.mouse.move(box["x"] + middle(3), box["y"] + middle(5))
    page.mouse.down()
    wait_for_digit(page, tile(maps[0]["png"], 5, 3))
    page.mouse.move(box["x"] + middle(20), box["y"] + middle(7), steps=4)
    wait_for_digit(page, tile(maps[0]["png"], 7, 20))
    page.mouse.up()
    here = page.locator("#rp-here")
    assert here.text_content().startswith("Here slant <b> is +2.2, and direction 2 is −1.2.")
    page.locator("#rp-choices button").nth(1).click()
    wait_for_digit(page, tile(maps[1]["png"], 7, 20))
    page.focus("#rp-mosaic")
    for key in ("ArrowRight", "ArrowUp", "+", "+"):
        page.keyboard.press(key)
    wait_for_digit(page, tile(maps[1]["png"], 6, 21))
    assert page.locator("#rp-zoom").text_content() == "4 ×"
    assert page.is_disabled("#rp-in")
    # six of the 24 columns are seen now; beyond the edge a drag moves on
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for _ in range(30):
        page.mouse.move(box["x"] - 20, box["y"] - 5)
        page.mouse.move(box["x"] - 25, box["y"] - 5)
    page.mouse.up()
    wait_for_digit(page, tile(maps[1]["png"], 0, 0))


def test_a_conditional_run_offers_its_digits(opened: Callable[..., Any], tmp_path: Path) -> None:
    export(Run(runs.PRETRAINED / "conditional"), tmp_path / "site")
    page = opened(folder=tmp_path / "site")
    assert page.locator("#rp-choices button").all_text_contents() == [str(digit) for digit in range(10)]
    page.get_by_role("button", name="Draw a 7").click()
    page.wait_for_function("document.querySelector('#rp-here').textContent.endsWith('reads it as 7.')")


def test_it_fits_a_phone(opened: Callable[..., Any]) -> None:
    page = opened(390, 800)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#rp-mosaic").tap(position={"x": 20, "y": 20})
    page.wait_for_function("document.querySelector('#rp-here').textContent.includes('−')")
    small = page.evaluate(
        "[...document.querySelectorAll('.rp-buttons button, #rp-choices button, .rp-switches button')]"
        ".filter(node => node.offsetWidth && (node.offsetHeight < 32 || node.offsetWidth < 32)).length"
    )
    assert small == 0
