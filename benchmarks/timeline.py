"""Timeline: how long after a step is chosen does the screen show its pictures?

    python -m benchmarks.timeline                   its own app, on a run with 200 snapshots that was never trained
    python -m benchmarks.timeline --url URL         an app that is already there; its run is the one URL?run=... names

A headless Chromium opens the tab: the first frame counts from then. Then it walks over the snapshots, one every 33 ms, as a
drag does, first while the pictures around are still being fetched, then with all of them there; a frame's time ends in
the first animation frame that shows the grid and the pose of its step, or of a later one.
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

SNAPSHOTS, EVERY_MS = 200, 33
FIRST_TARGET, NEXT_TARGET = 200, 50  # ms, on an idle machine
HOOK = "document.querySelector('.tl').parentElement"

# Resolves to the time in ms from the opening of the tab, or from the choice of a place, until everything of it is drawn.
FIRST = """() => new Promise(done => {
  const at = performance.now();
  ganLive.openTab('timeline');
  const frame = () => {
    const tab = document.querySelector('.tl')?.parentElement;
    if (tab && tab.settled && tab.lastShown.pose !== null && tab.settled()) done(performance.now() - at); else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""
WALK = """([from, count, every]) => new Promise(done => {
  const slider = document.querySelector('.tl-slider'), tab = document.querySelector('.tl').parentElement, waiting = [], times = [];
  let sent = 0;
  const frame = () => {
    const {grid, pose} = tab.lastShown, shown = Math.min(grid, pose);
    while (waiting.length && (shown >= waiting[0].step || tab.settled())) times.push(performance.now() - waiting.shift().at);
    if (times.length === count) done(times); else requestAnimationFrame(frame);
  };
  const move = () => {
    const at = performance.now();
    slider.value = from + sent;
    slider.dispatchEvent(new Event('input'));
    waiting.push({at, step: tab.lastShown.step});
    if (++sent === count) clearInterval(timer);
  };
  const timer = setInterval(move, every);
  requestAnimationFrame(frame);
})"""


@contextlib.contextmanager
def own_app() -> Iterator[str]:
    """The app, on a folder with one run of 200 snapshots; its address."""
    from gan_core import render
    from gan_core.config import make_config
    from gan_core.latent import generate, sample_z
    from gan_core.networks import build_pair
    from gan_core.presets import DEFAULT_PRESET
    from gan_core.runs import create_run
    from gan_core.saved import save_snapshot

    with tempfile.TemporaryDirectory() as folder:
        config = make_config(DEFAULT_PRESET, {"disk_mb": 1000})
        run = create_run(Path(folder) / "long", config, "", 0)
        for step in range(0, SNAPSHOTS * 10, 10):
            G, D = build_pair(make_config(DEFAULT_PRESET, {"seed": step}))
            grid = render.encode(render.grid(generate(G, sample_z(0, 25, config.z_dim))))
            save_snapshot(run, step, G, grid, D)
        with served(folder) as url:
            yield url + "?run=long"


def measure(url: str, times: int) -> tuple[dict[str, list[float]], str]:
    """Times in ms of first frames, and of the next ones before and after all is fetched; and the browser's version."""
    found: dict[str, list[float]] = {"first frame": [], "next, still fetching": [], "next, all fetched": []}
    with chromium() as browser:
        for _ in range(times):
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.goto(url + ("&" if "?" in url else "?") + "lang=en")
            page.wait_for_function("window.ganLive?.view?.run && document.querySelector('[data-tab-id=timeline]')")
            page.wait_for_timeout(2000)  # whatever a page does when it opens is not what is measured
            found["first frame"].append(page.evaluate(FIRST))
            last = int(page.evaluate("Number(document.querySelector('.tl-slider').max)"))
            found["next, still fetching"] += page.evaluate(WALK, [0, min(60, last + 1), EVERY_MS])
            page.wait_for_function(f"{HOOK}.prefetched()", timeout=60_000)
            found["next, all fetched"] += page.evaluate(WALK, [0, last + 1, EVERY_MS])
            page.context.close()
        return found, browser.version


def main() -> None:
    """Print the median and the 95th percentile beside their targets."""
    parser = argparse.ArgumentParser(description="Timeline: a chosen step to its pictures, in ms.")
    parser.add_argument("--url", help="measure this app instead of starting one")
    parser.add_argument("--times", type=int, default=5, help="pages to open (default 5)")
    arguments = parser.parse_args()
    with contextlib.nullcontext(arguments.url) if arguments.url else own_app() as url:
        found, browser = measure(url, arguments.times)
    for name, times in found.items():
        target = FIRST_TARGET if name == "first frame" else NEXT_TARGET
        p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
        print(
            f"{name}: p50 {statistics.median(times):.1f} ms, p95 {p95:.1f} ms (idle target {target}), "
            f"slowest {max(times):.1f} ms, {len(times)} frames"
        )
    print(f"{machine.describe()}, gradio: {version('gradio')}, Chromium: {browser}")


if __name__ == "__main__":
    main()
