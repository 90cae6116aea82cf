"""Bodies that no event takes: one sentence and 4xx, never Gradio's 500."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gan_core.runner import Runner
from gan_core.runs import pretrained
from gan_core.sentences import UserError
from gan_ui.app import build, launch_settings
from gan_ui.jobs import Jobs
from gan_ui.queries import refused
from gan_ui.sampling import SampleServer
from gan_ui.who import Who

API = "/gradio_api/"
SHIPPED = pretrained()[0].id
DEEP = "[" * 3000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    runs_dir = tmp_path_factory.mktemp("events") / "runs"
    runner, samples, jobs, who = Runner(runs_dir), SampleServer(runs_dir), Jobs(), Who({"GAN_OWNER_TOKEN": "a"})
    page = build(runner, samples, who)
    page.launch(prevent_thread_lock=True, quiet=True, **launch_settings(runner, samples, jobs, who))
    with httpx.Client(base_url=str(page.local_url), timeout=60) as client:
        client.get("/")
        yield client
    page.close()
    jobs.close()
    runner.close()


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("call/sample", b"\xfe\xff", 422),
        ("call/sample", b"[1]", 422),
        ("call/sample", DEEP.encode(), 422),
        ("call/sample", b'{"data": ["\\ud83d", 1, 1, 1, 1]}', 422),
        ("call/sample", {"data": "best"}, 422),
        ("call/sample", {"data": ["best"]}, 422),
        ("call/nothing", {"data": []}, 404),
        ("call/v2/sample", {"data": ["best"]}, 422),
        ("call/v2/sample", {}, 422),
        ("call/v2/page_start", {}, 404),
        ("run/nothing/", {"data": []}, 404),
        ("run/stop", {"data": []}, 422),
        ("run/page_upload", {"data": [1, 2, 3, 4]}, 422),
        ("run/page_language", {"data": ["klingon"] * 9}, 422),
        ("api/stop", {"data": ["no such run"]}, 422),
        ("run/stop", {"data": [["a", "list"]]}, 422),
        ("run/sample", {"data": ["best", "a", 0, 1, -1]}, 422),
        ("run/sample", {"data": [SHIPPED, -1, 0, 1, -1], "fn_index": 10**30}, 404),
        ("queue/join", {"data": [], "fn_index": -5, "session_hash": "a"}, 404),
        ("queue/join", {"data": [], "session_hash": ["a"]}, 422),
        ("cancel", {"session_hash": "a"}, 422),
        ("reset", {"event_id": 1}, 422),
    ],
)
def test_what_no_event_takes(client: httpx.Client, path: str, body: Any, code: int) -> None:
    content: Any = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = client.post(API + path, **content)
    assert answer.status_code == code
    said = answer.json()
    assert said.get("error") or said["en"] != said["zh"]  # Gradio's own sentence, or ours


def test_settings_that_nest_too_deep_are_one_sentence(client: httpx.Client) -> None:
    owner = {"X-Owner-Token": "a"}
    answer = client.post(API + "run/start", json={"data": ["minute", 0, 0, DEEP]}, headers=owner)
    assert answer.status_code == 422
    assert "JSON" in answer.json()["error"]


def test_half_of_a_character_pair_is_no_text_and_a_refusal_can_hold_it(client: httpx.Client) -> None:
    for path in ("lab/walk", "lab/share/replay", "lab/film/walk"):
        answer = client.post(API + path, content=b'{"run": "\\ud83d"}', headers={"X-Owner-Token": "a"})
        assert answer.status_code == 422
        assert "JSON" in answer.json()["en"]
    assert "�" not in bytes(refused(UserError("unknown_run", run="ok")).body).decode()
    assert "“?”" in bytes(refused(UserError("unknown_run", run="\ud83d")).body).decode()


def test_what_events_take_passes(client: httpx.Client) -> None:
    answer = client.post(API + "run/sample", json={"data": [SHIPPED, -1, 3, 2, -1]})
    assert answer.status_code == 200
    assert len(answer.json()["data"][0]["images"]) == 2
    by_name = client.post(API + "call/v2/sample", json={"run": SHIPPED, "n": 1})
    assert by_name.status_code == 200
    assert "images" in client.get(f"{API}call/sample/{by_name.json()['event_id']}").text


@pytest.mark.parametrize("event", ["page_card_delete", "page_card_resume", "page_cure"])
@pytest.mark.parametrize("sent", [None, [], "run", {"kind": 1}])
def test_an_event_of_a_component_without_what_that_sends(client: httpx.Client, event: str, sent: Any) -> None:
    answer = client.post(f"{API}run/{event}", json={"data": ["en"], "event_data": sent})
    assert answer.status_code == 200
    assert "run" in answer.json()["data"][0]["message"].lower()


def test_a_fault_of_ours_stays_a_500(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(SampleServer, "sample", lambda *_: 1 / 0)
    with caplog.at_level(logging.CRITICAL):
        assert client.post(API + "run/sample", json={"data": [SHIPPED, -1, 0, 1, -1]}).status_code == 500
