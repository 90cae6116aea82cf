"""The sampling server: pictures from run folders that change, disappear and are asked for by many at once."""

import copy
import threading
import time

import pytest
import torch

from gan_core import saved
from gan_core.latent import generate, sample_z
from gan_core.runs import delete_run
from gan_ui import sampling
from tests.lively import lively
from tests.sampling.served import Z_DIM, as_saved, make_run, refusal


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


def test_a_run_that_is_told_nothing_refuses_a_digit(server, run):
    assert refusal(server.sample, run.id, None, 0, 1, 7) == "not_conditional"
    assert refusal(server.sample, run.id, None, 0, 1, 10) == "out_of_range"


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
