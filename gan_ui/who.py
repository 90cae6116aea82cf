"""Who may do what, in one table, and how the people who ask are told apart.

Three roles. The **owner** may do everything. A **visitor** may look and play. With GAN_VISITORS=train visitors may also
train, within `Caps`, and touch only the runs they started: they are called **trainees** here.

* On one's own machine (neither SPACE_ID nor GAN_OWNER_TOKEN is set) everybody is the owner.
* With GAN_OWNER_TOKEN whoever opens the page once with ?owner=TOKEN is the owner from then on (a cookie remembers it);
  a program says so with the header X-Owner-Token.
* On a Space so is whoever signs in as the account that made the Space.

A visitor is a random cookie; runs and rate limits know only a hash of it, `Person.visitor`. Who sends no cookie shares that
name with all of an address, a whole class perhaps, and so owns nothing by it. A program, which keeps no cookies, is given a key
with each run that it starts, and owns what it sends the key of.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from starlette.requests import cookie_parser

from gan_core.runs import Run
from gan_core.sentences import UserError
from gan_ui.caps import Caps

Role = Literal["owner", "visitor", "trainee"]
Answer = Literal["yes", "own", "no"]  # own: with the runs that this visitor started
ROLES: tuple[Role, ...] = ("owner", "visitor", "trainee")

# The one table. action: (owner, visitor, visitor where GAN_VISITORS=train)
RIGHTS: dict[str, tuple[Answer, Answer, Answer]] = {
    "watch": ("yes", "yes", "yes"),
    "sample": ("yes", "yes", "yes"),
    "project": ("yes", "yes", "yes"),
    "film": ("yes", "yes", "yes"),
    "export": ("yes", "yes", "yes"),
    "start": ("yes", "no", "yes"),
    "branch": ("yes", "no", "yes"),
    "resume": ("yes", "no", "own"),
    "pause": ("yes", "no", "own"),
    "stop": ("yes", "no", "own"),
    "change": ("yes", "no", "own"),
    "delete": ("yes", "no", "own"),
    "name": ("yes", "no", "own"),
    "upload": ("yes", "no", "no"),
    "pull": ("yes", "no", "no"),
    "push": ("yes", "no", "no"),
    "push_own": ("yes", "yes", "yes"),  # only on a Space, and only with the token of whoever is signed in
    "publish": ("yes", "no", "no"),
    "lead": ("yes", "no", "no"),
}

# What each event of the page, by its api_name, and each named endpoint does. One that is not here fails the tests.
EVENTS: dict[str, str] = {
    "presets": "watch",
    "start": "start",
    "status": "watch",
    "pause": "pause",
    "resume": "resume",
    "stop": "stop",
    "change": "change",
    "branch": "branch",
    "delete": "delete",
    "metrics": "watch",
    "runs": "watch",
    "sample": "sample",
    "page_words": "watch",
    "page_language": "watch",
    "page_opening": "watch",
    "page_preset": "watch",
    "page_reuse": "watch",
    "page_buttons": "watch",
    "page_upload": "upload",
    "page_start": "start",
    "page_pause": "pause",
    "page_resume": "resume",
    "page_stop": "stop",
    "page_more": "resume",
    "page_change": "change",
    "page_cure": "branch",
    "page_card_resume": "resume",
    "page_card_delete": "delete",
}

VISITOR_COOKIE, OWNER_COOKIE = "gan_visitor", "gan_owner"
OWNER_HEADER = "x-owner-token"
_RANDOM = re.compile(r"[A-Za-z0-9_-]{22}")  # what new_secret makes


def new_secret() -> str:
    """A new visitor's cookie, or the key of a run."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class Account:
    """An account of the Hub that signed in on this page, and its own token."""

    name: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Person:
    """Somebody who asks. `known` is false for one without our cookie, who shares a name with all of that address.

    `key` is the hash of the key that such a one sent with a run, if any.
    """

    role: Role
    visitor: str
    known: bool = True
    key: str = ""

    @property
    def mark(self) -> str:
        """What a run that this visitor starts is marked with, to be known as theirs; empty if it could not be."""
        if self.known:
            return self.visitor
        return f"{self.visitor}.{self.key}" if self.key else ""

    def right(self, action: str) -> Answer:
        """What the table says."""
        return RIGHTS[action][ROLES.index(self.role)]

    def check(self, action: str, run: Run | None = None) -> None:
        """Raise UserError if this person may not do that, with that run if it is done with one."""
        answer = self.right(action)
        if answer == "own" and run is not None:
            if not self.owns(run):
                raise UserError("not_your_run", run=run.id)
        elif answer != "yes":
            raise UserError("only_owner")

    def owns(self, run: Run) -> bool:
        """Whether this visitor started it."""
        visitor, _, key = run.visitor().partition(".")
        if not self.known:  # an address may change, so the key is all that counts
            return bool(self.key) and hmac.compare_digest(key, self.key)
        return bool(self.visitor) and not key and hmac.compare_digest(visitor, self.visitor)

    def to_json(self) -> dict[str, Any]:
        """What the page has to know to hide what is not allowed."""
        return {"role": self.role, "visitor": self.visitor, "may": {action: self.right(action) for action in RIGHTS}}


class Who:
    """Knows the roles of those who ask, from the environment the app was started in."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._token = environment.get("GAN_OWNER_TOKEN", "").strip()
        self._account = {
            "preferred_username": environment.get("SPACE_AUTHOR_NAME"),
            "sub": environment.get("SPACE_CREATOR_USER_ID"),
        }
        self.space = environment.get("SPACE_ID", "")
        self.one_owner = bool(self._token or self.space)  # else everybody is
        self._others: Role = "trainee" if environment.get("GAN_VISITORS", "").strip() == "train" else "visitor"
        self.trains = self._others == "trainee"
        self.caps = Caps()
        # a sign-in button without these stops the app; Spaces have them where the README says `hf_oauth: true`
        self.sign_in = bool(self.space and environment.get("OAUTH_CLIENT_ID") and find_spec("authlib"))
        self.keeps = environment.get("GAN_PUSH_REPO", "").strip()  # the repository that keeps the runs, or ""
        self._runs_dir_is_set = bool(environment.get("GAN_RUNS_DIR"))

    def person(self, request: Any, key: str = "") -> Person:
        """Who sent a request, Starlette's or Gradio's, and with it the key of a run."""
        request = getattr(request, "request", request)  # gradio wraps it, and has none for what no browser sent
        headers, scope = (request.headers, request.scope) if request is not None else ({}, {})
        cookies = cookie_parser(headers.get("cookie", ""))
        cookie = cookies.get(VISITOR_COOKIE, "")
        known = bool(_RANDOM.fullmatch(cookie))
        visitor = _hash("visitor", cookie if known else str((scope.get("client") or ("",))[0]))
        owner = not self.one_owner or self.is_owner_token(headers.get(OWNER_HEADER, ""))
        # another site may make a browser send our cookies, but not hide that it did
        if not owner and headers.get("sec-fetch-site") != "cross-site":
            owner = self._is_owner_cookie(cookies.get(OWNER_COOKIE, "")) or self._signed_in_as_owner(scope)
        key = _hash("key", key) if _RANDOM.fullmatch(key) and not known else ""
        return Person("owner" if owner else self._others, visitor, known, key)

    def forgets(self, runs_dir: Path) -> bool:
        """Whether the runs are gone after a restart: on a Space, unless they lie on a volume or are pushed somewhere."""
        if not self.space or self.keeps:
            return False
        return not self._runs_dir_is_set or _disk(runs_dir) == _disk(Path(__file__))

    def is_owner_token(self, token: str) -> bool:
        """Whether it is the GAN_OWNER_TOKEN."""
        return bool(self._token) and hmac.compare_digest(token.encode(), self._token.encode())

    def owner_cookie(self) -> str:
        """What the owner's browser keeps: not the token itself."""
        return _hash("owner", self._token, 64)

    def _is_owner_cookie(self, cookie: str) -> bool:
        return bool(self._token) and hmac.compare_digest(cookie.encode(), self.owner_cookie().encode())

    def account(self, request: Any) -> Account | None:
        """The account that is signed in where a request comes from; None where nobody is, and off a Space."""
        info = self._signed_in(request.scope)
        user = info.get("userinfo", {})
        name, token = user.get("preferred_username"), info.get("access_token")
        return Account(str(name), str(token)) if name and token else None

    def _signed_in_as_owner(self, scope: Mapping[str, Any]) -> bool:
        user = self._signed_in(scope).get("userinfo", {})
        return any(name and user.get(key) == name for key, name in self._account.items())

    def _signed_in(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """The session that Gradio's sign-in keeps in a signed cookie, while it lasts; else nothing."""
        session = scope.get("session")
        info = session.get("oauth_info") if isinstance(session, dict) and self.space else None
        if not isinstance(info, dict) or info.get("expires_at", 0) <= time.time():
            return {}
        return info if isinstance(info.get("userinfo"), dict) else {}


def _disk(path: Path) -> int | None:
    try:
        return path.stat().st_dev
    except OSError:
        return None


def _hash(kind: str, value: str, length: int = 16) -> str:
    return hashlib.sha256(f"gan-live {kind}: {value}".encode()).hexdigest()[:length]
