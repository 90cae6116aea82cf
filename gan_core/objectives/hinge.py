"""The hinge loss: D stops caring once a logit is on its side of a margin of 1.

Lim and Ye, "Geometric GAN" (2017); Miyato et al., "Spectral Normalization for GANs" (2018).
"""

from __future__ import annotations

from torch import Tensor

PAIRED = False
BOUNDARY: float | None = 0.0


def d_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """Mean of max(0, 1 - logit) over reals, plus mean of max(0, 1 + logit) over fakes: 2 when D cannot tell."""
    return (1 - logits_real).relu().mean() + (1 + logits_fake).relu().mean()


def g_loss(logits_real: Tensor | None, logits_fake: Tensor) -> Tensor:
    """Minus the mean logit of the fakes."""
    return -logits_fake.mean()
