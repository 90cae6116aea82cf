"""The break-it gallery: each preset fails the way it says, the doctor finds it, and the cure works.

Shorter than real: few steps, smaller batches, and a second is 20 steps, as on a slow machine. The whole of it, with
several seeds, is `python -m benchmarks.doctor`.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from gan_core import data, meter
from gan_core.config import Config, check_field, check_together, make_config
from gan_core.diagnostics import KINDS, diagnose
from gan_core.fields import FIXED
from gan_core.gallery import ALARMS, GALLERY
from gan_core.loop import resolve
from gan_core.meter import Meter
from gan_core.presets import PRESETS
from gan_core.trainer import Measured, Trainer

STEPS, CURED_STEPS, MEASURE_EVERY = 400, 300, 80
STEPS_A_SECOND = 20
LONGER = {"oscillation": 2}  # it takes this many times as long to go to and fro


class Watched:
    """A training with what the loop would have written down about it."""

    def __init__(self, config: Config) -> None:
        self.images = data.load("mnist").images
        self.trainer = Trainer(config, self.images)
        self.points: list[dict[str, Any]] = []
        self.measured: list[dict[str, Any]] = []
        self.found: set[str] = set()  # alarms at any measurement, and at the last one
        self.last: set[str] = set()

    def train(self, steps: int, measure_every: int = MEASURE_EVERY) -> None:
        config, watching = self.trainer.config, Meter(self.trainer.config, self.images)
        for _ in range(steps):
            if (self.trainer.step_count + 1) % measure_every == 0:
                before = copy.deepcopy(self.trainer.G_ema)
            self.trainer.step()
            step = self.trainer.step_count
            if step % config.log_every == 0:
                rows = self.trainer.measurements()
                means = (sum(column) / len(rows) for column in zip(*rows, strict=True))
                self.points.append({"step": step, **dict(zip(Measured._fields, means, strict=True))})
            if step % measure_every == 0:
                watching.measure_now(step, step / STEPS_A_SECOND, self.trainer.G_ema, before)
                self.measured += watching.take()
                self.last = {alert.kind for alert in diagnose(self.points, self.measured, config)}
                self.found |= self.last

    def cured(self, settings: dict[str, Any], afresh: bool) -> Watched:
        branch = Watched(dataclasses.replace(self.trainer.config, **settings))
        if not afresh:
            branch.trainer.load_state_dict(copy.deepcopy(self.trainer.state_dict()))
            branch.points, branch.measured = list(self.points), list(self.measured)
        return branch

    @property
    def digit_fid(self) -> float:
        return float(self.measured[-1]["digit_fid"])


@pytest.mark.parametrize("preset", GALLERY, ids=lambda preset: preset.name)
def test_it_fails_as_it_says_and_its_cure_works(preset: Any, mnist: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "COUNT", 500)
    batch = min(16, preset.settings["batch_size"])
    failing = Watched(resolve(make_config(preset.name, {"batch_size": batch, "threads": 1, "device": "cpu"})))
    longer = LONGER.get(preset.name, 1)
    failing.train(longer * STEPS, longer * MEASURE_EVERY)
    assert ALARMS[preset.name] in failing.found, (failing.found, failing.measured, failing.points[-5:])
    branch = failing.cured(dict(preset.cure), preset.afresh)
    branch.train(CURED_STEPS)
    assert ALARMS[preset.name] not in branch.last, branch.measured
    assert branch.digit_fid < 0.7 * failing.digit_fid


@pytest.mark.parametrize("preset", GALLERY, ids=lambda preset: preset.name)
def test_its_cure_can_be_branched_with(preset: Any) -> None:
    assert preset is PRESETS[preset.name]
    assert ALARMS[preset.name] in KINDS
    config = make_config(preset.name)
    for name, value in preset.cure.items():
        assert name not in FIXED
        assert check_field(name, value) == value
    check_together(dataclasses.replace(config, **preset.cure))
    assert config.seconds <= 60
    assert config.checkpoint_every * 0.02 < config.seconds, "there is something to branch from"


def test_every_failing_preset_has_its_alarm() -> None:
    assert {name for name, preset in PRESETS.items() if preset.cure} == set(ALARMS)
