"""Disks that refuse, folders that go away, clocks that jump: nobody is left with a traceback, or a run that lives for ever."""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import runner as supervisor
from gan_core import saved
from gan_core.__main__ import main
from gan_core.config import Config, make_config
from gan_core.loop import train_run
from gan_core.runner import Runner, _is_hung, _settle, _Trainer
from gan_core.runs import Run, State, delete_run, list_runs
from gan_core.sentences import UserError
from gan_ui.live import LivePages
from tests.conftest import TINY
from tests.processes import wait_until

MakeRun = Callable[..., Run]
Break = Callable[[Callable[[str, bool], int]], None]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Break:
    """disk(answer): from now on the disk answers each change below `tmp_path` as answer(name, appends) says: 0 or an errno."""

    def make(answer: Callable[[str, bool], int]) -> None:
        def check(path: Any, appends: bool = False) -> None:
            if str(path).startswith(str(tmp_path)) and (number := answer(Path(path).name, appends)):
                raise OSError(number, os.strerror(number), str(path))

        def opens(before: Callable[..., Any]) -> Callable[..., Any]:
            def opened(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
                if set(mode) & set("wax+"):
                    check(path, "a" in mode)
                return before(path, mode, *args, **options)

            return opened

        def changes(before: Callable[..., Any]) -> Callable[..., Any]:
            def changed(path: Any, *args: Any, **options: Any) -> Any:
                check(args[0] if before.__name__ in ("replace", "rename") else path)
                return before(path, *args, **options)

            return changed

        for owner in (builtins, io):
            monkeypatch.setattr(owner, "open", opens(owner.open))
        for name in ("unlink", "mkdir", "rmdir", "replace", "rename"):
            monkeypatch.setattr(os, name, changes(getattr(os, name)))

    return make


def after(step: int, act: Callable[[], None]) -> dict[str, Any]:
    """Arguments for train_run that act once, as soon as that step is reached."""
    done: list[int] = []

    def report(state: State, point: dict[str, float] | None) -> None:
        if state.step >= step and not done:
            done.append(state.step)
            act()

    return {"report": report}


# --- a disk that refuses ---


def test_events_that_cannot_be_appended_end_a_training_in_a_sentence(
    make_run: MakeRun, disk: Break, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    disk(lambda name, appends: errno.EOPNOTSUPP if name == "events.jsonl" else 0)
    state = train_run(run)
    assert (state.status, state.error and state.error["key"]) == ("failed", "cannot_write")
    assert not run.alive()
    assert run.state().error == state.error
    # the supervisor may say it for a trainer that could not, and needs no events either
    run.write_state(State(status="running", step=3, target=20))
    _settle(run)
    assert json.loads((run.folder / "state.json").read_text())["status"] == "failed"


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ENOSPC])
def test_a_training_that_can_write_nothing_any_more_says_so_where_it_can(
    make_run: MakeRun, disk: Break, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    run = make_run(steps=100)
    broken: list[int] = []
    disk(lambda name, appends: number if broken else 0)
    state = train_run(run, **after(10, lambda: broken.append(1)))
    assert (state.status, state.step >= 10) == ("failed", True)
    assert not run.alive()
    assert run.state().status == "failed"  # though its file says "running"
    assert capsys.readouterr().err.strip()


def test_a_listener_that_is_gone_ends_a_training_and_nothing_else(make_run: MakeRun) -> None:
    run = make_run()

    def report(state: State, point: dict[str, float] | None) -> None:
        if state.step >= 4:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    assert train_run(run, report=report).status == "failed"
    assert run.state().status == "failed"
    assert run.events()[-1]["event"] == "failed"


@pytest.mark.parametrize("command", [["train", "--steps", "5", "--resume"], ["prune"]])
def test_a_disk_that_is_only_read_is_one_sentence(
    make_run: MakeRun, disk: Break, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    run = make_run()
    train_run(run)
    run.set_wish("stop")
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    disk(lambda name, appends: errno.EROFS)
    assert main([*command, str(run.folder)]) == 2
    said = capsys.readouterr().err
    assert said.splitlines() == [f"error: Nothing can be written to {run.folder}: Read-only file system."]
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before
    with pytest.raises(UserError, match="Read-only"):  # and so at each step of it, for whoever comes another way
        run.set_wish(None)
    with pytest.raises(UserError, match="Read-only"):
        train_run(run)
    with pytest.raises(UserError, match="Read-only"):
        delete_run(run)


def test_a_run_on_a_disk_that_is_only_read_can_be_looked_at(
    make_run: MakeRun, disk: Break, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    train_run(run)
    disk(lambda name, appends: errno.EROFS)
    assert run.state().status == "finished"
    assert not run.alive()
    assert main(["verify", str(run.folder)]) == 0
    assert main(["list", "--runs-dir", str(run.folder.parent)]) == 0
    assert "finished" in capsys.readouterr().out


def test_a_lock_that_cannot_be_looked_at_leaves_it_to_the_last_sign_of_life(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(path: Path) -> bool:
        raise OSError(errno.EMFILE, "Too many open files")

    run = make_run()
    run.write_state(State(status="running", step=3, target=20))
    monkeypatch.setattr("gan_core.runs.is_locked", unknown)
    assert run.state().status == "running"
    os.utime(run.folder / "state.json", (time.time() - 600,) * 2)
    assert not run.alive()
    assert run.state().status == "failed"


# --- folders that go away ---


def test_a_run_deleted_under_its_training(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(steps=10_000)
    state = train_run(run, **after(10, lambda: shutil.rmtree(run.folder)))
    assert (state.status, state.error and state.error["key"]) == ("failed", "run_vanished")
    assert not run.folder.exists(), "nothing of it is made again"
    assert capsys.readouterr().err.strip() == f"The folder {run.folder} is gone: somebody deleted or renamed it."
    with pytest.raises(UserError) as caught:
        train_run(Run(run.folder))
    assert caught.value.key in ("not_a_run", "run_vanished")


def test_a_run_renamed_under_its_training_goes_on_under_its_new_name(make_run: MakeRun) -> None:
    whole, run = make_run("whole", steps=60), make_run(steps=60)
    renamed = Run(run.folder.with_name("renamed"))
    state = train_run(run, **after(10, lambda: os.rename(run.folder, renamed.folder)))
    assert state.error is not None
    assert state.error["key"] == "run_vanished"
    assert not run.folder.exists()
    assert renamed.state().status == "failed"
    assert train_run(renamed).status == "finished"
    assert saved.verify(renamed) == []
    train_run(whole)
    first, second = (saved.load_checkpoint(each)[0] for each in (whole, renamed))
    assert first is not None
    assert second is not None
    assert all(torch.equal(first.state[key], second.state[key]) for key in first.state)


@pytest.fixture
def config(tiny_dataset: str) -> Callable[..., Config]:
    def make(**changes: Any) -> Config:
        return make_config("tutorial", {"dataset": tiny_dataset, "steps": 1_000_000, **TINY, **changes})

    return make


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    runner = Runner(tmp_path / "runs")
    yield runner
    runner.close()


@pytest.mark.parametrize("how", ["deleted", "renamed"])
def test_the_runs_folder_taken_away_under_the_app(runner: Runner, config: Callable[..., Config], how: str) -> None:
    pages = LivePages(runner)
    run, waiting = runner.start(config()), runner.start(config())
    wait_until(lambda: len(run.history()[0]) > 3, 150)
    assert pages.poll(run.id, 0, "", 0) is not None
    if how == "deleted":
        while runner.runs_dir.exists():  # the trainer may put a file into it meanwhile
            shutil.rmtree(runner.runs_dir, ignore_errors=True)
    else:
        os.rename(runner.runs_dir, runner.runs_dir.with_name("elsewhere"))
    wait_until(lambda: not runner._trainers and not runner._queue, 150)
    wait_until(lambda: (pages.poll(run.id, 0, "", 0) or {}).get("order") == [])
    for act in (runner.pause, runner.resume, runner.stop, runner.delete):
        with pytest.raises(UserError, match="no run"):
            act(waiting.id)
    again = runner.start(config(steps=5))
    wait_until(lambda: runner.state(again).status == "finished", 150)
    wait_until(lambda: (pages.poll(again.id, 0, "", 0) or {}).get("order") == [again.id])
    if how == "renamed":
        left = list(list_runs(runner.runs_dir.with_name("elsewhere")))
        assert {each.id for each in left} == {run.id, waiting.id}
        assert not any(each.alive() for each in left)
        assert Run(left[0].folder.with_name(run.id)).state().status == "failed"


# --- clocks that jump ---


class Clock:
    """Stands for the module `time`: `wall` is what can be set, `steady` what cannot."""

    def __init__(self, wall: float, steady: float) -> None:
        self.wall, self.steady = wall, steady

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady


def test_a_clock_that_jumps_makes_no_trainer_look_hung_and_none_look_alive(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    run.set_wish("stop")
    process = subprocess.Popen([sys.executable, "-c", ""])
    clock = Clock(time.time(), 100.0)
    monkeypatch.setattr(supervisor, "time", clock)
    trainer = _Trainer(run, process, 1.0, 1.0, clock.monotonic())
    run.write_state(State(status="stopping", step=3, target=20))
    assert not _is_hung(trainer)
    clock.wall += 3600
    clock.steady += 1
    assert not _is_hung(trainer), "an hour forward"
    clock.wall -= 7200
    clock.steady += supervisor.HUNG_AFTER
    assert _is_hung(trainer), "an hour back, and not a word since"
    run.write_state(State(status="stopping", step=4, target=20))
    assert not _is_hung(trainer)
    process.wait()


def test_a_training_does_not_care_what_the_clock_says(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    steady, jumping = make_run("steady", steps=40), make_run("jumping", steps=40)
    train_run(steady)
    chance = random.Random(0)
    wild = types.SimpleNamespace(**{**vars(time), "time": lambda: chance.uniform(0, 4e9)})
    for module in ("gan_core.runs", "gan_core.loop"):
        monkeypatch.setattr(f"{module}.time", wild)
    assert train_run(jumping).status == "finished"
    assert jumping.state().seconds < 600
    seconds = [row["seconds"] for row in jumping.history()[0]]
    assert seconds == sorted(seconds)
    first, second = (saved.load_checkpoint(each)[0] for each in (steady, jumping))
    assert first is not None
    assert second is not None
    assert all(torch.equal(first.state[key], second.state[key]) for key in first.state)


def test_a_page_that_knows_a_later_clock_hears_from_the_app_again(runner: Runner, make_run: MakeRun) -> None:
    run = make_run()
    before = LivePages(runner).poll(run.id, 0, "", 0)
    assert before is not None
    pages = LivePages(runner)  # the app was started again ...
    pages._version -= 3_600_000  # ... and the clock set back by an hour meanwhile
    pages._order = pages._lead = (pages._version, [])  # type: ignore[assignment]
    answer = pages.poll(run.id, before["version"], before["generation"], 0)
    assert answer is not None
    assert answer["order"] == [run.id]
    assert pages.poll(run.id, answer["version"], answer["generation"], 0) is None
