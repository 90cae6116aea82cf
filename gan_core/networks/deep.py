"""The convolutional pair with more layers, for trainings that have an hour: what `best` ships.

G differs from `conv` in three ways. A small mapping network (Karras et al., "A Style-Based Generator Architecture for GANs",
2019) looks at z first, and what it makes goes to the picture beside z itself: which digit it is to be then changes over a
shorter way through z, so fewer fakes are half one digit and half another, and z alone still draws the many hands. A last
convolution at 14 x 14 joins neighbouring patches. D has half as many channels again.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_core.config import Config
from gan_core.layers import ChainDiscriminator, conv, linear
from gan_core.networks.conv import PATCH, SIDE

HIDDEN, MAPPED = 64, 128  # outputs of the mapping network's two layers


class Generator(nn.Module):
    """G: z (B, z_dim) -> fakes (B, 1, 28, 28) in [0, 1]."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.width
        self.channels = 4 * width
        self.map = nn.Sequential(*_mapping(config.z_dim, HIDDEN), *_mapping(HIDDEN, MAPPED))
        self.project = nn.Linear(config.z_dim + MAPPED, self.channels * SIDE * SIDE)
        self.draw = nn.Sequential(
            *_lively(self.channels),
            nn.Conv2d(self.channels, self.channels, 3, padding=1),
            *_lively(self.channels),
            nn.Conv2d(self.channels, 4 * width, 3, padding=1),
            nn.PixelShuffle(2),
            *_lively(width),
            nn.Conv2d(width, 4, 3, padding=1),
            nn.Sigmoid(),
            nn.PixelShuffle(2),
        )

    def forward(self, z: Tensor) -> Tensor:
        both = torch.cat((z, self.map(z)), dim=1)
        x = self.project(both).view(len(z), SIDE, SIDE, self.channels).permute(0, 3, 1, 2)
        images: Tensor = self.draw(x)
        return images


class Discriminator(ChainDiscriminator):
    """D: images (B, 1, 28, 28) in [0, 1] -> logits (B, 1)."""

    def __init__(self, config: Config) -> None:
        width, spectral = config.width, config.spectral_norm
        super().__init__(
            nn.PixelUnshuffle(PATCH),
            *(conv(PATCH * PATCH, 3 * width, 3, spectral), nn.LeakyReLU(0.2, inplace=True)),
            *(conv(3 * width, 12 * width, 3, spectral, stride=2), nn.LeakyReLU(0.2, inplace=True)),
            nn.Flatten(),
            head=linear(12 * width * 4 * 4, 1, spectral),
        )


def _mapping(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]


def _lively(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
