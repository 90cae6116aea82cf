"""Films as jobs (gan_ui/jobs.py); both routes answer {"job": ID}.

    POST /gradio_api/lab/film/walk      {"run", "step", "poses": [text, ...], "kind", "size", "seconds"}
    POST /gradio_api/lab/film/training  {"run", "pose": text or null, "kind", "size", "seconds"}

`step` is a snapshot's, or "live"; `kind` mp4, webp or gif; `size` in pixels, `seconds` of the film.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gan_core import film
from gan_core.pose import Pose, from_text
from gan_core.runs import Run
from gan_core.sentences import UserError
from gan_ui import queries
from gan_ui.jobs import Job, Jobs, Made, started
from gan_ui.sampling import SampleServer

if TYPE_CHECKING:
    from collections.abc import Callable


class Films:
    """Checks what can be checked at once, and leaves the rest to the jobs' thread."""

    def __init__(self, server: SampleServer, jobs: Jobs) -> None:
        self._server = server
        self._jobs = jobs

    def walk(self, body: queries.Body, visitor: str) -> str:
        run, kind, size, seconds = self._asked(body)
        step = queries.step(body.get("step"))
        poses = poses_of(body.get("poses"))

        def work(job: Job) -> Made | None:
            from gan_core.films import walk_film

            return self._made(
                job,
                f"{run.id}-walk.{kind}",
                kind,
                lambda **how: walk_film(run, step, poses, kind=kind, size=size, seconds=seconds, **how),
            )

        return self._jobs.start(visitor, work)

    def training(self, body: queries.Body, visitor: str) -> str:
        run, kind, size, seconds = self._asked(body)
        pose = poses_of([body["pose"]])[0] if body.get("pose") else None

        def work(job: Job) -> Made | None:
            from gan_core.films import training_film

            return self._made(
                job,
                f"{run.id}-training.{kind}",
                kind,
                lambda **how: training_film(run, pose, kind=kind, size=size, seconds=seconds, **how),
            )

        return self._jobs.start(visitor, work)

    def _asked(self, body: queries.Body) -> tuple[Run, str, int, float]:
        run = self._server.find(str(body.get("run", "")))
        size = int(queries.number("size", body.get("size"), *film.SIZES)) // 2 * 2  # a video has no odd sizes
        seconds = queries.number("seconds", body.get("seconds"), *film.SECONDS)
        kind = str(body.get("kind"))
        film.check_film(kind, size, seconds, 1)
        return run, kind, size, seconds

    @staticmethod
    def _made(job: Job, name: str, kind: str, make: Callable[..., bytes]) -> Made | None:
        try:
            return Made(name, film.KINDS[kind], make(report=job.report, cancelled=job.cancelled))
        except film.Cancelled:
            return None


def poses_of(texts: Any) -> list[Pose]:
    """The poses of a walk, from their texts. Raises UserError."""
    if not isinstance(texts, list):
        raise UserError("film_poses", count=0, limit=film.POSES_AT_MOST)
    if not 1 <= len(texts) <= film.POSES_AT_MOST:
        raise UserError("film_poses", count=len(texts), limit=film.POSES_AT_MOST)
    return [from_text(str(text)) for text in texts]


def film_routes(films: Films) -> list[Route]:
    """The routes of this module, for `launch(app_kwargs={"routes": ...})`."""

    def route(path: str, start: Callable[[queries.Body, str], str]) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                return started(start(await queries.json_body(request), queries.visitor_of(request)))
            except UserError as error:
                return queries.refused(error)

        return Route(f"/gradio_api/lab/film/{path}", endpoint, methods=["POST"])

    return [route("walk", films.walk), route("training", films.training)]
