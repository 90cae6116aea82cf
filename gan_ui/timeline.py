"""What the Timeline tab says of a run: its snapshots, what was measured at each of them, and where the alerts began."""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_core.kept import SNAPSHOTS_AT_MOST, least_missed
from gan_core.runs import Run, step_in
from gan_ui.watched import MEASURED, Measurements, alerts, floor, lowest, parent_of, row_at

RUNS_REMEMBERED = 16
_PICTURE, _GENERATOR, _DISCRIMINATOR = "webp", "safetensors", "D.safetensors"


@dataclass(frozen=True)
class Kept:
    """What is kept of one step. `stamp` changes when the same step is trained, and kept, once more."""

    step: int
    generator: bool
    discriminator: bool
    picture: bool
    stamp: int


def kept_snapshots(run: Run) -> list[Kept]:
    """All steps with a picture or a generator, ascending and at most 200: one look into the folder.

    A folder that is gone has none.
    """
    found: dict[int, dict[str, int]] = {}
    try:
        with os.scandir(run.folder / "snapshots") as entries:
            for entry in entries:
                number, _, kind = entry.name.partition(".")
                step = step_in(number)
                if step is not None and kind in (_PICTURE, _GENERATOR, _DISCRIMINATOR):
                    found.setdefault(step, {})[kind] = _milliseconds(entry)
    except OSError:
        return []
    steps = sorted(step for step, kinds in found.items() if _PICTURE in kinds or _GENERATOR in kinds)
    while len(steps) > SNAPSHOTS_AT_MOST:  # a run that thins itself has no more
        steps.remove(least_missed(steps))
    return [
        Kept(
            step,
            _GENERATOR in found[step],
            _GENERATOR in found[step] and _DISCRIMINATOR in found[step],
            _PICTURE in found[step],
            max(found[step].values()),
        )
        for step in steps
    ]


def _milliseconds(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_mtime_ns // 1_000_000  # a browser's numbers are not exact beyond 2**53
    except OSError:  # thinned out this moment
        return 0


class Timelines:
    """Hands out timelines as JSON; each is made once for all who look at that run, and anew only when it has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str, str]] = OrderedDict()  # by run: the tag, and the JSON

    def read(self, run: Run, tag: str = "") -> str | None:
        """The timeline of a run, or None if the page has the one of that tag. Raises UserError if it cannot be read."""
        kept = kept_snapshots(run)
        now = _tag(run, kept)
        if now == tag:
            return None
        with self._lock:
            known = self._known.get(run.id)
        if known and known[0] == now:
            return known[1]
        text = json.dumps({"tag": now, **_timeline(run, kept)}, ensure_ascii=False, separators=(",", ":"))
        with self._lock:
            self._known[run.id] = (now, text)
            self._known.move_to_end(run.id)
            while len(self._known) > RUNS_REMEMBERED:
                self._known.popitem(last=False)
        return text


def _tag(run: Run, kept: Sequence[Kept]) -> str:
    """Names what a timeline is made of: the snapshots, and how far the measurements have got."""
    files: list[tuple[int, int, int] | None] = []
    for name in ("metrics.jsonl", "events.jsonl", "config.json"):
        try:
            stat = (run.folder / name).stat()
            files.append((stat.st_size, stat.st_mtime_ns, stat.st_ino))
        except OSError:
            files.append(None)
    return hashlib.sha256(repr((run.id, kept, files)).encode()).hexdigest()[:16]


def _timeline(run: Run, kept: Sequence[Kept]) -> dict[str, Any]:
    config, measurements = run.config(), Measurements(run)
    measurements.read()
    all_rows, steps = measurements.rows, [each.step for each in kept]
    at = [row["step"] for row in all_rows]
    used = [row_at(step, at) for step in steps]
    places = {row: place for place, row in enumerate(sorted({row for row in used if row is not None}))}
    best = lowest(all_rows)
    return {
        "run": run.id,
        "preset": config.preset,
        "objective": config.objective,
        "z_dim": config.z_dim,
        "conditional": config.conditional,
        "parent": parent_of(run),
        "steps": steps,
        "generators": [each.generator for each in kept],
        "discriminators": [each.discriminator for each in kept],
        "pictures": [each.picture for each in kept],
        "stamps": [each.stamp for each in kept],
        "rows": [_row(all_rows[row]) for row in places],
        "row_of": [None if row is None else places[row] for row in used],
        "begun": _begun(all_rows, steps),
        "lowest": best,
        "best": _nearest(best["step"], steps) if best and steps else None,
        "floor": floor(all_rows[-1].get("count", 0)) if all_rows and "digit_fid" in all_rows[-1] else None,
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured at a step: the numbers there are, and the doctor's findings in words."""
    numbers = {name: row[name] for name in MEASURED if _finite(row.get(name))}
    found = [{name: value for name, value in alert.items() if name != "cure"} for alert in alerts(row)]
    return {"step": row["step"], **numbers, "alerts": found}


def _begun(rows: Sequence[Mapping[str, Any]], steps: Sequence[int]) -> list[dict[str, Any]]:
    """Where each kind of alert began: {"kind", "title", "step", "place"}, the place being the nearest snapshot's."""
    begun: dict[str, dict[str, Any]] = {}
    for row in rows if steps else ():
        for alert in alerts(row):
            if alert["kind"] not in begun:
                place = _nearest(row["step"], steps)
                begun[alert["kind"]] = {
                    "kind": alert["kind"],
                    "title": alert["title"],
                    "step": row["step"],
                    "place": place,
                }
    return list(begun.values())


def _nearest(step: int, steps: Sequence[int]) -> int:
    return min(range(len(steps)), key=lambda place: abs(steps[place] - step))


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
