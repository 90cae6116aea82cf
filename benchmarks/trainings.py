"""Trainings that benchmarks look at: real run folders, one thread, seconds of processor time.

What else the machine does meanwhile then costs a training nothing, and a folder that is there already is taken as it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from gan_core.config import make_config
from gan_core.loop import prepare, train_run
from gan_core.preset import UNLIMITED
from gan_core.runs import Run, create_run

OVER = ("finished", "stopped", "failed")


def trained(
    folder: Path, preset: str, changes: Mapping[str, Any], seconds: float | None = None, steps: int | None = None
) -> Run:
    """The run of that folder, trained now if there is none: so many seconds or steps, or as its preset says."""
    if not (folder / "config.json").exists():
        limits = {"seconds": seconds, "steps": UNLIMITED} if seconds else {}
        limits |= {"seconds": 0, "steps": steps} if steps else {}
        config, facts = prepare(make_config(preset, {**changes, **limits, "threads": 1, "device": "cpu"}))
        create_run(folder, config, facts.sha256, facts.size)
    return train(Run(folder))


def train(run: Run) -> Run:
    """Train it to its end, if it has not come there yet."""
    if run.state().status not in OVER:
        with mock.patch.object(time, "monotonic", time.process_time):
            train_run(run)
    return run
