"""A stand-in for the Hugging Face Hub that its real client talks to: in memory, on this machine only, and able to fail.

    with StandIn() as hub:
        hub.fail("POST .*/commit/", status=500)
        hub.requests                      # "POST /api/repos/create", ... in the order they came

It serves what the app uses: accounts, repositories, revisions and tags, uploads in both of the Hub's ways (LFS, and Xet
where `xet` offers it) and downloads. As on the Hub, large files come from another host, which must not see the token.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

LARGE = (".safetensors", ".bin", ".pt")
REGULAR_AT_MOST = 10 * 2**20


@dataclass(frozen=True)
class Account:
    """Who a token belongs to, and where it may write."""

    name: str
    writes_to: frozenset[str]
    pays: bool = True
    role: str = "write"


ACCOUNTS = {
    "hf_alice": Account("alice", frozenset({"alice", "acme"})),
    "hf_alice_read": Account("alice", frozenset(), role="read"),
    "hf_bob": Account("bob", frozenset({"bob"}), pays=False),
}


class Refused(Exception):
    """An answer of the Hub that is not a success; `code` is what its client tells kinds of refusals by."""

    def __init__(self, status: int, message: str, code: str = "", url: str = "", **headers: str) -> None:
        self.status = status
        self.body = {"error": message, **({"url": url} if url else {})}
        self.headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {}), **headers}


@dataclass(frozen=True)
class Stored:
    """One file of a commit: its bytes, and the SHA-256 of a large one."""

    data: bytes
    sha256: str | None = None

    @property
    def oid(self) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()


@dataclass
class Commit:
    oid: str
    title: str
    files: dict[str, Stored]


@dataclass
class Repository:
    kind: str  # models, datasets or spaces
    name: str
    private: bool = False
    gated: bool = False
    sdk: str | None = None
    hardware: str | None = None
    sleep: int | None = None
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    stages: list[str] = field(default_factory=lambda: ["NO_APP_FILE"])  # the first is now, the next after a look at it
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, title: str, files: dict[str, Stored]) -> str:
        oid = hashlib.sha1(f"{self.kind}/{self.name}/{len(self.commits)}".encode()).hexdigest()
        self.commits.append(Commit(oid, title, files))
        return oid

    def at(self, revision: str | None) -> Commit:
        wanted = self.tags.get(revision or "main", revision or "main")
        for commit in reversed(self.commits):
            if wanted in ("main", commit.oid):
                return commit
        raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the last commit."""
        return {path: stored.data for path, stored in self.commits[-1].files.items()}


@dataclass
class Failure:
    """What happens to requests whose line matches, after `skip` of them and `times` times.

    `status` answers with it; `drop` cuts the connection: at once ("connect"), or after `after` bytes of what is sent
    ("upload") or received ("download"); `silent` never answers.
    """

    match: str
    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    after: int = 1
    silent: bool = False
    skip: int = 0
    times: int = 1


Route = Callable[..., Awaitable[Any]]
_ROUTES: list[tuple[set[str], re.Pattern[str], Route]] = []


def route(methods: str, pattern: str) -> Callable[[Route], Route]:
    """Serve these methods of paths that match; {R} stands for a repository, kind and name."""

    def keep(function: Route) -> Route:
        full = pattern.replace("{R}", r"(models|datasets|spaces)/([^/]+/[^/]+)")
        _ROUTES.append((set(methods.split()), re.compile(full), function))
        return function

    return keep


class StandIn:
    """The server, in a thread; what it holds may be read and changed directly."""

    def __init__(self, xet: Any = None) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.blobs: dict[str, bytes] = {}  # by SHA-256
        self.xet = xet
        self.failures: list[Failure] = []
        self.requests: list[str] = []
        self.building = ["BUILDING", "APP_STARTING", "RUNNING"]  # what a Space goes through after a commit
        self.sent_token_outside = False
        options = {
            "log_level": "error",
            "http": "h11",
            "interface": "asgi3",
            "lifespan": "off",
            "timeout_graceful_shutdown": 1,
        }
        self._server = uvicorn.Server(uvicorn.Config(self._app, host="127.0.0.1", port=0, **options))  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> StandIn:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def fail(self, match: str, **how: Any) -> None:
        """Let requests fail from now on, instead of those that failed before."""
        self.failures = [Failure(match, **how)]

    def put(self, name: str, files: dict[str, bytes], kind: str = "models", **facts: Any) -> Repository:
        """A repository with these files as its last commit, as if somebody had pushed them."""
        repository = self.repositories.setdefault((kind, name), Repository(kind, name))
        repository = self.repositories[kind, name] = dataclasses.replace(repository, **facts)
        stored = {}
        for path, data in files.items():
            sha256 = hashlib.sha256(data).hexdigest() if path.endswith(LARGE) else None
            stored[path] = Stored(data, sha256)
            if sha256:
                self.blobs[sha256] = data
        repository.commit("put", stored)
        return repository

    def __getitem__(self, name: str) -> Repository:
        return self.repositories["models", name]

    # --- the server ---

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        line = f"{request.method} {scope['path']}"
        self.requests.append(line)
        failure = self._failure(line)
        cut = send.__self__.transport.abort  # uvicorn's own object owns the socket
        if failure.silent:
            while not self._server.should_exit and not await request.is_disconnected():
                await asyncio.sleep(0.05)
            return
        left = failure.after
        if failure.drop == "upload":
            async for chunk in request.stream():
                left -= len(chunk)
                if left <= 0:
                    break
        if failure.drop in ("connect", "upload"):
            cut()
            return
        answer = await self._answer(request, failure)
        await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
        body = b"" if request.method == "HEAD" else bytes(answer.body)
        if failure.drop == "download":  # all was announced, a part comes
            await send({"type": "http.response.body", "body": body[:left], "more_body": True})
            await asyncio.sleep(0.1)
            cut()
            return
        await send({"type": "http.response.body", "body": body})

    def _failure(self, line: str) -> Failure:
        for failure in self.failures:
            if failure.times > 0 and re.search(failure.match, line):
                if failure.skip:
                    failure.skip -= 1
                else:
                    failure.times -= 1
                    return failure
        return Failure("")

    async def _answer(self, request: Request, failure: Failure) -> Response:
        if failure.status:
            body = failure.body if failure.body is not None else {"error": "as the test asked"}
            kind = Response if isinstance(body, str) else JSONResponse
            return kind(body, failure.status, failure.headers)
        try:
            for methods, pattern, function in _ROUTES:
                if request.method in methods and (match := pattern.fullmatch(request.scope["path"])):
                    answer = await function(self, request, *match.groups())
                    return answer if isinstance(answer, Response) else JSONResponse(answer)
            raise Refused(404, f"the stand-in does not serve {request.method} {request.scope['path']}")
        except Refused as refused:
            return JSONResponse(refused.body, refused.status, refused.headers)

    # --- who may do what ---

    def account(self, request: Request, required: bool = False) -> Account | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in ACCOUNTS:
            raise Refused(401, "Invalid credentials in Authorization header")
        if required and not token:
            raise Refused(401, "Invalid username or password.")
        return ACCOUNTS.get(token)

    def writer(self, request: Request, name: str) -> Account:
        account = self.account(request, required=True)
        assert account is not None
        if name.split("/")[0] not in account.writes_to:
            raise Refused(403, f'You don\'t have the rights to write under "{name.split("/")[0]}"')
        return account

    def find(self, request: Request, kind: str, name: str, write: bool = False) -> Repository:
        account, repository = self.account(request), self.repositories.get((kind, name))
        owner = account is not None and name.split("/")[0] in account.writes_to | {account.name}
        if repository is None or (repository.private and not owner):
            raise Refused(404 if account else 401, "Repository not found", "RepoNotFound")
        if write:
            self.writer(request, name)
        return repository


def address(request: Request, kind: str, name: str) -> str:
    return str(request.base_url) + ("" if kind == "models" else f"{kind}/") + name


@route("GET", r"/api/whoami-v2")
async def whoami(hub: StandIn, request: Request) -> Any:
    account = hub.account(request, required=True)
    assert account is not None
    others = [{"type": "org", "id": name, "name": name} for name in sorted(account.writes_to - {account.name})]
    auth = {"type": "access_token", "accessToken": {"role": account.role}}
    facts = {"id": account.name, "name": account.name, "isPro": account.pays, "auth": auth}
    return {"type": "user", "orgs": others, **facts}


@route("POST", r"/api/repos/create")
async def create(hub: StandIn, request: Request) -> Any:
    asked = await request.json()
    account = hub.account(request, required=True)
    assert account is not None
    kind, name = asked.get("type", "model") + "s", f"{asked.get('organization') or account.name}/{asked['name']}"
    hub.writer(request, name)
    if (kind, name) in hub.repositories:
        there = address(request, kind, name)
        raise Refused(409, f"You already created this {asked.get('type', 'model')} repo", url=there)
    if kind == "spaces" and asked.get("sdk") != "static" and asked.get("hardware") != "zero-a10g" and not account.pays:
        raise Refused(402, "hosting Gradio and Docker Spaces on free cpu-basic requires a PRO subscription")
    private = asked.get("visibility") == "private" or bool(asked.get("private"))
    hub.repositories[kind, name] = repository = Repository(kind, name, private, sdk=asked.get("sdk"))
    if kind == "spaces":
        repository.hardware = asked.get("hardware", "cpu-basic")
        repository.sleep = asked.get("sleepTimeSeconds")
        for what, kept in (("variables", repository.variables), ("secrets", repository.secrets)):
            kept.update({each["key"]: each["value"] for each in asked.get(what) or []})
    repository.commit("initial commit", {".gitattributes": Stored(b"*.safetensors filter=lfs\n")})
    return {"url": address(request, kind, name), "name": name}


@route("POST", r"/api/validate-yaml")
async def validate_yaml(hub: StandIn, request: Request) -> Any:
    content = (await request.json())["content"]
    match = re.match(r"\s*---\n(.*?)\n---", content, re.DOTALL)
    try:
        data = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    return {"errors": [], "warnings": [] if data else [{"message": "empty or missing yaml metadata"}]}


@route("GET", r"/api/{R}/auth-check(/write)?")
async def auth_check(hub: StandIn, request: Request, kind: str, name: str, write: str | None) -> Any:
    hub.find(request, kind, name, write=bool(write))
    return {}


@route("GET", r"/api/{R}/refs")
async def refs(hub: StandIn, request: Request, kind: str, name: str) -> Any:
    repository = hub.find(request, kind, name)

    def ref(kind: str, name: str, oid: str) -> dict[str, str]:
        return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid}

    tags = [ref("tags", tag, oid) for tag, oid in repository.tags.items()]
    return {"branches": [ref("heads", "main", repository.commits[-1].oid)], "converts": [], "tags": tags}


@route("POST", r"/api/{R}/tag/([^/]+)")
async def tag(hub: StandIn, request: Request, kind: str, name: str, revision: str) -> Any:
    repository, wanted = hub.find(request, kind, name, write=True), (await request.json())["tag"]
    if wanted in repository.tags:
        raise Refused(409, f"Tag reference exists already: {wanted}")
    repository.tags[wanted] = repository.at(revision).oid
    return {}


@route("GET", r"/api/{R}(?:/revision/([^/]+))?")
async def information(hub: StandIn, request: Request, kind: str, name: str, revision: str | None) -> Any:
    repository = hub.find(request, kind, name)
    commit = repository.at(revision)
    names = [{"rfilename": path} for path in commit.files]
    return {
        **{"id": name, "sha": commit.oid, "private": repository.private, "gated": repository.gated, "tags": []},
        **{"author": name.split("/")[0], "siblings": names, "downloads": 0, "likes": 0, "sdk": repository.sdk},
        **({"runtime": state_of(repository)} if kind == "spaces" else {}),
    }


def state_of(repository: Repository) -> dict[str, Any]:
    hardware = {
        "current": None if len(repository.stages) > 1 else repository.hardware,
        "requested": repository.hardware,
    }
    return {"stage": repository.stages[0], "hardware": hardware}


@route("GET", r"/api/spaces/hardware")
async def hardware(hub: StandIn, request: Request) -> Any:
    prices = {"cpu-basic": 0.0, "cpu-upgrade": 0.0005, "t4-small": 0.4 / 60}
    facts = {"cpu": "2 vCPU", "ram": "16 GB", "unitCostMicroUSD": 0, "unitLabel": "minute"}
    return [{"name": name, "prettyName": name, "unitCostUSD": price, **facts} for name, price in prices.items()]


@route("POST", r"/api/(spaces)/([^/]+/[^/]+)/sleeptime")
async def sleep_time(hub: StandIn, request: Request, kind: str, name: str) -> Any:
    repository = hub.find(request, kind, name, write=True)
    repository.sleep = (await request.json())["seconds"]
    return state_of(repository)


@route("GET", r"/api/(spaces)/([^/]+/[^/]+)/runtime")
async def runtime(hub: StandIn, request: Request, kind: str, name: str) -> Any:
    repository = hub.find(request, kind, name)
    state = state_of(repository)
    if len(repository.stages) > 1:
        del repository.stages[0]
    return state


# --- upload ---


@route("POST", r"/api/{R}/preupload/(.+)")
async def preupload(hub: StandIn, request: Request, kind: str, name: str, revision: str) -> Any:
    repository, answers = hub.find(request, kind, name, write=True), []
    there = repository.at(revision).files
    for asked in (await request.json())["files"]:
        large = asked["path"].endswith(LARGE) or asked["size"] > REGULAR_AT_MOST
        large = large or b"\0" in base64.b64decode(asked.get("sample", ""))
        old = there.get(asked["path"])
        oid = old and (old.sha256 or old.oid)
        mode = "lfs" if large else "regular"
        answers.append({"path": asked["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return {"files": answers, "commitOid": repository.commits[-1].oid}


@route("POST", r"/(?:(datasets|spaces)/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch")
async def lfs_batch(hub: StandIn, request: Request, kind: str | None, name: str) -> Any:
    hub.find(request, kind or "models", name, write=True)
    objects = []
    for asked in (await request.json())["objects"]:
        upload = {"href": f"{request.base_url}storage/{asked['oid']}?signature=x"}
        actions = {"upload": upload, "verify": {"href": f"{request.base_url}verify"}}
        new = asked["oid"] not in hub.blobs  # no actions for what is there already
        objects.append({**asked, **({"actions": actions} if new else {})})
    return {"transfer": "basic", "objects": objects}


@route("PUT GET HEAD", r"/storage/([0-9a-f]{64})")
async def storage(hub: StandIn, request: Request, sha256: str) -> Any:
    if "authorization" in request.headers:  # a signed address must never be told the token
        hub.sent_token_outside = True
        raise Refused(400, "Only one auth mechanism allowed")
    if request.method != "PUT":
        return Response(hub.blobs[sha256])
    data = await request.body()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Refused(400, "BadDigest")
    hub.blobs[sha256] = data
    return Response(headers={"ETag": f'"{sha256[:32]}"'})


@route("POST", r"/verify")
async def verify(hub: StandIn, request: Request) -> Any:
    asked = await request.json()
    if len(hub.blobs.get(asked["oid"], b"")) != asked["size"]:
        raise Refused(404, "object does not exist or has another size")
    return {}


@route("POST", r"/api/{R}/commit/(.+)")
async def commit(hub: StandIn, request: Request, kind: str, name: str, revision: str) -> Any:
    repository = hub.find(request, kind, name, write=True)
    if hub.xet:
        hub.blobs |= hub.xet.arrived()
    header, *operations = (json.loads(line) for line in (await request.body()).splitlines() if line.strip())
    head = repository.at(revision)
    if not head.oid.startswith(header["value"].get("parentCommit") or ""):
        raise Refused(412, "A commit has happened since. Please refresh and try again.")
    files = dict(head.files)
    for operation in operations:
        value = operation["value"]
        match operation["key"]:
            case "file":
                files[value["path"]] = Stored(base64.b64decode(value["content"]))
            case "lfsFile":
                if value["oid"] not in hub.blobs:
                    raise Refused(400, f"an LFS pointer pointed to a file that does not exist: {value['path']}")
                files[value["path"]] = Stored(hub.blobs[value["oid"]], value["oid"])
            case "deletedFile":
                del files[value["path"]]
    oid = repository.commit(header["value"]["summary"], files)
    if kind == "spaces":
        repository.stages = list(hub.building)
    where = f"{address(request, kind, name)}/commit/{oid}"
    return {"success": True, "commitOid": oid, "commitUrl": where, "hookOutput": ""}


# --- download ---


@route("GET HEAD", r"/(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
async def resolve(hub: StandIn, request: Request, kind: str | None, name: str, revision: str, path: str) -> Any:
    repository = hub.find(request, kind or "models", name)
    if repository.gated:
        raise Refused(403, f"Access to model {name} is restricted", "GatedRepo")
    found = repository.at(revision)
    facts = {"X-Repo-Commit": found.oid}
    if path not in found.files:
        raise Refused(404, "Entry not found", "EntryNotFound", **facts)
    stored = found.files[path]
    if stored.sha256 is None:
        return Response(stored.data, headers={"ETag": f'"{stored.oid}"', **facts})
    facts |= {"X-Linked-Size": str(len(stored.data)), "X-Linked-Etag": f'"{stored.sha256}"'}
    if hub.xet:
        facts |= hub.xet.headers(stored.sha256, f"{request.base_url}api/models/{name}/xet-read-token/{found.oid}")
    elsewhere = str(request.base_url).replace("127.0.0.1", "localhost")
    return RedirectResponse(f"{elsewhere}storage/{stored.sha256}?signature=x", 302, headers=facts)


@route("GET", r"/api/{R}/xet-(?:read|write)-token/(.+)")
async def xet_token(hub: StandIn, request: Request, kind: str, name: str, revision: str) -> Any:
    if not hub.xet:
        raise Refused(404, "no Xet here")
    hub.find(request, kind, name)
    until = int(time.time()) + 3600
    facts = {"X-Xet-Cas-Url": hub.xet.url, "X-Xet-Access-Token": "xet", "X-Xet-Token-Expiration": str(until)}
    return JSONResponse({"casUrl": hub.xet.url, "accessToken": "xet", "exp": until}, headers=facts)
