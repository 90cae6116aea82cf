"""Folders and .zip files that are not what they should be: what importing refuses, and what it passes over."""

from __future__ import annotations

import bz2
import os
import random
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile

from gan_core import image_files, imported_images
from gan_core.imported_images import import_images
from gan_core.sentences import UserError
from tests.pictures import encoded, in_folder, in_zip, noise, pictures

pytestmark = pytest.mark.usefixtures("empty_cache")


def refused(path: Path, key: str, empty_cache: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        import_images(path)
    assert caught.value.key == key
    assert caught.value.field == "dataset"
    assert caught.value.say("zh")
    assert not empty_cache.exists()
    return caught.value


def test_too_few_pictures(tmp_path: Path, empty_cache: Path) -> None:
    files = {**pictures(63), "bad.png": b"?"}
    error = refused(in_folder(tmp_path / "mine", files), "too_few_images", empty_cache)
    assert all(number in str(error) for number in ("63", "1", "64"))
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "too_few_images", empty_cache)


def test_a_path_to_nothing(tmp_path: Path, empty_cache: Path) -> None:
    refused(tmp_path / "nothing", "no_such_images", empty_cache)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all", b"PK\x05\x06" + bytes(10)])
def test_no_zip(tmp_path: Path, empty_cache: Path, content: bytes) -> None:
    path = tmp_path / "mine.zip"
    path.write_bytes(content)
    refused(path, "not_a_zip", empty_cache)


def test_a_torn_zip(tmp_path: Path, empty_cache: Path) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures())
    path.write_bytes(path.read_bytes()[:-100])
    refused(path, "not_a_zip", empty_cache)


@pytest.mark.parametrize(
    "name", ["../a.png", "x/../../a.png", "/etc/a.png", "..\\a.png", "C:\\a.png", "c:a.png", "\\a.png"]
)
def test_a_path_out_of_the_zip(tmp_path: Path, empty_cache: Path, name: str) -> None:
    refused(in_zip(tmp_path / "mine.zip", {**pictures(), name: b"?"}), "zip_path_outside", empty_cache)


def test_a_link_in_a_zip(tmp_path: Path, empty_cache: Path) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures())
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(path, "zip_link", empty_cache)


def test_an_encrypted_zip(tmp_path: Path, empty_cache: Path) -> None:
    path = in_zip(tmp_path / "mine.zip", pictures())
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 8] |= 1
    path.write_bytes(content)
    refused(path, "zip_encrypted", empty_cache)


def test_a_zip_of_too_many_files(tmp_path: Path, empty_cache: Path) -> None:
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(50_001):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    refused(path, "too_many_files", empty_cache)


def test_a_zip_of_millions_of_files_is_refused_before_it_is_listed(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "MAX_FILES", 100)
    path = in_zip(tmp_path / "mine.zip", {str(number): b"" for number in range(301)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    refused(path, "too_many_files", empty_cache)


def test_hidden_twins_and_folders_do_not_count_as_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MAX_FILES", 64)
    files = pictures()
    twins = {f"__MACOSX/._{name}": b"?" for name in files}
    assert import_images(in_zip(tmp_path / "mine.zip", {**files, **twins, "folder/": b""})).count == 64


def test_a_folder_of_too_many_files(tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MAX_FILES", 64)
    refused(in_folder(tmp_path / "mine", pictures(65)), "too_many_files", empty_cache)


@pytest.mark.parametrize("packed", [False, True])
def test_too_many_bytes(tmp_path: Path, empty_cache: Path, packed: bool) -> None:
    """Sparse files and a .zip that declares much: nothing of this size is ever read."""
    if packed:
        with zipfile.ZipFile(tmp_path / "mine.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            filler = random.Random(0).randbytes(400_000) + bytes(39_600_000)  # within the ratio
            for number in range(6):
                archive.writestr(f"{number}.bin", filler)
            archive.writestr("large.bin", random.Random(1).randbytes(2_000_000), zipfile.ZIP_STORED)
        refused(tmp_path / "mine.zip", "too_many_bytes", empty_cache)
    else:
        folder = in_folder(tmp_path / "mine", pictures())
        with (folder / "large").open("wb") as file:
            file.truncate(200_000_000)
        refused(folder, "too_many_bytes", empty_cache)


def test_a_zip_file_of_more_than_200_mb_is_not_opened(tmp_path: Path, empty_cache: Path) -> None:
    with (tmp_path / "mine.zip").open("wb") as file:
        file.truncate(200_000_001)
    refused(tmp_path / "mine.zip", "too_many_bytes", empty_cache)


def test_bytes_are_counted_as_they_are_read(tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows after it was measured."""
    grown = image_files.Source("grown", lambda: BytesIO(bytes(1001)))
    with pytest.raises(UserError) as caught:
        image_files.read_all(grown, 1000)
    assert caught.value.key == "too_many_bytes"
    files = pictures()
    room = sum(len(content) for content in files.values())
    folder = in_folder(tmp_path / "mine", files)
    monkeypatch.setattr(imported_images, "MAX_BYTES", room - 1)
    refused(folder, "too_many_bytes", empty_cache)
    monkeypatch.setattr(imported_images, "MAX_BYTES", room)
    assert import_images(folder).count == 64


def test_a_zip_bomb(tmp_path: Path, empty_cache: Path) -> None:
    refused(in_zip(tmp_path / "mine.zip", {**pictures(), "bomb.png": bytes(30_000_000)}), "zip_bomb", empty_cache)


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
