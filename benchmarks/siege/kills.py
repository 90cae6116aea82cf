"""Trainer processes of a running app that are killed at random moments, until their runs are through all the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gradio_client import Client

from benchmarks.page import ROOT
from benchmarks.siege.app import TOKEN, Besieged
from gan_core import saved
from gan_core.runs import Run

# small networks that save all the time: most kills fall into the writing of a file
SETTINGS = {"steps": 400, "checkpoint_every": 5, "snapshot_every": 20, "width": 2, "batch_size": 4, "precision": "fp32"}
DEAD = ("failed", "stopped", "finished")


def kill(app: Besieged, seed: int, count: int) -> dict[str, Any]:
    """Kill so many trainers, go on with their runs, and compare each that ends with one that nobody killed."""
    moments = random.Random(seed)
    options = [f"{name}={value}" for name, value in SETTINGS.items()]
    whole = app.runs_dir.parent / "whole"
    command = [sys.executable, "-m", "gan_core", "train", "--preset", "minute", "--seed", str(seed), "--seconds", "0"]
    subprocess.run(
        [*command, "--set", *options, "threads=1", "--out", str(whole)], cwd=ROOT, check=True, capture_output=True
    )
    expected = _result(Run(whole))
    owner = Client(app.url, verbose=False, headers={"X-Owner-Token": TOKEN})
    kills = ended = same = 0
    statuses: dict[str, int] = {}
    damaged: list[str] = []
    settings = json.dumps({**SETTINGS, "seconds": 0, "threads": 1, "seed": seed})
    run = Run(app.runs_dir / owner.predict("minute", 0, 0, settings, api_name="/start").partition(":")[0])
    while kills < count:
        _wait(run, lambda status: status not in ("queued", "starting"))
        time.sleep(moments.random() ** 2 * 1.5)
        pid = _trainer(app, run)
        if pid and run.state().status not in DEAD:
            os.kill(pid, signal.SIGKILL)
            kills += 1
        _wait(run, lambda status: status in DEAD)
        status = run.state().status
        statuses[status] = statuses.get(status, 0) + 1
        if status != "finished":
            damaged += [f"{run.id}: {name}" for name in saved.verify(run)]
            owner.predict(run.id, 0, api_name="/resume")
            continue
        ended += 1
        same += _result(run) == expected
        owner.predict(run.id, api_name="/delete")
        run = Run(app.runs_dir / owner.predict("minute", 0, 0, settings, api_name="/start").partition(":")[0])
    return {
        "kills": kills,
        "runs that ended": ended,
        "bit for bit": same,
        "after a kill": statuses,
        "damaged": damaged[:8],
    }


def _result(run: Run) -> tuple[bytes, list[Any]]:
    """The last generator's file, and the curves without their times."""
    last = run.folder / f"snapshots/{saved.snapshot_steps(run)[-1]:06d}.safetensors"
    return last.read_bytes(), [{**point, "seconds": 0} for point in run.history()[0]]


def _trainer(app: Besieged, run: Run) -> int:
    """The process that trains this run: of the app's children the one that holds its lock, 0 for none."""
    children = subprocess.run(["pgrep", "-P", str(app.process.pid)], capture_output=True, text=True).stdout.split()
    for child in children:
        try:
            held = {os.readlink(each) for each in Path(f"/proc/{child}/fd").iterdir()}
        except OSError:
            continue
        if any(str(run.folder.resolve()) in each for each in held):
            return int(child)
    return 0


def _wait(run: Run, reached: Any, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not reached(run.state().status):
        if time.monotonic() > until:
            raise TimeoutError(f"{run.id} stayed {run.state().status}")
        time.sleep(0.01)
