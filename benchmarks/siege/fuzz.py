"""Requests that nobody would send by mistake, from a seed: every route and event, odd values, odd bodies, odd headers."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from benchmarks.load import Visitor
from benchmarks.siege.app import TOKEN, Besieged
from gan_ui.door import LAB, ROUTES
from gan_ui.gradio_routes import API, SERVED, WITH_EXTRAS
from gan_ui.who import EVENTS, new_secret

AT_ONCE = 16  # connections
REQUESTS_AS_ONE = 40  # then the connection is somebody else: nobody's pace is used up
LOOKS = 8  # at the memory, evenly over the requests
ENDLESS = ("heartbeat", "queue/data", "mcp")  # what goes on until the visitor leaves
RUNS = ("minute-run", "told-run", "best", "conditional")
NAMES = ("run", "runs", "step", "psi", "side", "digit", "blend", "z", "since", "generation", "count", "tag", "name")
MORE_NAMES = (
    "seed",
    "from",
    "to",
    "by",
    "at",
    "pose",
    "preset",
    "settings",
    "seconds",
    "language",
    "session_hash",
    "path",
)
ODD: tuple[Any, ...] = (
    "", " ", "0", "-1", "1e309", "-1e18", "NaN", "Infinity", "9" * 400, "0x10", "1_000", "\u0661\u0662", "\uff13", "\U0001d7d8",
    "../..", "..%2f..%2fetc%2fpasswd", "/etc/passwd", "C:\\con", "minute-run/../told-run", "\x00", "\ud83d", "a" * 3000, "null", "true",
    "[" * 3000, '{"a":' * 3000, "<script>alert(1)</script>", "' or 1=1 --", "${jndi:ldap://x}", "\r\nx: y", "live", "best/../..", "%00", "%",
)  # fmt: skip
ODD_JSON: tuple[Any, ...] = (
    *ODD,
    None,
    True,
    -1,
    10**400,
    1e300,
    [],
    {},
    [[[]]],
    {"a": {"b": []}},
    [None] * 2000,
    0.5,
    [1, "a"],
)
ODD_HEADERS: tuple[dict[str, str], ...] = (
    {}, {}, {}, {}, {"Content-Type": "application/json"}, {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "text/plain; charset=utf-99"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
    {"X-Forwarded-For": "1.2.3.4, ::::"}, {"X-Visitor": "somebody"}, {"X-Owner-Token": "\xff\xfe"}, {"Range": "bytes=9-1,-,a"},
    {"If-None-Match": '"' * 200}, {"Accept-Encoding": "gzip;q=nan"}, {"Cookie": "gan_visitor=\xe9; gan_owner=" + "a" * 200},
    {"X-Forwarded-Host": "evil.example"}, {"Accept-Language": "zh" * 500}, {"Authorization": "Bearer hf_x"},
)  # fmt: skip


class Fuzz:
    """A stream of requests. `knows_runs`: whether it may name runs that are there."""

    def __init__(self, seed: int, *, knows_runs: bool) -> None:
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._knows_runs = knows_runs
        self._routes = [*ROUTES, *SERVED, *WITH_EXTRAS]
        self._presets = ("minute", "best", "collapse") if knows_runs else ("", "no such preset")

    def request(self) -> tuple[str, str, bytes, dict[str, str]]:
        """Method, path with query, body, headers."""
        pick = self._random.random()
        if pick < 0.3:
            return self._event()
        method, path = self._random.choice(self._routes)
        if pick < 0.4:
            method = self._random.choice(
                ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "x" * 20)
            )
        path = path if path.startswith("/") else "/" + path
        while "{" in path:
            path = path[: path.index("{")] + self._segment() + path[path.index("}") + 1 :]
        if path.endswith("/") and path.startswith(LAB):
            path += "/".join(self._segment() for _ in range(self._random.randint(1, 3)))
        if self._random.random() < 0.05:
            path += self._random.choice(("/", "//", "/..", "/.", ";x", "%2f", "/%2e%2e/config"))
        if "/mcp" in path and method == "POST":
            return (
                method,
                path,
                self._tool_call(),
                {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"},
            )
        return method, path + self._query(), self._body(), self._headers()

    def _event(self) -> tuple[str, str, bytes, dict[str, str]]:
        name = self._random.choice((*EVENTS, "no_such_event", *(self._segment() for _ in range(2))))
        kind = self._random.choice(("call/", "call/v2/", "run/", "api/"))
        data = [self._value() for _ in range(self._random.randint(0, 6))]
        if self._random.random() < 0.5:  # about as the endpoints want it
            run = self._run()
            data = self._random.choice(
                (
                    [run],
                    [run, self._value()],
                    [self._random.choice(self._presets), self._value(), self._value(), self._value()],
                    [run, self._value(), self._value(), 1, 1, None, None],
                )
            )
        sent: Any = {
            "data": data,
            **self._random.choice(({}, {"session_hash": self._value()}, {"fn_index": self._value()})),
        }
        if self._random.random() < 0.2:
            sent = self._value()
        return "POST", f"{API}{kind}{name}", _json(sent), {"Content-Type": "application/json"}

    def _tool_call(self) -> bytes:
        """What an agent sends, more or less."""
        known = ("tools/call", "tools/list", "initialize", "ping", "resources/read")
        arguments: Any = {name: self._value() for name in ("run", "n", "step", "settings_json")}
        called = {
            "name": self._random.choice(("sample", "start", "status", "runs", self._segment())),
            "arguments": arguments,
        }
        sent = {"jsonrpc": "2.0", "id": 1, "method": self._random.choice(known), "params": called}
        if self._random.random() < 0.4:
            sent[self._random.choice(tuple(sent))] = self._value()
        return _json(sent)

    def _segment(self) -> str:
        value = self._run() if self._random.random() < 0.3 else str(self._random.choice(ODD))
        return quote(value.encode("utf-8", "replace"), safe="%" if self._random.random() < 0.3 else "")[:1500] or "x"

    def _run(self) -> str:
        return (
            self._random.choice(RUNS)
            if self._knows_runs and self._random.random() < 0.7
            else str(self._random.choice(ODD))
        )

    def _value(self) -> Any:
        return self._random.choice(ODD_JSON)

    def _query(self) -> str:
        found = {
            name: str(self._random.choice(ODD))
            for name in self._random.sample(NAMES + MORE_NAMES, self._random.randint(0, 5))
        }
        if self._random.random() < 0.6:
            found["run"] = self._run()
        if self._random.random() < 0.4:  # otherwise hardly anything gets beyond the first check
            found |= {"step": "live", "psi": "1", "side": self._random.choice(("1", "2", "8"))}
        return "?" + urlencode({name: value.encode("utf-8", "replace") for name, value in found.items()})[:6000]

    def _body(self) -> bytes:
        pick = self._random.random()
        if pick < 0.3:
            return b""
        if pick < 0.6:
            z = self._noise.normal(size=self._random.choice((1, 63, 64, 64, 64, 100, 128, 4096))).astype("<f4")
            if self._random.random() < 0.3:
                z[self._random.randrange(len(z))] = self._random.choice((np.nan, np.inf, -np.inf, 3e38))
            return z.tobytes()
        if pick < 0.9:
            names = self._random.sample(NAMES + MORE_NAMES + ("poses", "settings"), self._random.randint(0, 5))
            return _json({**{name: self._value() for name in names}, "run": self._run()} if names else self._value())
        if pick < 0.98:
            return self._noise.bytes(self._random.choice((1, 7, 256, 20_000)))
        return b"\0" * 300_000

    def _headers(self) -> dict[str, str]:
        return self._random.choice(ODD_HEADERS)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


async def fuzz(app: Besieged, seed: int, count: int, role: str) -> dict[str, Any]:
    """Send so many requests; returns the tally."""
    codes: Counter[int] = Counter()
    failed: Counter[str] = Counter()
    leaks: Counter[str] = Counter()
    times: list[float] = []
    before = app.files()
    memory: list[int] = []
    left = iter(range(count))

    async def besiege(number: int) -> None:
        stream = Fuzz(seed * 1000 + number, knows_runs=role != "owner")
        visitor = Visitor(app.url, codes, times)
        for turn, index in enumerate(left):
            if index % max(1, count // LOOKS) == 0:
                memory.append(round(app.memory()))
            if turn % REQUESTS_AS_ONE == 0:
                visitor.cookie = f"gan_visitor={new_secret()}" if turn % (4 * REQUESTS_AS_ONE) else ""
            method, path, body, headers = stream.request()
            if role == "owner":
                headers = {**headers, "X-Owner-Token": TOKEN}
            patience = 0.3 if any(each in path for each in ENDLESS) else 20.0
            answer = await visitor.ask(method, path, body, headers, patience)
            if visitor.code >= 500 or (visitor.code == 0 and patience > 1):
                failed[f"{visitor.code or visitor.broke} {method} {path.partition('?')[0][:90]}"] += 1
            if b"Traceback (most recent" in answer or b'File "/' in answer:
                leaks[f"{method} {path.partition('?')[0][:90]}"] += 1
            if method == "POST" and "/call/" in path and visitor.code == 200 and answer.startswith(b'{"event_id"'):
                event = json.loads(answer)["event_id"]
                said = await visitor.ask("GET", f"{path.partition('?')[0]}/{event}")
                if b"Traceback (most recent" in said:
                    leaks[f"answer of {path[:60]}"] += 1

    began = time.monotonic()
    await asyncio.gather(*(besiege(number) for number in range(AT_ONCE)))
    after = app.files()
    return {
        "requests": sum(codes.values()),
        "seconds": round(time.monotonic() - began),
        "codes": dict(sorted(codes.items())),
        "answered 5xx or not at all": dict(failed.most_common(12)),
        "stack traces in answers": dict(leaks.most_common(8)),
        "tracebacks in the log": dict(app.tracebacks().most_common(8)),
        "new runs": len({name.partition("/")[0] for name in after} - {name.partition("/")[0] for name in before}),
        "files changed": [name for name, content in before.items() if after.get(name) != content][:20],
        "memory, MB": [*memory, round(app.memory())],
        "temporary files, MB": round(app.temporary_mb(), 1),
        "p95, ms": round(1000 * float(np.quantile(times, 0.95))),
    }
