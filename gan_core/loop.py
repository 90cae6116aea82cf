"""Training a run folder: the one loop behind the page's Start button and the command line.

It drives a `Trainer`, writes the run folder, and obeys wishes (pause, stop). Nothing here knows who started it.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import errno
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

import torch

from gan_core import data, kept, render, saved
from gan_core.changes import Changes
from gan_core.config import Config
from gan_core.diagnostics import diagnose
from gan_core.files import Locked, append_line, open_lines, remove, write_atomic
from gan_core.latent import classes_for, generate, sample_z
from gan_core.meter import Meter
from gan_core.runs import Run, State, check_resumable, describe_error
from gan_core.sentences import UserError, sentence
from gan_core.trainer import Measured, Trainer, choose_device, choose_precision, choose_threads

LIVE_EVERY = 1.0  # seconds between the pictures that follow the training
STATE_EVERY = 0.5  # seconds between heartbeats
WISH_EVERY = 0.1  # seconds between looks at the control file
SPEED_WINDOW = 5.0  # seconds over which steps/s is averaged
PLAN_DRIFT = 0.02  # a training by the clock plans anew how many steps it will get when that changes by this share

_REFUSED = (
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EOPNOTSUPP,
)  # by the file system, of what a training has to do
POINTS_WATCHED = 300  # of the curves and of the metrics, by the doctor

Asked = Callable[[], str | None]  # "pause", "stop" or None: what the surrounding process wants
Report = Callable[[State, dict[str, float] | None], None]


def resolve(config: Config) -> Config:
    """The settings with every "auto" decided, once, so that a resumed training decides the same."""
    device = choose_device(config.device)
    return dataclasses.replace(
        config,
        device=device,
        precision=choose_precision(config.precision, device),
        threads=choose_threads(config.threads),
    )


def prepare(config: Config) -> tuple[Config, data.Facts]:
    """Everything that can be refused before a run exists: fetch the data set, decide every "auto", check the two.

    Raises UserError.
    """
    config = resolve(dataclasses.replace(config, dataset=data.ensure(config.dataset)))
    facts = data.facts(config.dataset)
    if config.batch_size > facts.size:
        raise UserError("batch_larger_than_dataset", field="batch_size", value=config.batch_size, count=facts.size)
    if config.conditional and not data.has_labels(config.dataset):
        raise UserError("needs_labels", field="network", network=config.network, dataset=config.dataset)
    return config, facts


def train_run(
    run: Run,
    *,
    dataset: data.Dataset | None = None,
    more_steps: int | None = None,
    asked: Asked = lambda: None,
    report: Report = lambda state, point: None,
) -> State:
    """Start or resume the training of a run, until it is finished, paused, stopped or failed; returns its last state.

    A run with a checkpoint goes on from the last good one, otherwise it begins at step 0. `more_steps` moves the
    target to that many steps from there. Raises UserError if another process is training this run, or if it cannot go on.
    """
    check_resumable(run)
    try:
        with run.lock():
            return _Training(run, asked, report).train(dataset, more_steps)
    except Locked:
        raise UserError("already_training", run=run.id) from None


class _NotFinite(Exception):
    """A loss was NaN or infinite at this step."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


class _Training:
    """One stretch of training, from taking the lock to letting go of it."""

    trainer: Trainer
    history: IO[bytes]

    def __init__(self, run: Run, asked: Asked, report: Report) -> None:
        self.run = run
        self.asked = asked
        self.report = report
        self.state = run.state()
        self.pending: list[Measured] = []  # measured since the last point of the curves
        self.alerts: list[dict[str, Any]] = []  # the doctor's, as of the last measurement

    def train(self, dataset: data.Dataset | None, more_steps: int | None) -> State:
        try:
            self._set("starting", error=None)
            self._prepare(dataset, more_steps)
            with open_lines(self.run.folder / "history.jsonl") as self.history:
                self._go()
        except Exception as error:
            self._fail(self._explained(error))
        return self.state

    def _explained(self, error: Exception) -> dict[str, Any]:
        """What ended the training, as `State.error`; with a traceback if it is nothing that a person can mend."""
        last = 0
        with contextlib.suppress(OSError):
            last = max(kept.checkpoint_steps(self.run), default=0)
        if isinstance(error, _NotFinite):
            return {"key": "not_finite", "values": {"step": error.step, "checkpoint": last}}
        if isinstance(error, UserError):
            return describe_error(error)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return {"key": "disk_full", "values": {"checkpoint": last}}
        if isinstance(error, OSError) and not (self.run.folder / "config.json").exists():
            return {"key": "run_vanished", "values": {"path": str(self.run.folder)}}
        if isinstance(error, OSError) and error.errno in _REFUSED:
            return {"key": "cannot_write", "values": {"path": str(self.run.folder), "reason": error.strerror}}
        return {**describe_error(error), "traceback": traceback.format_exc()}

    def _prepare(self, dataset: data.Dataset | None, more_steps: int | None) -> None:
        config = self.run.config()
        torch.set_num_threads(config.threads)
        if dataset is None or dataset.name != config.dataset:
            dataset = data.load(config.dataset)
        if dataset.sha256 != self.run.document()["dataset_sha256"]:
            raise UserError("dataset_changed", name=config.dataset)
        self.fixed_z = sample_z(config.seed, render.GRID_SIDE**2, config.z_dim).to(config.device)
        self.fixed_classes = classes_for(config, render.GRID_SIDE**2)
        kept.prune(self.run)
        checkpoint, damaged = saved.load_checkpoint(self.run)
        if damaged and not checkpoint:
            # beginning again would throw away the curves and snapshots: that is for a person to decide
            raise UserError("no_good_checkpoint", run=self.run.id, steps=", ".join(map(str, damaged)))
        for step in damaged:
            self.run.add_event("checkpoint_damaged", step=step)
            kept.forget_checkpoint(self.run, step)
        begins_at = checkpoint.step if checkpoint else 0
        self.seconds_before = checkpoint.seconds if checkpoint else 0.0
        target = begins_at + more_steps if more_steps else self.state.target or config.steps
        # a time limit does not bind the steps that were asked for after it was reached
        limit = 0.0 if more_steps and config.seconds <= self.seconds_before else config.seconds
        self.changes = Changes(self.run)
        config = self.changes.until(begins_at, dataclasses.replace(config, steps=target))
        if not limit:
            config = dataclasses.replace(config, steps=target)
        self.trainer = Trainer(config, dataset.images, dataset.labels)
        if checkpoint:
            measured = checkpoint.state.pop("measured")
            self.trainer.load_state_dict(checkpoint.state)
            self.pending = [Measured(*row) for row in measured.tolist()]
        self.run.rewind(begins_at)
        self.points: collections.deque[dict[str, Any]] = collections.deque(self._whole_points(), POINTS_WATCHED)
        self.measured: collections.deque[dict[str, Any]] = collections.deque(self.run.metrics()[0], POINTS_WATCHED)
        self.meter = Meter(config, dataset.images)
        self.wanted = self.run.wanted_settings()
        self.state = dataclasses.replace(
            self.state,
            step=begins_at,
            target=target,
            seconds_limit=limit,
            epoch=self.trainer.sampler.epoch,
            device=config.device,
            precision=config.precision,
            threads=config.threads,
            steps_per_second=0.0,
        )
        reals = render.grid(dataset.images[: render.GRID_SIDE**2])
        write_atomic(self.run.folder / "reals.webp", render.encode(reals), durable=False)
        self.run.add_event("resumed" if checkpoint else "started", step=begins_at, target=target)
        if begins_at == 0:
            self._save_snapshot()

    def _go(self) -> None:
        """The loop proper: steps, and between them whatever is due."""
        trainer, config = self.trainer, self.trainer.config
        self.started = time.monotonic()
        self.recent = collections.deque([(self.started, trainer.step_count)])
        live_due = state_due = wish_due = self.started
        self._set("running")
        while not self._finished():
            if again := self.changes.due(trainer.step_count):
                trainer.change(**again)
            trainer.step()
            step = trainer.step_count
            if step % config.log_every == 0:
                self._log_point()
            if kept.snapshot_due(step, config.snapshot_every):
                self._collect()
                self._save_snapshot()
            if step % config.checkpoint_every == 0:
                self._save_checkpoint()
            now = time.monotonic()
            if now >= live_due:
                live_due = now + LIVE_EVERY
                self._collect()
                saved.save_live(self.run, step, trainer.G_ema, self._grid())
            if now >= state_due:
                state_due = now + STATE_EVERY
                self._set("running")
                self._plan()
                self._keep_metrics()
            self.meter.offer(step, self._seconds(), trainer.G_ema)
            if now >= wish_due:
                wish_due = now + WISH_EVERY
                self._change_as_asked()
                if wish := self.asked() or self.run.wish():
                    self._leave("paused" if wish == "pause" else "stopped")
                    return
        self._leave("finished")

    def _whole_points(self) -> list[dict[str, Any]]:
        """The earlier points that have all that the doctor looks at."""
        return [row for row in self.run.history()[0] if all(name in row for name in Measured._fields)]

    def _change_as_asked(self) -> None:
        wanted = self.run.wanted_settings()
        fresh = {name: value for name, value in wanted.items() if self.wanted.get(name) != value}
        self.wanted = wanted
        if fresh:
            self.trainer.change(**self.changes.record(self.trainer.step_count, fresh, "asked"))

    def _plan(self) -> None:
        """Foresee how many steps a training by the clock will get: its learning rate falls to 0 by then."""
        state = self.state
        if not state.seconds_limit or self.changes.replaying or self._seconds() - self.seconds_before < 1:
            return
        planned = state.step + int(state.steps_per_second * max(0.0, state.seconds_limit - state.seconds))
        planned = max(1, min(planned, state.target))
        if abs(planned / self.trainer.config.steps - 1) > PLAN_DRIFT:
            self.trainer.change(**self.changes.record(state.step, {"steps": planned}, "planned"))

    def _keep_metrics(self) -> None:
        """Write down what has been measured meanwhile, with what the doctor makes of it."""
        for row in self.meter.take():
            self.measured.append(row)
            points = [point for point in self.points if point["step"] <= row["step"]]  # as it would look later
            alerts = diagnose(points, list(self.measured), self.trainer.config)
            known = {alert["kind"] for alert in self.alerts}
            self.alerts = [dataclasses.asdict(alert) for alert in alerts]
            for alert in self.alerts:
                if alert["kind"] not in known:
                    self.run.add_event("alert", step=row["step"], alert=alert)
            row["alerts"] = self.alerts
            with open_lines(self.run.folder / "metrics.jsonl") as file:
                append_line(file, row)

    def _finished(self) -> bool:
        limit = self.state.seconds_limit
        return self.trainer.step_count >= self.state.target or (limit > 0 and self._seconds() >= limit)

    def _leave(self, status: str) -> None:
        """Keep everything, then say the last word."""
        if status != "paused":
            self._set("stopping")
        self._save_checkpoint()
        if status == "finished":
            if self.pending:
                self._log_point()
            self._save_snapshot()
            self.meter.measure_now(self.trainer.step_count, self._seconds(), self.trainer.G_ema)
        self._keep_metrics()
        saved.save_live(self.run, self.trainer.step_count, self.trainer.G_ema, self._grid())
        self.run.add_event(status, step=self.trainer.step_count)
        self._set(status, durable=True)

    def _collect(self) -> None:
        """Fetch what the steps measured; a loss that is not a number ends the training before anything keeps it."""
        rows = self.trainer.measurements()
        first = self.trainer.step_count - len(rows) + 1
        for step, row in enumerate(rows, first):
            if not (math.isfinite(row.d_loss) and math.isfinite(row.g_loss)):
                raise _NotFinite(step)
        self.pending += rows

    def _log_point(self) -> None:
        self._collect()
        count = len(self.pending)
        means = (round(sum(column) / count, 6) for column in zip(*self.pending, strict=True))
        point = dict(zip(Measured._fields, means, strict=True))
        self.pending.clear()
        row = {"step": self.trainer.step_count, "seconds": round(self._seconds(), 3), **point}
        append_line(self.history, row)
        self.points.append(row)
        self.report(self._now(), point)

    def _save_checkpoint(self) -> None:
        self._collect()
        os.fsync(self.history.fileno())  # the curves must reach at least as far as the state they belong to
        state = self.trainer.state_dict()
        if not all(value.isfinite().all() for value in state.values() if value.is_floating_point()):
            raise _NotFinite(self.trainer.step_count)  # the loss was still a number, the update was not
        state["measured"] = torch.tensor(self.pending, dtype=torch.float64).reshape(-1, len(Measured._fields))
        saved.save_checkpoint(self.run, self.trainer.step_count, state, self._seconds())

    def _save_snapshot(self) -> None:
        saved.save_snapshot(self.run, self.trainer.step_count, self.trainer.G_ema, self._grid(), self.trainer.D)

    def _grid(self) -> bytes:
        return render.encode(render.grid(generate(self.trainer.G_ema, self.fixed_z, self.fixed_classes)))

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started

    def _now(self) -> State:
        """The state with fresh numbers."""
        now, step = time.monotonic(), self.trainer.step_count
        self.recent.append((now, step))
        while len(self.recent) > 2 and now - self.recent[0][0] > SPEED_WINDOW:
            self.recent.popleft()
        since, from_step = self.recent[0]
        speed = (step - from_step) / (now - since) if now > since else 0.0
        self.state = dataclasses.replace(
            self.state,
            step=step,
            epoch=self.trainer.sampler.epoch,
            seconds=round(self._seconds(), 3),
            steps_per_second=round(speed, 2),
        )
        return self.state

    def _set(self, status: str, *, durable: bool = False, **changes: object) -> None:
        state = self._now() if hasattr(self, "started") else self.state
        self.state = dataclasses.replace(state, status=status, **changes)  # type: ignore[arg-type]
        self.run.write_state(self.state, durable=durable)
        self.report(self.state, None)

    def _fail(self, error: dict[str, Any]) -> None:
        """Say it wherever it can be said. Never raises: what ended the training may well refuse these few bytes, too."""
        state = self._now() if hasattr(self, "started") else self.state
        self.state = dataclasses.replace(state, status="failed", error=error)
        if not self._written():
            with contextlib.suppress(OSError):  # no room: give up what can be made again
                remove(self.run.folder / "live.safetensors")
            if not self._written():  # what the process prints is the last place; the supervisor shows the end of it
                with contextlib.suppress(OSError):
                    print(sentence(error["key"], "en", **error["values"]), error.get("traceback", ""), file=sys.stderr)
        with contextlib.suppress(OSError):
            self.run.add_event("failed", step=self.state.step, error=error["key"])
        with contextlib.suppress(Exception):  # whoever listened may be gone, and be the reason
            self.report(self.state, None)

    def _written(self) -> bool:
        try:
            self.run.write_state(self.state, durable=True)
        except OSError:
            return False
        return True
