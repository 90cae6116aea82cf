"""One run that somebody looks at: its curves, what was measured of its fakes, and what was changed on the way.

Only new lines of its files are read, and all that is handed out is bounded, however long the run is.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

import gan_core
from gan_core.config import to_json
from gan_core.curves import Curves
from gan_core.files import read_lines
from gan_core.presets import PRESETS
from gan_core.runs import Run
from gan_core.sentences import SENTENCES, Language, UserError, sentence

LANGUAGES: tuple[Language, Language] = ("en", "zh")
MEASURED = ("digit_fid", "kid", "precision", "recall", "diversity", "nearest_real")
MEASUREMENTS_AT_MOST = 400
MARKS_AT_MOST = 50
PIECE = 131_072  # bytes of a file that are read at a time: about a thousand points, in some 10 ms


class Tail:
    """The lines of a file that grows, and that is now and then replaced (by a resumed run).

    They come a piece of at most `PIECE` bytes at a time; `behind` says that there was more than the last piece.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._inode = 0
        self.behind = False

    def read(self) -> tuple[list[dict[str, Any]], bool]:
        """The next lines, and whether the file was begun anew, so that all earlier ones are void."""
        found = None
        with contextlib.suppress(OSError):  # it is gone, perhaps this very moment
            found = self._path.stat()
        inode = found.st_ino if found else 0
        anew = inode != self._inode or (found is not None and found.st_size < self._offset)
        if anew:
            self._offset, self._inode = 0, inode
        rows, self._offset = read_lines(self._path, self._offset, PIECE)
        # a rest as long as a piece holds a whole line, or is skipped; a shorter one may be a line that is being written
        self.behind = found is not None and found.st_size - self._offset >= PIECE
        if found is not None and not self.behind and rows and found.st_size > self._offset:
            more, self._offset = read_lines(self._path, self._offset, PIECE)
            rows += more
        return rows, anew


class History:
    """The curves of a run. `generation` names the points handed out so far; it changes when a page must take all anew."""

    def __init__(self, run: Run) -> None:
        self._run_id = run.id
        self._tail = Tail(run.folder / "history.jsonl")
        self._readings = 0
        self.curves = Curves()

    @property
    def generation(self) -> str:
        return f"{self._run_id}:{self._readings}:{self.curves.generation}"

    @property
    def behind(self) -> bool:
        return self._tail.behind

    def read(self) -> bool:
        """Take in the next lines; true if there were any."""
        rows, anew = self._tail.read()
        if anew:
            self.curves = Curves()
            self._readings += 1
        for row in rows:
            self.curves.add(row)
        return bool(rows)


class Measurements:
    """What was measured of a run's fakes, and the settings that somebody changed meanwhile."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._metrics = Tail(run.folder / "metrics.jsonl")
        self._events = Tail(run.folder / "events.jsonl")
        self._parents_last: int | None = None
        self.settings: dict[str, Any] = {}  # as they are by now
        self.rows: list[dict[str, Any]] = []
        self.marks: list[dict[str, Any]] = []
        self.tag = ""

    @property
    def behind(self) -> bool:
        return self._metrics.behind or self._events.behind

    def read(self) -> bool:
        """Take in the next lines; true if there were any. `tag` changes with everything that `to_json` gives."""
        if self._parents_last is None:  # a branch brings its parent's lines along
            self._parents_last = (parent_of(self._run) or {}).get("step", 0)
        fresh, anew = self._metrics.read()
        self.rows = [*([] if anew else self.rows), *(row for row in fresh if isinstance(row.get("step"), int))]
        while len(self.rows) > MEASUREMENTS_AT_MOST:  # thin the older ones: the newest must stay
            self.rows = self.rows[-1::-2][::-1]
        events, events_anew = self._events.read()
        if events_anew:
            self.marks, self.settings = [], _settings(self._run)
        for event in events:
            self._take(event)
        changed = bool(fresh or events) or anew or events_anew
        if changed:
            last = self.rows[-1]["step"] if self.rows else ""
            self.tag = f"{self._run.id}:{len(self.rows)}:{last}:{len(self.marks)}"
        return changed

    def _take(self, event: Mapping[str, Any]) -> None:
        settings = event.get("settings")
        if event.get("event") != "changed" or not isinstance(settings, dict):
            return
        if event.get("reason") == "asked":
            changes = [[name, self.settings.get(name), value] for name, value in settings.items()]
            self.marks = [*self.marks, {"step": event.get("step", 0), "changes": changes}][-MARKS_AT_MOST:]
        self.settings |= settings

    def to_json(self) -> dict[str, Any]:
        """The rows as columns, the newest one whole, its floor, the doctor's alerts in words, and the marks.

        The alerts are None until the doctor has looked at this very run.
        """
        newest = self.rows[-1] if self.rows else {}
        columns = {
            name: [row.get(name) for row in self.rows]
            for name in ("step", "seconds", *MEASURED)
            if any(name in row for row in self.rows)
        }
        digits = "digit_fid" in newest
        return {
            "tag": self.tag,
            "columns": columns,
            "newest": {name: value for name, value in newest.items() if name != "alerts"} or None,
            "floor": floor(newest.get("count", 0)) if digits else None,
            "real_histogram": reference()["histogram"] if digits else None,
            "alerts": alerts(newest) if newest.get("step", 0) > (self._parents_last or 0) else None,
            "marks": self.marks,
        }


def row_at(step: int, measured: Sequence[int]) -> int | None:
    """Of the steps that were measured, the place of the one nearest to a snapshot's, but none of a G that has trained
    noticeably longer."""
    until_then = [i for i, at in enumerate(measured) if at <= 1.1 * step]
    return min(until_then, key=lambda i: abs(measured[i] - step), default=None)


def lowest(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The lowest digit-FID that was measured: {"step", "digit_fid"}."""
    scores = [(row.get("digit_fid"), row["step"]) for row in rows]
    known = [(score, step) for score, step in scores if isinstance(score, int | float) and math.isfinite(score)]
    return dict(zip(("digit_fid", "step"), min(known), strict=True)) if known else None


def parent_of(run: Run) -> dict[str, Any] | None:
    """The run and step that a branch began from, as {"run", "step"}."""
    try:
        parent = run.document().get("parent")
    except UserError:
        return None
    return parent if isinstance(parent, dict) else None


def _settings(run: Run) -> dict[str, Any]:
    try:
        return to_json(run.config())
    except UserError:
        return {}


@functools.cache
def reference() -> dict[str, Any]:
    """The notes of the digits that the fakes are measured against: "histogram", "floors" and more. Needs no torch."""
    with safe_open(Path(gan_core.__file__).parent / "assets" / "judge" / "reference.safetensors", "numpy") as file:
        notes: dict[str, Any] = json.loads(file.metadata()["reference"])
    return notes


def floor(count: int) -> dict[str, Any]:
    """What real test digits score when about `count` of them are measured as if they were the fakes."""
    nearest: dict[str, Any] = min(reference()["floors"], key=lambda each: abs(each["count"] - count))
    return nearest


def alerts(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The doctor's findings at one measurement: kind, cure and, for each text, its sentence in both languages."""
    found = [alert for alert in row.get("alerts") or [] if isinstance(alert, dict)]
    return [
        {
            "kind": str(alert.get("kind")),
            "cure": alert.get("cure") or {},
            **{text: _alert_text(alert, text) for text in ("title", "measured", "reading", "try")},
        }
        for alert in found
    ]


def _alert_text(alert: Mapping[str, Any], text: str) -> dict[str, str]:
    key = f"alert_{alert.get('kind')}_{text}"
    if key not in SENTENCES:  # a newer version's
        return dict.fromkeys(LANGUAGES, "")
    values = {name: f"{v:.3g}" if isinstance(v, float) else v for name, v in (alert.get("values") or {}).items()}
    try:
        return {language: sentence(key, language, **values) for language in LANGUAGES}
    except (KeyError, IndexError):  # a newer version's has other gaps
        return dict.fromkeys(LANGUAGES, "")


def lesson(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of a run of a preset that fails on purpose: what to look at, in both languages, its cure, and if it has that now."""
    known = PRESETS.get(settings.get("preset", ""))
    if known is None or not known.cure:
        return None
    cure = {name: list(value) if isinstance(value, tuple) else value for name, value in known.cure.items()}
    cured = all(settings.get(name) == value for name, value in cure.items())
    about = dict(zip(LANGUAGES, known.about, strict=True))
    return {"about": about, "cure": cure, "cured": cured, "afresh": known.afresh}
