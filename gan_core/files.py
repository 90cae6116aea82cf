"""Writing files so that a reader, or a crash, never meets half of one; and a lock that dies with its process.

On Windows a file that anybody has open cannot be replaced, renamed or deleted, and one that is just being replaced cannot be
opened: for a moment the system says PermissionError. All of that is tried again here for a while; elsewhere it costs nothing.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

if sys.platform == "win32":  # pragma: no cover - tests load this module again with a stand-in of msvcrt
    import msvcrt
else:
    import fcntl

WRITERS_PATIENCE = 2.0  # seconds; readers keep a file open for milliseconds, a virus scanner for longer
READERS_PATIENCE = 0.1  # a replacement takes no time; and a page must not wait long for a file that nobody may read

_Result = TypeVar("_Result")


def patiently(act: Callable[[], _Result], patience: float = WRITERS_PATIENCE) -> _Result:
    """Do it, again and again while the system says PermissionError, for `patience` seconds; then that error is raised."""
    give_up, pause = time.monotonic() + patience, 0.001
    while True:
        try:
            return act()
        except PermissionError:
            if time.monotonic() >= give_up:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


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
        patiently(lambda: os.replace(temporary, path))
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write a JSON file atomically."""
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=1).encode(), durable=durable)


def read_bytes(path: Path) -> bytes:
    """A whole file that may be replaced at this moment. Raises OSError."""
    return patiently(path.read_bytes, READERS_PATIENCE)


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises OSError, or ValueError if it is no JSON, or nested as deeply as none of ours."""
    return parse_json(read_bytes(path))


def parse_json(data: bytes) -> Any:
    """What these bytes say. Raises ValueError, whatever is wrong with them."""
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def move(source: Path, target: Path) -> None:
    """Rename a file or a folder that somebody may be reading in. Raises OSError."""
    patiently(lambda: os.rename(source, target))


def remove(path: Path) -> None:
    """Delete a file that somebody may be reading; one that is gone is no error. Raises OSError."""
    patiently(lambda: path.unlink(missing_ok=True))


def remove_folder(folder: Path) -> None:
    """Delete a folder with all that is in it, as far as the system lets go of it; one file that stays keeps no other."""
    if folder.is_symlink():  # what it points to is not ours
        return
    patience = WRITERS_PATIENCE

    def try_to(act: Callable[[], None]) -> None:
        nonlocal patience
        try:
            patiently(act, patience)
        except PermissionError:
            patience = 0.0  # there may be hundreds like it
        except OSError:
            pass

    for entry, folders, names in os.walk(folder, topdown=False):
        for path in (Path(entry, name) for name in (*names, *folders)):
            try_to(path.rmdir if path.is_dir() and not path.is_symlink() else path.unlink)
    try_to(folder.rmdir)


def read_lines(path: Path, offset: int = 0, at_most: int = -1) -> tuple[list[dict[str, Any]], int]:
    """The whole JSON lines of a file from a byte offset, and the offset after them; `at_most` bytes, if that is given.

    A torn last line (a writer was killed, or is writing now) is left for the next call; a torn line in the middle
    (written to after a crash) and one longer than `at_most` are skipped. A missing file has no lines.
    """
    try:
        with patiently(lambda: open(path, "rb"), READERS_PATIENCE) as file:
            file.seek(offset)
            data = file.read(at_most)
    except FileNotFoundError:
        return [], offset
    whole = data.rfind(b"\n") + 1
    if not whole and len(data) == at_most:
        return [], offset + at_most
    rows = []
    for line in data[:whole].splitlines():
        with contextlib.suppress(ValueError):
            row = parse_json(line)
            if isinstance(row, dict):
                rows.append(row)
    return rows, offset + whole


def append_line(file: IO[bytes], row: dict[str, Any]) -> None:
    """Add one JSON line to a file opened with `open_lines`, visible to readers at once."""
    file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    file.flush()


def open_lines(path: Path) -> IO[bytes]:
    """Open a JSON lines file for appending; a torn last line is cut off first, so that it cannot spoil the next."""
    file = patiently(lambda: open(path, "ab+"))  # noqa: SIM115 - the caller keeps it open
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65536))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(size - (len(tail) - (tail.rfind(b"\n") + 1)))
    except BaseException:
        file.close()
        raise
    return file


class Locked(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def lock(path: Path, patience: float = 1.0) -> Iterator[None]:
    """Hold a file lock; the system releases it when the process ends, however it ends.

    Raises Locked if another holder keeps it for `patience` seconds (`is_locked` holds it for an instant, too), and OSError
    where the file cannot be opened or the file system has no locks.
    """
    with open(path, "ab+", buffering=0) as file:
        give_up = time.monotonic() + patience
        while True:
            try:
                _lock(file)
                break
            except OSError as error:
                if error.errno not in _HELD:
                    raise
                if time.monotonic() > give_up:
                    raise Locked(str(path)) from None
                time.sleep(0.02)
        try:
            yield
        finally:
            _unlock(file)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock now. Raises OSError where that cannot be found out."""
    try:
        file = patiently(lambda: open(path, "rb", buffering=0), READERS_PATIENCE)  # noqa: SIM115
    except FileNotFoundError:
        return False
    with file:
        try:
            _probe(file)
        except OSError as error:
            if error.errno not in _HELD:
                raise
            return True
    return False


_HELD = (errno.EAGAIN, errno.EACCES)  # what flock and msvcrt say of a lock that somebody else holds

if sys.platform == "win32":  # pragma: no cover - tests load this module again with a stand-in of msvcrt

    def _lock(file: IO[bytes]) -> None:
        if not os.fstat(file.fileno()).st_size:
            file.write(b"\0")  # the byte that is locked, for `_probe` to read
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _probe(file: IO[bytes]) -> None:
        file.read(1)  # a locked byte is not readable; locking it to find out would look like a trainer to others

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
