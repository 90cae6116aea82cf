"""Binary cross-entropy, with G maximising log D(G(z)): Goodfellow et al., "Generative Adversarial Nets" (2014), section 3.

Written with softplus, which is BCE with logits for the constant targets 0 and 1.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

PAIRED = False
BOUNDARY: float | None = 0.0


def d_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """The mean of (fakes against 0) and (reals against 1), as in the tutorial: ln 2 when D cannot tell them apart."""
    return (F.softplus(logits_fake).mean() + F.softplus(-logits_real).mean()) / 2


def g_loss(logits_real: Tensor | None, logits_fake: Tensor) -> Tensor:
    """Fakes against 1: ln 2 when D gives every fake an even chance."""
    return F.softplus(-logits_fake).mean()
