"""The settings of one training: a `Config`, made from a preset and checked by the table of settings in `fields`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gan_core.fields import FIELD, Field
from gan_core.networks import is_conditional
from gan_core.presets import PRESETS
from gan_core.sentences import UserError


@dataclass(frozen=True)
class Config:
    """The settings of one training; every field is described once, in `fields.FIELDS`. The defaults are the tutorial's."""

    preset: str = "tutorial"
    dataset: str = "mnist"
    steps: int = 93_800  # 200 epochs of 469 batches
    seconds: float = 0.0
    seed: int = 0
    network: str = "mlp"
    width: int = 16
    objective: str = "non-saturating"
    batch_size: int = 128
    z_dim: int = 64
    lr_g: float = 1e-5
    lr_d: float = 1e-5
    lr_schedule: str = "constant"
    betas: tuple[float, float] = (0.9, 0.999)
    n_critic: int = 1
    r1_gamma: float = 0.0
    r2_gamma: float = 0.0
    gp_weight: float = 0.0
    spectral_norm: str = "off"
    ema_decay: float = 0.0
    precision: str = "auto"
    device: str = "auto"
    threads: int = 0
    log_every: int = 10
    snapshot_every: int = 500
    checkpoint_every: int = 1000
    disk_mb: int = 150

    @property
    def conditional(self) -> bool:
        """Whether G draws, and D judges, a given class."""
        return is_conditional(self.network)


def preset_config(name: str) -> Config:
    """The settings of a preset. Raises UserError when there is no such preset."""
    if name not in PRESETS:
        raise UserError("unknown_preset", field="preset", name=name, choices=", ".join(PRESETS))
    return Config(**{"preset": name, **PRESETS[name].settings})


def make_config(preset: str, overrides: Mapping[str, Any] | None = None) -> Config:
    """A preset with some settings changed; values may be text, as typed by a person.

    Raises UserError, naming the field, for an unknown preset or field and for any value that cannot be used.
    """
    changed = _checked(overrides or {})
    if changed.get("preset", preset) != preset:
        raise UserError("preset_is_not_a_setting", field="preset")
    return check_together(dataclasses.replace(preset_config(preset), **changed))


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    for name in values:
        if name not in FIELD:
            raise UserError("unknown_field", field=name, name=name, choices=", ".join(FIELD))
    return {name: check_field(name, value) for name, value in values.items()}


def check_together(config: Config) -> Config:
    """The same settings, or UserError for some that are each in range but cannot work with each other.

    What depends on the data set is checked where it is known, in `loop.prepare`.
    """
    bounded = config.r1_gamma or config.r2_gamma or config.gp_weight or config.spectral_norm == "on"
    if config.objective == "wasserstein" and not bounded:
        raise UserError("wasserstein_unbounded", field="objective")
    return config


def check_field(name: str, value: Any) -> Any:
    """The value in its proper type, or UserError with one sentence about what is wrong with it."""
    field = FIELD[name]
    if name == "preset":
        return preset_config(str(value)).preset
    if field.kind == "text":
        return str(value)
    if field.kind == "choice":
        if value not in field.choices:
            raise UserError("not_a_choice", field=name, value=value, choices=", ".join(field.choices))
        return str(value)
    if field.kind == "betas":
        return _check_betas(field, value)
    number = _number(field, value)
    low = field.minimum if field.minimum is not None else -math.inf
    high = field.maximum if field.maximum is not None else math.inf
    if field.above and not low < number <= high:
        raise UserError("out_of_range_above", field=name, value=value, low=_short(low), high=_short(high))
    if not low <= number <= high:
        raise UserError("out_of_range", field=name, value=value, low=_short(low), high=_short(high))
    return int(number) if field.kind == "int" else number


def _number(field: Field, value: Any) -> float | int:
    if isinstance(value, bool) or value is None:
        raise UserError("not_a_number", field=field.name, value=value)
    try:
        # int() first: a large whole number must not lose digits on its way through a float
        number: float | int = int(value) if isinstance(value, int | str) and _is_whole(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        raise UserError("not_a_number", field=field.name, value=value) from None
    if isinstance(number, float) and not math.isfinite(number):
        raise UserError("not_a_number", field=field.name, value=value)
    if field.kind == "int" and number != int(number):
        raise UserError("not_a_whole_number", field=field.name, value=value)
    return number


def _is_whole(value: int | str) -> bool:
    return isinstance(value, int) or (value.strip().lstrip("+-").isdigit() and len(value) < 30)


def _check_betas(field: Field, value: Any) -> tuple[float, float]:
    parts = value.replace(",", " ").replace("，", " ").split() if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        raise UserError("not_betas", field=field.name, value=value)
    first, second = (float(_number(field, part)) for part in parts)
    if not (0 <= first < 1 and 0 <= second < 1):
        raise UserError("not_betas", field=field.name, value=value)
    return first, second


def _short(number: float) -> str:
    return f"{number:,.0f}" if float(number).is_integer() and abs(number) < 1e15 else f"{number:g}"


def to_json(config: Config) -> dict[str, Any]:
    """The settings as plain JSON values."""
    values = dataclasses.asdict(config)
    values["betas"] = list(config.betas)
    return values


def from_json(values: Mapping[str, Any]) -> Config:
    """Settings read back from a run folder, checked like any other input.

    The preset is only the name they were made under: there may no longer be one, or it may have other settings by now.
    """
    others = _checked({name: value for name, value in values.items() if name != "preset"})
    return Config(preset=str(values.get("preset")), **others)
