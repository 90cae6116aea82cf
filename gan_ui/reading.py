"""Reading the runs that pages look at: each under a lock of its own, a piece at a time, and never twice.

A poll reads what a training has added since, which is little. Of a long run that nobody has looked at for a while it
reads one piece; one thread for all of them reads on, piece by piece in turn, and the pages see the curves grow. So
nobody waits for anybody else's long run, and what has been read is kept with its offset while there is room.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gan_core.runs import Run
from gan_ui.watched import History, Measurements

OUTLINE_POINTS = 200


class Watched:
    """One run that somebody is looking at. What is read is guarded by `lock`, what pages are told by that of the pages."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.lock = threading.Lock()
        self.refreshing = threading.Lock()  # held by the one request that looks for news
        self.history = History(run)
        self.measurements = Measurements(run)
        self.read_at = 0.0
        self.version = 0
        self.facts: dict[str, Any] = {}

    @property
    def behind(self) -> bool:
        """Whether there is more on disk than has been read."""
        return self.history.behind or self.measurements.behind

    def read(self) -> bool:
        """Read one piece, with the lock held; true if there was something."""
        return any([self.history.read(), self.measurements.read()])

    def outline(self) -> dict[str, Any]:
        """The losses and digit-FIDs in a few hundred points: {"curves", "measured"}, each of columns."""
        curves, measured = self.history.curves.since(0), self.measurements.to_json()["columns"]
        series = {name: curves["series"][name]["mean"] for name in ("d_loss", "g_loss")}
        return {
            "curves": _thinned({"step": curves["x"], "seconds": curves["seconds"], **series}),
            "measured": _thinned({name: measured.get(name, []) for name in ("step", "seconds", "digit_fid")}),
        }


class Reader:
    """Reads on in runs that are behind, in a thread that ends when all are read. `changed` hears of each piece."""

    def __init__(self, changed: Callable[[Watched], None]) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._behind: deque[Watched] = deque()
        self._works = False

    def add(self, watched: Watched) -> None:
        """Let a run be read to its end."""
        with self._lock:
            if watched not in self._behind:
                self._behind.append(watched)
            if not self._works:
                self._works = True
                threading.Thread(target=self._work, name="reader", daemon=True).start()

    def finish(self, watched: Watched) -> None:
        """Read a run to its end here and now."""
        while watched.behind:
            with watched.lock:
                watched.read()
            self._changed(watched)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._behind:
                    self._works = False
                    return
                watched = self._behind[0]
            with watched.lock:
                watched.read()
                more = watched.behind
            self._changed(watched)
            with self._lock:
                self._behind.popleft()
                if more:
                    self._behind.append(watched)
            time.sleep(0.001)  # let those who poll have the interpreter


def _thinned(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Every so-manieth row, and the last one always."""
    every = -(-max(map(len, columns.values())) // OUTLINE_POINTS) or 1
    return {name: values[::-every][::-1] for name, values in columns.items()}
