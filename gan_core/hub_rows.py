"""The rows of .jsonl files that somebody else made, taken over only as far as they are what a run writes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gan_core.config import check_field
from gan_core.diagnostics import KINDS
from gan_core.fields import FIELD
from gan_core.sentences import UserError
from gan_core.trainer import Measured


def clean(name: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of history, metrics or events that can be used, in ascending order of their steps; others are left out."""
    kept: list[dict[str, Any]] = []
    for row in map({"history": point, "metrics": measurement, "events": change}[name], rows):
        if row and (not kept or row["step"] >= kept[-1]["step"]):
            kept.append(row)
    return kept


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _has_step(row: Mapping[str, Any]) -> bool:
    return type(row.get("step")) is int and 0 <= row["step"] < 10**12


def point(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row of history.jsonl; all of its values are numbers."""
    names = ("step", "seconds", *Measured._fields)
    return {name: row[name] for name in names} if _has_step(row) and all(is_number(row.get(n)) for n in names) else None


def measurement(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row of metrics.jsonl: numbers, the shares of the ten digits, and the doctor's alerts."""
    if not _has_step(row) or not is_number(row.get("seconds")):
        return None
    kept = {str(name)[:40]: value for name, value in row.items() if is_number(value)}
    shares, alerts = row.get("histogram"), row.get("alerts")
    if isinstance(shares, list) and len(shares) == 10 and all(map(is_number, shares)):
        kept["histogram"] = shares
    if isinstance(alerts, list):
        kept["alerts"] = [alert for alert in map(_alert, alerts) if alert]
    return kept


def _alert(alert: Any) -> dict[str, Any] | None:
    try:
        if alert["kind"] not in KINDS:
            return None
        values = {str(name): value if is_number(value) else str(value)[:40] for name, value in alert["values"].items()}
        cure = {name: check_field(name, value) for name, value in alert["cure"].items()}
        return {"kind": alert["kind"], "values": values, "cure": cure}
    except (KeyError, TypeError, AttributeError, UserError):
        return None


def change(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row of events.jsonl that says which settings were changed; others stay behind."""
    try:
        changed = {name: check_field(name, value) for name, value in row["settings"].items()}
        if not all(FIELD[name].live or name == "steps" for name in changed):
            return None
    except (KeyError, TypeError, AttributeError, UserError):
        return None
    if not _has_step(row) or row.get("event") != "changed" or not is_number(row.get("time")):
        return None
    return {"time": row["time"], "event": "changed", "step": row["step"], "settings": changed, "reason": "asked"}
