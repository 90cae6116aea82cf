from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gan_core.files import Locked, append_line, is_locked, lock, open_lines, read_lines, write_atomic


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    write_atomic(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_torn_last_line_waits_and_a_torn_middle_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2')
    rows, offset = read_lines(path)
    assert rows == [{"step": 1}]
    path.write_bytes(b'{"step": 1}\n{"step": 2}\n{"st\n[1]\n{"step": 3}\n')
    rows, offset = read_lines(path, offset)
    assert [row["step"] for row in rows] == [2, 3]
    assert offset == path.stat().st_size


def test_appending_cuts_a_torn_line_off_first(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2')
    with open_lines(path) as file:
        append_line(file, {"step": 3})
    assert path.read_bytes() == b'{"step": 1}\n{"step": 3}\n'


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "none") == ([], 0)


def test_a_lock_has_one_holder_and_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    code = f"import sys, pathlib; from gan_core.files import lock\nwith lock(pathlib.Path({str(path)!r})): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(path)
        with pytest.raises(Locked), lock(path, patience=0):
            pass
        holder.kill()
    assert not is_locked(path)
    with lock(path):
        assert is_locked(path)
