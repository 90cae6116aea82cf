"""A runner in one person's hands: what `Runner` can do, after asking whether that person may, and within the caps.

Everything on the page and every endpoint that acts on runs goes through here, and through nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from gan_core.config import Config, check_field
from gan_core.runner import ALLOWED, Runner
from gan_core.runs import Run
from gan_core.sentences import UserError
from gan_ui.who import Who

_ROOM = threading.Lock()  # held from counting a visitor's runs until there is one more


class Acting:
    """The methods are the runner's, and raise UserError as they do; then nothing has changed.

    `key` is that of a run, which a program sends with the run's name (see `gan_ui.who`).
    """

    def __init__(self, runner: Runner, who: Who, request: Any, key: str = "") -> None:
        self.runner = runner
        self.person = who.person(request, key)
        self.caps = who.caps
        self._visitor = "" if self.person.role == "owner" else self.person.visitor

    def start(self, config: Config) -> Run:
        """Make a run and train it, now or when its turn comes."""
        self.person.check("start")
        if not self._visitor:
            return self.runner.start(config)
        mark = self._mark()
        config = self.caps.bounded(config)
        self.runner.fetch(config)  # before the lock: a download may take minutes
        with _ROOM:
            self.caps.check_room(self.runner.runs_dir, self._visitor)
            return self.runner.start(config, mark)

    def branch(self, run_id: str, settings: Mapping[str, Any], step: int | None = None) -> Run:
        """Start a new run from a checkpoint of another, which need not be this person's."""
        self.person.check("branch")
        if not self._visitor:
            return self.runner.branch(run_id, settings, step)
        mark = self._mark()
        settings = self.caps.of_branch(self.runner.find(run_id).config(), settings)
        with _ROOM:
            self.caps.check_room(self.runner.runs_dir, self._visitor)
            return self.runner.branch(run_id, settings, step, mark)

    def resume(self, run_id: str, more_steps: Any = None) -> Run:
        """Go on with a run; what visitors started only until its time is over."""
        run = self._mine("resume", run_id)
        if self._visitor:
            seconds = run.config().seconds
            if run.state().seconds >= seconds:
                raise UserError("visitor_time_over", run=run.id, seconds=f"{seconds:g}")
            if more_steps is not None:
                self.caps.run_steps(int(check_field("steps", more_steps)))
        return self.runner.resume(run_id, more_steps)

    def pause(self, run_id: str) -> Run:
        """Save a running training and let its process go."""
        self._mine("pause", run_id)
        return self.runner.pause(run_id)

    def stop(self, run_id: str) -> Run:
        """Save and end a training, or take a queued run out of the queue."""
        self._mine("stop", run_id)
        return self.runner.stop(run_id)

    def change(self, run_id: str, settings: Mapping[str, Any]) -> Run:
        """Let a running training go on with other values of live settings."""
        self._mine("change", run_id)
        return self.runner.change(run_id, settings)

    def delete(self, run_id: str) -> None:
        """Delete a run that is not active, for good."""
        self._mine("delete", run_id)
        self.runner.delete(run_id)

    def allowed(self, run: Run) -> list[str]:
        """What of `runner.ALLOWED` this person may do with a run in its present state."""
        actions = ALLOWED[self.runner.state(run).status]
        return sorted(action for action in actions if self.may("resume" if action == "more" else action, run))

    def may(self, action: str, run: Run | None = None) -> bool:
        """Whether this person may do that, with that run if it is done with one."""
        try:
            self.person.check(action, run)
        except UserError:
            return False
        return True

    def _mark(self) -> str:
        if not self.person.mark:
            raise UserError("visitor_without_cookie")
        return self.person.mark

    def _mine(self, action: str, run_id: str) -> Run:
        run = self.runner.find(run_id)
        self.person.check(action, run)
        return run
