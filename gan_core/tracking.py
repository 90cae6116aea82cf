"""A run's curves for TensorBoard, while it trains and afterwards: every number that its folder's rows hold, as a scalar.

It reads the folder like a page does, in a process of its own, so the training takes no notice of it.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

from gan_core.runs import ACTIVE, Run
from gan_core.sentences import UserError

EVERY = 1.0  # seconds between looks at a run that trains
SUFFIX = ".gan-live"  # of the files that are ours in the folder of a board
_SOURCES = {"train": "history.jsonl", "quality": "metrics.jsonl"}


class Board:
    """The rows of one run in `logdir`/`run.id`, which TensorBoard reads. Raises UserError if TensorBoard is missing."""

    def __init__(self, run: Run, logdir: Path) -> None:
        self._run = run
        self._folder = logdir / run.id
        self._writer_of = _summary_writer()
        self._created = float(run.document().get("created", 0))
        self._begin()

    def update(self) -> int:
        """Write the rows that are new, or all if the run was rewound to an earlier step. Returns how many."""
        found = {kind: self._new(kind) for kind in _SOURCES}
        if any(self._is_rewound(kind, rows) for kind, (rows, _) in found.items()):
            self._writer.close()
            self._begin()
            found = {kind: self._new(kind) for kind in _SOURCES}
        for kind, (rows, offset) in found.items():
            for row in rows:
                self._write(kind, row)
            self._offsets[kind] = offset
            self._last[kind] = max((row["step"] for row in rows), default=self._last[kind])
        self._writer.flush()
        return sum(len(rows) for rows, _ in found.values())

    def close(self) -> None:
        """Write everything to disk."""
        self._writer.close()

    def _begin(self) -> None:
        try:
            for old in self._folder.glob(f"*{SUFFIX}"):
                old.unlink()
            # a TensorBoard that is open now forgets what it has read of this run
            self._writer = self._writer_of(str(self._folder), purge_step=0, filename_suffix=SUFFIX)
        except OSError as error:
            raise UserError("cannot_write", path=self._folder, reason=error.strerror) from None
        self._offsets = dict.fromkeys(_SOURCES, 0)
        self._last = dict.fromkeys(_SOURCES, -1)

    def _new(self, kind: str) -> tuple[list[dict[str, Any]], int]:
        read = self._run.history if kind == "train" else self._run.metrics
        rows, offset = read(self._offsets[kind])
        return [row for row in rows if isinstance(row.get("step"), int)], offset

    def _is_rewound(self, kind: str, rows: list[dict[str, Any]]) -> bool:
        if not self._offsets[kind]:
            return False
        path = self._run.folder / _SOURCES[kind]
        shorter = not path.exists() or path.stat().st_size < self._offsets[kind]
        return shorter or bool(rows and rows[0]["step"] <= self._last[kind])

    def _write(self, kind: str, row: dict[str, Any]) -> None:
        seconds = row.get("seconds")
        at = self._created + (seconds if isinstance(seconds, (int, float)) and math.isfinite(seconds) else 0.0)
        for name, value in row.items():
            if name not in ("step", "seconds") and isinstance(value, (int, float)) and not isinstance(value, bool):
                self._writer.add_scalar(f"{kind}/{name}", value, row["step"], walltime=at)


def track(run: Run, logdir: Path, stop: threading.Event, *, once: bool = False) -> int:
    """Write a run's rows for TensorBoard until it has ended, or `stop` is set; returns how many. Raises UserError.

    With `once`, those that there are now.
    """
    board, count = Board(run, logdir), 0
    try:
        while True:
            going = not once and run.state().status in (*ACTIVE, "queued")  # asked first, so that no last row is missed
            count += board.update()
            if not going or stop.wait(EVERY):
                return count
    finally:
        board.close()


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError("tracking_missing") from None
    return SummaryWriter
