"""Steps per second of preset `tutorial`, beside those of the tutorial's own training loop, in one run.

    python -m benchmarks.training [--quick] [--json]

Two comparisons, each in processes of their own that take turns in short stretches, so that whatever else the machine
does falls on both alike:

* one core: both loops are held to the same core and one thread, and their seconds are seconds of processor time, so
  that nothing else on that core counts;
* as shipped, beside one busy process: the tutorial's loop with torch's default threads, ours as the app starts it.
  Seconds are seconds of the clock on the wall.

The ratio of a comparison is the median of the ratios of its turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from gan_core.runner import TRAINER_ENVIRONMENT

TUTORIAL = "the tutorial's loop"
ONE_CORE = {"ours, fp32": 1.3, "ours, bf16": 2.5}  # our side -> the ratio we promise
BUSY = {"ours": 4.0}
PRECISIONS = {"ours, fp32": "fp32", "ours, bf16": "bf16", "ours": "auto"}
WARM_STEPS = 5


# ---- the two sides; each runs in a process of its own and imports torch there


def tutorial_loop() -> Iterator[None]:
    """The tutorial's loop as published: its networks, its data loader, its habits. Yields after every step."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    from gan_core import data
    from gan_core.torchvision_cure import import_torchvision

    torchvision = import_torchvision()
    data.ensure("mnist")

    def generator_block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True))

    def discriminator_block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inputs, outputs), nn.LeakyReLU(0.2, inplace=True))

    torch.manual_seed(0)
    G = nn.Sequential(
        generator_block(64, 128),
        generator_block(128, 256),
        generator_block(256, 512),
        generator_block(512, 1024),
        nn.Linear(1024, 784),
        nn.Sigmoid(),
    )
    D = nn.Sequential(
        discriminator_block(784, 512), discriminator_block(512, 256), discriminator_block(256, 128), nn.Linear(128, 1)
    )
    opt_g, opt_d = torch.optim.Adam(G.parameters(), lr=1e-5), torch.optim.Adam(D.parameters(), lr=1e-5)
    criterion = nn.BCEWithLogitsLoss()
    dataset = torchvision.datasets.MNIST(
        data.cache_dir(), train=True, download=False, transform=torchvision.transforms.ToTensor()
    )
    loader = DataLoader(dataset, batch_size=128, shuffle=True)
    mean_d_loss = mean_g_loss = 0.0
    while True:
        for images, _ in loader:
            reals = images.view(len(images), -1)
            opt_d.zero_grad()
            logits_fake = D(G(torch.randn(len(reals), 64)).detach())
            fake_loss = criterion(logits_fake, torch.zeros_like(logits_fake))
            logits_real = D(reals)
            real_loss = criterion(logits_real, torch.ones_like(logits_real))
            d_loss = (fake_loss + real_loss) / 2
            d_loss.backward(retain_graph=True)
            opt_d.step()
            opt_g.zero_grad()
            logits_fake = D(G(torch.randn(len(reals), 64)))
            g_loss = criterion(logits_fake, torch.ones_like(logits_fake))
            g_loss.backward()
            opt_g.step()
            mean_d_loss += d_loss.item() / 500
            mean_g_loss += g_loss.item() / 500
            yield


def our_loop(precision: str) -> Iterator[None]:
    """A Trainer of preset `tutorial`, its measurements collected as often as a training does. Yields after every step."""
    from gan_core import data
    from gan_core.config import make_config
    from gan_core.loop import resolve
    from gan_core.trainer import Trainer

    config = resolve(make_config("tutorial", {"precision": precision, "device": "cpu"}))
    trainer = Trainer(config, data.load(data.ensure("mnist")).images)
    while True:
        trainer.step()
        if trainer.step_count % config.log_every == 0:
            trainer.measurements()
        yield


def work(side: str, core: int | None) -> None:
    """Be one side: for every number of seconds read from stdin, step for that long and print the steps per second."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    if side != TUTORIAL:
        import gan_core  # noqa: F401  before torch: it settles how patient torch's threads are
    import torch

    if core is not None:
        torch.set_num_threads(1)
    elif side != TUTORIAL:
        from gan_core.trainer import choose_threads

        torch.set_num_threads(choose_threads(0))
    loop = tutorial_loop() if side == TUTORIAL else our_loop(PRECISIONS[side])
    for _ in range(WARM_STEPS):
        next(loop)
    print("ready", flush=True)
    clock = time.perf_counter if core is None else time.process_time
    for line in sys.stdin:
        next(loop)  # the other side's turn has left the caches full of its own
        count, start = 0, clock()
        while count == 0 or clock() - start < float(line):
            next(loop)
            count += 1
        print(count / (clock() - start), flush=True)


# ---- the comparison


class Side:
    """A side's process, waiting for its turn."""

    def __init__(self, name: str, core: int | None) -> None:
        command = [sys.executable, "-m", "benchmarks.training", "--side", name]
        command += [] if core is None else ["--core", str(core)]
        env = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "MKL_"))}
        if name != TUTORIAL:
            env = {**TRAINER_ENVIRONMENT, **env}
        self.name = name
        self.process = subprocess.Popen(
            command, cwd=Path(__file__).parent.parent, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def turn(self, seconds: float) -> float:
        """Steps per second over one stretch."""
        assert self.process.stdin
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return float(self.answer())

    def answer(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name}: the process ended with exit code {self.process.wait()}")
        return line

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def compare(ours: dict[str, float], core: int | None, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Let the tutorial's loop and our sides take turns; per side its median steps/s, ratio and promised ratio."""
    sides: list[Side] = []
    try:
        for name in (TUTORIAL, *ours):
            sides.append(Side(name, core))
            sides[-1].answer()  # one after the other: starting is heavy
        turns = [{side.name: side.turn(seconds) for side in sides} for _ in range(rounds)]
    finally:
        for side in sides:
            side.stop()
    figures = {TUTORIAL: {"steps_per_second": statistics.median(turn[TUTORIAL] for turn in turns)}}
    for name, target in ours.items():
        figures[name] = {
            "steps_per_second": statistics.median(turn[name] for turn in turns),
            "ratio": statistics.median(turn[name] / turn[TUTORIAL] for turn in turns),
            "target": target,
        }
    return figures


def main() -> int:
    """Exit code 0 if every ratio reaches its target, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke test: two short turns each")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        work(args.side, args.core)
        return 0
    rounds, seconds = (2, 0.3) if args.quick else (20, 0.6)
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    figures = {"one core": compare(ONE_CORE, core, rounds, seconds)}
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        figures["as shipped, beside one busy process"] = compare(BUSY, None, rounds, seconds)
    finally:
        neighbour.kill()
        neighbour.wait()
    if args.json:
        print(json.dumps({"machine": machine.facts(), "figures": figures}, indent=1))
    else:
        print(machine.describe())
        for title, sides in figures.items():
            print(f"\n{title}")
            for name, figure in sides.items():
                ratio = f"  {figure['ratio']:5.2f} x  (target {figure['target']})" if "ratio" in figure else ""
                print(f"  {name:<20} {figure['steps_per_second']:6.1f} steps/s{ratio}")
    measured = [figure for sides in figures.values() for figure in sides.values() if "ratio" in figure]
    return 0 if all(figure["ratio"] >= figure["target"] for figure in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
