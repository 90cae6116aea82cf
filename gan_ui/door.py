"""The door of the app: middleware that every request passes before Gradio or one of our routes sees it.

It refuses what another site's page asks for, gives a newcomer a cookie, takes the owner's token out of the address, holds
the rights of the routes (the events hold theirs themselves, through `acting.py`), and bounds how much one visitor may ask
for in a second. The owner is not bounded.

What is neither in `ROUTES` nor on the list of `gradio_routes.py` is served to nobody.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gan_core.runs import find_run
from gan_core.sentences import UserError
from gan_ui.gradio_routes import served
from gan_ui.queries import VISITOR_HEADER, refused
from gan_ui.same_site import Names
from gan_ui.who import OWNER_COOKIE, VISITOR_COOKIE, Person, Who, new_secret

LAB = "/gradio_api/lab/"
# method and path, or its beginning if it ends with "/": (action of who.RIGHTS, pace)
ROUTES: dict[tuple[str, str], tuple[str, str]] = {
    ("GET", LAB + "live"): ("watch", "poll"),
    ("GET", LAB + "compare"): ("watch", "poll"),
    ("GET", LAB + "picture/"): ("watch", "file"),
    ("POST", LAB + "sample"): ("sample", "sample"),
    ("GET", LAB + "z"): ("sample", "sample"),
    ("GET", LAB + "directions"): ("sample", "sample"),
    ("POST", LAB + "directions"): ("name", "event"),
    ("POST", LAB + "walk"): ("sample", "sample"),
    ("POST", LAB + "copying"): ("sample", "search"),
    ("POST", LAB + "project"): ("project", "heavy"),
    ("GET", LAB + "pose"): ("sample", "sample"),
    ("POST", LAB + "pose"): ("sample", "sample"),
    ("GET", LAB + "jobs/"): ("watch", "job"),
    ("POST", LAB + "jobs/"): ("watch", "job"),
    ("POST", LAB + "film/"): ("film", "heavy"),
    ("GET", LAB + "timeline"): ("watch", "poll"),
    ("GET", LAB + "snapshot/"): ("watch", "file"),
    ("POST", LAB + "frames"): ("sample", "sample"),
    ("GET", LAB + "branch"): ("watch", "poll"),
    ("POST", LAB + "branch"): ("branch", "event"),
    ("POST", LAB + "lead"): ("lead", "poll"),
    ("GET", LAB + "share/me"): ("watch", "poll"),
    ("GET", LAB + "share/kept"): ("watch", "poll"),
    ("GET", LAB + "share/run"): ("watch", "poll"),
    ("POST", LAB + "share/replay"): ("export", "heavy"),
    ("POST", LAB + "share/push"): ("push", "event"),
    ("POST", LAB + "share/push_own"): ("push_own", "heavy"),
    ("POST", LAB + "share/pull"): ("pull", "event"),
    ("POST", LAB + "share/look"): ("publish", "event"),
    ("POST", LAB + "share/publish"): ("publish", "event"),
}


@dataclass(frozen=True)
class Pace:
    """A token bucket: so many a second, and so many at once."""

    per_second: float
    burst: int


PACES = {
    "poll": Pace(4, 16),
    "file": Pace(40, 400),
    "sample": Pace(30, 60),
    "job": Pace(10, 40),
    "event": Pace(10, 60),
    "search": Pace(0.5, 10),
    "heavy": Pace(6 / 60, 6),
    "token": Pace(1, 5),
}
PATIENCE = 0.3  # seconds that a request is held back rather than refused: one that comes after the other never is
SHARED = 10  # an address without a cookie may be a whole class
BUCKETS = 10_000
LONGEST_NAME = 255  # bytes of one part of a path
YEAR = 365 * 86_400


class Buckets:
    """The token buckets of all visitors; those unused for longest are forgotten first. Only bounded memory is used."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()  # tokens left, and when

    def take(self, visitor: str, kind: str, share: int = 1) -> float:
        """Take a token. Returns 0, or the seconds until there is one; if that is more than PATIENCE none is taken."""
        pace = PACES[kind]
        rate, burst, now = pace.per_second * share, pace.burst * share, self._clock()
        with self._lock:
            tokens, at = self._buckets.pop((visitor, kind), (burst, now))
            tokens = min(burst, tokens + (now - at) * rate)
            wait = max(0.0, (1 - tokens) / rate)
            self._buckets[visitor, kind] = (tokens - 1 if wait <= PATIENCE else tokens, now)
            while len(self._buckets) > BUCKETS:
                self._buckets.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._buckets)


class Door:
    """ASGI middleware; see the top of this file."""

    def __init__(self, app: ASGIApp, who: Who, runs_dir: Path, names: Names) -> None:
        self._app = app
        self._who = who
        self._names = names
        self._runs_dir = runs_dir
        self._buckets = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        person = self._who.person(request)
        refusal = await self._refusal(request, person)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        # what comes behind the door may name the visitor by this header, which nobody can choose for himself
        headers = MutableHeaders(scope=scope)
        headers[VISITOR_HEADER] = person.visitor
        if _is_page(request) and not person.known:
            send = _sending(send, _cookie(VISITOR_COOKIE, new_secret(), YEAR, self._who))
        await self._app(scope, receive, send)

    async def _refusal(self, request: Request, person: Person) -> Response | None:
        """The answer, if the request gets no further than this; it may be held back a moment before it does."""
        try:
            self._names.check(request.method, request.headers)
        except UserError as error:
            return refused(error, HTTPStatus.FORBIDDEN)
        if _is_page(request) and "owner" in request.query_params:
            return self._let_in(request, person)
        path, method = _path(request), "GET" if request.method == "HEAD" else request.method
        entry = _ours(method, path) if path.startswith(LAB) else served(method, path)
        if entry is None or not _could_be_a_path(path):
            return refused(UserError("not_served"), HTTPStatus.NOT_FOUND)
        action, kind = entry
        if kind and person.role != "owner":
            wait = self._buckets.take(person.visitor, kind, 1 if person.known else SHARED)
            if wait > PATIENCE:
                return _too_fast(wait)
            if wait:
                await asyncio.sleep(wait)
        try:
            right = person.right(action)
            person.check(
                action, find_run(self._runs_dir, request.query_params.get("run", "")) if right == "own" else None
            )
        except UserError as error:
            return refused(error, HTTPStatus.FORBIDDEN)
        return None

    def _let_in(self, request: Request, person: Person) -> Response:
        """Answer the owner's link: the same page without the token, and the cookie if it was right."""
        wait = self._buckets.take(f"address {request.client.host if request.client else ''}", "token")
        if wait > PATIENCE:
            return _too_fast(wait)
        query = parse_qsl(request.url.query, keep_blank_values=True)
        right = self._who.is_owner_token(request.query_params["owner"])
        others = [(name, value) for name, value in query if name not in ("owner", "refused")]
        rest = urlencode(others if right or not self._who.one_owner else [*others, ("refused", "owner")])
        response = RedirectResponse(f"?{rest}" if rest else "./", HTTPStatus.SEE_OTHER, {"cache-control": "no-store"})
        if right:
            response.headers.append(
                "set-cookie", _cookie(OWNER_COOKIE, self._who.owner_cookie(), YEAR // 12, self._who)
            )
        if not person.known:
            response.headers.append("set-cookie", _cookie(VISITOR_COOKIE, new_secret(), YEAR, self._who))
        return response


def _path(request: Request) -> str:
    """The path as the router will see it. Not `request.url`, into which the Host header can write a path of its own."""
    path, root = str(request.scope["path"]), str(request.scope.get("root_path", "")).rstrip("/")
    return path[len(root) :] or "/" if path == root or path.startswith(root + "/") else path


def _could_be_a_path(path: str) -> bool:
    """Whether a file system would take it, which Gradio looks into and fails."""
    return path.isprintable() and all(len(part.encode("utf-8", "replace")) <= LONGEST_NAME for part in path.split("/"))


def _is_page(request: Request) -> bool:
    return request.method == "GET" and _path(request) == "/"


def _ours(method: str, path: str) -> tuple[str, str] | None:
    return next((entry for rule, entry in ROUTES.items() if _fits(method, path, *rule)), None)


def _fits(method: str, path: str, rule_method: str, rule_path: str) -> bool:
    return method == rule_method and (path.startswith(rule_path) if rule_path.endswith("/") else path == rule_path)


def _cookie(name: str, value: str, seconds: int, who: Who) -> str:
    # on a Space the page stands in a frame of another site; "Partitioned" keeps it where such cookies are blocked
    site = "SameSite=None; Secure; Partitioned" if who.space else "SameSite=Lax"
    return f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; {site}"


def _sending(send: Send, cookie: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return sending


def _too_fast(wait: float) -> Response:
    seconds = math.ceil(wait)
    response = refused(UserError("too_fast", seconds=seconds), HTTPStatus.TOO_MANY_REQUESTS)
    response.headers["retry-after"] = str(seconds)
    return response
