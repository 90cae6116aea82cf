"""Trainer processes that are killed at random moments, and what their runs are worth after that.

Each is the app's own worker (`gan_core.worker`), forked from a process that has torch loaded already: starting a thousand
of them anew would take hours, and what is killed is the training, not the start.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from gan_core import data, saved, worker
from gan_core.config import make_config
from gan_core.loop import prepare, train_run
from gan_core.runs import Run, create_run

# small networks that save all the time: most kills fall into the writing of a file
SETTINGS = {
    "steps": 400, "seconds": 0, "checkpoint_every": 5, "snapshot_every": 20, "width": 2, "batch_size": 4, "precision": "fp32",
    "threads": 1,
}  # fmt: skip
LONGEST = 1.2  # seconds until the kill


def kill(seed: int, count: int) -> dict[str, Any]:
    """Kill so many trainers, go on with their runs, and compare each that ends with one that nobody killed."""
    moments = random.Random(seed)
    config, facts = prepare(make_config("minute", {**SETTINGS, "seed": seed}))
    data.load("mnist")  # which every worker has from now on
    kills = ended = same = 0
    after: Counter[str] = Counter()
    damaged: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = create_run(Path(scratch) / "whole", config, facts.sha256, facts.size)
        train_run(whole)
        expected = _result(whole)
        while kills < count:
            run = create_run(Path(scratch) / f"killed-{ended}", config, facts.sha256, facts.size)
            while run.state().status != "finished":
                pid, supervisor = _worker(run)
                time.sleep(moments.random() * LONGEST)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                os.close(supervisor)
                kills += 1
                after[run.state().status] += 1
                damaged += [f"{run.id} after kill {kills}: {name}" for name in saved.verify(run)]
            ended += 1
            same += _result(run) == expected
    return {
        "kills": kills,
        "runs that ended": ended,
        "bit for bit": same,
        "after a kill": dict(after),
        "damaged": damaged[:8],
    }


def _worker(run: Run) -> tuple[int, int]:
    """A process that trains this run, and the end of its stdin that its supervisor holds."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reading)
        os.write(writing, (json.dumps({"folder": str(run.folder), "more_steps": None}) + "\n").encode())
        return pid, writing
    os.close(writing)
    sys.stdin = os.fdopen(reading)
    os._exit(worker.main())


def _result(run: Run) -> tuple[bytes, list[Any]]:
    """The last generator's file, and the curves without their times."""
    last = run.folder / f"snapshots/{saved.snapshot_steps(run)[-1]:06d}.safetensors"
    return last.read_bytes(), [{**point, "seconds": 0} for point in run.history()[0]]
