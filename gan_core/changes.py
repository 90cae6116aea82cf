"""Settings changed while a training runs: written into the run's events first, so that a resumed training makes the same
changes at the same steps."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

from gan_core.config import Config, check_field
from gan_core.runs import Run


class Changes:
    """The changes of a run, played back from a checkpoint on, and new ones."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known = [(event["step"], event["settings"]) for event in run.events() if event.get("event") == "changed"]
        self._known.sort(key=lambda change: change[0])
        self._waiting: collections.deque[tuple[int, dict[str, Any]]] = collections.deque()

    def until(self, step: int, config: Config) -> Config:
        """The settings as they were at that step; what came later waits for `due`."""
        self._waiting = collections.deque(change for change in self._known if change[0] > step)
        for at, settings in self._known:
            if at <= step:
                config = dataclasses.replace(config, **_checked(settings))
        return config

    @property
    def replaying(self) -> bool:
        """Whether changes of an earlier stretch are still to come."""
        return bool(self._waiting)

    def due(self, step: int) -> dict[str, Any]:
        """What an earlier stretch changed after `step` steps; nothing most of the time."""
        settings: dict[str, Any] = {}
        while self._waiting and self._waiting[0][0] <= step:
            settings |= _checked(self._waiting.popleft()[1])
        return settings

    def record(self, step: int, settings: dict[str, Any], reason: str) -> dict[str, Any]:
        """Note settings that hold from the step after `step` on, and return them; `reason` is "asked" or "planned"."""
        self._run.add_event("changed", durable=True, step=step, settings=settings, reason=reason)
        return settings


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: check_field(name, value) for name, value in settings.items()}
