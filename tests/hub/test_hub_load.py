"""`gan_core.load` as a notebook uses it, and the commands as a terminal does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gan_core
from gan_core.__main__ import main
from gan_core.hub import push
from gan_core.runs import PRETRAINED, Run, find_run
from gan_core.sentences import UserError
from tests.hub.standin import StandIn
from tests.processes import ROOT


def test_a_folder_and_the_hub_give_the_same_images(standin: StandIn) -> None:
    push(find_run(PRETRAINED, "conditional"), "alice/digits", token="hf_alice", tag="v1")
    here = gan_core.load(PRETRAINED / "conditional")
    there = gan_core.load("alice/digits@v1")
    assert not any("checkpoint" in line or "webp" in line for line in standin.requests if line.startswith("GET"))
    images = there.sample(12, seed=3)
    assert images.shape == (12, 28, 28)
    assert images.dtype == np.float32
    assert 0 <= images.min() < images.max() <= 1
    assert np.array_equal(images, here.sample(12, seed=3))
    assert not np.array_equal(images, here.sample(12, seed=4))
    assert not np.array_equal(images, here.sample(12, seed=3, digit=1))
    assert np.allclose(here.sample(1003, seed=3)[:12], images, atol=1e-5)
    assert there.config.network == "conditional"
    assert "alice/digits@v1" in repr(there)


def test_what_cannot_be_loaded_or_drawn(standin: StandIn, trained: Run, tmp_path: Path) -> None:
    for name, key in (
        (tmp_path / "none", "not_loadable"),
        ("digits", "not_loadable"),
        ("alice/none", "hub_no_repository"),
        ("a//b", "hub_name_invalid"),
    ):
        with pytest.raises(UserError) as caught:
            gan_core.load(name)
        assert caught.value.key == key
    gan = gan_core.load(str(trained.folder))
    for n, digit in ((0, None), (10**9, None), (1, 3)):
        with pytest.raises(UserError):
            gan.sample(n, digit=digit)
    with pytest.raises(UserError, match="between 0 and 9"):
        gan_core.load(PRETRAINED / "conditional").sample(1, digit=10)


def test_importing_the_package_imports_neither_torch_nor_the_hub() -> None:
    code = "import sys, gan_core, gan_core.__main__; print({'torch', 'huggingface_hub'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "set()"


def test_the_commands(
    standin: StandIn,
    trained: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["push", str(trained.folder), "alice/digits"]) == 2
    assert "hf auth login" in capsys.readouterr().err
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    assert main(["push", str(trained.folder), "alice/digits", "--private", "--tag", "v1"]) == 0
    said = capsys.readouterr()
    assert f"{standin.url}/alice/digits" in said.out
    assert "small" in said.err, "the progress"
    assert standin["alice/digits"].private
    assert main(["push", "tutorial", "alice/shipped", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["url"] == f"{standin.url}/alice/shipped"
    assert main(["push", "nothing", "alice/digits"]) == 2
    assert "no run “nothing”" in capsys.readouterr().err

    mine = tmp_path / "mine"
    assert main(["pull", "alice/digits@v1", "--runs-dir", str(mine)]) == 0
    assert "its training can go on from step 20" in capsys.readouterr().out
    assert main(["pull", "alice/shipped", "--runs-dir", str(mine), "--json"]) == 0
    pulled = json.loads(capsys.readouterr().out)
    assert pulled["checkpoint"] is None
    assert main(["train", "--resume", pulled["run"], "--steps", "5"]) == 2
    assert "without a checkpoint" in capsys.readouterr().err
    assert main(["sample", pulled["run"], "--out", str(tmp_path / "x.png")]) == 0
    assert main(["pull", "alice/none", "--runs-dir", str(mine), "--json"]) == 2
    assert "There is no alice/none" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
    assert len(list(mine.iterdir())) == 2
    assert "hf_alice" not in "".join(
        path.read_text("utf-8", "ignore") for path in tmp_path.rglob("*") if path.is_file()
    )
