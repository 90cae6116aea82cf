"""A frozen replay: one run as a web page that needs no server and no network, from a file or as a free static Space.

`index.html` holds everything: curves, timeline, latent map, words in both languages. It is made of the app's own
components, with a store (store.js) that plays back what the app would poll.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import os
import secrets
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gan_core.files import move, patiently, remove_folder
from gan_core.runs import Run
from gan_core.sentences import UserError
from gan_ui.replay.page import index_html, is_replay, readme
from gan_ui.replay.record import Record, read_record

__all__ = ["BYTES_AT_MOST", "export", "zip_bytes"]

BYTES_AT_MOST = 8_000_000
_FEWEST_FRAMES = 8
_INDEX, _README = "index.html", "README.md"

Report = Callable[..., None]
Cancelled = Callable[[], bool]


def export(
    run: Run,
    folder: Path,
    report: Report = lambda share: None,
    cancelled: Cancelled = lambda: False,
    *,
    limit: int = BYTES_AT_MOST,
) -> int:
    """Write the replay of a run into a new or empty folder, or over an earlier replay; returns its bytes, at most `limit`.

    A long run is thinned to fit. `report` is told the share done, `cancelled` asked now and then. Raises UserError, and then
    nothing was written: for a run that is gone, unreadable or without snapshots, a folder that holds something else or
    cannot be written to, a run too large however much is left out, and when it was cancelled.
    """

    def told(share: float) -> None:
        if cancelled():
            raise UserError("replay_stopped")
        report(share)

    _check_folder(folder)
    files = _fitting(read_record(run, told), limit)
    run.document()  # deleted meanwhile: half of it may have been read
    told(0.95)
    _write(folder, files)
    report(1.0)
    return sum(map(len, files.values()))


def zip_bytes(folder: Path) -> bytes:
    """A replay's folder as a .zip, for a download."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (_INDEX, _README):
            archive.write(folder / name, f"{folder.absolute().name}/{name}")
    return buffer.getvalue()


def _fitting(record: Record, limit: int) -> dict[str, bytes]:
    """The files, with as many frames and maps as `limit` lets through. Raises UserError if the fewest are too many."""
    while True:
        files = {_INDEX: index_html(record).encode(), _README: readme(record).encode()}
        size = sum(map(len, files.values()))
        if size <= limit:
            return files
        grids, maps = sum(len(each.picture) for each in record.frames), sum(len(each.png) for each in record.maps)
        if len(record.maps) > 1 and (maps > grids or len(record.frames) <= _FEWEST_FRAMES):
            record = dataclasses.replace(record, maps=record.maps[: len(record.maps) // 2])
        elif len(record.frames) > _FEWEST_FRAMES:
            record = record.with_frames(max(_FEWEST_FRAMES, len(record.frames) * 2 // 3))
        else:
            raise UserError("replay_too_large", run=record.run, size=f"{size / 1e6:.1f}", limit=f"{limit / 1e6:g}")


def _check_folder(folder: Path) -> None:
    """Raises UserError unless the folder is new, holds nothing but hidden files, or holds an earlier replay."""
    try:
        if not folder.exists() or (folder.is_dir() and is_replay(folder / _INDEX)):
            return
        if not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir()):
            raise UserError("replay_folder_taken", path=folder)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Whole or not at all: written into a hidden folder beside it, then moved.

    Into a folder that is there already, file by file: it may be somebody's clone of a Space, with a history to keep.
    """
    try:
        with _hidden(folder) as hidden:
            for name, data in files.items():
                (hidden / name).write_bytes(data)
            if not folder.exists():
                move(hidden, folder)
                return
            for name in files:
                patiently(functools.partial(os.replace, hidden / name, folder / name))
    except OSError as error:
        raise _unwritable(folder, error) from None


@contextlib.contextmanager
def _hidden(folder: Path) -> Iterator[Path]:
    whole = folder.absolute()
    hidden = whole.with_name(f".{whole.name}.{secrets.token_hex(4)}.tmp")
    try:
        hidden.mkdir(parents=True)
        yield hidden
    finally:
        if hidden.exists():  # it was not moved
            remove_folder(hidden)


def _unwritable(folder: Path, error: OSError) -> UserError:
    reason: Any = error.strerror or error
    return UserError("cannot_write", path=folder, reason=reason)
