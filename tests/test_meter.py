"""Metrics beside a training: when the meter measures, and what it says besides the metrics themselves."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
import torch

from gan_core import data, meter
from gan_core.config import make_config
from gan_core.loop import resolve
from gan_core.meter import Meter
from gan_core.trainer import Trainer
from tests.conftest import TINY


@pytest.fixture
def trainer(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    monkeypatch.setattr(meter, "COUNT", 100)
    config = resolve(make_config("tutorial", {"dataset": tiny_dataset, **TINY}))
    return Trainer(config, data.load(tiny_dataset).images)


def watching(trainer: Trainer) -> Meter:
    return Meter(trainer.config, data.load(trainer.config.dataset).images)


def wait(watch: Meter) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 20
    while not (rows := watch.take()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return rows


def test_it_measures_g_beside_g_of_the_step_before(trainer: Trainer) -> None:
    watch, first = watching(trainer), meter.EARLY[0]
    watch.offer(first, 0.5, trainer.G_ema)
    watch.offer(meter.EVERY - 1, 0.5, trainer.G_ema)
    assert watch._thread is None, "it needs two steps in a row"
    trainer.step()
    watch.offer(meter.EVERY, 0.6, trainer.G_ema)
    (row,) = wait(watch)
    assert (row["step"], row["seconds"]) == (meter.EVERY, 0.6)
    assert 0 < row["restlessness"] < 1


def test_it_measures_at_fixed_steps_however_fast_they_come(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, steps = watching(trainer), []
    monkeypatch.setattr(watch, "_measure", lambda step, *_: steps.append(step))
    for step in range(1, 3 * meter.EVERY + 1):
        watch.offer(step, 0.0, trainer.G_ema)
        if watch._thread:
            watch._thread.join()
    assert steps == [*meter.EARLY, meter.EVERY, 2 * meter.EVERY, 3 * meter.EVERY]


def test_it_leaves_a_step_out_rather_than_take_more_than_its_share(trainer: Trainer) -> None:
    watch = watching(trainer)
    for step in (meter.EVERY - 1, meter.EVERY):
        watch.offer(step, 0.0, trainer.G_ema)
    wait(watch)
    for step in (2 * meter.EVERY - 1, 2 * meter.EVERY):
        watch.offer(step, 0.0, trainer.G_ema)
    assert watch._thread is not None
    watch._thread.join()
    assert watch.take() == [], "250 steps in no time at all"
    watch._free_from = 0.0
    for step in (3 * meter.EVERY - 1, 3 * meter.EVERY):
        watch.offer(step, 0.0, trainer.G_ema)
    assert [row["step"] for row in wait(watch)] == [3 * meter.EVERY]


def test_restlessness_is_how_far_a_step_moves_the_pictures(trainer: Trainer) -> None:
    watch = watching(trainer)
    still, moved = copy.deepcopy(trainer.G), copy.deepcopy(trainer.G)
    with torch.no_grad():
        for weight in moved.parameters():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    for step, before in enumerate((still, moved, None)):
        watch.measure_now(step, 1.0, trainer.G, before)
    rows = watch.take()
    assert rows[0]["restlessness"] == 0
    assert rows[1]["restlessness"] > 0.1
    assert "restlessness" not in rows[2], "at the end of a training there is no G of a step before"
    assert rows[0]["diversity_of_reals"] == rows[2]["diversity_of_reals"] > 0


def test_a_step_is_measured_once(trainer: Trainer) -> None:
    watch = watching(trainer)
    for step in (1, 1, 2):
        watch.measure_now(step, 1.0, trainer.G)
    assert [row["step"] for row in watch.take()] == [1, 2]


def test_a_g_that_draws_nan_is_not_measured(trainer: Trainer) -> None:
    watch = watching(trainer)
    with torch.no_grad():
        next(trainer.G.parameters()).fill_(torch.nan)
    watch.measure_now(1, 1.0, trainer.G)
    assert watch.take() == []
