"""Checkpoints and snapshots: the tensors of a run folder, as safetensors, never pickled.

A checkpoint counts once its .json, written last, names the hash of its .safetensors. Reading one checks the hash and
falls back to the one before.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor, nn

from gan_core.config import Config
from gan_core.files import write_atomic, write_json
from gan_core.networks import build_generator
from gan_core.runs import Run, snapshot_path, snapshot_steps
from gan_core.sentences import UserError

__all__ = [
    "checkpoint_steps",
    "forget_checkpoint",
    "load_checkpoint",
    "load_generator",
    "prune",
    "save_checkpoint",
    "save_live",
    "save_snapshot",
    "snapshot_path",
    "snapshot_steps",
    "thin_snapshots",
    "verify",
]

CHECKPOINTS_KEPT = 2
SNAPSHOTS_KEPT = 200
SNAPSHOT_BYTES_KEPT = 150_000_000


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint read back: the trainer's state, and the training seconds it took to get there."""

    step: int
    state: dict[str, Tensor]
    seconds: float


def save_checkpoint(run: Run, step: int, state: dict[str, Tensor], seconds: float) -> None:
    """Write a checkpoint and drop all but the last two. An OSError (disk full) leaves the earlier ones as they were."""
    data = safetensors.torch.save({key: value.contiguous() for key, value in state.items()})
    tensors, facts = _checkpoint_paths(run, step)
    write_atomic(tensors, data)
    write_json(facts, {"step": step, "seconds": seconds, "sha256": hashlib.sha256(data).hexdigest()})
    for old in checkpoint_steps(run)[:-CHECKPOINTS_KEPT]:
        for path in reversed(_checkpoint_paths(run, old)):
            path.unlink(missing_ok=True)


def checkpoint_steps(run: Run) -> list[int]:
    """The steps that have a checkpoint, ascending."""
    found = (path.stem.removeprefix("checkpoint-") for path in run.folder.glob("checkpoint-*.json"))
    return sorted(int(step) for step in found if step.isdigit())


def load_checkpoint(run: Run, at_most: int | None = None) -> tuple[Checkpoint | None, list[int]]:
    """The last good checkpoint (None if there is none), and the steps of damaged ones that had to be passed over.

    With `at_most`, later ones do not count.
    """
    damaged: list[int] = []
    for step in reversed(checkpoint_steps(run)):
        if at_most is not None and step > at_most:
            continue
        try:
            return _read_checkpoint(run, step), damaged
        except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
            damaged.append(step)
    return None, damaged


def forget_checkpoint(run: Run, step: int) -> None:
    """Remove one checkpoint."""
    for path in reversed(_checkpoint_paths(run, step)):
        path.unlink(missing_ok=True)


def _read_checkpoint(run: Run, step: int) -> Checkpoint:
    tensors, facts_path = _checkpoint_paths(run, step)
    facts = json.loads(facts_path.read_text("utf-8"))
    data = tensors.read_bytes()
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise ValueError("the hash differs")
    return Checkpoint(step, safetensors.torch.load(data), float(facts["seconds"]))


def _checkpoint_paths(run: Run, step: int) -> tuple[Path, Path]:
    stem = f"checkpoint-{step:06d}"
    return run.folder / f"{stem}.safetensors", run.folder / f"{stem}.json"


def save_snapshot(run: Run, step: int, G: nn.Module, grid: bytes) -> None:
    """Keep a generator for sampling, with its picture, and thin the snapshots to their bounds."""
    stem = run.folder / "snapshots" / f"{step:06d}"
    write_atomic(stem.with_suffix(".webp"), grid)
    write_atomic(stem.with_suffix(".safetensors"), _pack_generator(G, step))
    thin_snapshots(run)


def save_live(run: Run, step: int, G: nn.Module, grid: bytes) -> None:
    """Replace the generator and grid that follow the training."""
    write_atomic(run.folder / "live.safetensors", _pack_generator(G, step), durable=False)
    write_atomic(run.folder / "live.webp", grid, durable=False)


def load_generator(path: Path, config: Config) -> tuple[nn.Module, int]:
    """G from a snapshot file, in eval mode, and its step. Raises UserError if the file is damaged or does not fit."""
    try:
        data = path.read_bytes()
        state = safetensors.torch.load(data)
        step = int(_header(data).get("step", 0))
        G = build_generator(config)
        G.load_state_dict(
            {key: value.float() if value.is_floating_point() else value for key, value in state.items()}, assign=True
        )
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError):
        raise UserError("snapshot_unreadable", name=path.name) from None
    return G.eval().requires_grad_(False), step


def thin_snapshots(run: Run, count: int = SNAPSHOTS_KEPT, size: int = SNAPSHOT_BYTES_KEPT) -> None:
    """Delete snapshots until they are within both bounds, keeping the first, the last, and even spacing in log(step)."""
    steps = snapshot_steps(run)
    if len(steps) < 3:
        return
    each = (run.folder / "snapshots" / f"{steps[-1]:06d}.safetensors").stat().st_size
    room = max(3, min(count, size // max(each, 1)))
    first_gap = max(1, steps[1])
    while len(steps) > room:
        gaps = [
            math.log((after + first_gap) / (before + first_gap))
            for before, after in zip(steps[:-2], steps[2:], strict=True)
        ]
        gone = steps.pop(1 + gaps.index(min(gaps)))
        for suffix in (".safetensors", ".webp"):
            (run.folder / "snapshots" / f"{gone:06d}{suffix}").unlink(missing_ok=True)


def prune(run: Run) -> int:
    """Remove what a crash left behind and all beyond the bounds; returns the bytes freed. For the lock's holder."""
    before = _size(run.folder)
    complete = {f"checkpoint-{step:06d}" for step in checkpoint_steps(run)}
    for path in run.folder.rglob("*"):
        orphan = path.name.startswith("checkpoint-") and path.stem not in complete
        wish = path.name.startswith(".control.json.")  # the app may be writing it right now
        if orphan or (path.name.startswith(".") and path.name.endswith(".tmp") and not wish):
            path.unlink(missing_ok=True)
    for step in checkpoint_steps(run)[:-CHECKPOINTS_KEPT]:
        forget_checkpoint(run, step)
    thin_snapshots(run)
    return before - _size(run.folder)


def verify(run: Run) -> list[str]:
    """What is wrong with a run folder, in English sentences; an empty list when all is well."""
    problems = []
    config = run.config()  # a UserError here is the whole answer
    if (run.folder / "state.json").exists():
        error = run.state().error
        if error and error.get("key") == "run_unreadable":
            problems.append("state.json cannot be read.")
    else:
        problems.append("state.json is missing.")
    steps = [row.get("step", 0) for row in run.history()[0]]
    if any(after <= before for before, after in zip(steps, steps[1:], strict=False)):
        problems.append("history.jsonl does not ascend.")
    for step in checkpoint_steps(run):
        try:
            _read_checkpoint(run, step)
        except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
            problems.append(f"Checkpoint {step} is damaged.")
    for step in snapshot_steps(run):
        try:
            load_generator(run.folder / "snapshots" / f"{step:06d}.safetensors", config)
        except UserError:
            problems.append(f"Snapshot {step} is damaged.")
    return problems


def _pack_generator(G: nn.Module, step: int) -> bytes:
    # matrices in half precision: half the disk and no visible difference; the small vectors stay as they are
    state = {
        key: (value.half() if value.dim() > 1 else value).cpu().contiguous() for key, value in G.state_dict().items()
    }
    return safetensors.torch.save(state, metadata={"step": str(step)})


def _header(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    return dict(metadata)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
