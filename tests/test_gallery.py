"""The break-it gallery: each preset fails the way it says, the doctor finds it, and the cure works.

What a training of 1,500 steps does is chaos in the last bits, so it is looked at in recordings of real ones, at least three seeds
each: `python -m benchmarks.doctor ... --record tests/recordings` makes them anew, `--precision bf16` beside them. Two presets are trained here, too, for a
few hundred steps: the ones whose failure needs no luck.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.doctor import POINT, RECOVERED
from gan_core import data, meter
from gan_core.config import Config, check_field, check_together, from_json, make_config, to_json
from gan_core.diagnostics import KINDS, diagnose
from gan_core.fields import FIXED
from gan_core.gallery import ALARMS, GALLERY, STEPS
from gan_core.loop import resolve
from gan_core.meter import Meter
from gan_core.preset import Preset
from gan_core.presets import PRESETS
from gan_core.trainer import Measured, Trainer

RECORDINGS = Path(__file__).parent / "recordings"
FREE = ("seed", "precision", "device", "threads", "steps")  # settings in which a recording may differ from its preset
SEEDS = 3


class Recording:
    """What the doctor saw of a training, one measurement after the other."""

    def __init__(self, path: Path) -> None:
        kept = json.loads(path.read_text("utf-8"))
        self.config: Config = from_json(kept["settings"])
        self.measured: list[dict[str, Any]] = kept["measured"]
        self.points = [dict(zip(POINT, point, strict=True)) for point in kept["points"]]
        self.since: int = kept["since"]

    def alarms(self) -> list[list[str]]:
        """The alarms at each measurement of this training, a branch's parent aside."""
        rows = [row for row in self.measured if row["step"] > self.since]
        return [self._at(row["step"]) for row in rows]

    def _at(self, step: int) -> list[str]:
        points = [point for point in self.points if point["step"] <= step]
        measured = [row for row in self.measured if row["step"] <= step]
        return [alert.kind for alert in diagnose(points[-300:], measured, self.config)]


def recordings(preset: str, cured: bool = False) -> list[Recording]:
    found = sorted(RECORDINGS.glob(f"{preset}-*-s?{'-cured' if cured else ''}.json"))
    assert len(found) >= SEEDS
    return [Recording(path) for path in found]


@pytest.mark.parametrize("preset", GALLERY, ids=lambda preset: preset.name)
def test_the_recordings_are_of_the_preset_as_it_is(preset: Preset) -> None:
    expected = to_json(make_config(preset.name))
    for kept in recordings(preset.name):
        got = to_json(kept.config)
        assert {name for name in expected if got[name] != expected[name]} <= set(FREE)
        assert kept.measured[-1]["step"] == STEPS
    for kept in recordings(preset.name, cured=True):
        got = to_json(kept.config)
        cure = {name: list(value) if isinstance(value, tuple) else value for name, value in preset.cure.items()}
        changed = {**expected, **cure}
        assert {name for name in expected if got[name] != changed[name]} <= set(FREE)


@pytest.mark.parametrize("preset", GALLERY, ids=lambda preset: preset.name)
def test_it_fails_as_it_says(preset: Preset) -> None:
    for kept in recordings(preset.name):
        assert any(ALARMS[preset.name] in found for found in kept.alarms()), kept.config


@pytest.mark.parametrize("preset", GALLERY, ids=lambda preset: preset.name)
def test_its_cure_works(preset: Preset) -> None:
    for kept in recordings(preset.name, cured=True):
        assert kept.alarms()[-1] == [], kept.config
        assert kept.measured[-1]["digit_fid"] < RECOVERED, kept.config


def test_a_collapse_is_to_readable_digits_of_two_kinds_at_most() -> None:
    for kept in recordings("collapse"):
        shown = [row["histogram"] for row in kept.measured if row["step"] >= STEPS // 2]
        readable = [shares for shares in shown if sum(shares) >= 0.5]
        assert min(sum(share >= 0.05 for share in shares) for shares in readable) <= 2, kept.config


@pytest.mark.parametrize("name", ["strong-d", "saturating"])
def test_pictures_that_are_no_digits_are_not_called_digits(name: str) -> None:
    for kept in recordings(name):
        assert sum(kept.measured[-1]["histogram"]) < 0.5


class Watched:
    """A training with what the loop would have written down about it."""

    def __init__(self, config: Config) -> None:
        self.images = data.load("mnist").images
        self.trainer = Trainer(config, self.images)
        self.points: list[dict[str, Any]] = []
        self.measured: list[dict[str, Any]] = []

    def train(self, until: int, measure_at: tuple[int, ...]) -> set[str]:
        """Train to that step; returns the alarms after the last measurement."""
        config, watching = self.trainer.config, Meter(self.trainer.config, self.images)
        while self.trainer.step_count < until:
            if self.trainer.step_count + 1 in measure_at:
                before = copy.deepcopy(self.trainer.G_ema)
            self.trainer.step()
            step = self.trainer.step_count
            if step % config.log_every == 0:
                rows = self.trainer.measurements()
                means = (sum(column) / len(rows) for column in zip(*rows, strict=True))
                self.points.append({"step": step, **dict(zip(Measured._fields, means, strict=True))})
            if step in measure_at:
                watching.measure_now(step, 0.0, self.trainer.G_ema, before)
        self.measured += watching.take()
        return {alert.kind for alert in diagnose(self.points, self.measured, config)}

    def cured(self, settings: dict[str, Any]) -> Watched:
        branch = Watched(dataclasses.replace(self.trainer.config, **settings))
        branch.trainer.load_state_dict(copy.deepcopy(self.trainer.state_dict()))
        branch.points, branch.measured = list(self.points), list(self.measured)
        return branch


def failing(name: str, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(meter, "COUNT", 200)
    return Watched(resolve(make_config(name, {"threads": 1, "device": "cpu"})))


def test_a_saturating_loss_stops_g_and_the_other_loss_starts_it(mnist: str, monkeypatch: pytest.MonkeyPatch) -> None:
    training = failing("saturating", monkeypatch)
    assert "d_too_strong" in training.train(500, (500,))
    noise = training.measured[-1]
    branch = training.cured(dict(PRESETS["saturating"].cure))
    assert "d_too_strong" not in branch.train(900, (900,))
    assert branch.measured[-1]["digit_fid"] < noise["digit_fid"] / 4


def test_without_an_average_a_step_makes_other_pictures(mnist: str, monkeypatch: pytest.MonkeyPatch) -> None:
    training = failing("no-ema", monkeypatch)
    assert "oscillation" in training.train(520, (500, 510, 520))
    branch = training.cured(dict(PRESETS["no-ema"].cure))
    assert "oscillation" not in branch.train(820, (800, 810, 820))


@pytest.mark.parametrize("preset", GALLERY, ids=lambda preset: preset.name)
def test_its_cure_can_be_branched_with(preset: Preset) -> None:
    assert preset is PRESETS[preset.name]
    assert ALARMS[preset.name] in KINDS
    config = make_config(preset.name)
    for name, value in preset.cure.items():
        assert name not in FIXED
        assert check_field(name, value) == value
    check_together(dataclasses.replace(config, **preset.cure))
    assert config.seconds == 0, "it ends after so many steps, on any machine"
    assert config.checkpoint_every < config.steps, "there is something to branch from"


def test_every_failing_preset_has_its_alarm() -> None:
    assert {name for name, preset in PRESETS.items() if preset.cure} == set(ALARMS)
