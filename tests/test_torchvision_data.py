"""Data sets that are downloaded, from a mirror on this machine."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from gan_core import data, torchvision_data
from gan_core.sentences import UserError
from gan_core.torchvision_cure import import_torchvision

pytestmark = pytest.mark.usefixtures("empty_cache")


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
    mirror: type[Mirror], empty_cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
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
    assert not list(empty_cache.rglob(".*"))
    assert not list(empty_cache.rglob("*.gz"))


def test_a_mirror_without_the_files_is_one_sentence(mirror: type[Mirror], empty_cache: Path) -> None:
    mirror.files.clear()
    said = str(refused_download())
    assert "\n" not in said
    assert "fashion-mnist" in said
    assert not list(empty_cache.rglob(".*"))
    assert not [path for path in empty_cache.rglob("*") if path.is_file()]


def test_an_unreachable_mirror_is_one_sentence(mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setattr(import_torchvision().datasets.FashionMNIST, "mirrors", [f"http://127.0.0.1:{port}/"])
    refused_download()


@pytest.mark.parametrize("bad", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_one_wrong_file_spoils_the_download(mirror: type[Mirror], empty_cache: Path, bad: str) -> None:
    mirror.files[bad] = gzip.compress(b"something else")
    refused_download()
    assert not [path for path in empty_cache.rglob("*") if path.is_file()]


def test_a_silent_mirror_is_given_up(mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.files["train-labels-idx1-ubyte.gz"] = None
    monkeypatch.setattr(torchvision_data, "_SILENCE_S", 0.3)
    refused_download()
    assert socket.getdefaulttimeout() is None


def test_a_torn_file_of_an_earlier_download_does_not_count(mirror: type[Mirror], empty_cache: Path) -> None:
    raw = empty_cache / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in mirror.files.items():
        (raw / name.removesuffix(".gz")).write_bytes(gzip.decompress(content or b"")[:100])
    assert not data.is_ready("fashion-mnist")
    data.ensure("fashion-mnist")
    assert data.load("fashion-mnist").images.numpy().tobytes() == train_pixels(mirror)


def test_a_damaged_download_is_fetched_again(mirror: type[Mirror], empty_cache: Path) -> None:
    data.ensure("fashion-mnist")
    file = empty_cache / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError) as caught:
        data.load("fashion-mnist")
    assert caught.value.key == "dataset_not_ready"
    data.ensure("fashion-mnist")
    assert data.load("fashion-mnist").images.numpy().tobytes() == train_pixels(mirror)


@pytest.mark.usefixtures("no_network")
def test_files_put_there_by_hand_need_no_network(mirror: type[Mirror], empty_cache: Path) -> None:
    raw = empty_cache / "FashionMNIST" / "raw"
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
