"""The convolutional pair told which digit to draw.

G gets the class one-hot beside z (Mirza and Osindero, "Conditional Generative Adversarial Nets", 2014); D adds to its
logit the product of its features with a learned vector of the class (Miyato and Koyama, "cGANs with Projection
Discriminator", 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor

from gan_core.networks import CLASSES, Settings, conv

CONDITIONAL = True


class Generator(conv.Generator):
    """G: z (B, z_dim) and classes (B,) int64 -> fakes (B, 1, 28, 28) in [0, 1].

    Instead of classes it also takes weights (B, CLASSES) of each, float: a blend of digits.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, CLASSES)

    def forward(self, z: Tensor, classes: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(torch.cat((z, conv.one_hot(classes, CLASSES, z)), dim=1))


class Discriminator(conv.Discriminator):
    """D: images (B, 1, 28, 28) in [0, 1] and classes (B,) int64 -> logits (B, 1)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, CLASSES)
