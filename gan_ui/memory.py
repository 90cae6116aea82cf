"""What Gradio keeps in memory for visitors, bounded: what they send, their sessions, and answers that nobody fetches.

Gradio remembers the last value of every input and output of a session, for links that restore a page; this app has no
such links, and 64 pictures are megabytes. It keeps an answer until it is fetched, for up to 2,000 sessions, and begins
a session for each call that names none. Here values are not remembered, a call's session ends with its answer, and of
answers that nobody has fetched yet only the newest few are kept.
"""

from __future__ import annotations

import contextlib
import weakref
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from gradio.server_messages import ProcessCompletedMessage, UnexpectedErrorMessage
from gradio.state_holder import SessionState, StateHolder
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gan_core.sentences import UserError
from gan_ui.queries import refused

BODY_BYTES = 262_144  # of what is sent to an event or endpoint; the largest of them takes a few settings as text
UPLOAD = "/gradio_api/upload"  # which has its own limit
OURS = "/gradio_api/lab/"  # and these theirs
SESSIONS = 40  # of one visitor; each tab of a page is one
UNREAD = 8  # answers of one visitor that are kept until they are fetched
UNREAD_OF_ALL = 100
Unread = tuple[str, str, "weakref.ref[ProcessCompletedMessage]"]  # visitor, session, answer
_visitor: ContextVar[str] = ContextVar("visitor", default="")


class _Session(SessionState):
    """A session that does not remember what its components showed."""

    def __init__(self, blocks: Any) -> None:
        super().__init__(blocks)
        self.config_values = {}

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values = {}

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class Sessions(StateHolder):
    """Gradio's sessions, so many of one visitor; those unused for longest go first."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._whose: dict[str, str] = {}

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = _Session(self.blocks)
            self._whose = {each: whose for each, whose in self._whose.items() if each in self.session_data}
            visitor = self._whose[session_id] = _visitor.get()
            mine = [each for each in self.session_data if visitor and self._whose.get(each) == visitor]
            for each in mine[:-SESSIONS]:
                self.forget(each)
        return super().__getitem__(session_id)

    def forget(self, session_id: str) -> None:
        """Let go of a session."""
        self.session_data.pop(session_id, None)
        self.time_last_used.pop(session_id, None)


class Answers:
    """The answers that Gradio's queue holds until they are fetched: it is told of each, and drops the oldest."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._queue = app.get_blocks()._queue
        self._send = self._queue.send_message
        self._unread: list[Unread] = []
        self._queue.send_message = self.send

    def send(self, event: Any, message: Any) -> None:
        """What the queue calls for each thing that it has to say of an event."""
        if event.session_hash not in self._queue.pending_messages_per_session:
            return  # it was dropped below, and nobody can fetch this any more
        self._send(event, message)
        if not isinstance(message, ProcessCompletedMessage):
            return
        if event.session_hash == event._id:  # a call that named no session
            self._app.state_holder.forget(event._id)
        visitor = event.request.headers.get("x-visitor", "")
        self._unread.append((visitor, event.session_hash, weakref.ref(message)))
        self._bound(visitor)

    def gone(self, path: str, session: str) -> Response | None:
        """The answer to who fetches what is not there (any more); Gradio would break off, or wait for ever."""
        queue = self._queue
        if path.endswith("/gradio_api/queue/data") and session not in queue.pending_messages_per_session:
            message = UnexpectedErrorMessage(message="404: Not Found", session_not_found=True)
            return Response(f"data: {message.model_dump_json()}\n\n", media_type="text/event-stream")
        call, _, event = path.rpartition("/")
        waiting = queue.pending_event_ids_session
        if "/gradio_api/call/" not in call + "/" or any(event in events for events in waiting.values()):
            return None
        return refused(UserError("answer_gone"), HTTPStatus.NOT_FOUND)

    def _bound(self, visitor: str) -> None:
        kept: list[Unread] = []
        mine = 0
        for unread in reversed(self._unread):
            whose, session, message = unread
            if message() is None:  # fetched
                if not self._queue.pending_event_ids_session.get(session):
                    self._end(session)
                continue
            mine += whose == visitor
            if (whose == visitor and mine > UNREAD) or len(kept) >= UNREAD_OF_ALL:
                self._end(session)
            else:
                kept.append(unread)
        self._unread = kept[::-1]

    def _end(self, session: str) -> None:
        """Let go of what the queue holds for a session. It makes that anew with the session's next event."""
        self._queue.pending_event_ids_session.pop(session, None)
        self._queue.pending_messages_per_session.pop(session, None)


class Bounded:
    """ASGI middleware, behind the door: sets all this up at the first request, and bounds what a request may send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answers: Answers | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._answers is None:
            app = scope["app"]
            sessions = Sessions()
            sessions.set_blocks(app.get_blocks())
            app.state_holder = sessions
            self._answers = Answers(app)
        headers = Headers(scope=scope)
        _visitor.set(headers.get("x-visitor", ""))
        path = str(scope["path"])
        if scope["method"] == "GET":
            gone = self._answers.gone(path, QueryParams(scope["query_string"]).get("session_hash", ""))
            if gone is not None:
                await gone(scope, receive, send)
                return
        bounded = not (path.endswith(UPLOAD) or OURS in path)
        await _serve(self._app, scope, receive, send, BODY_BYTES if bounded else None)


async def _serve(app: ASGIApp, scope: Scope, receive: Receive, send: Send, limit: int | None) -> None:
    """Serve it, with 413 for a body beyond the limit; a visitor who leaves before all is said is no error."""
    received, began = 0, False

    async def receiving() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if limit is not None and received > limit:
            return {"type": "http.disconnect"}  # as if no more came: nobody behind this keeps what there is
        return message

    async def sending(message: Message) -> None:
        nonlocal began
        if limit is not None and received > limit and not began:
            return  # what they make of half a body
        began = True
        await send(message)

    with contextlib.suppress(ClientDisconnect):
        await app(scope, receiving, sending)
    if limit is not None and received > limit and not began:
        answer = refused(UserError("request_too_large", limit=limit), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        await answer(scope, receive, send)
