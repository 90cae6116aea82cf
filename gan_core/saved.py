"""Checkpoints and snapshots: the tensors of a run folder, as safetensors, never pickled.

A checkpoint counts once its .json, written last, names the hash of its .safetensors. Reading one checks the hash and
falls back to the one before.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor, nn

from gan_core.config import Config
from gan_core.files import parse_json, read_bytes, read_json, read_lines, write_atomic, write_json
from gan_core.kept import bound, checkpoint_paths, checkpoint_steps, thin
from gan_core.networks import build_discriminator, build_generator
from gan_core.runs import Run, is_measured, snapshot_path, snapshot_steps
from gan_core.sentences import Language, UserError, sentence

__all__ = [
    "checkpoint_steps",
    "has_discriminator",
    "load_checkpoint",
    "load_discriminator",
    "load_generator",
    "save_checkpoint",
    "save_live",
    "save_snapshot",
    "snapshot_path",
    "snapshot_steps",
    "verify",
]


SECONDS_AT_MOST = 1e10  # of training: three centuries


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint read back: the trainer's state, and the training seconds it took to get there."""

    step: int
    state: dict[str, Tensor]
    seconds: float


def save_checkpoint(run: Run, step: int, state: dict[str, Tensor], seconds: float) -> None:
    """Write a checkpoint and thin the earlier ones. An OSError (disk full) leaves them as they were."""
    data = safetensors.torch.save({key: value.contiguous() for key, value in state.items()})
    tensors, facts = checkpoint_paths(run, step)
    write_atomic(tensors, data)
    write_json(facts, {"step": step, "seconds": seconds, "sha256": hashlib.sha256(data).hexdigest()})
    thin(run, bound(run))


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


def _read_checkpoint(run: Run, step: int) -> Checkpoint:
    tensors, facts_path = checkpoint_paths(run, step)
    facts, data = read_json(facts_path), read_bytes(tensors)
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise ValueError("the hash differs")
    seconds = facts["seconds"]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= SECONDS_AT_MOST:
        raise ValueError("no training takes that long")
    return Checkpoint(step, safetensors.torch.load(data), float(seconds))


def save_snapshot(run: Run, step: int, G: nn.Module, grid: bytes, D: nn.Module | None = None) -> None:
    """Keep a generator for sampling, its picture and the discriminator it met, and thin the run folder to its bound."""
    stem = run.folder / "snapshots" / f"{step:06d}"
    write_atomic(stem.with_suffix(".webp"), grid)
    if D is not None:
        write_atomic(stem.with_suffix(".D.safetensors"), _pack(D, step))
    write_atomic(stem.with_suffix(".safetensors"), _pack(G, step))  # last: the snapshot counts once it is there
    thin(run, bound(run))


def save_live(run: Run, step: int, G: nn.Module, grid: bytes) -> None:
    """Replace the generator and grid that follow the training."""
    write_atomic(run.folder / "live.safetensors", _pack(G, step), durable=False)
    write_atomic(run.folder / "live.webp", grid, durable=False)


def load_generator(path: Path, config: Config) -> tuple[nn.Module, int]:
    """G from a snapshot file, in eval mode, and its step. Raises UserError if the file is damaged or does not fit."""
    return _load(path, build_generator(config))


def has_discriminator(run: Run, step: int) -> bool:
    """Whether D was kept with that snapshot: older runs and the networks that ship have only G."""
    return _discriminator_path(run, step).exists()


def load_discriminator(run: Run, step: int) -> nn.Module:
    """The D that met a snapshot's G, in eval mode. Raises UserError if it was not kept or cannot be read."""
    path = _discriminator_path(run, step)
    if not path.exists():
        raise UserError("no_discriminator", run=run.id, step=step)
    return _load(path, build_discriminator(run.config()))[0]


def _discriminator_path(run: Run, step: int) -> Path:
    return run.folder / "snapshots" / f"{step:06d}.D.safetensors"


def _load(path: Path, net: nn.Module) -> tuple[nn.Module, int]:
    try:
        data = read_bytes(path)
        state = safetensors.torch.load(data)
        step = int(_header(data).get("step", 0))
        net.load_state_dict(
            {key: value.float() if value.is_floating_point() else value for key, value in state.items()}, assign=True
        )
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError):
        raise UserError("snapshot_unreadable", name=path.name) from None
    return net.eval().requires_grad_(False), step


def verify(run: Run, language: Language = "en") -> list[str]:
    """What is wrong with a run folder, in sentences; an empty list when all is well. Raises UserError if it is no run."""
    return [sentence(key, language, **values) for key, values in _problems(run)]


def _problems(run: Run) -> Iterator[tuple[str, dict[str, Any]]]:
    config = run.config()  # a UserError here is the whole answer
    if (run.folder / "state.json").exists():
        error = run.state().error
        if error and error.get("key") == "run_unreadable":
            yield "file_unreadable", {"name": "state.json"}
    else:
        yield "file_missing", {"name": "state.json"}
    for name in ("history.jsonl", "metrics.jsonl"):
        rows = read_lines(run.folder / name)[0]
        steps = [row["step"] for row in rows if is_measured(row)]
        if len(steps) < len(rows):
            yield "lines_odd", {"name": name, "count": len(rows) - len(steps)}
        if name == "history.jsonl" and any(after <= before for before, after in itertools.pairwise(steps)):
            yield "lines_not_ascending", {"name": name}
    for step in checkpoint_steps(run):
        try:
            _read_checkpoint(run, step)
        except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
            yield "checkpoint_damaged", {"step": step}
    for step in snapshot_steps(run):
        try:
            load_generator(run.folder / "snapshots" / f"{step:06d}.safetensors", config)
            if has_discriminator(run, step):
                load_discriminator(run, step)
        except UserError:
            yield "snapshot_damaged", {"step": step}


def _pack(net: nn.Module, step: int) -> bytes:
    # matrices in half precision: half the disk and no visible difference; the small vectors stay as they are
    state = {
        key: (value.half() if value.dim() > 1 else value).cpu().contiguous() for key, value in net.state_dict().items()
    }
    return safetensors.torch.save(state, metadata={"step": str(step)})


def _header(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    metadata = parse_json(data[8 : 8 + length]).get("__metadata__", {})
    return dict(metadata)
