"""Finding a picture in G: the z whose fake comes closest to a given 28 x 28 image.

Many z are drawn, the closest few are improved by gradient descent, and after a while only the best of those. The distance
is that of the pixels; a small price on the length of z keeps it where G was trained. The z that made a picture is not
found again, as many z give nearly the same one: what is found is its picture.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gan_core.latent import generate, sample_z
from gan_core.render import as_pixels
from gan_core.sentences import UserError

DRAWS = 500  # random z that compete for the starts
STARTS, FINALISTS = 16, 4  # how many are improved at first, and after `HEAT` of the work
HEAT = 0.3
STEPS = 400
LR = 0.2
BETAS, EPS = (0.9, 0.999), 1e-8  # Adam's usual ones
PRIOR = 0.01  # squared pixels that a squared unit of z costs
Z_LIMIT = 6.0  # as far out as a slider goes
SECONDS = 2.5
REPORT_EVERY = 10  # steps


@dataclass(frozen=True)
class Projection:
    """The closest z so far, float32 (z_dim,) on the CPU, and the class with which a conditional G drew it.

    `residual` is the distance of its fake from the image, in pixel values of [0, 1] (two real digits are about 10 apart:
    `metrics.Reference.diversity`); `drawn` is that of the best random z, before any improvement. `share` of the work is
    done; it stays below 1 if the search was cancelled.
    """

    z: Tensor
    digit: int | None
    residual: float
    drawn: float
    share: float


def project(
    G: nn.Module,
    z_dim: int,
    image: Tensor,
    digits: Sequence[int] | None = None,
    *,
    seed: int = 0,
    seconds: float = SECONDS,
    report: Callable[[Projection], None] = lambda found: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Projection:
    """Find the z of an image (28, 28), uint8 or float in [0, 1], with a G in eval mode; 0.7 s of one core.

    A conditional G needs the classes to try in `digits`, any other G wants None. The same seed starts from the same z,
    but rounding alone may lead to slightly different ends. Steps that do not fit into `seconds` are left out. `report` is
    told of the best so far, and `cancelled` is asked, several times a second; once it says yes, the best so far is the
    answer. Raises UserError if G gives NaN.
    """
    begun = time.monotonic()
    target = as_pixels(image).view(1, -1).to(next(G.parameters()).device)
    z, classes, drawn = _starts(G, z_dim, target, digits, seed)
    first, second = torch.zeros_like(z), torch.zeros_like(z)
    best = Projection(z[0], None, float("inf"), drawn, 0.0)
    for step in range(STEPS + 1):
        errors, gradient = _look(G, z, classes, target)
        share = min(1.0, max(step / STEPS, (time.monotonic() - begun) / seconds))
        best = _better(best, z, classes, errors, share)
        if step % REPORT_EVERY == 0 or share == 1:
            report(best)
            if cancelled():
                break
        if share == 1:
            break
        if share >= HEAT and len(z) > FINALISTS:
            kept = errors.argsort()[:FINALISTS]
            z, first, second, gradient = z[kept], first[kept], second[kept], gradient[kept]
            classes = None if classes is None else classes[kept]
        # Adam by hand: importing torch.optim takes seconds, and the page has no other use for it
        first = torch.lerp(first, gradient, 1 - BETAS[0])
        second = torch.lerp(second, gradient.square(), 1 - BETAS[1])
        pace = LR * (1 - share) / (1 - BETAS[0] ** (step + 1))
        z = (z - pace * first / ((second / (1 - BETAS[1] ** (step + 1))).sqrt() + EPS)).clamp(-Z_LIMIT, Z_LIMIT)
    return best


def _starts(
    G: nn.Module, z_dim: int, target: Tensor, digits: Sequence[int] | None, seed: int
) -> tuple[Tensor, Tensor | None, float]:
    """The closest of the random z (N, z_dim), their classes (N,), and the distance of the closest.

    All classes get their share of the starts: which one comes closest in the end shows only then.
    """
    z = sample_z(seed, DRAWS, z_dim).to(target.device)
    tried: Sequence[int | None] = digits or [None]
    each = -(-STARTS // len(tried))
    chosen, drawn = [], float("inf")
    for digit in tried:
        classes = None if digit is None else torch.full((len(z),), digit, device=z.device)
        errors = _errors(generate(G, z, classes), target)
        chosen.append(z[errors.argsort()[:each]])
        drawn = min(drawn, float(errors.min().sqrt()))  # NaN is never less
    if drawn == float("inf"):
        raise UserError("metrics_not_finite")
    of_starts = torch.tensor(digits, device=z.device).repeat_interleave(each) if digits else None
    return torch.cat(chosen), of_starts, drawn


def _look(G: nn.Module, z: Tensor, classes: Tensor | None, target: Tensor) -> tuple[Tensor, Tensor]:
    """The squared distances (N,) of the fakes of z (N, z_dim), and where z must not go (N, z_dim)."""
    z = z.detach().requires_grad_()
    errors = _errors(G(z) if classes is None else G(z, classes), target)
    (gradient,) = torch.autograd.grad((errors + PRIOR * z.square().sum(1)).sum(), z)
    return errors.detach(), gradient


def _errors(fakes: Tensor, target: Tensor) -> Tensor:
    return (fakes.flatten(1) - target).square().sum(1)


def _better(best: Projection, z: Tensor, classes: Tensor | None, errors: Tensor, share: float) -> Projection:
    index = int(errors.argmin())
    residual = float(errors[index].sqrt())
    if not residual < best.residual:
        return dataclasses.replace(best, share=share)
    digit = None if classes is None else int(classes[index])
    return Projection(z[index].detach().cpu(), digit, residual, best.drawn, share)
