"""Is it copying? The real training digits closest to a fake, and how close that is for digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_core import data
from gan_core.judge import features
from gan_core.metrics import available, squared_distances
from gan_core.render import as_pixels
from gan_core.sentences import UserError

COUNT = 5
SAMPLED = 300  # reals whose own nearest neighbours give the scale: 150 or 1200 of them give the same within 2 %
_CHUNK = 2000  # reals compared at a time: bounds the memory, and stays in the cache
_OF_FEATURES = 0.6  # of the time that the first look takes

Report = Callable[[float], None]


@dataclass(frozen=True)
class Neighbours:
    """The reals nearest to a fake, the nearest first: `images` uint8 (5, 1, 28, 28), `indices` in the data set.

    `distances` are Euclidean; `scale` is the median distance from a real to the nearest
    other real: relative to it, a fake that is as new as any digit is around 1 away, and a copy near 0.
    """

    images: Tensor
    indices: list[int]
    distances: list[float]
    scale: float

    @property
    def relative(self) -> list[float]:
        """The distances in units of `scale`."""
        return [distance / self.scale for distance in self.distances]


@dataclass(frozen=True)
class Copying:
    """The neighbours of a fake in the judge's features (what it shows) and in pixels (dot by dot)."""

    by_features: Neighbours
    by_pixels: Neighbours


def nearest_reals(fake: Tensor, dataset: str, report: Report = lambda share: None) -> Copying:
    """The training digits nearest to a fake (28, 28), float in [0, 1] or uint8.

    Takes 0.05 s of one core; the first time for a data set 5 s more, and 65 MB stay in memory. Meanwhile `report` is told
    of the share that is done; what it raises ends the search. Raises UserError if the data set holds no digits that the judge knows or is not in the cache, and for NaN.
    """
    pixels = as_pixels(fake).view(1, 1, 28, 28)
    if not pixels.isfinite().all():
        raise UserError("metrics_not_finite")
    if not available(dataset):
        raise UserError("neighbours_need_digits", dataset=dataset)
    reals = _reals(dataset, report)
    return Copying(
        _nearest(reals, features(pixels), reals.features, reals.feature_scale),
        _nearest(reals, pixels.flatten(1), reals.images.flatten(1), reals.pixel_scale),
    )


@dataclass(frozen=True)
class _Reals:
    images: Tensor
    features: Tensor
    feature_scale: float
    pixel_scale: float


_last: dict[str, _Reals] = {}  # those of one data set


def _reals(dataset: str, report: Report) -> _Reals:
    if known := _last.get(dataset):
        return known
    images = data.load(dataset).images
    parts = images.split(_CHUNK)
    found = []
    for number, part in enumerate(parts):
        report(_OF_FEATURES * number / len(parts))
        found.append(features(part))
    points = torch.cat(found)
    drawn = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:SAMPLED]
    scales = []
    for share, kind in ((_OF_FEATURES, points), (_OF_FEATURES + 0.1, images.flatten(1))):
        report(share)
        # the closest of all is itself
        scales.append(_closest(as_pixels(kind[drawn]), kind, 2)[0][:, 1].median().item())
    _last.clear()
    _last[dataset] = _Reals(images, points, *scales)
    return _last[dataset]


def _nearest(reals: _Reals, point: Tensor, points: Tensor, scale: float) -> Neighbours:
    distances, indices = _closest(point, points, COUNT)
    return Neighbours(reals.images[indices[0]], indices[0].tolist(), distances[0].tolist(), scale)


def _closest(x: Tensor, points: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances and indices (N, count) of the closest rows of points (M, D), uint8 or float, to each row of x (N, D)."""
    distances = torch.cat([squared_distances(x, as_pixels(part)) for part in points.split(_CHUNK)], 1)
    indices = distances.topk(count, largest=False).indices
    # once more, as a difference: of a copy, the quick way finds 0.01 or so instead of 0
    exact = torch.stack([(one - as_pixels(points[near])).norm(dim=1) for one, near in zip(x, indices, strict=True)])
    order = exact.argsort(1)
    return exact.gather(1, order), indices.gather(1, order)
