"""The data sets in the cache: bundled MNIST, its repair, and names."""

from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import data, torchvision_data
from gan_core.sentences import UserError

pytestmark = pytest.mark.usefixtures("empty_cache")
BUNDLED = Path(torchvision_data.__file__).parent / "assets" / "mnist"


@pytest.mark.usefixtures("no_network")
def test_mnist_is_unpacked_and_read_without_network(empty_cache: Path) -> None:
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
    assert not list(empty_cache.rglob(".*"))


def test_load_and_facts_refuse_what_is_not_there(empty_cache: Path) -> None:
    for ask in (data.load, data.facts):
        with pytest.raises(UserError) as caught:
            ask("mnist")
        assert caught.value.key == "dataset_not_ready"
    assert not empty_cache.exists()


def test_a_damaged_file_is_noticed_and_silently_unpacked_again(
    empty_cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data.ensure("mnist")
    good = data.facts("mnist")
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        file = empty_cache / "MNIST" / "raw" / name
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        with pytest.raises(UserError):
            data.load("mnist")
        data.ensure("mnist")
        assert data.load("mnist").sha256 == good.sha256
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_several_processes_may_unpack_at_once(empty_cache: Path) -> None:
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
    assert not list(empty_cache.rglob(".*"))


def test_a_full_disk_is_one_sentence_and_leaves_nothing_ready(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError) as caught:
        data.ensure("mnist")
    assert caught.value.key == "data_folder_unwritable"
    assert "No space left" in str(caught.value)
    assert not data.is_ready("mnist")
    assert not list(empty_cache.rglob(".*"))


def test_a_cache_that_cannot_be_made_is_one_sentence(empty_cache: Path) -> None:
    empty_cache.write_text("a file where the folder should be")
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
