"""The networks a preset can use. There is one pair so far; `build_pair` is where another would be chosen."""

from gan_core.networks.mlp import Discriminator, Generator, build_pair, generate

__all__ = ["Discriminator", "Generator", "build_pair", "generate"]
