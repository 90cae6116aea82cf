"""The presets: named starting points, those that work and those that fail on purpose. Only data; `config` checks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNLIMITED = 10_000_000  # steps, where the clock decides


@dataclass(frozen=True)
class Preset:
    """A named starting point: the settings that differ from `Config`'s defaults, and what to say about it.

    `about` is (English, Chinese). `seconds` is what it takes on one core of a small server. A preset with a `cure`, the
    settings that mend it, fails on purpose: `about` says what to look at.
    """

    name: str
    about: tuple[str, str]
    seconds: int
    settings: Mapping[str, Any]
    cure: Mapping[str, Any] = field(default_factory=dict)


_CONV: Mapping[str, Any] = {
    "network": "conv",
    "objective": "non-saturating",
    "batch_size": 32,
    "lr_g": 2e-3,
    "lr_d": 2e-3,
    "lr_schedule": "cosine",
    "betas": (0.0, 0.99),
    "r1_gamma": 0.3,
    "r2_gamma": 0.3,
    "ema_decay": 0.998,
}

DEFAULT_PRESET = "minute"
PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "minute",
            (
                "Readable digits in a minute on one core: small convolutional networks, R1 and R2 penalties.",
                "单核一分钟得到清晰的数字：小型卷积网络，加 R1 与 R2 惩罚。",
            ),
            60,
            {**_CONV, "steps": UNLIMITED, "seconds": 60.0},
        ),
        Preset(
            "best",
            (
                "The same networks, eleven minutes instead of one, and a slower average: quality before time.",
                "同样的网络，从一分钟延长到十一分钟，平均更慢：质量优先。",
            ),
            660,
            {
                **_CONV,
                "steps": UNLIMITED,
                "seconds": 660.0,
                "ema_decay": 0.999,
                "snapshot_every": 2500,
                "checkpoint_every": 5000,
            },
        ),
        Preset(
            "tutorial",
            (
                "The tutorial's two fully connected networks, exactly as published: slow, blurry and honest.",
                "教程里的两个全连接网络，与原文完全一致：慢、模糊，但真实。",
            ),
            1800,
            {},
        ),
    )
}
