"""Searches that the page asks for: as jobs, or refused at once with a sentence."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from starlette.applications import Starlette

from gan_core import neighbours, saved
from gan_core.config import make_config
from gan_core.latent import sample_z
from gan_core.networks import build_pair
from gan_core.runs import create_run
from gan_ui import search_routes
from gan_ui.jobs import Jobs
from gan_ui.sampling import Blend, SampleServer, fakes
from gan_ui.search_routes import Searches
from tests.lively import lively
from tests.pictures import encoded
from tests.processes import wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> SampleServer:
    folder = tmp_path_factory.mktemp("runs")
    for name, dataset in (("first", "mnist"), ("other", "fashion-mnist")):
        run = create_run(folder / name, make_config("tutorial", {"z_dim": 16, "dataset": dataset}), "", 0)
        saved.save_snapshot(run, 500, lively(500), b"")
    config = make_config("minute", {"network": "conditional", "z_dim": 16, "width": 4})
    saved.save_snapshot(create_run(folder / "conditional", config, "", 0), 500, build_pair(config)[0], b"")
    return SampleServer(folder)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


@pytest.fixture
def ask(server: SampleServer, jobs: Jobs) -> Callable[..., httpx.Response]:
    def asked(path: str, content: bytes, **query: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            routes = search_routes.search_routes(Searches(server, jobs))
            transport = httpx.ASGITransport(Starlette(routes=routes))
            async with httpx.AsyncClient(transport=transport, base_url="http://test/gradio_api/lab/") as client:
                return await client.post(path, params={"run": "first", **query}, content=content)

        return asyncio.run(go())

    return asked


def picture(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(28, 28)


def drawing(server: SampleServer) -> bytes:
    fake = server.images("first", None, sample_z(5, 1, 16))[0][0, 0].numpy()
    return encoded(Image.fromarray(fake).resize((280, 280)))


def ended(jobs: Jobs, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    job = answer.json()["job"]
    wait_until(lambda: jobs.describe(job)["status"] not in ("queued", "running"))
    return jobs.describe(job)


def test_a_picture_is_found_with_progress(server: SampleServer, jobs: Jobs, ask: Any) -> None:
    status = ended(jobs, ask("project", drawing(server)))
    found = status["result"]
    assert status["status"] == "done"
    assert found["run"] == "first"
    assert found["digit"] is None
    assert picture(status["data"]["target"]).tolist() == picture(found["target"]).tolist()
    assert status["data"]["residual"] == pytest.approx(found["residual"])
    again = fakes(server.generator("first", None), torch.tensor(found["z"])[None])[0, 0]
    assert abs((again * 255).numpy() - picture(found["image"])).max() <= 1
    apart = np.linalg.norm(again.numpy() - picture(found["target"]) / 255)
    assert found["residual"] == pytest.approx(apart, rel=0.01)
    assert found["residual"] < found["drawn"]
    assert 9 < found["apart"] < 12


def test_a_conditional_run_finds_the_digit_too(server: SampleServer, jobs: Jobs, ask: Any) -> None:
    found = ended(jobs, ask("project", drawing(server), run="conditional"))["result"]
    again = fakes(server.generator("conditional", None), torch.tensor(found["z"])[None], Blend(found["digit"]))[0, 0]
    assert abs((again * 255).numpy() - picture(found["image"])).max() <= 1


def test_the_nearest_reals_of_a_fake(
    server: SampleServer, jobs: Jobs, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[torch.Tensor] = []
    images = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 1, 28, 28).contiguous()

    def nearest(fake: torch.Tensor, dataset: str, report: Callable[[float], None]) -> neighbours.Copying:
        asked.append(fake)
        report(0.5)
        kinds = [neighbours.Neighbours(images, [9, 8, 7, 6, 5], [1.0, 2, 3, 4, 5], scale) for scale in (2.0, 4.0)]
        return neighbours.Copying(*kinds)

    monkeypatch.setattr(neighbours, "nearest_reals", nearest)
    z = sample_z(1, 1, 16)
    found = ended(jobs, ask("copying", z.numpy().tobytes(), psi=0.5))["result"]
    assert torch.equal(asked[0], fakes(server.generator("first", None), z * 0.5)[0, 0])
    assert [row["relative"] for row in found["features"]] == [0.5, 1, 1.5, 2, 2.5]
    assert [row["relative"] for row in found["pixels"]] == [0.25, 0.5, 0.75, 1, 1.25]
    assert [row["index"] for row in found["pixels"]] == [9, 8, 7, 6, 5]
    assert picture(found["pixels"][3]["image"]).max() == 3
    assert found["step"] == 500


def test_a_page_on_which_nothing_stands_out_is_the_jobs_failure_in_words(jobs: Jobs, ask: Any) -> None:
    status = ended(jobs, ask("project", encoded(Image.new("L", (28, 28)))))
    assert status["status"] == "failed"
    assert "stands out" in status["error"]["en"]


def test_a_look_for_copies_ends_when_told(jobs: Jobs, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(fake: torch.Tensor, dataset: str, report: Callable[[float], None]) -> None:
        while True:
            report(0.1)

    monkeypatch.setattr(neighbours, "nearest_reals", endless)
    job = ask("copying", bytes(64)).json()["job"]
    wait_until(lambda: jobs.describe(job)["status"] == "running")
    jobs.cancel(job)
    wait_until(lambda: jobs.describe(job)["status"] == "cancelled")


@pytest.mark.parametrize(
    ("path", "content", "query", "status", "says"),
    [
        ("project", b"no picture", {}, 422, "not a PNG"),
        ("project", b"", {}, 422, "not a PNG"),
        ("project", bytes(10_000_001), {}, 422, "too large"),
        ("project", encoded(Image.new("1", (20_000, 20_000))), {}, 422, "too large"),
        ("project", encoded(Image.linear_gradient("L")), {"run": "gone"}, 422, "no run"),
        ("project", encoded(Image.linear_gradient("L")), {"step": 77}, 422, "77"),
        ("copying", bytes(60), {}, 422, "15"),
        ("copying", np.full(16, np.nan, "<f4").tobytes(), {}, 422, "finite"),
        ("copying", bytes(64), {"run": "other"}, 422, "fashion-mnist"),
        ("copying", bytes(64), {"psi": "many"}, 422, "psi"),
        ("copying", bytes(200_000), {}, 413, "larger"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_at_once(
    ask: Any, path: str, content: bytes, query: dict[str, Any], status: int, says: str
) -> None:
    answer = ask(path, content, **query)
    assert answer.status_code == status
    assert says in answer.json()["en"]
    assert answer.json()["zh"]


def test_the_rights_count_the_jobs_of_one_visitor(ask: Any, monkeypatch: pytest.MonkeyPatch, jobs: Jobs) -> None:
    monkeypatch.setattr(jobs, "start", lambda visitor, work: visitor)
    assert ask("copying", bytes(64)).json() == {"job": "127.0.0.1"}
