"""The run folder: everything about one training, on disk, readable at any moment by anyone.

    config.json                  what was asked, resolved; never changes
    state.json                   status, step, speed, heartbeat, error; replaced whole
    history.jsonl                one line every `log_every` steps
    metrics.jsonl                one line for each time the fakes were measured, with the doctor's alerts
    events.jsonl                 one line per happening: started, resumed, checkpoint, paused, failed, ...
    snapshots/000500.*           a generator to sample from (.safetensors), its grid of the fixed z (.webp), and the
                                 discriminator that met it (.D.safetensors)
    checkpoint-000500.*          everything needed to go on (.safetensors) and its hash (.json); the last two are kept,
                                 and a few along the way (see kept.py)
    live.safetensors, live.webp  the generator of about a second ago; reals.webp: a grid of reals
    trainer.log                  what the trainer process printed
    control.json                 what a person wishes of the trainer: pause, stop, other values of live settings
    directions.json              names that people gave to directions of z
    lock                         held by the one process that may write all of the above but control.json

Words: a checkpoint continues a training, a snapshot is sampled from, a run is one folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_core import config as settings
from gan_core.config import Config
from gan_core.files import (
    Locked,
    append_line,
    is_locked,
    lock,
    open_lines,
    read_json,
    read_lines,
    remove,
    remove_folder,
    write_atomic,
    write_json,
)
from gan_core.sentences import UserError

FORMAT = 1
STATUSES = ("queued", "starting", "running", "stopping", "paused", "stopped", "failed", "finished")
ACTIVE = ("starting", "running", "stopping")  # states that only a living trainer process can be in
LOG_TAIL_LINES = 40
SPOKE_LATELY = 60.0  # seconds; a training writes its state twice a second, a checkpoint holds that up for a while
# In a checkout both lie beside the packages. An installed package carries what ships inside it, and people's runs
# belong where they work.
_CHECKOUT = Path(__file__).parent.parent / "checkpoints"
IS_INSTALLED = not (_CHECKOUT / "pretrained").is_dir()
PRETRAINED = Path(__file__).parent / "pretrained" if IS_INSTALLED else _CHECKOUT / "pretrained"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class State:
    """What `state.json` says. Times in seconds, `heartbeat` since the epoch, speeds in steps a second.

    `status` is one of queued, starting, running, paused, stopping, stopped, finished, failed. `seconds_limit` 0 means
    none. `error` has `key` and `values` of a sentence, and for a crash `traceback`, `exit_code` and `log_tail`.
    """

    status: str = "queued"
    step: int = 0
    target: int = 0
    epoch: int = 0
    steps_per_second: float = 0.0
    seconds: float = 0.0
    seconds_limit: float = 0.0
    heartbeat: float = 0.0
    device: str = ""
    precision: str = ""
    threads: int = 0
    error: dict[str, Any] | None = None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds to the target at the present speed; None when that says nothing."""
        if self.status not in ACTIVE or self.steps_per_second <= 0:
            return None
        by_steps = max(0, self.target - self.step) / self.steps_per_second
        return min(by_steps, max(0.0, self.seconds_limit - self.seconds)) if self.seconds_limit else by_steps


class Run:
    """One run folder. Reading is always allowed; the writing methods are for the holder of `lock`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name

    # --- reading ---

    def document(self) -> dict[str, Any]:
        """All of config.json. Raises UserError for a folder that is no run or comes from a newer version."""
        try:
            document = read_json(self.folder / "config.json")
            version = int(document["format"])
        except FileNotFoundError:
            raise UserError("not_a_run", path=self.folder) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError("run_unreadable", run=self.id) from None
        if version > FORMAT:
            raise UserError("run_newer", run=self.id, version=version, known=FORMAT)
        return dict(document)

    def config(self) -> Config:
        """The settings this run was made with. Raises UserError as `document` does."""
        try:
            return settings.from_json(self.document()["settings"])
        except (KeyError, TypeError, AttributeError):
            raise UserError("run_unreadable", run=self.id) from None

    def visitor(self) -> str:
        """Who started it: a visitor's name as the app gave it, or "" for the owner of the app and the command line.

        What comes behind a dot tells apart those who share a name.
        """
        try:
            return str(self.document().get("visitor") or "")
        except UserError:
            return ""

    def state(self) -> State:
        """The state as it really is: a run whose trainer died without a word is failed, whatever its file says."""
        state = self._read_state()
        if state.status in ACTIVE and not self.alive():
            state = self._read_state()  # the trainer may have written its last word just before it let go of the lock
            if state.status in ACTIVE:
                error = {"key": "trainer_died", "values": {}, "log_tail": self.log_tail()}
                return dataclasses.replace(state, status="failed", error=error)
        return state

    def _read_state(self) -> State:
        try:
            values = read_json(self.folder / "state.json")
            state = State(**{k: v for k, v in values.items() if k in State.__dataclass_fields__})
            if state.status not in STATUSES:
                raise ValueError(state.status)
            return state
        except (OSError, ValueError, AttributeError, TypeError):
            return State(status="failed", error={"key": "run_unreadable", "values": {"run": self.id}})

    def alive(self) -> bool:
        """Whether a trainer process is at work on this run now."""
        try:
            return is_locked(self.folder / "lock")
        except OSError:  # no right to look, or no file can be opened just now: its last sign of life must do
            with contextlib.suppress(OSError):
                return abs(time.time() - (self.folder / "state.json").stat().st_mtime) < SPOKE_LATELY
            return False

    def history(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The points of the curves from a byte offset on, and the offset to ask from next time.

        Lines that are no points are left out here as in `metrics`: anybody's program may have written them.
        """
        rows, end = read_lines(self.folder / "history.jsonl", offset)
        return [row for row in rows if is_measured(row)], end

    def metrics(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """What was measured of the fakes, from a byte offset on, and the offset to ask from next time."""
        rows, end = read_lines(self.folder / "metrics.jsonl", offset)
        return [row for row in rows if is_measured(row)], end

    def events(self) -> list[dict[str, Any]]:
        """Everything that happened, oldest first."""
        return read_lines(self.folder / "events.jsonl")[0]

    def log_tail(self) -> list[str]:
        """The last lines the trainer process printed."""
        try:
            with open(self.folder / "trainer.log", "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 32768))
                return file.read().decode("utf-8", "replace").splitlines()[-LOG_TAIL_LINES:]
        except OSError:
            return []

    # --- wishes ---

    def wish(self) -> str | None:
        """What a person asked of the running trainer: "pause", "stop" or None."""
        wish = self._control().get("wish")
        return str(wish) if wish else None

    def wanted_settings(self) -> dict[str, Any]:
        """The live settings that a person asked for since the training was last started or resumed."""
        settings = self._control().get("settings")
        return settings if isinstance(settings, dict) else {}

    def _control(self) -> dict[str, Any]:
        try:
            control = read_json(self.folder / "control.json")
        except (OSError, ValueError):
            return {}
        return control if isinstance(control, dict) else {}

    def set_wish(self, wish: str | None) -> None:
        """Ask the trainer to pause or stop; None takes back all that was asked before."""
        if wish is None:
            try:
                if (self.folder / "control.json").exists():  # a disk that is only read refuses to delete even nothing
                    remove(self.folder / "control.json")
            except OSError as error:
                raise UserError("cannot_write", path=self.folder, reason=error.strerror or error) from None
        else:
            self._ask({**self._control(), "wish": wish})

    def set_wanted_settings(self, settings: dict[str, Any]) -> None:
        """Ask the trainer to go on with other values of live settings."""
        self._ask({**self._control(), "settings": {**self.wanted_settings(), **settings}})

    def _ask(self, control: dict[str, Any]) -> None:
        try:
            write_json(self.folder / "control.json", control, durable=False)
        except OSError as error:
            raise UserError("cannot_write", path=self.folder, reason=error.strerror or error) from None

    # --- writing: only with the lock held ---

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """The right to write. Raises files.Locked if another process has it, UserError where nothing can be written."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(lock(self.folder / "lock"))
            except FileNotFoundError:
                raise UserError("run_vanished", path=self.folder) from None
            except OSError as error:
                raise UserError("cannot_write", path=self.folder, reason=error.strerror or error) from None
            yield

    def write_state(self, state: State, *, durable: bool = False) -> None:
        """Replace state.json, with a fresh heartbeat."""
        values = dataclasses.asdict(dataclasses.replace(state, heartbeat=time.time()))
        write_json(self.folder / "state.json", values, durable=durable)

    def add_event(self, kind: str, *, durable: bool = False, **values: Any) -> None:
        """Append to events.jsonl."""
        with open_lines(self.folder / "events.jsonl") as file:
            append_line(file, {"time": round(time.time(), 3), "event": kind, **values})
            if durable:
                os.fsync(file.fileno())

    def rewind(self, step: int) -> None:
        """Forget what lies after `step`, so that a resumed training does not draw its curves twice."""
        for name in ("history.jsonl", "metrics.jsonl"):
            rows, _ = read_lines(self.folder / name)
            kept = [row for row in rows if is_measured(row) and row["step"] <= step]
            if len(kept) < len(rows):
                lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
                write_atomic(self.folder / name, lines.encode())
        for path in self.folder.glob("snapshots/*"):
            if (at := step_of(path)) is not None and at > step:
                remove(path)


def create_run(
    folder: Path,
    config: Config,
    dataset_sha256: str,
    dataset_size: int,
    parent: dict[str, Any] | None = None,
    visitor: str = "",
) -> Run:
    """Make a new run folder, queued. Raises UserError if the folder already holds something.

    `parent` is {"run": id, "step": number} for a branch, `visitor` whose run it is (see `Run.visitor`).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError("folder_not_empty", path=folder)
        (folder / "snapshots").mkdir()
    except (FileExistsError, NotADirectoryError):
        raise UserError("folder_not_empty", path=folder) from None
    except OSError as error:
        raise UserError("cannot_write", path=folder, reason=error.strerror or error) from None
    document = {
        "format": FORMAT,
        "created": round(time.time(), 3),
        "settings": settings.to_json(config),
        "dataset_sha256": dataset_sha256,
        "dataset_size": dataset_size,
        "parent": parent,
        "visitor": visitor,
        "versions": {"python": platform.python_version(), "torch": importlib.metadata.version("torch")},
    }
    try:
        write_json(folder / "state.json", dataclasses.asdict(State(target=config.steps, heartbeat=time.time())))
        write_json(folder / "config.json", document)  # last: a folder is a run once it has this file
    except OSError as error:
        remove_folder(folder)
        raise UserError("cannot_write", path=folder, reason=error.strerror or error) from None
    return Run(folder)


def new_run_folder(runs_dir: Path, preset: str) -> Path:
    """A folder name nobody has: when, what, and four random characters."""
    return runs_dir / f"{time.strftime('%Y%m%d-%H%M%S')}-{preset}-{secrets.token_hex(2)}"


def default_runs_dir() -> Path:
    """$GAN_RUNS_DIR, or checkpoints/runs: of the checkout, or where the package is installed, of the working folder."""
    checkpoints = Path("checkpoints").absolute() if IS_INSTALLED else _CHECKOUT
    return Path(os.environ.get("GAN_RUNS_DIR") or checkpoints / "runs")


def find_run(runs_dir: Path, run_id: str) -> Run:
    """The run of that id. Raises UserError if there is none; an id is never a path."""
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id) or not _is_run(runs_dir / run_id):
        raise UserError("unknown_run", run=run_id)
    return Run(runs_dir / run_id)


def _is_run(folder: Path) -> bool:
    return os.path.isfile(folder / "config.json")  # unlike Path's, false for what nobody may look at


def pretrained() -> list[Run]:
    """The trained networks that ship with the app, in alphabetical order; their folders are only read."""
    return sorted(list_runs(PRETRAINED), key=lambda run: run.id)


def find_sampled(runs_dir: Path, run_id: str) -> Run:
    """The run of that id, or the network of that name that ships. Raises UserError if there is neither."""
    try:
        return find_run(runs_dir, run_id)
    except UserError:
        return find_run(PRETRAINED, run_id)


def named_run(text: str) -> Run:
    """What a command line names: a run folder, or else a run or a network that ships. Raises UserError if it is neither."""
    folder = Path(text)
    is_path = folder.is_dir() or len(folder.parts) > 1  # no run's name has parts
    if is_path:
        return Run(folder.absolute())
    try:
        return find_sampled(default_runs_dir(), text)
    except UserError as error:
        there = [run.id for run in (*list_runs(default_runs_dir()), *pretrained())]
        raise UserError(error.key, **error.values, choices=", ".join(there)) from None


def list_runs(runs_dir: Path) -> Iterator[Run]:
    """All runs, the newest first (names begin with the time); none in a folder that is gone or cannot be read."""
    try:
        folders = sorted(runs_dir.iterdir(), key=lambda path: path.name, reverse=True)
    except OSError:
        return
    for folder in folders:
        if _RUN_ID.fullmatch(folder.name) and _is_run(folder):
            yield Run(folder)


def step_in(text: str) -> int | None:
    """The step that a part of a file's name says; None for what we would write otherwise, such as other digits."""
    if text.isascii() and text.isdigit() and f"{int(text):06d}" == text:
        return int(text)
    return None


def step_of(path: Path) -> int | None:
    """The step of a snapshot's file, None for any other file."""
    return step_in(path.name.partition(".")[0])


def is_measured(row: Mapping[str, Any]) -> bool:
    """Whether a row of history.jsonl or metrics.jsonl has a step, and numbers where it has anything but lists."""
    step, values = row.get("step"), (value for value in row.values() if not isinstance(value, list))
    return type(step) is int and step >= 0 and all(map(_is_number, values))


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (type(value) is int and abs(value) < 1 << 63)


def snapshot_steps(run: Run) -> list[int]:
    """The steps that have a snapshot, ascending."""
    found = (step_in(path.stem) for path in run.folder.glob("snapshots/*.safetensors"))
    return sorted(step for step in found if step is not None)


def pictured_steps(run: Run) -> list[int]:
    """The steps whose grid of the fixed z was kept, ascending: of a run that ships, more than have a generator."""
    found = (step_in(path.stem) for path in run.folder.glob("snapshots/*.webp"))
    return sorted(step for step in found if step is not None)


@dataclass(frozen=True)
class Relative:
    """A run in the tree of branches; `parent` is {"run": id, "step": number, "kind": what it began with}, or None."""

    id: str
    preset: str
    parent: dict[str, Any] | None


def lineage(runs_dir: Path) -> list[Relative]:
    """All runs that can be read, the newest first, each with the run it branched from, which may be gone by now."""
    relatives = []
    for run in list_runs(runs_dir):
        with contextlib.suppress(UserError):
            parent = run.document().get("parent")
            relatives.append(Relative(run.id, run.config().preset, parent if isinstance(parent, dict) else None))
    return relatives


def snapshot_path(run: Run, step: int | None) -> Path:
    """The file of a snapshot; None means the newest generator there is, live or snapshot. Raises UserError if absent."""
    steps = snapshot_steps(run)
    if step is None:
        live = run.folder / "live.safetensors"
        if live.exists():
            return live
        if not steps:
            raise UserError("no_snapshot_yet", run=run.id)
        step = steps[-1]
    path = run.folder / "snapshots" / f"{step:06d}.safetensors"
    if not path.exists():
        raise UserError("no_such_snapshot", run=run.id, step=step, steps=_spell(steps))
    return path


def delete_run(run: Run) -> None:
    """Delete a run folder for good. Raises UserError while a trainer is at work on it, and where nothing can be deleted.

    One that has just said its last word gets a moment to let go of the lock.
    """
    if not run.folder.exists():
        return
    try:
        with run.lock():
            remove(run.folder / "config.json")  # first: from then on nobody takes the folder for a run
    except Locked:
        raise UserError("run_is_active", run=run.id) from None
    except OSError as error:
        raise UserError("cannot_write", path=run.folder, reason=error.strerror or error) from None
    remove_folder(run.folder)


def check_resumable(run: Run) -> None:
    """Raises UserError for a run that came from the Hub without a checkpoint: training would begin anew and wipe it."""
    if run.document().get("origin") and not any(run.folder.glob("checkpoint-*.json")):
        raise UserError("pulled_without_checkpoint", run=run.id)


def describe_error(error: BaseException) -> dict[str, Any]:
    """An exception as `State.error`."""
    if isinstance(error, UserError):
        return {"key": error.key, "values": {"field": error.field, **error.values}}
    return {"key": "trainer_crashed", "values": {"kind": type(error).__name__, "message": str(error)}}


def _spell(steps: list[int]) -> str:
    if len(steps) <= 8:
        return ", ".join(map(str, steps)) or "—"
    return ", ".join(map(str, steps[:4])) + ", …, " + ", ".join(map(str, steps[-3:]))
