"""Quality against seconds: trains recipes for the same processor time, with several seeds, and prints a table.

    python -m benchmarks.recipes [--seconds S] [--seeds N] [--only NAME ...] [--json]

A recipe is a preset, or one of the candidates below that a preset was chosen from. Each trains alone, on one thread and in
one process, and its seconds are seconds of processor time: what else the machine does meanwhile then costs it nothing. At a
quarter, a half and the end of the time, 10,000 fakes of G_ema are measured, outside the time. Figures are medians over the
seeds, with the smallest and the largest. digit-FID is `gan_core.metrics`' own and not comparable with Inception FID; the
first line of the table says what real test digits score. Hold the process to one core (`taskset -c 1 ...`) where others
are busy.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import torch

from benchmarks import machine
from gan_core import data, metrics
from gan_core.config import Config, make_config
from gan_core.latent import draw, sample_z
from gan_core.presets import PRESETS
from gan_core.trainer import Trainer, choose_precision

FAKES = 10_000
SEED = 123  # of the z measured with
MARKS = (0.25, 0.5, 1.0)  # shares of the time
PLAN_EVERY = 0.5  # seconds between looks at how many steps the time will allow

# name -> the preset it differs from, and how
CANDIDATES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "minute, relativistic": ("minute", {"objective": "relativistic"}),
    "minute, batch 16": ("minute", {"batch_size": 16}),
    "minute, batch 64": ("minute", {"batch_size": 64}),
    "minute, R1 = R2 = 1": ("minute", {"r1_gamma": 1, "r2_gamma": 1}),
    "minute, constant lr": ("minute", {"lr_schedule": "constant"}),
    "minute, no EMA": ("minute", {"ema_decay": 0}),
}


def recipes() -> dict[str, Config]:
    """All presets that are not there to fail, then the candidates."""
    working = {name: make_config(name) for name, preset in PRESETS.items() if not preset.cure}
    return working | {name: make_config(base, changes) for name, (base, changes) in CANDIDATES.items()}


def train(config: Config, seconds: float) -> list[dict[str, Any]]:
    """Train for so many seconds of processor time; what was measured at each of MARKS, with the step and the second."""
    dataset = data.load(config.dataset)
    trainer = Trainer(config, dataset.images, dataset.labels)
    found: list[dict[str, Any]] = []
    began, plan_due = time.process_time(), PLAN_EVERY
    while len(found) < len(MARKS):
        trainer.step()
        used = time.process_time() - began
        if used >= plan_due:
            plan_due = used + PLAN_EVERY
            trainer.change(steps=max(trainer.step_count, round(trainer.step_count * seconds / used)))
            trainer.measurements()
        if used >= MARKS[len(found)] * seconds:
            found.append({"step": trainer.step_count, "seconds": round(used, 1), **measure(trainer, config)})
            began = time.process_time() - used
    return found


def measure(trainer: Trainer, config: Config) -> dict[str, Any]:
    """The metrics of 10,000 fakes of G_ema, and the largest deviation of a digit's share from the reals', in points."""
    fakes = draw(trainer.G_ema, config, sample_z(SEED, FAKES, config.z_dim))
    reference = metrics.load_reference()
    found = metrics.evaluate(fakes, reference).to_json()
    shares = zip(found["histogram"], reference.histogram, strict=True)
    return {**found, "histogram_off": 100 * max(abs(share - real) for share, real in shares)}


def table(results: Mapping[str, list[list[dict[str, Any]]]], seconds: float) -> str:
    """A Markdown table from name -> seed -> mark -> what was measured."""
    marks = [f"{share * seconds:g} s" for share in MARKS]
    lines = [
        f"| recipe | steps | {' | '.join(f'digit-FID at {mark}' for mark in marks)} | precision | recall | histogram off |",
        "| --- " * (6 + len(marks) - 1) + "|",
    ]
    floor = metrics.load_reference().floor(FAKES)
    blank = " | " * (len(marks) - 1)
    lines.append(
        f"| real test digits | | {blank}{floor.digit_fid:.2f} | {floor.precision:.2f} | {floor.recall:.2f} | |"
    )
    for name, seeds in results.items():
        ends = [marks_of[-1] for marks_of in seeds]
        cells = [f"{statistics.median(end['step'] for end in ends):.0f}"]
        cells += [_spread([marks_of[index]["digit_fid"] for marks_of in seeds]) for index in range(len(MARKS))]
        cells += [f"{statistics.median(end[key] for end in ends):.2f}" for key in ("precision", "recall")]
        cells.append(_spread([end["histogram_off"] for end in ends]))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    middle = f"{statistics.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    known = recipes()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time of each training (60)")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each recipe (5)")
    parser.add_argument("--only", nargs="+", choices=list(known), metavar="NAME", help=f"of: {', '.join(known)}")
    parser.add_argument("--json", action="store_true", help="print everything that was measured")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, list[list[dict[str, Any]]]] = {}
    for name in asked.only or known:
        for seed in range(asked.seeds):
            precision = choose_precision("auto", "cpu")
            config = dataclasses.replace(known[name], seed=seed, device="cpu", precision=precision, threads=1)
            found = train(config, asked.seconds)
            results.setdefault(name, []).append(found)
            print(f"{name}, seed {seed}: {found[-1]['digit_fid']:.2f}", file=sys.stderr, flush=True)
    print(json.dumps(results) if asked.json else f"{machine.describe()}\n\n{table(results, asked.seconds)}")


if __name__ == "__main__":
    main()
