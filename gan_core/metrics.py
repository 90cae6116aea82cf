"""How good and how varied the fakes are, measured against real digits in the features of the judge (`judge.py`).

The distances are those of the literature with the judge in place of Inception: a digit-FID compares with another
digit-FID of the same number of fakes, and with nothing else. Each has a floor that is not zero: what real test digits
score, when they are measured as if they were the fakes. The floor ships with the reference.

Nothing here draws random numbers or changes a setting of torch, so another thread may train meanwhile.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gan_core.judge import ASSETS, classify, features
from gan_core.render import as_pixels
from gan_core.sentences import UserError

DIGITS = ("mnist", "qmnist")  # QMNIST's training digits are MNIST's, remade
NEIGHBOURS = 3  # k of precision and recall
FEWEST = 10  # fakes to measure
PAIRWISE = 2000  # metrics of pairs look at the first so many fakes: their cost grows with the square
# What 99.9 % of the test digits keep to (each bound by itself; 99.8 % to all); noise, blots, nets of dots and empty pictures do
# not, though the judge, which has to call everything a digit, is sure of most of them (a black square is a 1, a net of dots an 8).
FARTHEST = 6.2  # distance of features to the nearest of `Reference.features`; noise 7.0 to 8.0
INK = (0.02, 0.4)  # mean pixel
CONTRAST_LEAST = 0.55  # brightness of the ink itself: grey blots have less
ROUGHNESS_MOST = 0.34  # share of the picture that a 3 x 3 mean takes away; nets of dots 0.4 to 0.7
_CHUNK = 1000  # training digits compared at a time: distances that stay in the cache are several times as quick


@dataclass(frozen=True)
class Metrics:
    """What `count` fakes score. A floor holds the same numbers for real test digits.

    digit_fid     Frechet distance of Gaussians fitted to features: 0 or more, lower is better; biased upwards by few fakes
    kid           MMD^2 with a cubic kernel: close to 0 for real digits, lower is better; not biased by the count
    precision     share of fakes that lie among real digits: are they good?
    recall        share of real digits that lie among fakes: are they varied?
    histogram     share of fakes that are each of the digits 0 to 9, by the judge; what `is_digit` denies counts for none
    diversity     root mean square distance between two fakes, in pixel values of [0, 1] (see `Reference.diversity`)
    nearest_real  median distance from a fake to the training digit nearest to it, relative to the same of real test
                  digits: near 1 is normal, near 0 memorised, far above 1 unlike any digit
    """

    count: int
    digit_fid: float
    kid: float
    precision: float
    recall: float
    histogram: list[float]
    diversity: float
    nearest_real: float

    def to_json(self) -> dict[str, Any]:
        """The metrics as a dictionary for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Reference:
    """What the fakes are compared with: statistics of the 60,000 training digits of MNIST.

    `mean` (64,) and `covariance` (64, 64) float64 of all features, `features` (2000, 64) of some digits,
    `histogram` and `diversity` as in `Metrics`. For `nearest_real`: `axes` (64, K) onto which features are projected,
    `neighbours` (60000, K) all training digits there, and `nearest` the median distance from a test digit to them.
    `floors` holds a `Metrics` for each number of fakes measured.
    """

    mean: Tensor
    covariance: Tensor
    features: Tensor
    histogram: list[float]
    diversity: float
    axes: Tensor
    neighbours: Tensor
    nearest: float
    floors: dict[int, Metrics]

    def floor(self, count: int) -> Metrics:
        """The floor measured with the number of digits closest to `count`."""
        return self.floors[min(self.floors, key=lambda measured: abs(measured - count))]


def available(dataset: str) -> bool:
    """Whether `evaluate` means anything for this data set; `pixel_diversity` means something for all."""
    return dataset in DIGITS


@lru_cache(maxsize=1)
def load_reference() -> Reference:
    """The reference that ships. Raises UserError if it is missing or damaged."""
    try:
        with safe_open(ASSETS / "reference.safetensors", "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            notes = json.loads(file.metadata()["reference"])
    except (OSError, SafetensorError) as error:
        raise UserError("judge_damaged", folder=ASSETS) from error
    return make_reference(tensors, notes)


def make_reference(tensors: dict[str, Tensor], notes: dict[str, Any]) -> Reference:
    """A reference from what its file holds, in which `features` and `neighbours` are int8 multiples of a step."""
    return Reference(
        mean=tensors["mean"].double(),
        covariance=tensors["covariance"].double(),
        features=tensors["features"].float() * notes["feature_step"],
        histogram=notes["histogram"],
        diversity=notes["diversity"],
        axes=tensors["axes"],
        neighbours=tensors["neighbours"].float() * notes["neighbour_step"],
        nearest=notes["nearest"],
        floors={floor["count"]: Metrics(**floor) for floor in notes["floors"]},
    )


def evaluate(fakes: Tensor, reference: Reference) -> Metrics:
    """Measure fakes (N, 1, 28, 28), float in [0, 1] or uint8; 1000 of them take about 0.2 s on one core.

    Raises UserError if there are fewer than 10 fakes or one of them is not finite.
    """
    if len(fakes) < FEWEST:
        raise UserError("too_few_fakes", got=len(fakes), want=FEWEST)
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        pixels = as_pixels(fakes)
        if not pixels.isfinite().all():
            raise UserError("metrics_not_finite")
        found = features(pixels)
        few = found[:PAIRWISE]
        precision, recall = precision_recall(few, reference.features[: len(few)])
        return Metrics(
            count=len(fakes),
            digit_fid=frechet_distance(*mean_covariance(found), reference.mean, reference.covariance),
            kid=kid(few, reference.features),
            precision=precision,
            recall=recall,
            histogram=histogram(found, is_digit(pixels, found, reference)),
            diversity=pixel_diversity(pixels),
            nearest_real=median_nearest(few @ reference.axes, reference.neighbours) / reference.nearest,
        )


def mean_covariance(found: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and unbiased covariance (D, D), float64, of features (N, D)."""
    exact = found.double()
    return exact.mean(0), exact.T.cov()


def frechet_distance(mean1: Tensor, covariance1: Tensor, mean2: Tensor, covariance2: Tensor) -> float:
    """Squared Frechet (Wasserstein-2) distance of two Gaussians: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    The trace of that root is the sum of the roots of the eigenvalues of R C2 R, where R is the root of C1.
    """
    covariance1, covariance2 = covariance1.double(), covariance2.double()
    values, vectors = torch.linalg.eigh(covariance1)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root @ covariance2 @ root).clamp_min(0).sqrt().sum()
    apart = (mean1.double() - mean2.double()).square().sum()
    return max(0.0, float(apart + covariance1.trace() + covariance2.trace() - 2 * shared))


def kid(fakes: Tensor, reals: Tensor) -> float:
    """Unbiased squared MMD of features (N, D) and (M, D), kernel (x.y / D + 1)^3 (Binkowski et al. 2018)."""

    def rows(x: Tensor, y: Tensor) -> Tensor:
        """The kernel summed over y, for each x, float64."""
        return (x @ y.T / x.shape[1] + 1).pow_(3).sum(1).double()

    def within(x: Tensor) -> float:
        itself = (x.double().square().mean(1) + 1).pow(3)
        return float((rows(x, x) - itself).sum()) / (len(x) * (len(x) - 1))

    return within(fakes) + within(reals) - 2 * float(rows(fakes, reals).mean()) / len(reals)


def precision_recall(fakes: Tensor, reals: Tensor) -> tuple[float, float]:
    """The share of fakes among the reals and of reals among the fakes, from features (Kynkaanniemi et al. 2019).

    "Among" is within reach of any one of them, which is its distance to its third nearest neighbour of its own kind.
    """
    between = squared_distances(reals, fakes)
    precision = (between <= _reach(reals)[:, None]).any(0).double().mean()
    recall = (between <= _reach(fakes)).any(1).double().mean()
    return precision.item(), recall.item()


def _reach(found: Tensor) -> Tensor:
    distances = squared_distances(found, found)
    distances.fill_diagonal_(0)
    return distances.topk(NEIGHBOURS + 1, largest=False).values[:, -1]  # the nearest one is itself


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances (N, M) of all rows of x (N, D) and y (M, D)."""
    lengths = x.square().sum(1, keepdim=True) + y.square().sum(1)
    return torch.addmm(lengths, x, y.T, alpha=-2).clamp_min_(0)


def median_nearest(x: Tensor, y: Tensor) -> float:
    """The median over the rows of x of the distance to the nearest row of y."""
    nearest = x.new_full((len(x),), torch.inf)
    for part in y.split(_CHUNK):
        nearest = torch.minimum(nearest, squared_distances(x, part).amin(1))
    return nearest.sqrt().median().item()


def is_digit(pixels: Tensor, found: Tensor, reference: Reference) -> Tensor:
    """Which of the pictures (N, 1, 28, 28) in [0, 1], with these features (N, 64), can be read as a digit at all: bool (N,)."""
    flat = pixels.flatten(1)
    ink, energy = flat.mean(1), flat.square().sum(1).clamp_min(1e-6)
    rough = (pixels - _blurred(pixels)).square().flatten(1).sum(1) / energy
    contrast = energy / flat.sum(1).clamp_min(1e-6)
    near = squared_distances(found, reference.features).amin(1).sqrt() <= FARTHEST
    return near & (ink > INK[0]) & (ink < INK[1]) & (contrast > CONTRAST_LEAST) & (rough < ROUGHNESS_MOST)


def _blurred(pixels: Tensor) -> Tensor:
    """The 3 x 3 mean around each pixel; torch's own pooling takes ten times as long."""
    wide = F.pad(pixels, (1, 1, 1, 1))
    rows = wide[:, :, :-2] + wide[:, :, 1:-1] + wide[:, :, 2:]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9


def histogram(found: Tensor, digits: Tensor | None = None) -> list[float]:
    """The share of each of the ten digits, by the judge, from features; of those that are `digits` (N,) if that is given."""
    seen = classify(found)
    counts = (seen if digits is None else seen[digits]).bincount(minlength=10)
    shares: list[float] = (counts.double() / len(found)).tolist()
    return shares


def pixel_diversity(images: Tensor) -> float:
    """Root mean square distance of two different images, in pixel values of [0, 1]; uint8 or float (N, ...), N >= 2.

    The mean over all pairs is twice the variance, summed over pixels, so the pairs are never formed.
    """
    count, total, squares = len(images), torch.zeros((), dtype=torch.float64), 0.0
    for part in images.split(5000):
        pixels = as_pixels(part).flatten(1).double()
        total = total + pixels.sum(0)
        squares += float(pixels.square().sum())
    variance = (squares - float(total.square().sum()) / count) / (count - 1)
    return float(max(0.0, 2 * variance) ** 0.5)
