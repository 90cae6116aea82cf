"""What stays in memory of answers, sessions and bodies: counted in the app itself, not measured in bytes."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gan_core.runner import Runner
from gan_core.runs import pretrained
from gan_ui.app import build, launch_settings
from gan_ui.jobs import Jobs
from gan_ui.memory import BODY_BYTES, SESSIONS, UNREAD, _serve
from gan_ui.sampling import SampleServer
from gan_ui.who import Who
from tests.processes import wait_until

CALLS = 3 * UNREAD
SHIPPED = pretrained()[0].id


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    runs_dir = tmp_path_factory.mktemp("memory") / "runs"
    runner, samples, jobs, who = Runner(runs_dir), SampleServer(runs_dir), Jobs(), Who({})
    page = build(runner, samples, who)
    page.launch(prevent_thread_lock=True, quiet=True, **launch_settings(runner, samples, jobs, who))
    yield page
    page.close()
    jobs.close()
    runner.close()


@pytest.fixture
def client(page: gr.Blocks) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=str(page.local_url), timeout=60) as client:
        client.get("/")
        yield client


def ask(client: httpx.Client, seed: int) -> str:
    """Ask for pictures, and return the id under which the answer waits."""
    answer = client.post("/gradio_api/call/sample", json={"data": [SHIPPED, -1, seed, 2, -1]})
    return str(answer.json()["event_id"])


def fetch(client: httpx.Client, event: str) -> str:
    return client.get(f"/gradio_api/call/sample/{event}").text


def answers_in_memory() -> int:
    gc.collect()
    return sum(type(each) is dict and each.keys() == {"run", "step", "seed", "images"} for each in gc.get_objects())


def test_nothing_stays_of_answers_that_were_fetched(page: gr.Blocks, client: httpx.Client) -> None:
    for seed in range(CALLS):
        assert "event: complete" in fetch(client, ask(client, seed))
    assert answers_in_memory() <= 2
    assert len(page.app.state_holder.session_data) <= 2
    assert len(page._queue.pending_messages_per_session) <= 2
    assert len(page._queue.pending_event_ids_session) <= 2


def test_a_visitors_answers_wait_only_until_there_are_newer_ones(page: gr.Blocks, client: httpx.Client) -> None:
    events = [ask(client, seed) for seed in range(CALLS)]
    wait_until(lambda: not page._queue.event_ids_to_events)
    assert answers_in_memory() <= UNREAD + 1
    assert len(page._queue.pending_messages_per_session) <= UNREAD + 1
    assert len(page._queue.pending_event_ids_session) <= UNREAD + 1
    newest = fetch(client, events[-1])
    assert json.loads(newest.partition("data: ")[2])[0]["seed"] == CALLS - 1
    for event in (events[0], events[-1], "nonsense"):
        gone = client.get(f"/gradio_api/call/sample/{event}")
        assert gone.status_code == 404
        assert gone.json().keys() >= {"en", "zh"}
    page_of_old = client.get("/gradio_api/queue/data?session_hash=nonsense")
    assert '"session_not_found":true' in page_of_old.text  # which makes a page begin anew


def test_a_visitor_has_so_many_sessions_and_they_remember_no_values(page: gr.Blocks, client: httpx.Client) -> None:
    for number in range(SESSIONS + 10):
        body = {"data": ["none", "x" * 1000], "session_hash": f"s{number}"}
        client.post("/gradio_api/run/change", json=body)
    sessions = page.app.state_holder.session_data
    assert SESSIONS - 2 <= len(sessions) <= SESSIONS + 2
    assert f"s{SESSIONS + 9}" in sessions
    assert "s0" not in sessions
    assert all(not session.config_values for session in sessions.values())


def test_a_body_is_bounded_whether_it_says_its_length_or_not(client: httpx.Client) -> None:
    data = b'{"data": ["' + b"x" * BODY_BYTES + b'"]}'
    for body in (data, (data[at : at + 50_000] for at in range(0, len(data), 50_000))):
        headers = {"content-type": "application/json"}
        answer = client.post("/gradio_api/call/status", content=body, headers=headers)
        assert answer.status_code == 413
        assert answer.json().keys() >= {"en", "zh"}


@pytest.mark.anyio
async def test_a_visitor_who_leaves_is_no_error(anyio_backend: Any) -> None:
    async def left(*_: Any) -> None:
        raise ClientDisconnect

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await _serve(left, {"type": "http"}, receive, send, None)
    assert sent == []


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
