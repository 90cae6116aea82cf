"""Importing a folder or .zip of pictures: what they become."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from gan_core import data
from gan_core.imported_images import import_images
from gan_core.sentences import UserError
from tests.pictures import encoded, in_folder, in_zip, noise, pictures

pytestmark = pytest.mark.usefixtures("empty_cache")


def only_image(tmp_path: Path, content: bytes) -> np.ndarray[Any, Any]:
    """What one file becomes, imported as the first of many."""
    report = import_images(in_folder(tmp_path / "mine", {**pictures(), "a first": content}))
    assert report.broken_count == 0
    pixels: np.ndarray[Any, Any] = data.load(report.name).images[0, 0].numpy()
    return pixels


def test_a_folder_and_a_zip_of_the_same_pictures_are_the_same_data_set(tmp_path: Path) -> None:
    files = {f"some/where/{name}": content for name, content in pictures(70).items()}
    report = import_images(in_folder(tmp_path / "mine", files))
    assert (report.count, report.broken, report.broken_count) == (70, (), 0)
    shuffled = dict(random.Random(0).sample(sorted(files.items()), len(files)))
    assert import_images(in_zip(tmp_path / "mine.zip", shuffled)) == report
    dataset = data.load(report.name)
    assert dataset.images.shape == (70, 1, 28, 28)
    assert dataset.images.is_contiguous()
    assert all(np.array_equal(image[0].numpy(), np.asarray(noise(n))) for n, image in enumerate(dataset.images))
    assert report.name == f"images-{dataset.sha256[:12]}"
    assert data.facts(report.name) == data.Facts(70, dataset.sha256)
    assert data.names() == [*data.DATASETS, report.name]
    assert data.is_ready(report.name)
    assert data.ensure(report.name) == report.name


@pytest.mark.parametrize("packed", [False, True])
def test_ensure_imports_a_path(tmp_path: Path, packed: bool) -> None:
    path = in_zip(tmp_path / "Mine.ZIP", pictures()) if packed else in_folder(tmp_path / "mine", pictures())
    name = data.ensure(str(path))
    assert len(data.load(name).images) == 64


def test_pictures_of_too_many_pixels_are_left_out_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[int, int]] = []
    load = ImageFile.ImageFile.load

    def noting(image: ImageFile.ImageFile) -> Any:
        decoded.append(image.size)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", noting)
    huge = {
        "40 megapixels.png": encoded(Image.new("1", (8000, 5000))),
        "a line.png": encoded(Image.new("1", (8_000_000, 1))),
        "a screen.png": encoded(Image.new("1", (3840, 2160))),
    }
    decoded.clear()
    report = import_images(in_zip(tmp_path / "mine.zip", {**pictures(), **huge}))
    assert report.broken == ("40 megapixels.png", "a line.png")
    assert report.count == 65
    assert max(decoded) == (3840, 2160)


def test_kinds_go_by_content_and_others_are_named(tmp_path: Path) -> None:
    picture = noise(0)
    files = {
        **pictures(),
        "photo.png": encoded(picture, "JPEG"),
        "no extension": encoded(picture, "WEBP", lossless=True),
        "a.gif": encoded(picture, "GIF"),
        "b.bmp.png": encoded(picture, "BMP"),
        "notes.txt": b"hello",
        "empty.png": b"",
        "torn.png": encoded(noise(1, 200))[:2000],
        "torn.jpg": encoded(noise(1, 200), "JPEG")[:2000],
    }
    report = import_images(in_folder(tmp_path / "mine", files))
    assert report.count == 66
    assert report.broken == ("a.gif", "b.bmp.png", "empty.png", "notes.txt", "torn.jpg", "torn.png")
    assert report.broken_count == 6


def test_only_twenty_broken_files_are_named_but_all_are_counted(tmp_path: Path) -> None:
    files = {**pictures(), **{f"bad {number:02}.png": b"?" for number in range(30)}}
    report = import_images(in_zip(tmp_path / "mine.zip", files))
    assert report.broken_count == 30
    assert report.broken == tuple(f"bad {number:02}.png" for number in range(20))


@pytest.mark.parametrize("packed", [False, True])
def test_hidden_files_are_passed_over(tmp_path: Path, packed: bool) -> None:
    hidden = {".DS_Store": b"?", "__MACOSX/._picture 0000.png": b"?", ".git/config": b"?", "deep/.thumb/x.png": b"?"}
    files = {**pictures(), **hidden}
    path = in_zip(tmp_path / "mine.zip", files) if packed else in_folder(tmp_path / "mine", files)
    report = import_images(path)
    assert (report.count, report.broken_count) == (64, 0)


def test_transparency_lies_on_black(tmp_path: Path) -> None:
    image = Image.new("RGBA", (28, 28), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (0, 0, 14, 28))
    pixels = only_image(tmp_path, encoded(image))
    assert (pixels[:, :14] == 255).all()
    assert (pixels[:, 14:] == 0).all()


def test_a_transparent_palette_colour_lies_on_black(tmp_path: Path) -> None:
    image = Image.new("P", (28, 28), 0)
    image.putpalette([255, 255, 255, 200, 200, 200])
    image.paste(1, (0, 0, 14, 28))
    pixels = only_image(tmp_path, encoded(image, transparency=0))
    assert (pixels[:, :14] == 200).all()
    assert (pixels[:, 14:] == 0).all()


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    image = Image.new("L", (64, 64), 0)
    image.paste(255, (0, 0, 32, 64))  # white on the left, stored to be turned clockwise: white on top
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = only_image(tmp_path, encoded(image, "JPEG", exif=exif)).astype(int)
    assert pixels[:12].min() > 240
    assert pixels[16:].max() < 15


def test_the_centre_square_is_kept(tmp_path: Path) -> None:
    image = Image.new("RGB", (300, 100), (255, 0, 0))
    image.paste((255, 255, 255), (100, 0, 200, 100))
    assert (only_image(tmp_path, encoded(image)) == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_shrinking_averages_instead_of_picking(tmp_path: Path, kind: str) -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (280, 140))
    pixels = only_image(tmp_path, encoded(Image.fromarray(stripes), kind))
    assert np.abs(pixels.astype(int) - 127).max() <= 6


def test_sixteen_bits_are_scaled_rather_than_cut(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((28, 28), 0x80FF, dtype=np.uint16))
    assert (only_image(tmp_path, encoded(image)) == 0x80).all()


@pytest.mark.parametrize(
    ("mode", "kind"), [("1", "PNG"), ("LA", "PNG"), ("CMYK", "JPEG"), ("RGB", "WEBP"), ("RGBA", "WEBP"), ("L", "JPEG")]
)
def test_every_usual_mode_is_read(tmp_path: Path, mode: str, kind: str) -> None:
    white = Image.new("RGB", (50, 40), "white").convert(mode)
    assert only_image(tmp_path, encoded(white, kind)).min() >= 250


def test_a_thousand_pictures_show_a_bar(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures(1000))
    assert import_images(path).count == 1000
    assert "Importing images" in capfd.readouterr().err


# the cache


def test_damaged_pixels_are_noticed_and_mended_by_another_import(tmp_path: Path, empty_cache: Path) -> None:
    folder = in_folder(tmp_path / "mine", pictures())
    name = import_images(folder).name
    file = empty_cache / "images" / name / "pixels.bin"
    whole = file.read_bytes()
    for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:500], b"", b"PK\x03\x04"):
        file.write_bytes(damaged)
        for ask in (data.load, data.ensure, data.facts):
            with pytest.raises(UserError) as caught:
                ask(name)
            assert caught.value.key == "images_not_imported"
    assert import_images(folder).name == name
    assert file.read_bytes() == whole


def test_only_names_of_imports_are_listed(empty_cache: Path) -> None:
    for name in ("images-0123456789ab", "images-short", "other"):
        in_folder(empty_cache / "images" / name, {"pixels.bin": b""})
    (empty_cache / "images" / "images-ba9876543210").mkdir()
    assert data.names() == [*data.DATASETS, "images-0123456789ab"]
