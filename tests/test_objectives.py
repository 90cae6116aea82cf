"""The objectives, each against the formula of its paper written the slow way."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import BCEWithLogitsLoss

from gan_core import objectives

BCE = BCEWithLogitsLoss()
random = torch.Generator().manual_seed(0)
REAL, FAKE = (torch.randn(64, 1, generator=random) * 5 for _ in range(2))
ONES, ZEROS = torch.ones(64, 1), torch.zeros(64, 1)

Formula = Callable[[Tensor, Tensor], Tensor]
D_LOSSES: dict[str, Formula] = {
    "non-saturating": lambda real, fake: (BCE(fake, ZEROS) + BCE(real, ONES)) / 2,
    "saturating": lambda real, fake: (BCE(fake, ZEROS) + BCE(real, ONES)) / 2,
    "lsgan": lambda real, fake: ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2,
    "hinge": lambda real, fake: torch.clamp(1 - real, min=0).mean() + torch.clamp(1 + fake, min=0).mean(),
    "wasserstein": lambda real, fake: fake.mean() - real.mean(),
    "relativistic": lambda real, fake: -torch.log(torch.sigmoid((real - fake).double())).mean(),
}
G_LOSSES: dict[str, Formula] = {
    "non-saturating": lambda real, fake: BCE(fake, ONES),
    "saturating": lambda real, fake: torch.log(1 - torch.sigmoid(fake.double())).mean(),
    "lsgan": lambda real, fake: ((fake - 1) ** 2).mean() / 2,
    "hinge": lambda real, fake: -fake.mean(),
    "wasserstein": lambda real, fake: -fake.mean(),
    "relativistic": lambda real, fake: -torch.log(torch.sigmoid((fake - real).double())).mean(),
}


def test_every_objective_is_checked_here() -> None:
    assert set(objectives.names()) == set(D_LOSSES) == set(G_LOSSES)


@pytest.mark.parametrize("name", objectives.names())
def test_the_losses_are_those_of_the_papers(name: str) -> None:
    objective = objectives.load(name)
    assert float(objective.d_loss(REAL, FAKE)) == pytest.approx(float(D_LOSSES[name](REAL, FAKE)), rel=1e-5)
    given = REAL if objective.PAIRED else None
    assert float(objective.g_loss(given, FAKE)) == pytest.approx(float(G_LOSSES[name](REAL, FAKE)), rel=1e-5)


@pytest.mark.parametrize("name", objectives.names())
def test_g_is_told_to_raise_the_logits_of_fakes(name: str) -> None:
    fake = torch.zeros(4, 1, requires_grad=True)
    objectives.load(name).g_loss(torch.zeros(4, 1), fake).backward()
    assert fake.grad is not None
    assert (fake.grad < 0).all()


def test_a_d_that_cannot_tell_has_ln_2() -> None:
    zeros = torch.zeros(8, 1)
    for name in ("non-saturating", "relativistic"):
        assert math.isclose(objectives.load(name).d_loss(zeros, zeros), math.log(2), rel_tol=1e-6)
        assert math.isclose(objectives.load(name).g_loss(zeros, zeros), math.log(2), rel_tol=1e-6)


def test_pairing_without_reals_is_a_mistake_of_the_programmer() -> None:
    with pytest.raises(TypeError):
        objectives.load("relativistic").g_loss(None, FAKE)


def test_only_the_saturating_gradient_vanishes_when_d_is_sure() -> None:
    def gradient(name: str) -> float:
        logits = torch.tensor([[-20.0]], requires_grad=True)
        objectives.load(name).g_loss(torch.zeros(1, 1), logits).backward()
        assert logits.grad is not None
        return abs(float(logits.grad))

    assert gradient("saturating") < 1e-6
    assert gradient("non-saturating") > 0.99


def test_extreme_logits_stay_finite_and_keep_their_gradient() -> None:
    logits = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    loss = objectives.load("non-saturating").g_loss(None, logits)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert torch.allclose(logits.grad, torch.tensor([[0.0], [-0.5]]))
