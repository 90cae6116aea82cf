"""The pictures of a frozen replay: the grids of a run's snapshots, and maps of what its last generator draws."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gan_core import judge, metrics, render
from gan_core.config import Config
from gan_core.directions import find_directions
from gan_core.kept import least_missed
from gan_core.latent import classes_for, generate, sample_z
from gan_core.networks import CLASSES
from gan_core.runs import Run, snapshot_path
from gan_core.saved import load_generator
from gan_core.sentences import UserError

FRAMES_AT_MOST = 120
PICTURE_BYTES = 100_000  # a grid of 5 x 5 pure noise takes a quarter of it
MAP_SIDE = 24
MAP_REACH = 3.0  # either way along a direction: draws of z hardly ever lie further out, and G has seen little of it
MAP_SEEDS = 6


@dataclass(frozen=True)
class LatentMap:
    """`MAP_SIDE` x `MAP_SIDE` fakes around the z of a seed, as one PNG, row by row without gaps.

    `digit` is what a conditional G was told to draw, `reads` what the judge takes each of them for ("" without a judge).
    """

    seed: int
    digit: int | None
    png: bytes
    reads: str


def grid_at(run: Run, step: int) -> bytes | None:
    """The grid of the fixed z at a step, a WebP file; None if it was thinned out meanwhile, or is not one of ours."""
    with contextlib.suppress(OSError), (run.folder / "snapshots" / f"{step:06d}.webp").open("rb") as file:
        data = file.read(PICTURE_BYTES + 1)
        return data if 0 < len(data) <= PICTURE_BYTES else None
    return None


def thinned(steps: Sequence[int], count: int, keep: int | None = None) -> list[int]:
    """At most `count` (3 or more) of ascending steps: the first, the last, the one to `keep`, others even in log(step)."""
    kept = list(steps)
    while len(kept) > count:
        kept.remove(least_missed(kept, keep))
    return kept


def latent_maps(run: Run, done: Callable[[float], None]) -> tuple[int, list[LatentMap]]:
    """The step of the newest generator, and its maps: one for each digit if it is conditional, else for a few seeds.

    They lie along the first two directions of z; psi is 1. There are none where G gives NaN. `done` is told the share.
    Raises UserError if there is no generator to draw with.
    """
    config = run.config()
    G, step = load_generator(snapshot_path(run, None), config)
    if not all(value.isfinite().all() for value in G.state_dict().values()):
        return step, []
    across, down = _plane(G, config.z_dim)
    choices = (
        [(0, digit) for digit in range(CLASSES)] if config.conditional else [(seed, None) for seed in range(MAP_SEEDS)]
    )
    maps = []
    for place, (seed, digit) in enumerate(choices):
        fakes = generate(G, _square(seed, across, down), classes_for(config, MAP_SIDE**2, digit))
        if not fakes.isfinite().all():
            return step, []
        maps.append(LatentMap(seed, digit, render.encode(_mosaic(fakes), "png"), _read(fakes, config)))
        done((place + 1) / len(choices))
    return step, maps


def _plane(G: nn.Module, z_dim: int) -> tuple[Tensor, Tensor]:
    found = find_directions(G, z_dim, 2)
    return found[0], found[1] if len(found) > 1 else torch.zeros(z_dim)


def _square(seed: int, across: Tensor, down: Tensor) -> Tensor:
    """z (MAP_SIDE ** 2, z_dim): the seed's draw, but for its values along the two directions, which cover the map."""
    z = sample_z(seed, 1, len(across))[0]
    for direction in (across, down):
        z = z - (z @ direction) * direction
    offsets = torch.linspace(-MAP_REACH, MAP_REACH, MAP_SIDE)
    return torch.stack([z + x * across + y * down for y in offsets for x in offsets])


def _mosaic(fakes: Tensor) -> Tensor:
    tiles = render.to_uint8(fakes)[:, 0].unflatten(0, (MAP_SIDE, MAP_SIDE))
    mosaic: Tensor = tiles.permute(0, 2, 1, 3).flatten(0, 1).flatten(1)
    return mosaic


def _read(fakes: Tensor, config: Config) -> str:
    if not metrics.available(config.dataset):
        return ""
    try:
        return "".join(map(str, judge.classify(judge.features(fakes)).tolist()))
    except UserError:  # a judge that is missing costs the map its readings, not the replay its map
        return ""
