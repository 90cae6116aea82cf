from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_core import runs, saved
from gan_core.__main__ import main
from gan_core.latent import sample_z
from gan_core.loop import train_run
from gan_core.pose import Pose, to_text
from gan_core.runs import Run
from tests.conftest import TINY
from tests.processes import run_command

SET = [f"{name}={value}" for name, value in TINY.items()]


def train(tiny_dataset: str, out: Path, *more: object) -> int:
    arguments = [
        "train",
        "--preset",
        "tutorial",
        "--dataset",
        tiny_dataset,
        "--out",
        str(out),
        *map(str, more),
        "--set",
        *SET,
    ]
    return main(arguments)


def test_train_sample_verify_list_and_resume(
    tiny_dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs" / "mine"
    assert train(tiny_dataset, out, "--steps", 20, "--seed", 3) == 0
    assert "finished at step 20" in capsys.readouterr().out
    assert Run(out).config().seed == 3
    assert main(["verify", str(out)]) == 0
    assert main(["list", "--runs-dir", str(out.parent), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])[0]["status"] == "finished"
    assert main(["train", "--resume", str(out)]) == 2
    assert "how many more steps" in capsys.readouterr().err
    assert main(["train", "--resume", str(out), "--steps", "7", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["status"], last["step"], last["error"]) == ("finished", 27, None)
    assert main(["prune", str(out)]) == 0


def test_samples_are_floats_or_a_grid_and_depend_only_on_seed_and_step(
    make_run: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(steps=20)
    train_run(run)

    def sample(name: str, *arguments: object) -> Any:
        assert main(["sample", str(run.folder), "--out", str(tmp_path / name), *map(str, arguments)]) == 0
        return np.load(tmp_path / name) if name.endswith("npy") else Image.open(tmp_path / name)

    images = sample("a.npy", "--n", 7, "--seed", 5)
    assert (images.shape, images.dtype) == ((7, 28, 28), np.float32)
    assert images.min() >= 0
    assert images.max() <= 1
    assert np.allclose(images[:3], sample("b.npy", "--n", 3, "--seed", 5), atol=1e-5)
    assert not np.array_equal(images, sample("c.npy", "--n", 7, "--seed", 6))
    assert not np.array_equal(images, sample("d.npy", "--n", 7, "--seed", 5, "--step", 0))
    assert sample("e.png", "--n", 9).size == (3 * 28 + 4, 3 * 28 + 4)
    for bad in (
        ["--step", "3"],
        ["--n", "0"],
        ["--n", "x"],
        ["--seed", "-1"],
        ["--out", str(tmp_path / "x.jpg")],
        ["--out", str(tmp_path / "none" / "x.npy")],
    ):
        before = sorted(tmp_path.iterdir())
        assert main(["sample", str(run.folder), "--out", str(tmp_path / "f.npy"), *bad]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert sorted(tmp_path.iterdir()) == before


def test_a_pose_is_drawn_as_it_was_seen(
    make_run: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(steps=20)
    train_run(run)
    z = tuple(sample_z(5, 1, 8)[0].tolist())

    def sample(pose: Pose | str, *arguments: object, code: int = 0) -> Any:
        text = pose if isinstance(pose, str) else to_text(pose)
        out = tmp_path / "pose.npy"
        assert main(["sample", str(run.folder), "--pose", text, "--out", str(out), *map(str, arguments)]) == code
        return capsys.readouterr().err if code else np.load(out)

    def seeded(*arguments: str) -> Any:
        assert (
            main(["sample", str(run.folder), "--seed", "5", "--n", "1", "--out", str(tmp_path / "s.npy"), *arguments])
            == 0
        )
        return np.load(tmp_path / "s.npy")

    assert sample(Pose(z)).shape == (1, 28, 28)
    assert np.abs(sample(Pose(z)) - seeded()).max() < 1e-3
    assert np.abs(sample(Pose(z, run=run.id, step=0)) - seeded("--step", "0")).max() < 1e-3
    assert np.array_equal(sample(Pose(z, run="another", step=0)), sample(Pose(z))), "a step of another run"
    assert np.array_equal(sample(Pose(z, run=run.id, step=0), "--step", 20), sample(Pose(z)))
    assert np.array_equal(sample(Pose(z, 0)), sample(Pose((0.0,) * 8)))
    assert "takes 8" in sample(Pose((0.0,) * 9), code=2)
    assert "not conditional" in sample(Pose(z, digit=3), code=2)
    assert "no snapshot at step 7" in sample(Pose(z, run=run.id, step=7), code=2)
    assert "--n, --seed" in sample(Pose(z), "--n", 2, "--seed", 1, code=2)
    assert "begins with p1_" in sample("nothing", code=2)
    monkeypatch.chdir(tmp_path)
    assert main(["sample", str(run.folder), "--pose", to_text(Pose(z))]) == 0
    assert Image.open("sample.png").size == (28, 28)
    assert main(["sample", "best", "--pose", to_text(Pose((0.5,) * 64, run="best"))]) == 0, "as a page names it"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", "lr_g=0"],
        ["--set", "lr_g=nan"],
        ["--set", "z_dim=0"],
        ["--set", "z_dim=1000000000"],
        ["--set", "batch_size=101"],
        ["--set", "nonsense=1"],
        ["--set", "lr_g"],
        ["--preset", "nope"],
        ["--steps", "0"],
        ["--steps", "many"],
        ["--seconds", "-1"],
        ["--seed", "x"],
        ["--dataset", "nope"],
        ["--dataset", "/no/such/folder"],
    ],
)
def test_bad_input_is_one_line_exit_code_2_and_nothing_made(
    tiny_dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    base = ["train", "--dataset", tiny_dataset, "--out", str(tmp_path / "run"), *arguments]
    assert main([*base, "--set", "batch_size=16"] if "batch_size=101" not in arguments else base) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_run_folders_that_cannot_be_used(
    make_run: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(steps=4)
    train_run(run)
    path = saved.snapshot_path(run, 0)
    path.write_bytes(path.read_bytes()[:500])
    assert main(["sample", str(run.folder), "--step", "0", "--out", str(tmp_path / "x.npy")]) == 2
    assert "damaged" in capsys.readouterr().err
    assert main(["verify", str(run.folder)]) == 1
    assert "Snapshot 0 is damaged" in capsys.readouterr().out
    for folder in (tmp_path / "none", tmp_path):
        for command in (
            ["verify", str(folder)],
            ["train", "--resume", str(folder)],
            ["prune", str(folder)],
            ["sample", str(folder), "--out", str(tmp_path / "x.npy")],
        ):
            assert main(command) == 2
            assert "not a run folder" in capsys.readouterr().err
    assert main(["train", "--resume", str(run.folder), "--set", "lr_g=1"]) == 2
    assert main(["train", "--resume", str(run.folder), "--steps", "5", "--json"]) == 0


def test_a_failed_training_is_exit_code_1(make_run: Callable[..., Run], capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(steps=400, lr_g=1.0, lr_d=1.0, betas=[0, 0], batch_size=2)
    state = (run.folder / "config.json").read_text().replace(run.document()["dataset_sha256"], "0" * 64)
    (run.folder / "config.json").write_text(state)
    assert main(["train", "--resume", str(run.folder), "--json"]) == 1
    assert "not the one this run began with" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]


def test_machines_get_one_json_line_a_point(
    tiny_dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tiny_dataset, tmp_path / "run", "--steps", 6, "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 6]
    assert {"run", "step", "d_loss", "g_loss", "d_real", "d_fake", "grad_d", "grad_g"} <= set(lines[0])
    assert main(["presets", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["settings"]["z_dim"] == 64


def test_the_real_command_on_the_real_data(mnist: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run_command("train", "--preset", "tutorial", "--seconds", 3, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "d_loss" in done.stderr
    rows, _ = Run(out).history()
    assert rows[-1]["d_loss"] < rows[0]["d_loss"]
    usage = run_command("train", "--no-such-flag")
    assert usage.returncode == 2


def test_list_shows_what_sample_takes_and_a_misspelt_name_is_nearly_right(
    make_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run("20260101-000000-tutorial-abcd")
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path / "runs"))
    assert main(["list", "--json"]) == 0
    rows = {row["run"]: row["ships"] for row in json.loads(capsys.readouterr().out)}
    assert rows == {"20260101-000000-tutorial-abcd": False, **{run.id: True for run in runs.pretrained()}}
    assert main(["list"]) == 0
    assert any(line.startswith("best ") and "ships" in line for line in capsys.readouterr().out.splitlines())
    for asked, meant in (("bets", "best"), ("20260101-000000-tutorial-abcx", "20260101-000000-tutorial-abcd")):
        assert main(["sample", asked]) == 2
        assert f"Did you mean “{meant}”?" in capsys.readouterr().err
    out = str(tmp_path / "one.png")
    assert main(["sample", "best", "--n", "1", "--out", out]) == 0
    assert "1 image of" in capsys.readouterr().out
