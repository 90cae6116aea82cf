"""The tutorial's GAN written down a second time, in plain torch and from its description, for the tests to compare with.

Nothing here is imported from the project: G is Linear, BatchNorm, ReLU four times (128, 256, 512, 1024), then Linear to 784
and a sigmoid; D is Linear and LeakyReLU(0.2) three times (512, 256, 128), then Linear to one logit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def reference_pair(z_dim: int, seed: int) -> tuple[nn.Module, nn.Module]:
    """G on z (B, z_dim) giving (B, 784), and D on (B, 784) giving logits (B, 1), with torch's initialisation."""
    torch.manual_seed(seed)
    widths = [z_dim, 128, 256, 512, 1024]
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    G = nn.Sequential(*layers, nn.Linear(1024, 784), nn.Sigmoid())
    widths = [784, 512, 256, 128]
    layers = []
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return G, nn.Sequential(*layers, nn.Linear(128, 1))


class ReferenceLoop:
    """The tutorial's loop, with all its waste: full graphs, plain Adam, two passes of D."""

    def __init__(self, z_dim: int, seed: int, lr: float) -> None:
        self.G, self.D = reference_pair(z_dim, seed)
        self.opt_g = torch.optim.Adam(self.G.parameters(), lr=lr)
        self.opt_d = torch.optim.Adam(self.D.parameters(), lr=lr)
        self.criterion = nn.BCEWithLogitsLoss()

    def step(self, reals: Tensor, z_for_d: Tensor, z_for_g: Tensor) -> tuple[float, float]:
        """One D step and one G step on reals (B, 784) in [0, 1]; returns d_loss and g_loss."""
        self.opt_d.zero_grad()
        fakes = self.G(z_for_d)
        logits_fake = self.D(fakes.detach())
        logits_real = self.D(reals)
        d_loss = (
            self.criterion(logits_fake, torch.zeros_like(logits_fake))
            + self.criterion(logits_real, torch.ones_like(logits_real))
        ) / 2
        d_loss.backward(retain_graph=True)
        self.opt_d.step()
        self.opt_g.zero_grad()
        logits = self.D(self.G(z_for_g))
        g_loss = self.criterion(logits, torch.ones_like(logits))
        g_loss.backward()
        self.opt_g.step()
        return d_loss.item(), g_loss.item()
