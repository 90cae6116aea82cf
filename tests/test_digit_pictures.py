"""A person's own digit becomes one such as MNIST's, whatever it is drawn or photographed on; and what is none is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import gan_core
from gan_core.digit_pictures import read_digit
from gan_core.sentences import UserError
from tests.pictures import encoded, noise

ASSETS = Path(gan_core.__file__).parent / "assets"


def stroke(size: tuple[int, int], line: list[float], ink: int, ground: int, width: int = 8) -> Image.Image:
    image = Image.new("L", size, ground)
    ImageDraw.Draw(image).line(line, fill=ink, width=width)
    return image


def centre(picture: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(picture.shape)
    weights = picture.astype(float)
    return float((rows * weights).sum() / weights.sum()), float((columns * weights).sum() / weights.sum())


def extent(picture: np.ndarray) -> tuple[int, int]:
    return tuple(int(np.ptp(np.flatnonzero(picture.any(axis)))) + 1 for axis in (1, 0))  # type: ignore[return-value]


def specks() -> Image.Image:
    """Two dots so far apart that none is left once they fit into 20 pixels."""
    image = Image.new("L", (1000, 1000))
    for place in (3, 990):
        image.putpixel((place, place), 255)
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_stroke_anywhere_fits_the_box_with_its_mass_in_the_middle(kind: str) -> None:
    for ink, ground in ((255, 0), (20, 230)):
        picture = read_digit(encoded(stroke((300, 200), [20, 30, 60, 150], ink, ground), kind))
        assert picture.shape == (28, 28)
        assert picture.dtype == np.uint8
        assert picture.max() > 200
        assert picture[0].max() == picture[:, 0].max() == 0, "the ground is black"
        assert 19 <= extent(picture)[0] <= 20
        assert centre(picture) == pytest.approx((14, 14), abs=0.6)


def test_the_middle_is_that_of_the_mass_and_not_of_the_box() -> None:
    image = stroke((200, 200), [50, 40, 50, 160], 255, 0, 6)
    ImageDraw.Draw(image).ellipse([50, 120, 110, 165], fill=255)  # heavy below
    picture = read_digit(encoded(image))
    rows = np.flatnonzero(picture.any(1))
    assert centre(picture)[0] == pytest.approx(14, abs=0.6)
    assert rows.mean() < 13.5


def test_a_digit_of_mnist_stays_much_as_it_is() -> None:
    packed = (ASSETS / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes()
    same = 0
    for image in np.frombuffer(gzip.decompress(packed), np.uint8, offset=16).reshape(-1, 28, 28)[:20]:
        again = read_digit(encoded(Image.fromarray(image)))
        moved = [np.roll(again, (y, x), (0, 1)).astype(int) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        assert min(abs(one - image).max() for one in moved) <= 8, "but for a pixel to a side"
        same += int(abs(again.astype(int) - image).max() <= 8)
    assert same >= 15


def test_shade_and_grain_of_paper_are_ground() -> None:
    light = np.linspace(200, 240, 200).astype(np.uint8)
    paper = np.tile(light, (200, 1)) - np.random.default_rng(0).integers(0, 8, (200, 200)).astype(np.uint8)
    image = Image.fromarray(paper)
    ImageDraw.Draw(image).line([100, 40, 100, 160], fill=30, width=10)
    assert extent(read_digit(encoded(image))) == (20, 2)


def test_a_transparent_ground_is_black_and_a_dot_is_large() -> None:
    image = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    image.putpixel((3, 90), (255, 255, 255, 255))
    assert extent(read_digit(encoded(image))) == (20, 20)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "picture_not_read"),
        (b"<svg/>", "picture_not_read"),
        (encoded(noise(0))[:200], "picture_not_read"),
        (encoded(noise(0), "GIF"), "picture_not_read"),
        (encoded(Image.new("1", (20_000, 20_000))), "picture_too_large"),
        (encoded(Image.new("1", (8000, 6000))), "picture_too_large"),
        (encoded(Image.new("L", (5000, 4000))), "picture_too_large"),
        (encoded(Image.new("1", (4000, 3000))), "picture_too_large"),
        (encoded(Image.new("1", (16_000_000, 1))), "picture_too_large"),
        (encoded(Image.new("1", (1, 20_001))), "picture_too_large"),
        (encoded(specks()), "picture_empty"),
        (encoded(Image.new("L", (50, 50), 255)), "picture_empty"),
        (encoded(Image.new("L", (1, 1))), "picture_empty"),
        (encoded(Image.new("RGBA", (50, 50))), "picture_empty"),
    ],
)
def test_what_is_no_digit_gets_a_sentence(content: bytes, key: str) -> None:
    with pytest.raises(UserError) as caught:
        read_digit(content)
    assert caught.value.key == key
