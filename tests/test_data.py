"""The data sets in the cache, their download and repair, and the sampler."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import multiprocessing
import os
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_core import data, torchvision_data
from gan_core.sampler import Sampler
from gan_core.sentences import UserError
from gan_core.torchvision_cure import import_torchvision

BUNDLED = Path(torchvision_data.__file__).parent / "assets" / "mnist"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GAN_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(".")]


# MNIST, bundled


@pytest.mark.usefixtures("no_network")
def test_mnist_is_unpacked_and_read_without_network(cache: Path) -> None:
    assert not data.is_ready("mnist")
    assert data.ensure("mnist") == "mnist"
    assert data.is_ready("mnist")
    dataset = data.load("mnist")
    pixels = gzip.decompress((BUNDLED / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    assert dataset.images.shape == (60_000, 1, 28, 28)
    assert dataset.images.dtype == torch.uint8
    assert dataset.images.numpy().tobytes() == pixels
    assert dataset.sha256 == hashlib.sha256(pixels).hexdigest()
    assert data.facts("mnist") == data.Facts(60_000, dataset.sha256)
    assert not leftovers(cache)


def test_load_and_facts_refuse_what_is_not_there(cache: Path) -> None:
    for ask in (data.load, data.facts):
        with pytest.raises(UserError) as caught:
            ask("mnist")
        assert caught.value.key == "dataset_not_ready"
    assert not cache.exists()


def test_a_damaged_file_is_noticed_and_silently_unpacked_again(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data.ensure("mnist")
    good = data.facts("mnist")
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        file = cache / "MNIST" / "raw" / name
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        with pytest.raises(UserError):
            data.load("mnist")
        data.ensure("mnist")
        assert data.load("mnist").sha256 == good.sha256
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_several_processes_may_unpack_at_once(cache: Path) -> None:
    fork = multiprocessing.get_context("fork")  # forked ones need not import torch, so they really meet
    together = fork.Barrier(3)

    def unpack() -> None:
        together.wait()
        data.ensure("mnist")
        if data.facts("mnist").size != 60_000:
            raise SystemExit(1)

    processes = [fork.Process(target=unpack) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert torchvision_data.is_whole("mnist")
    assert not leftovers(cache)


def test_a_full_disk_is_one_sentence_and_leaves_nothing_ready(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError) as caught:
        data.ensure("mnist")
    assert caught.value.key == "data_folder_unwritable"
    assert "No space left" in str(caught.value)
    assert not data.is_ready("mnist")
    assert not leftovers(cache)


def test_a_cache_that_cannot_be_made_is_one_sentence(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    for name in ("mnist", "kmnist"):
        with pytest.raises(UserError) as caught:
            data.ensure(name)
        assert caught.value.key == "data_folder_unwritable"


def test_a_damaged_bundle_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(BUNDLED, bundle)
    file = bundle / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:1000])
    monkeypatch.setattr(torchvision_data, "_BUNDLED", bundle)
    with pytest.raises(UserError) as caught:
        data.ensure("mnist")
    assert caught.value.key == "bundled_mnist_damaged"


@pytest.mark.parametrize("name", ["MNIST", "", "../mnist", "nothing.zip", "x" * 5000, "mn\0ist"])
def test_an_unknown_name_is_refused_with_the_names_there_are(name: str) -> None:
    for ask in (data.ensure, data.load, data.facts):
        with pytest.raises(UserError) as caught:
            ask(name)
        assert caught.value.key == "unknown_dataset"
        assert caught.value.field == "dataset"
        assert caught.value.values["choices"] == "mnist, fashion-mnist, kmnist, qmnist"
    assert not data.is_ready(name)


# downloads, from a mirror on this machine


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves `files`; a name mapped to None is answered only when `awake` is set."""

    files: dict[str, bytes | None]
    asked: ClassVar[list[str]]
    awake: threading.Event

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        self.asked.append(name)
        content = self.files.get(name, b"")
        if content is None:
            self.awake.wait(30)
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Mirror]]:
    """A small Fashion-MNIST on this machine, and torchvision told to look there and nowhere else."""
    files = {}
    for split, count in (("train", 300), ("t10k", 20)):
        images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        files[f"{split}-images-idx3-ubyte.gz"] = struct.pack(">4i", 2051, count, 28, 28) + images.tobytes()
        files[f"{split}-labels-idx1-ubyte.gz"] = struct.pack(">2i", 2049, count) + bytes(count)
    packed: dict[str, bytes | None] = {name: gzip.compress(content) for name, content in files.items()}

    class Handler(Mirror):
        files = packed
        asked: ClassVar[list[str]] = []
        awake = threading.Event()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fashion = import_torchvision().datasets.FashionMNIST
    monkeypatch.setattr(fashion, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(
        fashion, "resources", [(name, hashlib.md5(content or b"").hexdigest()) for name, content in packed.items()]
    )
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield Handler
    Handler.awake.set()
    server.shutdown()
    thread.join()
    server.server_close()


def train_pixels(mirror: type[Mirror]) -> bytes:
    return gzip.decompress(mirror.files["train-images-idx3-ubyte.gz"] or b"")[16:]


def refused_download() -> UserError:
    with pytest.raises(UserError) as caught:
        data.ensure("fashion-mnist")
    assert caught.value.key == "download_failed"
    assert not data.is_ready("fashion-mnist")
    for ask in (data.load, data.facts):
        with pytest.raises(UserError):
            ask("fashion-mnist")
    return caught.value


def test_fashion_mnist_is_downloaded_once(
    mirror: type[Mirror], cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not data.is_ready("fashion-mnist")
    assert data.ensure("fashion-mnist") == "fashion-mnist"
    assert "100%" in capfd.readouterr().err  # torchvision's own bar, which the page follows
    assert data.is_ready("fashion-mnist")
    asked = list(mirror.asked)
    dataset = data.load(data.ensure("fashion-mnist"))
    assert mirror.asked == asked
    assert dataset.images.shape == (300, 1, 28, 28)
    assert dataset.images.numpy().tobytes() == train_pixels(mirror)
    assert data.facts("fashion-mnist") == data.Facts(300, dataset.sha256)
    assert not leftovers(cache)
    assert not list(cache.rglob("*.gz"))


def test_a_mirror_without_the_files_is_one_sentence(mirror: type[Mirror], cache: Path) -> None:
    mirror.files.clear()
    said = str(refused_download())
    assert "\n" not in said
    assert "fashion-mnist" in said
    assert not leftovers(cache)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_an_unreachable_mirror_is_one_sentence(mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setattr(import_torchvision().datasets.FashionMNIST, "mirrors", [f"http://127.0.0.1:{port}/"])
    refused_download()


@pytest.mark.parametrize("bad", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_one_wrong_file_spoils_the_download(mirror: type[Mirror], cache: Path, bad: str) -> None:
    mirror.files[bad] = gzip.compress(b"something else")
    refused_download()
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_silent_mirror_is_given_up(mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.files["train-labels-idx1-ubyte.gz"] = None
    monkeypatch.setattr(torchvision_data, "_SILENCE_S", 0.3)
    refused_download()
    assert socket.getdefaulttimeout() is None


def test_a_torn_file_of_an_earlier_download_does_not_count(mirror: type[Mirror], cache: Path) -> None:
    raw = cache / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in mirror.files.items():
        (raw / name.removesuffix(".gz")).write_bytes(gzip.decompress(content or b"")[:100])
    assert not data.is_ready("fashion-mnist")
    data.ensure("fashion-mnist")
    assert data.load("fashion-mnist").images.numpy().tobytes() == train_pixels(mirror)


def test_a_damaged_download_is_fetched_again(mirror: type[Mirror], cache: Path) -> None:
    data.ensure("fashion-mnist")
    file = cache / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError) as caught:
        data.load("fashion-mnist")
    assert caught.value.key == "dataset_not_ready"
    data.ensure("fashion-mnist")
    assert data.load("fashion-mnist").images.numpy().tobytes() == train_pixels(mirror)


@pytest.mark.usefixtures("no_network")
def test_files_put_there_by_hand_need_no_network(mirror: type[Mirror], cache: Path) -> None:
    raw = cache / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in mirror.files.items():
        (raw / name).write_bytes(content or b"")
    data.ensure("fashion-mnist")
    assert data.load("fashion-mnist").images.numpy().tobytes() == train_pixels(mirror)


def test_two_clicks_download_once(mirror: type[Mirror]) -> None:
    clicks = [threading.Thread(target=data.ensure, args=("fashion-mnist",)) for _ in range(2)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert data.is_ready("fashion-mnist")
    # torchvision asks twice for each file: once for a redirect, once for the bytes
    assert all(mirror.asked.count(name) == 2 for name in mirror.files)


def test_qmnist_gives_its_training_images(mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    images = mirror.files["train-images-idx3-ubyte.gz"]
    labels = gzip.compress(struct.pack(">3i", 0x0C02, 300, 8) + bytes(300 * 8 * 4))
    qmnist = import_torchvision().datasets.QMNIST
    address = import_torchvision().datasets.FashionMNIST.mirrors[0]
    resources = []
    for name, content in (("qmnist-train-images-idx3-ubyte.gz", images), ("qmnist-train-labels-idx2-int.gz", labels)):
        mirror.files[name] = content
        resources.append((address + name, hashlib.md5(content or b"").hexdigest()))
    monkeypatch.setattr(qmnist, "resources", {"train": resources})
    data.ensure("qmnist")
    dataset = data.load("qmnist")
    assert dataset.images.shape == (300, 1, 28, 28)
    assert dataset.images.numpy().tobytes() == train_pixels(mirror)
    assert data.facts("qmnist") == data.Facts(300, dataset.sha256)
    mirror.files.clear()
    data.ensure("qmnist")  # needs no mirror any more
    (torchvision_data.raw_folder("qmnist") / "md5.json").unlink()
    with pytest.raises(UserError) as caught:
        data.ensure("qmnist")
    assert caught.value.key == "download_failed"


# the sampler


def numbered(count: int) -> torch.Tensor:
    """Images (N, 1, 28, 28) that say their own number in two bytes."""
    images = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(count) % 256
    images[:, 0, 0, 1] = torch.arange(count) // 256
    return images


def numbers(batch: torch.Tensor) -> list[int]:
    return [int(image[0, 0, 0]) + 256 * int(image[0, 0, 1]) for image in batch]


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (5, 5, [5]), (9, 4, [4, 5]), (3, 1, [1, 1, 1]), (700, 256, [256, 256, 188])],
)
def test_each_epoch_deals_every_image_once(count: int, batch_size: int, sizes: list[int]) -> None:
    sampler = Sampler(numbered(count), batch_size, seed=1)
    assert sampler.batches_per_epoch == len(sizes)
    orders = []
    for epoch in range(3):
        assert (sampler.epoch, sampler.position) == (epoch, 0)
        batches = [sampler.next() for _ in sizes]
        assert [len(batch) for batch in batches] == sizes
        assert all(batch.shape[1:] == (1, 28, 28) and batch.dtype == torch.uint8 for batch in batches)
        orders.append([number for batch in batches for number in numbers(batch)])
        assert sorted(orders[-1]) == list(range(count))
    if count > 9:
        assert orders[0] != orders[1] != orders[2]


def test_position_counts_the_images_dealt() -> None:
    sampler = Sampler(numbered(10), 4, seed=0)
    seen = []
    for _ in range(4):
        sampler.next()
        seen.append((sampler.epoch, sampler.position))
    assert seen == [(0, 4), (0, 8), (1, 0), (1, 4)]


def test_the_seed_decides_the_order_and_nothing_else_does() -> None:
    before = torch.get_rng_state()
    first, same, other = (Sampler(numbered(50), 8, seed) for seed in (7, 7, 8))
    dealt = [numbers(first.next()) for _ in range(20)]
    torch.rand(5)
    torch.set_rng_state(before)
    assert [numbers(same.next()) for _ in range(20)] == dealt
    assert [numbers(other.next()) for _ in range(20)] != dealt
    assert torch.equal(torch.get_rng_state(), before)


@given(
    count=st.integers(1, 40), batch_size=st.integers(1, 40), seed=st.integers(0, 2**31 - 1), dealt=st.integers(0, 30)
)
def test_a_sampler_goes_on_exactly_from_any_batch(count: int, batch_size: int, seed: int, dealt: int) -> None:
    images = numbered(count)
    batch_size = min(batch_size, count)
    sampler = Sampler(images, batch_size, seed)
    for _ in range(dealt):
        sampler.next()
    saved = safetensors.torch.save(sampler.state_dict())
    assert len(saved) < 6000
    ahead = [sampler.next() for _ in range(12)]
    resumed = Sampler(images, batch_size, seed + 1)
    resumed.next()
    resumed.load_state_dict(safetensors.torch.load(saved))
    assert all(torch.equal(batch, resumed.next()) for batch in ahead)
    assert (resumed.epoch, resumed.position) == (sampler.epoch, sampler.position)
    assert all(torch.equal(value, resumed.state_dict()[key]) for key, value in sampler.state_dict().items())


def test_a_state_does_not_change_with_the_sampler_it_came_from() -> None:
    sampler = Sampler(numbered(10), 4, seed=0)
    sampler.next()
    state = sampler.state_dict()
    expected = numbers(sampler.next())
    for _ in range(5):
        sampler.next()
    sampler.load_state_dict(state)
    assert numbers(sampler.next()) == expected


def test_a_batch_larger_than_the_data_set_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        Sampler(numbered(10), 11, seed=0)
    assert caught.value.field == "batch_size"
    assert "11" in str(caught.value)
    assert "10" in str(caught.value)


def test_a_state_of_a_larger_data_set_is_refused() -> None:
    sampler = Sampler(numbered(30), 4, seed=0)
    for _ in range(5):
        sampler.next()
    with pytest.raises(ValueError, match="cannot stand at image 20"):
        Sampler(numbered(20), 4, seed=0).load_state_dict(sampler.state_dict())
