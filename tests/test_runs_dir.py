"""Folders that cannot hold runs, as mounted buckets are, simulated at the calls to the system, and refused at the start."""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gan_core.__main__ import main
from gan_core.runner import Runner
from gan_core.runs import Run
from gan_core.runs_dir import check_runs_dir
from gan_core.sentences import UserError
from gan_ui.__main__ import main as gan_live
from tests.conftest import TINY

Opens = Callable[..., Any]


def replace_open(monkeypatch: pytest.MonkeyPatch, make: Callable[[Opens], Opens]) -> None:
    for owner in (builtins, io):  # pathlib uses the second
        monkeypatch.setattr(owner, "open", make(owner.open))


def no_append(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the clients of object stores: a file is written once, from its beginning."""

    def make(before: Opens) -> Opens:
        def opened(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if ("a" in mode or "+" in mode) and os.path.exists(path) and os.path.getsize(path):
                raise OSError(errno.EOPNOTSUPP, "Operation not supported", path)
            return before(path, mode, *args, **options)

        return opened

    replace_open(monkeypatch, make)


def stale_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is shown as it was before it was replaced."""
    old: dict[str, bytes] = {}
    replace = os.replace

    def replaced(source: Any, target: Any) -> None:
        if os.path.exists(target):
            old[str(target)] = Path(target).read_bytes()
        replace(source, target)

    def make(before: Opens) -> Opens:
        def opened(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            return io.BytesIO(old[str(path)]) if str(path) in old else before(path, mode, *args, **options)

        return opened

    monkeypatch.setattr(os, "replace", replaced)
    replace_open(monkeypatch, make)


def stale_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is appended is shown once the file is closed."""
    old: dict[str, bytes] = {}

    def make(before: Opens) -> Opens:
        def opened(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if mode == "ab+":
                with before(path, "rb") as file:
                    old[str(path)] = file.read()
            elif str(path) in old and str(path).endswith(".jsonl"):
                return io.BytesIO(old[str(path)])
            return before(path, mode, *args, **options)

        return opened

    replace_open(monkeypatch, make)


def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)


def locks_that_hold_nobody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)


def nothing_disappears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "unlink", lambda *_, **__: None)


def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Any, *_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", path)

    monkeypatch.setattr(os, "mkdir", refused)


UNFIT: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "no append": (no_append, "runs_dir_no_append"),
    "stale content": (stale_content, "runs_dir_stale"),
    "stale lines": (stale_lines, "runs_dir_stale"),
    "nothing disappears": (nothing_disappears, "runs_dir_stale"),
    "no locks": (no_locks, "runs_dir_no_lock"),
    "locks that hold nobody back": (locks_that_hold_nobody_back, "runs_dir_no_lock"),
    "read-only": (read_only, "cannot_write"),
}


def test_a_folder_of_this_machine_is_fit_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "runs"
    check_runs_dir(folder)
    assert list(folder.iterdir()) == []
    (folder / "mine").write_bytes(b"1")
    check_runs_dir(folder)
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_what_a_killed_try_left_behind_goes_with_a_later_one(tmp_path: Path) -> None:
    for name, age in (("old", 7200), ("now", 0)):
        folder = tmp_path / f".try-{name}"
        folder.mkdir()
        (folder / "state.json").write_bytes(b"x")
        os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    check_runs_dir(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".try-now"]


@pytest.mark.parametrize("fault", UNFIT)
def test_a_folder_that_cannot_hold_runs_is_refused_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    make, key = UNFIT[fault]
    make(monkeypatch)
    with pytest.raises(UserError) as caught:
        check_runs_dir(tmp_path / "runs")
    assert caught.value.key == key
    for language in ("en", "zh"):
        assert str(tmp_path) in caught.value.say(language)


def test_the_app_and_the_command_line_refuse_it_before_anything_is_made(
    tmp_path: Path, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    before = sorted(run.folder.rglob("*"))
    no_append(monkeypatch)
    monkeypatch.setattr(Runner, "_supervise", lambda self: pytest.fail("it was started"))
    monkeypatch.setattr(sys, "argv", ["app.py", "--runs-dir", str(tmp_path / "bucket")])
    assert gan_live() == 2
    settings = [f"{name}={value}" for name, value in TINY.items()]
    asked = ["--dataset", run.config().dataset, "--steps", "5", "--out", str(tmp_path / "bucket" / "new")]
    assert main(["train", *asked, "--set", *settings]) == 2
    assert main(["train", "--resume", str(run.folder)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert all(line.startswith("error: No run can be kept in ") for line in said), said
    assert list((tmp_path / "bucket").iterdir()) == []
    assert sorted(run.folder.rglob("*")) == before
