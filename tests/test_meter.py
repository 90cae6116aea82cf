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
    monkeypatch.setattr(meter, "FIRST_AFTER", 0.0)
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
    watch = watching(trainer)
    watch.offer(1, 0.1, trainer.G_ema)
    watch.offer(5, 0.5, trainer.G_ema)
    watch.offer(5, 0.5, trainer.G_ema)
    assert watch._thread is None, "it waits for two steps in a row"
    trainer.step()
    watch.offer(6, 0.6, trainer.G_ema)
    (row,) = wait(watch)
    assert (row["step"], row["seconds"]) == (6, 0.6)
    assert 0 < row["restlessness"] < 1


def test_restlessness_is_how_far_a_step_moves_the_pictures(trainer: Trainer) -> None:
    watch = watching(trainer)
    still, moved = copy.deepcopy(trainer.G), copy.deepcopy(trainer.G)
    with torch.no_grad():
        for weight in moved.parameters():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    for before in (still, moved, None):
        watch.measure_now(1, 1.0, trainer.G, before)
    rows = watch.take()
    assert rows[0]["restlessness"] == 0
    assert rows[1]["restlessness"] > 0.1
    assert "restlessness" not in rows[2], "at the end of a training there is no G of a step before"
    assert rows[0]["diversity_of_reals"] == rows[2]["diversity_of_reals"] > 0


def test_a_g_that_draws_nan_is_not_measured(trainer: Trainer) -> None:
    watch = watching(trainer)
    with torch.no_grad():
        next(trainer.G.parameters()).fill_(torch.nan)
    watch.measure_now(1, 1.0, trainer.G)
    assert watch.take() == []
