"""The real digits closest to a fake: against a slow search, on copies, and on what the judge does not know."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_core import data, judge
from gan_core.neighbours import COUNT, Neighbours, nearest_reals
from gan_core.render import as_pixels
from gan_core.sentences import UserError
from tools.train_judge import digits


@pytest.fixture(scope="module")
def training(mnist: str) -> Tensor:
    return data.load(mnist).images


@pytest.fixture(scope="module")
def unseen(mnist: str) -> Tensor:
    return digits(train=False)[0]


def kinds(image: Tensor) -> tuple[Neighbours, Neighbours]:
    found = nearest_reals(image, "mnist")
    return found.by_features, found.by_pixels


def test_they_are_the_nearest_of_a_slow_search(training: Tensor, unseen: Tensor) -> None:
    image = unseen[20]
    pixels = (as_pixels(training) - as_pixels(image)).flatten(1).norm(dim=1)
    by_features = (judge.features(training) - judge.features(image[None])).norm(dim=1)
    for found, slow in zip(kinds(image[0]), (by_features, pixels), strict=True):
        values, indices = slow.topk(COUNT, largest=False)
        assert found.indices == indices.tolist()
        assert found.distances == pytest.approx(values.tolist(), rel=1e-4)
        assert torch.equal(found.images, training[indices])
        assert found.relative == pytest.approx([distance / found.scale for distance in found.distances])


def test_the_scale_is_that_of_reals_among_reals(training: Tensor) -> None:
    some = torch.randperm(len(training), generator=torch.Generator().manual_seed(5))[:100]
    points = as_pixels(training).flatten(1)
    nearest = torch.cdist(points[some], points).topk(2, largest=False).values[:, 1]
    scale = kinds(training[0, 0])[1].scale
    assert scale == pytest.approx(float(nearest.median()), rel=0.1)


def test_a_copy_is_found_out_and_new_digits_are_not(training: Tensor, unseen: Tensor) -> None:
    for index in (3, 59_999):
        for found in kinds(training[index, 0]):
            assert found.indices[0] == index
            assert found.relative[0] == pytest.approx(0, abs=1e-4)
            assert found.distances == sorted(found.distances)
    for found in kinds(as_pixels(training[3, 0]) * 0.98):
        assert found.indices[0] == 3, "a slightly paler copy"
        assert found.relative[0] < 0.2
    relative = torch.tensor([[found.relative[0] for found in kinds(image[0])] for image in unseen[::500]])
    assert ((relative.median(0).values > 0.7) & (relative.median(0).values < 1.3)).all()


def test_the_data_set_is_looked_through_once(training: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    nearest_reals(training[0, 0], "mnist")
    monkeypatch.setattr(data, "load", lambda name: pytest.fail("loaded again"))
    nearest_reals(training[1, 0], "mnist")


def test_other_data_sets_and_nan_get_a_sentence() -> None:
    with pytest.raises(UserError, match="fashion-mnist"):
        nearest_reals(torch.zeros(28, 28), "fashion-mnist")
    with pytest.raises(UserError, match="NaN"):
        nearest_reals(torch.full((28, 28), torch.nan), "mnist")
