"""How smoothly a walk plays: frames drawn in a second, and the longest time that one stood.

    python -m benchmarks.walk                  its own app, with a freshly initialised generator
    python -m benchmarks.walk --url URL        an app that is already there (perhaps while it trains)
    python -m benchmarks.walk --delay 300      every answer comes that many ms late, as over a long way

A headless Chromium keeps six poses on the Sample tab and lets the walk play. It aims at 30 frames a second.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from importlib.metadata import version
from typing import Any

from benchmarks import machine
from benchmarks.browser import chromium
from benchmarks.slider import own_app

POSES, SECONDS, TARGET = 6, 10, 25

# Runs in the page; resolves to the times in ms at which frames were drawn.
WATCH = """seconds => new Promise(done => {
  const {player} = document.querySelector('.lc-latent_walk').parentElement, begun = performance.now(), times = [];
  let drawn = player.drawn;
  const frame = now => {
    if (player.drawn !== drawn) { times.push(performance.now()); drawn = player.drawn; }
    if (performance.now() - begun > 1000 * seconds) done(times); else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""


def measure(url: str, delay: float) -> tuple[list[float], str]:
    """When frames were drawn, in ms, and the browser's version."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})

        def late(route: Any) -> None:
            time.sleep(delay / 1000)
            route.continue_()

        page.goto(url + ("&" if "?" in url else "?") + "lang=en&tab=explore")
        page.wait_for_selector(".lw-random:enabled", timeout=60_000)
        page.locator(".lw-random").scroll_into_view_if_needed()
        for kept in range(POSES):
            page.locator(".lw-random").click()
            page.wait_for_function(f"document.querySelectorAll('.lw-pose').length === {kept + 1}")
        if delay:
            page.route("**/lab/walk*", late)
        player = "document.querySelector('.lc-latent_walk').parentElement.player"
        page.wait_for_function(f"{player}.drawn > 0")
        return page.evaluate(WATCH, SECONDS), browser.version


def main() -> None:
    """Print frames a second beside their target, and the longest pause between two."""
    parser = argparse.ArgumentParser(description="Frames a second of a walk in the browser.")
    parser.add_argument("--url", help="measure this app instead of starting one")
    parser.add_argument("--delay", type=float, default=0, help="ms by which every answer comes late (default 0)")
    arguments = parser.parse_args()
    with contextlib.nullcontext(arguments.url) if arguments.url else own_app() as url:
        times, browser = measure(url, arguments.delay)
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    print(
        f"walk: {len(pauses) / (times[-1] - times[0]) * 1000:.1f} frames/s (target {TARGET}), a frame stands "
        f"{statistics.median(pauses):.1f} ms, at most {max(pauses):.0f} ms; {len(times)} frames, answers {arguments.delay:.0f} ms late"
    )
    print(f"{machine.describe()}, gradio: {version('gradio')}, Chromium: {browser}")


if __name__ == "__main__":
    main()
