"""The tutorial's pair: two small fully connected networks on 28 x 28 images.

Layers, order and initialisation (PyTorch's defaults) are those of the beginners' tutorial this project brings to
life; tests/test_networks.py compares them with a description of it in plain torch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

IMAGE_SIDE = 28
PIXELS = IMAGE_SIDE * IMAGE_SIDE


class Generator(nn.Sequential):
    """G: z of shape (B, z_dim) -> fakes of shape (B, 1, 28, 28) in [0, 1]."""

    def __init__(self, z_dim: int) -> None:
        super().__init__(
            _generator_block(z_dim, 128),
            _generator_block(128, 256),
            _generator_block(256, 512),
            _generator_block(512, 1024),
            nn.Linear(1024, PIXELS),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, IMAGE_SIDE, IMAGE_SIDE)),
        )


class Discriminator(nn.Sequential):
    """D: images of shape (B, 1, 28, 28) in [0, 1] -> logits of shape (B, 1)."""

    def __init__(self) -> None:
        super().__init__(
            nn.Flatten(),
            _discriminator_block(PIXELS, 512),
            _discriminator_block(512, 256),
            _discriminator_block(256, 128),
            nn.Linear(128, 1),
        )


def _generator_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True))


def _discriminator_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.LeakyReLU(0.2, inplace=True))


def build_pair(z_dim: int, seed: int) -> tuple[Generator, Discriminator]:
    """G, then D, initialised from `seed` without touching the caller's random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Generator(z_dim), Discriminator()


@torch.inference_mode()
def generate(G: nn.Module, z: Tensor) -> Tensor:
    """Fakes (B, 1, 28, 28) in [0, 1], float32, from z (B, z_dim), in eval mode: one z's image never depends on another's."""
    training = G.training
    G.eval()
    try:
        fakes: Tensor = G(z).float()
    finally:
        G.train(training)
    return fakes
