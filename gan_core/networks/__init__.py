"""The networks there are: every file of this folder is one choice of the setting `network`, named like the file.

A file defines `Generator(config)` and `Discriminator(config)`:

    G: z (B, z_dim) -> fakes (B, 1, 28, 28) in [0, 1]
    D: images (B, 1, 28, 28) in [0, 1] -> logits (B, 1)

and, if both also take the classes (B,) int64 of what they draw and judge, `CONDITIONAL = True`. torch is imported only
when a network is built, so that a page can list them before.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from gan_core.config import Config

CLASSES = 10  # of every data set that has classes


def names() -> tuple[str, ...]:
    """The choices, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def is_conditional(name: str) -> bool:
    """Whether G draws, and D judges, a given class."""
    return bool(getattr(_module(name), "CONDITIONAL", False))


def build_pair(config: Config) -> tuple[nn.Module, nn.Module]:
    """G, then D, initialised from `config.seed` without touching the caller's random state."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return _module(config.network).Generator(config), _module(config.network).Discriminator(config)


def build_generator(config: Config) -> nn.Module:
    """G without its weights' memory, to be filled by `load_state_dict(..., assign=True)`."""
    import torch

    with torch.device("meta"):
        G: nn.Module = _module(config.network).Generator(config)
    return G


def build_discriminator(config: Config) -> nn.Module:
    """D with any weights, to be filled by `load_state_dict(..., assign=True)`."""
    import torch

    # not without memory, as G: spectral normalisation looks at its weights when it is built
    with torch.random.fork_rng(devices=[]):
        D: nn.Module = _module(config.network).Discriminator(config)
    return D


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")
