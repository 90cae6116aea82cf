"""Tensors to pictures: a grid of images as one small lossless file. Enlarging is the viewer's business."""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor

GAP = 2  # pixels between tiles
GRID_SIDE = 5  # the tutorial's 5 x 5


def grid(images: Tensor, columns: int = GRID_SIDE) -> Tensor:
    """Tile images (N, 1, H, W), float in [0, 1] or uint8, into one uint8 picture (H', W') with dark gaps between."""
    tiles = to_uint8(images)[:, 0]
    count, height, width = tiles.shape
    rows = -(-count // columns)
    picture = torch.zeros(rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, dtype=torch.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        picture[top : top + height, left : left + width] = tile
    return picture


def to_uint8(images: Tensor) -> Tensor:
    """Float images in [0, 1] as uint8; uint8 images as they are."""
    if images.dtype == torch.uint8:
        return images.cpu()
    return images.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8).cpu()


def as_pixels(images: Tensor) -> Tensor:
    """Images as float32 in [0, 1] on the CPU, from uint8 or float."""
    pixels = images.detach().to("cpu", torch.float32)
    return pixels / 255 if images.dtype == torch.uint8 else pixels


def encode(picture: Tensor, kind: str = "webp") -> bytes:
    """A uint8 picture (H, W) as a lossless WebP or PNG file."""
    buffer = io.BytesIO()
    image = Image.fromarray(picture.numpy())
    if kind == "png":
        image.save(buffer, "PNG", optimize=False, compress_level=6)
    else:
        image.save(buffer, "WEBP", lossless=True, method=0, quality=20)
    return buffer.getvalue()
