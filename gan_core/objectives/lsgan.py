"""Least squares: logits are pulled towards 1 for reals and 0 for fakes.

Mao et al., "Least Squares Generative Adversarial Networks" (2017), with a = 0, b = c = 1.
"""

from __future__ import annotations

from torch import Tensor

PAIRED = False
BOUNDARY: float | None = 0.5


def d_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """Half the mean square of the reals' distance from 1, plus that of the fakes from 0: 1/4 for a logit of 1/2."""
    return ((logits_real - 1).square().mean() + logits_fake.square().mean()) / 2


def g_loss(logits_real: Tensor | None, logits_fake: Tensor) -> Tensor:
    """Half the mean square of the fakes' distance from 1."""
    return (logits_fake - 1).square().mean() / 2
