"""The stand-in Hub as the Hub of this process, with Xet on and off, and the client's long sleeps counted, not slept."""

from __future__ import annotations

import shutil
import time
import types
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import huggingface_hub.utils._http
import pytest
from huggingface_hub.utils import close_session  # type: ignore[attr-defined]

from gan_core import hub
from gan_core.config import make_config
from gan_core.loop import prepare, train_run
from gan_core.runs import Run, create_run
from tests.conftest import TINY
from tests.hub.standin import StandIn
from tests.hub.xet import Xet


@pytest.fixture(scope="session")
def _xet(tmp_path_factory: pytest.TempPathFactory) -> Xet:
    return Xet(tmp_path_factory.mktemp("xet"))


@pytest.fixture(params=["xet", "lfs"])
def standin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """The Hub, as `hub.url`; nobody is signed in on this machine."""
    off = request.param == "lfs"
    with StandIn(None if off else request.getfixturevalue("_xet")) as server:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.url)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", off)
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        close_session()  # connections to the server of an earlier test
        yield server
        close_session()
    assert not server.sent_token_outside


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been slept between tries."""
    seconds: list[float] = []
    clock = types.SimpleNamespace(**{**vars(time), "sleep": seconds.append})
    monkeypatch.setattr(huggingface_hub.utils._http, "time", clock)
    monkeypatch.setattr(hub, "time", clock)
    return seconds


@pytest.fixture(scope="session")
def _trained_once(tiny_dataset: str, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_DATA_DIR", str(cache))
        config, facts = prepare(make_config("tutorial", {"dataset": tiny_dataset, "steps": 20, **TINY}))
        run = create_run(tmp_path_factory.mktemp("trained") / "small", config, facts.sha256, facts.size)
        train_run(run)
    return run.folder


@pytest.fixture
def trained(_trained_once: Path, tmp_path: Path) -> Run:
    """A small run of the test's own, with snapshots and checkpoints."""
    return Run(Path(shutil.copytree(_trained_once, tmp_path / "runs" / "small")))
