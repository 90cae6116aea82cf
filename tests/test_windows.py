"""What Windows does otherwise, done to us here: every fault is raised at the call to the system that would raise it there."""

from __future__ import annotations

import builtins
import errno
import fcntl
import importlib.util
import io
import os
import subprocess
import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import files, kept, runner, saved
from gan_core.branch import make_branch
from gan_core.config import make_config
from gan_core.loop import train_run
from gan_core.runner import Runner
from gan_core.runs import Run, delete_run, list_runs
from gan_core.sentences import UserError
from gan_ui import serve
from tests.conftest import TINY
from tests.processes import ROOT, wait_until

MakeRun = Callable[..., Run]


class Refused(Counter[str]):
    """How often a call was refused for each file's name, until it is `over`."""

    over = False


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Refused]:
    """refuse(os, "replace", times=2): the first two calls for each file whose name has `of` in it get PermissionError."""

    def make(owner: Any, name: str, *, times: float, of: str = "") -> Refused:
        before, refused = getattr(owner, name), Refused()

        def grudging(*args: Any, **options: Any) -> Any:
            # rename and replace are about their target; open counts only where it reads
            about = Path(os.fspath(args[1 if name in ("replace", "rename") else 0])).name
            if (
                not refused.over
                and of in about
                and refused[about] < times
                and not (name == "open" and "r" not in (*args, "r")[1])
            ):
                refused[about] += 1
                raise PermissionError(errno.EACCES, "Access is denied", about)
            return before(*args, **options)

        monkeypatch.setattr(owner, name, grudging)
        return refused

    return make


# --- a file that somebody else has open ---


def test_a_training_survives_that_every_file_is_being_read_when_it_is_replaced(
    make_run: MakeRun, refuse: Callable[..., Refused]
) -> None:
    alone, read = make_run("alone"), make_run("read")
    train_run(alone)
    refused = refuse(os, "replace", times=2)
    assert train_run(read).status == "finished"
    assert {"state.json", "live.webp", "000010.safetensors", "checkpoint-000020.json"} <= set(refused)
    states = [saved.load_checkpoint(run)[0] for run in (alone, read)]
    assert all(state is not None for state in states)
    first, second = (state.state for state in states if state)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert saved.verify(read) == []


def test_a_file_that_is_never_let_go_is_the_old_error_in_the_end(
    tmp_path: Path, refuse: Callable[..., Refused], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.patiently, "__defaults__", (0.05,))
    (tmp_path / "state.json").write_bytes(b"old")
    refused = refuse(os, "replace", times=10_000)
    with pytest.raises(PermissionError, match="denied"):
        files.write_atomic(tmp_path / "state.json", b"new")
    assert refused["state.json"] > 2
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_the_first_error_is_told_even_if_the_litter_cannot_be_removed(
    tmp_path: Path, refuse: Callable[..., Refused], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refuse(os, "unlink", times=10_000)
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(tmp_path / "state.json", b"new")


def test_readers_wait_while_a_file_is_being_replaced(make_run: MakeRun, refuse: Callable[..., Refused]) -> None:
    run = make_run()
    train_run(run)
    run.set_wanted_settings({"lr_g": 0.5})
    for owner in (io, builtins):  # pathlib uses the one, everybody else the other
        refuse(owner, "open", times=2, of=".")
    assert run.state().status == "finished"
    assert run.config().steps == 20
    assert run.wanted_settings() == {"lr_g": 0.5}
    assert len(run.history()[0]) == 10
    assert saved.load_checkpoint(run)[1] == []


def test_a_snapshot_that_somebody_reads_for_long_is_thinned_out_the_next_time(
    make_run: MakeRun, refuse: Callable[..., Refused], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.patiently, "__defaults__", (0.01,))
    monkeypatch.setattr(kept, "SNAPSHOTS_AT_MOST", 3)
    run = make_run(steps=60)
    refused = refuse(os, "unlink", times=10_000, of=".safetensors")
    assert train_run(run).status == "finished"
    assert refused
    assert len(saved.snapshot_steps(run)) == 7
    refused.over = True
    kept.prune(run)
    assert len(saved.snapshot_steps(run)) == 3
    assert saved.verify(run) == []


def test_a_branch_is_renamed_though_a_scanner_looks_into_it(make_run: MakeRun, refuse: Callable[..., Refused]) -> None:
    parent = make_run()
    train_run(parent)
    refused = refuse(os, "rename", times=2)
    branch = make_branch(parent, parent.folder.parent / "branch", {})
    assert refused["branch"] == 2
    assert [run.id for run in list_runs(parent.folder.parent)] == ["run", "branch"]
    assert branch.config().steps == 40


def test_a_run_that_is_being_read_is_deleted_wholly(make_run: MakeRun, refuse: Callable[..., Refused]) -> None:
    run = make_run()
    train_run(run)
    refused = [refuse(os, name, times=2) for name in ("unlink", "rmdir")]
    delete_run(run)
    assert all(refused)
    assert not run.folder.exists()


def test_a_run_that_is_never_let_go_is_not_half_deleted(
    make_run: MakeRun, refuse: Callable[..., Refused], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.patiently, "__defaults__", (0.01,))
    run = make_run()
    train_run(run)
    before = sorted(run.folder.rglob("*"))
    refused = refuse(os, "unlink", times=10_000, of="config.json")
    with pytest.raises(UserError, match=r"Nothing can be written.*denied"):
        delete_run(run)
    refused.over = True
    assert sorted(run.folder.rglob("*")) == before


def test_one_file_that_stays_does_not_keep_the_others(
    make_run: MakeRun, refuse: Callable[..., Refused], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.patiently, "__defaults__", (0.01,))
    run = make_run()
    train_run(run)
    refuse(os, "unlink", times=10_000, of="000010.webp")
    delete_run(run)
    assert [path.name for path in run.folder.rglob("*") if path.is_file()] == ["000010.webp"]
    assert list(list_runs(run.folder.parent)) == []


# --- processes: no SIGTERM, no sessions, no signals during a wait ---


def test_closing_saves_without_any_signal(tmp_path: Path, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner(tmp_path / "runs")
    run = runner.start(make_config("tutorial", {"dataset": tiny_dataset, "steps": 1_000_000, **TINY}))
    wait_until(lambda: len(run.history()[0]) > 3, 150)
    spare = runner._spare.pid

    def no_signals(process: subprocess.Popen[bytes], *_: object) -> None:
        assert process.pid == spare, "a signal ends it at once on Windows"
        os.kill(process.pid, 9)

    for name in ("terminate", "kill", "send_signal"):
        monkeypatch.setattr(subprocess.Popen, name, no_signals)
    runner.close(patience=60)
    assert run.state().status == "stopped"
    assert run.events()[-1]["event"] == "stopped"
    assert saved.checkpoint_steps(run)[-1] == run.state().step > 0


def test_a_trainer_has_a_group_of_its_own_on_either_system(monkeypatch: pytest.MonkeyPatch) -> None:
    process = runner._spawn()
    assert os.getpgid(process.pid) == process.pid != os.getpgid(0)
    process.kill()
    process.communicate()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    asked: dict[str, Any] = {}
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: asked.update(options))
    runner._spawn()
    assert asked["creationflags"] == 0x200
    assert "start_new_session" not in asked
    assert asked["env"]["PYTHONUTF8"] == "1"


def test_the_app_never_waits_without_an_end() -> None:
    class Stop(threading.Event):
        waits = 0

        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            assert timeout <= 1
            self.waits += 1
            return self.waits == 3

    stop = Stop()
    serve.wait_for(stop)
    assert stop.waits == 3


@pytest.mark.parametrize("command", [["sample", "best", "--n", "1", "--out"], ["verify"]])
def test_a_path_that_the_terminal_cannot_show_is_no_reason_to_fail(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "手写数字.png"
    done = subprocess.run(
        [sys.executable, "-m", "gan_core", *command, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == (0 if command[0] == "sample" else 2), done.stderr
    assert b"Traceback" not in done.stderr
    assert b"\\u624b" in done.stdout + done.stderr


# --- locks: the same tests for either system's ---


class _Mandatory(io.FileIO):
    """A file as on Windows: what another handle has locked cannot be read."""

    def read(self, size: int | None = -1) -> bytes:
        try:
            fcntl.flock(self, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None
        fcntl.flock(self, fcntl.LOCK_UN)
        return super().read(size) or b""


def _msvcrt() -> types.ModuleType:
    def locking(descriptor: int, mode: int, count: int) -> None:
        assert count == 1
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0, "the lock is on the byte at the file's position"
        try:
            fcntl.flock(descriptor, fcntl.LOCK_UN if mode == 0 else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    module = types.ModuleType("msvcrt")
    module.__dict__.update(locking=locking, LK_UNLCK=0, LK_NBLCK=2)
    return module


@pytest.fixture(params=["linux", "win32"])
def locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module `files` as this system loads it, and as Windows does."""
    if request.param == "linux":
        yield files
        return
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        patch.setitem(sys.modules, "msvcrt", _msvcrt())
        spec = importlib.util.spec_from_file_location("files_of_windows", files.__file__)
        assert spec is not None
        assert spec.loader is not None
        module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

    def open_on_windows(path: Path, mode: str, buffering: int = -1) -> Any:
        return _Mandatory(path, mode.replace("b", "")) if buffering == 0 else open(path, mode, buffering)

    monkeypatch.setattr(module, "open", open_on_windows, raising=False)
    yield module


def test_a_lock_has_one_holder_and_is_free_again(locks: Any, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.is_locked(path)
    for _ in range(2):
        with locks.lock(path):
            assert locks.is_locked(path)
            with pytest.raises(locks.Locked), locks.lock(path, patience=0.05):
                pass
        assert not locks.is_locked(path)
    assert path.stat().st_size <= 1


def test_readers_never_take_each_other_for_the_trainer(locks: Any, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locks.lock(path):
        pass
    answers: list[bool] = []
    threads = [
        threading.Thread(target=lambda: answers.extend(locks.is_locked(path) for _ in range(500))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2000
    assert not any(answers)


def test_a_lock_that_cannot_be_looked_at_is_not_a_lock_that_is_held(
    locks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    with locks.lock(path):
        pass

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(locks, "open", refused, raising=False)
    with pytest.raises(OSError, match="Too many"):
        locks.is_locked(path)
    with pytest.raises(OSError, match="Too many"), locks.lock(path):
        pass


def test_a_file_system_without_locks_is_told_from_a_lock_that_is_held(
    locks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "_lock", none)
    monkeypatch.setattr(locks, "_probe", none)
    with pytest.raises(OSError, match="No locks"), locks.lock(tmp_path / "lock"):
        pass
    with pytest.raises(OSError, match="No locks"):
        locks.is_locked(tmp_path / "lock")
