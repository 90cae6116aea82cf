"""The routes of the Share tab against the stand-in Hub: whose token is used, and what is refused at once."""

from __future__ import annotations

import asyncio
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gan_core import hub_keep, render, saved
from gan_core.config import make_config
from gan_core.hub_keep import Keeper
from gan_core.runs import Run, create_run
from gan_core.sentences import UserError
from gan_ui.jobs import Jobs
from gan_ui.sampling import SampleServer
from gan_ui.share_routes import Share, share_routes
from gan_ui.who import Who
from tests.hub.conftest import standin  # noqa: F401 - the fixture
from tests.hub.standin import StandIn
from tests.lively import lively
from tests.processes import wait_until

SPACE = {"SPACE_ID": "ada/gan", "SPACE_AUTHOR_NAME": "ada", "OAUTH_CLIENT_ID": "x"}
pytestmark = pytest.mark.parametrize("standin", ["lfs"], indirect=True)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = create_run(tmp_path / "small", make_config("tutorial", {"z_dim": 16, "dataset": "mnist"}), "0" * 64, 60_000)
    saved.save_snapshot(run, 500, lively(1), render.encode(torch.zeros(140, 140, dtype=torch.uint8)))
    return run


class SignedIn:
    """Puts a session into every request, as the middleware of Gradio's sign-in does."""

    def __init__(self, app: ASGIApp, session: dict[str, Any]) -> None:
        self._app, self._session = app, session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "session": self._session}, receive, send)


def session(name: str, token: str, seconds: float = 60) -> dict[str, Any]:
    user = {"preferred_username": name, "sub": name}
    return {"oauth_info": {"expires_at": time.time() + seconds, "userinfo": user, "access_token": token}}


class Page:
    """A page of the app: asks the routes, and waits for jobs."""

    def __init__(self, jobs: Jobs, runs_dir: Path, who: Who, *, keeper: Keeper | None = None, **kept: Any) -> None:
        routes = share_routes(Share(SampleServer(runs_dir), runs_dir, jobs, who), keeper)
        self._app = Starlette(routes=routes, middleware=[Middleware(SignedIn, session=kept.get("session", {}))])
        self._jobs = jobs
        self.host = "localhost"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url=f"http://{self.host}/gradio_api/lab/share/"
            ) as client:
                return await client.request(method, path, json=body, headers=headers)

        return asyncio.run(go())

    def job(self, path: str, body: Any) -> dict[str, Any]:
        answer = self.ask("POST", path, body)
        assert answer.status_code == 202, answer.text
        job = answer.json()["job"]
        wait_until(lambda: not self._jobs.find(job).unfinished)
        return {**self._jobs.describe(job), "made": self._jobs.find(job).made}


def test_on_ones_own_machine_its_token_is_used_and_what_went_comes_back(
    standin: StandIn,  # noqa: F811
    jobs: Jobs,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = Page(jobs, run.folder.parent, Who({}))
    push = {"run": "small", "repo": "alice/digits", "private": True, "tag": "v1"}
    for path in ("push", "look", "publish"):
        assert "hf auth login" in page.ask("POST", path, push).json()["en"]
    assert "hf auth login" in page.ask("GET", "me").json()["error"]["en"]
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    assert page.ask("GET", "me").json() == {"space": False, "sign_in": False, "account": None, "error": None}
    facts = page.ask("GET", "run?run=small").json()
    done = page.job("push", push)
    assert done["result"] == {"url": f"{standin.url}/alice/digits"}
    assert standin["alice/digits"].private
    assert set(standin["alice/digits"].tags) == {"v1"}
    assert 0 < facts["files"] <= len(standin["alice/digits"].files)
    assert facts["checkpoint"] is None
    back = page.job("pull", {"repo": " alice/digits@v1 "})
    assert back["error"] is None
    pulled = back["result"]["run"]
    assert (run.folder.parent / pulled / "config.json").exists()


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("push", {"repo": "digits"}, "USER/NAME"),
        ("push", {"repo": ["a"]}, "USER/NAME"),
        ("push", {"run": "gone"}, "no run"),
        ("push", {"repo": "x" * 999}, "USER/NAME"),
        ("pull", {"repo": ""}, "USER/NAME"),
        ("pull", {"repo": "a/b/c"}, "USER/NAME"),
        ("replay", {"kind": "exe"}, "html, zip"),
        ("replay", {"run": "../x", "kind": "zip"}, "no run"),
        ("look", {"repo": "alice/gan", "hardware": "abacus"}, "must be one of"),
        ("look", {"repo": "alice/gan", "run": "gone"}, "no run"),
        ("push_own", {}, "only on a Space"),
        ("push", [1], "not a JSON object"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(
    standin: StandIn,  # noqa: F811
    jobs: Jobs,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: Any,
    says: str,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    asked = {"run": "small", "repo": "alice/digits", **body} if isinstance(body, dict) else body
    answer = Page(jobs, run.folder.parent, Who({})).ask("POST", path, asked)
    assert answer.status_code == 422
    assert says in answer.json()["en"]
    assert not standin.repositories


def test_on_a_space_only_the_account_that_is_signed_in_is_used(
    standin: StandIn,  # noqa: F811
    jobs: Jobs,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")  # the Space's own secret
    folder, push = run.folder.parent, {"run": "small", "repo": "digits"}
    who = Who(SPACE)
    who.sign_in = True  # which needs a package that only a Space has
    nobody = Page(jobs, folder, who)
    for path in ("push", "push_own", "look", "publish"):
        assert "above first" in nobody.ask("POST", path, {**push, "repo": "alice/x"}).json()["en"]
    without = Page(jobs, folder, Who({**SPACE, "OAUTH_CLIENT_ID": ""}))
    assert "hf_oauth: true" in without.ask("POST", "push_own", push).json()["en"]
    over = Page(jobs, folder, who, session=session("bob", "hf_bob", seconds=-1))
    assert "above first" in over.ask("POST", "push_own", push).json()["en"]
    assert not standin.repositories

    bob = Page(jobs, folder, who, session=session("bob", "hf_bob"))
    assert bob.ask("GET", "me").json()["account"] == "bob"
    assert "hf_bob" not in bob.ask("GET", "me").text
    for repo in ("alice/digits", "acme/digits", "bobby/digits"):
        assert "call it bob/NAME" in bob.ask("POST", "push_own", {**push, "repo": repo}).json()["en"]
    assert bob.job("push_own", push)["result"]["url"].endswith("/bob/digits")
    assert list(standin.repositories) == [("models", "bob/digits")]
    # a pull by whoever is signed in is not one by the Space
    standin.put("alice/secret", {}, private=True)
    for page in (bob, nobody):
        assert "There is no alice/secret" in page.job("pull", {"repo": "alice/secret"})["error"]["en"]


def test_another_page_in_the_same_browser_cannot_use_the_token(
    standin: StandIn,  # noqa: F811
    jobs: Jobs,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    page = Page(jobs, run.folder.parent, Who({}))
    push = {"run": "small", "repo": "alice/digits"}
    for site in ("cross-site", "same-site"):
        for path in ("push", "pull", "look", "publish", "replay"):
            answer = page.ask("POST", path, push, **{"sec-fetch-site": site})
            assert "another web site" in answer.json()["en"]
    answer = page.ask("POST", "push", push, origin="http://evil.example")
    assert "another web site" in answer.json()["en"], "browsers leave the other header out on plain http"
    assert page.ask("POST", "push", push, **{"sec-fetch-site": "same-origin"}).status_code == 202
    assert page.ask("POST", "push", push, origin="http://localhost").status_code == 202


def test_only_the_machine_itself_or_the_owners_link_uses_the_machines_account(
    standin: StandIn,  # noqa: F811
    jobs: Jobs,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    standin.put("alice/secret", {}, private=True)
    page = Page(jobs, run.folder.parent, Who({}))
    page.host = "192.168.1.7"  # of the machine in its network; or a name that somebody lets lead here
    for path in ("push", "look", "publish"):
        answer = page.ask("POST", path, {"run": "small", "repo": "alice/digits"})
        assert "GAN_OWNER_TOKEN" in answer.json()["en"]
    assert "There is no alice/secret" in page.job("pull", {"repo": "alice/secret"})["error"]["en"]
    owned = Page(jobs, run.folder.parent, Who({"GAN_OWNER_TOKEN": "x"}))
    owned.host = page.host  # there the door asks for the token
    assert owned.ask("POST", "push", {"run": "small", "repo": "alice/digits"}).status_code == 202


def test_a_failure_of_the_hub_is_the_jobs_sentence_in_both_languages(
    standin: StandIn,  # noqa: F811
    jobs: Jobs,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    standin.fail("POST .*/create", status=429, headers={"RateLimit": '"api";r=0;t=77'})
    done = Page(jobs, run.folder.parent, Who({})).job("push", {"run": "small", "repo": "alice/digits"})
    assert done["status"] == "failed"
    assert "77 seconds" in done["error"]["en"]
    assert "77 秒" in done["error"]["zh"]


def test_a_look_changes_nothing_and_publishing_does_what_it_said(
    standin: StandIn,  # noqa: F811
    jobs: Jobs,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_bob")
    standin.building = ["RUNNING"]
    page = Page(jobs, run.folder.parent, Who({}))
    body = {"repo": "bob/gan", "hardware": "", "private": True, "run": "small"}
    plan = page.ask("POST", "look", body).json()
    assert plan["hardware"] == "zero-a10g"
    assert any("small" in pair["zh"] for pair in plan["says"])
    assert not standin.repositories
    assert page.job("publish", body)["result"]["url"].endswith("/spaces/bob/gan")
    made = standin.repositories["spaces", "bob/gan"]
    assert made.private
    assert sum(count for _, count, _ in plan["parts"]) == len(set(made.files) - {".gitattributes"})
    assert "checkpoints/runs/small/config.json" in made.files


@pytest.mark.parametrize("kind", ["html", "zip"])
def test_a_replay_is_made_to_be_downloaded(standin: StandIn, jobs: Jobs, run: Run, kind: str) -> None:  # noqa: F811
    done = Page(jobs, run.folder.parent, Who({})).job("replay", {"run": "small", "kind": kind})
    assert done["error"] is None
    made = done["made"]
    assert made.name == f"small-replay.{kind}"
    if kind == "zip":
        names = zipfile.ZipFile(BytesIO(made.content)).namelist()
        assert names == ["small-replay/index.html", "small-replay/README.md"]
    else:
        assert b"GAN Live replay" in made.content
    assert not standin.requests


def test_the_page_is_told_how_the_keeping_goes(
    standin: StandIn,  # noqa: F811
    jobs: Jobs,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Page(jobs, run.folder.parent, Who({})).ask("GET", "kept").json() is None
    monkeypatch.setattr(hub_keep, "FIRST_PAUSE", 1000.0)
    standin.fail("GET /api/models", status=503, times=9)
    keeper = Keeper(run.folder.parent, "alice/kept", lambda: "hf_alice")
    page = Page(jobs, run.folder.parent, Who({}), keeper=keeper)
    assert page.ask("GET", "kept").json()["doing"] == "restoring"
    keeper.start()
    wait_until(lambda: keeper.status.doing == "failing")
    told = page.ask("GET", "kept").json()
    assert told["repo"] == "alice/kept"
    assert "trouble of its own" in told["error"]["en"]
    assert told["pause"] == 900
    keeper.close()
    with pytest.raises(UserError):
        raise keeper.status.error or AssertionError
