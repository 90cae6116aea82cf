"""Real trainer processes, really killed: nothing is lost, and what is resumed ends where it would have ended."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_core import saved
from gan_core.loop import train_run
from gan_core.runs import Run
from tests.processes import run_command, start_command, wait_until
from tests.test_loop import final_state, points, same

MakeRun = Callable[..., Run]


def train_until(run: Run, step: int, then: Callable[[subprocess.Popen[str]], None]) -> None:
    """Resume the run in its own process and, once its curves reach that step, do something to the process."""
    process = start_command("train", "--resume", run.folder)
    wait_until(lambda: process.poll() is not None or (run.history()[0] or [{"step": 0}])[-1]["step"] >= step)
    then(process)
    process.communicate(timeout=60)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_killed_again_and_again_it_ends_bit_for_bit_where_the_uninterrupted_run_ends(
    make_run: MakeRun, precision: str
) -> None:
    # checkpoints every 3 steps: most of the time goes into writing them, so that is where the kills fall
    settings = {"steps": 90, "checkpoint_every": 3, "precision": precision}
    whole, killed = make_run("whole", **settings), make_run("killed", **settings)
    train_run(whole)
    moments = random.Random(precision)
    for kill in itertools.count(1):

        def strike(process: subprocess.Popen[str]) -> None:
            time.sleep(moments.random() * 0.1)
            process.kill()

        train_until(killed, kill * 24, strike)
        if killed.state().status == "finished" or kill == 2:
            break
        state = killed.state()
        assert state.status == "failed"
        assert state.error is not None
        assert state.error["key"] == "trainer_died"
    done = run_command("train", "--resume", killed.folder)
    assert done.returncode == 0, done.stderr
    assert [event["event"] for event in killed.events()].count("resumed") >= 2
    assert same(final_state(whole), final_state(killed))
    assert points(whole) == points(killed)
    assert saved.verify(killed) == []
    assert saved.snapshot_steps(whole) == saved.snapshot_steps(killed)
    last = "snapshots/000090.safetensors"
    assert (whole.folder / last).read_bytes() == (killed.folder / last).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_signal_saves_the_very_last_step(make_run: MakeRun, number: signal.Signals) -> None:
    run = make_run(steps=1_000_000, checkpoint_every=1_000_000)
    train_until(run, 10, lambda process: process.send_signal(number))
    assert run.state().status == "stopped"
    assert saved.checkpoint_steps(run) == [run.state().step]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full(make_run: MakeRun, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", disk], check=False, capture_output=True
    ).returncode:
        pytest.skip("this sandbox forbids mounting")
    try:
        small = make_run("small", steps=60)
        moved = Run(disk / "small")
        subprocess.run(["cp", "-r", small.folder, moved.folder], check=True)
        state = train_run(moved)
        assert state.status == "failed"
        assert state.error is not None
        assert state.error["key"] == "disk_full"
        assert moved.state().status == "failed"
        checkpoint, damaged = saved.load_checkpoint(moved)
        assert checkpoint is not None
        assert (checkpoint.step, damaged) == (state.error["values"]["checkpoint"], [])
    finally:
        subprocess.run(["umount", disk], check=False)
