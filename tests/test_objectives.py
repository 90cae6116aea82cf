from __future__ import annotations

import math

import torch
from torch.nn import BCEWithLogitsLoss

from gan_core.objectives import bce_d_loss, bce_g_loss

BCE = BCEWithLogitsLoss()


def test_the_losses_are_bce_with_logits() -> None:
    random = torch.Generator().manual_seed(0)
    logits_real, logits_fake = (torch.randn(64, 1, generator=random) * 5 for _ in range(2))
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    expected = (BCE(logits_fake, zeros) + BCE(logits_real, ones)) / 2
    assert torch.allclose(bce_d_loss(logits_real, logits_fake), expected)
    assert torch.allclose(bce_g_loss(logits_fake), BCE(logits_fake, ones))


def test_a_d_that_cannot_tell_has_ln_2() -> None:
    zeros = torch.zeros(8, 1)
    assert math.isclose(bce_d_loss(zeros, zeros), math.log(2), rel_tol=1e-6)
    assert math.isclose(bce_g_loss(zeros), math.log(2), rel_tol=1e-6)


def test_extreme_logits_stay_finite_and_keep_their_gradient() -> None:
    logits = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    loss = bce_g_loss(logits)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert torch.allclose(logits.grad, torch.tensor([[0.0], [-0.5]]))
