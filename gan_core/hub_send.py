"""Sending files to a repository on the Hub in one commit, watched and to be stopped at any moment."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Mapping

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
    logging,
)

from gan_core.sentences import UserError

Report = Callable[..., None]  # report(share of the work, bytes=done, total=of how many)
Cancelled = Callable[[], bool]


def send(
    api: HfApi,
    repo: str,
    files: Mapping[str, bytes],
    *,
    message: str,
    parent: str | None,
    gone: Iterable[str] = (),
    repo_type: str = "model",
    report: Report,
    cancelled: Cancelled,
) -> str:
    """Put files into a repository and take those of `gone` out of it, in one commit after `parent`; returns the commit.

    Large files that have arrived earlier are not sent again. Raises what the client raises, and UserError once
    `cancelled` says so; then nothing has become visible.
    """
    with _quiet:
        watch = _Watch(sum(map(len, files.values())), report, cancelled)
        additions = [CommitOperationAdd(name, watch.file(data)) for name, data in files.items()]
        watch.begin()
        # of two files with the same bytes the client would send one twice at once, mixed up; the second is there by then
        firsts = list({addition.upload_info.sha256: addition for addition in additions}.values())
        for some in (firsts, additions):
            api.preupload_lfs_files(repo, some, repo_type=repo_type, free_memory=False)
        watch.check()
        return api.create_commit(
            repo,
            [*additions, *map(CommitOperationDelete, gone)],
            repo_type=repo_type,
            commit_message=message,
            parent_commit=parent,
            revision="main",
        ).oid


class _Watch:
    """Counts the bytes that have been sent, and stops the sending."""

    def __init__(self, total: int, report: Report, cancelled: Cancelled) -> None:
        self._files: list[_File] = []
        self._total, self._report, self._cancelled = total, report, cancelled
        self._begun = False
        self._lock = threading.Lock()  # the client sends several files at once

    def file(self, data: bytes) -> _File:
        file = _File(data, self)
        self._files.append(file)
        return file

    def begin(self) -> None:
        """From now on reading is sending; before, the client read everything to hash it."""
        self._begun = True
        for file in self._files:
            file.furthest = 0

    def check(self) -> None:
        """Say how far it is. Raises UserError if it is to stop."""
        with self._lock:
            if self._begun:
                done = sum(file.furthest for file in self._files)
                self._report(min(0.99, done / self._total), bytes=done, total=self._total)
            if self._cancelled():
                raise UserError("hub_stopped")


class _File(io.BytesIO):
    """A file in memory whose reader is watched."""

    def __init__(self, data: bytes, watch: _Watch) -> None:
        super().__init__(data)
        self._watch = watch
        self.furthest = 0

    def read(self, size: int | None = -1) -> bytes:
        self._watch.check()
        data = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return data


class _Quiet:
    """Keeps the client's bars and warnings off the terminal: what they say comes out as progress and sentences.

    Several threads may want that at once: the first one in switches them off, the last one out leaves all as it was.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside, self._level, self._bars = 0, 0, False

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._level, self._bars = logging.get_verbosity(), not are_progress_bars_disabled()
                logging.set_verbosity_error()  # type: ignore[no-untyped-call]
                disable_progress_bars()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                logging.set_verbosity(self._level)
                if self._bars:
                    enable_progress_bars()


_quiet = _Quiet()
