"""What a run folder keeps, so that it stays within the bound that its setting `disk_mb` names.

Snapshots and checkpoints are thinned alike: of those that the bound has no room for, the one goes whose two neighbours
lie closest in log(step), because most happens early. The first and the last snapshot and the last two checkpoints always
stay.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from gan_core.files import remove
from gan_core.runs import Run, snapshot_steps, step_in, step_of

SNAPSHOTS_AT_MOST = 200
LAST_CHECKPOINTS = 2
CHECKPOINTS_ON_THE_WAY = 6  # a branch from one of them is exact
CHECKPOINTS_SHARE = 0.5  # of the bound, for all checkpoints together
# Shares of the first `snapshot_every` steps at which there are snapshots, too, as evenly spread over log(step) as those that
# stay: most happens there. Not where snapshots are close anyway.
EARLY = (0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)
EARLY_FROM = 100


def snapshot_due(step: int, every: int) -> bool:
    """Whether a training keeps a snapshot at that step: every so many, and in the first stretch some more."""
    return step % every == 0 or (every >= EARLY_FROM and step in {round(share * every) for share in EARLY})


def bound(run: Run) -> int:
    """The bytes that the run folder may take. Raises UserError if its settings cannot be read."""
    return run.config().disk_mb * 1_000_000


def checkpoint_steps(run: Run) -> list[int]:
    """The steps that have a checkpoint, ascending."""
    found = (step_in(path.stem.removeprefix("checkpoint-")) for path in run.folder.glob("checkpoint-*.json"))
    return sorted(step for step in found if step is not None)


def checkpoint_paths(run: Run, step: int) -> tuple[Path, Path]:
    """The files of a checkpoint: its tensors, and the facts that make it count."""
    stem = f"checkpoint-{step:06d}"
    return run.folder / f"{stem}.safetensors", run.folder / f"{stem}.json"


def forget_checkpoint(run: Run, step: int) -> None:
    """Remove one checkpoint."""
    _remove(reversed(checkpoint_paths(run, step)))


def thin(run: Run, limit: int) -> None:
    """Delete checkpoints and snapshots until the folder is within `limit` bytes, as far as that goes."""
    _thin_checkpoints(run, CHECKPOINTS_SHARE * limit)
    _thin_snapshots(run, limit)


def _thin_checkpoints(run: Run, limit: float) -> None:
    steps = checkpoint_steps(run)
    sizes = {step: sum(map(_bytes, checkpoint_paths(run, step))) for step in steps}
    on_the_way = steps[:-LAST_CHECKPOINTS]
    while on_the_way and (len(on_the_way) > CHECKPOINTS_ON_THE_WAY or sum(sizes.values()) > limit):
        gone = least_missed([0, *on_the_way, steps[-LAST_CHECKPOINTS]])
        on_the_way.remove(gone)
        del sizes[gone]
        forget_checkpoint(run, gone)


def _thin_snapshots(run: Run, limit: int) -> None:
    steps = snapshot_steps(run)
    sizes: Counter[int] = Counter()
    for path in run.folder.glob("snapshots/*"):
        if (step := step_of(path)) is not None:
            sizes[step] += _bytes(path)
    room = limit - (folder_bytes(run.folder) - sizes.total())
    while len(steps) > 2 and (len(steps) > SNAPSHOTS_AT_MOST or sizes.total() > room):
        gone = least_missed(steps)
        steps.remove(gone)
        del sizes[gone]
        _remove(_snapshot_files(run, gone))


def least_missed(steps: list[int], spared: int | None = None) -> int:
    """Of ascending steps, the one between the ends whose neighbours lie closest in log(step), but never `spared`.

    There must be at least three steps, or four if one is spared.
    """
    first_gap = max(1, steps[1])  # step 0 has no logarithm
    gaps = {
        step: math.log((after + first_gap) / (before + first_gap))
        for before, step, after in zip(steps[:-2], steps[1:-1], steps[2:], strict=True)
        if step != spared
    }
    return min(gaps, key=lambda step: gaps[step])


def _remove(paths: Iterable[Path]) -> None:
    """One after the other, until there is one that somebody reads for long: on Windows it goes the next time."""
    with contextlib.suppress(PermissionError):
        for path in paths:
            remove(path)


def _snapshot_files(run: Run, step: int) -> list[Path]:
    """The generator first: without it the snapshot no longer counts."""
    stem = run.folder / "snapshots" / f"{step:06d}"
    return [stem.with_suffix(suffix) for suffix in (".safetensors", ".D.safetensors", ".webp")]


def prune(run: Run) -> int:
    """Remove what a crash left behind and all beyond the bound; returns the bytes freed. For the lock's holder.

    Raises OSError where nothing can be deleted at all.
    """
    before = folder_bytes(run.folder)
    complete = {f"checkpoint-{step:06d}" for step in checkpoint_steps(run)}
    for path in run.folder.rglob("*"):
        orphan = path.name.startswith("checkpoint-") and path.stem not in complete
        wish = path.name.startswith(".control.json.")  # the app may be writing it right now
        if orphan or (path.name.startswith(".") and path.name.endswith(".tmp") and not wish):
            _remove([path])
    thin(run, bound(run))
    return before - folder_bytes(run.folder)


def folder_bytes(folder: Path) -> int:
    """The bytes of all files in a folder, while others may be at work there."""
    return sum(_bytes(Path(entry, name)) for entry, _, names in os.walk(folder) for name in names)


def _bytes(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError, PermissionError):  # on Windows, one that is being deleted
        return path.stat().st_size
    return 0
