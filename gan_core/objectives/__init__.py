"""The objectives there are: every file of this folder is one choice of the setting `objective`, named like the file.

A file defines pure functions of logits (B, 1), float32:

    d_loss(logits_real, logits_fake) -> scalar
    g_loss(logits_real, logits_fake) -> scalar; logits_real is None unless the file says PAIRED = True

and BOUNDARY: the logit from which on D means "real", or None where logits mean something only beside each other. torch
is imported only with the first objective, so that a page can list them before.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from torch import Tensor


class Objective(Protocol):
    """What every file of this folder offers."""

    PAIRED: bool
    BOUNDARY: float | None

    @staticmethod
    def d_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor: ...

    @staticmethod
    def g_loss(logits_real: Tensor | None, logits_fake: Tensor) -> Tensor: ...


def names() -> tuple[str, ...]:
    """The choices, in alphabetical order."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def load(name: str) -> Objective:
    """The objective of that name. Raises ModuleNotFoundError if there is none."""
    return cast(Objective, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))
