"""Pulling a run that was pushed: fetched into a hidden folder, checked there, and only then a run among the others."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gan_core import data, render, runs
from gan_core.files import move, remove_folder, write_atomic
from gan_core.hub import Source, fetch, find
from gan_core.hub_checks import Checks
from gan_core.hub_files import NOT_FOR_A_RUN, most_bytes
from gan_core.hub_send import Cancelled, Report
from gan_core.runs import Run
from gan_core.sentences import UserError

_HIDDEN = ".pull-"
_ABANDONED = 24 * 3600.0  # seconds after which what a killed pull left behind is removed


def split(name: str) -> tuple[str, str | None]:
    """USER/NAME@REVISION in two; without a revision it is None."""
    repo, _, revision = name.partition("@")
    return repo, revision or None


def pull(
    repo: str,
    revision: str | None,
    runs_dir: Path,
    *,
    token: str | None = None,
    report: Report = lambda share, **data: None,
    cancelled: Cancelled = lambda: False,
) -> Run:
    """Fetch a run from USER/NAME, at a tag, branch or commit, into a folder of its own in `runs_dir`.

    It samples and scrubs like any other, and goes on training if a checkpoint came along. Raises UserError, and then
    nothing has been left behind; see `hub_checks` for what is refused.
    """
    source = find(repo, revision, token)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", repo.split("/")[1])[:30]
    return take(
        source, runs_dir, lambda: runs.new_run_folder(runs_dir, name), token=token, report=report, cancelled=cancelled
    )


def take(
    source: Source,
    runs_dir: Path,
    place: Callable[[], Path],
    *,
    token: str | None,
    report: Report = lambda share, **data: None,
    cancelled: Cancelled = lambda: False,
    finish: Callable[[Run], None] = lambda run: None,
) -> Run:
    """The run of a source, fetched and checked, and moved to `place()`; before that `finish` may add to its folder.

    Raises UserError, and then nothing has been left behind.
    """
    wanted = {name: file for name, file in source.files.items() if name not in NOT_FOR_A_RUN}
    assert all(most_bytes(name) for name in wanted)  # so none of the names leads out of the folder
    with _hidden_folder(runs_dir) as folder:
        fetch(source, wanted, folder, token, report, cancelled)
        origin = {"hub": source.repo, "revision": source.revision, "commit": source.commit}
        run = Checks(folder, source.repo, origin).all()
        _add_pictures(run)
        finish(run)
        if cancelled():
            raise UserError("hub_stopped")
        settled = place()
        move(folder, settled)
        return Run(settled)


@contextlib.contextmanager
def _hidden_folder(runs_dir: Path) -> Iterator[Path]:
    """A folder that is no run to anybody, and gone afterwards unless it was renamed."""
    folder = runs_dir / f"{_HIDDEN}{secrets.token_hex(8)}"
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        for old in runs_dir.glob(f"{_HIDDEN}*"):
            if time.time() - old.stat().st_mtime > _ABANDONED:
                shutil.rmtree(old, ignore_errors=True)
        (folder / "snapshots").mkdir(parents=True)
        yield folder
    except OSError as error:
        raise UserError("cannot_write", path=runs_dir, reason=error.strerror or error) from None
    finally:
        if folder.exists():  # it was not moved
            remove_folder(folder)


def _add_pictures(run: Run) -> None:
    """What the page shows beside the curves: the newest grid, and reals where this machine has the data set."""
    grids = sorted(run.folder.glob("snapshots/*.webp"), key=lambda path: int(path.stem))
    if grids:
        write_atomic(run.folder / "live.webp", grids[-1].read_bytes())
    name = run.config().dataset
    if data.is_ready(name):
        with contextlib.suppress(UserError):  # it has a problem of its own, which a training would tell
            reals = data.load(name).images[: render.GRID_SIDE**2]
            write_atomic(run.folder / "reals.webp", render.encode(render.grid(reals)))
