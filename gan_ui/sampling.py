"""Pictures from z: the generators of run folders, kept ready, and the two routes that the Sample tab asks.

    POST /gradio_api/lab/sample?run=ID&step=live|N&psi=1&side=1|5|digits&seed=K&radius=R&digit=D
        body: z as little-endian float32
        side * side pictures of 28 x 28 bytes, row by row; "digits" gives ten: this z as each digit, from a conditional
        run. The header X-Step names the generator's step
    GET  /gradio_api/lab/z?run=ID&seed=K
        little-endian float32 (3, z_dim): the seed's z, and the two axes of its neighbourhood; the header X-Classes says
        how many classes a conditional run has (0 for any other)

`digit` 0 to 9 says what a conditional run draws; without it, the pictures take the digits in turn.

What a person can mend is answered with status 4xx and one sentence as JSON: {"en": ..., "zh": ...}.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gan_core import runs as run_folders
from gan_core.config import check_field
from gan_core.networks import CLASSES, is_conditional
from gan_core.sentences import UserError

# torch takes a second to import, and so do the modules of gan_core that use it: they are imported inside the functions
# below, so that the page is up before torch is.
if TYPE_CHECKING:
    from torch import Tensor, nn

    from gan_core.config import Config
    from gan_core.runs import Run

GENERATORS_KEPT = 8  # of 6 MB each
WORKERS = 2  # pictures being made at the same time; more would only take the cores from the training
MAX_SAMPLES = 64
MAX_BODY = 65_536  # bytes; the longest z there is needs 2,048
Z_LIMIT = 6.0  # every value of z is clipped to this: further out no G has been trained
SIDES = ("1", "5", "digits")


@dataclass(frozen=True)
class _Loaded:
    G: nn.Module
    run: Run
    config: Config
    step: int
    path: Path
    stamp: tuple[int, int] | None


class SampleServer:
    """Samples from the run folders in `runs_dir`; every method may be called from any thread.

    The last few generators stay in memory. A file is read again as soon as it has been replaced: "live" changes about
    once a second while its run is training. A run or snapshot that disappears is a UserError at the next call.
    """

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._lock = threading.Lock()
        self._loaded: OrderedDict[tuple[str, int | None], _Loaded] = OrderedDict()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="sample")

    def find(self, run_id: str) -> Run:
        """A run of the runs directory, or one of those that ship. Raises UserError if there is none of that id."""
        find = run_folders.find_sampled
        return find(self._runs_dir, str(run_id))

    def images(self, run_id: str, step: int | None, z: Tensor, digit: int | None = None) -> tuple[Tensor, int]:
        """Pictures, uint8 (n, 1, 28, 28), of z, float32 (n, z_dim), and the step of the generator that made them.

        `step` None is live, the newest generator there is; `digit` is what a conditional run draws, None all in turn.
        Raises UserError if the run or its snapshot is not there or cannot be read, and if z does not fit.
        """
        from gan_core.render import to_uint8

        loaded = self._generator(run_id, step)
        return to_uint8(_fakes(loaded, z, digit)), loaded.step

    def sample(self, run_id: str, step: int | None, seed: int, n: int, digit: int | None = None) -> tuple[Tensor, int]:
        """`n` (1 to 64) pictures, float32 (n, 28, 28) in [0, 1], of the z that `sample_z` draws from `seed`.

        With them the step of the generator that made them; `step` and `digit` as for `images`. Raises UserError as
        `images` does, and for a number out of its range.
        """
        from gan_core.latent import sample_z

        count, seed = int(_number("n", n, 1, MAX_SAMPLES, whole=True)), check_field("seed", seed)
        wanted = _digit(digit)
        loaded = self._generator(run_id, _step(step))
        return _fakes(loaded, sample_z(seed, count, loaded.config.z_dim), wanted)[:, 0], loaded.step

    def z(self, run_id: str, seed: int | str) -> Tensor:
        """The z of a seed and the two axes of its neighbourhood, float32 (3, z_dim). Raises UserError."""
        import torch

        from gan_core.latent import axes, sample_z

        z_dim = self.find(run_id).config().z_dim
        number = check_field("seed", seed)
        return torch.cat([sample_z(number, 1, z_dim), axes(number, z_dim)])

    # --- generators ---

    def _generator(self, run_id: str, step: int | None) -> _Loaded:
        from gan_core.saved import snapshot_path

        run = self.find(run_id)
        key = (run.id, step)
        with self._lock:
            known = self._loaded.get(key)
            if known:
                self._loaded.move_to_end(key)
        # which file it is needs a look into the folder only while live has to make do with a snapshot
        settled = known and (step is not None or known.path.parent == run.folder)
        path = known.path if known and settled else snapshot_path(run, step)
        if known and path == known.path and known.stamp == _stamp(path):
            return known
        loaded = self._load(run, step)  # without the lock: the others go on with what they have
        with self._lock:
            self._loaded[key] = loaded
            self._loaded.move_to_end(key)
            while len(self._loaded) > GENERATORS_KEPT:
                self._loaded.popitem(last=False)
        return loaded

    def _load(self, run: Run, step: int | None) -> _Loaded:
        from gan_core.saved import load_generator, snapshot_path

        path = snapshot_path(run, step)
        stamp = _stamp(path)  # before reading: if the file is replaced in between, it is only read once more
        try:
            config = run.config()
            G, at = load_generator(path, config)
        except UserError:
            self.find(run.id)  # the run may just have been deleted, or the snapshot thinned out:
            snapshot_path(run, step)  # then these have the better sentence
            raise
        return _Loaded(G, run, config, at, path, stamp)

    # --- routes ---

    async def post_sample(self, request: Request) -> Response:
        """The route /sample, as described above."""
        body = await _read_body(request)
        if body is None:
            return _refused(UserError("body_too_large", limit=MAX_BODY), 413)
        return await self._answer(lambda: self._sample_response(request.query_params, body))

    async def get_z(self, request: Request) -> Response:
        """The route /z, as described above."""
        return await self._answer(lambda: self._z_response(request.query_params))

    async def _answer(self, make: Callable[[], Response]) -> Response:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, make)
        except UserError as error:
            return _refused(error, 422)

    def _z_response(self, query: Mapping[str, str]) -> Response:
        run_id = query.get("run", "")
        values = self.z(run_id, query.get("seed", 0))
        classes = CLASSES if is_conditional(self.find(run_id).config().network) else 0
        return _bytes(values, {"X-Classes": str(classes)})

    def _sample_response(self, query: Mapping[str, str], body: bytes) -> Response:
        from torch import from_numpy

        from gan_core.latent import neighbourhood, truncate
        from gan_core.render import to_uint8

        psi = _number("psi", query.get("psi", 1), 0, 2)
        digit = _digit(query.get("digit"))
        side = query.get("side", "1")
        if side not in SIDES:
            raise UserError("not_a_choice", field="side", value=side, choices=", ".join(SIDES))
        loaded = self._generator(query.get("run", ""), _step(query.get("step")))
        if len(body) != 4 * loaded.config.z_dim:
            raise UserError("z_wrong_length", got=len(body) // 4, want=loaded.config.z_dim)
        values = np.frombuffer(body, "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise UserError("z_not_finite")
        z = from_numpy(values.clip(-Z_LIMIT, Z_LIMIT))
        if side == "1":
            points = z[None]
        elif side == "digits":
            points = z.expand(CLASSES, -1)
        else:
            seed = check_field("seed", query.get("seed", 0))
            points = neighbourhood(z, seed, _number("radius", query.get("radius", 1), 0, 100), int(side))
        pictures = to_uint8(_fakes(loaded, truncate(points, psi), digit))
        return _bytes(pictures, {"X-Step": str(loaded.step)})


def routes(server: SampleServer) -> list[Route]:
    """The routes of this module, for `launch(app_kwargs={"routes": ...})`."""
    return [
        Route("/gradio_api/lab/sample", server.post_sample, methods=["POST"]),
        Route("/gradio_api/lab/z", server.get_z, methods=["GET"]),
    ]


def _fakes(loaded: _Loaded, z: Tensor, digit: int | None = None) -> Tensor:
    from gan_core.latent import classes_for, generate

    if z.dim() != 2 or z.shape[1] != loaded.config.z_dim:
        raise UserError("z_wrong_length", got=z.shape[-1] if z.dim() else 0, want=loaded.config.z_dim)
    classes = classes_for(loaded.config, len(z), digit)
    if classes is None and digit is not None:
        raise UserError("not_conditional", run=loaded.run.id)
    fakes = generate(loaded.G, z, classes)
    if not fakes.isfinite().all():
        raise UserError("fakes_not_finite", step=loaded.step)
    return fakes


def _stamp(path: Path) -> tuple[int, int] | None:
    """Changes whenever the file is replaced; None if it is gone."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def _step(value: int | str | None) -> int | None:
    return None if value in (None, "live") else int(_number("step", value, 0, 10**9, whole=True))


def _digit(value: int | str | None) -> int | None:
    return None if value in (None, "") else int(_number("digit", value, 0, CLASSES - 1, whole=True))


def _number(name: str, value: Any, low: float, high: float, *, whole: bool = False) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise UserError("not_a_number", field=name, value=value)
    if whole and number != int(number):
        raise UserError("not_a_whole_number", field=name, value=value)
    if not low <= number <= high:
        raise UserError("out_of_range", field=name, value=value, low=f"{low:,}", high=f"{high:,}")
    return number


async def _read_body(request: Request) -> bytes | None:
    """The body, or None as soon as it proves too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return body


def _bytes(values: Tensor, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        values.numpy().tobytes(),
        media_type="application/octet-stream",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def _refused(error: UserError, status: int) -> Response:
    return JSONResponse({"en": error.say("en"), "zh": error.say("zh")}, status)
