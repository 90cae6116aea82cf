"""Jobs: one after the other, in turn, bounded, to be cancelled, forgotten after a while; and their routes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gan_core.sentences import UserError
from gan_ui import jobs as module
from gan_ui.jobs import Job, Jobs, Made, job_routes
from tests.processes import wait_until


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(clock: Clock) -> Iterator[Jobs]:
    jobs = Jobs(clock)
    yield jobs
    jobs.close()


class Gate:
    """Work that waits until it is let through, or cancelled."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.running = threading.Event()

    def __call__(self, job: Job) -> dict[str, Any]:
        self.running.set()
        while not self.open.wait(0.005) and not job.cancelled():
            pass
        return {"answer": 42}


def ask(jobs: Jobs, method: str, path: str) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=job_routes(jobs)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/gradio_api/lab/") as client:
            return await client.request(method, path)

    return asyncio.run(go())


def status(jobs: Jobs, job: str) -> str:
    return str(jobs.describe(job)["status"])


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(UserError) as error:
        call(*arguments)
    return error.value.key


def test_a_job_runs_reports_and_has_a_result(jobs: Jobs, clock: Clock) -> None:
    gate = Gate()

    def work(job: Job) -> dict[str, Any]:
        job.report(0.25, residual=3.5)
        return gate(job)

    job = jobs.start("a", work)
    assert gate.running.wait(30)
    clock.now = 10
    said = ask(jobs, "GET", f"jobs/{job}").json()
    assert (said["status"], said["share"], said["data"]) == ("running", 0.25, {"residual": 3.5})
    assert said["seconds_left"] == 30
    gate.open.set()
    wait_until(lambda: status(jobs, job) == "done")
    assert jobs.describe(job)["result"] == {"answer": 42}
    assert jobs.describe(job)["share"] == 1


def test_a_file_is_handed_out_under_its_name(jobs: Jobs) -> None:
    job = jobs.start("a", lambda _: Made("数 1.gif", "image/gif", b"GIF"))
    wait_until(lambda: status(jobs, job) == "done")
    assert jobs.describe(job)["file"] == {"name": "数 1.gif", "bytes": 3}
    answer = ask(jobs, "GET", f"jobs/{job}/file")
    assert (answer.content, answer.headers["content-type"]) == (b"GIF", "image/gif")
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E6%95%B0%201.gif")
    assert ask(jobs, "GET", f"jobs/{job}/file?inline=1").headers["content-disposition"].startswith("inline")


def test_what_fails_says_why(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: Job) -> None:
        raise UserError("unknown_run", run="x")

    refused, broken = jobs.start("a", refuse), jobs.start("b", lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    wait_until(lambda: {status(jobs, refused), status(jobs, broken)} == {"failed"})
    assert "x" in jobs.describe(refused)["error"]["en"]
    assert "fault in this program" in jobs.describe(broken)["error"]["en"]
    assert "ZeroDivisionError" in caplog.text
    assert ask(jobs, "GET", f"jobs/{broken}/file").status_code == 422


def test_they_wait_in_turn_and_may_be_cancelled_waiting_or_running(jobs: Jobs) -> None:
    gate = Gate()
    first, second, third = (jobs.start(visitor, gate) for visitor in "abc")
    assert gate.running.wait(30)
    assert [jobs.describe(job)["position"] for job in (first, second, third)] == [0, 1, 2]
    assert ask(jobs, "POST", f"jobs/{second}/cancel").json()["status"] == "cancelled"
    assert jobs.describe(third)["position"] == 1
    jobs.cancel(first)
    wait_until(lambda: status(jobs, first) == "cancelled")
    assert jobs.describe(first)["result"] is None
    gate.open.set()
    wait_until(lambda: status(jobs, third) == "done")
    assert status(jobs, second) == "cancelled"


def test_nobody_can_fill_the_queue_alone_and_it_is_bounded(jobs: Jobs) -> None:
    gate = Gate()
    for _ in range(module.A_VISITORS_AT_MOST):
        jobs.start("greedy", gate)
    assert refusal(jobs.start, "greedy", gate) == "jobs_yours_full"
    assert gate.running.wait(30)
    for number in range(module.WAITING_AT_MOST - 1):
        jobs.start(f"visitor {number}", gate)
    assert refusal(jobs.start, "late", gate) == "jobs_full"


def test_results_are_forgotten_after_a_while_and_beyond_their_bytes(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 10)

    def made(size: int) -> str:
        clock.now += 1
        job = jobs.start("a", lambda _: Made("x", "y", bytes(size)))
        wait_until(lambda: status(jobs, job) == "done")
        return job

    small, large = made(4), made(5)
    assert (status(jobs, small), status(jobs, large)) == ("done", "done")
    newest = made(6)
    assert refusal(jobs.describe, small) == "job_gone"
    assert refusal(jobs.describe, large) == "job_gone"
    clock.now += module.KEPT_SECONDS + 1
    assert ask(jobs, "GET", f"jobs/{newest}").status_code == 422
    assert "no longer kept" in ask(jobs, "GET", "jobs/guess").json()["en"]


def test_closing_ends_what_runs_and_starts_nothing_more(clock: Clock) -> None:
    jobs, gate = Jobs(clock), Gate()
    running, waiting = jobs.start("a", gate), jobs.start("b", gate)
    assert gate.running.wait(30)
    jobs.close()
    wait_until(lambda: status(jobs, running) == "cancelled")
    assert jobs.find(waiting).cancelled()


def test_a_job_that_has_ended_holds_nothing_of_its_work(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_AT_MOST", 2)
    ended = []
    for _ in range(4):
        clock.now += 1
        ended.append(jobs.start("a", lambda job: {}))
        wait_until(lambda: status(jobs, ended[-1]) == "done")
    assert jobs.find(ended[-1]).work is None
    jobs.start("b", Gate())
    assert refusal(jobs.describe, ended[0]) == "job_gone"
    assert status(jobs, ended[-1]) == "done"


def test_what_another_server_has_done_before_it_could_be_cancelled_is_done(jobs: Jobs) -> None:
    gate = Gate()  # gives its answer once it is cancelled
    far = jobs.start("anna", gate, elsewhere=True)
    assert gate.running.wait(10)
    jobs.cancel(far)
    wait_until(lambda: status(jobs, far) == "done")
    assert jobs.describe(far)["result"] == {"answer": 42}


def test_what_waits_for_another_server_holds_nobody_up(jobs: Jobs) -> None:
    far, near = Gate(), Gate()
    waiting = jobs.start("anna", far, elsewhere=True)
    assert far.running.wait(10)
    behind = jobs.start("bert", Gate(), elsewhere=True)
    film = jobs.start("anna", near)
    near.open.set()
    wait_until(lambda: jobs.describe(film)["status"] == "done")
    assert (jobs.describe(waiting)["status"], jobs.describe(behind)["position"]) == ("running", 1)
    jobs.start("anna", Gate(), elsewhere=True)
    with pytest.raises(UserError):
        jobs.start("anna", Gate())
    jobs.cancel(behind)
    assert jobs.describe(behind)["status"] == "cancelled"
    far.open.set()
    wait_until(lambda: jobs.describe(waiting)["status"] == "done")
