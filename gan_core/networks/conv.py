"""A small convolutional pair made for one CPU core.

Nearly all of its arithmetic is 3 x 3 convolutions between many channels at 7 x 7, where a CPU is at its best: G draws,
and D reads, an image as 7 x 7 patches of 4 x 4 pixels (sub-pixel convolution: Shi et al., "Real-Time Single Image and
Video Super-Resolution", 2016). A stride of one pixel at 28 x 28 with a single channel costs as much time for a tenth of
the arithmetic.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_core.layers import ChainDiscriminator, conv, linear
from gan_core.networks import Settings

SIDE, PATCH = 7, 4


class Generator(nn.Module):
    """G: z (B, z_dim) -> fakes (B, 1, 28, 28) in [0, 1]; `classes` more inputs hold a class one-hot."""

    def __init__(self, settings: Settings, classes: int = 0) -> None:
        super().__init__()
        channels = 4 * settings.width
        self.channels = channels
        self.project = nn.Linear(settings.z_dim + classes, channels * SIDE * SIDE)
        self.draw = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, PATCH * PATCH, 3, padding=1),
            nn.Sigmoid(),
            nn.PixelShuffle(PATCH),
        )

    def forward(self, z: Tensor) -> Tensor:
        # channels last from the start: nothing has to be turned around for the convolutions
        x = self.project(z).view(len(z), SIDE, SIDE, self.channels).permute(0, 3, 1, 2)
        images: Tensor = self.draw(x)
        return images


class Discriminator(ChainDiscriminator):
    """D: images (B, 1, 28, 28) in [0, 1] -> logits (B, 1)."""

    def __init__(self, settings: Settings, classes: int = 0) -> None:
        width, spectral = settings.width, settings.spectral_norm
        super().__init__(
            nn.PixelUnshuffle(PATCH),
            *(conv(PATCH * PATCH, 2 * width, 3, spectral), nn.LeakyReLU(0.2, inplace=True)),
            *(conv(2 * width, 8 * width, 3, spectral, stride=2), nn.LeakyReLU(0.2, inplace=True)),
            nn.Flatten(),
            head=linear(8 * width * 4 * 4, 1, spectral),
            classes=classes,
        )


def one_hot(classes: Tensor, count: int, like: Tensor) -> Tensor:
    """Classes (B,) int64, or their weights (B, count) in a blend, as (B, count) in the precision and on the device of `like`."""
    if classes.is_floating_point():
        return classes.to(like)
    return torch.nn.functional.one_hot(classes, count).to(like)
