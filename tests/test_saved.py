from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gan_core import saved
from gan_core.__main__ import main
from gan_core.branch import make_branch
from gan_core.config import Config
from gan_core.films import training_film
from gan_core.latent import generate, sample_z, verdict
from gan_core.loop import train_run
from gan_core.networks import build_pair
from gan_core.runs import Run, pictured_steps
from gan_core.sentences import UserError
from gan_ui.timeline import kept_snapshots

MakeRun = Callable[..., Run]


def state(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((4, 3), value), "step": torch.tensor(7)}


def test_a_checkpoint_comes_back_bit_for_bit(make_run: MakeRun) -> None:
    run = make_run()
    for step in (10, 15):
        saved.save_checkpoint(run, step, state(step / 3), seconds=1.5)
    checkpoint, damaged = saved.load_checkpoint(run)
    assert checkpoint is not None
    assert (checkpoint.step, checkpoint.seconds, damaged) == (15, 1.5, [])
    assert torch.equal(checkpoint.state["weight"], state(5.0)["weight"])


@pytest.mark.parametrize("harm", ["flip", "truncate", "empty", "no_facts", "facts_torn", "gone"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(make_run: MakeRun, harm: str) -> None:
    run = make_run()
    saved.save_checkpoint(run, 5, state(1), 1.0)
    saved.save_checkpoint(run, 10, state(2), 2.0)
    tensors, facts = run.folder / "checkpoint-000010.safetensors", run.folder / "checkpoint-000010.json"
    data = tensors.read_bytes()
    if harm == "flip":
        tensors.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif harm == "truncate":
        tensors.write_bytes(data[: len(data) // 2])
    elif harm == "empty":
        tensors.write_bytes(b"")
    elif harm == "no_facts":
        facts.unlink()
    elif harm == "facts_torn":
        facts.write_text('{"step": 10, "sha')
    else:
        tensors.unlink()
    checkpoint, damaged = saved.load_checkpoint(run)
    assert checkpoint is not None
    assert checkpoint.step == 5
    assert damaged == ([] if harm == "no_facts" else [10])
    assert bool(saved.verify(run)) == (harm != "no_facts")


def test_a_full_disk_leaves_the_last_checkpoint(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    saved.save_checkpoint(run, 5, state(1), 1.0)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="space"):
            saved.save_checkpoint(run, 10, state(2), 2.0)
    checkpoint, damaged = saved.load_checkpoint(run)
    assert checkpoint is not None
    assert (checkpoint.step, damaged) == (5, [])
    assert not list(run.folder.glob(".*"))


def test_a_snapshot_samples_like_its_generator(make_run: MakeRun) -> None:
    run = make_run()
    G, _ = build_pair(Config(z_dim=8, seed=1))
    saved.save_snapshot(run, 30, G, b"picture")
    loaded, step = saved.load_generator(saved.snapshot_path(run, 30), Config(z_dim=8))
    z = sample_z(0, 6, 8)
    assert step == 30
    assert (generate(loaded, z) - generate(G, z)).abs().max() < 2e-3
    assert not loaded.training
    saved.save_live(run, 31, G, b"picture")
    assert saved.load_generator(saved.snapshot_path(run, None), Config(z_dim=8))[1] == 31


@pytest.mark.parametrize("settings", [{}, {"network": "conv", "spectral_norm": "on"}, {"network": "conditional"}])
def test_the_discriminator_kept_with_a_snapshot_judges_as_it_did(make_run: MakeRun, settings: dict[str, str]) -> None:
    config = Config(**{"z_dim": 8, "width": 4, "seed": 1, **settings})  # type: ignore[arg-type]
    run = make_run(**{"width": 4, "dataset": "mnist"} if "network" in settings else {}, **settings)
    G, D = build_pair(config)
    saved.save_snapshot(run, 30, G, b"picture", D)
    images = torch.rand(6, 1, 28, 28)
    classes = torch.arange(6) if settings.get("network") == "conditional" else None
    found = verdict(saved.load_discriminator(run, 30), images, classes)
    assert (found - verdict(D, images, classes)).abs().max() < 2e-3
    assert ((found > 0) & (found < 1)).all()
    assert saved.snapshot_steps(run) == [30]


def test_a_discriminator_that_was_not_kept_or_is_damaged_gets_a_sentence(make_run: MakeRun) -> None:
    run = make_run()
    G, D = build_pair(Config(z_dim=8, seed=1))
    saved.save_snapshot(run, 30, G, b"picture")
    assert not saved.has_discriminator(run, 30)
    with pytest.raises(UserError, match="kept no discriminator"):
        saved.load_discriminator(run, 30)
    saved.save_snapshot(run, 40, G, b"picture", D)
    (run.folder / "snapshots" / "000040.D.safetensors").write_bytes(b"torn")
    with pytest.raises(UserError, match="damaged"):
        saved.load_discriminator(run, 40)


def test_snapshots_that_cannot_be_used_get_a_sentence(make_run: MakeRun) -> None:
    run = make_run()
    with pytest.raises(UserError, match="nothing to sample"):
        saved.snapshot_path(run, None)
    G, _ = build_pair(Config(z_dim=8, seed=1))
    saved.save_snapshot(run, 30, G, b"picture")
    with pytest.raises(UserError, match="there are: 30"):
        saved.snapshot_path(run, 31)
    path = saved.snapshot_path(run, 30)
    for bad in (path.read_bytes()[:1000], b"", b"\xff" * 5000):
        path.write_bytes(bad)
        with pytest.raises(UserError, match="damaged"):
            saved.load_generator(path, Config(z_dim=8))
    saved.save_snapshot(run, 30, build_pair(Config(z_dim=9, seed=1))[0], b"picture")
    with pytest.raises(UserError, match="another network"):
        saved.load_generator(path, Config(z_dim=8))


def test_nothing_here_unpickles(tmp_path: Path) -> None:
    root = Path(saved.__file__).parent.parent
    for path in [*root.glob("gan_core/**/*.py"), *root.glob("gan_ui/**/*.py")]:
        source = path.read_text("utf-8")
        assert "torch.load(" not in source.replace("safetensors.torch.load(", "")
        assert "import pickle" not in source
        assert "allow_pickle=True" not in source


@pytest.mark.parametrize(
    "facts",
    [
        "[" * 100_000,
        "[]",
        "null",
        *(f'{{"sha256": "SHA", "seconds": {seconds}}}' for seconds in ("-1e18", "1e300", "NaN", "true", '"1"', "null")),
    ],
    ids=lambda text: text[:40],
)
def test_facts_that_nobody_writes_are_a_damaged_checkpoint(
    make_run: MakeRun, facts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    saved.save_checkpoint(run, 5, state(1), 1.0)
    saved.save_checkpoint(run, 10, state(2), 2.0)
    path = run.folder / "checkpoint-000010.json"
    path.write_text(facts.replace("SHA", json.loads(path.read_text())["sha256"]))
    checkpoint, damaged = saved.load_checkpoint(run)
    assert checkpoint is not None
    assert (checkpoint.step, damaged) == (5, [10])
    assert main(["verify", str(run.folder)]) == 1
    assert capsys.readouterr().out == "Checkpoint 10 is damaged.\n"
    assert saved.verify(run, "zh") == ["第 10 步的检查点已损坏。"]


@pytest.mark.parametrize("number", ["\u0660\u0660\u0660\u0660\u0661\u0665", "00001\u00b2", "15", "0000015", "+00015"])
def test_a_name_with_a_number_that_we_write_otherwise_is_no_step(make_run: MakeRun, number: str) -> None:
    run = make_run()
    train_run(run)
    for path in (f"checkpoint-{number}.json", f"snapshots/{number}.safetensors", f"snapshots/{number}.webp"):
        (run.folder / path).write_bytes(b"{}")
    assert saved.checkpoint_steps(run) == [15, 20]
    assert (
        saved.snapshot_steps(run) == pictured_steps(run) == [kept.step for kept in kept_snapshots(run)] == [0, 10, 20]
    )
    assert saved.verify(run) == []


ODD = [
    "{}",
    '{"step": "10"}',
    '{"step": true, "seconds": 1}',
    '{"step": 7, "seconds": "1"}',
    "[" * 5000,
    '{"step": -1}',
]


def test_odd_lines_in_the_curves_are_told_ignored_and_removed(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    train_run(run)
    whole = {name: (run.folder / name).read_bytes() for name in ("history.jsonl", "metrics.jsonl")}
    for name, data in whole.items():
        (run.folder / name).write_bytes(data + "".join(f"{line}\n" for line in ODD).encode() + b'{"step": 20}\n')
    assert [row["step"] for row in run.history()[0]] == [*range(2, 21, 2), 20]
    assert main(["verify", str(run.folder)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("history.jsonl has lines that no training wrote (5)")
    assert any(line.startswith("metrics.jsonl has lines that no training wrote (5)") for line in said)
    training_film(run, None, kind="gif", size=64, seconds=1)
    branch = make_branch(run, run.folder.with_name("branch"), {}, step=20)
    assert saved.verify(branch) == ["history.jsonl does not ascend."]  # the line with a step, and nothing else
    assert main(["train", "--resume", str(run.folder), "--steps", "5"]) == 0
    assert [row["step"] for row in run.history()[0]][-4:] == [20, 22, 24, 25]
    assert not any("no training wrote" in line for line in saved.verify(run))
