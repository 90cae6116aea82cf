"""The supervisor: starts, pauses, resumes and stops trainer processes, and queues what has to wait.

It never trains and never writes into a folder that a trainer is writing to. What it knows beyond the run folders is
only which processes are its own and who is waiting; after a restart both are empty and the folders say the rest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_core import data, runs
from gan_core.config import Config, check_field, check_together
from gan_core.fields import FIELD, FIELDS
from gan_core.files import Locked
from gan_core.runs import ACTIVE, Run, State
from gan_core.runs_dir import check_runs_dir
from gan_core.sentences import UserError

_log = logging.getLogger(__name__)
QUEUE_LENGTH = 20
HUNG_AFTER = 30.0  # seconds without a heartbeat after which a trainer that should stop is ended
# glibc, where there is one, asks for huge pages: a step walks through 30 MB, and looking up small pages costs 2 % of it
# and its log is UTF-8 wherever it runs
TRAINER_ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "PYTHONUTF8": "1"}
_TICK = 0.05  # seconds between looks at the processes

# What a person may do with a run in each state; buttons and handlers both read this table.
ALLOWED: dict[str, frozenset[str]] = {
    "queued": frozenset({"stop"}),
    "starting": frozenset({"stop"}),
    "running": frozenset({"pause", "stop"}),
    "stopping": frozenset(),
    "paused": frozenset({"resume", "stop", "more", "delete"}),
    "stopped": frozenset({"resume", "more", "delete"}),
    "failed": frozenset({"resume", "more", "delete"}),
    "finished": frozenset({"more", "delete"}),
}


@dataclass(frozen=True)
class _Order:
    """A run waiting for its turn."""

    run: Run
    more_steps: int | None
    turn: int


@dataclass
class _Trainer:
    """A process at work on a run. While the run's heartbeat is the one seen at launch, it has not said a word yet.

    `heard_at` is when its heartbeat was seen to change, on a clock that nobody can set.
    """

    run: Run
    process: subprocess.Popen[bytes]
    heartbeat_at_launch: float
    heartbeat: float
    heard_at: float


class Runner:
    """Supervises the trainings of one runs directory. All methods may be called from any thread.

    Args:
        runs_dir: where the run folders are.
        max_trainings: how many may train at once; later ones queue.

    Raises UserError for a directory that cannot hold runs.
    """

    def __init__(self, runs_dir: Path, max_trainings: int = 1) -> None:
        self.runs_dir = runs_dir
        self.max_trainings = max_trainings
        self._trainers: dict[str, _Trainer] = {}
        self._queue: list[_Order] = []
        self._turn = 0  # that of the order launched last
        self._last_turn: dict[str, int] = {}  # of each visitor's orders
        self._lock = threading.RLock()
        self.closing = threading.Event()
        check_runs_dir(runs_dir)
        for run in runs.list_runs(runs_dir):
            _settle(run)
        self._spare = _spawn()  # one warm process is always ready, so that Start answers at once
        self._thread = threading.Thread(target=self._supervise, name="runner", daemon=True)
        self._thread.start()

    # --- what is ---

    def find(self, run_id: str) -> Run:
        """The run of that id. Raises UserError if there is none."""
        return runs.find_run(self.runs_dir, run_id)

    def state(self, run: Run) -> State:
        """The run's state, with what only the supervisor knows: that it is queued, or being started."""
        state = run.state()
        with self._lock:
            if any(order.run.id == run.id for order in self._queue):
                return dataclasses.replace(state, status="queued", error=None)
            trainer = self._trainers.get(run.id)
            if trainer and trainer.heartbeat_at_launch == state.heartbeat:
                return dataclasses.replace(state, status="starting", error=None)
        return state

    def waiting_for(self, run: Run) -> list[str]:
        """The ids of the runs that a queued run has to wait for; empty if it is not queued."""
        with self._lock:
            ids = [order.run.id for order in self._queue]
            return [*self._trainers, *ids[: ids.index(run.id)]] if run.id in ids else []

    def seconds_until(self, run: Run) -> float | None:
        """About how long a queued run has to wait; None if it is not queued or nobody can tell."""
        left = [_seconds_left(Run(self.runs_dir / ahead)) for ahead in self.waiting_for(run)]
        known = [seconds for seconds in left if seconds is not None]
        return sum(known) / self.max_trainings if left and len(known) == len(left) else None

    # --- what a person can do; each raises UserError, and then nothing has changed ---

    def start(self, config: Config, visitor: str = "") -> Run:
        """Make a run and train it, now or when its turn comes. Fetches the data set first if it has to.

        `visitor` is whose run it is (see `Run.visitor`): nobody's second run is trained before everybody's first.
        """
        config, facts = self.fetch(config)
        with self._lock:
            self._check_queue()
            folder = runs.new_run_folder(self.runs_dir, config.preset)
            run = runs.create_run(folder, config, facts.sha256, facts.size, visitor=visitor)
            self._enqueue(run, None, visitor)
        return run

    def fetch(self, config: Config) -> tuple[Config, data.Facts]:
        """Everything of `start` that may take long or be refused: the data set is put into the cache, which may be a
        download of minutes, and every "auto" decided."""
        if config.dataset not in data.names():  # a path would let any visitor look into this machine's folders
            raise UserError("unknown_dataset", field="dataset", name=config.dataset, choices=", ".join(data.names()))
        from gan_core.loop import prepare  # here, because it imports torch, which the page can do without until now

        return prepare(config)

    def resume(self, run_id: str, more_steps: Any = None) -> Run:
        """Go on with a run from its last good checkpoint; `more_steps` sets a new target, that many steps from there."""
        run = self.find(run_id)
        run.config()  # refuses what this version cannot read
        runs.check_resumable(run)
        more = None if more_steps is None else int(check_field("steps", more_steps))
        with self._lock:
            status = self.state(run).status
            if status == "finished" and more is None:
                raise UserError("resume_finished", run=run.id)
            if not ALLOWED[status] & {"resume", "more"}:
                raise UserError("resume_active", run=run.id, status=status)
            self._check_queue()
            run.set_wish(None)
            self._enqueue(run, more, run.visitor())
        return run

    def pause(self, run_id: str) -> Run:
        """Save a running training and let its process go; resume continues it bit for bit."""
        run = self.find(run_id)
        with self._lock:
            status = self.state(run).status
            if "pause" not in ALLOWED[status]:
                raise UserError("cannot_pause", run=run.id, status=status)
            run.set_wish("pause")
        return run

    def change(self, run_id: str, settings: Mapping[str, Any]) -> Run:
        """Let a running training go on with other values of settings that are `live` in FIELDS, from its next step on."""
        run = self.find(run_id)
        for name in settings:
            if name not in FIELD or not FIELD[name].live:
                choices = ", ".join(field.name for field in FIELDS if field.live)
                raise UserError("not_live", field=name, name=name, choices=choices)
        checked = {name: check_field(name, value) for name, value in settings.items()}
        check_together(dataclasses.replace(run.config(), **{**run.wanted_settings(), **checked}))
        with self._lock:
            status = self.state(run).status
            if status != "running":
                raise UserError("not_running", run=run.id, status=status)
            run.set_wanted_settings(checked)
        return run

    def branch(self, run_id: str, settings: Mapping[str, Any], step: int | None = None, visitor: str = "") -> Run:
        """Start a new run from another one (see `branch.make_branch`), now or when its turn comes."""
        from gan_core.branch import make_branch  # here, because it imports torch

        parent = self.find(run_id)
        with self._lock:
            self._check_queue()
        # without the lock: it copies what may be 100 MB, and every page that is open waits for the lock
        folder = runs.new_run_folder(self.runs_dir, parent.config().preset)
        run = make_branch(parent, folder, settings, step, visitor)
        with self._lock:
            self._enqueue(run, None, visitor)
        return run

    def stop(self, run_id: str) -> Run:
        """Save and end a training, or take a queued run out of the queue."""
        run = self.find(run_id)
        with self._lock:
            status = self.state(run).status
            if "stop" not in ALLOWED[status]:
                raise UserError("cannot_stop", run=run.id, status=status)
            if status in ("queued", "paused"):
                self._queue = [order for order in self._queue if order.run.id != run.id]
                if run.state().status in ("queued", "paused"):  # one that waited to go on stays what it was before
                    _write_idle(run, "stopped")
            else:
                run.set_wish("stop")
        return run

    def delete(self, run_id: str) -> None:
        """Delete a run that is not active, for good."""
        run = self.find(run_id)
        with self._lock:
            status = self.state(run).status
            if "delete" not in ALLOWED[status]:
                raise UserError("run_is_active", run=run.id)
            runs.delete_run(run)

    def close(self, patience: float = 4.5) -> None:
        """Save and stop everything; returns within about `patience` seconds, whatever the trainers do."""
        self.closing.set()
        self._thread.join()
        for order in self._queue:
            if order.run.state().status == "queued":
                _write_idle(order.run, "stopped")
        self._spare.kill()  # it has nothing to save
        self._spare.wait()
        for trainer in self._trainers.values():
            _let_go(trainer.process)
        deadline = time.monotonic() + patience
        for trainer in self._trainers.values():
            try:
                trainer.process.wait(max(0.01, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                trainer.process.kill()
                trainer.process.wait()
        for trainer in self._trainers.values():
            _settle(trainer.run, trainer)

    # --- the supervisor's thread ---

    def _supervise(self) -> None:
        while not self.closing.wait(_TICK):
            try:
                with self._lock:
                    self._look_after()
            except Exception:  # supervision must go on: the next look may succeed
                traceback.print_exc()

    def _look_after(self) -> None:
        for trainer in list(self._trainers.values()):
            if trainer.process.poll() is not None:
                del self._trainers[trainer.run.id]
                _log.info("%s: its trainer ended, exit code %s", trainer.run.id, trainer.process.returncode)
                _settle(trainer.run, trainer)
            elif _is_hung(trainer):
                trainer.process.kill()
        if self._spare.poll() is not None:
            self._spare = _spawn()
        while len(self._trainers) < self.max_trainings and (order := self._next()):
            self._launch(order)

    def _enqueue(self, run: Run, more_steps: int | None, visitor: str) -> None:
        """Everybody's first run comes before anybody's second; a newcomer comes in at the turn that has been reached."""
        self._last_turn = {name: turn for name, turn in self._last_turn.items() if turn >= self._turn}
        visitor = visitor.partition(".")[0]
        turn = max(self._turn, self._last_turn.get(visitor, -1) + 1)
        self._last_turn[visitor] = turn
        self._queue.append(_Order(run, more_steps, turn))
        self._queue.sort(key=lambda order: order.turn)  # which leaves those of one turn as they came

    def _next(self) -> _Order | None:
        for order in self._queue:
            if order.run.id not in self._trainers:  # its paused process may be just about to end
                self._queue.remove(order)
                return order
        return None

    def _launch(self, order: _Order) -> None:
        line = json.dumps({"folder": str(order.run.folder.resolve()), "more_steps": order.more_steps}) + "\n"
        process, self._turn = self._spare, order.turn
        assert process.stdin is not None
        heartbeat = order.run.state().heartbeat
        with contextlib.suppress(OSError):  # it died this instant: the supervisor will find it and say so
            process.stdin.write(line.encode())
            process.stdin.flush()
        self._trainers[order.run.id] = _Trainer(order.run, process, heartbeat, heartbeat, time.monotonic())
        _log.info("%s: training in process %s", order.run.id, process.pid)
        self._spare = _spawn()

    def _check_queue(self) -> None:
        if len(self._queue) >= QUEUE_LENGTH:
            raise UserError("queue_full", length=QUEUE_LENGTH)


def _seconds_left(run: Run) -> float | None:
    state = run.state()
    if state.status in ACTIVE and state.steps_per_second:
        return state.eta_seconds
    with contextlib.suppress(UserError):
        seconds = run.config().seconds
        return max(0.0, seconds - state.seconds) if seconds else None
    return None


def _spawn() -> subprocess.Popen[bytes]:
    """A trainer process that warms up and waits."""
    package_root = str(Path(__file__).parent.parent)
    paths = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "gan_core.worker"],
        env={**TRAINER_ENVIRONMENT, **os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=None,  # until it has a run's log to write to, its complaints go to the app's own terminal
        **_apart(),
    )


def _apart() -> dict[str, Any]:
    """Options for a process in a group of its own: Ctrl-C in the terminal is for the app, which then lets it save."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Ask a trainer to save and end, as it does when its supervisor dies: Windows has no SIGTERM, it only kills."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it is dead already
        process.stdin.close()


def _is_hung(trainer: _Trainer) -> bool:
    """Whether somebody waits for a trainer to stop or pause that has given no sign of life for a long time."""
    heartbeat = trainer.run.state().heartbeat
    if heartbeat != trainer.heartbeat:
        trainer.heartbeat, trainer.heard_at = heartbeat, time.monotonic()
    spoke = heartbeat != trainer.heartbeat_at_launch
    return spoke and trainer.run.wish() is not None and time.monotonic() - trainer.heard_at > HUNG_AFTER


def _settle(run: Run, trainer: _Trainer | None = None) -> None:
    """Write down what a process could not say itself: that it died, or that nobody will start this queued run."""
    state = run.state()
    silent = trainer is not None and trainer.heartbeat_at_launch == state.heartbeat
    died = state.status == "failed" and (state.error or {}).get("key") == "trainer_died"
    if silent or (died and "exit_code" not in (state.error or {})):
        code = trainer.process.returncode if trainer else None
        error: dict[str, Any] = {"key": "trainer_died", "values": {}, "exit_code": code, "log_tail": run.log_tail()}
        _write_idle(run, "failed", error)
    elif state.status == "queued" and trainer is None:
        _write_idle(run, "stopped")


def _write_idle(run: Run, status: str, error: dict[str, Any] | None = None) -> None:
    """Write a state on behalf of a run that no trainer is at work on; if one turns up meanwhile, its word counts."""
    with contextlib.suppress(Locked, UserError), run.lock():  # where nothing can be written, there is nothing to do
        # The event first, as a trainer does it: whoever sees the state finds its event.
        with contextlib.suppress(OSError):
            run.add_event(status, step=run.state().step, **({"error": error["key"]} if error else {}))
        with contextlib.suppress(OSError):
            run.write_state(dataclasses.replace(run.state(), status=status, error=error), durable=True)
