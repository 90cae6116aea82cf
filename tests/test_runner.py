from __future__ import annotations

import dataclasses
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gan_core.config import Config, make_config
from gan_core.runner import QUEUE_LENGTH, Runner
from gan_core.runs import Run, State
from gan_core.sentences import UserError
from tests.conftest import TINY
from tests.processes import ROOT, wait_until

LONG = 1_000_000


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    runner = Runner(tmp_path / "runs")
    yield runner
    runner.close()


@pytest.fixture
def config(tiny_dataset: str) -> Callable[..., Config]:
    def make(**changes: Any) -> Config:
        return make_config(
            "tutorial", {"dataset": tiny_dataset, "steps": LONG, **TINY, "checkpoint_every": 1000, **changes}
        )

    return make


def wait_for(runner: Runner, run: Run, *statuses: str) -> State:
    wait_until(lambda: runner.state(run).status in statuses)
    return runner.state(run)


def test_start_pause_resume_stop_and_train_more(runner: Runner, config: Callable[..., Config]) -> None:
    run = runner.start(config())
    assert runner.state(run).status in ("queued", "starting")
    wait_for(runner, run, "running")
    wait_until(lambda: len(run.history()[0]) > 3)
    runner.pause(run.id)
    paused = wait_for(runner, run, "paused")
    assert paused.step > 0
    wait_until(lambda: not run.alive())  # it says so a moment before it lets go
    runner.resume(run.id)
    wait_until(lambda: runner.state(run).step > paused.step)
    runner.stop(run.id)
    stopped = wait_for(runner, run, "stopped")
    runner.resume(run.id, 10)
    finished = wait_for(runner, run, "finished")
    assert finished.step == finished.target == stopped.step + 10
    assert [event["event"] for event in run.events()] == [
        "started",
        "paused",
        "resumed",
        "stopped",
        "resumed",
        "finished",
    ]
    runner.delete(run.id)
    assert not run.folder.exists()


def test_later_trainings_queue_and_say_for_whom_they_wait(runner: Runner, config: Callable[..., Config]) -> None:
    first = runner.start(config())
    wait_for(runner, first, "running")
    second, third = runner.start(config()), runner.start(config(steps=5))
    time.sleep(0.3)
    assert [runner.state(run).status for run in (first, second, third)] == ["running", "queued", "queued"]
    assert runner.waiting_for(second) == [first.id]
    assert runner.waiting_for(third) == [first.id, second.id]
    runner.stop(second.id)
    assert runner.state(second).status == "stopped"
    runner.pause(first.id)
    wait_for(runner, third, "finished")
    assert runner.state(first).status == "paused"
    assert runner.waiting_for(first) == []


def test_stop_while_starting_is_obeyed(runner: Runner, config: Callable[..., Config]) -> None:
    run = runner.start(config())
    wait_for(runner, run, "starting")
    runner.stop(run.id)
    assert wait_for(runner, run, "stopped").step < 1000


def test_what_a_state_does_not_allow_is_refused_and_changes_nothing(
    runner: Runner, config: Callable[..., Config]
) -> None:
    run = runner.start(config(steps=5))
    wait_for(runner, run, "finished")
    before = (run.folder / "state.json").read_bytes()
    for forbidden in (runner.pause, runner.stop, runner.resume):
        with pytest.raises(UserError):
            forbidden(run.id)
    for steps in (0, -5, "abc", "nan", 1.5):
        with pytest.raises(UserError) as caught:
            runner.resume(run.id, steps)
        assert caught.value.field == "steps"
    for act in (runner.pause, runner.resume, runner.stop, runner.delete):
        for run_id in ("../runs", "no-such-run", ""):
            with pytest.raises(UserError, match="no run"):
                act(run_id)
    assert (run.folder / "state.json").read_bytes() == before
    busy = runner.start(config())
    wait_for(runner, busy, "running")
    with pytest.raises(UserError, match="running"):
        runner.resume(busy.id)
    with pytest.raises(UserError, match="stop it first"):
        runner.delete(busy.id)


def test_bad_settings_leave_no_run_behind(runner: Runner, config: Callable[..., Config]) -> None:
    for bad in (config(batch_size=101), config(dataset="no-such-set"), config(dataset=str(ROOT)), config(device="mps")):
        with pytest.raises(UserError):
            runner.start(bad)
    assert list(runner.runs_dir.iterdir()) == []


def test_the_queue_is_bounded(runner: Runner, config: Callable[..., Config]) -> None:
    refused = 0
    for _ in range(QUEUE_LENGTH + 3):
        try:
            runner.start(config())
        except UserError:
            refused += 1
    assert refused >= 2
    assert len(list(runner.runs_dir.iterdir())) == QUEUE_LENGTH + 3 - refused


def test_two_starts_at_the_same_moment_are_two_runs(runner: Runner, config: Callable[..., Config]) -> None:
    threads = [threading.Thread(target=lambda: runner.start(config(steps=3))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = [Run(folder) for folder in runner.runs_dir.iterdir()]
    assert len(runs) == 4
    for run in runs:
        wait_for(runner, run, "finished")


def test_a_killed_trainer_is_a_failed_run_that_resumes(runner: Runner, config: Callable[..., Config]) -> None:
    run = runner.start(config(checkpoint_every=5))
    wait_for(runner, run, "running")
    wait_until(lambda: len(run.history()[0]) > 10)
    os.kill(runner._trainers[run.id].process.pid, signal.SIGKILL)
    state = wait_for(runner, run, "failed")
    wait_until(lambda: "exit_code" in (run.state().error or {}))
    error = run.state().error
    assert error is not None
    assert (error["key"], error["exit_code"]) == ("trainer_died", -signal.SIGKILL)
    assert run.events()[-1]["event"] == "failed"
    runner.resume(run.id)
    wait_for(runner, run, "running")
    wait_until(lambda: runner.state(run).step > state.step)
    assert runner.state(run).error is None


def test_a_trainer_that_hangs_is_ended_once_somebody_wants_it_to_stop(
    runner: Runner, config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_core.runner.HUNG_AFTER", 1.0)
    run = runner.start(config())
    wait_for(runner, run, "running")
    os.kill(runner._trainers[run.id].process.pid, signal.SIGSTOP)
    time.sleep(1.5)
    assert runner.state(run).status == "running"  # slow is not hung, as long as nobody waits for it
    runner.stop(run.id)
    assert wait_for(runner, run, "failed").error is not None


def test_stopping_a_run_that_waits_to_go_on_leaves_it_as_it_was(runner: Runner, config: Callable[..., Config]) -> None:
    done = runner.start(config(steps=5))
    wait_for(runner, done, "finished")
    busy = runner.start(config())
    wait_for(runner, busy, "running")
    runner.resume(done.id, 10)
    assert runner.state(done).status == "queued"
    runner.stop(done.id)
    assert runner.state(done).status == "finished"


def test_supervision_survives_what_nobody_thought_of(
    runner: Runner, config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Runner, "_next", lambda self: 1 / 0)
        run = runner.start(config(steps=5))
        time.sleep(0.3)
        assert runner.state(run).status == "queued"
    wait_for(runner, run, "finished")


def test_a_run_that_cannot_be_written_is_refused_and_leaves_nothing(
    runner: Runner, config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gan_core.runs.write_json", full)
    with pytest.raises(UserError, match="No space left"):
        runner.start(config())
    assert list(runner.runs_dir.iterdir()) == []


def test_a_process_that_dies_before_it_says_anything_is_a_failed_run(
    tmp_path: Path, config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.readline(); sys.exit(3)"], stdin=subprocess.PIPE
        )

    monkeypatch.setattr("gan_core.runner._spawn", broken)
    runner = Runner(tmp_path / "runs")
    try:
        run = runner.start(config())
        wait_for(runner, run, "failed")
        error = run.state().error
        assert error is not None
        assert error["exit_code"] == 3
    finally:
        runner.close()


def test_closing_saves_and_stops_and_the_next_start_can_resume(tmp_path: Path, config: Callable[..., Config]) -> None:
    runner = Runner(tmp_path / "runs")
    run, queued = runner.start(config()), runner.start(config())
    wait_for(runner, run, "running")
    wait_until(lambda: len(run.history()[0]) > 3)
    runner.close()
    assert run.state().status == "stopped"
    assert queued.state().status == "stopped"
    again = Runner(tmp_path / "runs")
    try:
        again.resume(run.id)
        wait_for(again, run, "running")
        assert run.events()[-1]["step"] == run.events()[-2]["step"] > 0
    finally:
        again.close()


def test_an_orphaned_trainer_notices_and_saves(
    tmp_path: Path, config: Callable[..., Config], tiny_dataset: str
) -> None:
    code = f"""
import sys, time
from pathlib import Path
from gan_core.config import Config
from gan_core.runner import Runner
runner = Runner(Path({str(tmp_path / "runs")!r}))
print(runner.start(Config(**{dataclasses.asdict(config())!r})).id, flush=True)
time.sleep(1000)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        run = Run(tmp_path / "runs" / app.stdout.readline().strip())
        wait_until(lambda: len(run.history()[0]) > 3)
        app.kill()
    wait_until(lambda: not run.alive())
    assert run.state().status == "stopped"
    assert run.events()[-1]["step"] == run.state().step > 0


def test_runs_left_in_the_air_are_settled_at_the_next_start(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    running, queued = make_run("running"), make_run("queued")
    running.write_state(State(status="running", step=3, target=20))
    runner = Runner(running.folder.parent)
    try:
        assert runner.state(running).status == "failed"
        assert running.events()[-1]["event"] == "failed"
        assert runner.state(queued).status == "stopped"
        runner.resume(queued.id)
        wait_for(runner, queued, "finished")
    finally:
        runner.close()


def test_nobodys_second_run_is_trained_before_everybodys_first(runner: Runner, config: Callable[..., Config]) -> None:
    first = runner.start(config(), "anna")
    wait_for(runner, first, "running")
    annas = [runner.start(config(), "anna") for _ in range(2)]
    berts = [runner.start(config(), "bert") for _ in range(2)]
    ours = runner.start(config(seconds=9.0))
    # bert's first and the owner's come before anna's second, in the order they came; then the seconds, then her third
    turns = [berts[0], ours, annas[0], berts[1], annas[1]]
    assert runner.waiting_for(turns[-1]) == [run.id for run in (first, *turns[:-1])]
    assert [len(runner.waiting_for(run)) for run in turns] == [1, 2, 3, 4, 5]
    assert [run.visitor() for run in (*annas, *berts, ours)] == ["anna", "anna", "bert", "bert", ""]
    runner.stop(first.id)
    wait_for(runner, berts[0], "running")
    assert runner.waiting_for(annas[1]) == [run.id for run in turns[:-1]]
    branch = runner.branch(first.id, {}, visitor="carl")
    assert branch.visitor() == "carl"
    assert len(runner.waiting_for(branch)) == 2  # bert's, which runs, and the owner's


def test_how_long_a_queued_run_has_to_wait(runner: Runner, config: Callable[..., Config]) -> None:
    first = runner.start(config(seconds=1000.0))
    wait_until(lambda: first.state().steps_per_second > 0)
    second, third = runner.start(config(seconds=50.0)), runner.start(config(seconds=0.0))
    fourth = runner.start(config())
    assert runner.seconds_until(first) is None
    waits = runner.seconds_until(second), runner.seconds_until(third)
    assert waits[0] is not None
    assert waits[1] is not None
    assert 0 < waits[0] <= 1000
    assert 40 < waits[1] - waits[0] < 60  # the first goes on between the two questions
    assert runner.seconds_until(fourth) is None  # nobody knows how long the third takes
