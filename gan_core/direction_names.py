"""Names that people give to the directions of a run, kept in its folder as directions.json: {step: {index: name}}.

They belong to the snapshot they were seen in: a direction of another step is another direction. The app writes this file,
as it writes control.json; no trainer touches it.
"""

from __future__ import annotations

from pathlib import Path

from gan_core.files import read_json, write_json
from gan_core.runs import Run
from gan_core.sentences import UserError

LONGEST = 40  # characters
STEPS_AT_MOST = 50  # with names; those named first go first


def direction_names(run: Run, step: int, count: int) -> list[str]:
    """The names of the first `count` directions at a step; "" for one that has none."""
    names = _read(run).get(str(step), {})
    return [names.get(str(index), "") for index in range(count)]


def name_direction(run: Run, step: int, index: int, name: str) -> str:
    """Name a direction, or take its name away with an empty one; returns the name as kept. Raises UserError."""
    name = " ".join(name.split())
    if len(name) > LONGEST:
        raise UserError("name_too_long", length=len(name), limit=LONGEST)
    known = _read(run)
    names = known.pop(str(step), {})
    names.pop(str(index), None)
    if name:
        names[str(index)] = name
    if names:
        known[str(step)] = names
    try:
        write_json(_path(run), dict(list(known.items())[-STEPS_AT_MOST:]))
    except OSError as error:
        raise UserError("cannot_write", path=run.folder, reason=error.strerror) from None
    return name


def _path(run: Run) -> Path:
    return run.folder / "directions.json"


def _read(run: Run) -> dict[str, dict[str, str]]:
    try:
        known = read_json(_path(run))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {step: names for step, names in known.items() if isinstance(names, dict)}
