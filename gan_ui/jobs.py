"""Whatever a visitor starts that takes more than a second: one after the other, with progress, and to be cancelled.

    GET  /gradio_api/lab/jobs/ID         {"status": queued|running|done|failed|cancelled, "share", "seconds_left",
                                          "position", "data", "result", "file": {"name", "bytes"}|null,
                                          "error": {"en", "zh"}|null}
    POST /gradio_api/lab/jobs/ID/cancel  the same, afterwards
    GET  /gradio_api/lab/jobs/ID/file    the file that it made; ?inline=1 to be shown rather than saved

A job is known only to whoever started it: its id cannot be guessed. What it made is kept for ten minutes.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
import urllib.parse
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gan_core.sentences import UserError
from gan_ui.queries import refused

WAITING_AT_MOST = 8
A_VISITORS_AT_MOST = 2  # jobs of one visitor that wait or run
KEPT_SECONDS = 600.0
KEPT_BYTES = 64_000_000
KEPT_AT_MOST = 500  # jobs that have ended
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Made:
    """A file that a job made."""

    name: str
    media_type: str
    content: bytes


class Job:
    """One piece of work: what it is told (`report`, `cancelled`), and what is known about it."""

    def __init__(self, visitor: str, work: Callable[[Job], Made | dict[str, Any] | None], lane: deque[Job]) -> None:
        self.id = secrets.token_urlsafe(16)
        self.visitor = visitor
        self.work: Callable[[Job], Made | dict[str, Any] | None] | None = work
        self.lane = lane
        self.status = "queued"
        self.share = 0.0
        self.data: dict[str, Any] = {}
        self.made: Made | None = None
        self.result: dict[str, Any] | None = None
        self.error: UserError | None = None
        self.started = self.ended = 0.0
        self._cancel = threading.Event()

    def report(self, share: float, **data: Any) -> None:
        """Say how much is done, in [0, 1], and anything small that the page may show meanwhile."""
        self.share = min(1.0, max(0.0, share))
        self.data = {**self.data, **data}

    def cancelled(self) -> bool:
        """Whether the work should end now; what it returns then does not matter."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """Ask it to end."""
        self._cancel.set()

    @property
    def unfinished(self) -> bool:
        return self.status in ("queued", "running")


class Jobs:
    """A queue and one thread that works through it: the other cores are for the training and the pictures.

    What mostly waits for an answer from elsewhere has a queue and a thread of its own, and holds nobody's film up.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._here: deque[Job] = deque()
        self._elsewhere: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        for name, lane in (("jobs", self._here), ("jobs-elsewhere", self._elsewhere)):
            threading.Thread(target=self._work, args=(lane,), name=name, daemon=True).start()

    def start(
        self, visitor: str, work: Callable[[Job], Made | dict[str, Any] | None], *, elsewhere: bool = False
    ) -> str:
        """Queue some work for a visitor, and return its id; `elsewhere` says that most of it is done by another server.

        `work` is called in the jobs' thread; a UserError is its failure in words. Raises UserError while too many wait.
        """
        lane = self._elsewhere if elsewhere else self._here
        with self._changed:
            self._forget_old()
            if len(lane) >= WAITING_AT_MOST:
                raise UserError("jobs_full", count=len(lane))
            if sum(job.unfinished for job in self._jobs.values() if job.visitor == visitor) >= A_VISITORS_AT_MOST:
                raise UserError("jobs_yours_full", count=A_VISITORS_AT_MOST)
            job = Job(visitor, work, lane)
            self._jobs[job.id] = job
            lane.append(job)
            self._changed.notify_all()
        return job.id

    def describe(self, job_id: str) -> dict[str, Any]:
        """All that the page is told of a job. Raises UserError if it is not known any more."""
        job = self.find(job_id)
        with self._changed:
            position = job.lane.index(job) + 1 if job in job.lane else 0
        elapsed = self._clock() - job.started
        left = elapsed / job.share - elapsed if job.status == "running" and job.share > 0.02 else None
        error = {"en": job.error.say("en"), "zh": job.error.say("zh")} if job.error else None
        file = {"name": job.made.name, "bytes": len(job.made.content)} if job.made else None
        facts = {"status": job.status, "share": round(job.share, 3), "seconds_left": left and round(left, 1)}
        return {**facts, "position": position, "data": job.data, "result": job.result, "file": file, "error": error}

    def find(self, job_id: str) -> Job:
        """The job of that id. Raises UserError if it is not known any more."""
        with self._changed:
            self._forget_old()
            if job_id not in self._jobs:
                raise UserError("job_gone")
            return self._jobs[job_id]

    def cancel(self, job_id: str) -> None:
        """End a job: one that waits at once, one that runs as soon as it looks. Raises UserError as `find` does."""
        job = self.find(job_id)
        job.cancel()
        with self._changed:
            if job in job.lane:
                job.lane.remove(job)
                self._end(job, "cancelled")

    def close(self) -> None:
        """Cancel everything; nothing can be started afterwards."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                job.cancel()
            self._here.clear()
            self._elsewhere.clear()
            self._changed.notify_all()

    def _work(self, lane: deque[Job]) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: lane or self._closed)
                if self._closed:
                    return
                job = lane.popleft()
                job.status, job.started = "running", self._clock()
            self._run(job)

    def _run(self, job: Job) -> None:
        status = "done"
        try:
            made = job.work(job) if job.work else None
            if isinstance(made, Made):
                job.made = made
            else:
                job.result = made
        except UserError as error:
            job.error, status = error, "failed"
        except Exception:
            _log.exception("a job failed")
            job.error, status = UserError("job_failed"), "failed"
        with self._changed:
            # what another server has done by then is done, and whoever cancelled it has to hear of it
            if job.cancelled() and not (job.lane is self._elsewhere and job.result is not None):
                job.made = job.result = job.error = None
                status = "cancelled"
            self._end(job, status)

    def _end(self, job: Job, status: str) -> None:
        job.status, job.ended = status, self._clock()
        job.work = None  # with all that it holds: a network, a picture, somebody's token
        if status == "done":
            job.share = 1.0

    def _forget_old(self) -> None:
        now = self._clock()
        ended = [job for job in self._jobs.values() if not job.unfinished]
        kept = 0
        for number, job in enumerate(sorted(ended, key=lambda one: one.ended, reverse=True)):
            kept += len(job.made.content) if job.made else 0
            if now - job.ended > KEPT_SECONDS or kept > KEPT_BYTES or number >= KEPT_AT_MOST:
                del self._jobs[job.id]


def job_routes(jobs: Jobs) -> list[Route]:
    """The routes of this module, for `launch(app_kwargs={"routes": ...})`."""

    def answer(job_id: str) -> Response:
        try:
            return _json(jobs.describe(job_id))
        except UserError as error:
            return refused(error)

    def status(request: Request) -> Response:
        return answer(request.path_params["id"])

    def cancel(request: Request) -> Response:
        try:
            jobs.cancel(request.path_params["id"])
        except UserError as error:
            return refused(error)
        return answer(request.path_params["id"])

    def file(request: Request) -> Response:
        try:
            made = jobs.find(request.path_params["id"]).made
            if made is None:
                raise UserError("job_gone")
        except UserError as error:
            return refused(error)
        how = "inline" if request.query_params.get("inline") else "attachment"
        name = urllib.parse.quote(made.name)
        headers = {"content-disposition": f"{how}; filename*=UTF-8''{name}", "cache-control": "private, max-age=600"}
        return Response(made.content, media_type=made.media_type, headers=headers)

    return [
        Route("/gradio_api/lab/jobs/{id}", status),
        Route("/gradio_api/lab/jobs/{id}/cancel", cancel, methods=["POST"]),
        Route("/gradio_api/lab/jobs/{id}/file", file),
    ]


def started(job_id: str) -> Response:
    """The answer to a request that started a job."""
    return _json({"job": job_id}, 202)


def _json(value: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, media_type="application/json", headers={"cache-control": "no-store"})
