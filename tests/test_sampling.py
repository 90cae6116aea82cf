"""The sampling server: pictures from run folders that change, disappear and are asked for by many at once."""

import asyncio
import copy
import functools
import threading
import time

import httpx
import numpy as np
import pytest
import torch
from starlette.applications import Starlette

from gan_core import saved
from gan_core.config import make_config
from gan_core.latent import axes, generate, neighbourhood, sample_z
from gan_core.networks import build_pair
from gan_core.runs import Run, create_run, delete_run
from gan_core.sentences import UserError
from gan_ui import sampling
from gan_ui.sampling import SampleServer
from tests.lively import lively

Z_DIM = 16


def make_run(runs_dir, name="first", z_dim=Z_DIM) -> Run:
    return create_run(runs_dir / name, make_config("tutorial", {"z_dim": z_dim}), "", 0)


@functools.cache
def as_saved(run, step):
    return saved.load_generator(saved.snapshot_path(run, step), run.config())[0]


@pytest.fixture
def run(tmp_path):
    run = make_run(tmp_path)
    for step in (0, 500):
        saved.save_snapshot(run, step, lively(step), b"")
    return run


@pytest.fixture
def server(tmp_path, run):
    return SampleServer(tmp_path)


def refusal(call, *arguments):
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert caught.value.say("en")
    assert caught.value.say("zh")
    return caught.value.key


def sample(server, run, step=None):
    return server.sample(run.id, step, 0, 1)[0]


# --- pictures ---


def test_pictures_are_those_of_the_snapshot(server, run):
    z = sample_z(1, 3, Z_DIM)
    pictures, step = server.images(run.id, 500, z)
    assert step == 500
    assert pictures.shape == (3, 1, 28, 28)
    assert pictures.dtype == torch.uint8
    expected = generate(as_saved(run, 500), z)
    assert (pictures - expected * 255).abs().max() <= 0.51
    assert pictures.float().std(dim=0).mean() > 5  # the test would prove little if all z gave one picture
    assert server.images(run.id, 0, z)[1] == 0


def test_sample_gives_the_same_first_pictures_whatever_their_number(server, run):
    many, step = server.sample(run.id, 500, 7, 64)
    assert step == 500
    assert many.shape == (64, 28, 28)
    assert many.dtype == torch.float32
    assert many.min() >= 0
    assert many.max() <= 1
    few = server.sample(run.id, 500, 7, 2)[0]
    assert torch.allclose(few, many[:2], atol=1e-6)
    assert torch.allclose(few, generate(as_saved(run, 500), sample_z(7, 2, Z_DIM))[:, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ((None, 0, 0), "out_of_range"),
        ((None, 0, 65), "out_of_range"),
        ((None, 0, 1.5), "not_a_whole_number"),
        ((None, -1, 1), "out_of_range"),
        ((None, "x", 1), "not_a_number"),
        ((None, 0, None), "not_a_number"),
        ((None, 0, float("nan")), "not_a_number"),
        ((None, 0, True), "not_a_number"),
        ((-1, 0, 1), "out_of_range"),
        (("newest", 0, 1), "not_a_number"),
        ((123, 0, 1), "no_such_snapshot"),
        ((10**400, 0, 1), "not_a_number"),
    ],
)
def test_bad_numbers_are_refused(server, run, arguments, key):
    assert refusal(server.sample, run.id, *arguments) == key


@pytest.mark.parametrize("name", ["", "nobody", "../first", "first/../first", "/etc", "FIRST\n", None])
def test_a_run_is_an_id_and_never_a_path(server, name):
    assert refusal(server.sample, name, None, 0, 1) == "unknown_run"


def test_z_must_fit(server, run):
    for z in (torch.zeros(1, Z_DIM + 1), torch.zeros(Z_DIM), torch.zeros(())):
        assert refusal(server.images, run.id, None, z) == "z_wrong_length"


def test_a_generator_that_blew_up_says_so(server, run):
    G = copy.deepcopy(lively(1))
    for weight in G.parameters():
        weight.data.fill_(float("nan"))
    saved.save_live(run, 700, G, b"")
    assert refusal(sample, server, run) == "fakes_not_finite"
    assert sample(server, run, 500).isfinite().all()


def test_damaged_and_newer_runs_are_refused(server, run):
    path = saved.snapshot_path(run, 500)
    path.write_bytes(path.read_bytes()[:1000])
    assert refusal(sample, server, run, 500) == "snapshot_unreadable"
    config = run.folder / "config.json"
    config.write_text(config.read_text().replace('"format": 1', '"format": 99'))
    assert refusal(sample, server, run, 0) == "run_newer"
    config.write_text("{")
    assert refusal(sample, server, run, 0) == "run_unreadable"


# --- folders that change ---


def test_live_follows_the_training(server, run):
    z = sample_z(0, 1, Z_DIM)
    assert server.images(run.id, None, z)[1] == 500  # no live generator yet: the newest snapshot
    saved.save_snapshot(run, 1000, lively(2), b"")
    assert server.images(run.id, None, z)[1] == 1000
    shown = []
    for step in (1001, 1002, 1003):
        saved.save_live(run, step, lively(step), b"")
        pictures, at = server.images(run.id, None, z)
        assert at == step
        shown.append(pictures)
    assert not torch.equal(shown[0], shown[1])
    assert not torch.equal(shown[1], shown[2])


def test_an_unchanged_file_is_read_once(server, run, monkeypatch):
    reads = []
    load = saved.load_generator

    def counted(*arguments):
        reads.append(arguments)
        return load(*arguments)

    monkeypatch.setattr(saved, "load_generator", counted)
    saved.save_live(run, 600, lively(1), b"")
    for _ in range(3):
        sample(server, run)
        sample(server, run, 500)
    assert len(reads) == 2
    saved.save_snapshot(run, 500, lively(9), b"")  # a resumed training writes a step anew
    sample(server, run, 500)
    assert len(reads) == 3


def test_a_deleted_run_and_a_thinned_snapshot_are_gone_at_once(server, run):
    sample(server, run, 0)
    sample(server, run, 500)
    saved.snapshot_path(run, 0).unlink()
    assert refusal(sample, server, run, 0) == "no_such_snapshot"
    delete_run(run)
    assert refusal(sample, server, run, 500) == "unknown_run"
    assert refusal(sample, server, run) == "unknown_run"


def test_what_disappears_while_it_is_read_has_the_right_sentence(server, run, monkeypatch):
    load = saved.load_generator

    def thinned(path, config):
        path.unlink()
        return load(path, config)

    def deleted(path, config):
        delete_run(run)
        return load(path, config)

    monkeypatch.setattr(saved, "load_generator", thinned)
    assert refusal(sample, server, run, 0) == "no_such_snapshot"
    monkeypatch.setattr(saved, "load_generator", deleted)
    assert refusal(sample, server, run, 500) == "unknown_run"


def test_a_run_without_a_generator_yet(server, tmp_path):
    make_run(tmp_path, "young")
    assert refusal(server.sample, "young", None, 0, 1) == "no_snapshot_yet"
    assert server.z("young", 0).shape == (3, Z_DIM)


def test_only_a_few_generators_are_kept(server, run):
    G = lively(1)
    for step in range(1, 13):
        saved.save_snapshot(run, step, G, b"")
        sample(server, run, step)
        sample(server, run, 1)  # in use: must not be the one to go
    assert len(server._loaded) == sampling.GENERATORS_KEPT
    assert (run.id, 1) in server._loaded
    assert (run.id, 12) in server._loaded
    assert (run.id, 2) not in server._loaded


def test_many_threads_while_live_is_replaced(server, run):
    G = {step: lively(step) for step in (1, 2)}
    for step in (1, 2):  # from the file: half precision
        saved.save_snapshot(run, step, G[step], b"")
    z = sample_z(0, 1, Z_DIM)
    expected = {step: generate(as_saved(run, step), z).mul(255) for step in (1, 2)}
    saved.save_live(run, 1, G[1], b"")
    seen, wrong, stop = set(), [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                pictures, step = server.images(run.id, None, z)
            except Exception as error:
                wrong.append(error)
                return
            seen.add(step)
            if (pictures - expected[step]).abs().max() > 0.51:
                wrong.append(step)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    give_up = time.monotonic() + 20
    for turn in range(200):
        saved.save_live(run, 1 + turn % 2, G[1 + turn % 2], b"")
        if (turn > 20 and seen == {1, 2}) or time.monotonic() > give_up:
            break
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert seen == {1, 2}
    assert server.images(run.id, None, z)[1] == 1 + turn % 2


# --- routes ---


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
    assert (drawn[0] * 255 - torch.from_numpy(seven)).abs().max() <= 1.01
    assert ask(server, "GET", "z", params={"run": "conditional"}).headers["x-classes"] == "10"
    assert ask(server, "GET", "z", params={"run": "first"}).headers["x-classes"] == "0"


def test_a_run_that_is_told_nothing_refuses_a_digit(server, run):
    assert refusal(server.sample, run.id, None, 0, 1, 7) == "not_conditional"
    assert refusal(server.sample, run.id, None, 0, 1, 10) == "out_of_range"


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
