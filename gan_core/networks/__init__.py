"""The networks there are: every file of this folder is one choice of the setting `network`, named like the file.

A file defines `Generator(settings)` and `Discriminator(settings)`:

    G: z (B, z_dim) -> fakes (B, 1, 28, 28) in [0, 1]
    D: images (B, 1, 28, 28) in [0, 1] -> logits (B, 1)

and, if both also take the classes (B,) int64 of what they draw and judge, `CONDITIONAL = True`. torch is imported only
when a network is built, so that a page can list them before.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn

CLASSES = 10  # of every data set that has classes


class Settings(Protocol):
    """What a pair is built from; a `Config` is that, and more."""

    @property
    def network(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def z_dim(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def spectral_norm(self) -> str: ...


def names() -> tuple[str, ...]:
    """The choices, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def is_conditional(name: str) -> bool:
    """Whether G draws, and D judges, a given class."""
    return bool(getattr(_module(name), "CONDITIONAL", False))


def build_pair(settings: Settings) -> tuple[nn.Module, nn.Module]:
    """G, then D, initialised from `settings.seed` without touching the caller's random state."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return _module(settings.network).Generator(settings), _module(settings.network).Discriminator(settings)


def build_generator(settings: Settings) -> nn.Module:
    """G without its weights' memory, to be filled by `load_state_dict(..., assign=True)`."""
    import torch

    with torch.device("meta"):
        G: nn.Module = _module(settings.network).Generator(settings)
    return G


def build_discriminator(settings: Settings) -> nn.Module:
    """D with any weights, to be filled by `load_state_dict(..., assign=True)`."""
    import torch

    # not without memory, as G: spectral normalisation looks at its weights when it is built
    with torch.random.fork_rng(devices=[]):
        D: nn.Module = _module(settings.network).Discriminator(settings)
    return D


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")
