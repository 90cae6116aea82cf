"""The routes by which a page asks the sampling server: bytes in, bytes out, and a sentence for a bad question."""

import asyncio
import threading

import httpx
import numpy as np
import pytest
import torch
from starlette.applications import Starlette

from gan_core import saved
from gan_core.config import make_config
from gan_core.latent import axes, generate, neighbourhood, sample_z
from gan_core.networks import build_pair
from gan_core.runs import create_run
from gan_ui import sampling
from tests.sampling.served import Z_DIM, as_saved


def ask(server, method, path, **options):
    """One request to the routes, without a network; the answer."""

    async def go():
        transport = httpx.ASGITransport(Starlette(routes=sampling.routes(server)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/gradio_api/lab/") as client:
            return await client.request(method, path, **options)

    return asyncio.run(go())


def post(server, z=None, body=None, **query):
    content = body if body is not None else np.asarray(z, "<f4").tobytes()
    return ask(server, "POST", "sample", params={"run": "first", **query}, content=content)


def pixels(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return np.frombuffer(answer.content, np.uint8).reshape(-1, 28, 28)


def test_the_route_gives_the_picture_of_z(server, run):
    z = sample_z(3, 1, Z_DIM)
    answer = post(server, z[0])
    assert answer.headers["x-step"] == "500"
    assert np.array_equal(pixels(answer)[0], server.images(run.id, None, z)[0][0, 0].numpy())
    assert post(server, z[0], step="0").headers["x-step"] == "0"


def test_psi_and_the_bounds_of_z(server):
    z = sample_z(3, 1, Z_DIM)[0]
    zero = pixels(post(server, torch.zeros(Z_DIM)))
    assert np.array_equal(pixels(post(server, z, psi=0)), zero)
    assert np.array_equal(pixels(post(server, z, psi=0.5)), pixels(post(server, z / 2)))
    assert not np.array_equal(pixels(post(server, z)), zero)
    far, bound = torch.full((Z_DIM,), 1e9), torch.full((Z_DIM,), 6.0)
    assert np.array_equal(pixels(post(server, far)), pixels(post(server, bound)))


def test_the_neighbourhoods_centre_is_the_digit(server, run):
    z = sample_z(3, 1, Z_DIM)[0]
    tiles = pixels(post(server, z, side=5, seed=4, radius=2.5, psi=0.8)).astype(int)
    assert tiles.shape == (25, 28, 28)
    assert abs(tiles[12] - pixels(post(server, z, psi=0.8))[0]).max() <= 1  # one z or 25: the last bit may differ
    assert abs(tiles[0] - tiles[24]).max() > 10
    expected = server.images(run.id, None, neighbourhood(z, 4, 2.5) * 0.8)[0][:, 0].numpy().astype(int)
    assert abs(tiles - expected).max() <= 1


def test_the_z_route_draws_what_sample_draws(server):
    answer = ask(server, "GET", "z", params={"run": "first", "seed": 11})
    values = torch.from_numpy(np.frombuffer(answer.content, "<f4").reshape(3, Z_DIM).copy())
    assert torch.equal(values[:1], sample_z(11, 1, Z_DIM))
    assert torch.equal(values[1:], axes(11, Z_DIM))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"psi": "x"}, "psi must be a number"),
        ({"psi": "nan"}, "psi must be a number"),
        ({"psi": 2.01}, "psi is 2.01, but it must be between 0 and 2"),
        ({"psi": -0.1}, "psi is -0.1"),
        ({"side": 3}, "must be one of: 1, 5, digits"),
        ({"side": 1000}, "side is “1000”"),
        ({"digit": 10}, "digit is 10, but it must be between 0 and 9"),
        ({"digit": "x"}, "digit must be a number"),
        ({"digit": 3}, "is not conditional"),
        ({"side": "digits", "digit": 1}, "is not conditional"),
        ({"side": 5, "radius": -1}, "radius is -1"),
        ({"side": 5, "radius": "inf"}, "radius must be a number"),
        ({"side": 5, "seed": -1}, "seed is -1"),
        ({"step": 77}, "no snapshot at step 77; there are: 0, 500"),
        ({"step": "../0"}, "step must be a number"),
        ({"run": "../first"}, "no run"),
        ({"run": ""}, "no run"),
    ],
)
def test_bad_questions_get_a_sentence(server, query, says):
    answer = post(server, torch.zeros(Z_DIM), **query)
    assert answer.status_code == 422
    assert set(answer.json()) == {"en", "zh"}
    assert says in answer.json()["en"]


@pytest.fixture
def conditional(tmp_path):
    config = make_config("minute", {"network": "conditional", "z_dim": Z_DIM})
    run = create_run(tmp_path / "conditional", config, "", 0)
    saved.save_snapshot(run, 5, build_pair(config)[0], b"")
    return run


def test_a_conditional_run_draws_what_it_is_told(server, conditional):
    z = sample_z(3, 1, Z_DIM)
    expected = generate(as_saved(conditional, 5), z.expand(10, -1), torch.arange(10)).mul(255)[:, 0]
    tens = pixels(post(server, z[0], run="conditional", side="digits"))
    assert abs(tens - expected.numpy()).max() <= 1.01
    seven = pixels(post(server, z[0], run="conditional", digit=7))[0]
    assert abs(seven.astype(int) - tens[7]).max() <= 1
    assert abs(pixels(post(server, z[0], run="conditional", digit=1))[0].astype(int) - tens[7]).max() > 3
    tiles = pixels(post(server, z[0], run="conditional", side=5))
    assert abs(tiles[12].astype(int) - tens[2]).max() <= 1  # in turn
    drawn, _ = server.sample("conditional", None, 3, 2, digit=7)
    assert (drawn[0] * 255 - torch.from_numpy(seven.copy())).abs().max() <= 1.01
    assert ask(server, "GET", "z", params={"run": "conditional"}).headers["x-classes"] == "10"
    assert ask(server, "GET", "z", params={"run": "first"}).headers["x-classes"] == "0"


@pytest.mark.parametrize("body", [b"", b"123", bytes(4 * Z_DIM - 1), bytes(4 * Z_DIM + 4)])
def test_a_body_of_the_wrong_length(server, body):
    answer = post(server, body=body)
    assert answer.status_code == 422
    assert f"takes {Z_DIM}" in answer.json()["en"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_z_that_is_not_finite(server, value):
    answer = post(server, [0.0] * (Z_DIM - 1) + [value])
    assert answer.status_code == 422
    assert "finite" in answer.json()["en"]


def test_a_large_body_is_not_read_to_its_end(server):
    sent = []

    async def endless():
        for _ in range(1000):
            sent.append(1)
            yield bytes(16_384)

    answer = ask(server, "POST", "sample", params={"run": "first"}, content=endless())
    assert answer.status_code == 413
    assert "65536" in answer.json()["en"]
    assert len(sent) < 10


def test_the_event_loop_is_free_while_pictures_are_made(server, run, monkeypatch):
    gate = threading.Event()
    load = saved.load_generator
    monkeypatch.setattr(saved, "load_generator", lambda *a: gate.wait(10) and load(*a))

    async def go():
        transport = httpx.ASGITransport(Starlette(routes=sampling.routes(server)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/gradio_api/lab/") as client:
            asked = asyncio.create_task(client.post("sample", params={"run": "first"}, content=bytes(4 * Z_DIM)))
            while not server._workers._threads:
                await asyncio.sleep(0)  # would never come back here if the picture were made on the loop
            gate.set()
            return (await asked).status_code

    assert asyncio.run(go()) == 200
