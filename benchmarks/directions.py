"""Which directions of z are the clearest: those of SeFa, of GANSpace, or others? Prints the tables of docs/directions.md.

    python -m benchmarks.directions [RUN ...]           default: the networks that ship

SeFa is `gan_core.directions`. GANSpace (Haerkoenen et al. 2020) is the PCA of what the first layer says after BatchNorm
and ReLU, for random z, and the regression of z on its coordinates. "best" are the twelve directions with the largest
mean square change of the image, from its derivatives at 128 z: no directions can do better at that. "random" are
orthonormal ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import machine
from gan_core import judge
from gan_core.directions import COUNT, find_directions
from gan_core.latent import generate, sample_z
from gan_core.networks import CLASSES
from gan_core.runs import Run, pretrained
from gan_core.saved import load_generator, snapshot_path

Draw = Callable[[Tensor], Tensor]
SAMPLES = 3000  # z of GANSpace
EPSILON = 0.05
FAR = 3.0  # how far a direction is followed either way
MOVED = 4.0  # pixel values of image change at which it is asked whether the digit is still the same


def ganspace(G: nn.Module, draw: Draw, z_dim: int) -> Tensor:
    """The directions of GANSpace, of length 1 but not orthogonal, float32 (12, z_dim)."""
    z, said = sample_z(1, SAMPLES, z_dim), []
    relu = next(module for module in G.modules() if isinstance(module, nn.ReLU))
    handle = relu.register_forward_hook(lambda module, given, out: said.append(out.flatten(1).clone()))
    for part in z.split(1000):
        draw(part)
    handle.remove()
    activations = torch.cat(said)
    activations -= activations.mean(0)
    wide = activations.shape[1] > len(z)
    values, vectors = torch.linalg.eigh(activations @ activations.T if wide else activations.T @ activations)
    vectors = vectors.flip(1)[:, :COUNT]
    coordinates = vectors * values.flip(0)[:COUNT].sqrt() if wide else activations @ vectors
    return F.normalize((coordinates / coordinates.square().sum(0)).T @ z, dim=1)


def derivatives(draw: Draw, z: Tensor) -> Tensor:
    """How the images of z (N, z_dim) change with each of its values: (N, pixels, z_dim)."""
    steps = EPSILON * torch.eye(z.shape[1])
    return torch.stack([(draw(z + step) - draw(z - step)).flatten(1) / (2 * EPSILON) for step in steps], 2)


def row(draw: Draw, directions: Tensor, jacobian: Tensor) -> str:
    """The figures of some directions, as the cells of a line of the table."""
    moved = torch.einsum("npd,kd->knp", jacobian, directions)
    changes = moved.norm(dim=2).mean(1)  # per unit step
    whole = jacobian.square().sum() / len(jacobian)
    basis = torch.linalg.qr(directions.T)[0]  # GANSpace's overlap: what they span together counts once
    captured = torch.einsum("npd,dk->npk", jacobian, basis).square().sum() / len(jacobian) / whole
    swaps = sum(int(changes[j] > changes[i]) for i in range(COUNT) for j in range(i + 1, COUNT))
    z = sample_z(3, 100, directions.shape[1])
    straight, same = [], []
    for direction, change in zip(directions, changes, strict=True):
        frames = torch.stack([draw(z + at * direction) for at in torch.linspace(-FAR, FAR, 13)]).flatten(2)
        way = (frames[1:] - frames[:-1]).norm(dim=2).sum(0)
        straight.append(((frames[-1] - frames[0]).norm(dim=1) / way).mean())
        step = direction * min(FAR, MOVED / float(change))
        digits = [judge.classify(judge.features(draw(z + sign * step))) for sign in (-1, 0, 1)]
        same.append(((digits[0] == digits[1]) & (digits[1] == digits[2])).double().mean())
    overlap = (directions @ directions.T - torch.eye(COUNT)).abs().max()
    return (
        f"{changes.mean():.2f} | {changes[0]:.2f} to {changes[-1]:.2f} | {captured:.1%} | {swaps} | "
        f"{torch.stack(straight).mean():.3f} | {torch.stack(same).mean():.2f} | {overlap:.2f}"
    )


def compare(run: Run) -> None:
    """Print the table of one run."""
    config = run.config()
    G, step = load_generator(snapshot_path(run, None), config)

    def draw(z: Tensor) -> Tensor:
        return generate(G, z, torch.arange(len(z)) % CLASSES if config.conditional else None)

    jacobian = derivatives(draw, sample_z(2, 128, config.z_dim))
    find_directions(G, config.z_dim)  # warm up
    timed: dict[str, Callable[[], Tensor]] = {
        "SeFa": lambda: find_directions(G, config.z_dim),
        "GANSpace": lambda: ganspace(G, draw, config.z_dim),
        "best": lambda: torch.linalg.eigh(torch.einsum("npi,npj->ij", jacobian, jacobian))[1].T.flip(0)[:COUNT],
        "random": lambda: torch.linalg.qr(sample_z(9, config.z_dim, config.z_dim).T)[0].T[:COUNT],
    }
    print(f"\n{run.id} ({config.network}, step {step:,})\n")
    print(
        "| directions | change | first to twelfth | captured | swaps | straight | same digit | overlap | processor time |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, find in timed.items():
        start = time.process_time()
        directions = find()
        seconds = time.process_time() - start
        cost = f"{seconds * 1000:.0f} ms" if name in ("SeFa", "GANSpace") else ""
        print(f"| {name} | {row(draw, directions, jacobian)} | {cost} |", flush=True)


def main() -> None:
    """Compare the directions of each run, then tell of the machine."""
    parser = argparse.ArgumentParser(description="Directions of z, compared.")
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run folders (default: those that ship)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for run in [Run(folder) for folder in arguments.runs] or pretrained():
        compare(run)
    print(f"\n{machine.describe()}")


if __name__ == "__main__":
    main()
