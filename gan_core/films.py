"""The films there are to make: a walk through poses, and a training from its first snapshot to its last."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from gan_core import film, saved
from gan_core.film import Frame, check_film, enlarged
from gan_core.latent import generate, walk, weights_of, z_of
from gan_core.networks import CLASSES
from gan_core.pose import Pose
from gan_core.render import to_uint8
from gan_core.runs import Run, pictured_steps, snapshot_path, snapshot_steps
from gan_core.sentences import UserError

AT_ONCE = 32  # pictures
SLOWEST, QUICKEST = 4.0, 30.0  # frames a second of a film of a training: as many as it has snapshots, within these
LAST_SECONDS = 1.0  # that the end is held
CURVE_HEIGHT = 0.36  # of the picture's

Report = Callable[[float], None]
Asked = Callable[[], bool]


def walk_film(
    run: Run,
    step: int | None,
    poses: Sequence[Pose],
    *,
    kind: str,
    size: int,
    seconds: float,
    fps: float = 30.0,
    report: Report = lambda share: None,
    cancelled: Asked = lambda: False,
) -> bytes:
    """A round trip through poses, drawn by the run's generator of that step (None: the newest), as a file's bytes.

    Raises UserError for poses that it cannot draw and for a film that is too large, and Cancelled.
    """
    if not 1 <= len(poses) <= film.POSES_AT_MOST:
        raise UserError("film_poses", count=len(poses), limit=film.POSES_AT_MOST)
    count, config = check_film(kind, size, seconds, fps), run.config()
    for pose in poses:
        pose.check(config, run.id)
    G, _ = saved.load_generator(snapshot_path(run, step), config)
    z, weights = walk(poses, count)
    if config.conditional and weights is None:
        raise UserError("film_needs_digits", run=run.id)

    def frames() -> Iterator[Frame]:
        for at in range(0, count, AT_ONCE):
            part = slice(at, at + AT_ONCE)
            for picture in to_uint8(generate(G, z[part], None if weights is None else weights[part])):
                yield enlarged(picture[0].numpy(), size)

    return film.encode(frames(), count, fps, kind, report=report, cancelled=cancelled)


def training_film(
    run: Run,
    pose: Pose | None,
    *,
    kind: str,
    size: int,
    seconds: float,
    report: Report = lambda share: None,
    cancelled: Asked = lambda: False,
) -> bytes:
    """A training as a film: its grid of the fixed z, or one pose, through all snapshots, with the curve growing beneath.

    A snapshot that is thinned out meanwhile is left out. Raises UserError for a pose that this run cannot draw, for a run
    of fewer than two snapshots and for a film that is too large, and Cancelled.
    """
    if pose:
        pose.check(run.config(), run.id)
    steps = snapshot_steps(run) if pose else pictured_steps(run)
    if len(steps) < 2:
        raise UserError("film_needs_snapshots", run=run.id, count=len(steps))
    fps = min(QUICKEST, max(SLOWEST, len(steps) / max(0.5, seconds - LAST_SECONDS)))
    count = check_film(kind, size, seconds, fps)
    moving = max(1, count - round(LAST_SECONDS * fps))
    curve = _Curve(run, steps[0], steps[-1], size)

    def frames() -> Iterator[Frame]:
        shown, frame = None, np.zeros((size + curve.height, size), np.uint8)
        for number in range(count):
            step = steps[min(len(steps) - 1, number * len(steps) // moving)]
            if step != shown:
                picture = _pose_at(run, step, pose) if pose else _grid_at(run, step)
                if picture is not None:
                    frame = np.vstack((enlarged(picture, size), curve.drawn(step)))
                    shown = step
            yield frame

    return film.encode(frames(), count, fps, kind, report=report, cancelled=cancelled)


def _grid_at(run: Run, step: int) -> Frame | None:
    try:
        with Image.open(run.folder / "snapshots" / f"{step:06d}.webp") as image:
            return np.asarray(image.convert("L"))
    except OSError:
        return None


def _pose_at(run: Run, step: int, pose: Pose) -> Frame | None:
    try:
        G, _ = saved.load_generator(snapshot_path(run, step), run.config())
    except UserError:
        return None
    weights = weights_of(pose)
    if weights is None and run.config().conditional:
        weights = torch.eye(CLASSES)[0]
    picture: Frame = to_uint8(generate(G, z_of(pose)[None], None if weights is None else weights[None]))[0, 0].numpy()
    return picture


class _Curve:
    """digit-FID, or where there is none the losses, over log(step): faint as a whole, bright up to where the film is."""

    def __init__(self, run: Run, first: int, last: int, size: int) -> None:
        measured = [(row["step"], row["digit_fid"]) for row in run.metrics()[0] if _finite(row.get("digit_fid"))]
        self.name, self.lines, self.log = "digit-FID", [measured], True
        if len(measured) < 2:
            rows, self.name, self.log = run.history()[0], "d_loss, g_loss", False
            self.lines = [[(r["step"], r[loss]) for r in rows if _finite(r.get(loss))] for loss in ("d_loss", "g_loss")]
        self.height = round(size * CURVE_HEIGHT) // 2 * 2
        self.width, self.first, self.last = size, first, max(last, first + 1)
        self.font = ImageFont.load_default(max(9, size // 28))
        values = [value for line in self.lines for _, value in line] or [0.0, 1.0]
        self.low, self.high = min(values), max(values)
        if self.log:
            self.low = max(self.low, 1e-6)
        if self.high <= self.low:
            self.high = self.low + 1

    def _x(self, step: float) -> float:
        # + 10, because step 0 has no logarithm; the first few steps are not worth a tenth of the width
        begin, end = math.log(self.first + 10), math.log(self.last + 10)
        share = (math.log(max(self.first, min(step, self.last)) + 10) - begin) / (end - begin)
        return self.width * (0.03 + 0.94 * share)

    def _y(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low))
        return float(self.height * (0.92 - 0.66 * (value - low) / (high - low)))

    def drawn(self, step: int) -> Frame:
        """The curve when the film is at a step."""
        image = Image.new("L", (self.width, self.height), 18)
        pen = ImageDraw.Draw(image)
        said = []
        for line, bright in zip(self.lines, (255, 150), strict=False):
            points = [(self._x(at), self._y(value)) for at, value in line]
            passed = [point for point, (at, _) in zip(points, line, strict=True) if at <= step]
            width = max(1, self.width // 200)
            if len(points) > 1:
                pen.line(points, fill=60, width=width)
            if len(passed) > 1:
                pen.line(passed, fill=bright, width=width)
            if passed:
                (x, y), radius = passed[-1], 2 * width
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=bright)
                said.append(f"{line[len(passed) - 1][1]:.3g}")
        top = self.height * 0.04
        pen.text((self.width * 0.03, top), f"step {step:,}", fill=255, font=self.font)
        words = f"{self.name} {', '.join(said)}" if said else self.name
        pen.text((self.width * 0.97, top), words, fill=255, font=self.font, anchor="ra")
        return np.asarray(image)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
