from __future__ import annotations

import math
import random

from gan_core.curves import POINTS_AT_MOST, SERIES, Curves


def row(step: int, value: float = 0.5) -> dict[str, float]:
    return {"step": step, **dict.fromkeys(SERIES, value)}


def test_a_million_lines_stay_within_the_bound_and_keep_extremes_and_means() -> None:
    curves, values = Curves(), [random.Random(1).random() for _ in range(100_000)]
    for step, value in enumerate(values, 1):
        curves.add(row(step, value))
    points = curves.since(0)
    series = points["series"]["d_loss"]
    assert POINTS_AT_MOST // 2 <= len(points["x"]) <= POINTS_AT_MOST
    assert points["x"] == sorted(points["x"])
    assert points["x"][-1] == len(values)
    assert math.isclose(min(series["lo"]), min(values), rel_tol=1e-4)
    assert math.isclose(max(series["hi"]), max(values), rel_tol=1e-4)
    assert math.isclose(series["mean"][0], sum(values[: curves.stride]) / curves.stride, rel_tol=1e-4)


def test_a_reader_that_asks_again_and_again_has_every_point() -> None:
    curves, generation = Curves(), -1
    have: list[int] = []
    for step in range(1, 2500):
        curves.add(row(step))
        if step % 7 == 0:
            fresh = curves.since(len(have) if generation == curves.generation else 0)
            have = (have if generation == curves.generation else [])[: fresh["from"]] + fresh["x"]
            generation = curves.generation
            assert have == curves.since(0)["x"]


def test_lines_that_are_no_points_are_left_out() -> None:
    curves = Curves()
    for bad in ({}, {"step": "1"}, row(1, math.nan), {**row(1), "d_loss": None}, {**row(1), "g_loss": "x"}):
        curves.add(bad)
    assert len(curves) == 0
    assert curves.since(0)["x"] == []


def test_gradients_may_be_missing_or_infinite() -> None:
    curves = Curves()
    for step, grad in enumerate((None, math.inf, 2.0, math.nan), 1):
        curves.add({**row(step), "seconds": step / 2, "grad_d": grad, "grad_g": grad})
    points = curves.since(0)
    assert points["seconds"] == [0.5, 1.0, 1.5, 2.0]
    for part in ("lo", "mean", "hi"):
        assert points["series"]["grad_d"][part] == [None, None, 2.0, None]
