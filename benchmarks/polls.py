"""Many pages that look at many long runs: how long their polls take, warm, and while somebody opens one more run.

    python -m benchmarks.polls [SECONDS] [--pages N] [--points N]

Each page polls twice a second as live.js does, a run of its own, from one process of this machine. Printed: how long it
took until every page had its whole curve, and the polls' times (p50, p95, longest) in the SECONDS after that, in which
nothing is new, and in as many in which a page opens one long run after another that nobody has looked at yet.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks.load import POLL_EVERY, Visitor, answers
from benchmarks.machine import describe
from benchmarks.page import ROOT, wait
from gan_core.config import make_config
from gan_core.loop import prepare
from gan_core.runs import State, create_run


def make_runs(runs_dir: Path, count: int, points: int) -> list[str]:
    """Stopped runs with a history of so many points each, which is one file on the disk."""
    config, facts = prepare(make_config("tutorial"))
    history = runs_dir.parent / "history.jsonl"
    random = np.random.default_rng(0)
    with open(history, "w", encoding="utf-8") as file:
        for step, row in enumerate(random.random((points, 6)).round(6).tolist(), 1):
            names = ("d_loss", "g_loss", "d_real", "d_fake", "grad_d", "grad_g")
            point = dict(zip(names, row, strict=True))
            file.write(json.dumps({"step": step * 10, "seconds": round(step / 7, 3), **point}) + "\n")
    for number in range(count):
        run = create_run(runs_dir / f"20260101-{number:03d}", config, facts.sha256, facts.size)
        run.write_state(State(status="stopped", step=points * 10, target=points * 10))
        os.link(history, run.folder / "history.jsonl")
    return [f"20260101-{number:03d}" for number in range(count)]


class Page:
    """A page as live.js is: remembers the version and the points it has."""

    def __init__(self, url: str, run: str) -> None:
        self.codes: Counter[int] = Counter()
        self.times: list[float] = []
        self.last = 0
        self._visitor = Visitor(url, self.codes, self.times)
        self._run = run
        self._known: dict[str, Any] = {"version": 0, "generation": "", "tag": ""}
        self._count = 0

    async def poll(self) -> None:
        """One request."""
        asked = {"run": self._run, "since": self._known["version"], "generation": self._known["generation"]}
        query = urlencode({**asked, "count": self._count, "tag": self._known["tag"]})
        answer = await self._visitor.ask("GET", "/gradio_api/lab/live?" + query)
        if answer.startswith(b"{"):
            fresh = json.loads(answer)
            self._known |= {name: fresh[name] for name in ("version", "generation")}
            self._known["tag"] = (fresh.get("measured") or {}).get("tag", self._known["tag"])
            self._count = fresh["curves"]["from"] + len(fresh["curves"]["x"])
            self.last = fresh["curves"]["x"][-1] if fresh["curves"]["x"] else self.last

    async def go_on(self, until: float) -> None:
        """Poll twice a second."""
        random = np.random.default_rng()
        await asyncio.sleep(random.random() * POLL_EVERY)
        while time.monotonic() < until:
            await self.poll()
            await asyncio.sleep(POLL_EVERY * (0.9 + 0.2 * random.random()))


async def measure(url: str, runs: list[str], cold: list[str], points: int, seconds: float) -> None:
    """Open the pages, and print what they met."""
    pages = [Page(url, run) for run in runs]
    began = time.monotonic()
    while any(page.last < points * 10 for page in pages):
        await asyncio.gather(*(page.poll() for page in pages))
        await asyncio.sleep(POLL_EVERY)
    print(f"cold: all {len(pages)} pages have their {points:,} points after {time.monotonic() - began:.1f} s")

    async def others() -> None:
        for run in cold:
            if time.monotonic() > until:
                return
            page = Page(url, run)
            while page.last < points * 10 and time.monotonic() < until:
                await page.poll()
                await asyncio.sleep(POLL_EVERY)

    for name, beside in (("warm", None), ("while cold runs are opened", others)):
        for page in pages:
            page.times.clear()
            page.codes.clear()
        until = time.monotonic() + seconds
        await asyncio.gather(*(page.go_on(until) for page in pages), *([beside()] if beside else []))
        times = 1000 * np.array([each for page in pages for each in page.times])
        codes = sum((page.codes for page in pages), Counter[int]())
        p50, p95 = np.quantile(times, (0.5, 0.95))
        print(
            f"{name}: {len(times)} polls {dict(codes)}, p50 {p50:.0f} ms, p95 {p95:.0f} ms, longest {times.max():.0f} ms"
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure the polls of many pages on many long runs.")
    parser.add_argument("seconds", type=float, nargs="?", default=20.0)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--points", type=int, default=100_000)
    arguments = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as scratch:
        runs_dir = Path(scratch) / "runs"
        runs_dir.mkdir()
        runs = make_runs(runs_dir, arguments.pages + 40, arguments.points)
        url = f"http://127.0.0.1:{8100 + os.getpid() % 800}"
        app = subprocess.Popen(
            [sys.executable, "app.py", "--port", url.rsplit(":", 1)[1], "--runs-dir", str(runs_dir)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        try:
            wait(lambda: answers(url))
            shown, cold = runs[: arguments.pages], runs[arguments.pages :]
            asyncio.run(measure(url, shown, cold, arguments.points, arguments.seconds))
        finally:
            app.terminate()
            app.wait(30)


if __name__ == "__main__":
    main()
