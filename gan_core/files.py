"""Writing files so that a reader, or a crash, never meets half of one; and a lock that dies with its process."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

if sys.platform == "win32":  # pragma: no cover - not run in CI
    import msvcrt
else:
    import fcntl


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a whole file: temporary name, flush to disk, rename. On any error the old file is left as it was.

    `durable=False` leaves out the flush: for files that are rewritten every second and worth nothing after a power cut.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write a JSON file atomically."""
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=1).encode(), durable=durable)


def read_lines(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The whole JSON lines of a file from a byte offset, and the offset after them.

    A torn last line (a writer was killed, or is writing now) is left for the next call; a torn line in the middle
    (written to after a crash) is skipped. A missing file has no lines.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    whole = data.rfind(b"\n") + 1
    rows = []
    for line in data[:whole].splitlines():
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict):
                rows.append(row)
    return rows, offset + whole


def append_line(file: IO[bytes], row: dict[str, Any]) -> None:
    """Add one JSON line to a file opened with `open_lines`, visible to readers at once."""
    file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    file.flush()


def open_lines(path: Path) -> IO[bytes]:
    """Open a JSON lines file for appending; a torn last line is cut off first, so that it cannot spoil the next."""
    file = open(path, "ab+")  # noqa: SIM115 - the caller keeps it open
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65536))
    tail = file.read()
    if tail and not tail.endswith(b"\n"):
        file.truncate(size - (len(tail) - (tail.rfind(b"\n") + 1)))
    return file


class Locked(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def lock(path: Path, patience: float = 1.0) -> Iterator[None]:
    """Hold a file lock; the system releases it when the process ends, however it ends.

    Raises Locked if another holder keeps it for `patience` seconds (`is_locked` holds it for an instant, too).
    """
    with open(path, "ab+") as file:
        give_up = time.monotonic() + patience
        while True:
            try:
                _lock(file)
                break
            except OSError:
                if time.monotonic() > give_up:
                    raise Locked(str(path)) from None
                time.sleep(0.02)
        try:
            yield
        finally:
            _unlock(file)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock now."""
    try:
        with open(path, "rb+") as file:
            _probe(file)
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


if sys.platform == "win32":  # pragma: no cover - not run in CI

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    _probe = _lock

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _probe(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two readers never take each other for the trainer

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
