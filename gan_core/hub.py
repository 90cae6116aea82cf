"""Pushing a run to a Hugging Face repository, in one commit, and fetching files from one that was pushed.

Files go the plain way (LFS up, one request down) whether or not Xet is installed: Xet can neither be stopped nor told how
long to wait, and retries for up to eight minutes without a word.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    build_hf_headers,
    disable_progress_bars,
    enable_progress_bars,
    get_session,
    hf_raise_for_status,
    httpx,
    logging,
)

from gan_core.hub_errors import check_name, connect, hub_errors
from gan_core.hub_files import MANIFEST, MANIFEST_BYTES, Listed, collect, most_bytes, read_manifest
from gan_core.runs import Run
from gan_core.sentences import UserError

TRIES, PAUSE = 3, 2.0  # how often a download that is cut is tried again, and seconds between
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,49}")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}")

Report = Callable[..., None]  # report(share of the work, bytes=done, total=of how many)
Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class Pushed:
    """Where a run went: the page of the repository, the commit, and how many bytes its files have together."""

    url: str
    commit: str
    size: int


@dataclass(frozen=True)
class Source:
    """A commit of a repository that holds a run, and its files."""

    repo: str
    revision: str
    commit: str
    files: dict[str, Listed]


def push(
    run: Run,
    repo: str,
    *,
    token: str | None,
    private: bool = False,
    tag: str | None = None,
    report: Report = lambda share, **data: None,
    cancelled: Cancelled = lambda: False,
) -> Pushed:
    """Push a run to USER/NAME, which is made if need be; files of an earlier push that the run no longer has are removed.

    Everything becomes visible in one commit, and large files that have arrived are not sent again: a push that was stopped
    or cut is simply repeated. Raises UserError, and then nothing was published (only an empty repository may be new).
    """
    check_name(repo)
    if token is None:
        raise UserError("hub_no_token")
    if tag is not None and not _TAG.fullmatch(tag):
        raise UserError("hub_tag_invalid", field="tag", tag=tag)
    files = collect(run, repo)
    total = sum(map(len, files.values()))
    with hub_errors(repo), _quiet():
        api = connect(token)
        api.create_repo(repo, private=private or None, exist_ok=True)
        known = api.model_info(repo)
        names = {sibling.rfilename for sibling in known.siblings or []}
        if private and not known.private:
            raise UserError("hub_is_public", repo=repo)
        if MANIFEST not in names and names - {".gitattributes", "README.md", "LICENSE"}:
            raise UserError("hub_other_project", repo=repo)
        if tag and any(ref.name == tag for ref in api.list_repo_refs(repo).tags):
            raise UserError("hub_tag_exists", field="tag", repo=repo, tag=tag)
        watch = _Watch(total, report, cancelled)
        additions = [CommitOperationAdd(name, watch.file(data)) for name, data in files.items()]
        watch.begin()
        gone = [CommitOperationDelete(name) for name in sorted(names - set(files)) if most_bytes(name)]
        # of two files with the same bytes the client would send one twice at once, mixed up; the second is there by then
        firsts = list({addition.upload_info.sha256: addition for addition in additions}.values())
        for some in (firsts, additions):
            api.preupload_lfs_files(repo, some, free_memory=False)
        watch.check()
        commit = api.create_commit(
            repo, [*additions, *gone], commit_message=f"Push {run.id}", parent_commit=known.sha, revision="main"
        ).oid
        if tag:
            api.create_tag(repo, tag=tag, revision=commit)
    report(1.0, bytes=total, total=total)
    return Pushed(f"{api.endpoint}/{repo}", commit, total)


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


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the client's bars and warnings off the terminal: what they say comes out as progress and sentences."""
    level, bars = logging.get_verbosity(), not are_progress_bars_disabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            enable_progress_bars()


def find(repo: str, revision: str | None, token: str | None) -> Source:
    """What a repository lists as the files of a run, before any of them is fetched.

    Raises UserError if it is not one that was pushed from here, or lists what no run has.
    """
    check_name(repo)
    revision = revision or "main"
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise UserError("hub_no_revision", repo=repo, revision=revision)
    with hub_errors(repo, revision):
        api = connect(token)
        commit = str(api.model_info(repo, revision=revision).sha)
        try:
            data = b"".join(_stream(api, repo, commit, MANIFEST, MANIFEST_BYTES))
        except EntryNotFoundError:
            raise UserError("hub_not_ours", repo=repo, name=MANIFEST) from None
    return Source(repo, revision, commit, read_manifest(data, repo))


def fetch(
    source: Source,
    wanted: Mapping[str, Listed],
    folder: Path,
    token: str | None,
    report: Report = lambda share, **data: None,
    cancelled: Cancelled = lambda: False,
) -> None:
    """Put files of a source into a folder, checked against their sizes and hashes. Raises UserError."""
    total, done = sum(file.size for file in wanted.values()), 0
    with hub_errors(source.repo, source.revision):
        api = connect(token)
        for name, listed in wanted.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            tell = functools.partial(_tell, report, cancelled, total, done)
            for again in range(TRIES, -1, -1):
                try:
                    _save(api, source, name, listed, path, tell)
                    break
                except EntryNotFoundError:
                    raise UserError("hub_incomplete", repo=source.repo, name=name) from None
                except (httpx.NetworkError, httpx.RemoteProtocolError, HfHubHTTPError) as error:
                    if not again or (isinstance(error, HfHubHTTPError) and error.response.status_code < 500):
                        raise
                    time.sleep(PAUSE)
            done += listed.size
    report(1.0, bytes=total, total=total)


def _tell(report: Report, cancelled: Cancelled, total: int, before: int, got: int) -> None:
    if cancelled():
        raise UserError("hub_stopped")
    report((before + got) / max(total, 1), bytes=before + got, total=total)


def _save(api: HfApi, source: Source, name: str, listed: Listed, path: Path, tell: Callable[[int], None]) -> None:
    digest, got = hashlib.sha256(), 0
    with open(path, "wb") as file:
        for chunk in _stream(api, source.repo, source.commit, name, listed.size):
            digest.update(chunk)
            file.write(chunk)
            got += len(chunk)
            tell(got)
    if got != listed.size or digest.hexdigest() != listed.sha256:
        raise UserError("hub_hash_differs", repo=source.repo, name=name)


def _stream(api: HfApi, repo: str, commit: str, name: str, at_most: int) -> Iterator[bytes]:
    """The bytes of a file as it is at a commit. Raises UserError as soon as there are more than expected."""
    url = f"{api.endpoint}/{repo}/resolve/{commit}/{quote(name)}"
    headers: dict[str, Any] = {**build_hf_headers(token=api.token), "accept-encoding": "identity"}
    got = 0
    with get_session().stream("GET", url, headers=headers) as response:
        hf_raise_for_status(response)
        announced = response.headers.get("content-length", "0")
        if not announced.isdigit() or int(announced) > at_most:
            raise UserError("hub_hash_differs", repo=repo, name=name)
        for chunk in response.iter_raw(65536):
            got += len(chunk)
            if got > at_most:
                raise UserError("hub_hash_differs", repo=repo, name=name)
            yield chunk
