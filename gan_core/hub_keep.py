"""Runs that outlive the machine: kept in one private repository on the Hub, and brought back from there at the next start.

    runs/RUN/...           as a pushed run, of its last push; what an earlier push left beside it stays
    runs/RUN/kept.json     whose run it is, what it branched from, the names of its directions
    runs/RUN/deleted       the run was deleted here, and does not come back

Runs in the repository are only ever added to. At most one commit a minute is made, and a run in training is pushed every ten.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from gan_core import hub, runs
from gan_core.direction_names import LONGEST, STEPS_AT_MOST
from gan_core.files import read_json, remove_folder, write_json
from gan_core.hub_errors import OF_THE_HUB, check_name, connect, hub_errors
from gan_core.hub_files import MANIFEST, collect
from gan_core.hub_pull import take
from gan_core.hub_send import send
from gan_core.runs import ACTIVE, Run
from gan_core.sentences import UserError

EVERY = 60.0  # seconds between two commits at least
WHILE_TRAINING = 600.0  # seconds between two pushes of a run in training
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 900.0  # after a failure, twice as long after each
RESTORED_AT_MOST = 100  # the newest ones
KEPT, DELETED = "kept.json", "deleted"
NEVER: tuple[tuple[Any, ...], float] = ((), 0.0)  # what was kept of a run, and when: nothing yet
_KEPT_BYTES = 100_000
_FOLDER = re.compile(rf"runs/([A-Za-z0-9][A-Za-z0-9_-]{{0,63}})/({re.escape(MANIFEST)}|{DELETED})")
_NUMBER = re.compile("[0-9]{1,12}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """What the page says: `doing` is restoring, keeping, kept, or failing with its error and the seconds to the next try.

    `done` of `count` runs have been brought back, `damaged` could not be; `at` is when the last push ended, since the
    epoch, 0 for never.
    """

    doing: str
    done: int = 0
    count: int = 0
    damaged: int = 0
    at: float = 0.0
    error: UserError | None = None
    pause: float = 0.0


class Keeper:
    """Keeps the runs of a directory; a thread does all of it, and nothing that fails there reaches a training.

    `token` is asked for whenever it is needed: None is a failure in words like any other.
    """

    def __init__(self, runs_dir: Path, repo: str, token: Callable[[], str | None]) -> None:
        self.repo = repo
        self.status = Status("restoring")
        self._runs_dir = runs_dir
        self._token = token
        self._kept: dict[str, tuple[tuple[Any, ...], float]] = {}  # what was kept of a run, and when
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)

    def start(self) -> None:
        """Bring back what is kept, then keep what is new, in the background."""
        self._thread.start()

    def close(self, patience: float = 8.0) -> None:
        """Keep what is new once more, for at most so many seconds: a push that is cut leaves nothing."""
        self._stop.set()
        self._thread.join(patience)

    # --- the thread ---

    def _work(self) -> None:
        failures, restored = 0, False
        while True:
            last = self._stop.is_set()
            try:
                if not restored:
                    self.restore()
                    restored = True
                self.keep_due(all_of_them=last)
                failures, pause = 0, EVERY
            except UserError as error:
                failures, pause = failures + 1, min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures)
                self._say("failing", error=error, pause=pause)
            except Exception:
                _log.exception("runs could not be kept")
                failures, pause = failures + 1, min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures)
                self._say("failing", error=UserError("keep_trouble"), pause=pause)
            if last:
                return
            self._stop.wait(pause)

    def restore(self) -> None:
        """Bring back the runs that are kept and not here, the newest first. Raises UserError if the Hub fails."""
        _, known = self._repository()
        names = [sibling.rfilename for sibling in known.siblings or []]
        found = [match for match in map(_FOLDER.fullmatch, names) if match]
        deleted = {match[1] for match in found if match[2] == DELETED}
        here = {run.id for run in runs.list_runs(self._runs_dir)}
        for run_id in here.intersection(match[1] for match in found):
            self._kept.setdefault(run_id, NEVER)  # due, and noted if it is deleted before its turn comes
        missing = sorted({match[1] for match in found} - deleted - here, reverse=True)[:RESTORED_AT_MOST]
        damaged = 0
        for done, run_id in enumerate(missing):
            if self._stop.is_set():
                return
            self._say("restoring", done=done, count=len(missing), damaged=damaged)
            try:
                self._restore(run_id)
            except Exception as error:
                if isinstance(error, UserError) and error.key in OF_THE_HUB:
                    raise
                _log.warning("%s was not brought back: %s", run_id, error)
                damaged += 1
        self._say("kept", done=len(missing) - damaged, count=len(missing), damaged=damaged)

    def _restore(self, run_id: str) -> None:
        token = self._token()
        source = hub.find(self.repo, None, token, f"runs/{run_id}/")
        facts = _facts(hub.read(source, KEPT, _KEPT_BYTES, token))

        def finish(run: Run) -> None:
            write_json(run.folder / "config.json", {**run.document(), **facts["config"]})
            if facts["directions"]:
                write_json(run.folder / "directions.json", facts["directions"])

        def place() -> Path:
            folder = self._runs_dir / run_id
            if not (folder / "config.json").exists():
                remove_folder(folder)  # what a deletion that was cut short left behind
            return folder

        run = take(source, self._runs_dir, place, token=token, finish=finish)
        self._kept[run_id] = (_signature(run), time.monotonic())

    def keep_due(self, *, all_of_them: bool = False) -> None:
        """Push the run that has waited longest, if one is due; all that are due while the app is being closed.

        Raises UserError if the Hub fails; what was not pushed is due again.
        """
        check_name(self.repo)
        if self._note_deleted() and not all_of_them:
            return
        due = [run for run in runs.list_runs(self._runs_dir) if self._is_due(run, all_of_them)]
        due.sort(key=lambda run: self._kept.get(run.id, NEVER)[1])
        for run in due:
            signature = _signature(run)
            try:
                files = {**collect(run, self.repo), KEPT: _kept_facts(run)}
            except (
                Exception
            ) as error:  # the Hub was not asked yet: it is this run's own trouble, or it was deleted just now
                _log.warning("%s cannot be kept as it is: %s", run.id, error)
                self._kept[run.id] = (signature, time.monotonic())  # until it has changed
                continue
            self._say("keeping")
            prefix = f"runs/{run.id}/"
            self._commit(f"Keep {run.id}", {prefix + name: data for name, data in files.items()}, prefix + DELETED)
            self._kept[run.id] = (signature, time.monotonic())
            self._say("kept", at=time.time())
            if not all_of_them:
                return
        if self.status.doing == "failing":
            self._say("kept")

    def _is_due(self, run: Run, closing: bool) -> bool:
        kept = self._kept.get(run.id)
        if kept is None:
            return True
        signature, when = kept
        trains = run.state().status in ACTIVE
        return signature != _signature(run) and (closing or not trains or time.monotonic() - when > WHILE_TRAINING)

    def _note_deleted(self) -> bool:
        gone = [run_id for run_id in self._kept if not (self._runs_dir / run_id / "config.json").exists()]
        if gone and self._runs_dir.is_dir():
            self._commit("Note what was deleted", {f"runs/{run_id}/{DELETED}": b"deleted\n" for run_id in gone})
            for run_id in gone:
                del self._kept[run_id]
        return bool(gone)

    def _commit(self, message: str, files: dict[str, bytes], obsolete: str = "") -> None:
        with hub_errors(self.repo):
            api, known = self._repository()
            send(
                api,
                self.repo,
                files,
                message=message,
                parent=known.sha,
                gone=[each.rfilename for each in known.siblings or [] if each.rfilename == obsolete],
                report=lambda share, **data: None,
                cancelled=lambda: False,
            )

    def _repository(self) -> tuple[HfApi, Any]:
        """The Hub's interface, and what it knows of the repository, which is made if need be. Raises UserError."""
        check_name(self.repo)
        if (token := self._token()) is None:
            raise UserError("hub_no_token")
        with hub_errors(self.repo):
            api = connect(token)
            try:
                known = api.model_info(self.repo)
            except RepositoryNotFoundError:
                api.create_repo(self.repo, private=True)
                known = api.model_info(self.repo)
        if not known.private:
            raise UserError("hub_is_public", repo=self.repo)
        return api, known

    def _say(self, doing: str, **facts: Any) -> None:
        before = self.status
        kept = {name: facts.get(name, getattr(before, name)) for name in ("done", "count", "damaged", "at")}
        self.status = Status(doing, **kept, error=facts.get("error"), pause=facts.get("pause", 0.0))


def _signature(run: Run) -> tuple[Any, ...]:
    """Changes whenever there is something new to keep."""
    state = run.state()
    names = run.folder / "directions.json"
    return state.status, state.step, names.stat().st_mtime_ns if names.exists() else 0


def _kept_facts(run: Run) -> bytes:
    document = run.document()
    try:
        directions = read_json(run.folder / "directions.json")
    except (OSError, ValueError):
        directions = {}
    facts = {"visitor": run.visitor(), "parent": document.get("parent"), "directions": directions}
    return json.dumps(facts, ensure_ascii=False).encode()


def _facts(data: bytes) -> dict[str, Any]:
    """What `_kept_facts` wrote, only as far as it can be that."""
    try:
        found = json.loads(data)
        visitor, parent, directions = (found.get(name) for name in ("visitor", "parent", "directions"))
    except (ValueError, AttributeError, RecursionError):
        return {"config": {}, "directions": {}}
    config: dict[str, Any] = {}
    if isinstance(visitor, str) and re.fullmatch(r"[0-9a-f]{16}(\.[0-9a-f]{16})?", visitor):
        config["visitor"] = visitor
    if isinstance(parent, dict) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", str(parent.get("run"))):
        step, kind = parent.get("step"), parent.get("kind")
        if type(step) is int and 0 <= step < 10**12 and kind in (None, "checkpoint", "snapshot", "start"):
            config["parent"] = {"run": parent["run"], "step": step, **({"kind": kind} if kind else {})}
    names: dict[str, dict[str, str]] = {}
    for step, each in directions.items() if isinstance(directions, dict) else ():
        if _NUMBER.fullmatch(str(step)) and isinstance(each, dict) and len(names) < STEPS_AT_MOST:
            names[step] = {k: str(v)[:LONGEST] for k, v in list(each.items())[:100] if _NUMBER.fullmatch(str(k))}
    return {"config": config, "directions": names}
