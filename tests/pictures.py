"""Pictures as people have them, in folders and .zip files, for the tests of importing."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(number: int, side: int = 28) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (side, side), dtype=np.uint8))


def pictures(count: int = 64) -> dict[str, bytes]:
    return {f"picture {number:04}.png": encoded(noise(number)) for number in range(count)}


def in_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def in_zip(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
