"""Branches: a new run that goes on from another run's checkpoint or snapshot with other settings. The parent is only read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from gan_core import runs, saved
from gan_core.changes import Changes
from gan_core.config import Config, check_field, check_together
from gan_core.fields import FIELD, FIXED
from gan_core.files import move, remove_folder, write_atomic
from gan_core.runs import Run, snapshot_path, snapshot_steps, step_of
from gan_core.saved import Checkpoint
from gan_core.sentences import UserError
from gan_core.trainer import Measured, Trainer

Kind = Literal["checkpoint", "snapshot", "start"]


@dataclass(frozen=True)
class Origin:
    """What a branch begins with.

    A `checkpoint` is everything: it goes on as the parent did. A `snapshot` is the weights only: those of G_ema, for G as
    well, and D's; Adam, the order of the images and the random numbers begin anew. A `start` is nothing: step 0.
    """

    step: int
    kind: Kind


def branch_origin(parent: Run, step: int | None = None) -> Origin:
    """What a branch at `step` begins with: the checkpoint or snapshot nearest before it, None for the last checkpoint.

    A checkpoint is taken before a snapshot of the same step, and of the snapshots only those that have kept their D.
    """
    checkpoint, _ = saved.load_checkpoint(parent, step)
    return _origin(parent, step, checkpoint)


def _origin(parent: Run, step: int | None, checkpoint: Checkpoint | None) -> Origin:
    exact = checkpoint.step if checkpoint else 0
    if step is not None:
        usable = [at for at in snapshot_steps(parent) if exact < at <= step and saved.has_discriminator(parent, at)]
        if usable:
            return Origin(usable[-1], "snapshot")
    return Origin(exact, "checkpoint" if checkpoint else "start")


def make_branch(
    parent: Run, folder: Path, settings: Mapping[str, Any], step: int | None = None, visitor: str = ""
) -> Run:
    """Make `folder` a run, queued, that goes on from the parent as `branch_origin` says.

    It trains for as long again as the parent was asked to. Raises UserError for settings that cannot be changed or used,
    and for a snapshot that cannot be read; then nothing has been made.
    """
    for name in settings:
        if name not in FIELD or name in FIXED:
            choices = ", ".join(name for name in FIELD if name not in FIXED)
            raise UserError("not_branchable", field=name, name=name, choices=choices)
    changed = {name: check_field(name, value) for name, value in settings.items()}
    checkpoint, _ = saved.load_checkpoint(parent, step)
    origin = _origin(parent, step, checkpoint)
    asked = parent.config()
    document = parent.document()
    config = dataclasses.replace(Changes(parent).until(origin.step, asked), steps=asked.steps, seconds=asked.seconds)
    if origin.kind == "snapshot":
        checkpoint = _from_snapshot(parent, origin.step, config, int(document["dataset_size"]))
    config = _for_as_long_again(
        check_together(dataclasses.replace(config, **changed)), origin.step, checkpoint.seconds if checkpoint else 0
    )
    # made under a name that is not a run's, so that nobody ever sees half of it
    making = folder.with_name(f".{folder.name}")
    origins = {"run": parent.id, "step": origin.step, "kind": origin.kind}
    run = runs.create_run(making, config, document["dataset_sha256"], document["dataset_size"], origins, visitor)
    try:
        if checkpoint:
            _copy_past(parent, run, origin.step)
            saved.save_checkpoint(run, origin.step, checkpoint.state, checkpoint.seconds)
        move(making, folder)
    except OSError as error:
        remove_folder(making)
        raise UserError("cannot_write", path=folder, reason=error.strerror or error) from None
    return Run(folder)


def _from_snapshot(parent: Run, step: int, config: Config, dataset_size: int) -> Checkpoint:
    """What a training with these weights, and otherwise fresh, would save at that step."""
    G, _ = saved.load_generator(snapshot_path(parent, step), config)
    D = saved.load_discriminator(parent, step)
    # it takes no step, so it needs no images, only how many there are
    labels = torch.zeros(dataset_size, dtype=torch.int64) if config.conditional else None
    trainer = Trainer(config, torch.empty(dataset_size, 0), labels)
    for learner, weights in ((trainer.G, G), (trainer.G_ema, G), (trainer.D, D)):
        learner.load_state_dict(weights.state_dict())
    trainer.step_count = step
    state = {key: value.clone() for key, value in trainer.state_dict().items()}
    state["measured"] = torch.zeros(0, len(Measured._fields), dtype=torch.float64)
    before = [row["seconds"] for row in parent.history()[0] if "seconds" in row and row["step"] <= step]
    return Checkpoint(step, state, before[-1] if before else 0.0)


def _for_as_long_again(config: Config, step: int, seconds: float) -> Config:
    steps = min(config.steps + step, int(FIELD["steps"].maximum or 0))
    return dataclasses.replace(config, steps=steps, seconds=config.seconds + seconds if config.seconds else 0.0)


def _copy_past(parent: Run, run: Run, step: int) -> None:
    """The parent's curves, measurements and snapshots up to that step."""
    for name in ("history.jsonl", "metrics.jsonl"):
        if (parent.folder / name).exists():
            write_atomic(run.folder / name, (parent.folder / name).read_bytes())
    for path in sorted(parent.folder.glob("snapshots/*")):
        if (at := step_of(path)) is not None and at <= step:
            write_atomic(run.folder / "snapshots" / path.name, path.read_bytes(), durable=False)
    run.rewind(step)
