"""The app as a whole: start-up, first point, page load with a long history, and what viewers cost the training.

    python -m benchmarks.page

Prints figures and ratios of one run on one machine. Needs Chromium and playwright (requirements-dev.txt). The ten
viewers are connections that poll and drag exactly as pages do; their browsers would run on other people's machines.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.machine import describe
from gan_core.config import make_config
from gan_core.loop import prepare
from gan_core.runs import Run, State, create_run

ROOT = Path(__file__).parent.parent
VIEWERS = 10
SECONDS = 20.0  # of training per measurement
HISTORY_STEPS = 100_000


def wait(condition: Callable[[], Any], seconds: float = 120.0) -> float:
    """Seconds until the condition held."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > seconds:
            raise TimeoutError
        time.sleep(0.02)
    return time.perf_counter() - began


class App:
    """`python app.py` on a runs directory, and the seconds to its first answer."""

    def __init__(self, runs_dir: Path) -> None:
        self.log = runs_dir.parent / "app.log"
        port = 7900 + os.getpid() % 90
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "app.py", "--port", str(port), "--runs-dir", str(runs_dir)]
        began = time.perf_counter()
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=open(self.log, "wb"), stderr=subprocess.STDOUT)  # noqa: SIM115
        wait(self._answers)
        self.start_seconds = time.perf_counter() - began

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(self.url, timeout=5).status_code == 200
        return False

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call a named endpoint."""
        from gradio_client import Client

        if not hasattr(self, "_client"):
            self._client = Client(self.url, verbose=False)
        return self._client.predict(*arguments, api_name=f"/{name}")

    def peak_mb(self) -> tuple[float, float]:
        """Peak resident memory of the app, and of the largest of its trainers, in MB."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return _peak_mb(self.process.pid), max(map(_peak_mb, map(int, children)), default=0.0)

    def stop(self) -> float:
        """Seconds from SIGTERM to its end."""
        self.process.terminate()
        began = time.perf_counter()
        self.process.wait(30)
        return time.perf_counter() - began


def _peak_mb(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def long_run(runs_dir: Path) -> Run:
    """A finished run with a point for every one of its 100,000 steps: the worst history there is."""
    config, data = prepare(make_config("tutorial", {"log_every": 1}))
    run = create_run(runs_dir / "20200101-000000-long", config, data.sha256, data.size)
    noise = np.random.default_rng(0).normal(size=(HISTORY_STEPS, 4)).round(4).tolist()
    with open(run.folder / "history.jsonl", "w") as file:
        for step, (a, b, c, d) in enumerate(noise, 1):
            row = {
                "step": step,
                "seconds": step / 50,
                "d_loss": 0.6 + a / 20,
                "g_loss": 0.9 + b / 10,
                "d_real": 0.6 + c / 20,
                "d_fake": 0.4 + d / 20,
            }
            file.write(json.dumps(row) + "\n")
    from PIL import Image

    for name in ("live.webp", "reals.webp"):
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (148, 148), dtype=np.uint8)).save(run.folder / name)
    run.write_state(State(status="stopped", step=HISTORY_STEPS, target=HISTORY_STEPS))
    return run


def page_figures(app: App, run: Run) -> dict[str, float]:
    """Seconds from navigation to the full picture, and browser milliseconds a chart update takes."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or "/usr/bin/chromium"
    full = (
        "document.querySelector('.gc')?.parentElement.chartStats?.draws > 0 && ganLive.view?.curves?.x.length > 399"
        " && document.querySelector('.gg-fakes')?.naturalWidth > 0 && !document.querySelector('.gg-fakes').hidden"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        loads = []
        for _ in range(6):
            began = time.perf_counter()
            page.goto(f"{app.url}/?run={run.id}")
            page.wait_for_function(full, polling=20)
            loads.append(time.perf_counter() - began)
        updates = []
        for step in range(30):
            with open(run.folder / "history.jsonl", "a") as file:
                row = {"step": HISTORY_STEPS + step + 1, "d_loss": 0.6, "g_loss": 0.9, "d_real": 0.6, "d_fake": 0.4}
                file.write((json.dumps(row) + "\n") * 40)
            before = page.evaluate("document.querySelector('.gc').parentElement.chartStats.draws")
            page.wait_for_function(f"document.querySelector('.gc').parentElement.chartStats.draws > {before}")
            updates.append(page.evaluate("document.querySelector('.gc').parentElement.chartStats.lastMs"))
        points = page.evaluate("ganLive.view.curves.x.length")
        browser.close()
    return {
        "page_first_load_s": loads[0],
        "page_reload_s": statistics.median(loads[1:]),
        "chart_update_ms": statistics.median(updates),
        "chart_points": points,
    }


@contextlib.contextmanager
def viewers(app: App, run_id: str) -> Iterator[list[float]]:
    """Ten pages polling twice a second, one of them dragging at 30 Hz; yields the drags' latencies in ms."""
    stop, latencies = threading.Event(), list[float]()

    def poll() -> None:
        version, generation, count, tag = 0, "", 0, ""
        with httpx.Client(base_url=app.url) as client:
            while not stop.wait(0.5):
                params: dict[str, str | int] = {
                    "run": run_id,
                    "since": version,
                    "generation": generation,
                    "count": count,
                    "tag": tag,
                }
                answer = client.get("/gradio_api/lab/live", params=params)
                if answer.status_code == 200:
                    body = answer.json()
                    kept = count if body["generation"] == generation else 0
                    version, generation = body["version"], body["generation"]
                    tag = body.get("measured", {}).get("tag", tag)
                    count = min(kept, body["curves"]["from"]) + len(body["curves"]["x"])
                    if body["grid"]:
                        client.get("/" + body["grid"])

    def drag() -> None:
        z = np.zeros(64, dtype="<f4")
        with httpx.Client(base_url=app.url) as client:
            while not stop.wait(1 / 30):
                z[0] = np.sin(time.perf_counter() * 3)
                began = time.perf_counter()
                params = {"run": run_id, "step": "live", "psi": "1", "side": "1"}
                client.post("/gradio_api/lab/sample", params=params, content=z.tobytes())
                latencies.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=poll) for _ in range(VIEWERS)] + [threading.Thread(target=drag)]
    for thread in threads:
        thread.start()
    try:
        yield latencies
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def speed(run: Run, seconds: float) -> float:
    """Steps/s of a running training over the next `seconds`."""

    def last() -> dict[str, Any]:
        return run.history()[0][-1]

    first = last()
    time.sleep(seconds)
    then = last()
    return float((then["step"] - first["step"]) / (then["seconds"] - first["seconds"]))


def main() -> None:
    """Measure everything and print it."""
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        runs_dir = Path(folder) / "runs"
        run = long_run(runs_dir)
        app = App(runs_dir)
        try:
            figures = measure(app, run)
            figures["sigterm_to_end_s"] = app.stop()
        finally:
            app.process.kill()
    for name, value in figures.items():
        print(f"{name:<30} {value:10.2f}")


def measure(app: App, run: Run) -> dict[str, float]:
    """All figures of a running app."""
    figures = {"start_to_first_200_s": app.start_seconds}
    figures |= page_figures(app, run)
    time.sleep(5)  # the warm process is ready, as it is for all but the hastiest visitor
    began = time.perf_counter()
    training = Run(run.folder.parent / app.ask("start", "tutorial", 0, 0, "{}"))
    wait(lambda: training.history()[0])
    figures["start_to_first_point_s"] = time.perf_counter() - began
    time.sleep(8)  # the next warm process has loaded
    alone, watched, drags = [], [], list[float]()
    for _ in range(3):
        alone.append(speed(training, SECONDS / 3))
        with viewers(app, training.id) as latencies:
            time.sleep(1)
            watched.append(speed(training, SECONDS / 3))
        drags += latencies
    figures["steps_per_s_without_viewers"] = statistics.median(alone)
    figures["steps_per_s_with_10_viewers"] = statistics.median(watched)
    figures["ratio"] = statistics.median(w / a for w, a in zip(watched, alone, strict=True))
    figures["drag_request_p50_ms"] = statistics.median(drags)
    figures["drag_request_p95_ms"] = float(np.percentile(drags, 95))
    figures["app_peak_mb"], figures["trainer_peak_mb"] = app.peak_mb()
    return figures


if __name__ == "__main__":
    main()
