"""How long a training step takes here, against another checkout of this project, in pairs of one run.

    git worktree add ../before COMMIT
    python -m benchmarks.step ../before [--preset P] [--precision P] [--set NAME=VALUE ...] [--rounds N] [--json]

Each side is a process of its own on one thread. They take turns of a few steps, so that whatever else the machine does falls on
both alike, and their seconds are seconds of processor time. The ratio is the median of the turns' ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import machine

STEPS = 15  # a turn
# run in either checkout, so only what both know: names that moved since would have to be looked up here
SIDE = """
import sys, time
import gan_core
import torch
from gan_core import data
from gan_core.config import make_config
from gan_core.trainer import Trainer
torch.set_num_threads(1)
preset, precision, steps, *changes = sys.argv[1:]
changed = dict(change.split("=", 1) for change in changes)
config = make_config(preset, {"precision": precision, "device": "cpu", "threads": 1, **changed})
dataset = data.load(data.ensure("mnist"))
trainer = Trainer(config, dataset.images, dataset.labels)
while True:
    start = time.process_time()
    for _ in range(int(steps)):
        trainer.step()
    trainer.measurements()
    print((time.process_time() - start) / int(steps), flush=True)
    sys.stdin.readline()
"""


class Side:
    """A checkout's process, waiting for its turn."""

    def __init__(self, checkout: Path, arguments: list[str]) -> None:
        command = [sys.executable, "-c", SIDE, *arguments]
        self.process = subprocess.Popen(command, cwd=checkout, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer()  # the first turn warms up

    def turn(self) -> float:
        """Seconds a step, over one turn."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> float:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a side ended with exit code {self.process.wait()}")
        return float(line)


def compare(before: Path, arguments: list[str], rounds: int) -> dict[str, float]:
    """Milliseconds a step of both checkouts (medians of the turns), and the median of their ratios."""
    sides: list[Side] = []
    try:
        sides.append(Side(before, arguments))
        sides.append(Side(Path(__file__).parent.parent, arguments))
        turns = [[side.turn() for side in sides] for _ in range(rounds)]
    finally:
        for side in sides:
            side.process.kill()
            side.process.wait()
    old, new = (1000 * statistics.median(turn[index] for turn in turns) for index in (0, 1))
    return {"before_ms": old, "now_ms": new, "ratio": statistics.median(now / then for then, now in turns)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="another checkout of this project")
    parser.add_argument("--preset", default="minute")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings other than the preset's")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args()
    found = compare(asked.before, [asked.preset, asked.precision, str(STEPS), *asked.set], asked.rounds)
    if asked.json:
        print(json.dumps({"machine": machine.facts(), "precision": asked.precision, "figures": found}, indent=1))
        return
    print(machine.describe())
    print(
        f"{asked.preset} in {asked.precision}: {found['before_ms']:.1f} ms before, {found['now_ms']:.1f} ms now", end=""
    )
    print(f", {found['ratio']:.3f} of it")


if __name__ == "__main__":
    main()
