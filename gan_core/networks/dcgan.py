"""The classic convolutional pair: the next part that the beginners' tutorial announces.

Transposed convolutions with BatchNorm in G, strided convolutions with BatchNorm in D, weights drawn from N(0, 0.02)
(Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional GANs", 2015), in the size
that such courses use for 28 x 28 digits: G grows 1 -> 3 -> 6 -> 13 -> 28 pixels, D shrinks 28 -> 13 -> 5 -> 1.
"""

from __future__ import annotations

from torch import Tensor, nn

from gan_core.layers import conv
from gan_core.networks import Settings


class Generator(nn.Module):
    """G: z (B, z_dim) -> fakes (B, 1, 28, 28) in [0, 1]."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = 4 * settings.width
        self.draw = nn.Sequential(
            nn.Unflatten(1, (settings.z_dim, 1, 1)),
            *_grow(settings.z_dim, 4 * width, 3, 2),
            *_grow(4 * width, 2 * width, 4, 1),
            *_grow(2 * width, width, 3, 2),
            nn.ConvTranspose2d(width, 1, 4, 2),
            nn.Tanh(),
        )
        _initialise(self)

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.draw(z)
        return (images + 1) / 2


class Discriminator(nn.Module):
    """D: images (B, 1, 28, 28) in [0, 1] -> logits (B, 1)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width, spectral = settings.width, settings.spectral_norm
        self.read = nn.Sequential(
            conv(1, width, 4, spectral, stride=2, padding=0),  # no BatchNorm where D first looks, as the paper advises
            nn.LeakyReLU(0.2, inplace=True),
            *_shrink(width, 2 * width, spectral),
            conv(2 * width, 1, 4, spectral, stride=2, padding=0),
            nn.Flatten(),
        )
        _initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.read(images * 2 - 1)
        return logits


def _grow(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    # no bias: BatchNorm takes away any constant, and oneDNN's transposed convolution is 2 to 10 times slower with one
    layer = nn.ConvTranspose2d(inputs, outputs, kernel, stride, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _shrink(inputs: int, outputs: int, spectral: str) -> list[nn.Module]:
    layer = conv(inputs, outputs, 4, spectral, stride=2, padding=0)
    return [layer, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]


def _initialise(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
