"""The doctor: what raises an alarm, what does not, and that every alarm has its words."""

from __future__ import annotations

from typing import Any

import pytest

from gan_core.config import Config
from gan_core.diagnostics import KINDS, diagnose
from gan_core.sentences import sentence

EVEN = [0.1] * 10
FOUR_LOST = [0.0, 0.0, 0.005, 0.0, 0.2, 0.2, 0.2, 0.2, 0.1, 0.095]


def rows(count: int = 5, start: float = 20, **changes: Any) -> list[dict[str, Any]]:
    row = {"histogram": EVEN, "diversity": 9.5, "diversity_of_reals": 10.0, **changes}
    return [{"step": i, "seconds": start + i, **row} for i in range(count)]


def points(count: int = 40, **changes: Any) -> list[dict[str, Any]]:
    return [{"step": i, "right_real": 0.7, "right_fake": 0.7, "grad_g": 0.1, **changes} for i in range(count)]


def kinds(of_points: list[dict[str, Any]], measured: list[dict[str, Any]]) -> list[str]:
    return [alert.kind for alert in diagnose(of_points, measured, Config())]


def test_a_working_training_raises_no_alarm() -> None:
    assert kinds(points(), rows()) == []
    assert kinds([], []) == []


@pytest.mark.parametrize("sick", [{"histogram": FOUR_LOST}, {"diversity": 5.0}])
def test_missing_digits_and_fakes_that_look_alike_are_mode_collapse(sick: dict[str, Any]) -> None:
    assert kinds(points(), rows(**sick)) == ["mode_collapse"]
    assert kinds(points(), [*rows(**sick), *rows(1)]) == [], "it is over"
    assert kinds(points(), rows(2, **sick)) == [], "twice may be chance"
    assert kinds(points(), rows(start=1, **sick)) == [], "a training of seconds has drawn nothing yet"


def test_other_pictures_than_digits_are_judged_by_diversity_alone() -> None:
    others = [{key: value for key, value in row.items() if key != "histogram"} for row in rows(diversity=3.0)]
    assert kinds(points(), others) == ["mode_collapse"]


def test_a_d_that_is_always_right_is_too_strong() -> None:
    assert kinds(points(right_real=0.99, right_fake=0.98), rows()) == ["d_too_strong"]
    assert kinds(points(right_real=0.99, right_fake=0.9), rows()) == []
    assert kinds(points(20, right_real=1.0, right_fake=1.0), rows()) == [], "too few points to say"


def test_every_alarm_says_what_was_measured_and_offers_stronger_penalties() -> None:
    alerts = diagnose(points(right_real=1.0, right_fake=1.0), rows(diversity=1.0), Config(r1_gamma=2))
    assert [alert.kind for alert in alerts] == list(KINDS)
    for alert in alerts:
        assert alert.cure == {"r1_gamma": 6.0, "r2_gamma": 1.0}
        for language in ("en", "zh"):
            for text in ("title", "measured", "reading", "try"):
                assert "{" not in sentence(f"alert_{alert.kind}_{text}", language, **alert.values)
