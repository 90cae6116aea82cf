"""Relativistic pairing: each fake is compared with one real, and only their difference counts.

Jolicoeur-Martineau, "The relativistic discriminator" (2018); with `r1_gamma` and `r2_gamma` it is the objective of R3GAN
(Huang et al., "The GAN is dead; long live the GAN!", 2024), whose local convergence is proven.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

PAIRED = True
BOUNDARY: float | None = None  # only differences of logits mean anything


def d_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """Mean of log(1 + exp(fake - real)): ln 2 when D cannot tell them apart."""
    return F.softplus(logits_fake - logits_real).mean()


def g_loss(logits_real: Tensor | None, logits_fake: Tensor) -> Tensor:
    """The same with the roles exchanged. Raises TypeError without the reals' logits."""
    if logits_real is None:
        raise TypeError("relativistic pairing compares with reals")
    return F.softplus(logits_real - logits_fake).mean()
