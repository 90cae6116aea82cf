"""Which of the addresses that Gradio has this app serves: an allow list of method and path, trailing slashes included.

What is not on it is served to nobody, the owner included: recordings, which anybody could fill the disk with, Gradio's
own editor, its monitoring, its proxy, its second copies of files. `tests/test_gradio_routes.py` compares the list with
the Gradio that is installed: an address that a new version brings is shut until somebody has decided about it.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.routing import compile_path

API = "/gradio_api/"
# method and path as Gradio writes it: (action of who.RIGHTS, pace of door.PACES, or None for what is not bounded)
SERVED: dict[tuple[str, str], tuple[str, str | None]] = {
    # the page, and what it is made of
    ("GET", "/"): ("watch", None),
    ("GET", "/config"): ("watch", None),
    ("GET", "/config/"): ("watch", None),
    ("GET", "/assets/{path:path}"): ("watch", None),
    ("GET", "/static/{path:path}"): ("watch", None),
    ("GET", "/svelte/{path:path}"): ("watch", None),
    ("GET", "/theme.css"): ("watch", None),
    ("GET", API + "theme.css"): ("watch", None),
    ("GET", "/favicon.ico"): ("watch", None),
    ("GET", "/pwa_icon"): ("watch", None),
    ("GET", "/pwa_icon/{size}"): ("watch", None),
    ("GET", "/manifest.json"): ("watch", None),
    ("GET", "/robots.txt"): ("watch", None),
    ("GET", "/logout"): ("watch", "event"),
    # what a page or a client asks about the app
    ("GET", API + "startup-events"): ("watch", None),
    ("GET", API + "app_id"): ("watch", None),
    ("GET", API + "app_id/"): ("watch", None),
    ("GET", API + "info"): ("watch", None),
    ("GET", API + "info/"): ("watch", None),
    ("GET", API + "openapi.json"): ("watch", None),
    ("GET", API + "heartbeat/{session_hash}"): ("watch", None),
    # events and endpoints, which hold their own rights
    ("POST", API + "run/{api_name}"): ("watch", "event"),
    ("POST", API + "run/{api_name}/"): ("watch", "event"),
    ("POST", API + "api/{api_name}"): ("watch", "event"),
    ("POST", API + "api/{api_name}/"): ("watch", "event"),
    ("POST", API + "call/{api_name}"): ("watch", "event"),
    ("POST", API + "call/{api_name}/"): ("watch", "event"),
    ("POST", API + "call/v2/{api_name}"): ("watch", "event"),
    ("POST", API + "call/v2/{api_name}/"): ("watch", "event"),
    ("GET", API + "call/{api_name}/{event_id}"): ("watch", None),
    ("GET", API + "call/v2/{api_name}/{event_id}"): ("watch", None),
    ("POST", API + "queue/join"): ("watch", "event"),
    ("GET", API + "queue/data"): ("watch", None),
    ("POST", API + "cancel"): ("watch", "event"),
    ("POST", API + "reset"): ("watch", "event"),
    ("POST", API + "reset/"): ("watch", "event"),
    # an owner's own images
    ("POST", API + "upload"): ("upload", "heavy"),
    ("GET", API + "upload_progress"): ("upload", None),
    ("GET", API + "file={path_or_url:path}"): ("watch", "file"),
}
# There only with an extra: signing in on a Space, and agents.
WITH_EXTRAS: dict[tuple[str, str], tuple[str, str | None]] = {
    ("GET", "/login/huggingface"): ("watch", "event"),
    ("GET", "/login/callback"): ("watch", "event"),
    ("GET", API + "mcp/schema"): ("watch", "event"),
    ("GET", API + "mcp/sse"): ("watch", "event"),
    ("POST", API + "mcp/messages/"): ("watch", "event"),
    **{
        (method, API + path): ("watch", "event")
        for method in ("GET", "POST", "DELETE")
        for path in ("mcp", "mcp/", "mcp/http", "mcp/http/")
    },
}


def served(method: str, path: str) -> tuple[str, str | None] | None:
    """The action and pace of a request to Gradio; None for what is not on the list."""
    exact = _ALL.get((method, path))
    if exact:
        return exact
    return next((entry for verb, fits, entry in _PATTERNS if verb == method and fits.match(path)), None)


_ALL = {**SERVED, **WITH_EXTRAS}
_PATTERNS: list[tuple[str, re.Pattern[str], Any]] = [
    (method, compile_path(path)[0], entry) for (method, path), entry in _ALL.items() if "{" in path
]
