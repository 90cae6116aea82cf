"""Searches as jobs (gan_ui/jobs.py); both routes answer {"job": ID}.

POST /gradio_api/lab/project?run=ID&step=live|N
    body: a PNG, JPEG or WebP file with one digit on it. While it is searched for, the job's data is {"target",
    "image", "residual"}: the digit as MNIST would have it and the closest fake so far, each base64 of 28 x 28 bytes.
    The result is {"run", "target", "image", "z": [...], "digit", "residual", "drawn", "apart"}; `apart` is how far
    two random real digits are from each other, in the unit of `residual` and `drawn` (gan_core/projection.py)
POST /gradio_api/lab/copying?run=ID&step=live|N&psi=1&digit=D&to=D&share=S
    body: z as little-endian float32. The result is {"step", "image", "features": [...], "pixels": [...]}: the fake, and
    its nearest training digits by the judge's features and by pixels, each {"image", "index", "relative"}; relative
    to the median distance of a real digit to its nearest (gan_core/neighbours.py)
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gan_core.digit_pictures import MAX_BYTES, check_digit, read_digit
from gan_core.imported_images import MAX_PIXELS
from gan_core.networks import CLASSES
from gan_core.sentences import UserError
from gan_ui import queries
from gan_ui.jobs import Job, Jobs, started
from gan_ui.queries import visitor_of
from gan_ui.sample_routes import blend_of, z_of_body
from gan_ui.sampling import Blend, Loaded, SampleServer, fakes

if TYPE_CHECKING:
    from torch import Tensor

    from gan_core.neighbours import Neighbours
    from gan_core.projection import Projection

Query = Mapping[str, str]


class _Cancelled(Exception):
    """Nobody wants the result any more."""


class Searches:
    """Checks what can be checked at once, and leaves the rest to the jobs' thread."""

    def __init__(self, server: SampleServer, jobs: Jobs) -> None:
        self.server = server
        self._jobs = jobs

    def project(self, query: Query, body: bytes, visitor: str) -> str:
        """The job that looks for the z of a picture. Raises UserError."""
        check_digit(body)
        loaded = self._loaded(query)
        conditional = loaded.config.conditional

        def work(job: Job) -> dict[str, Any]:
            from torch import from_numpy

            from gan_core.metrics import load_reference
            from gan_core.projection import DRAWS, project

            # here, and not in the threads that draw everybody's sliders: a large picture takes a second and much memory
            target, told = from_numpy(read_digit(body)), float("inf")

            def report(found: Projection) -> None:
                nonlocal told
                news = {"image": _picture_of(loaded, found)} if found.residual < told else {}
                told = min(told, found.residual)
                job.report(found.share, residual=found.residual, **news)

            job.report(0, target=_base64(target))
            digits = range(CLASSES) if conditional else None
            found = project(loaded.G, loaded.config.z_dim, target, digits, report=report, cancelled=job.cancelled)
            return {
                "run": loaded.run.id,
                "target": _base64(target),
                "image": _picture_of(loaded, found),
                "z": found.z.tolist(),
                "digit": found.digit,
                "residual": found.residual,
                "drawn": found.drawn,
                "draws": DRAWS,
                "apart": load_reference().diversity,
            }

        return self._jobs.start(visitor, work)

    def copying(self, query: Query, body: bytes, visitor: str) -> str:
        """The job that looks for the training digits nearest to a fake. Raises UserError."""
        from gan_core.latent import truncate
        from gan_core.metrics import available

        psi, blend = queries.number("psi", query.get("psi", 1), 0, 2), blend_of(query)
        loaded = self._loaded(query)
        if not available(loaded.config.dataset):
            raise UserError("neighbours_need_digits", dataset=loaded.config.dataset)
        fake = fakes(loaded, truncate(z_of_body(loaded.config.z_dim, body, 1), psi), blend)[0, 0]

        def work(job: Job) -> dict[str, Any] | None:
            from gan_core.neighbours import nearest_reals
            from gan_core.render import to_uint8

            def report(share: float) -> None:
                if job.cancelled():
                    raise _Cancelled
                job.report(share)

            try:
                found = nearest_reals(fake, loaded.config.dataset, report)
            except _Cancelled:
                return None
            kinds = {"features": _rows(found.by_features), "pixels": _rows(found.by_pixels)}
            return {"step": loaded.step, "image": _base64(to_uint8(fake)), **kinds}

        return self._jobs.start(visitor, work)

    def _loaded(self, query: Query) -> Loaded:
        return self.server.generator(query.get("run", ""), queries.step(query.get("step")))


def search_routes(searches: Searches) -> list[Route]:
    """The routes of this module, for `launch(app_kwargs={"routes": ...})`."""

    def route(path: str, limit: int, start: Callable[[Query, bytes, str], str]) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                body = await queries.read_body(request, limit)
                job = await asyncio.get_running_loop().run_in_executor(
                    searches.server.workers, start, request.query_params, body, visitor_of(request)
                )
                return started(job)
            except UserError as error:
                if path == "project" and error.key == "body_too_large":
                    error = UserError("picture_too_large", field="picture", limit=MAX_PIXELS // 1_000_000)
                return queries.refused(error)

        return Route(f"/gradio_api/lab/{path}", endpoint, methods=["POST"])

    return [
        route("project", MAX_BYTES, searches.project),
        route("copying", queries.MAX_BODY, searches.copying),
    ]


def _picture_of(loaded: Loaded, found: Projection) -> str:
    from gan_core.render import to_uint8

    return _base64(to_uint8(fakes(loaded, found.z[None], Blend(found.digit))))


def _rows(found: Neighbours) -> list[dict[str, Any]]:
    rows = zip(found.images, found.indices, found.relative, strict=True)
    return [{"image": _base64(image), "index": index, "relative": relative} for image, index, relative in rows]


def _base64(pixels: Tensor) -> str:
    return base64.b64encode(pixels.numpy().tobytes()).decode()
