"""What a preset is. Only data: `presets` and `gallery` list them, `config` checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNLIMITED = 10_000_000  # steps, where the clock decides


@dataclass(frozen=True)
class Preset:
    """A named starting point: the settings that differ from `Config`'s defaults, and what to say about it.

    `about` is (English, Chinese). `seconds` is what it takes on one core of a small server. A preset with a `cure`, the
    settings that mend it, fails on purpose: `about` says what to look at. Its cured branch goes on from the newest
    checkpoint or, where the networks are beyond mending by then, begins `afresh`.
    """

    name: str
    about: tuple[str, str]
    seconds: int
    settings: Mapping[str, Any]
    cure: Mapping[str, Any] = field(default_factory=dict)
    afresh: bool = False

    @property
    def cure_step(self) -> int | None:
        """The step to branch from with the cure, as `branch.make_branch` takes it."""
        return 0 if self.afresh else None
