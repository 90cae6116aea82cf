"""A folder or .zip of a person's own pictures, made into a data set of 28 x 28 grey images.

What is kept is the bare pixels, in `<cache>/images/<name>/pixels.bin`. The name comes from them: importing the same
pictures again gives the same data set, a run finds its data set by name, and a damaged file shows.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gan_core.data_cache import cache_dir, keep
from gan_core.image_files import MAX_BYTES, image_files, read_all
from gan_core.sentences import UserError

if TYPE_CHECKING:
    from PIL import Image

SIDE = 28
MIN_IMAGES = 64
# An image with more pixels is left out without being decoded: one takes up to 20 bytes of memory a pixel on the way.
MAX_PIXELS = 8_500_000  # a screen of 4K
MAX_PIXELS_OF_A_JPEG = 40_000_000  # which is decoded at a fraction of its size
MAX_SIDE = 20_000
MAX_NAMED = 20
FORMATS = ("PNG", "JPEG", "WEBP")

_NAME = re.compile(r"images-[0-9a-f]{12}")

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ImportReport:
    """What became of an import: the data set's name, its number of images, and the files that were left out."""

    name: str
    count: int
    broken: tuple[str, ...]  # names of the first 20 at most
    broken_count: int


def import_images(path: Path) -> ImportReport:
    """Make a data set of the PNG, JPEG and WebP images in a folder (with its subfolders) or .zip.

    Each image is turned upright (EXIF), laid on black where it is transparent, cut to its centre square and shrunk to
    28 x 28. Hidden files are passed over; files that are no such image are left out and reported. Shows a tqdm bar.

    Raises UserError, keeping nothing, for fewer than 64 usable images, more than 50,000 files or 200 MB, and for an
    archive that is damaged, encrypted or harmful.
    """
    from tqdm import tqdm  # here, because a trainer that only reads a data set never needs it

    images: list[Pixels] = []
    broken: list[str] = []
    room = MAX_BYTES
    with image_files(path) as sources:
        for source in tqdm(sources, desc="Importing images", unit=" files"):
            try:
                data = read_all(source, room)
                room -= len(data)
                images.append(_grey_square(data))
            except UserError:
                raise
            except Exception:  # damaged pictures and archives make their decoders raise nearly anything
                broken.append(source.name.encode("utf-8", "replace").decode())
    if len(images) < MIN_IMAGES:
        raise UserError("too_few_images", field="dataset", minimum=MIN_IMAGES, count=len(images), broken=len(broken))
    pixels = np.stack(images).tobytes()
    name = _name(pixels)
    keep(_file(name), pixels)
    return ImportReport(name, len(images), tuple(broken[:MAX_NAMED]), len(broken))


def is_imported_name(name: str) -> bool:
    """Whether a data set of this name would be one made by `import_images`."""
    return _NAME.fullmatch(name) is not None


def imported_names() -> list[str]:
    """The names of the data sets made by `import_images`, sorted."""
    found = (file.parent.name for file in cache_dir().glob("images/*/pixels.bin"))
    return sorted(name for name in found if is_imported_name(name))


def load_images(name: str) -> Pixels | None:
    """The pixels of an imported data set, uint8 (N, 28, 28); None where they are absent or damaged."""
    try:
        pixels = bytearray(_file(name).read_bytes())
    except OSError:
        return None
    return np.frombuffer(pixels, np.uint8).reshape(-1, SIDE, SIDE) if _name(pixels) == name else None


def _file(name: str) -> Path:
    return cache_dir() / "images" / name / "pixels.bin"


def _name(pixels: bytes | bytearray) -> str:
    return "images-" + hashlib.sha256(pixels).hexdigest()[:12]


class TooManyPixelsError(ValueError):
    """A picture that is not worth decoding; `limit` is how many pixels it may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


def check_pixels(opened: Image.Image) -> None:
    """Raise TooManyPixelsError for a picture, opened but not decoded yet, that would take too much memory."""
    limit = MAX_PIXELS_OF_A_JPEG if opened.format == "JPEG" else MAX_PIXELS
    if opened.width * opened.height > limit or max(opened.size) > MAX_SIDE:
        raise TooManyPixelsError(limit)


def grey_picture(data: bytes) -> Image.Image:
    """One PNG, JPEG or WebP file, upright, on black where it is transparent, as 8-bit grey.

    A large JPEG comes smaller, at 112 pixels a side or more. Raises TooManyPixelsError for one that `check_pixels`
    refuses, and nearly anything else for a file that is not usable.
    """
    from PIL import Image, ImageOps

    with Image.open(BytesIO(data), formats=FORMATS) as opened:
        check_pixels(opened)
        opened.draft("L", (4 * SIDE, 4 * SIDE))  # lets a large JPEG be decoded at a fraction of its size
        image: Image.Image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip rather than scale
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return image.convert("L")


def _grey_square(data: bytes) -> Pixels:
    """One image file as uint8 (28, 28); any exception means that it is not usable."""
    from PIL import Image

    image = grey_picture(data)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    # cut first: resizing a box of a larger image lets what lies around the box shine in
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
