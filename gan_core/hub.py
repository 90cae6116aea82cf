"""Pushing a run to a Hugging Face repository, in one commit, and fetching files from one that was pushed.

Files go the plain way (LFS up, one request down) whether or not Xet is installed: Xet can neither be stopped nor told how
long to wait, and retries for up to eight minutes without a word.
"""

from __future__ import annotations

import functools
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    build_hf_headers,
    get_session,
    hf_raise_for_status,
    httpx,
)

from gan_core.hub_errors import check_name, connect, hub_errors
from gan_core.hub_files import MANIFEST, MANIFEST_BYTES, Listed, collect, most_bytes, read_manifest
from gan_core.hub_send import Cancelled, Report, send
from gan_core.runs import Run
from gan_core.sentences import UserError

TRIES, PAUSE = 3, 2.0  # how often a download that is cut is tried again, and seconds between
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,49}")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}")


@dataclass(frozen=True)
class Pushed:
    """Where a run went: the page of the repository, the commit, and how many bytes its files have together."""

    url: str
    commit: str
    size: int


@dataclass(frozen=True)
class Source:
    """A commit of a repository that holds a run, and its files; `folder` is where in it, "" or ending with a slash."""

    repo: str
    revision: str
    commit: str
    files: dict[str, Listed]
    folder: str = ""


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
    with hub_errors(repo):
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
        gone = [name for name in sorted(names - set(files)) if most_bytes(name)]
        commit = send(
            api,
            repo,
            files,
            message=f"Push {run.id}",
            parent=known.sha,
            gone=gone,
            report=report,
            cancelled=cancelled,
        )
        if tag:
            api.create_tag(repo, tag=tag, revision=commit)
    report(1.0, bytes=total, total=total)
    return Pushed(f"{api.endpoint}/{repo}", commit, total)


def find(repo: str, revision: str | None, token: str | None, folder: str = "") -> Source:
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
            data = b"".join(_stream(api, repo, commit, folder + MANIFEST, MANIFEST_BYTES))
        except EntryNotFoundError:
            raise UserError("hub_not_ours", repo=repo, name=MANIFEST) from None
    return Source(repo, revision, commit, read_manifest(data, repo), folder)


def read(source: Source, name: str, at_most: int, token: str | None) -> bytes:
    """A small file beside those that a source lists; nothing if it has none. Raises UserError."""
    with hub_errors(source.repo, source.revision):
        try:
            return b"".join(_stream(connect(token), source.repo, source.commit, source.folder + name, at_most))
        except EntryNotFoundError:
            return b""


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
        for chunk in _stream(api, source.repo, source.commit, source.folder + name, listed.size):
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
        if not announced.isascii() or not announced.isdigit() or int(announced) > at_most:
            raise UserError("hub_hash_differs", repo=repo, name=name)
        for chunk in response.iter_raw(65536):
            got += len(chunk)
            if got > at_most:
                raise UserError("hub_hash_differs", repo=repo, name=name)
            yield chunk
