"""What is sent to Gradio's events and endpoints, checked before Gradio sees it.

Gradio answers 500 to a body that it does not understand, and writes a stack trace into the log.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from gradio.components import Radio, State
from gradio.data_classes import CancelBody, PredictBody, ResetBody, SimplePredictBody
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gan_core.sentences import UserError
from gan_ui.queries import json_object, refused

API = "/gradio_api/"
_NAMED: dict[str, type[BaseModel] | None] = {
    "run": PredictBody,
    "api": PredictBody,
    "call": SimplePredictBody,
    "call/v2": None,
}
_PLAIN: dict[str, type[BaseModel]] = {"queue/join": PredictBody, "cancel": CancelBody, "reset": ResetBody}


def check_event(blocks: Any, path: str, body: bytes) -> None:
    """Raise UserError if a body is not what the event at `path` (below `API`, without "/" at its end) takes."""
    sent = json_object(body)
    kind, _, name = path.rpartition("/")
    if path in _PLAIN:
        name = ""
    elif kind not in _NAMED:
        return
    model = _PLAIN.get(path) or _NAMED[kind]
    if model is not None:
        try:
            model.model_validate(sent)
        except ValueError:  # pydantic's ValidationError is one
            raise UserError("event_not_understood") from None
    if path in ("cancel", "reset"):
        return
    index = sent.get("fn_index") if model is PredictBody else None
    functions = blocks.fns.values()
    named = [each for each in functions if (each._id == index if index is not None else each.api_name == name)]
    if not named:
        raise UserError("event_unknown", name=name or str(index))
    if model is None:
        _check_names(blocks, name, sent)
    elif not named[0].cancels:
        needed = [each for each in named[0].inputs if kind != "call" or not isinstance(each, State)]
        _check_values(name or str(index), needed, sent["data"])


def _check_values(name: str, components: list[Any], values: list[Any]) -> None:
    if len(values) < len(components):
        raise UserError("event_too_short", name=name, needed=len(components), sent=len(values))
    for component, value in zip(components, values, strict=False):
        try:
            if component.data_model is not None and value is not None:
                component.data_model.model_validate(value)
        except ValueError:
            raise UserError("event_not_understood") from None
        if isinstance(component, Radio) and value not in [None, *(choice for _, choice in component.choices)]:
            raise UserError("event_not_understood")


def _check_names(blocks: Any, name: str, sent: dict[str, Any]) -> None:
    endpoints = blocks.get_api_info()["named_endpoints"]
    if f"/{name}" not in endpoints:
        raise UserError("event_unknown", name=name)
    parameters = {each["parameter_name"]: each["parameter_has_default"] for each in endpoints[f"/{name}"]["parameters"]}
    wrong = [each for each in sent if each not in parameters and each != "oauth_token"]
    missing = [each for each, has_default in parameters.items() if not has_default and each not in sent]
    if wrong or missing:
        raise UserError("event_takes", name=name, takes=", ".join(parameters) or "-")


class Checked:
    """ASGI middleware, behind the one that bounds bodies: refuses what no event takes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = str(scope.get("path", "")).removeprefix(str(scope.get("root_path", "")))
        below = path.removeprefix(API).rstrip("/")
        is_event = path.startswith(API) and (below in _PLAIN or below.rpartition("/")[0] in _NAMED)
        if scope["type"] != "http" or scope["method"] != "POST" or not is_event:
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:  # gone, or too large: whoever is before this answers
            return
        try:
            check_event(scope["app"].get_blocks(), below, body)
        except UserError as error:
            status = HTTPStatus.NOT_FOUND if error.key == "event_unknown" else HTTPStatus.UNPROCESSABLE_ENTITY
            await refused(error, status)(scope, receive, send)
            return
        sent = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> Message:
            return next(sent, None) or await receive()

        await self._app(scope, again, _honest(send) if below.startswith(("run/", "api/")) else send)


async def _whole(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _honest(send: Send) -> Send:
    """Say 422 where Gradio says 500 with a sentence for the user: what was asked for was at fault, not the app."""
    start: Message | None = None

    async def sending(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and message["status"] == HTTPStatus.INTERNAL_SERVER_ERROR:
            start = message
            return
        if start is not None:
            try:
                said = json.loads(message.get("body", b"")).get("error")
            except (ValueError, AttributeError):
                said = None
            await send({**start, "status": HTTPStatus.UNPROCESSABLE_ENTITY} if said else start)
            start = None
        await send(message)

    return sending
