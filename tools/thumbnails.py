"""Makes the pictures on the preset cards from runs of the presets.

    python -m tools.thumbnails RUNS_DIR

Every preset gets a small grid of fakes: the last snapshot of its newest finished or failed run in RUNS_DIR, if that is
newer than the picture there is. Branches and runs with other settings than the preset's say nothing about it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from gan_core import render, saved
from gan_core.config import Config, preset_config
from gan_core.fields import FIELDS
from gan_core.files import write_atomic
from gan_core.latent import classes_for, generate, sample_z
from gan_core.presets import PRESETS
from gan_core.runs import Run, list_runs, snapshot_path, snapshot_steps

TARGET = Path(__file__).parent.parent / "gan_ui" / "assets" / "presets"
COLUMNS, ROWS = 4, 2
LARGEST = 4096  # bytes
FREE = ("seed", "precision", "device", "threads", "log_every", "snapshot_every", "checkpoint_every")


def thumbnail(run: Run) -> bytes:
    """The first 8 of the run's fixed z as its last snapshot draws them: a WebP of at most 4 kB, every pixel doubled."""
    config = run.config()
    G, _ = saved.load_generator(snapshot_path(run, snapshot_steps(run)[-1]), config)
    count = COLUMNS * ROWS
    fakes = generate(G, sample_z(config.seed, count, config.z_dim), classes_for(config, count))
    # a training that blew up may leave NaN: black
    return _encode(render.grid(fakes.nan_to_num(), COLUMNS))


def _encode(picture: Tensor) -> bytes:
    """Lossless, doubled, where that fits, as it does for digits; noise stays small and has to lose some of itself."""
    small = Image.fromarray(picture.numpy())
    doubled = small.resize((2 * small.width, 2 * small.height), Image.Resampling.NEAREST)
    tries: list[tuple[Image.Image, dict[str, Any]]] = [(doubled, {"lossless": True})]
    tries += [(small, {"quality": quality}) for quality in (80, 40, 5)]
    for image, options in tries:
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", method=6, **options)
        if buffer.tell() <= LARGEST:
            break
    return buffer.getvalue()


def make_all(runs_dir: Path, target: Path = TARGET) -> list[str]:
    """Write the pictures that are due; returns a line about each run that was looked at."""
    said = []
    for run in sorted(list_runs(runs_dir), key=lambda run: run.state().heartbeat, reverse=True):
        config, state = run.config(), run.state()
        path = target / f"{config.preset}.webp"
        if reason := _unfit(run, config):
            said.append(f"{run.id}: {reason}")
        elif path.exists() and path.stat().st_mtime >= state.heartbeat:
            said.append(f"{run.id}: {config.preset} has a newer picture")
        else:
            target.mkdir(parents=True, exist_ok=True)
            data = thumbnail(run)
            write_atomic(path, data)
            said.append(f"{run.id}: wrote {path.name}, {len(data)} bytes")
    return said


def _unfit(run: Run, config: Config) -> str:
    """Why this run shows nothing of its preset; empty if it does."""
    if config.preset not in PRESETS:
        return f"{config.preset} is no preset"
    if run.state().status not in ("finished", "failed"):
        return run.state().status
    if run.document().get("parent"):
        return "a branch"
    if not snapshot_steps(run):
        return "has no snapshot"
    asked = preset_config(config.preset)
    names = (field.name for field in FIELDS if field.name not in FREE)
    other = [name for name in names if getattr(config, name) != getattr(asked, name)]
    return "another " + ", ".join(other) if other else ""


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("\n".join(make_all(Path(sys.argv[1]))))
