"""What requests ask for: numbers out of text, a body of bounded size; and what they are answered if that is nonsense."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gan_core.networks import CLASSES
from gan_core.sentences import UserError

VISITOR_HEADER = "x-visitor"  # set by the door, see there
Body = dict[str, Any]
MAX_BODY = 131_072  # bytes; 64 z of the largest z_dim need exactly that


def number(name: str, value: Any, low: float, high: float, *, whole: bool = False) -> float:
    """The value of `name` as a number in [low, high]. Raises UserError."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise UserError("not_a_number", field=name, value=value)
    if whole and found != int(found):
        raise UserError("not_a_whole_number", field=name, value=value)
    if not low <= found <= high:
        raise UserError("out_of_range", field=name, value=value, low=f"{low:,}", high=f"{high:,}")
    return found


def step(value: int | str | None) -> int | None:
    """A snapshot's step; None for "live" or nothing, the newest generator. Raises UserError."""
    return None if value in (None, "live") else int(number("step", value, 0, 10**9, whole=True))


def digit(value: int | str | None, name: str = "digit") -> int | None:
    """A class, or None for nothing. Raises UserError."""
    return None if value in (None, "") else int(number(name, value, 0, CLASSES - 1, whole=True))


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body. Raises UserError as soon as it proves too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise UserError("body_too_large", limit=limit)
    return body


def json_object(body: bytes) -> Body:
    """A JSON object. Raises UserError."""
    try:
        found = json.loads(body)
        json.dumps(found, ensure_ascii=False).encode()  # half of a character pair is no text
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError("body_not_json")
    return found


async def json_body(request: Request) -> Body:
    """A JSON object out of a request. Raises UserError."""
    return json_object(await read_body(request))


def visitor_of(request: Request) -> str:
    """Whose fair share a job counts against: as the door names the visitor, and where there is none, the address."""
    return request.headers.get(VISITOR_HEADER) or (request.client.host if request.client else "")


def refused(error: UserError, status: int | None = None) -> Response:
    """One sentence in both languages, with a status that says that the request was at fault, and the setting it is about.

    "detail" is what Gradio's own clients show.
    """
    status = status or (413 if error.key == "body_too_large" else 422)
    en, zh = (error.say(language).encode("utf-8", "replace").decode() for language in ("en", "zh"))
    said = {"en": en, "zh": zh, "detail": en, "field": error.field}
    return JSONResponse(said, status)
