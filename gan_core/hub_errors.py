"""Talking to the Hugging Face Hub without long silences, and saying what went wrong in sentences a person can act on.

    with hub_errors(repo):
        connect(token).create_repo(repo)

Everything that asks the Hub for something does it like this. Only here are the client's many exceptions known, and how long
to wait is set.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import traceback
from collections.abc import Iterator
from typing import Any

from huggingface_hub import HfApi, get_token, set_client_factory
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    hf_raise_for_status,
    httpx,
    parse_ratelimit_headers,
    validate_repo_id,
)
from huggingface_hub.utils._http import hf_request_event_hook  # private: what makes the offline flag work

from gan_core.sentences import UserError

CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 30.0
COMMIT_SECONDS = 60.0  # the Hub itself gives up on a commit after about as long
WAIT_AT_MOST = 5.0  # seconds that the Hub may ask to wait before this becomes an error instead of a pause
STATUS = {
    401: "hub_token_refused",
    402: "hub_must_pay",
    403: "hub_not_allowed",
    409: "hub_exists",
    412: "hub_changed",
}


class _Silent(httpx.TransportError):
    """No answer in time. Unlike the client's own timeouts, it is not tried again: the person has waited already."""


class _Client(httpx.Client):
    """The client's own settings, but with an end to every wait."""

    def __init__(self) -> None:
        super().__init__(
            event_hooks={"request": [hf_request_event_hook]},
            follow_redirects=True,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )

    def send(self, request: Any, **options: Any) -> Any:
        # several of the client's functions ask for no limit at all, which would override ours
        asked, ours = request.extensions.get("timeout", {}), self.timeout.as_dict()
        if "/commit/" in request.url.path:
            ours["read"] = COMMIT_SECONDS
        request.extensions["timeout"] = {kind: asked.get(kind) or limit for kind, limit in ours.items()}
        try:
            response = super().send(request, **options)
        except httpx.TimeoutException as error:
            raise _Silent(str(error), request=request) from error
        wait = _wait_of(response)
        # the client would sleep as long as it is told to, several times; and ask a busy account again without a pause
        if response.status_code == 429 and (wait is None or wait > WAIT_AT_MOST):
            response.read()
            hf_raise_for_status(response)
        if response.status_code == 409 and b"another conflicting operation" in response.read():
            hf_raise_for_status(response)
        return response


def connect(token: str | None) -> HfApi:
    """The Hub's interface for exactly this token; None asks as nobody, never as whoever the machine belongs to.

    Raises UserError for a text that cannot be a token. From the first call on, all of this process waits only as long as
    said here when it uses the Hub.
    """
    if token is not None and not re.fullmatch(r"[!-~]+", token):
        raise UserError("hub_token_refused")
    _wait_no_longer()
    return HfApi(token=token or False)


def own_token() -> str | None:
    """The token of whoever this machine belongs to, for that person's own notebook and command line, and nobody else."""
    return get_token()


@functools.cache
def _wait_no_longer() -> None:
    set_client_factory(_Client)  # closes the connections of whoever asks right now, so only once


def check_name(name: str) -> str:
    """USER/NAME as the Hub allows it. Raises UserError."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        raise UserError("hub_name_invalid", name=name) from None
    if name.count("/") != 1:
        raise UserError("hub_name_invalid", name=name)
    return name


@contextlib.contextmanager
def hub_errors(repo: str = "", revision: str = "main") -> Iterator[None]:
    """What the Hub and the way to it raise inside becomes a UserError about this repository; all else goes through."""
    try:
        yield
    except Exception as error:
        if (found := said(error, repo, revision)) is None or found is error:
            raise
        raise found from None  # what is beneath may quote headers


def said(error: BaseException, repo: str = "", revision: str = "main") -> UserError | None:
    """The sentence for an exception of the Hub's client; None for one that is not of the Hub."""
    if isinstance(error, UserError):
        return error
    # nearly all of these are OSErrors or ValueErrors, too, and some are each other's: the order matters
    for kind, key in (
        (LocalTokenNotFoundError, "hub_no_token"),
        (OfflineModeIsEnabled, "hub_offline"),
        (HFValidationError, "hub_name_invalid"),
        (RevisionNotFoundError, "hub_no_revision"),
        (GatedRepoError, "hub_gated"),
        (RepositoryNotFoundError, "hub_no_repository"),
        (DisabledRepoError, "hub_closed"),
    ):
        if isinstance(error, kind):
            return UserError(key, name=repo, repo=repo, revision=revision)
    if isinstance(error, HfHubHTTPError):
        return _of_status(error, repo)
    if isinstance(error, _Silent | httpx.TimeoutException | TimeoutError):
        return UserError("hub_silent")
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.InvalidURL | httpx.ProxyError):
        return UserError("hub_unreachable")
    if isinstance(error, httpx.TransportError | ConnectionError):
        return UserError("hub_cut")
    if isinstance(error, httpx.RequestError | json.JSONDecodeError):
        return UserError("hub_odd_answer")
    if isinstance(error, RuntimeError | OSError) and error.__cause__:  # the client wraps what ended an upload
        return said(error.__cause__, repo, revision)
    if isinstance(error, KeyError | TypeError | AttributeError | RecursionError) and _in_client(error):
        return UserError("hub_odd_answer")  # JSON, but without what the client takes for granted
    return None


def _in_client(error: BaseException) -> bool:
    """Whether it was raised by the client's own code, not by what called it."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(("huggingface_hub.", "json."))


def _of_status(error: HfHubHTTPError, repo: str) -> UserError:
    status = error.response.status_code
    message = error.server_message or error.response.reason_phrase
    if status == 429:
        wait = _wait_of(error.response)
        return UserError("hub_too_often") if wait is None else UserError("hub_slow_down", seconds=round(wait))
    if status == 401 and "authorization" not in error.response.request.headers:
        return UserError("hub_no_repository", repo=repo)
    if status >= 500 or status == 408:
        return UserError("hub_server_error", status=status)
    return UserError(STATUS.get(status, "hub_refused"), repo=repo, said=message)


def _wait_of(response: Any) -> float | None:
    """The seconds that the Hub asks to wait, if it says so."""
    limit = parse_ratelimit_headers(response.headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    after = response.headers.get("retry-after", "")
    return float(after) if after.isascii() and after.isdigit() else None


# of these the Hub, the way to it or the account is the reason, whatever is asked of it
OF_THE_HUB = frozenset(
    {
        *(
            "hub_no_token",
            "hub_token_refused",
            "hub_offline",
            "hub_silent",
            "hub_unreachable",
            "hub_cut",
            "hub_odd_answer",
        ),
        *("hub_name_invalid", "hub_no_revision", "hub_gated", "hub_no_repository", "hub_closed", "hub_is_public"),
        *("hub_too_often", "hub_slow_down", "hub_server_error", "hub_refused", *STATUS.values()),
    }
)
