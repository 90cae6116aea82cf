from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gan_core import kept, saved
from gan_core.runs import Run, snapshot_steps

MakeRun = Callable[..., Run]


def fake_snapshots(run: Run, steps: range, size: int) -> None:
    for step in steps:
        for suffix in (".safetensors", ".D.safetensors", ".webp"):
            (run.folder / "snapshots" / f"{step:06d}{suffix}").write_bytes(b"x" * size)


def save(run: Run, step: int, size: int = 10) -> None:
    saved.save_checkpoint(run, step, {"weight": torch.zeros(size)}, 1.0)


def test_thinning_keeps_the_ends_and_log_spacing(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    fake_snapshots(run, range(0, 100_000, 500), 10)
    monkeypatch.setattr(kept, "SNAPSHOTS_AT_MOST", 20)
    kept.thin(run, kept.bound(run))
    steps = snapshot_steps(run)
    assert len(steps) == 20
    assert (steps[0], steps[-1]) == (0, 99_500)
    gaps = [after - before for before, after in zip(steps, steps[1:], strict=False)]
    assert gaps[-1] > 4 * gaps[0]
    for suffix in (".webp", ".D.safetensors"):
        assert len(list(run.folder.glob(f"snapshots/*{suffix}"))) == 20


def test_the_whole_folder_stays_within_the_bound(make_run: MakeRun) -> None:
    run = make_run()
    fake_snapshots(run, range(0, 1000, 10), 1000)
    save(run, 500)
    for limit in (100_000, 20_000):
        kept.thin(run, limit)
        assert limit - 5000 < kept.folder_bytes(run.folder) <= limit
    kept.thin(run, 10)
    assert snapshot_steps(run) == [0, 990], "the first and the last always stay"
    assert kept.checkpoint_steps(run) == [500]


def test_the_bound_is_a_setting(make_run: MakeRun) -> None:
    assert kept.bound(make_run("small", disk_mb=30)) == 30_000_000
    assert kept.bound(make_run("usual")) == 150_000_000


def test_the_last_two_checkpoints_stay_and_a_few_spread_over_the_way(make_run: MakeRun) -> None:
    run = make_run()
    for step in range(100, 10_001, 100):
        save(run, step)
    steps = kept.checkpoint_steps(run)
    assert len(steps) == kept.CHECKPOINTS_ON_THE_WAY + kept.LAST_CHECKPOINTS
    assert steps[-2:] == [9_900, 10_000]
    assert steps[0] <= 300
    assert max(after / before for before, after in zip(steps, steps[1:], strict=False)) < 6
    assert len(list(run.folder.glob("checkpoint-*"))) == 2 * len(steps)


def test_checkpoints_take_at_most_half_of_the_bound(make_run: MakeRun) -> None:
    run = make_run()
    for step in range(1, 9):
        save(run, step, 250)
    each = kept.folder_bytes(run.folder) // 8
    kept.thin(run, 8 * each)
    assert 2 <= len(kept.checkpoint_steps(run)) <= 4
    kept.thin(run, 10)
    assert kept.checkpoint_steps(run) == [7, 8]


def test_prune_removes_what_a_crash_left(make_run: MakeRun) -> None:
    run = make_run()
    save(run, 5)
    (run.folder / "checkpoint-000010.safetensors").write_bytes(b"x" * 1000)
    (run.folder / ".live.webp.99.tmp").write_bytes(b"x" * 1000)
    there = {path.name for path in run.folder.iterdir()} - {"checkpoint-000010.safetensors", ".live.webp.99.tmp"}
    assert kept.prune(run) == 2000
    assert {path.name for path in run.folder.iterdir()} == there
    assert saved.verify(run) == []


def test_there_are_more_snapshots_where_most_happens() -> None:
    due = [step for step in range(1, 1501) if kept.snapshot_due(step, 500)]
    assert due == [10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 500, 1000, 1500]
    assert [step for step in range(1, 31) if kept.snapshot_due(step, 10)] == [10, 20, 30]
