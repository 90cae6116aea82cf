"""Every event, endpoint and route of the real app, called by somebody who may not. A new one without a line in the
tables of `gan_ui/who.py` and `gan_ui/door.py` fails here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from starlette.routing import Route

from gan_core.runner import Runner
from gan_core.runs import Run
from gan_core.sentences import SENTENCES
from gan_ui.app import launch_settings
from gan_ui.changing import LIVE, settings_now
from gan_ui.door import LAB, ROUTES, _fits
from gan_ui.jobs import Jobs
from gan_ui.sampling import SampleServer
from gan_ui.settings_form import shown_value
from gan_ui.who import EVENTS, RIGHTS, Who
from tests.conftest import TINY
from tests.processes import App, wait_until

TOKEN = "open sesame"
REFUSED = [SENTENCES[key][0].split("{")[-1].split("}")[-1] for key in ("only_owner", "not_your_run")]
SETTINGS = {name: value for name, value in TINY.items() if name != "checkpoint_every"}


@pytest.fixture(scope="module", params=["", "train"])
def app(request: Any, tmp_path_factory: pytest.TempPathFactory, cache: Path, tiny_dataset: str) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("rights") / "runs"
    with App(folder, cache, GAN_OWNER_TOKEN=TOKEN, GAN_VISITORS=request.param) as app:
        yield app


@pytest.fixture(scope="module")
def owners_run(app: App, tiny_dataset: str) -> Run:
    owner = Client(app.url, verbose=False, headers={"X-Owner-Token": TOKEN})
    overrides = json.dumps({"dataset": tiny_dataset, **SETTINGS})
    run = Run(app.runs_dir / owner.predict("tutorial", 1_000_000, 0, overrides, api_name="/start"))
    wait_until(lambda: run.state().step > 5)
    return run


def stranger(app: App) -> httpx.Client:
    """Somebody's browser, with its cookie."""
    client = httpx.Client(base_url=app.url, timeout=30)
    client.get("/")
    return client


def call(client: httpx.Client, event: str, data: list[Any], event_data: Any = None) -> str:
    """All that an event answers, as text, called as its own page would."""
    body = {"data": data, "event_data": event_data, "session_hash": "x"}
    answer = client.post(f"/gradio_api/run/{event}", json=body)
    if "queue" not in answer.text:
        return answer.text
    started = client.post(f"/gradio_api/call/{event}", json=body)  # it goes through the queue
    return client.get(f"/gradio_api/call/{event}/{started.json()['event_id']}").text


def dependencies(app: App) -> dict[str, Any]:
    found = [each for each in httpx.get(app.url + "/config").json()["dependencies"] if each["backend_fn"]]
    # Gradio numbers the events that share a handler
    return {re.sub(r"_\d+$", "", each["api_name"]): each for each in found}


def test_every_event_is_in_the_table_and_the_other_way_round(app: App) -> None:
    assert set(dependencies(app)) == set(EVENTS)


def test_every_route_is_in_the_table(tmp_path: Path) -> None:
    runner, jobs = Runner(tmp_path / "runs"), Jobs()
    try:
        routes: list[Route] = launch_settings(runner, SampleServer(tmp_path / "runs"), jobs, Who({}))["app_kwargs"][
            "routes"
        ]
    finally:
        jobs.close()
        runner.close()
    for route in routes:
        assert route.path.startswith(LAB), "the door guards what is under it"
        path = route.path.replace("{", "").replace("}", "")
        for method in (route.methods or set()) - {"HEAD"}:
            assert any(_fits(method, path, *rule) for rule in ROUTES), f"{method} {route.path} is not in ROUTES"


def test_no_event_lets_a_stranger_act_on_the_owners_run(app: App, owners_run: Run, request: Any) -> None:
    role = 2 if request.node.callspec.params["app"] else 1
    client, run = stranger(app), owners_run.id
    before = owners_run.document()
    runs = sorted(path.name for path in app.runs_dir.iterdir())
    # what each event is asked with, so that only the right is missing; what a trainee may start is not asked for here
    form = [component["props"].get("value") for component in _inputs(app, "page_start")][1:]
    live = ["0.5" if field.name == "lr_g" else shown_value(settings_now(owners_run)[field.name]) for field in LIVE]
    asked: dict[str, tuple[list[Any], Any]] = {
        "start": (["tutorial", 5, 0, "{}"], None),
        "branch": ([run, "{}", -1], None),
        "pause": ([run], None),
        "resume": ([run, 0], None),
        "stop": ([run], None),
        "change": ([run, '{"lr_g": 0.5}'], None),
        "delete": ([run], None),
        "page_start": (["en", *form], None),
        "page_pause": ([run, "en"], None),
        "page_resume": ([run, "en"], None),
        "page_stop": ([run, "en"], None),
        "page_more": ([run, "en", "5"], None),
        "page_change": ([run, "en", *live], None),
        "page_cure": (["en"], {"run": run, "kind": "preset"}),
        "page_card_resume": (["en"], {"run": run}),
        "page_card_delete": (["en"], {"run": run}),
        "page_upload": ([None, "en"], None),  # its file would have to pass /upload, which the door holds
    }
    forbidden = {event for event, action in EVENTS.items() if RIGHTS[action][role] != "yes"}
    assert forbidden <= set(asked)
    for event in forbidden - {"page_upload"}:
        answer = call(client, event, *asked[event])
        assert any(words in answer for words in REFUSED), (event, answer)
    assert owners_run.document() == before
    assert owners_run.wish() is None
    assert owners_run.wanted_settings() == {}
    assert owners_run.state().status == "running"
    assert sorted(path.name for path in app.runs_dir.iterdir()) == runs


def _inputs(app: App, event: str) -> list[dict[str, Any]]:
    config = httpx.get(app.url + "/config").json()
    components = {component["id"]: component for component in config["components"]}
    return [components[number] for number in dependencies(app)[event]["inputs"]]


def test_no_route_does_for_a_stranger_what_the_table_forbids(app: App, owners_run: Run, request: Any) -> None:
    role = 2 if request.node.callspec.params["app"] else 1
    client = stranger(app)
    for (method, path), (action, _) in ROUTES.items():
        if RIGHTS[action][role] != "yes":
            for query in ("", f"?run={owners_run.id}", "?run=../x"):
                answer = client.request(method, path + query)
                assert answer.status_code == 403, (method, path, query, answer.text)
                assert answer.json().keys() >= {"en", "zh"}
    assert client.post("/gradio_api/upload", files={"files": ("a.zip", b"x")}).status_code == 403
    for path in ("component_server", "component_server/", "process_recording"):
        assert client.post(f"/gradio_api/{path}", json={}).status_code == 404
    assert client.get("/gradio_api/lab/live").status_code == 200


def test_the_owner_may_by_the_link_as_well_as_by_the_header(app: App, owners_run: Run) -> None:
    owner = stranger(app)
    me = owner.get("/gradio_api/lab/live").json()["me"]
    assert me["role"] != "owner"
    owner.get("/", params={"owner": TOKEN}, follow_redirects=True)
    me = owner.get("/gradio_api/lab/live").json()["me"]
    assert me["role"] == "owner"
    assert me["may"]["stop"] == "yes"
    assert json.loads(call(owner, "status", [owners_run.id]))["data"][0]["allowed"] == ["pause", "stop"]
    assert json.loads(call(stranger(app), "status", [owners_run.id]))["data"][0]["allowed"] == []


def test_a_program_owns_the_run_whose_key_it_sends(app: App, owners_run: Run, tiny_dataset: str, request: Any) -> None:
    """gradio_client keeps no cookies: to the app all programs of an address, and its pages without cookies, are one."""
    if not request.node.callspec.params["app"]:
        return
    anna, bert = Client(app.url, verbose=False), Client(app.url, verbose=False)
    overrides = json.dumps({"dataset": tiny_dataset, **SETTINGS, "snapshot_every": 250})
    mine = anna.predict("tutorial", 50_000, 0, overrides, api_name="/start")
    run_id, _, key = mine.partition(":")
    run = Run(app.runs_dir / run_id)
    assert len(key) == 22
    assert key not in (run.folder / "config.json").read_text()
    for wrong in (run_id, run_id + ":", f"{run_id}:{'x' * 22}", f"{owners_run.id}:{key}"):
        for act in ("pause", "stop", "delete"):
            with pytest.raises(AppError, match="not your run"):
                bert.predict(wrong, api_name=f"/{act}")
    assert bert.predict(run_id, api_name="/status")["allowed"] == []
    nobody = httpx.Client(base_url=app.url, timeout=30)
    form = [component["props"].get("value") for component in _inputs(app, "page_start")][1:]
    assert "cookie" in call(nobody, "page_start", ["en", *form])
    assert "stop" in anna.predict(mine, api_name="/status")["allowed"]
    assert anna.predict(mine, api_name="/metrics") == []
    anna.predict(mine, api_name="/stop")
    wait_until(lambda: run.state().status == "stopped")
    assert anna.predict(mine, api_name="/delete") == run_id
    assert not run.folder.exists()


def test_a_trainee_trains_and_ends_only_its_own(app: App, owners_run: Run, tiny_dataset: str, request: Any) -> None:
    if not request.node.callspec.params["app"]:
        return
    anna, bert = stranger(app), stranger(app)
    overrides = json.dumps({"dataset": tiny_dataset, **SETTINGS, "snapshot_every": 250})
    answer = json.loads(call(anna, "start", ["tutorial", 50_000, 0, overrides]))
    run = Run(app.runs_dir / answer["data"][0])
    assert run.visitor() == anna.get("/gradio_api/lab/live").json()["me"]["visitor"] != ""
    assert run.config().seconds == 900
    assert any(words in call(bert, "stop", [run.id]) for words in REFUSED)
    assert not any(words in call(anna, "stop", [run.id]) for words in REFUSED)
    wait_until(lambda: run.state().status == "stopped")
    assert '"message":""' in call(anna, "page_card_delete", ["en"], {"run": run.id}).replace(" ", "")
    assert not (run.folder / "config.json").exists()
