"""The difference of mean logits, an estimate of the Wasserstein distance as long as D is 1-Lipschitz.

Arjovsky et al., "Wasserstein GAN" (2017); with `gp_weight` 10 it is WGAN-GP (Gulrajani et al., 2017).
"""

from __future__ import annotations

from torch import Tensor

PAIRED = False
BOUNDARY: float | None = None  # only differences of logits mean anything


def d_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """Mean logit of the fakes minus that of the reals."""
    return logits_fake.mean() - logits_real.mean()


def g_loss(logits_real: Tensor | None, logits_fake: Tensor) -> Tensor:
    """Minus the mean logit of the fakes."""
    return -logits_fake.mean()
