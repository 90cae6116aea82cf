"""The routes of the Share tab: what would be sent, and the jobs (gan_ui/jobs.py) that send, fetch and make it.

    GET  /gradio_api/lab/share/me        {"space", "sign_in", "account": name or null, "error": {"en", "zh"} or null}
    GET  /gradio_api/lab/share/run       ?run= -> {"files": count, "bytes", "checkpoint": step or null}
    GET  /gradio_api/lab/share/kept      the runs kept in GAN_PUSH_REPO, see `hub_keep.Status`; null without one
    POST /gradio_api/lab/share/push      {"run", "repo", "private", "tag"} -> a job; result {"url"}
    POST /gradio_api/lab/share/push_own  the same, to the account that is signed in
    POST /gradio_api/lab/share/pull      {"repo"}: USER/NAME[@REVISION] -> a job; result {"run"}
    POST /gradio_api/lab/share/replay    {"run", "kind": "html" or "zip"} -> a job; its file
    POST /gradio_api/lab/share/look      {"repo", "hardware", "private", "run"} -> {"says", "parts", "hardware"}
    POST /gradio_api/lab/share/publish   the same -> a job; result {"url"}

Whose token: on a Space only that of whoever is signed in there, which never leaves the request and its job; elsewhere that of
the machine, for its owner alone: with GAN_OWNER_TOKEN whoever has that, without it only a browser on the machine itself. The
page never sees either.
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gan_core.sentences import UserError
from gan_ui import queries
from gan_ui.jobs import Job, Jobs, Made, started
from gan_ui.queries import Body, json_body, visitor_of
from gan_ui.sampling import SampleServer
from gan_ui.who import Who

# the Hub's client and what of gan_core uses torch are imported inside the functions below: the page is up before them
if TYPE_CHECKING:
    from gan_core.hub_keep import Keeper
    from gan_core.space import Plan

TEXT_AT_MOST = 200  # characters of a name that somebody typed
KINDS = {"html": "text/html", "zip": "application/zip"}
NO_STORE = {"cache-control": "no-store"}


class Share:
    """Checks what can be checked at once, and leaves the rest to the jobs' thread; every method may raise UserError."""

    def __init__(self, samples: SampleServer, runs_dir: Path, jobs: Jobs, who: Who) -> None:
        self._samples = samples
        self._runs_dir = runs_dir
        self._jobs = jobs
        self._who = who

    # --- who sends ---

    def me(self, request: Request) -> dict[str, Any]:
        account = self._who.account(request) if self._who.space else None
        try:
            self.token(request)
            error = None
        except UserError as found:
            error = {"en": found.say("en"), "zh": found.say("zh")}
        facts = {"space": bool(self._who.space), "sign_in": self._who.sign_in}
        return {**facts, "account": account.name if account else None, "error": error}

    def token(self, request: Request) -> str:
        """The token to use for whoever asks."""
        if self._who.space:
            if account := self._who.account(request):
                return account.token
            raise UserError("share_sign_in" if self._who.sign_in else "share_no_sign_in")
        from gan_core.hub_errors import own_token

        if not self._who.one_owner and not _is_here(request):
            raise UserError("share_from_afar")
        if token := own_token():
            return token
        raise UserError("hub_no_token")

    # --- what would be sent ---

    def run(self, run_id: str) -> dict[str, Any]:
        from gan_core.hub_files import planned
        from gan_core.saved import checkpoint_steps

        run = self._samples.find(run_id)
        files, steps = planned(run), checkpoint_steps(run)
        return {"files": len(files), "bytes": sum(files.values()), "checkpoint": steps[-1] if steps else None}

    def look(self, request: Request, body: Body) -> dict[str, Any]:
        plan = self._plan(body, self.token(request))
        says = [{"en": en, "zh": zh} for en, zh in zip(plan.says("en"), plan.says("zh"), strict=True)]
        return {"says": says, "parts": plan.parts(), "hardware": plan.hardware, "bytes": plan.size}

    def _plan(self, body: Body, token: str) -> Plan:
        from gan_core import space

        return space.look(
            _text(body, "repo"),
            token=token,
            hardware=_text(body, "hardware") or None,
            private=body.get("private") is True,
            run=self._samples.find(_text(body, "run")) if body.get("run") else None,
            owner_token=os.environ.get(space.OWNER_TOKEN, "").strip(),
        )

    # --- jobs ---

    def push(self, request: Request, body: Body) -> str:
        return self._push(request, body, _text(body, "repo"))

    def push_own(self, request: Request, body: Body) -> str:
        account = self._who.account(request)
        if not self._who.space:
            raise UserError("share_only_on_space")
        if account is None:
            raise UserError("share_sign_in" if self._who.sign_in else "share_no_sign_in")
        repo = _text(body, "repo")
        repo = repo if "/" in repo else f"{account.name}/{repo}"
        if repo.split("/")[0] != account.name:
            raise UserError("share_not_yours", account=account.name)
        return self._push(request, body, repo)

    def _push(self, request: Request, body: Body, repo: str) -> str:
        from gan_core.hub_errors import check_name

        run, token = self._samples.find(_text(body, "run")), self.token(request)
        check_name(repo)
        tag, private = _text(body, "tag") or None, body.get("private") is True

        def work(job: Job) -> dict[str, Any]:
            from gan_core import hub

            how: dict[str, Any] = {"private": private, "tag": tag, "report": job.report, "cancelled": job.cancelled}
            return {"url": hub.push(run, repo, token=token, **how).url}

        return self._jobs.start(visitor_of(request), work, elsewhere=True)

    def pull(self, request: Request, body: Body) -> str:
        from gan_core.hub_errors import check_name
        from gan_core.hub_pull import pull, split

        repo, revision = split(_text(body, "repo"))
        check_name(repo)
        try:
            token = self.token(request)
        except UserError:
            token = None  # a public run needs none

        def work(job: Job) -> dict[str, Any]:
            how: dict[str, Any] = {"token": token, "report": job.report, "cancelled": job.cancelled}
            return {"run": pull(repo, revision, self._runs_dir, **how).id}

        return self._jobs.start(visitor_of(request), work, elsewhere=True)

    def replay(self, request: Request, body: Body) -> str:
        run, kind = self._samples.find(_text(body, "run")), str(body.get("kind"))
        if kind not in KINDS:
            raise UserError("not_a_choice", field="kind", value=kind, choices=", ".join(KINDS))

        def work(job: Job) -> Made:
            from gan_ui.replay import export, zip_bytes

            with tempfile.TemporaryDirectory() as folder:
                page = Path(folder) / f"{run.id}-replay"
                export(run, page, job.report, job.cancelled)
                content = zip_bytes(page) if kind == "zip" else (page / "index.html").read_bytes()
            return Made(f"{page.name}.{kind}", KINDS[kind], content)

        return self._jobs.start(visitor_of(request), work)

    def publish(self, request: Request, body: Body) -> str:
        token = self.token(request)

        def work(job: Job) -> dict[str, Any]:
            from gan_core import space

            plan = self._plan(body, token)
            return {"url": space.publish(plan, token=token, report=job.report, cancelled=job.cancelled).url}

        return self._jobs.start(visitor_of(request), work, elsewhere=True)


def share_routes(share: Share, keeper: Keeper | None) -> list[Route]:
    """The routes of this module, for `launch(app_kwargs={"routes": ...})`."""

    def job(name: str, start: Callable[[Request, Body], str]) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                _check_site(request)
                body = await json_body(request)
                return started(await run_in_threadpool(start, request, body))
            except UserError as error:
                return queries.refused(error)

        return Route(f"/gradio_api/lab/share/{name}", endpoint, methods=["POST"])

    async def look(request: Request) -> Response:
        try:
            _check_site(request)
            body = await json_body(request)
            return JSONResponse(await run_in_threadpool(share.look, request, body), headers=NO_STORE)
        except UserError as error:
            return queries.refused(error)

    def me(request: Request) -> Response:
        return JSONResponse(share.me(request), headers=NO_STORE)

    def run(request: Request) -> Response:
        try:
            return JSONResponse(share.run(request.query_params.get("run", "")), headers=NO_STORE)
        except UserError as error:
            return queries.refused(error)

    def kept(request: Request) -> Response:
        return JSONResponse(_said(keeper) if keeper else None, headers=NO_STORE)

    return [
        Route("/gradio_api/lab/share/me", me),
        Route("/gradio_api/lab/share/run", run),
        Route("/gradio_api/lab/share/kept", kept),
        Route("/gradio_api/lab/share/look", look, methods=["POST"]),
        *(job(name, getattr(share, name)) for name in ("push", "push_own", "pull", "replay", "publish")),
    ]


def _said(keeper: Keeper) -> dict[str, Any]:
    status = keeper.status
    error = {"en": status.error.say("en"), "zh": status.error.say("zh")} if status.error else None
    facts = {name: getattr(status, name) for name in ("doing", "done", "count", "damaged", "at", "pause")}
    return {"repo": keeper.repo, **facts, "error": error}


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    return value.strip()[:TEXT_AT_MOST] if isinstance(value, str) else ""


def _check_site(request: Request) -> None:
    """What uses a token must have been asked for on this page or by a program, not by another page in the same browser."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # browsers tell the first only to https and to the machine itself, the second always
    if site not in (None, "same-origin", "none") or (origin and urlsplit(origin).netloc != request.headers.get("host")):
        raise UserError("share_other_site")


def _is_here(request: Request) -> bool:
    """Whether somebody on this very machine asks, who also called it by a name that only this machine has."""
    asked = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return all(_is_loopback(host) for host in (asked, request.client.host if request.client else ""))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
