"""What all tests share: a data cache of their own, a tiny data set, and run folders made from it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import torch

from gan_core import data
from gan_core.config import make_config
from gan_core.imported_images import import_images
from gan_core.loop import prepare
from gan_core.runs import Run, create_run

# Small, quick and exact: what tests of the training machinery use unless they are about the data.
TINY = {
    "batch_size": 16,
    "z_dim": 8,
    "precision": "fp32",
    "device": "cpu",
    "threads": 1,
    "ema_decay": 0.9,
    "log_every": 2,
    "snapshot_every": 10,
    "checkpoint_every": 5,
    "lr_g": 1e-3,
    "lr_d": 1e-3,
}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data cache that lasts for the session and holds only what tests put there."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _use_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_DATA_DIR", str(cache))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data cache of the test's own, whose folder does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GAN_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the test fail if it asks for anything outside this process."""

    def refuse(*_: Any) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="session")
def tiny_dataset(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a data set of 100 small random images."""
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for index in range(100):
        Image.fromarray(random.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / f"{index:03d}.png")
    before = os.environ.get("GAN_DATA_DIR")
    os.environ["GAN_DATA_DIR"] = str(cache)
    try:
        return import_images(folder).name
    finally:
        if before is not None:
            os.environ["GAN_DATA_DIR"] = before


@pytest.fixture(scope="session")
def mnist(cache: Path) -> Iterator[str]:
    """MNIST, unpacked into the session's cache."""
    before = os.environ.get("GAN_DATA_DIR")
    os.environ["GAN_DATA_DIR"] = str(cache)
    try:
        yield data.ensure("mnist")
    finally:
        if before is not None:
            os.environ["GAN_DATA_DIR"] = before


@pytest.fixture
def make_run(tmp_path: Path, tiny_dataset: str) -> Callable[..., Run]:
    """Makes run folders of the tiny data set: make_run("name", steps=20, ...)."""

    def make(name: str = "run", **changes: Any) -> Run:
        config, facts = prepare(make_config("tutorial", {"dataset": tiny_dataset, "steps": 20, **TINY, **changes}))
        return create_run(tmp_path / "runs" / name, config, facts.sha256, facts.size)

    return make
