"""What several networks are made of: layers with or without spectral normalisation, and a D that is a plain chain."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGE_SIDE = 28


class _Spectral:
    """Divides a layer's weight by its largest singular value, which one power iteration a use keeps track of.

    Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018).
    """

    weight: Tensor
    u: Tensor
    training: bool

    def normalised(self) -> Tensor:
        matrix = self.weight.flatten(1).float()
        with torch.no_grad():
            v = F.normalize(self.u @ matrix, dim=0)
            u = F.normalize(matrix @ v, dim=0)
            if self.training:
                self.u.copy_(u)
        return (self.weight.float() / (u @ matrix @ v)).to(self.weight.dtype)


class SpectralLinear(_Spectral, nn.Linear):
    """A Linear layer of Lipschitz constant 1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.register_buffer("u", F.normalize(torch.ones(outputs), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.normalised(), self.bias)


class SpectralConv2d(_Spectral, nn.Conv2d):
    """A Conv2d whose weight, as a matrix, has the largest singular value 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding)
        self.register_buffer("u", F.normalize(torch.ones(outputs), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self._conv_forward(x, self.normalised(), self.bias)
        return y


def linear(inputs: int, outputs: int, spectral: str) -> nn.Linear:
    """A Linear layer; `spectral` is the setting `spectral_norm`."""
    return SpectralLinear(inputs, outputs) if spectral == "on" else nn.Linear(inputs, outputs)


def conv(inputs: int, outputs: int, kernel: int, spectral: str, stride: int = 1, padding: int = 1) -> nn.Conv2d:
    """A Conv2d; `spectral` is the setting `spectral_norm`."""
    if spectral == "on":
        return SpectralConv2d(inputs, outputs, kernel, stride, padding)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding)


class ChainDiscriminator(nn.Module):
    """D as a chain of linear maps, LeakyReLUs and reshapes: `body`, then the linear `head`.

    Being piecewise linear, it allows the short way to penalties on its gradient (see `penalties`). With `classes`, its
    head is the sum of a common row and one of the image's class: the projection discriminator.
    """

    def __init__(self, *body: nn.Module, head: nn.Linear, classes: int = 0) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)
        self.head = head
        self.embed = nn.Embedding(classes, head.in_features) if classes else None
        if self.embed is not None:
            nn.init.zeros_(self.embed.weight)  # all classes begin alike

    def forward(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Images (B, 1, 28, 28), and their classes (B,) int64 if it judges those -> logits (B, 1)."""
        features = self.body(images)
        logits: Tensor = self.head(features)
        if self.embed is not None:
            logits = logits + (features * self.embed(classes)).sum(1, keepdim=True)
        return logits
