"""Makes what ships in checkpoints/pretrained: trains a preset and copies its last generator, a thin timeline and how it was made.

    python -m tools.ship best conditional

Each is trained in checkpoints/runs/ship-PRESET, on one thread, for as many steps as ships (hours on a slow core for all); a folder
that is there already goes on, or is taken as it is. It ships under the name of its preset. The last snapshot is measured
once more with 10,000 fakes; the figures go to the last line of metrics.jsonl.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_core import data, metrics, saved
from gan_core.config import Config, make_config, preset_config, to_json
from gan_core.files import write_atomic, write_json
from gan_core.latent import draw, sample_z
from gan_core.loop import prepare, train_run
from gan_core.runs import PRETRAINED, Run, create_run, default_runs_dir, snapshot_path, snapshot_steps

# what ships is trained for longer than the preset asks for where that is meant for people who wait
SHIPPED: Mapping[str, Mapping[str, Any]] = {
    "best": {  # docs/recipes.md: what brings it below 0.4 is a larger batch
        "batch_size": 128,
        "lr_g": 5e-3,
        "lr_d": 2e-3,
        "r1_gamma": 0.1,
        "r2_gamma": 0.1,
        "ema_decay": 0.9995,
        "steps": 40_000,
        "checkpoint_every": 1000,
        "seed": 1,
    },
    "conditional": {
        "steps": 40_000,
        "seconds": 0,
        "ema_decay": 0.9995,
        "snapshot_every": 2500,
        "checkpoint_every": 5000,
    },
    "tutorial": {},
}
PICTURES = 20
LINES = 200  # of the curves and of the measurements
FAKES = 10_000


def trained(preset: str) -> Run:
    """The run of that preset as it ships, trained now as far as it is not there yet. Raises UserError if it cannot be."""
    run = Run(default_runs_dir() / f"ship-{preset}")
    if not (run.folder / "config.json").exists():
        config, facts = prepare(make_config(preset, {**SHIPPED[preset], "threads": 1, "device": "cpu"}))
        create_run(run.folder, config, facts.sha256, facts.size)
    if run.state().status != "finished":
        train_run(run)
    return run


def ship(source: Run) -> dict[str, Any]:
    """Copy `source`; returns the last generator's measurements."""
    config, step = source.config(), snapshot_steps(source)[-1]
    folder = PRETRAINED / config.preset
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "snapshots").mkdir(parents=True)
    steps = snapshot_steps(source)
    shown = sorted({steps[round(i * (len(steps) - 1) / (PICTURES - 1))] for i in range(PICTURES)})
    for at in shown:
        shutil.copyfile(source.folder / f"snapshots/{at:06d}.webp", folder / f"snapshots/{at:06d}.webp")
    last = f"snapshots/{step:06d}"
    shutil.copyfile(source.folder / f"{last}.safetensors", folder / f"{last}.safetensors")
    for file in ("state.json", "live.webp", "reals.webp"):
        shutil.copyfile(source.folder / file, folder / file)
    G, _ = saved.load_generator(snapshot_path(source, step), config)
    fakes = draw(G, config, sample_z(1, FAKES, config.z_dim))
    found = {"step": step, "seconds": source.state().seconds}
    found |= metrics.evaluate(fakes, metrics.load_reference()).to_json()
    found["diversity_of_reals"] = metrics.pixel_diversity(data.load("mnist").images[:2000])
    rows = [row for row in source.metrics()[0] if row["step"] < step]
    _write_lines(folder / "metrics.jsonl", [*rows[:: max(1, len(rows) // LINES)], found])
    points = source.history()[0]
    _write_lines(folder / "history.jsonl", points[:: max(1, len(points) // LINES)])
    document = source.document()
    document["command"] = command(config)
    document["seconds"] = source.state().seconds
    write_json(folder / "config.json", document)
    return found


def command(config: Config) -> str:
    """What to type for a run with these settings: its preset, and all in which it differs from that."""
    plain = to_json(preset_config(config.preset))
    others = {name: value for name, value in to_json(config).items() if value != plain[name] and name != "seed"}
    changes = [f"{name}={str(value).strip('[]').replace(' ', '')}" for name, value in others.items()]
    typed = f"python -m gan_core train --preset {config.preset} --seed {config.seed}"
    return " ".join([typed, *(["--set", *changes] if changes else [])])


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    write_atomic(path, "".join(json.dumps(row) + "\n" for row in rows).encode())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps({name: ship(trained(name))}, indent=1))
