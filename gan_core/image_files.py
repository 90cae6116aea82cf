"""The files in a folder or .zip that somebody wants imported, listed and read within limits.

An archive is read where it lies: nothing is unpacked to disk, and no size that it declares is believed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from gan_core.sentences import UserError

MAX_FILES = 50_000
MAX_BYTES = 200_000_000
MAX_RATIO = 100  # unpacked to packed; pictures are packed already, so an honest archive stays near 1


@dataclass(frozen=True)
class Source:
    """One file: its name inside the folder or archive, and how to open it (None: it is not for us to open)."""

    name: str
    open: Callable[[], IO[bytes]] | None


@contextlib.contextmanager
def image_files(path: Path) -> Iterator[list[Source]]:
    """The files of a folder (with its subfolders) or .zip, sorted by name; hidden ones are passed over.

    Raises UserError for anything else, for more than 50,000 files or 200 MB, and for an archive that is damaged,
    encrypted, or holds a link, a path leading out of it or a bomb.
    """
    if path.is_dir():
        yield _sorted(_in_folder(path.resolve()))
    elif path.is_file():
        with _opened(path) as archive:
            yield _sorted(_in_archive(archive, path.stat().st_size))
    else:
        raise UserError("no_such_images", field="dataset", path=path)


def read_all(source: Source, room: int) -> bytes:
    """The bytes of a file, of which the whole import may still have `room`. Raises UserError beyond, OSError if broken.

    Anything else that reading a damaged archive may raise passes through.
    """
    if source.open is None:
        raise PermissionError(source.name)
    with source.open() as file:
        data = file.read(room + 1)
    if len(data) > room:
        raise _too_many_bytes()
    return data


def _sorted(sources: Iterator[tuple[Source, int]]) -> list[Source]:
    """All sources, as long as their number and their (declared) sizes stay within the limits."""
    kept: list[Source] = []
    total = 0
    for source, size in sources:
        kept.append(source)
        total += size
        if len(kept) > MAX_FILES:
            raise _too_many_files()
        if total > MAX_BYTES:
            raise _too_many_bytes()
    return sorted(kept, key=lambda source: source.name)


def _in_folder(folder: Path) -> Iterator[tuple[Source, int]]:
    for parent, folders, names in os.walk(folder):  # does not follow links to folders
        folders[:] = [name for name in folders if not _hidden(name)]
        for file in (Path(parent, name) for name in names if not _hidden(name)):
            name = file.relative_to(folder).as_posix()
            target = Path(os.path.realpath(file))
            if target.is_relative_to(folder) and target.is_file():
                yield Source(name, partial(_open_file, target)), os.path.getsize(target)
            else:  # a pipe, a device, or a link out of the folder
                yield Source(name, None), 0


def _open_file(path: Path) -> IO[bytes]:
    return path.open("rb")


def _opened(path: Path) -> zipfile.ZipFile:
    if path.stat().st_size > MAX_BYTES:
        raise _too_many_bytes()
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            # zipfile lists every entry before it can be asked how many there are, so count their marks first;
            # 3 for each file, because folders are entries too and Macs add a hidden twin
            crowded = next(islice(re.finditer(rb"PK\x01\x02", raw), 3 * MAX_FILES, None), None) is not None
        if crowded:
            raise _too_many_files()
        return zipfile.ZipFile(path)
    except UserError:
        raise
    except Exception as error:  # a file that is no archive, or a hostile one, can make zipfile raise nearly anything
        raise UserError("not_a_zip", field="dataset", path=path.name) from error


def _in_archive(archive: zipfile.ZipFile, packed: int) -> Iterator[tuple[Source, int]]:
    total = 0
    for info in archive.infolist():
        parts = info.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or re.match("[A-Za-z]:", parts[0]):
            raise UserError("zip_path_outside", field="dataset", entry=info.filename)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UserError("zip_link", field="dataset", entry=info.filename)
        if info.flag_bits & 1:
            raise UserError("zip_encrypted", field="dataset")
        total += info.file_size
        if total > MAX_RATIO * packed:
            raise UserError("zip_bomb", field="dataset", ratio=MAX_RATIO)
        if info.is_dir() or any(_hidden(part) for part in parts):
            continue
        # the other compressions let a few bytes unpack to gigabytes in a single call, whatever limit is asked for
        bounded = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        yield Source(info.filename, partial(archive.open, info) if bounded else None), info.file_size


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _too_many_files() -> UserError:
    return UserError("too_many_files", field="dataset", limit=f"{MAX_FILES:,}")


def _too_many_bytes() -> UserError:
    return UserError("too_many_bytes", field="dataset", limit=MAX_BYTES // 1_000_000)
