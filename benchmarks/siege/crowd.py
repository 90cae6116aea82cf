"""Many at once, none of them malicious in what they ask: idle pages, bodies that come slowly, calls of an endpoint."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any
from urllib.parse import urlparse

import numpy as np

from benchmarks.load import Visitor, view
from benchmarks.siege.app import Besieged
from gan_ui.who import new_secret

SLOW = 200  # connections that send a byte now and then


async def idle(app: Besieged, pages: int, seconds: float) -> dict[str, Any]:
    """Pages that are open on one run; each holds Gradio's heartbeat, too."""
    codes: Counter[int] = Counter()
    times: list[float] = []
    until = time.monotonic() + seconds
    before = app.memory()

    async def heartbeat(number: int) -> None:
        host, port = urlparse(app.url).netloc.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /gradio_api/heartbeat/page{number} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        while time.monotonic() < until:
            try:
                await asyncio.wait_for(reader.read(4096), max(0.1, until - time.monotonic()))
            except TimeoutError:
                break
        writer.close()

    polls = [view(Visitor(app.url, codes, times), "minute-run", until) for _ in range(pages)]
    await asyncio.gather(*polls, *(heartbeat(number) for number in range(pages)))
    p50, p95 = (round(1000 * float(value)) for value in np.quantile(times, (0.5, 0.95)))
    await asyncio.sleep(5)
    return {"polls": dict(codes), "p50, ms": p50, "p95, ms": p95, "memory, MB": [round(before), round(app.memory())]}


async def slowly(app: Besieged, seconds: float) -> dict[str, Any]:
    """Bodies that come a byte at a time, while one visitor asks as usual: that one's answers, and who was cut off."""
    host, port = urlparse(app.url).netloc.split(":")
    until = time.monotonic() + seconds
    cut = 0

    async def send(path: str) -> None:
        nonlocal cut
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 100000\r\n\r\n".encode())
        try:
            while time.monotonic() < until:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(1)
                if reader.at_eof():
                    raise ConnectionError
        except OSError:
            cut += 1
        writer.close()

    codes: Counter[int] = Counter()
    times: list[float] = []
    paths = (
        "/gradio_api/lab/sample?run=minute-run",
        "/gradio_api/call/sample",
        "/gradio_api/upload",
        "/gradio_api/queue/join",
    )
    await asyncio.gather(
        *(send(paths[number % len(paths)]) for number in range(SLOW)),
        view(Visitor(app.url, codes, times), "minute-run", until),
    )
    worst = round(1000 * max(times))
    return {"slow bodies": SLOW, "cut off": cut, "another's polls": dict(codes), "longest, ms": worst}


async def calls(app: Besieged, count: int) -> dict[str, Any]:
    """Raw calls of /sample with 64 pictures, each answer fetched: the memory that they leave behind."""
    codes: Counter[int] = Counter()
    times: list[float] = []
    left = iter(range(count))
    seen: list[int] = []
    body = json.dumps({"data": ["minute-run", -1, 0, 64, -1]}).encode()

    async def call() -> None:
        visitor = Visitor(app.url, codes, times)
        for index in left:
            if index % max(1, count // 5) == 0:
                seen.append(round(app.memory()))
            if index % 40 == 0:
                visitor.cookie = f"gan_visitor={new_secret()}"
            answer = await visitor.ask("POST", "/gradio_api/call/sample", body, {"Content-Type": "application/json"})
            if answer.startswith(b'{"event_id"'):
                await visitor.ask("GET", f"/gradio_api/call/sample/{json.loads(answer)['event_id']}")

    await asyncio.gather(*(call() for _ in range(8)))
    return {"requests": dict(codes), "memory, MB": [*seen, round(app.memory())]}
