"""What the Sample tab asks of the server: pictures of z, directions of a G and their names, and poses as text.

    POST /gradio_api/lab/sample?run=ID&step=live|N&psi=1&side=1|5|many|digits&seed=K&radius=R&digit=D&to=D&share=S
        body: z as little-endian float32; for "many" up to 64 of them, one after the other
        pictures of 28 x 28 bytes: one, the 5 x 5 around z, one for each z, or this z as each of ten digits. The header
        X-Step names the generator's step
    GET  /gradio_api/lab/z?run=ID&seed=K
        little-endian float32 (3, z_dim): the seed's z, and the two axes of its neighbourhood; the header X-Classes says
        how many classes a conditional run has (0 for any other)
    GET  /gradio_api/lab/directions?run=ID&step=live|N
        {"step", "z_dim", "directions": base64 of little-endian float32 (k, z_dim), "names": [...]}
    POST /gradio_api/lab/directions?run=ID&step=N&index=I
        body: the name of that direction, UTF-8; it is kept with the run
    POST /gradio_api/lab/walk?run=ID&step=live|N&frames=N&first=I
        body: JSON, {"poses": [text, ...]}. The pictures of up to 64 frames of a round trip through the poses that has
        `frames` in all, from number `first` on: the same as those of its film (gan_ui/film_routes.py)
    POST /gradio_api/lab/pose?run=ID&step=live|N&psi=1&digit=D&to=D&share=S
        body: z. Answers {"text"}
    GET  /gradio_api/lab/pose?text=T&run=ID
        {"z": [...], "psi", "digit", "to", "share", "run", "step", "note"}: what the text says, to be drawn by the run it
        names, or else by ID; "note" is a sentence in both languages if its snapshot is gone

`digit` 0 to 9 says what a conditional run draws, and `share` of `to` what it is blended with; without it, the pictures
take the digits in turn. What a person can mend is answered with status 4xx and one sentence as JSON: {"en", "zh"}.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gan_core import pose as poses
from gan_core.config import check_field
from gan_core.direction_names import direction_names, name_direction
from gan_core.film import FRAMES_AT_MOST
from gan_core.networks import CLASSES
from gan_core.runs import snapshot_steps
from gan_core.sentences import UserError
from gan_ui import queries
from gan_ui.film_routes import poses_of
from gan_ui.sampling import MAX_SAMPLES, Blend, Loaded, SampleServer, fakes

if TYPE_CHECKING:
    from torch import Tensor

Z_LIMIT = 6.0  # every value of z is clipped to this: further out no G has been trained
SIDES = ("1", "5", "many", "digits")


class SampleRoutes:
    """Answers in the sampling server's threads, so that the event loop stays free."""

    def __init__(self, server: SampleServer) -> None:
        self.server = server

    async def answer(self, request: Request, make: Callable[[Mapping[str, str], bytes], Response]) -> Response:
        """What `make` makes of the query and the body, or the sentence of its UserError."""
        try:
            body = await queries.read_body(request)
            return await asyncio.get_running_loop().run_in_executor(
                self.server.workers, make, request.query_params, body
            )
        except UserError as error:
            return queries.refused(error)

    def sample(self, query: Mapping[str, str], body: bytes) -> Response:
        from gan_core.latent import neighbourhood, truncate
        from gan_core.render import to_uint8

        psi, blend = queries.number("psi", query.get("psi", 1), 0, 2), blend_of(query)
        side = query.get("side", "1")
        if side not in SIDES:
            raise UserError("not_a_choice", field="side", value=side, choices=", ".join(SIDES))
        loaded = self._loaded(query)
        z = z_of_body(loaded.config.z_dim, body, MAX_SAMPLES if side == "many" else 1)
        if side == "digits":
            z = z.expand(CLASSES, -1)
        elif side == "5":
            seed = check_field("seed", query.get("seed", 0))
            z = neighbourhood(z[0], seed, queries.number("radius", query.get("radius", 1), 0, 100), 5)
        return _bytes(to_uint8(fakes(loaded, truncate(z, psi), blend)), {"X-Step": str(loaded.step)})

    def z(self, query: Mapping[str, str], _: bytes) -> Response:
        run_id = query.get("run", "")
        values = self.server.z(run_id, query.get("seed", 0))
        classes = CLASSES if self.server.find(run_id).config().conditional else 0
        return _bytes(values, {"X-Classes": str(classes)})

    def directions(self, query: Mapping[str, str], _: bytes) -> Response:
        from gan_core.directions import find_directions

        loaded = self._loaded(query)
        found = find_directions(loaded.G, loaded.config.z_dim)
        return JSONResponse(
            {
                "step": loaded.step,
                "z_dim": loaded.config.z_dim,
                "directions": base64.b64encode(found.numpy().tobytes()).decode(),
                "names": direction_names(loaded.run, loaded.step, len(found)),
            }
        )

    def name(self, query: Mapping[str, str], body: bytes) -> Response:
        run = self.server.find_own(query.get("run", ""))
        step = int(queries.number("step", query.get("step"), 0, 10**9, whole=True))
        index = int(queries.number("index", query.get("index"), 0, 511, whole=True))
        return JSONResponse({"name": name_direction(run, step, index, body.decode("utf-8", "replace"))})

    def walk(self, query: Mapping[str, str], body: bytes) -> Response:
        from gan_core.latent import generate, walk
        from gan_core.render import to_uint8

        texts = poses_of(queries.json_object(body).get("poses"))
        frames = int(queries.number("frames", query.get("frames"), 2, FRAMES_AT_MOST, whole=True))
        first = int(queries.number("first", query.get("first", 0), 0, frames - 1, whole=True))
        loaded = self._loaded(query)
        for pose in texts:
            pose.check(loaded.config, loaded.run.id)
        z, weights = walk(texts, frames)
        if weights is None and loaded.config.conditional:
            raise UserError("film_needs_digits", run=loaded.run.id)
        part = slice(first, first + MAX_SAMPLES)
        made = generate(loaded.G, z[part], None if weights is None else weights[part])
        if not made.isfinite().all():
            raise UserError("fakes_not_finite", step=loaded.step)
        return _bytes(to_uint8(made), {"X-Step": str(loaded.step)})

    def write_pose(self, query: Mapping[str, str], body: bytes) -> Response:
        loaded = self._loaded(query)
        z, blend = z_of_body(loaded.config.z_dim, body, 1), blend_of(query)
        pose = poses.Pose(
            tuple(z[0].tolist()),
            queries.number("psi", query.get("psi", 1), 0, 2),
            blend.digit,
            loaded.run.id,
            queries.step(query.get("step")),
            blend.to,
            blend.share,
        )
        return JSONResponse({"text": poses.to_text(pose)})

    def read_pose(self, query: Mapping[str, str], _: bytes) -> Response:
        pose = poses.from_text(query.get("text", ""))
        run = self.server.find(pose.run or query.get("run", ""))
        pose.check(run.config(), run.id)
        step, note = pose.step, None
        if step is not None and step not in snapshot_steps(run):
            note = UserError("pose_snapshot_gone", run=run.id, step=step)
            step = None
        said = {"en": note.say("en"), "zh": note.say("zh")} if note else None
        blend = {"digit": pose.digit, "to": pose.to, "share": pose.share}
        return JSONResponse({"z": pose.z, "psi": pose.psi, **blend, "run": run.id, "step": step, "note": said})

    def _loaded(self, query: Mapping[str, str]) -> Loaded:
        return self.server.generator(query.get("run", ""), queries.step(query.get("step")))


def routes(server: SampleServer) -> list[Route]:
    """The routes of this module, for `launch(app_kwargs={"routes": ...})`."""
    own = SampleRoutes(server)

    def route(path: str, method: str, make: Callable[[Mapping[str, str], bytes], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            return await own.answer(request, make)

        return Route(f"/gradio_api/lab/{path}", endpoint, methods=[method], name=f"{method} {path}")

    return [
        route("sample", "POST", own.sample),
        route("z", "GET", own.z),
        route("directions", "GET", own.directions),
        route("directions", "POST", own.name),
        route("walk", "POST", own.walk),
        route("pose", "GET", own.read_pose),
        route("pose", "POST", own.write_pose),
    ]


def z_of_body(z_dim: int, body: bytes, at_most: int) -> Tensor:
    """The z of a body, float32 (n, z_dim), clipped to where G was trained. Raises UserError."""
    from torch import from_numpy

    count, rest = divmod(len(body), 4 * z_dim)
    if rest or not 1 <= count <= at_most:
        raise UserError("z_wrong_length", got=len(body) // 4, want=z_dim)
    values = np.frombuffer(body, "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise UserError("z_not_finite")
    return from_numpy(values.clip(-Z_LIMIT, Z_LIMIT)).view(count, z_dim)


def blend_of(query: Mapping[str, str]) -> Blend:
    """What a query wants a conditional run to draw. Raises UserError."""
    share = queries.number("share", query.get("share", 0), 0, 1)
    return Blend(queries.digit(query.get("digit")), queries.digit(query.get("to"), "to"), share)


def _bytes(values: Tensor, headers: Mapping[str, str]) -> Response:
    return Response(
        values.numpy().tobytes(),
        media_type="application/octet-stream",
        headers={"Cache-Control": "no-store", **headers},
    )
