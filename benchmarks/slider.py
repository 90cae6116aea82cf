"""Slider to pixels: how long after a slider is moved does the screen show the digit of the new value?

    python -m benchmarks.slider                     its own app, with a freshly initialised generator
    python -m benchmarks.slider --view directions   the other sliders: one direction of z instead of one value
    python -m benchmarks.slider --url URL           an app that is already there (perhaps while it trains)

A headless Chromium drags one slider: 60 moves, 33 ms apart. The time of a move ends in the first animation frame whose
digit is of that value, or of a newer one. The map and the other cards are on the page, too.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks import machine
from benchmarks.browser import chromium, served

MOVES, EVERY_MS = 60, 33
TARGET_P50, TARGET_P95 = 30, 60  # ms, on an idle machine

VIEWS = {"dimensions": ".lb-bars", "directions": ".ld-slider"}  # what is dragged in each

# Runs in the page. The mouse button is already down; resolves to one time in ms for each move.
DRAG = """([selector, moves, every]) => new Promise(done => {
  const slider = document.querySelector(selector), element = document.querySelector('.lb').parentElement;
  const box = slider.getBoundingClientRect(), waiting = [], times = [];
  let sent = 0;
  const frame = () => {
    while (waiting.length && element.lastDrawn.zSerial >= waiting[0].serial) times.push(performance.now() - waiting.shift().at);
    if (times.length === moves) done(times); else requestAnimationFrame(frame);
  };
  const move = () => {
    const at = performance.now(), to = 0.4 * Math.sin(sent / 6);
    if (slider.type === 'range') {
      slider.value = 4 * to;
      slider.dispatchEvent(new Event('input', {bubbles: true}));
    } else {
      const clientX = box.left + box.width * 0.4, clientY = box.top + box.height * (0.5 + to);
      slider.dispatchEvent(new PointerEvent('pointermove', {clientX, clientY, pointerId: 1, bubbles: true}));
    }
    waiting.push({at, serial: element.zSerial});
    if (++sent === moves) clearInterval(timer);
  };
  const timer = setInterval(move, every);
  requestAnimationFrame(frame);
})"""


@contextlib.contextmanager
def own_app() -> Iterator[str]:
    """The app, on a folder with one run that was never trained; its address."""
    from gan_core.config import make_config
    from gan_core.networks import build_pair
    from gan_core.presets import DEFAULT_PRESET
    from gan_core.runs import create_run
    from gan_core.saved import save_snapshot

    with tempfile.TemporaryDirectory() as folder:
        config = make_config(DEFAULT_PRESET)
        save_snapshot(create_run(Path(folder) / "fresh", config, "", 0), 0, build_pair(config)[0], b"")
        with served(folder) as url:
            yield url + "?run=fresh"


def measure(url: str, view: str, drags: int) -> tuple[list[float], str]:
    """Times in ms of all moves of all drags, and the browser's version."""
    times: list[float] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url + ("&" if "?" in url else "?") + f"lang=en&view={view}")
        page.get_by_role("tab", name="Sample").click()
        settled = "(document.querySelector('.lb')?.parentElement.lastDrawn?.step ?? null) !== null"
        page.wait_for_function(settled, timeout=60_000)
        page.wait_for_timeout(2000)  # whatever a page does when it opens is not what is measured
        for _ in range(drags):
            box = page.locator(VIEWS[view]).first.bounding_box()
            assert box  # it is on the screen
            page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
            page.mouse.down()
            times += page.evaluate(DRAG, [VIEWS[view], MOVES, EVERY_MS])
            page.mouse.up()
            page.wait_for_timeout(500)
        return times, browser.version


def main() -> None:
    """Print the median and the 95th percentile beside their targets."""
    parser = argparse.ArgumentParser(description="Slider to pixels, in ms.")
    parser.add_argument("--url", help="measure this app instead of starting one")
    parser.add_argument("--drags", type=int, default=3, help="drags of 60 moves (default 3)")
    parser.add_argument("--view", choices=VIEWS, default="dimensions", help="which sliders (default dimensions)")
    arguments = parser.parse_args()
    with contextlib.nullcontext(arguments.url) if arguments.url else own_app() as url:
        times, browser = measure(url, arguments.view, arguments.drags)
    p95 = statistics.quantiles(times, n=20)[-1]
    print(
        f"slider to pixels, {arguments.view}: p50 {statistics.median(times):.1f} ms (idle target {TARGET_P50}), "
        f"p95 {p95:.1f} ms (idle target {TARGET_P95}), slowest {max(times):.1f} ms, {len(times)} moves"
    )
    print(f"{machine.describe()}, gradio: {version('gradio')}, Chromium: {browser}")


if __name__ == "__main__":
    main()
