from __future__ import annotations

import dataclasses
import math

import pytest

from gan_core.config import Config, from_json, make_config, to_json
from gan_core.fields import FIELDS
from gan_core.presets import PRESETS
from gan_core.sentences import UserError


def test_every_setting_stands_in_the_table_once() -> None:
    assert [field.name for field in FIELDS] == [field.name for field in dataclasses.fields(Config)]


def test_the_tutorial_preset_is_the_tutorial() -> None:
    config = make_config("tutorial")
    assert (config.z_dim, config.batch_size, config.lr_g, config.lr_d) == (64, 128, 1e-5, 1e-5)
    assert (config.betas, config.seed, config.ema_decay) == ((0.9, 0.999), 0, 0)
    assert config.steps == 200 * math.ceil(60_000 / 128)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_survive_json(preset: str) -> None:
    config = make_config(preset)
    assert from_json(to_json(config)) == config


def test_a_run_outlives_its_preset() -> None:
    config = dataclasses.replace(make_config("minute"), preset="gone")
    assert from_json(to_json(config)) == config
    with pytest.raises(UserError, match="batch_size"):
        from_json({**to_json(config), "batch_size": 0})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("lr_g", "2e-4", 2e-4),
        ("steps", "1e3", 1000),
        ("steps", " 12 ", 12),
        ("betas", "0.5, 0.9", (0.5, 0.9)),
        ("betas", "0.5，0.9", (0.5, 0.9)),
        ("betas", [0, 0.99], (0.0, 0.99)),
        ("seed", 2**31 - 1, 2**31 - 1),
        ("precision", "fp32", "fp32"),
    ],
)
def test_values_may_be_typed_by_a_person(name: str, value: object, expected: object) -> None:
    assert getattr(make_config("tutorial", {name: value}), name) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr_g", 0),
        ("lr_g", -1e-4),
        ("lr_d", "nan"),
        ("lr_d", math.nan),
        ("lr_g", "inf"),
        ("lr_g", 2),
        ("lr_g", ""),
        ("lr_g", None),
        ("lr_g", True),
        ("z_dim", 0),
        ("z_dim", 10**9),
        ("z_dim", "1" * 400),
        ("steps", 0),
        ("steps", 1.5),
        ("batch_size", 1),
        ("betas", "0.5"),
        ("betas", "0.5, 1"),
        ("betas", [0.5, "nan"]),
        ("precision", "fp8"),
        ("ema_decay", 1),
        ("seed", -1),
        ("log_every", 0),
        ("threads", 10**6),
        ("no_such_field", 1),
        ("preset", "nope"),
    ],
)
def test_bad_values_get_one_sentence_that_names_the_field(name: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        make_config("tutorial", {name: value})
    assert caught.value.field == name
    for language in ("en", "zh"):
        said = caught.value.say(language)  # type: ignore[arg-type]
        assert said
        assert "\n" not in said
        assert len(said) < 700


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(UserError, match="tutorial"):
        make_config("tutoral")


WGAN = {"objective": "wasserstein", "r1_gamma": 0, "r2_gamma": 0}


def test_wasserstein_is_refused_while_nothing_limits_how_steep_d_may_get() -> None:
    with pytest.raises(UserError) as refused:
        make_config("minute", WGAN)
    assert (refused.value.key, refused.value.field) == ("wasserstein_unbounded", "objective")
    with pytest.raises(UserError, match="n_critic"):
        make_config("minute", {**WGAN, "gp_weight": 10, "n_critic": 0})


@pytest.mark.parametrize("bound", [{"gp_weight": 10}, {"r1_gamma": 1}, {"r2_gamma": 1}, {"spectral_norm": "on"}])
def test_wasserstein_is_taken_with_anything_that_limits_d(bound: dict[str, object]) -> None:
    assert make_config("minute", {**WGAN, **bound}).objective == "wasserstein"
