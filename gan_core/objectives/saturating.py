"""The minimax game itself, with G minimising log(1 - D(G(z))): Goodfellow et al. (2014), equation 1.

Its gradient for G vanishes when D is sure of the fakes: the reason why nobody trains with it, and a lesson.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from gan_core.objectives.non_saturating import d_loss

__all__ = ["BOUNDARY", "PAIRED", "d_loss", "g_loss"]

PAIRED = False
BOUNDARY: float | None = 0.0


def g_loss(logits_real: Tensor | None, logits_fake: Tensor) -> Tensor:
    """The mean of log(1 - D(G(z))): -ln 2 when D gives every fake an even chance, 0 when it is sure of them."""
    return -F.softplus(logits_fake).mean()
