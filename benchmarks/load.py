"""A class at work: 50 viewers who poll and 10 visitors who drag, while a run trains.

    python -m benchmarks.load [MINUTES] [--viewers N] [--dragging N]

Prints how many answers were errors, how long they took, how fast the training went against the same training without
an app, and the app's memory from minute to minute. The visitors are connections that ask exactly as pages do, each with
a cookie of its own, from one process of this machine: what that one costs is taken from the training, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlparse

import httpx
import numpy as np
from gradio_client import Client

from benchmarks.machine import describe
from benchmarks.page import ROOT, wait
from gan_core.files import read_lines

POLL_EVERY = 0.5
TOKEN = "the benchmark's own"
PRESET = "minute"


class Visitor:
    """One browser's connection, kept alive, with its cookie."""

    def __init__(self, url: str, codes: Counter[int], times: list[float]) -> None:
        self._host = urlparse(url).netloc
        self._codes = codes
        self._times = times
        self.cookie = ""
        self.code = 0  # of the last answer
        self.broke = ""  # why there was none the last time
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        patience: float = 20.0,
    ) -> bytes:
        """One request; notes its status, 0 for a connection that broke or took longer, and how long it took."""
        began = time.perf_counter()
        try:
            code, answer = await asyncio.wait_for(self._exchange(method, path, body, headers or {}), patience)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.broke = type(error).__name__
            if self._streams:
                self._streams[1].close()
            self._streams, code, answer = None, 0, b""
        self.code = code
        self._codes[code] += 1
        self._times.append(time.perf_counter() - began)
        return answer

    async def _exchange(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        host, port = self._host.split(":")
        if self._streams is None:
            self._streams = await asyncio.open_connection(host, int(port))
        reader, writer = self._streams
        sent = {"Host": self._host, "Cookie": self.cookie, "Content-Length": str(len(body)), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        code = int(head[9:12])
        for cookie in re.findall(r"(?im)^set-cookie: (gan_visitor=[^;]+)", head):
            self.cookie = cookie
        answer = b"" if method == "HEAD" or code in (204, 304) else await self._read(reader, head)
        if re.search(r"(?im)^connection: close", head):
            writer.close()
            self._streams = None
        return code, answer

    async def _read(self, reader: asyncio.StreamReader, head: str) -> bytes:
        length = re.search(r"(?im)^content-length: (\d+)", head)
        if length:
            return await reader.readexactly(int(length[1]))
        answer = b""
        if "chunked" in head.lower():
            while size := int(await reader.readline(), 16):
                answer += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
        return answer


async def view(visitor: Visitor, run: str, until: float) -> None:
    """Poll as live.js does."""
    known: dict[str, Any] = {"version": 0, "generation": "", "tag": ""}
    count = 0
    await visitor.ask("GET", "/")
    await asyncio.sleep(np.random.default_rng().random() * POLL_EVERY)
    while time.monotonic() < until:
        asked = {"run": run, "since": known["version"], "generation": known["generation"], "count": count}
        answer = await visitor.ask("GET", "/gradio_api/lab/live?" + urlencode({**asked, "tag": known["tag"]}))
        if answer.startswith(b"{"):
            fresh = json.loads(answer)
            known |= {name: fresh[name] for name in ("version", "generation") if name in fresh}
            known["tag"] = (fresh.get("measured") or {}).get("tag", known["tag"])
            curves = fresh.get("curves", {"from": 0, "x": []})
            count = curves["from"] + len(curves["x"])
        await asyncio.sleep(POLL_EVERY * (0.9 + 0.2 * np.random.default_rng().random()))


async def drag(visitor: Visitor, run: str, until: float) -> None:
    """Ask for the next picture as soon as the last one is there, as a dragged slider does, and at most 60 times a second."""
    z = np.random.default_rng().normal(size=64).astype("<f4")
    await visitor.ask("GET", "/")
    query = urlencode({"run": run, "step": "live", "psi": 1, "side": 1})
    while time.monotonic() < until:
        z[0] = np.sin(time.monotonic()) * 3
        began = time.monotonic()
        await visitor.ask("POST", "/gradio_api/lab/sample?" + query, z.tobytes())
        await asyncio.sleep(max(0.0, 1 / 60 - (time.monotonic() - began)))


def steps_per_second(folder: Path, since: float) -> float:
    """Of the part of a training after its first `since` seconds."""
    rows = [row for row in read_lines(folder / "history.jsonl")[0] if row["seconds"] > since]
    return float((rows[-1]["step"] - rows[0]["step"]) / (rows[-1]["seconds"] - rows[0]["seconds"]))


def resident_mb(pid: int) -> float:
    """Memory of a process now."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


async def load(url: str, run: str, seconds: float, pid: int, viewers: int, dragging: int) -> None:
    """Send the class in, and print what it met."""
    codes: dict[str, Counter[int]] = {"polls": Counter(), "pictures": Counter()}
    times: dict[str, list[float]] = {"polls": [], "pictures": []}
    until = time.monotonic() + seconds

    async def watch_memory() -> None:
        minute = 0
        while time.monotonic() < until:
            print(f"minute {minute}: app {resident_mb(pid):.0f} MB", flush=True)
            minute += 1
            await asyncio.sleep(min(60.0, max(0.0, until - time.monotonic())))
        print(f"end: app {resident_mb(pid):.0f} MB")

    polling = [view(Visitor(url, codes["polls"], times["polls"]), run, until) for _ in range(viewers)]
    moving = [drag(Visitor(url, codes["pictures"], times["pictures"]), run, until) for _ in range(dragging)]
    await asyncio.gather(watch_memory(), *polling, *moving)
    for kind, count in codes.items():
        if not count:
            continue
        errors = {code: number for code, number in count.items() if code not in (200, 204)}
        p50, p95 = (1000 * value for value in np.quantile(times[kind], (0.5, 0.95)))
        print(
            f"{kind}: {sum(count.values())} ({sum(count.values()) / seconds:.0f}/s), errors {errors or 'none'}, "
            f"p50 {p50:.0f} ms, p95 {p95:.0f} ms"
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure a class at work.")
    parser.add_argument("minutes", type=float, nargs="?", default=30.0)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--dragging", type=int, default=10)
    arguments = parser.parse_args()
    minutes: float = arguments.minutes
    alone = min(60.0, minutes * 60)
    print(describe())
    with tempfile.TemporaryDirectory() as scratch:
        headless = Path(scratch) / "headless"
        command = [sys.executable, "-m", "gan_core", "train", "--preset", PRESET, "--seconds", str(alone)]
        subprocess.run([*command, "--out", str(headless)], cwd=ROOT, check=True, capture_output=True)
        runs_dir = Path(scratch) / "runs"
        url = f"http://127.0.0.1:{8100 + os.getpid() % 800}"
        app = subprocess.Popen(
            [sys.executable, "app.py", "--port", url.rsplit(":", 1)[1], "--runs-dir", str(runs_dir)],
            cwd=ROOT,
            env={**os.environ, "GAN_OWNER_TOKEN": TOKEN},
            stdout=subprocess.DEVNULL,
        )
        try:
            wait(lambda: answers(url))
            owner = Client(url, verbose=False, headers={"X-Owner-Token": TOKEN})
            settings = json.dumps({"seconds": minutes * 60 + 30})
            run = owner.predict(PRESET, 0, 0, settings, api_name="/start")
            wait(lambda: owner.predict(run, api_name="/status")["step"] > 0)
            began = owner.predict(run, api_name="/status")["seconds"]
            asyncio.run(load(url, run, minutes * 60, app.pid, arguments.viewers, arguments.dragging))
            speeds = [steps_per_second(headless, alone / 4), steps_per_second(runs_dir / run, began + 5)]
            print(f"training {speeds[1]:.1f} of {speeds[0]:.1f} steps/s headless: {speeds[1] / speeds[0]:.2f}")
        finally:
            app.terminate()
            app.wait(30)


def answers(url: str) -> bool:
    """Whether an app serves its page there."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
