from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gan_core import saved
from gan_core.config import Config
from gan_core.latent import generate, sample_z
from gan_core.networks import build_pair
from gan_core.runs import Run
from gan_core.sentences import UserError

MakeRun = Callable[..., Run]


def state(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((4, 3), value), "step": torch.tensor(7)}


def test_a_checkpoint_comes_back_bit_for_bit_and_only_two_are_kept(make_run: MakeRun) -> None:
    run = make_run()
    for step in (5, 10, 15):
        saved.save_checkpoint(run, step, state(step / 3), seconds=1.5)
    checkpoint, damaged = saved.load_checkpoint(run)
    assert checkpoint is not None
    assert (checkpoint.step, checkpoint.seconds, damaged) == (15, 1.5, [])
    assert torch.equal(checkpoint.state["weight"], state(5.0)["weight"])
    assert saved.checkpoint_steps(run) == [10, 15]
    assert len(list(run.folder.glob("checkpoint-*"))) == 4


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


def fake_snapshots(run: Run, steps: range, size: int) -> None:
    for step in steps:
        for suffix in (".safetensors", ".webp"):
            (run.folder / "snapshots" / f"{step:06d}{suffix}").write_bytes(b"x" * size)


def test_thinning_keeps_both_bounds_the_ends_and_log_spacing(make_run: MakeRun) -> None:
    run = make_run()
    fake_snapshots(run, range(0, 100_000, 500), 10)
    saved.thin_snapshots(run, count=20)
    steps = saved.snapshot_steps(run)
    assert len(steps) == 20
    assert (steps[0], steps[-1]) == (0, 99_500)
    gaps = [after - before for before, after in zip(steps, steps[1:], strict=False)]
    assert gaps[-1] > 4 * gaps[0]
    assert len(list(run.folder.glob("snapshots/*.webp"))) == 20
    saved.thin_snapshots(run, size=55)
    assert len(saved.snapshot_steps(run)) == 5


def test_prune_removes_what_a_crash_left(make_run: MakeRun) -> None:
    run = make_run()
    saved.save_checkpoint(run, 5, state(1), 1.0)
    (run.folder / "checkpoint-000010.safetensors").write_bytes(b"x" * 1000)
    (run.folder / ".live.webp.99.tmp").write_bytes(b"x" * 1000)
    kept = {path.name for path in run.folder.iterdir()} - {"checkpoint-000010.safetensors", ".live.webp.99.tmp"}
    assert saved.prune(run) == 2000
    assert {path.name for path in run.folder.iterdir()} == kept
    assert saved.verify(run) == []


def test_nothing_here_unpickles(tmp_path: Path) -> None:
    root = Path(saved.__file__).parent.parent
    for path in [*root.glob("gan_core/**/*.py"), *root.glob("gan_ui/**/*.py")]:
        source = path.read_text("utf-8")
        assert "torch.load(" not in source.replace("safetensors.torch.load(", "")
        assert "import pickle" not in source
        assert "allow_pickle=True" not in source
