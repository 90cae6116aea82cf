"""The routes by which a page asks the sampling server: bytes in, bytes out, and a sentence for a bad question."""

import asyncio
import base64
import threading

import httpx
import numpy as np
import pytest
import torch
from starlette.applications import Starlette

from gan_core import saved
from gan_core.config import make_config
from gan_core.directions import find_directions
from gan_core.latent import axes, generate, neighbourhood, sample_z
from gan_core.latent import walk as latent_walk
from gan_core.networks import build_pair
from gan_core.pose import Pose, to_text
from gan_core.runs import create_run
from gan_ui import queries, sample_routes
from tests.sampling.served import Z_DIM, as_saved


def ask(server, method, path, **options):
    """One request to the routes, without a network; the answer."""

    async def go():
        transport = httpx.ASGITransport(Starlette(routes=sample_routes.routes(server)))
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
        ({"side": 3}, "must be one of: 1, 5, many, digits"),
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
    assert answer.json().keys() == {"en", "zh", "detail", "field"}
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
    assert str(queries.MAX_BODY) in answer.json()["en"]
    assert len(sent) < 10


def test_the_event_loop_is_free_while_pictures_are_made(server, run, monkeypatch):
    gate = threading.Event()
    load = saved.load_generator
    monkeypatch.setattr(saved, "load_generator", lambda *a: gate.wait(10) and load(*a))

    async def go():
        transport = httpx.ASGITransport(Starlette(routes=sample_routes.routes(server)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/gradio_api/lab/") as client:
            asked = asyncio.create_task(client.post("sample", params={"run": "first"}, content=bytes(4 * Z_DIM)))
            while not server.workers._threads:
                await asyncio.sleep(0)  # would never come back here if the picture were made on the loop
            gate.set()
            return (await asked).status_code

    assert asyncio.run(go()) == 200


# --- many z, directions and their names, poses as text ---


def test_many_z_at_once_give_a_picture_each(server, run):
    z = sample_z(3, 64, Z_DIM)
    many = pixels(post(server, z, side="many", psi=0.9)).astype(int)
    assert abs(many - server.images(run.id, None, z * 0.9)[0][:, 0].numpy().astype(int)).max() <= 1
    for count, side in ((65, "many"), (2, "1"), (0, "many")):
        assert post(server, sample_z(3, 65, Z_DIM)[:count], side=side).status_code == 422


def directions(server, method="GET", content=b"", **query):
    return ask(server, method, "directions", params={"run": "first", **query}, content=content)


def test_directions_are_those_of_the_snapshot(server, run):
    found = directions(server, step=500).json()
    assert (found["step"], found["z_dim"]) == (500, Z_DIM)
    rows = torch.from_numpy(np.frombuffer(base64.b64decode(found["directions"]), "<f4").reshape(-1, Z_DIM).copy())
    assert torch.equal(rows, find_directions(as_saved(run, 500), Z_DIM))
    assert found["names"] == [""] * len(rows)


def test_a_name_belongs_to_its_direction_and_step(server, run):
    said = directions(server, "POST", b" slant \n ", step=500, index=1)
    assert said.json() == {"name": "slant"}
    directions(server, "POST", "粗细".encode(), step=500, index=0)
    assert directions(server, step=500).json()["names"][:3] == ["粗细", "slant", ""]
    assert set(directions(server, step=0).json()["names"]) == {""}
    directions(server, "POST", b"", step=500, index=0)
    assert directions(server, step=500).json()["names"][:2] == ["", "slant"]
    (run.folder / "directions.json").write_text("[torn")
    assert set(directions(server, step=500).json()["names"]) == {""}


@pytest.mark.parametrize(
    ("query", "name", "says"),
    [
        ({"step": 500, "index": 0}, "x" * 41, "41 characters; use at most 40"),
        ({"step": "live", "index": 0}, "x", "step must be a number"),
        ({"step": 500, "index": 512}, "x", "index is 512"),
        ({"step": 500, "index": 0, "run": "best"}, "x", "ships with the app"),
        ({"step": 500, "index": 0, "run": "gone"}, "x", "no run"),
    ],
)
def test_names_that_cannot_be_kept_are_refused(server, run, query, name, says):
    answer = directions(server, "POST", name.encode(), **query)
    assert answer.status_code == 422
    assert says in answer.json()["en"]
    assert not (run.folder / "directions.json").exists()


def test_a_pose_goes_out_as_text_and_comes_back(server, run):
    z = sample_z(5, 1, Z_DIM)[0]
    text = ask(server, "POST", "pose", params={"run": "first", "psi": 0.7, "step": 0}, content=z.numpy().tobytes())
    said = ask(server, "GET", "pose", params={"text": text.json()["text"]}).json()
    assert torch.allclose(torch.tensor(said["z"]), z, atol=1e-3)
    assert (said["psi"], said["digit"], said["run"], said["step"], said["note"]) == (0.7, None, "first", 0, None)
    saved.snapshot_path(run, 0).unlink()
    said = ask(server, "GET", "pose", params={"text": text.json()["text"]}).json()
    assert said["step"] is None
    assert "step 0 of first" in said["note"]["en"]


def test_a_blend_is_drawn_and_kept_in_the_pose(server, conditional):
    z = sample_z(5, 1, Z_DIM)[0]
    three, eight, half = (
        pixels(post(server, z, run="conditional", **query)).astype(int)
        for query in ({"digit": 3}, {"digit": 8}, {"digit": 3, "to": 8, "share": 0.5})
    )
    assert abs(half - three).max() > 0 < abs(half - eight).max()
    query = {"run": "conditional", "digit": 3, "to": 8, "share": 0.25}
    text = ask(server, "POST", "pose", params=query, content=z.numpy().tobytes()).json()["text"]
    said = ask(server, "GET", "pose", params={"text": text}).json()
    assert (said["digit"], said["to"], said["share"]) == (3, 8, 0.25)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("https://example.org", "not a pose"),
        (to_text(Pose((0.0,) * 8, run="first")), "8 values of z"),
        (to_text(Pose((0.0,) * Z_DIM, run="gone")), "no run"),
        (to_text(Pose((0.0,) * Z_DIM, digit=3, run="first")), "is not conditional"),
        (to_text(Pose((0.0,) * Z_DIM))[:-3], "incomplete"),
    ],
)
def test_texts_that_cannot_be_drawn_get_a_sentence(server, run, text, says):
    answer = ask(server, "GET", "pose", params={"text": text, "run": "first"})
    assert answer.status_code == 422
    assert says in answer.json()["en"]


def walk(server, texts, **query):
    params = {"run": "first", "frames": 100, **query}
    return ask(server, "POST", "walk", params=params, json={"poses": texts})


def test_a_walk_comes_in_batches_of_its_film(server, run):
    stops = [Pose(tuple(z.tolist()), psi) for z, psi in zip(sample_z(1, 3, Z_DIM), (1, 0.8, 1), strict=True)]
    texts = [to_text(stop) for stop in stops]
    batches = [pixels(walk(server, texts, first=first)) for first in (0, 64)]
    assert [len(batch) for batch in batches] == [64, 36]
    z, _ = latent_walk(stops, 100)
    made = np.concatenate(batches).astype(int)
    expected = torch.cat([server.images(run.id, None, part)[0] for part in z.split(64)])[:, 0].numpy()
    assert abs(made - expected).max() <= 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"frames": 1}, "frames"),
        ({"frames": 10**6}, "frames"),
        ({"first": 100}, "first"),
        ({"texts": []}, "0; keep some"),
        ({"texts": ["p1_torn"]}, "incomplete"),
        ({"texts": [to_text(Pose((0.0,) * 9))]}, "9 values"),
        ({"texts": [to_text(Pose((0.0,) * Z_DIM)), to_text(Pose((0.0,) * 9))]}, "9 values"),
        ({"run": "gone"}, "no run"),
    ],
)
def test_a_walk_that_cannot_be_drawn_gets_a_sentence(server, changes, says):
    texts = changes.pop("texts", [to_text(Pose((0.5,) * Z_DIM))])
    answer = walk(server, texts, **changes)
    assert answer.status_code == 422
    assert says in answer.json()["en"]


def test_a_walk_of_a_conditional_run_needs_digits(server, tmp_path):
    config = make_config("minute", {"network": "conditional", "z_dim": 8})
    saved.save_snapshot(create_run(tmp_path / "digits", config, "", 0), 1, build_pair(config)[0], b"")
    assert "draws the digit" in walk(server, [to_text(Pose((0.5,) * 8))], run="digits").json()["en"]
    assert len(pixels(walk(server, [to_text(Pose((0.5,) * 8, digit=3))], run="digits"))) == 64
