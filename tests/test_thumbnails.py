from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core.config import make_config
from gan_core.loop import prepare, train_run
from gan_core.preset import Preset
from gan_core.presets import PRESETS
from gan_core.runs import Run, create_run, snapshot_steps
from tests.conftest import TINY
from tools import thumbnails
from tools.thumbnails import make_all, thumbnail

MakeRun = Callable[..., Run]


@pytest.fixture
def make_preset_run(tmp_path: Path, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> MakeRun:
    """Trains runs of the presets "steady" and "shaky", which are made for this test."""
    for name in ("steady", "shaky"):
        settings = {**TINY, "dataset": tiny_dataset, "steps": 4, "snapshot_every": 2}
        monkeypatch.setitem(PRESETS, name, Preset(name, ("", ""), 1, settings))

    def make(name: str, preset: str = "steady", parent: dict[str, Any] | None = None, **changes: Any) -> Run:
        config, facts = prepare(make_config(preset, changes))
        run = create_run(tmp_path / "runs" / name, config, facts.sha256, facts.size, parent)
        train_run(run)
        return run

    return make


def opened(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L")).astype(int)


def written(said: list[str]) -> list[str]:
    return [line.split(":")[0] for line in said if "wrote" in line]


def test_it_shows_the_first_eight_fakes_of_the_last_snapshot_doubled(
    make_preset_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "LARGEST", 100_000)  # these fakes are all shades of grey
    run = make_preset_run("a")
    data = thumbnail(run)
    assert data[8:12] == b"WEBP"
    shown = opened(data)
    assert shown.shape == (2 * (28 + 2 + 28), 2 * (4 * 28 + 3 * 2))
    assert (shown[::2, ::2] == shown[1::2, 1::2]).all()
    grid = opened((run.folder / "snapshots" / "000004.webp").read_bytes())  # 5 fakes a row, of the same z
    for index in (0, 3, 4, 7):
        place, theirs = (index // 4 * 30, index % 4 * 30), (index // 5 * 30, index % 5 * 30)
        ours = shown[::2, ::2][place[0] : place[0] + 28, place[1] : place[1] + 28]
        assert np.abs(ours - grid[theirs[0] : theirs[0] + 28, theirs[1] : theirs[1] + 28]).max() <= 2  # half precision
    assert snapshot_steps(run)[-1] == 4


def test_pictures_are_made_once_and_again_for_a_newer_run(make_preset_run: MakeRun, tmp_path: Path) -> None:
    make_preset_run("z-older")
    make_preset_run("shaky", "shaky")
    make_preset_run("a-newer", seed=1)
    target = tmp_path / "presets"
    assert sorted(written(make_all(tmp_path / "runs", target))) == ["a-newer", "shaky"]
    assert sorted(path.name for path in target.iterdir()) == ["shaky.webp", "steady.webp"]
    before = (target / "steady.webp").read_bytes()
    assert written(make_all(tmp_path / "runs", target)) == []
    newest = make_preset_run("newest", seed=2)
    os.utime(target / "steady.webp", (newest.state().heartbeat - 1,) * 2)
    assert written(make_all(tmp_path / "runs", target)) == ["newest"]
    assert (target / "steady.webp").read_bytes() != before


def test_only_what_a_preset_leads_to_becomes_its_picture(make_preset_run: MakeRun, tmp_path: Path) -> None:
    make_preset_run("branch", parent={"run": "x", "step": 5})
    make_preset_run("other", lr_g=0.5, seed=3)
    paused = make_preset_run("paused")
    paused.write_state(dataclasses.replace(paused.state(), status="paused"))
    said = dict(line.split(": ", 1) for line in make_all(tmp_path / "runs", tmp_path / "presets"))
    assert said == {"branch": "a branch", "other": "another lr_g", "paused": "paused"}
    paused.write_state(dataclasses.replace(paused.state(), status="failed"))
    assert written(make_all(tmp_path / "runs", tmp_path / "presets")) == ["paused"]


def test_noise_and_nan_make_small_pictures_too(make_preset_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_preset_run("a")
    for fill, largest in ((torch.rand(8, 1, 28, 28), 255), (torch.full((8, 1, 28, 28), torch.nan), 0)):
        monkeypatch.setattr(thumbnails, "generate", lambda *_, fill=fill: fill)
        data = thumbnail(run)
        assert 0 < len(data) <= 4096
        assert opened(data).max() <= largest
