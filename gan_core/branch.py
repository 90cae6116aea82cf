"""Branches: a new run that goes on from another run's checkpoint with other settings. The parent is only read."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_core import runs, saved
from gan_core.changes import Changes
from gan_core.config import Config, check_field, check_together
from gan_core.fields import FIELD
from gan_core.files import write_atomic
from gan_core.runs import Run
from gan_core.sentences import UserError

# Another value of one of these would need another state: other networks, other data, other random numbers.
FIXED = (
    *("preset", "dataset", "seed", "network", "width", "z_dim", "spectral_norm"),
    *("batch_size", "precision", "device", "threads"),
)


def make_branch(parent: Run, folder: Path, settings: Mapping[str, Any], step: int | None = None) -> Run:
    """Make `folder` a run, queued, that goes on from the parent's newest good checkpoint at or before `step`.

    It trains for as long again as the parent was asked to; without any checkpoint it begins anew. Raises UserError for
    settings that cannot be changed or used; then nothing has been made.
    """
    for name in settings:
        if name not in FIELD or name in FIXED:
            choices = ", ".join(name for name in FIELD if name not in FIXED)
            raise UserError("not_branchable", field=name, name=name, choices=choices)
    changed = {name: check_field(name, value) for name, value in settings.items()}
    checkpoint, _ = saved.load_checkpoint(parent, step)
    begins_at = checkpoint.step if checkpoint else 0
    asked = parent.config()
    config = dataclasses.replace(Changes(parent).until(begins_at, asked), steps=asked.steps, seconds=asked.seconds)
    config = _for_as_long_again(
        check_together(dataclasses.replace(config, **changed)), begins_at, checkpoint.seconds if checkpoint else 0
    )
    document = parent.document()
    # made under a name that is not a run's, so that nobody ever sees half of it
    making = folder.with_name(f".{folder.name}")
    origin = {"run": parent.id, "step": begins_at}
    run = runs.create_run(making, config, document["dataset_sha256"], document["dataset_size"], origin)
    try:
        if checkpoint:
            _copy_past(parent, run, begins_at)
            saved.save_checkpoint(run, begins_at, checkpoint.state, checkpoint.seconds)
        os.rename(making, folder)
    except OSError as error:
        shutil.rmtree(making, ignore_errors=True)
        raise UserError("cannot_write", path=folder, reason=error.strerror) from None
    return Run(folder)


def _for_as_long_again(config: Config, step: int, seconds: float) -> Config:
    steps = min(config.steps + step, int(FIELD["steps"].maximum or 0))
    return dataclasses.replace(config, steps=steps, seconds=config.seconds + seconds if config.seconds else 0.0)


def _copy_past(parent: Run, run: Run, step: int) -> None:
    """The parent's curves, measurements and snapshots up to that step."""
    for name in ("history.jsonl", "metrics.jsonl"):
        if (parent.folder / name).exists():
            write_atomic(run.folder / name, (parent.folder / name).read_bytes())
    for path in sorted(parent.folder.glob("snapshots/*")):
        if path.stem.isdigit() and int(path.stem) <= step:
            write_atomic(run.folder / "snapshots" / path.name, path.read_bytes(), durable=False)
    run.rewind(step)
