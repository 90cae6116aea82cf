"""The short way to the penalties on D's gradient, against differentiating twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gan_core import objectives
from gan_core.config import Config
from gan_core.layers import ChainDiscriminator
from gan_core.networks import build_pair
from gan_core.penalties import Weights, between, chain_gradients, double_backward, is_chain

random = torch.Generator().manual_seed(0)
REALS, FAKES = (torch.rand(6, 1, 28, 28, generator=random) for _ in range(2))
CLASSES = torch.tensor([3, 1, 4, 1, 5, 9])


def discriminator(network: str, **settings: Any) -> ChainDiscriminator:
    D = build_pair(Config(network=network, seed=2, **settings))[1]
    assert isinstance(D, ChainDiscriminator)
    with torch.no_grad():
        for parameter in D.parameters():  # steep enough for every term to matter
            parameter.mul_(3)
        if D.embed is not None:
            D.embed.weight.normal_(generator=torch.Generator().manual_seed(1))
    return D


@pytest.mark.parametrize("network", ["mlp", "conv", "conditional"])
@pytest.mark.parametrize("objective", ["relativistic", "non-saturating", "wasserstein", "hinge"])
@pytest.mark.parametrize("weights", [Weights(2, 0.5, 0), Weights(0, 0, 10), Weights(0.3, 0, 3), Weights(0, 0, 0)])
def test_the_short_way_gives_the_same_gradients(network: str, objective: str, weights: Weights) -> None:
    D = discriminator(network)
    groups = [REALS, FAKES]
    if weights.gp_weight:
        groups.append(between(REALS, FAKES, torch.Generator().manual_seed(3)))
    classes = CLASSES if network == "conditional" else None
    d_loss = objectives.load(objective).d_loss
    short = chain_gradients(D, groups, classes, d_loss, weights)
    long = double_backward(D, groups, classes, d_loss, weights)
    assert float(short.loss) == pytest.approx(float(long.loss), rel=1e-4)
    assert torch.allclose(short.logits_real, long.logits_real, rtol=1e-4, atol=1e-4)
    assert torch.allclose(short.logits_fake, long.logits_fake, rtol=1e-4, atol=1e-4)
    for (name, parameter), ours, theirs in zip(D.named_parameters(), short.gradients, long.gradients, strict=True):
        assert ours.shape == parameter.shape
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5 * max(1.0, float(theirs.abs().max()))), name


def test_in_bf16_it_is_the_same_up_to_rounding() -> None:
    D = discriminator("conv")
    groups, d_loss = [REALS, FAKES], objectives.load("relativistic").d_loss
    exact = chain_gradients(D, groups, None, d_loss, Weights(1, 1, 0))
    rounded = chain_gradients(D.bfloat16(), [group.bfloat16() for group in groups], None, d_loss, Weights(1, 1, 0))
    ours, theirs = (torch.cat([part.float().flatten() for part in found.gradients]) for found in (rounded, exact))
    assert float((ours - theirs).norm() / theirs.norm()) < 0.1


def test_r1_is_half_gamma_times_the_mean_squared_gradient_at_reals() -> None:
    D = discriminator("mlp")
    d_loss = objectives.load("wasserstein").d_loss
    with_r1, without = (
        double_backward(D, [REALS, FAKES], None, d_loss, Weights(gamma, 0, 0)).gradients for gamma in (2.0, 0.0)
    )
    images = REALS.clone().requires_grad_()
    (g,) = torch.autograd.grad(D(images).sum(), images, create_graph=True)
    expected = torch.autograd.grad(g.square().sum((1, 2, 3)).mean(), list(D.parameters()), allow_unused=True)
    for a, b, wanted in zip(with_r1, without, expected, strict=True):
        difference: Tensor = a - b
        assert torch.allclose(difference, torch.zeros_like(a) if wanted is None else wanted, atol=1e-3)


def test_points_between_lie_between() -> None:
    middle = between(REALS, FAKES, torch.Generator().manual_seed(0))
    assert ((middle >= torch.minimum(REALS, FAKES) - 1e-6) & (middle <= torch.maximum(REALS, FAKES) + 1e-6)).all()
    share = ((middle - REALS) / (FAKES - REALS)).flatten(1)
    assert float(share.std(1).max()) < 1e-2, "one share an image"


def test_only_plain_chains_take_the_short_way() -> None:
    assert is_chain(discriminator("conv"))
    assert not is_chain(build_pair(Config(network="conv", spectral_norm="on"))[1])
    assert not is_chain(build_pair(Config(network="dcgan", z_dim=8))[1])
