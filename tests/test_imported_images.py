"""Importing a folder or .zip of pictures: what they become, and what is refused."""

from __future__ import annotations

import bz2
import os
import random
import struct
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from gan_core import data, image_files, imported_images
from gan_core.imported_images import import_images
from gan_core.sentences import UserError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GAN_DATA_DIR", str(folder))
    return folder


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


def refused(path: Path, key: str, cache: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        import_images(path)
    assert caught.value.key == key
    assert caught.value.field == "dataset"
    assert caught.value.say("zh")
    assert not cache.exists()
    return caught.value


def only_image(tmp_path: Path, content: bytes) -> np.ndarray[Any, Any]:
    """What one file becomes, imported as the first of many."""
    report = import_images(in_folder(tmp_path / "mine", {**pictures(), "a first": content}))
    assert report.broken_count == 0
    pixels: np.ndarray[Any, Any] = data.load(report.name).images[0, 0].numpy()
    return pixels


# what pictures become


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


def test_a_thousand_pictures_take_a_moment_and_show_a_bar(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures(1000))
    begun = time.perf_counter()
    assert import_images(path).count == 1000
    assert time.perf_counter() - begun < 10
    assert "Importing images" in capfd.readouterr().err


# the cache


def test_damaged_pixels_are_noticed_and_mended_by_another_import(tmp_path: Path, cache: Path) -> None:
    folder = in_folder(tmp_path / "mine", pictures())
    name = import_images(folder).name
    file = cache / "images" / name / "pixels.bin"
    whole = file.read_bytes()
    for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:500], b"", b"PK\x03\x04"):
        file.write_bytes(damaged)
        for ask in (data.load, data.ensure, data.facts):
            with pytest.raises(UserError) as caught:
                ask(name)
            assert caught.value.key == "images_not_imported"
    assert import_images(folder).name == name
    assert file.read_bytes() == whole


def test_only_names_of_imports_are_listed(cache: Path) -> None:
    for name in ("images-0123456789ab", "images-short", "other"):
        in_folder(cache / "images" / name, {"pixels.bin": b""})
    (cache / "images" / "images-ba9876543210").mkdir()
    assert data.names() == [*data.DATASETS, "images-0123456789ab"]


# what is refused


def test_too_few_pictures(tmp_path: Path, cache: Path) -> None:
    files = {**pictures(63), "bad.png": b"?"}
    error = refused(in_folder(tmp_path / "mine", files), "too_few_images", cache)
    assert all(number in str(error) for number in ("63", "1", "64"))
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "too_few_images", cache)


def test_a_path_to_nothing(tmp_path: Path, cache: Path) -> None:
    refused(tmp_path / "nothing", "no_such_images", cache)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all", b"PK\x05\x06" + bytes(10)])
def test_no_zip(tmp_path: Path, cache: Path, content: bytes) -> None:
    path = tmp_path / "mine.zip"
    path.write_bytes(content)
    refused(path, "not_a_zip", cache)


def test_a_torn_zip(tmp_path: Path, cache: Path) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures())
    path.write_bytes(path.read_bytes()[:-100])
    refused(path, "not_a_zip", cache)


@pytest.mark.parametrize(
    "name", ["../a.png", "x/../../a.png", "/etc/a.png", "..\\a.png", "C:\\a.png", "c:a.png", "\\a.png"]
)
def test_a_path_out_of_the_zip(tmp_path: Path, cache: Path, name: str) -> None:
    refused(in_zip(tmp_path / "mine.zip", {**pictures(), name: b"?"}), "zip_path_outside", cache)


def test_a_link_in_a_zip(tmp_path: Path, cache: Path) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures())
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(path, "zip_link", cache)


def test_an_encrypted_zip(tmp_path: Path, cache: Path) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures())
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 8] |= 1
    path.write_bytes(content)
    refused(path, "zip_encrypted", cache)


def test_a_zip_of_too_many_files(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(50_001):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    refused(path, "too_many_files", cache)


def test_a_zip_of_millions_of_files_is_refused_before_it_is_listed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "MAX_FILES", 100)
    path = in_zip(tmp_path / "mine.zip", {str(number): b"" for number in range(301)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    refused(path, "too_many_files", cache)


def test_hidden_twins_and_folders_do_not_count_as_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MAX_FILES", 64)
    files = pictures()
    twins = {f"__MACOSX/._{name}": b"?" for name in files}
    assert import_images(in_zip(tmp_path / "mine.zip", {**files, **twins, "folder/": b""})).count == 64


def test_a_folder_of_too_many_files(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MAX_FILES", 64)
    refused(in_folder(tmp_path / "mine", pictures(65)), "too_many_files", cache)


@pytest.mark.parametrize("packed", [False, True])
def test_too_many_bytes(tmp_path: Path, cache: Path, packed: bool) -> None:
    """Sparse files and a .zip that declares much: nothing of this size is ever read."""
    if packed:
        with zipfile.ZipFile(tmp_path / "mine.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            filler = random.Random(0).randbytes(400_000) + bytes(39_600_000)  # within the ratio
            for number in range(6):
                archive.writestr(f"{number}.bin", filler)
            archive.writestr("large.bin", random.Random(1).randbytes(2_000_000), zipfile.ZIP_STORED)
        refused(tmp_path / "mine.zip", "too_many_bytes", cache)
    else:
        folder = in_folder(tmp_path / "mine", pictures())
        with (folder / "large").open("wb") as file:
            file.truncate(200_000_000)
        refused(folder, "too_many_bytes", cache)


def test_a_zip_file_of_more_than_200_mb_is_not_opened(tmp_path: Path, cache: Path) -> None:
    with (tmp_path / "mine.zip").open("wb") as file:
        file.truncate(200_000_001)
    refused(tmp_path / "mine.zip", "too_many_bytes", cache)


def test_bytes_are_counted_as_they_are_read(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows after it was measured."""
    grown = image_files.Source("grown", lambda: BytesIO(bytes(1001)))
    with pytest.raises(UserError) as caught:
        image_files.read_all(grown, 1000)
    assert caught.value.key == "too_many_bytes"
    files = pictures()
    room = sum(len(content) for content in files.values())
    folder = in_folder(tmp_path / "mine", files)
    monkeypatch.setattr(imported_images, "MAX_BYTES", room - 1)
    refused(folder, "too_many_bytes", cache)
    monkeypatch.setattr(imported_images, "MAX_BYTES", room)
    assert import_images(folder).count == 64


def test_a_zip_bomb(tmp_path: Path, cache: Path) -> None:
    refused(in_zip(tmp_path / "mine.zip", {**pictures(), "bomb.png": bytes(30_000_000)}), "zip_bomb", cache)


def test_a_member_that_is_larger_than_it_says_is_broken(tmp_path: Path) -> None:
    path = in_zip(tmp_path / "mine.zip", {**pictures(), "liar.png": bytes(50_000_000)})
    content = bytearray(path.read_bytes())
    for field in (content.rindex(b"PK\x01\x02") + 24, content.rindex(b"PK\x03\x04") + 22):
        struct.pack_into("<I", content, field, 100)
    path.write_bytes(content)
    report = import_images(path)
    assert (report.count, report.broken) == (64, ("liar.png",))


def test_a_compression_without_bounds_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("bomb.png", b"small")
    monkeypatch.setattr(bz2, "BZ2Decompressor", None)
    report = import_images(path)
    assert (report.count, report.broken) == (64, ("bomb.png",))


def test_a_gigantic_picture_is_never_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {**pictures(), "huge.png": encoded(Image.new("1", (8000, 5001)))}
    decoded = []
    load = ImageFile.ImageFile.load

    def watched(image: ImageFile.ImageFile) -> Any:
        decoded.append(image.size)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", watched)
    report = import_images(in_folder(tmp_path / "mine", files))
    assert (report.count, report.broken) == (64, ("huge.png",))
    assert set(decoded) == {(28, 28)}


@pytest.mark.skipif(os.name == "nt", reason="links and pipes are made otherwise there")
def test_links_out_of_a_folder_and_pipes_are_not_opened(tmp_path: Path) -> None:
    folder = in_folder(tmp_path / "mine", pictures())
    outside = in_folder(tmp_path / "outside", {"secret.png": encoded(noise(99))})
    (folder / "inside.png").symlink_to(folder / "picture 0000.png")
    (folder / "outside.png").symlink_to(outside / "secret.png")
    (folder / "relative.png").symlink_to("../outside/secret.png")
    (folder / "dangling.png").symlink_to("nowhere")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "whole").symlink_to(outside)
    (folder / "itself").symlink_to(folder)
    os.mkfifo(folder / "pipe.png")
    report = import_images(folder)
    assert report.count == 65
    assert report.broken == ("dangling.png", "loop.png", "outside.png", "pipe.png", "relative.png")


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_a_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    folder = in_folder(tmp_path / "mine", pictures())
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.png")).write_bytes(b"?")
    assert import_images(folder).broken == ("bad?.png",)


def test_no_damage_to_a_zip_raises_anything_but_a_sentence(tmp_path: Path) -> None:
    whole = in_zip(tmp_path / "mine.zip", {**pictures(66), "photo.jpg": encoded(noise(0, 40), "JPEG")}).read_bytes()
    directory = whole.index(b"PK\x01\x02")
    chance = random.Random(0)
    outcomes = set()
    for attempt in range(150):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 4)):  # every other time in the directory, where it matters
            content[chance.randrange(directory if attempt % 2 else 0, len(content))] = chance.randrange(256)
        path = tmp_path / "damaged.zip"
        path.write_bytes(content)
        try:
            outcomes.add("imported" if import_images(path).broken_count else "unharmed")
        except UserError as error:
            outcomes.add(error.key)
    assert "imported" in outcomes
    assert len(outcomes) >= 3
