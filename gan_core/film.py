"""Films: frames to MP4 (H.264), animated WebP or GIF, enlarged without blur."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_core.sentences import UserError

Frame = NDArray[np.uint8]  # (H, W), grey
KINDS = {"mp4": "video/mp4", "webp": "image/webp", "gif": "image/gif"}
POSES_AT_MOST = 24  # of a walk
FRAMES_AT_MOST = 1500
PIXELS_AT_MOST = 400_000_000  # of all frames together: a minute of 30 frames a second of 448 x 448
SIZES = (56, 1120)  # pixels
SECONDS = (1.0, 60.0)


class Cancelled(Exception):
    """Nobody wants the film any more."""


def check_film(kind: str, size: float, seconds: float, fps: float) -> int:
    """How many frames such a film has. Raises UserError if it cannot be made, or would be too much to make."""
    if kind not in KINDS:
        raise UserError("not_a_choice", field="kind", value=kind, choices=", ".join(KINDS))
    for name, value, (low, high) in (("size", size, SIZES), ("seconds", seconds, SECONDS), ("fps", fps, (1, 60))):
        if not low <= value <= high:
            raise UserError("out_of_range", field=name, value=value, low=low, high=high)
    frames = max(2, round(seconds * fps))
    if frames > FRAMES_AT_MOST or frames * size * size > PIXELS_AT_MOST:
        raise UserError("film_too_large", field="size", frames=frames, size=int(size))
    return frames


def enlarged(frame: Frame, size: int) -> Frame:
    """A square picture, size x size pixels: whole multiples of its pixels, centred on black."""
    times = max(1, size // len(frame))
    large = frame.repeat(times, 0).repeat(times, 1)[:size, :size]
    before = (size - len(large)) // 2
    after = size - len(large) - before
    return np.pad(large, ((before, after), (before, after)))


def encode(
    frames: Iterable[Frame],
    count: int,
    fps: float,
    kind: str,
    *,
    report: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> bytes:
    """A film of frames, all of one even size, `count` of them, as the bytes of a file. It loops, unless it is an MP4.

    `report` is told of the share that is done. Raises Cancelled soon after `cancelled` says so, and UserError if there
    is no encoder.
    """

    def watched() -> Iterator[Frame]:
        for number, frame in enumerate(frames):
            if cancelled():
                raise Cancelled
            report(number / count)
            yield frame

    return _gif(watched(), fps) if kind == "gif" else _video(watched(), fps, kind)


def _gif(frames: Iterator[Frame], fps: float) -> bytes:
    images = (Image.fromarray(frame) for frame in frames)
    first = next(images)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.gif"
        # a GIF counts in hundredths of a second
        first.save(path, save_all=True, append_images=images, duration=max(20, round(100 / fps) * 10), loop=0)
        return path.read_bytes()


def _video(frames: Iterator[Frame], fps: float, kind: str) -> bytes:
    try:
        import av
    except ImportError:
        raise UserError("film_no_encoder") from None
    from fractions import Fraction

    codec, pixels, container_options, options = {
        "mp4": ("libx264", "yuv420p", {"movflags": "faststart"}, {"crf": "18", "preset": "veryfast"}),
        "webp": ("libwebp_anim", "bgra", {"loop": "0"}, {"lossless": "1", "compression_level": "1"}),
    }[kind]
    first = next(frames)
    # a file, because what makes an MP4 start at once opens it a second time
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{kind}"
        with av.open(str(path), "w", options=container_options) as container:
            rate = Fraction(fps).limit_denominator(1000)
            stream = cast("av.VideoStream", container.add_stream(codec, rate=rate, options=options))
            stream.height, stream.width = first.shape
            stream.pix_fmt = pixels
            stream.codec_context.thread_count = 1  # the other cores are for the training and the pictures
            for number, frame in enumerate(chain([first], frames)):
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="gray").reformat(format=pixels)
                picture.pts = number
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return path.read_bytes()
