"""What visitors may use where they may train, checked before a run begins and watched while it trains."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_core.config import Config, check_field
from gan_core.preset import UNLIMITED
from gan_core.runs import ACTIVE, list_runs
from gan_core.sentences import UserError

if TYPE_CHECKING:
    from gan_core.runner import Runner

WATCH_EVERY = 5.0  # seconds between looks at what trains


@dataclass(frozen=True)
class Caps:
    """Per run, per visitor (`runs`), and all of them together (`megabytes`)."""

    seconds: int = 900
    steps: int = 100_000
    disk_mb: int = 150
    width: int = 32  # a checkpoint grows with its square
    images: int = 4096  # width x batch_size, which a step's memory and time grow with
    save_every: int = 250  # steps between snapshots and between checkpoints, at least
    runs: int = 3
    megabytes: int = 2000

    def bounded(self, config: Config) -> Config:
        """The settings of a visitor's new run, which ends in time. Raises UserError for what is beyond a cap."""
        self._check_size(config)
        self._check_saving(config.disk_mb, config.snapshot_every, config.checkpoint_every)
        return dataclasses.replace(config, seconds=self.run_seconds(config.seconds), steps=self.run_steps(config.steps))

    def of_branch(self, parent: Config, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a branch: what the parent has is cut, what the visitor asks for refused."""
        self._check_size(parent)  # which a branch cannot change
        bounded: dict[str, Any] = {
            "seconds": min(parent.seconds, self.seconds),
            "steps": parent.steps if parent.steps == UNLIMITED else min(parent.steps, self.steps),
            "disk_mb": min(parent.disk_mb, self.disk_mb),
            "snapshot_every": max(parent.snapshot_every, self.save_every),
            "checkpoint_every": max(parent.checkpoint_every, self.save_every),
        }
        bounded |= {name: check_field(name, settings[name]) for name in bounded if name in settings}
        self._check_saving(bounded["disk_mb"], bounded["snapshot_every"], bounded["checkpoint_every"])
        bounded |= {
            "seconds": self.run_seconds(bounded["seconds"]),
            "steps": self.run_steps(int(bounded["steps"])),
        }
        return {**settings, **bounded}

    def run_seconds(self, asked: float) -> float:
        """The time limit of a run; none at all becomes the cap. Raises UserError."""
        if asked > self.seconds:
            raise UserError("visitor_seconds", field="seconds", seconds=self.seconds)
        return asked or float(self.seconds)

    def run_steps(self, asked: int) -> int:
        """The steps of a run. Raises UserError."""
        if self.steps < asked < UNLIMITED:  # unlimited is what a preset that goes by time asks for
            raise UserError("visitor_steps", field="steps", steps=f"{self.steps:,}")
        return asked

    def check_room(self, runs_dir: Path, visitor: str) -> None:
        """Raise UserError if a visitor may have no further run."""
        visitors = [(run, run.visitor()) for run in list_runs(runs_dir)]
        if sum(whose.partition(".")[0] == visitor for _, whose in visitors) >= self.runs:
            raise UserError("visitor_runs", count=self.runs)
        if sum(_bytes(run.folder) for run, whose in visitors if whose) >= self.megabytes * 1_000_000:
            raise UserError("visitors_disk", megabytes=f"{self.megabytes:,}")

    def _check_size(self, config: Config) -> None:
        from gan_core.loop import resolve  # here, because it imports torch

        _at_most("width", config.width, self.width)
        _at_most("batch_size", config.batch_size, self.images // config.width)
        _at_most("threads", config.threads, resolve(dataclasses.replace(config, threads=0)).threads)

    def _check_saving(self, disk_mb: int, snapshot_every: int, checkpoint_every: int) -> None:
        _at_most("disk_mb", disk_mb, self.disk_mb)
        for name, every in (("snapshot_every", snapshot_every), ("checkpoint_every", checkpoint_every)):
            if every < self.save_every:
                raise UserError("visitor_at_least", field=name, name=name, limit=self.save_every)


def watch(runner: Runner, caps: Caps) -> None:
    """Look after the visitors' trainings until the runner is closed, in a thread of its own."""

    def looking() -> None:
        while not runner.closing.wait(WATCH_EVERY):
            with contextlib.suppress(OSError):  # a folder that goes away meanwhile
                look(runner, caps)

    threading.Thread(target=looking, name="caps", daemon=True).start()


def look(runner: Runner, caps: Caps) -> None:
    """Stop a visitor's training that is beyond its time or its disk, and the largest while all together are beyond theirs."""
    visitors = [run for run in list_runs(runner.runs_dir) if run.visitor()]
    at_work = [run for run in visitors if runner.state(run).status in ACTIVE]
    if not at_work:
        return
    taken = {run.id: _bytes(run.folder) for run in visitors}
    # twice: what the disk setting has no room for is thinned out only after it is written
    beyond = [
        run
        for run in at_work
        if runner.state(run).seconds > caps.seconds + WATCH_EVERY or taken[run.id] > 2 * caps.disk_mb * 1_000_000
    ]
    if sum(taken.values()) >= caps.megabytes * 1_000_000:
        beyond.append(max(at_work, key=lambda run: taken[run.id]))
    for run in beyond:
        with contextlib.suppress(UserError):  # it has just ended
            runner.stop(run.id)


def _at_most(name: str, value: int, limit: int) -> None:
    if value > limit:
        raise UserError("visitor_at_most", field=name, name=name, limit=limit)


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # a snapshot that was thinned out this moment
            continue
    return total
