"""The function for ZeroGPU, with a stand-in for the package that only such a Space has."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from gan_core import saved
from gan_core.config import make_config
from gan_core.runs import create_run
from gan_core.trainer import choose_device
from gan_ui.sampling import SampleServer
from tests.lively import lively


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the functions that want the GPU asked for, and their calls."""
    marked: list[dict[str, Any]] = []

    def gpu(**asked: Any) -> Callable[..., Any]:
        def mark(function: Callable[..., Any]) -> Callable[..., Any]:
            def called(*arguments: Any) -> Any:
                marked.append({"called": function.__name__, **asked})
                return function(*arguments)

            return called

        return mark

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=gpu))
    monkeypatch.delitem(sys.modules, "gan_ui.zero", raising=False)
    yield marked
    sys.modules.pop("gan_ui.zero", None)


def test_samples_are_drawn_by_the_function_that_zerogpu_looks_for(marked: list[dict[str, Any]], tmp_path: Any) -> None:
    from gan_ui.zero import draw

    run = create_run(tmp_path / "some", make_config("tutorial", {"z_dim": 16}), "", 0)
    saved.save_snapshot(run, 500, lively(1), b"")
    images, step = SampleServer(tmp_path, draw).sample("some", None, 3, 4)
    assert marked == [{"called": "draw", "duration": 10}]
    plain, _ = SampleServer(tmp_path).sample("some", None, 3, 4)
    assert torch.equal(images, plain)
    assert step == 500
    assert len(marked) == 1, "and elsewhere by no such function"


def test_there_a_training_does_not_count_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert choose_device("auto") == "cuda"
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert choose_device("auto") == "cpu"
