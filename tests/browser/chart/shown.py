"""A page with the chart and nothing else, what to send to it, and how to see what it drew."""

from __future__ import annotations

import json
import random
from typing import Any

from gan_core.curves import SERIES
from gan_ui.components.chart import CSS, HTML, JS
from tests.browser.bare import bare_page

PAGE = bare_page(HTML, CSS, JS).replace("const part =", "const chart = document.getElementById('part'), part =")
BLUE, ORANGE, DARK_BLUE = (0, 114, 178), (213, 94, 0), (90, 180, 238)
GREEN = (0, 121, 90)
LOSSES, PROBABILITIES, DIGIT_FID = (0.0, 0.42), (0.42, 0.69), (0.69, 1.0)  # shares of the canvas's height


def view(n: int = 100, every: int = 10, run: str = "run-1", wild: float = 1.0) -> dict[str, Any]:
    """A made-up training of n points: losses that drift apart, with noise."""
    noise = random.Random(n)
    series: dict[str, Any] = {name: {"lo": [], "hi": [], "mean": []} for name in SERIES}
    for i in range(n):
        t = i / max(1, n - 1)
        for name, mean in (
            ("d_loss", 0.7 - 0.4 * t),
            ("g_loss", 0.7 + 2 * t),
            ("d_real", 0.5 + 0.4 * t),
            ("d_fake", 0.5 - 0.4 * t),
            ("grad_d", 0.1 + t),
            ("grad_g", 0.3 - 0.2 * t),
        ):
            value = mean + wild * 0.03 * noise.uniform(-1, 1)
            for part, shift in (("lo", -0.02), ("mean", 0.0), ("hi", 0.02)):
                series[name][part].append(round(value + shift * wild, 4))
    steps = [every * (i + 1) for i in range(n)]
    curves = {"x": steps, "seconds": [step / 50 for step in steps], "series": series}
    return {"run": run, "status": "running", "curves": curves}


def measured(n: int = 5, every: int = 200, **changes: Any) -> dict[str, Any]:
    """What was measured n times beside it: digit-FIDs that fall."""
    columns = {
        "step": [every * (i + 1) for i in range(n)],
        "seconds": [every * (i + 1) / 50 for i in range(n)],
        "digit_fid": [200 / (i + 1) for i in range(n)],
        "precision": [0.1 + i / 10 for i in range(n)],
        "recall": [0.05 + i / 10 for i in range(n)],
    }
    newest = {"step": every * n, "digit_fid": 200 / max(1, n)}
    floor = {"digit_fid": 0.43, "precision": 0.87, "recall": 0.86}
    return {"columns": columns, "newest": newest, "floor": floor, "alerts": [], "marks": [], **changes}


def send(page: Any, sent: dict[str, Any] | str) -> None:
    """Gives the chart a view (JSON text may hold what Python has no value for) and waits until it is drawn."""
    draws = page.evaluate("chart.chartStats.draws")
    page.evaluate(f"ganLive.send('view', {sent if isinstance(sent, str) else json.dumps(sent)})")
    drawn(page, draws)


def drawn(page: Any, draws: int) -> None:
    page.wait_for_function("draws => chart.chartStats.draws > draws", arg=draws)


def change(page: Any, script: str) -> None:
    draws = page.evaluate("chart.chartStats.draws")
    page.evaluate(script)
    drawn(page, draws)


def pixels(page: Any, colour: tuple[int, int, int], part: tuple[float, float]) -> int:
    """How many opaque pixels of (nearly) this colour a horizontal part of the canvas has."""
    return int(
        page.evaluate(
            """([colour, from, to]) => {
      const c = document.querySelector('.gc-base'), top = Math.round(c.height * from);
      const {data} = c.getContext('2d').getImageData(0, top, c.width, Math.round(c.height * to) - top);
      let count = 0;
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 250 && colour.every((value, k) => Math.abs(value - data[i + k]) < 12)) count++;
      return count; }""",
            [list(colour), *part],
        )
    )


def picture(page: Any) -> str:
    return str(page.evaluate("document.querySelector('.gc-base').toDataURL()"))


def values(page: Any) -> dict[str, str]:
    return {name: page.locator(f"[data-series={name}] .gc-value").text_content() for name in SERIES}
