"""The break-it gallery: presets that fail on purpose, each with what to look at and the settings that cure it. Only data.

All but one use the small convolutional pair, which otherwise works with nearly any setting, half as wide as usual, so that a
failure and its cure take half a minute each on a slow core. `collapse` takes the tutorial's pair and a minute: its G mixes strokes
where the other mixes pixels, so that what it collapses to is still a digit. They end after so many steps, not seconds: what they
show must not depend on how fast the machine is. `python -m benchmarks.doctor` shows that each fails and that each cure works, in
fp32 and in bf16; docs/doctor.md keeps its table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_core.preset import Preset

STEPS = 1500
SECONDS = 30  # what they take on a slow core

# what works, short of any help against failing: no penalties, no schedule
_PLAIN: Mapping[str, Any] = {
    "network": "conv",
    "width": 8,
    "objective": "non-saturating",
    "batch_size": 32,
    "lr_g": 2e-3,
    "lr_d": 2e-3,
    "betas": (0.0, 0.99),
    "ema_decay": 0.998,
    "steps": STEPS,
    "snapshot_every": 250,
    "checkpoint_every": 250,
}
_STEADY: Mapping[str, Any] = {"lr_g": 2e-3, "lr_d": 2e-3, "r1_gamma": 0.3, "r2_gamma": 0.3}

# what the doctor finds in each, as long as it fails
ALARMS: Mapping[str, str] = {
    "collapse": "mode_collapse",
    "strong-d": "d_too_strong",
    "oscillation": "oscillation",
    "lr-blow-up": "divergence",
    "no-ema": "oscillation",
    "saturating": "d_too_strong",
}

GALLERY: tuple[Preset, ...] = (
    Preset(
        "collapse",
        (
            "Mode collapse: after 500 steps D all but stops learning, and G runs to what D believes in: soon it draws one or two "
            "digits, again and again. Look at the grid and at the digit bars.",
            "模式坍塌：500 步之后 D 几乎不再学习，G 就奔向 D 仍然相信的图：不久它只反复画一两种数字。看图像网格和数字直方图。",
        ),
        2 * SECONDS,
        {
            **_PLAIN,
            **{"network": "mlp", "lr_g": 3e-3, "lr_d": 1e-3, "lr_schedule": "d-sleeps"},
            **{"r1_gamma": 0.1, "r2_gamma": 0.1, "ema_decay": 0.9},
        },
        {"lr_schedule": "constant", "lr_g": 1e-3, "ema_decay": 0.998},
    ),
    Preset(
        "strong-d",
        (
            "D gets three fast steps for each slow one of G, and is right about everything: G hardly improves. "
            "Look at D(x) and D(G(z)).",
            "G 每慢走一步，D 就快走三步，于是 D 全都判对，G 几乎没有进步。看 D(x) 与 D(G(z))。",
        ),
        SECONDS,
        {**_PLAIN, "lr_g": 5e-5, "lr_d": 5e-3, "n_critic": 3},
        {**_STEADY, "n_critic": 1},
    ),
    Preset(
        "oscillation",
        (
            "Momentum, steps ten times too large, no average: G runs from one digit to the next, and D after it. "
            "Look at one place of the grid: within 100 steps, half of them show another digit.",
            "有动量，步子大了十倍，又没有平均：G 从一个数字跑到另一个，D 在后面追。盯住网格中的一格：100 步之内，一半的格子会变成别的数字。",
        ),
        SECONDS,
        {**_PLAIN, **_STEADY, "lr_g": 3e-2, "lr_d": 1e-2, "betas": (0.5, 0.9), "ema_decay": 0.0},
        {**_STEADY, "betas": (0.0, 0.99), "ema_decay": 0.998},
        afresh=True,
    ),
    Preset(
        "lr-blow-up",
        (
            "Learning rates 25 times too large: every step overshoots, until nothing is left. Look at the pictures and the losses.",
            "学习率大了 25 倍：每一步都迈过头，最后什么也不剩。看图像和损失曲线。",
        ),
        SECONDS,
        {**_PLAIN, "lr_g": 5e-2, "lr_d": 5e-2},
        _STEADY,
        afresh=True,
    ),
    Preset(
        "no-ema",
        (
            "Large steps of G and no average to sample from: pictures jump from one moment to the next. Look at the "
            "digit-FID going up and down.",
            "G 的步子大，又没有用来采样的平均：图像一刻一变。看 digit-FID 的起起落落。",
        ),
        SECONDS,
        {**_PLAIN, "lr_g": 2e-2, "lr_d": 2e-3, "batch_size": 16, "r1_gamma": 0.3, "r2_gamma": 0.3, "ema_decay": 0.0},
        {"ema_decay": 0.999},
    ),
    Preset(
        "saturating",
        (
            "The original minimax loss: once D is sure of the fakes, G's gradient is gone. Look at the length of G's "
            "gradient.",
            "最初的 minimax 损失：D 一旦对生成图有把握，G 的梯度就消失了。看 G 的梯度长度。",
        ),
        SECONDS,
        {**_PLAIN, "objective": "saturating", "lr_g": 2e-4},
        {**_STEADY, "objective": "non-saturating"},
    ),
)
