"""The directions of z along which G's pictures change most, found in G's first layer alone.

A step along a unit direction v moves what the first layer says by |W v|, wherever z is, so the directions that move it
most are the right singular vectors of its weight W, those of the largest singular values first (SeFa: Shen and Zhou,
"Closed-Form Factorization of Latent Semantics in GANs", 2021). docs/directions.md compares them with GANSpace's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

COUNT = 12


def find_directions(G: nn.Module, z_dim: int, count: int = COUNT) -> Tensor:
    """The first `count` directions, or z_dim if that is fewer: orthonormal rows, float32 (count, z_dim), on the CPU.

    Their signs are those that make the value of the largest size in each positive, so that they are the same each time.
    The inputs that tell a conditional G the class are left out.
    """
    weight = first_weight(G, z_dim).double()
    # of the small square matrix, and in float64: quicker than the singular vectors of a tall one, and as exact
    vectors = torch.linalg.eigh(weight.T @ weight).eigenvectors.T.flip(0)[:count]
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    signed: Tensor = vectors * largest.sign()
    return signed.float()


def first_weight(G: nn.Module, z_dim: int) -> Tensor:
    """The matrix (outputs, z_dim), on the CPU, by which G's first layer multiplies z."""
    layer = next(module for module in G.modules() if isinstance(module, nn.Linear | nn.ConvTranspose2d))
    weight = layer.weight.detach().cpu()
    # a transposed convolution of a single pixel is a matrix, too, which torch keeps the other way round
    return weight.flatten(1).T if isinstance(layer, nn.ConvTranspose2d) else weight[:, :z_dim]
