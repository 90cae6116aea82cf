"""The presets: named starting points, those that work here and those that fail on purpose in `gallery`. Only data.

docs/recipes.md says how good each gets, and what it was chosen from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_core.gallery import GALLERY
from gan_core.preset import UNLIMITED, Preset

_CONV: Mapping[str, Any] = {
    "network": "conv",
    "objective": "non-saturating",
    "batch_size": 32,
    "steps": UNLIMITED,
    "lr_g": 2e-3,
    "lr_d": 2e-3,
    "lr_schedule": "cosine",
    "betas": (0.0, 0.99),
    "r1_gamma": 0.3,
    "r2_gamma": 0.3,
    "ema_decay": 0.998,
}
_NO_R1: Mapping[str, Any] = {**_CONV, "r1_gamma": 0.0, "r2_gamma": 0.0}

DEFAULT_PRESET = "minute"
_WORKING = (
    Preset(
        "minute",
        (
            "Readable digits within half a minute of a slow core: very small convolutional networks, R1 and R2 penalties.",
            "慢的单核半分钟就有清晰的数字：很小的卷积网络，加 R1 与 R2 惩罚。",
        ),
        60,
        # docs/recipes.md: in a minute, more steps of narrower networks are worth more, and so is a faster G
        {
            **_CONV,
            "width": 8,
            "lr_g": 2e-2,
            "lr_d": 1.5e-3,
            "r1_gamma": 0.1,
            "r2_gamma": 0.1,
            "ema_decay": 0.995,
            "seconds": 60.0,
        },
    ),
    Preset(
        "best",
        (
            "Wider networks, the steadiest objective and small steps, for half an hour of a slow core: quality before time.",
            "更宽的网络、最稳的目标函数和更小的步长，在慢的核心上训练半小时：质量优先。",
        ),
        1500,
        {
            **_CONV,
            "objective": "relativistic",
            "lr_g": 1e-3,
            "lr_d": 1e-3,
            "steps": 57_000,
            "ema_decay": 0.999,
            "snapshot_every": 2500,
            "checkpoint_every": 5000,
        },
    ),
    Preset(
        "conditional",
        (
            "G is told which digit to draw, and D judges it as that: ask for a 7 and get one.",
            "告诉 G 要画哪个数字，D 也按那个数字来评判：要 7 就给 7。",
        ),
        120,
        {
            **_CONV,
            "network": "conditional",
            "objective": "relativistic",
            "lr_g": 4e-3,
            "r1_gamma": 0.1,
            "r2_gamma": 0.1,
            "seconds": 120.0,
        },
    ),
    Preset(
        "dcgan",
        (
            "The classic convolutional GAN, the tutorial's announced next part: transposed convolutions and BatchNorm.",
            "经典的卷积 GAN，教程预告的下一篇：转置卷积加 BatchNorm。",
        ),
        180,
        {
            **_NO_R1,
            "network": "dcgan",
            "width": 8,
            "betas": (0.5, 0.999),
            "lr_d": 1e-3,
            "ema_decay": 0.995,
            "seconds": 180.0,
        },
    ),
    Preset(
        "lsgan",
        (
            "Least squares: D gives grades instead of probabilities, and G is drawn to the reals' grade.",
            "最小二乘：D 打分而不是给概率，G 被拉向真实图像的分数。",
        ),
        60,
        {**_CONV, "objective": "lsgan", "seconds": 60.0},
    ),
    Preset(
        "hinge",
        (
            "Hinge loss with spectral normalisation: D stops caring once it is right by a margin, and cannot get steep.",
            "铰链损失加谱归一化：D 判对且有余量就不再计较，也不会变得太陡。",
        ),
        60,
        {**_NO_R1, "objective": "hinge", "spectral_norm": "on", "lr_d": 4e-3, "seconds": 60.0},
    ),
    Preset(
        "wgan-gp",
        (
            "Wasserstein distance with a gradient penalty: D's loss means something, at two D steps for each of G.",
            "Wasserstein 距离加梯度惩罚：D 的损失有了含义，代价是 G 每走一步 D 要走两步。",
        ),
        120,
        {
            **_NO_R1,
            "objective": "wasserstein",
            "gp_weight": 1.0,
            "n_critic": 2,
            "betas": (0.0, 0.9),
            "seconds": 120.0,
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
    Preset(
        "tutorial-tuned",
        (
            "The tutorial's networks, untouched, with all that training has learned since: a hundred times the learning "
            "rate, another objective, penalties, an average.",
            "教程的网络一层不改，只换上后来学到的训练方法：百倍学习率、新的目标函数、惩罚项和滑动平均。",
        ),
        120,
        {
            **_CONV,
            "network": "mlp",
            "objective": "relativistic",
            "lr_g": 1e-3,
            "lr_d": 1e-3,
            "seconds": 120.0,
        },
    ),
)
PRESETS: dict[str, Preset] = {preset.name: preset for preset in (*_WORKING, *GALLERY)}
