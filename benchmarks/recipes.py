"""Quality against seconds: trains recipes for the same processor time, with several seeds, and prints a table.

    python -m benchmarks.recipes [NAME ...] [--seconds S | --steps N] [--precision P] [--seeds N] [--runs DIR] [--json]

A recipe is a preset, or one of the candidates below that a preset was chosen from; by default all are trained. Each training
is a real run folder on one thread, in seconds of processor time (see `trainings`). While it trains, the app's own
measurements count (1,000 fakes); at its end 10,000 fakes of its last snapshot are measured. Figures are medians over the
seeds, with the smallest and the largest. digit-FID is `gan_core.metrics`' own and not comparable with Inception FID; the
first line of the table says what real test digits score.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine
from benchmarks.trainings import trained
from gan_core import metrics, saved
from gan_core.latent import draw, sample_z
from gan_core.presets import PRESETS
from gan_core.runs import Run, snapshot_path, snapshot_steps

FAKES = 10_000
SEED = 123  # of the z measured with at the end
ON_THE_WAY = {"a quarter": 0.25, "a half": 0.5}  # of the steps

# name -> the preset it differs from, and how
_BEFORE = {"width": 16, "lr_g": 6e-3, "lr_d": 2e-3, "r1_gamma": 0.3, "r2_gamma": 0.3, "ema_decay": 0.998}
CANDIDATES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "minute before": ("minute", _BEFORE),
    "equal rates": ("minute", {**_BEFORE, "lr_g": 2e-3}),
    "relativistic": ("minute", {"objective": "relativistic"}),
    "no penalties": ("minute", {"r1_gamma": 0, "r2_gamma": 0}),
    "R1 = R2 = 1": ("minute", {"r1_gamma": 1, "r2_gamma": 1}),
    "batch 16": ("minute", {"batch_size": 16}),
    "batch 64": ("minute", {"batch_size": 64}),
    "constant rates": ("minute", {"lr_schedule": "constant"}),
    "no EMA": ("minute", {"ema_decay": 0}),
}


def recipes() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """All presets that are not there to fail, then the candidates."""
    return {name: (name, {}) for name, preset in PRESETS.items() if not preset.cure} | CANDIDATES


def measure(run: Run) -> dict[str, Any]:
    """The app's digit-FIDs nearest to ON_THE_WAY, and at the end: the metrics of 10,000 fakes, the steps, the seconds, and the
    largest deviation of a digit's share from the reals', in points."""
    config, reference = run.config(), metrics.load_reference()
    G, _ = saved.load_generator(snapshot_path(run, snapshot_steps(run)[-1]), config)
    found = metrics.evaluate(draw(G, config, sample_z(SEED, FAKES, config.z_dim)), reference)
    shares = zip(found.histogram, reference.histogram, strict=True)
    rows, state = run.metrics()[0], run.state()
    nearest = [min(rows, key=lambda row: abs(row["step"] - share * state.step)) for share in ON_THE_WAY.values()]
    return {
        **found.to_json(),
        "on_the_way": [row["digit_fid"] for row in nearest],
        "steps": state.step,
        "seconds": state.seconds,
        "histogram_off": 100 * max(abs(share - real) for share, real in shares),
    }


def table(results: Mapping[str, list[dict[str, Any]]]) -> str:
    """A Markdown table from name -> seed -> what was measured."""
    marks = [f"digit-FID at {mark}" for mark in (*ON_THE_WAY, "the end")]
    lines = [
        f"| recipe | steps | seconds | {' | '.join(marks)} | precision | recall | histogram off (points) |",
        "| --- " * (6 + len(marks)) + "|",
    ]
    floor = metrics.load_reference().floor(FAKES)
    lines.append(f"| real test digits | | | | | {floor.digit_fid:.2f} | {floor.precision:.2f} | {floor.recall:.2f} | |")
    for name, seeds in results.items():
        cells = [f"{statistics.median(found[key] for found in seeds):.0f}" for key in ("steps", "seconds")]
        cells += [_spread([found["on_the_way"][index] for found in seeds]) for index in range(len(ON_THE_WAY))]
        cells.append(f"**{_spread([found['digit_fid'] for found in seeds])}**")
        cells += [f"{statistics.median(found[key] for found in seeds):.2f}" for key in ("precision", "recall")]
        cells.append(f"{max(found['histogram_off'] for found in seeds):.1f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    middle = f"{statistics.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    known = recipes()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)}")
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time of each training (60)")
    parser.add_argument("--steps", type=int, help="how many steps each takes, instead: the same on any machine")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each recipe (5)")
    parser.add_argument("--runs", type=Path, help="keep the run folders here, and reuse those that are there")
    parser.add_argument("--json", action="store_true", help="print everything that was measured")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(known):
        parser.error(f"unknown: {', '.join(unknown)}")
    torch.set_num_threads(1)
    results: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name in asked.names or known:
            preset, changes = known[name]
            for seed in range(asked.seeds):
                folder = (
                    asked.runs or Path(temporary)
                ) / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{asked.precision}-s{seed}"
                wanted = {**changes, "seed": seed, "precision": asked.precision}
                found = measure(trained(folder, preset, wanted, asked.seconds, asked.steps))
                results.setdefault(name, []).append(found)
                print(f"{name}, seed {seed}: {found['digit_fid']:.2f}", file=sys.stderr, flush=True)
    print(json.dumps(results) if asked.json else f"{machine.describe()}\n\n{table(results)}")


if __name__ == "__main__":
    main()
