"""Whether a folder can hold runs that train: tried at the start, because a training that finds out later has been for nothing.

A mounted bucket looks like a folder, but may refuse to append to a file or to lock it, or show for seconds what was there
before. A training would then lose lines of its curves, or end, or be continued from the wrong place.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from gan_core.files import append_line, is_locked, lock, move, open_lines, read_bytes, read_lines, remove, write_atomic
from gan_core.sentences import UserError

_HIDDEN = ".try-"
_SECONDS_OLD = 3600.0  # after which what a killed try left behind is removed


def check_runs_dir(runs_dir: Path) -> None:
    """Do in `runs_dir`, which is made if need be, what a training does there. Raises UserError if that does not work.

    Leaves nothing behind, and takes some milliseconds.
    """
    try:
        with _hidden_folder(runs_dir) as folder:
            _write_and_replace(folder)
            _append(folder)
            _lock(folder)
            _rename(folder)
    except OSError as error:
        raise UserError("cannot_write", path=runs_dir, reason=error.strerror or error) from None


@contextlib.contextmanager
def _hidden_folder(runs_dir: Path) -> Iterator[Path]:
    folder = runs_dir / f"{_HIDDEN}{secrets.token_hex(8)}"
    folder.mkdir(parents=True)
    for old in runs_dir.glob(f"{_HIDDEN}*"):
        with contextlib.suppress(OSError):
            if abs(time.time() - old.stat().st_mtime) > _SECONDS_OLD:
                shutil.rmtree(old)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_and_replace(folder: Path) -> None:
    for content in (b"one", b"another"):
        write_atomic(folder / "state.json", content)
        if read_bytes(folder / "state.json") != content or (folder / "state.json").stat().st_size != len(content):
            raise UserError("runs_dir_stale", path=folder.parent)


def _append(folder: Path) -> None:
    """To a file that is there, as a resumed training does; to one that stays open; and after a torn line is cut off."""
    path = folder / "history.jsonl"
    try:
        (folder / "history.jsonl").write_bytes(b'{"step": 1}\n{"st')
        with open_lines(path) as file:
            for step in (2, 3):
                append_line(file, {"step": step})
                os.fsync(file.fileno())
                shown = [row.get("step") for row in read_lines(path)[0]]
                if shown != list(range(1, step + 1)):
                    raise UserError("runs_dir_stale", path=folder.parent)
    except OSError as error:
        raise UserError("runs_dir_no_append", path=folder.parent, reason=error.strerror or error) from None


def _lock(folder: Path) -> None:
    path = folder / "lock"
    try:
        with lock(path):
            held = is_locked(path)
        if not held or is_locked(path):
            raise UserError("runs_dir_no_lock", path=folder.parent, reason="—")
    except OSError as error:
        raise UserError("runs_dir_no_lock", path=folder.parent, reason=error.strerror or error) from None


def _rename(folder: Path) -> None:
    """As a branch does, and a pull, and a deletion."""
    (folder / "made").mkdir()
    (folder / "made" / "config.json").write_bytes(b"{}")
    move(folder / "made", folder / "moved")
    if [path.name for path in (folder / "moved").iterdir()] != ["config.json"] or (folder / "made").exists():
        raise UserError("runs_dir_stale", path=folder.parent)
    remove(folder / "moved" / "config.json")
    if (folder / "moved" / "config.json").exists():
        raise UserError("runs_dir_stale", path=folder.parent)
