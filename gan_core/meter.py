"""Metrics beside a training: measured in a thread of their own, at fixed steps, on a copy of G_ema.

At fixed steps, so that a slow machine sees the same training as a fast one. Only where measuring would take more than a share of
the time, as for steps of a few milliseconds, some of these steps are left out.
"""

from __future__ import annotations

import copy
import threading
import time
from typing import Any

import torch
from torch import Tensor, nn

from gan_core import metrics
from gan_core.config import Config
from gan_core.latent import classes_for, draw, generate, sample_z

COUNT = 1000  # fakes measured at a time
EVERY = 250  # steps between two measurements ...
EARLY = (60, 125)  # ... and sooner at first: most happens there
BUDGET = 0.12  # of the time, at most; a measurement takes 0.2 s of a slow core, 250 steps of `minute` there 3 s
SEED = 20_000  # of the z measured with: always the same ones, so that only G changes


class Meter:
    """Measures when it is time and the last measurement is done; never waits, and touches nothing of the training.

    Data sets other than digits have no `digit_fid` and the like, only what means something for any pictures.
    """

    def __init__(self, config: Config, images: Tensor) -> None:
        self._config = config
        self._digits = metrics.available(config.dataset)
        self._images = images[:2000]
        self._z: Tensor | None = None
        self._thread: threading.Thread | None = None
        self._done: list[dict[str, Any]] = []
        self._newest = -1  # the step of the last measurement
        self._free_from = 0.0  # the clock at which the last measurement is within its share of the time
        self._reals_diversity = 0.0
        self._before: tuple[int, nn.Module] | None = None  # G one step before it is measured

    def offer(self, step: int, seconds: float, G: nn.Module) -> None:
        """Begin a measurement of this G if it is time; returns at once. To be called after every step."""
        if is_due(step + 1):
            busy = time.monotonic() < self._free_from or (self._thread is not None and self._thread.is_alive())
            self._before = None if busy else (step, copy.deepcopy(G))
        elif self._before and self._before[0] == step - 1:
            before, self._before = self._before[1], None
            arguments = (step, seconds, copy.deepcopy(G), before)
            self._thread = threading.Thread(target=self._measure, args=arguments, daemon=True)
            self._thread.start()

    def measure_now(self, step: int, seconds: float, G: nn.Module, before: nn.Module | None = None) -> None:
        """Wait for what is under way, then measure this G: for the end of a training. `before` is G one step earlier."""
        if self._thread:
            self._thread.join()
        if step != self._newest:  # the same G again would count twice
            self._measure(step, seconds, G, before)

    def take(self) -> list[dict[str, Any]]:
        """What has been measured since the last call: {"step", "seconds", ...} for each, oldest first."""
        done, self._done = self._done, []
        return done

    def _measure(self, step: int, seconds: float, G: nn.Module, before: nn.Module | None = None) -> None:
        began = time.thread_time()  # on a busy core the clock on the wall would count the others, too
        if self._z is None:
            self._z = sample_z(SEED, COUNT, self._config.z_dim)
            self._reals_diversity = metrics.pixel_diversity(self._images)
        device = next(G.parameters()).device
        classes = classes_for(self._config, COUNT)
        fakes = draw(G, self._config, self._z, at_once=100)
        row: dict[str, Any] = {"step": step, "seconds": round(seconds, 3)}
        if fakes.isfinite().all():
            if self._digits:
                row |= metrics.evaluate(fakes, metrics.load_reference()).to_json()
            else:
                row["diversity"] = metrics.pixel_diversity(fakes)
            row["diversity_of_reals"] = self._reals_diversity
            row["batchnorm_drift"] = batchnorm_drift(G, self._z[:100].to(device), classes, fakes[:100])
            if before is not None:
                moved = rms_distance(before, self._z[:100].to(device), classes, fakes[:100])
                row["restlessness"] = moved / self._reals_diversity
            self._done.append(_rounded(row))
        self._newest = step
        self._free_from = time.monotonic() + (time.thread_time() - began) * (1 / BUDGET - 1)


def is_due(step: int) -> bool:
    """Whether a training is to be measured after this step."""
    return step in EARLY or step % EVERY == 0


@torch.no_grad()
def batchnorm_drift(G: nn.Module, z: Tensor, classes: Tensor | None, fakes: Tensor) -> float:
    """How different G draws z with the statistics of this very batch: the RMS difference to `fakes`, drawn in eval mode.

    In pixel values of [0, 1]. BatchNorm's kept statistics are those of past networks; when they no longer fit, pictures
    made with them differ from those that D saw in training.
    """
    batched = copy.deepcopy(G).train()
    drawn = batched(z) if classes is None else batched(z, classes[: len(z)].to(z.device))
    return float((drawn.float().cpu() - fakes).square().mean().sqrt())


def rms_distance(G: nn.Module, z: Tensor, classes: Tensor | None, fakes: Tensor) -> float:
    """How far from `fakes` G draws the same z: root mean square distance of whole pictures, in pixel values of [0, 1].

    Of G one step before, and relative to the distance between two different reals, it is the `restlessness`: near 0 when
    each step changes little, near 1 when a single step makes every picture another one.
    """
    drawn = generate(G, z, None if classes is None else classes[: len(z)]).cpu()
    return float((drawn - fakes).square().flatten(1).sum(1).mean().sqrt())


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    def shorter(value: Any) -> Any:
        if isinstance(value, list):
            return [shorter(item) for item in value]
        return float(f"{value:.5g}") if isinstance(value, float) else value

    return {key: shorter(value) for key, value in row.items()}
