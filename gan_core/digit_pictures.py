"""A person's own digit, drawn or photographed, made into a picture such as those of MNIST.

What stands out from the ground is taken for the digit. It is scaled to fit 20 x 20 pixels and put with its centre of mass
into the middle of 28 x 28, as the makers of MNIST did with theirs.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np

from gan_core.imported_images import (
    FORMATS,
    MAX_PIXELS,
    SIDE,
    Pixels,
    TooManyPixelsError,
    check_pixels,
    grey_picture,
)
from gan_core.sentences import UserError

MAX_BYTES = 10_000_000  # of a file
LOOKED_AT = 1000  # pixels a side
BOX = 20  # pixels, the longer side of the digit
INK = 0.25  # of the largest contrast: paler is taken for the ground, with its shadows and grain
FAINT = 24  # of 255: less contrast than this is an empty page


def check_digit(data: bytes) -> None:
    """Look at the beginning of a file only. Raises UserError for one that is no image, or has too many pixels."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            check_pixels(opened)
    except TooManyPixelsError as error:
        raise UserError("picture_too_large", field="picture", limit=error.limit // 1_000_000) from None
    except Image.DecompressionBombError:
        raise UserError("picture_too_large", field="picture", limit=MAX_PIXELS // 1_000_000) from None
    except Exception:  # damaged pictures make their decoders raise nearly anything
        raise UserError("picture_not_read", field="picture") from None


def read_digit(data: bytes) -> Pixels:
    """The digit of a PNG, JPEG or WebP file: uint8 (28, 28), bright on black.

    A bright ground, such as paper, is turned around: whichever of dark and bright the border is, is the ground. Raises
    UserError as `check_digit` does, for a file that is damaged further on, and for one on which nothing stands out.
    """
    check_digit(data)
    try:
        image = grey_picture(data)
        image.thumbnail((LOOKED_AT, LOOKED_AT))
    except Exception:  # as above
        raise UserError("picture_not_read", field="picture") from None
    grey = np.asarray(image).astype(np.int16)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ground = int(np.median(border))
    ink = (ground - grey if ground > 127 else grey - ground).clip(0)
    contrast = int(ink.max())
    if contrast < FAINT:
        raise UserError("picture_empty", field="picture")
    low = round(contrast * INK) if ground else 0  # a canvas has no grain, and soft edges that are worth keeping
    bright = (np.maximum(ink - low, 0) * (255 / (contrast - low))).astype(np.uint8)
    return _centred(bright)


def _centred(bright: Pixels) -> Pixels:
    from PIL import Image

    rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
    cut = Image.fromarray(bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    scale = BOX / max(cut.size)
    size = (max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
    small = np.asarray(cut.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR))
    if not small.any():  # specks so far apart that nothing is left of them
        raise UserError("picture_empty", field="picture")
    picture = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (_start(small.astype(np.float64).sum(axis), size) for axis, size in ((1, size[1]), (0, size[0])))
    picture[top : top + size[1], left : left + size[0]] = small
    return picture


def _start(weights: np.ndarray[tuple[int], np.dtype[np.float64]], length: int) -> int:
    """Where a side of that length begins, so that its centre of mass comes to pixel 14, and all of it stays inside."""
    centre = float(weights @ np.arange(length) / weights.sum())
    return min(SIDE - length, max(0, round(SIDE / 2 - centre)))
