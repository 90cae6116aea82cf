"""The doctor: each rule on both sides of its threshold, and that every alarm has its words and a cure one can branch with."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from gan_core import loop
from gan_core.config import Config, check_field
from gan_core.diagnostics import KINDS, LASTING, Alert, diagnose
from gan_core.fields import FIXED
from gan_core.files import read_lines
from gan_core.sentences import sentence

EVEN = [0.1] * 10
FOUR_LOST = [0.0, 0.049, 0.0, 0.0, 0.15, 0.15, 0.15, 0.2, 0.15, 0.151]
FIVE_LOST = [*FOUR_LOST[:4], 0.045, 0.15, 0.15, 0.3, 0.15, 0.151]
CONFIG = Config(lr_g=1e-3, lr_d=1e-3)
WELL = {
    "count": 1000,
    "digit_fid": 5.0,
    "precision": 0.5,
    "recall": 0.6,
    "histogram": EVEN,
    "diversity": 9.5,
    "nearest_real": 1.8,
    "diversity_of_reals": 10.0,
    "batchnorm_drift": 0.01,
}
CALM = {"right_real": 0.7, "right_fake": 0.7, "d_real": 0.6, "d_fake": 0.4, "grad_d": 0.5, "grad_g": 0.1}


def rows(*changes: dict[str, Any], start: int = 1000) -> list[dict[str, Any]]:
    """Measurements, one for each set of changes to what a working training shows."""
    return [{"step": start + 250 * i, "seconds": 20 + 5 * i, **WELL, **each} for i, each in enumerate(changes)]


def lasting(**changes: Any) -> list[dict[str, Any]]:
    return rows(*[changes] * LASTING)


def points(count: int = 40, **changes: Any) -> list[dict[str, Any]]:
    return [{"step": 10 * i, **CALM, **changes} for i in range(count)]


def kinds(measured: list[dict[str, Any]], of_points: list[dict[str, Any]] | None = None) -> list[str]:
    return [alert.kind for alert in diagnose(points() if of_points is None else of_points, measured, CONFIG)]


def digits(*values: float) -> list[dict[str, Any]]:
    return rows(*({"digit_fid": value} for value in values))


def test_a_working_training_raises_no_alarm() -> None:
    assert kinds(lasting()) == []
    assert kinds([], []) == []
    assert kinds(digits(250, 30, 12, 8, 6, 5, 5.5, 5)) == []


SICK: dict[str, tuple[dict[str, Any], ...]] = {
    "mode_collapse": ({"histogram": FIVE_LOST}, {"diversity": 4.4}),
    "memorisation": ({"nearest_real": 0.49, "precision": 0.91},),
    "batchnorm_drift": ({"batchnorm_drift": 0.16},),
}
JUST_WELL = (
    {"histogram": FOUR_LOST},
    {"diversity": 4.6},
    {"nearest_real": 0.51, "precision": 0.99},
    {"nearest_real": 0.3, "precision": 0.89},
    {"batchnorm_drift": 0.14},
)


@pytest.mark.parametrize(("kind", "sick"), [(kind, sick) for kind, each in SICK.items() for sick in each])
def test_what_is_measured_past_a_threshold_is_an_alarm_if_it_lasts(kind: str, sick: dict[str, Any]) -> None:
    assert kinds(lasting(**sick)) == [kind]
    assert kinds([*rows({}), *lasting(**sick)]) == [kind]
    assert kinds(rows(*[sick] * (LASTING - 1))) == [], "it may be chance"
    assert kind not in kinds(rows(sick, {}, sick, sick)), "it did not last"
    assert kinds(rows(*[sick] * LASTING, {})) == [], "it is over"


@pytest.mark.parametrize("well", JUST_WELL)
def test_on_this_side_of_its_threshold_it_is_none(well: dict[str, Any]) -> None:
    assert kinds(lasting(**well)) == []


def test_a_training_that_has_hardly_begun_is_not_judged() -> None:
    sick = [{"diversity": 1.0}] * LASTING
    strong = points(right_real=1.0, right_fake=1.0)
    assert kinds(rows(*sick, start=499 - 250 * (LASTING - 1)), strong) == [], "steps"
    slow = dataclasses.replace(CONFIG, lr_g=1e-5, lr_d=1e-5)
    assert diagnose(strong, rows(*sick), slow) == [], "with the tutorial's learning rate 1600 steps are nothing"
    late = [{**row, "step": 20 * row["step"]} for row in rows(*sick)]
    assert [alert.kind for alert in diagnose(strong, late, slow)] == ["d_too_strong", "mode_collapse"]


def test_what_is_no_digit_is_not_said_to_be_one_digit_again_and_again() -> None:
    assert kinds(lasting(histogram=[0, 0.49, *[0.0] * 8])) == [], "half of the pictures say nothing about digits"
    assert kinds(lasting(histogram=[0, 0.51, *[0.0] * 8])) == ["mode_collapse"]


def test_pictures_far_worse_than_the_best_are_divergence() -> None:
    unread = {"histogram": [0.04] * 10}

    def kinds_of(*distances: float, **changes: Any) -> list[str]:
        return kinds(rows(*({"digit_fid": distance, **unread, **changes} for distance in distances)))

    assert kinds_of(30, 15, 46, 46, 46) == ["divergence"]
    assert kinds_of(30, 15, 44, 46, 46) == [], "three times as bad, no more"
    assert kinds_of(30, 2, 21, 21, 21) == [], "worse, but not bad"
    assert kinds_of(30, 15, 46, 46, 16) == [], "it came back"
    assert kinds_of(30, 15, 46, 46, 46, histogram=[0.0] * 8 + [0.5, 0.5]) == ["mode_collapse"], (
        "it draws digits, if few"
    )


@pytest.mark.parametrize("gradient", [51.0, float("inf"), float("nan")])
def test_gradients_that_exploded_are_divergence_while_pictures_are_bad(gradient: float) -> None:
    exploded = [*points(1, grad_d=gradient), *points()]
    (alert,) = diagnose(exploded, digits(30, 30, 30), CONFIG)
    assert alert.kind == "divergence"
    assert json.loads(json.dumps(alert.values, allow_nan=False))["best"] == 30
    assert kinds(digits(30, 30, 30), points(grad_d=49.0)) == []
    assert kinds(digits(30, 30, 19), exploded) == [], "it recovers"
    assert kinds(digits(30, 30), exploded) == [], "too early to say"


def test_one_picture_to_the_pixel_is_divergence() -> None:
    assert kinds(lasting(diversity=0.09)) == ["divergence", "mode_collapse"]
    assert kinds(lasting(diversity=0.11)) == ["mode_collapse"]


def test_a_d_that_is_nearly_always_right_is_too_strong() -> None:
    assert kinds(lasting(), points(right_real=0.99, right_fake=0.985)) == ["d_too_strong"]
    assert kinds(lasting(), points(right_real=1.0, right_fake=0.97)) == []
    assert kinds(lasting(), points(29, right_real=1.0, right_fake=1.0)) == [], "too few points to say"
    assert kinds(lasting(), [*points(right_real=1.0, right_fake=1.0), *points(30)]) == [], "it is over"


def test_a_g_without_gradient_has_a_d_that_is_too_strong() -> None:
    assert kinds(lasting(), points(grad_g=9e-5)) == ["d_too_strong"]
    assert kinds(lasting(), points(grad_g=2e-4)) == []


def leaping(share: float, count: int = 5) -> list[dict[str, Any]]:
    """Histograms in which `share` of the fakes move between two digits, to and fro."""
    return [
        {"histogram": [0.04 + share * (n % 2), 0.04 + share * ((n + 1) % 2), *[(0.92 - share) / 8] * 8]}
        for n in range(count)
    ]


def test_digits_that_come_and_go_are_oscillation() -> None:
    assert kinds(rows(*leaping(0.41))) == ["oscillation"]
    assert kinds(rows(*leaping(0.39))) == []
    assert kinds(rows(*leaping(0.5, LASTING))) == [], "twice is no pattern"
    assert kinds(rows(*leaping(0.5), {}, {}, {}, {})) == [], "it is over"
    falling = [{**each, "digit_fid": 60.0 - 10 * n} for n, each in enumerate(leaping(0.5))]
    assert kinds(rows(*falling)) == [], "it gets better all the time"


@pytest.mark.parametrize(("share", "found"), [(0.21, ["oscillation"]), (0.19, [])])
def test_fewer_digits_need_to_move_where_quality_swings_once(share: float, found: list[str]) -> None:
    distances = (10.0, 14.0, 10.0, 10.0, 10.0)
    assert (
        kinds(rows(*[{**each, "digit_fid": far} for each, far in zip(leaping(share), distances, strict=True)])) == found
    )


def test_digits_that_come_and_go_altogether_are_oscillation() -> None:
    seen = [{"histogram": [0.1 * (1 - 0.5 * (n % 2))] * 10} for n in range(5)]
    assert kinds(rows(*seen)) == ["oscillation"]


def test_pictures_that_one_step_changes_are_oscillation() -> None:
    assert kinds(lasting(restlessness=0.06)) == ["oscillation"]
    assert kinds(lasting(restlessness=0.04)) == []
    assert kinds(rows({}, *[{"restlessness": 0.5}] * 2, {})) == [], "it has to last"


def test_quality_that_goes_up_and_down_is_oscillation() -> None:
    assert kinds(digits(10, 14, 10, 14, 10)) == ["oscillation"]
    assert kinds(digits(10, 12, 10, 12, 10)) == []
    assert kinds(digits(10, 14, 10, 10, 10)) == [], "once may be chance"
    assert kinds(digits(40, 53, 20, 27, 13)) == [], "it gets better all the same"


def test_other_pictures_than_digits_are_judged_by_what_there_is() -> None:
    known = ("step", "seconds", "diversity", "diversity_of_reals", "batchnorm_drift")
    others = [{name: row[name] for name in known} for row in lasting(diversity=3.0, batchnorm_drift=0.5)]
    strong = points(right_real=1.0, right_fake=1.0, grad_d=60.0)
    found = diagnose(strong, others, CONFIG)
    assert [alert.kind for alert in found] == ["divergence", "d_too_strong", "mode_collapse", "batchnorm_drift"]
    assert found[0].values["digit_fid"] == "-"
    old = [{name: row[name] for name in known[:4]} for row in lasting()]
    assert kinds(old) == []


def every_alert(config: Config) -> list[Alert]:
    swings = diagnose(points(), digits(10, 14, 10, 14, 10), config)
    rest = lasting(diversity=1.0, nearest_real=0.1, precision=1.0, batchnorm_drift=0.5)
    return swings + diagnose(points(right_real=1.0, right_fake=1.0, grad_d=60.0), rest, config)


@pytest.mark.parametrize(
    "config",
    [CONFIG, Config(lr_g=2e-3, lr_d=1e-2, objective="saturating", r1_gamma=0.1, ema_decay=0.998)],
    ids=["plain", "with penalties"],
)
def test_every_alarm_has_its_words_and_a_cure_that_can_be_branched_with(config: Config) -> None:
    found = every_alert(config)
    assert {alert.kind for alert in found} == set(KINDS)
    for alert in found:
        for language in ("en", "zh"):
            for text in ("title", "measured", "reading", "try"):
                assert "{" not in sentence(f"alert_{alert.kind}_{text}", language, **alert.values)
        assert alert.cure
        for name, value in alert.cure.items():
            assert name not in FIXED
            check_field(name, value)
            assert not isinstance(value, float) or len(f"{value}") < 10  # people read it
        assert any(value != getattr(config, name) for name, value in alert.cure.items())


def test_an_alarm_in_a_running_training_is_kept_and_does_it_no_harm(
    make_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = Alert("mode_collapse", {"lost": 9, "lost_most": 5, "share": 0.1, "share_least": 0.45}, {"r1_gamma": 0.3})
    seen: list[int] = []

    def found(of_points: list[dict[str, Any]], measured: list[dict[str, Any]], config: Config) -> list[Alert]:
        seen.append(max((point["step"] for point in of_points), default=0) - measured[-1]["step"])
        return [alert]

    monkeypatch.setattr(loop, "diagnose", found)
    run = make_run()
    assert loop.train_run(run).status == "finished"
    assert run.metrics()[0][-1]["alerts"] == [dataclasses.asdict(alert)]
    raised = [line for line in read_lines(run.folder / "events.jsonl")[0] if line["event"] == "alert"]
    assert [line["alert"] for line in raised] == [dataclasses.asdict(alert)], "once, not at every measurement"
    assert max(seen) <= 0, "it looks at no point that came after the measurement, so that it can be replayed"
