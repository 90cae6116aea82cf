"""What the Timeline tab asks of the server: a run's snapshots, their pictures, one pose through them, and branches.

GET  /gradio_api/lab/timeline?run=ID&tag=T
    what gan_ui/timeline.py says of the run; 204 if the page has it already, by its tag
GET  /gradio_api/lab/snapshot/RUN/STEP
    the grid of the fixed z at that step, a WebP file
POST /gradio_api/lab/frames?run=ID&steps=N,N,...&psi=1&digit=D&to=D&share=S
    body: z as little-endian float32. {"frames": [...]}: for each of up to 8 steps {"step", "pixels": base64 of 28 x 28
    bytes, "verdict": D's of that step or null}, or {"step", "en", "zh"} if it cannot be drawn
GET  /gradio_api/lab/branch?run=ID&step=N
    what a branch there would begin with: {"step", "kind": checkpoint|snapshot|start, "fields": [...]}, and for each
    setting that may differ {"name", "value", "label": {"en", "zh"}, "help": {"en", "zh"}}
POST /gradio_api/lab/branch?run=ID&step=N&kind=K
    body: JSON, the settings that differ. Starts that branch: {"run": ID}. `step` and `kind` are those of the answer above
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gan_core.changes import Changes
from gan_core.config import to_json
from gan_core.fields import FIELD, FIELDS
from gan_core.runner import Runner
from gan_core.runs import Run
from gan_core.sentences import UserError
from gan_ui import queries
from gan_ui.acting import Acting
from gan_ui.sample_routes import SampleRoutes, blend_of, z_of_body
from gan_ui.sampling import Blend, Loaded, SampleServer, fakes
from gan_ui.settings_form import shown_value
from gan_ui.timeline import Timelines
from gan_ui.who import Who

if TYPE_CHECKING:
    from torch import Tensor

STEPS_AT_ONCE = 8  # of one request for frames: about 40 ms of one core
FRAMES_KEPT = 4000  # of about 1 kB
PICTURE_BYTES = 100_000  # a grid of 5 x 5 pure noise takes a quarter of it
LAST_STEP = 10**9
_LIVE = tuple(field.name for field in FIELDS if field.live)


class TimelineRoutes:
    """Reads run folders and draws from them; branches are made in the name of whoever asks."""

    def __init__(self, runner: Runner, samples: SampleServer, who: Who) -> None:
        self._runner = runner
        self._samples = samples
        self._who = who
        self._timelines = Timelines()
        self._lock = threading.Lock()
        self._frames: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()

    def timeline(self, request: Request) -> Response:
        run = self._samples.find(request.query_params.get("run", ""))
        text = self._timelines.read(run, request.query_params.get("tag", ""))
        if text is None:
            return Response(status_code=204)
        return Response(text, media_type="application/json", headers={"cache-control": "no-store"})

    def snapshot(self, request: Request) -> Response:
        run = self._samples.find(request.path_params["run"])
        step = _step(request.path_params["step"])
        try:
            with (run.folder / "snapshots" / f"{step:06d}.webp").open("rb") as file:
                data = file.read(PICTURE_BYTES + 1)
        except OSError:
            raise UserError("snapshot_gone", run=run.id, step=step) from None
        if not 0 < len(data) <= PICTURE_BYTES:
            raise UserError("snapshot_unreadable", name=f"{step:06d}.webp")
        # the page's address carries the stamp, so a picture never has to be asked for twice
        return Response(
            data, media_type="image/webp", headers={"cache-control": "private, max-age=31536000, immutable"}
        )

    # --- one pose through many snapshots ---

    def frames(self, query: Mapping[str, str], body: bytes) -> Response:
        run, steps = self._samples.find(query.get("run", "")), _steps(query.get("steps", ""))
        psi, blend = queries.number("psi", query.get("psi", 1), 0, 2), blend_of(query)
        z = z_of_body(run.config().z_dim, body, 1)
        if blend.digit is not None and not run.config().conditional:
            raise UserError("not_conditional", run=run.id)
        pose = (hashlib.sha256(z.numpy().tobytes()).digest(), psi, blend)
        return JSONResponse({"frames": [self._frame(run, step, z, psi, blend, pose) for step in steps]})

    def _frame(self, run: Run, step: int, z: Tensor, psi: float, blend: Blend, pose: tuple[Any, ...]) -> dict[str, Any]:
        from gan_core.saved import snapshot_path

        try:
            stat = snapshot_path(run, step).stat()
            key = (run.id, step, stat.st_mtime_ns, stat.st_ino, *pose)
            with self._lock:
                if key in self._frames:
                    self._frames.move_to_end(key)
                    return self._frames[key]
            frame = _drawn(self._samples.load(run, step), step, z, psi, blend)
        except OSError:
            error = UserError("snapshot_gone", run=run.id, step=step)
            return {"step": step, "en": error.say("en"), "zh": error.say("zh")}
        except UserError as error:
            return {"step": step, "en": error.say("en"), "zh": error.say("zh")}
        with self._lock:
            self._frames[key] = frame
            while len(self._frames) > FRAMES_KEPT:
                self._frames.popitem(last=False)
        return frame

    # --- branches ---

    def origin(self, request: Request) -> Response:
        run = self._samples.find_own(request.query_params.get("run", ""))
        origin = _origin(run, _step(request.query_params.get("step")))
        config = to_json(Changes(run).until(origin["step"], run.config()))
        # as `branch.make_branch` has it: for as long again as the parent was asked to
        asked = to_json(run.config())
        length = "seconds" if asked["seconds"] else "steps"
        values = {**{name: config[name] for name in _LIVE}, length: asked[length]}
        return JSONResponse({**origin, "fields": [_field(name, value) for name, value in values.items()]})

    async def branch(self, request: Request) -> Response:
        settings = queries.json_object(await queries.read_body(request) or b"{}")
        return await run_in_threadpool(self._branch, request, settings)

    def _branch(self, request: Request, settings: dict[str, Any]) -> Response:
        run = self._samples.find_own(request.query_params.get("run", ""))
        step, kind = _step(request.query_params.get("step")), request.query_params.get("kind", "")
        # between the page's question and the press of its button something may have been thinned out
        if _origin(run, step) != {"step": step, "kind": kind}:
            raise UserError("branch_moved", run=run.id, step=step)
        return JSONResponse({"run": Acting(self._runner, self._who, request).branch(run.id, settings, step).id})


def timeline_routes(runner: Runner, samples: SampleServer, who: Who) -> list[Route]:
    """The routes of this module, for `launch(app_kwargs={"routes": ...})`."""
    own, workers = TimelineRoutes(runner, samples, who), SampleRoutes(samples)

    def reading(path: str, answer: Callable[[Request], Response]) -> Route:
        def endpoint(request: Request) -> Response:  # not async: Starlette calls it in a thread
            try:
                return answer(request)
            except UserError as error:
                return queries.refused(error)

        return Route(f"/gradio_api/lab/{path}", endpoint)

    async def frames(request: Request) -> Response:
        return await workers.answer(request, own.frames)

    async def branch(request: Request) -> Response:
        try:
            return await own.branch(request)
        except UserError as error:
            return queries.refused(error)

    return [
        reading("timeline", own.timeline),
        reading("snapshot/{run}/{step}", own.snapshot),
        reading("branch", own.origin),
        Route("/gradio_api/lab/frames", frames, methods=["POST"]),
        Route("/gradio_api/lab/branch", branch, methods=["POST"]),
    ]


def _step(value: Any) -> int:
    return int(queries.number("step", value, 0, LAST_STEP, whole=True))


def _steps(text: str) -> list[int]:
    parts = text.split(",")
    if len(parts) > STEPS_AT_ONCE:
        raise UserError("out_of_range", field="steps", value=len(parts), low=1, high=STEPS_AT_ONCE)
    return [_step(part) for part in parts]


def _drawn(loaded: Loaded, step: int, z: Tensor, psi: float, blend: Blend) -> dict[str, Any]:
    """The pose by that snapshot's G, and what that snapshot's D says of it."""
    import torch

    from gan_core.latent import truncate, verdict
    from gan_core.render import to_uint8
    from gan_core.saved import has_discriminator, load_discriminator

    picture = fakes(loaded, truncate(z, psi), blend)
    said = None
    if has_discriminator(loaded.run, step):
        classes = None
        if loaded.config.conditional:  # D is told the digit that there is most of
            mostly = blend.to if blend.to is not None and blend.share > 0.5 else blend.digit
            classes = torch.tensor([mostly or 0])
        said = float(verdict(load_discriminator(loaded.run, step), picture, classes)[0])
    pixels = base64.b64encode(to_uint8(picture).numpy().tobytes()).decode()
    return {"step": step, "pixels": pixels, "verdict": None if said is None or said != said else said}


def _origin(run: Run, step: int) -> dict[str, Any]:
    """What a branch at that step begins with. Raises UserError if that would be step 0 when a later one was asked for."""
    from gan_core.branch import branch_origin

    origin = branch_origin(run, step)
    if origin.kind == "start" and step > 0:
        raise UserError("nothing_to_branch_from", run=run.id, step=step)
    return dataclasses.asdict(origin)


def _field(name: str, value: Any) -> dict[str, Any]:
    field = FIELD[name]
    label, about = (dict(zip(("en", "zh"), words, strict=True)) for words in (field.label, field.help))
    return {"name": name, "value": shown_value(value), "label": label, "help": about}
