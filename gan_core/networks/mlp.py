"""The tutorial's pair: two small fully connected networks on 28 x 28 images.

Layers, order and initialisation (PyTorch's defaults) are those of the beginners' tutorial this project brings to
life; tests/test_networks.py compares them with a description of it in plain torch.
"""

from __future__ import annotations

from torch import nn

from gan_core.layers import IMAGE_SIDE, ChainDiscriminator, linear
from gan_core.networks import Settings

PIXELS = IMAGE_SIDE * IMAGE_SIDE


class Generator(nn.Sequential):
    """G: z (B, z_dim) -> fakes (B, 1, 28, 28) in [0, 1]."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            _generator_block(settings.z_dim, 128),
            _generator_block(128, 256),
            _generator_block(256, 512),
            _generator_block(512, 1024),
            nn.Linear(1024, PIXELS),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, IMAGE_SIDE, IMAGE_SIDE)),
        )


class Discriminator(ChainDiscriminator):
    """D: images (B, 1, 28, 28) in [0, 1] -> logits (B, 1)."""

    def __init__(self, settings: Settings) -> None:
        spectral = settings.spectral_norm
        super().__init__(
            nn.Flatten(),
            *(linear(PIXELS, 512, spectral), nn.LeakyReLU(0.2, inplace=True)),
            *(linear(512, 256, spectral), nn.LeakyReLU(0.2, inplace=True)),
            *(linear(256, 128, spectral), nn.LeakyReLU(0.2, inplace=True)),
            head=linear(128, 1, spectral),
        )


def _generator_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True))
