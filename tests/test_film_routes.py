"""The films that the page asks for: as jobs, or refused at once with a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gan_core.latent import sample_z
from gan_core.pose import Pose, to_text
from gan_ui.film_routes import Films, film_routes
from gan_ui.jobs import Jobs
from gan_ui.sampling import SampleServer
from tests.processes import run_command, wait_until


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


def ask(jobs: Jobs, path: str, body: Any) -> httpx.Response:
    async def go() -> httpx.Response:
        films = Films(SampleServer(Path("nowhere")), jobs)
        transport = httpx.ASGITransport(Starlette(routes=film_routes(films)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/gradio_api/lab/film/") as client:
            return await client.post(path, json=body)

    return asyncio.run(go())


WALK = {"run": "best", "step": "live", "kind": "gif", "size": 57, "seconds": 1}
TEXTS = [to_text(Pose(tuple(z.tolist()))) for z in sample_z(0, 2, 64)]


@pytest.mark.parametrize(
    ("path", "body"),
    [("walk", {**WALK, "poses": TEXTS}), ("training", {**WALK, "pose": None})],
)
def test_a_film_is_made_as_a_job(jobs: Jobs, path: str, body: dict[str, Any]) -> None:
    answer = ask(jobs, path, body)
    assert answer.status_code == 202
    job = answer.json()["job"]
    wait_until(lambda: jobs.describe(job)["status"] == "done")
    made = jobs.find(job).made
    assert made is not None
    assert (made.name, made.media_type) == (f"best-{path}.gif", "image/gif")
    assert made.content.startswith(b"GIF89a8\0"), "56 pixels wide: a video has no odd sizes"


@pytest.mark.parametrize(
    ("path", "changes", "says"),
    [
        ("walk", {}, "0; keep some"),
        ("walk", {"poses": "p1_"}, "0; keep some"),
        ("walk", {"poses": ["what?"]}, "not a pose"),
        ("walk", {"poses": TEXTS * 13}, "are 26"),
        ("walk", {"poses": TEXTS, "run": "gone"}, "no run"),
        ("walk", {"poses": TEXTS, "kind": "avi"}, "mp4"),
        ("walk", {"poses": TEXTS, "size": None}, "size must be a number"),
        ("walk", {"poses": TEXTS, "seconds": 1e9}, "seconds is"),
        ("training", {"pose": "p1_torn"}, "incomplete"),
    ],
)
def test_what_cannot_be_made_is_refused_at_once(jobs: Jobs, path: str, changes: dict[str, Any], says: str) -> None:
    answer = ask(jobs, path, {**WALK, **changes})
    assert answer.status_code == 422
    assert says in answer.json()["en"]


def test_a_body_that_is_no_object_is_refused(jobs: Jobs) -> None:
    assert "not a JSON object" in ask(jobs, "walk", [1]).json()["en"]


def test_what_fails_later_is_the_jobs_sentence(jobs: Jobs) -> None:
    text = to_text(Pose((0.0,) * 8))
    job = ask(jobs, "walk", {**WALK, "poses": [text]}).json()["job"]
    wait_until(lambda: jobs.describe(job)["status"] == "failed")
    assert "8 values of z" in jobs.describe(job)["error"]["en"]


def test_the_command_makes_both_kinds_of_film(tmp_path: Path) -> None:
    for arguments in (["--walk", *TEXTS], []):
        made = run_command("film", "best", tmp_path / "a.gif", "--size", 56, "--seconds", 1, *arguments)
        assert made.returncode == 0, made.stderr
        assert (tmp_path / "a.gif").read_bytes().startswith(b"GIF89a8\0")
    refused = run_command("film", "best", tmp_path / "b.avi")
    assert refused.returncode != 0
    assert "mp4" in refused.stderr
    assert not (tmp_path / "b.avi").exists()
