"""Working with z: draws from a seed, images of them, truncation, the neighbourhood of a point, and the way between two."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_core.config import Config
from gan_core.networks import CLASSES
from gan_core.pose import Pose
from gan_core.sentences import UserError


def sample_z(seed: int, count: int, z_dim: int) -> Tensor:
    """`count` normal draws of z from a seed, float32 (count, z_dim); the first ones do not depend on `count`."""
    generator = torch.Generator().manual_seed(seed)
    # drawn one by one: torch fills short and long tensors in different orders
    return torch.stack([torch.randn(z_dim, generator=generator) for _ in range(count)])


def truncate(z: Tensor, psi: float) -> Tensor:
    """Truncation towards the mean image (z = 0): psi 1 changes nothing, psi 0 leaves only the mean."""
    return z * psi


def z_of(pose: Pose) -> Tensor:
    """What G is given for a pose: its z truncated by its psi, float32 (z_dim,)."""
    return truncate(torch.tensor(pose.z), pose.psi)


def weights_of(pose: Pose) -> Tensor | None:
    """What a conditional G is given for a pose's digit or blend: weights of the classes, float32 (CLASSES,); or None."""
    if pose.digit is None:
        return None
    weights = torch.zeros(CLASSES)
    weights[pose.digit] += 1 - pose.share
    if pose.to is not None:
        weights[pose.to] += pose.share
    return weights


def slerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Points (N, z_dim) on the way from one z (z_dim,) to another, each at a share (N,) in [0, 1] of the way.

    The direction turns at an even pace, and the length goes evenly from one's to the other's. Draws of z lie close to a
    sphere of radius sqrt(z_dim), and G has seen little else. The middle of the straight line between two of them lies at
    0.7 of that radius, as if psi were 0.7: on it every picture would fade towards the mean and come back.

    Opposite z have no shortest way; it goes round by the dimension that start uses least. The direction of 0 is that of
    the other end.
    """
    lengths = torch.lerp(start.norm(), end.norm(), shares)
    if not start.any() or not end.any():
        other_end = start + end
        still: Tensor = lengths[:, None] * other_end / other_end.norm().clamp_min(1e-12)
        return still
    here, there = (z.double() / z.double().norm() for z in (start, end))
    along = here @ there
    across = there - along * here
    angle = torch.atan2(across.norm(), along)
    if across.norm() < 1e-6 and along < 0:
        across = torch.zeros_like(here)
        across[here.abs().argmin()] = 1
        across -= (across @ here) * here
        angle = torch.tensor(math.pi)
    across = across / across.norm().clamp_min(1e-12)
    turned = shares.double()[:, None] * angle
    points: Tensor = lengths[:, None] * (turned.cos() * here + turned.sin() * across).to(start.dtype)
    return points


def walk(poses: Sequence[Pose], frames: int) -> tuple[Tensor, Tensor | None]:
    """A round trip through poses, at least one, by `slerp`: z (frames, z_dim) and class weights (frames, CLASSES), float32.

    The first frame is the first pose, and after the last frame comes the first one again. Every leg takes the same time,
    psi is in z already, and on its leg one digit blends into the next; the weights are None unless all poses have a digit.
    Raises UserError for poses of different z_dim.
    """
    if len(sizes := sorted({len(pose.z) for pose in poses})) > 1:
        raise UserError("walk_mixed", sizes=", ".join(map(str, sizes)))
    # in whole numbers: no frame may slip into the next leg by rounding
    legs, shares = torch.arange(frames) * len(poses) // frames, torch.arange(frames) * len(poses) % frames / frames
    ends = [z_of(pose) for pose in poses]
    parts = [slerp(ends[leg], ends[(leg + 1) % len(ends)], shares[legs == leg]) for leg in range(len(ends))]
    digits = [weights for pose in poses if (weights := weights_of(pose)) is not None]
    weights = None
    if len(digits) == len(poses):
        stacked = torch.stack(digits)
        weights = torch.lerp(stacked[legs], stacked[(legs + 1) % len(digits)], shares[:, None])
    return torch.cat(parts), weights


def axes(seed: int, z_dim: int) -> Tensor:
    """Two orthogonal directions of length 1 drawn from a seed, float32 (2, z_dim); the second is 0 when z_dim is 1.

    They come from the seed's second and third draws: its first one is the z of `sample_z`, and walking along z itself
    would only make the picture stronger or weaker.
    """
    right, down = sample_z(seed, 3, z_dim)[1:]
    right = right / right.norm()
    down = down - (down @ right) * right if z_dim > 1 else torch.zeros_like(down)
    return torch.stack([right, down / down.norm().clamp_min(1e-12)])


def neighbourhood(z: Tensor, seed: int, radius: float = 1.0, side: int = 5) -> Tensor:
    """A square of z around z (z_dim,), float32 (side * side, z_dim), row by row.

    It lies along the two `axes` of `seed`; for an odd side its centre is z itself. `radius` is the distance from the
    centre to a side's middle, in the units of z (two independent draws are typically sqrt(2 * z_dim) apart).
    """
    right, down = axes(seed, len(z))
    offsets = torch.linspace(-radius, radius, side)
    return torch.stack([z + x * right + y * down for y in offsets for x in offsets])


def classes_for(config: Config, count: int, wanted: int | None = None) -> Tensor | None:
    """The classes (count,) int64 to draw with a conditional G: the wanted one, or all in turn; None for any other G."""
    if not config.conditional:
        return None
    return torch.arange(count) % CLASSES if wanted is None else torch.full((count,), wanted)


@torch.inference_mode()
def generate(G: nn.Module, z: Tensor, classes: Tensor | None = None) -> Tensor:
    """Fakes (B, 1, 28, 28) in [0, 1], float32, from z (B, z_dim), in eval mode: one z's image never depends on another's.

    A conditional G also wants `classes` (B,) int64, or weights (B, CLASSES) of them.
    """
    training = G.training
    G.eval()
    try:
        fakes: Tensor = (G(z) if classes is None else G(z, classes.to(z.device))).float()
    finally:
        G.train(training)
    return fakes


@torch.inference_mode()
def verdict(D: nn.Module, images: Tensor, classes: Tensor | None = None) -> Tensor:
    """D(x) of images (B, 1, 28, 28) in [0, 1], float32 (B,), as the curves have it: the sigmoid of the logits.

    It is a probability only where D learned to tell reals from fakes by the logistic loss; with the other objectives it
    still says which of two images D takes to be more real. A conditional D also wants their `classes` (B,) int64.
    """
    training = D.training
    D.eval()
    try:
        logits: Tensor = D(images) if classes is None else D(images, classes)
    finally:
        D.train(training)
    return logits.float().sigmoid().flatten()


def draw(G: nn.Module, config: Config, z: Tensor, at_once: int = 1000) -> Tensor:
    """The same for any number of z (N, z_dim), on the CPU, and with every class in turn; `at_once` bounds the memory.

    `at_once` must be a multiple of the number of classes.
    """
    device, classes = next(G.parameters()).device, classes_for(config, at_once)
    parts = z.split(at_once)
    return torch.cat(
        [generate(G, part.to(device), None if classes is None else classes[: len(part)]).cpu() for part in parts]
    )
