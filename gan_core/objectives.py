"""Losses: pure functions on logits.

Binary cross-entropy as in Goodfellow et al., "Generative Adversarial Networks" (2014), with the non-saturating loss
for G; written with softplus, which is BCE with logits for the constant targets 0 and 1.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def bce_d_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """D's loss, a scalar: the mean of (fakes against 0) and (reals against 1). ln 2 when D cannot tell them apart."""
    return (F.softplus(logits_fake).mean() + F.softplus(-logits_real).mean()) / 2


def bce_g_loss(logits_fake: Tensor) -> Tensor:
    """G's loss, a scalar: fakes against 1. ln 2 when D gives every fake an even chance."""
    return F.softplus(-logits_fake).mean()
