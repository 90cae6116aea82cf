from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import saved
from gan_core.config import make_config
from gan_core.files import write_atomic
from gan_core.loop import prepare, train_run
from gan_core.runs import Run, State
from gan_core.sentences import UserError
from gan_core.trainer import Trainer

MakeRun = Callable[..., Run]


def final_state(run: Run) -> dict[str, torch.Tensor]:
    checkpoint, damaged = saved.load_checkpoint(run)
    assert checkpoint is not None
    assert damaged == []
    return checkpoint.state


def points(run: Run) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in run.history()[0]]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def stop_at(step: int, wish: str) -> dict[str, Any]:
    """Arguments for train_run that ask for `wish` once that step is reached."""
    seen = [0]
    return {
        "asked": lambda: wish if seen[0] >= step else None,
        "report": lambda state, point: seen.__setitem__(0, state.step),
    }


def test_a_training_leaves_everything_its_readers_need(make_run: MakeRun) -> None:
    run = make_run(steps=20)
    state = train_run(run)
    assert (state.status, state.step, state.target) == ("finished", 20, 20)
    assert run.state() == state or run.state().status == "finished"
    assert [row["step"] for row in run.history()[0]] == list(range(2, 21, 2))
    assert saved.snapshot_steps(run) == [0, 10, 20]
    assert saved.checkpoint_steps(run) == [15, 20]
    assert {"live.safetensors", "live.webp", "reals.webp"} <= {path.name for path in run.folder.iterdir()}
    assert [event["event"] for event in run.events()] == ["started", "finished"]
    assert saved.verify(run) == []
    assert not run.alive()


@pytest.mark.parametrize("wish", ["pause", "stop"])
def test_an_interrupted_training_ends_where_the_uninterrupted_one_does(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    monkeypatch.setattr("gan_core.loop.WISH_EVERY", 0)
    whole, parts = make_run("whole", steps=33), make_run("parts", steps=33)
    train_run(whole)
    assert train_run(parts, **stop_at(7, wish)).status == ("paused" if wish == "pause" else "stopped")
    assert 7 <= parts.state().step < 15
    assert train_run(parts, **stop_at(22, wish)).step < 33
    assert train_run(parts).status == "finished"
    assert same(final_state(whole), final_state(parts))
    assert points(whole) == points(parts)


def test_a_wish_in_the_folder_is_obeyed(make_run: MakeRun) -> None:
    run = make_run(steps=100_000)
    run.set_wish("pause")
    state = train_run(run)
    assert state.status == "paused"
    assert 0 < state.step < 1000


def test_more_steps_move_the_target_and_a_longer_training_is_the_same_training(make_run: MakeRun) -> None:
    long, short = make_run("long", steps=30), make_run("short", steps=20)
    train_run(long)
    train_run(short)
    state = train_run(short, more_steps=10)
    assert (state.status, state.step, state.target) == ("finished", 30, 30)
    assert same(final_state(long), final_state(short))
    assert points(long) == points(short)


def test_a_damaged_checkpoint_costs_its_steps_and_nothing_else(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_core.loop.WISH_EVERY", 0)
    whole, hurt = make_run("whole", steps=20), make_run("hurt", steps=20)
    train_run(whole)
    train_run(hurt, **stop_at(12, "stop"))
    last = saved.checkpoint_steps(hurt)[-1]
    (hurt.folder / f"checkpoint-{last:06d}.safetensors").write_bytes(b"not what it was")
    assert train_run(hurt).status == "finished"
    assert {"event": "checkpoint_damaged", "step": last}.items() <= hurt.events()[2].items()
    assert same(final_state(whole), final_state(hurt))
    assert points(whole) == points(hurt)


def test_a_loss_that_is_not_a_number_fails_the_run_at_its_step(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(steps=40, checkpoint_every=5, log_every=4)
    calls = [0]

    def blow_up(_: torch.Tensor | None, logits: torch.Tensor) -> torch.Tensor:
        calls[0] += 1
        return logits.mean() * (float("nan") if calls[0] >= 13 else 1)

    monkeypatch.setattr("gan_core.objectives.non_saturating.g_loss", blow_up)
    state = train_run(run)
    assert state.status == "failed"
    assert state.error == {"key": "not_finite", "values": {"step": 13, "checkpoint": 10}}
    checkpoint, _ = saved.load_checkpoint(run)
    assert checkpoint is not None
    assert checkpoint.step == 10
    assert all(value.isfinite().all() for value in checkpoint.state.values() if value.is_floating_point())
    assert run.history()[0][-1]["step"] == 12
    monkeypatch.undo()


def test_a_full_disk_fails_the_run_and_keeps_its_last_checkpoint(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(steps=20)

    def full(path: Path, data: bytes, **options: Any) -> None:
        if path.name == "checkpoint-000010.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_atomic(path, data, **options)

    with monkeypatch.context() as patched:
        patched.setattr(saved, "write_atomic", full)
        state = train_run(run)
    assert state.status == "failed"
    assert state.error == {"key": "disk_full", "values": {"checkpoint": 5}}
    assert saved.verify(run) == []
    assert train_run(run).status == "finished"


def test_a_crash_is_a_state_with_its_traceback(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    monkeypatch.setattr("gan_core.trainer.Trainer.g_step", lambda *_: 1 / 0)
    state = train_run(run)
    assert state.status == "failed"
    assert state.error is not None
    assert state.error["values"]["kind"] == "ZeroDivisionError"
    assert "Traceback" in state.error["traceback"]
    assert not run.alive()


def test_a_time_limit_ends_the_training_and_does_not_bind_what_is_asked_for_later(make_run: MakeRun) -> None:
    run = make_run(steps=1_000_000, seconds=0.5, log_every=50, checkpoint_every=10_000, snapshot_every=10_000)
    state = train_run(run)
    assert state.status == "finished"
    assert 0 < state.step < 100_000
    assert train_run(run, more_steps=3).step == state.step + 3


def test_two_trainers_never_share_a_run(make_run: MakeRun) -> None:
    run = make_run()
    with run.lock(), pytest.raises(UserError, match="being trained already"):
        train_run(run)
    assert run.state().status == "queued"


def test_another_data_set_under_the_same_name_is_refused(make_run: MakeRun) -> None:
    run = make_run()
    config = (run.folder / "config.json").read_text()
    (run.folder / "config.json").write_text(config.replace(run.document()["dataset_sha256"], "0" * 64))
    state = train_run(run)
    assert state.error is not None
    assert state.error["key"] == "dataset_changed"


@pytest.mark.parametrize(("name", "value"), [("batch_size", 101), ("dataset", "no-such-set"), ("device", "mps")])
def test_what_cannot_work_is_refused_before_there_is_a_run(tiny_dataset: str, name: str, value: object) -> None:
    config = make_config("tutorial", {"dataset": tiny_dataset, "batch_size": 16, name: value})
    with pytest.raises(UserError) as caught:
        prepare(config)
    assert caught.value.field == name


def test_when_no_checkpoint_can_be_read_nothing_is_thrown_away(make_run: MakeRun) -> None:
    run = make_run(steps=20)
    train_run(run)
    for step in saved.checkpoint_steps(run):
        (run.folder / f"checkpoint-{step:06d}.safetensors").write_bytes(b"not what it was")
    history = (run.folder / "history.jsonl").read_bytes()
    state = train_run(run, more_steps=5)
    assert state.status == "failed"
    assert state.error is not None
    assert state.error["key"] == "no_good_checkpoint"
    assert (run.folder / "history.jsonl").read_bytes() == history
    assert saved.snapshot_steps(run) == [0, 10, 20]
    assert saved.checkpoint_steps(run) == [15, 20]


def test_weights_that_are_not_numbers_never_become_a_checkpoint(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(steps=10, checkpoint_every=5, log_every=1000)

    def step(self: Trainer) -> None:
        real_step(self)
        if self.step_count == 10:  # the loss of this step was still a number; its update is not
            with torch.no_grad():
                next(self.D.parameters()).fill_(float("inf"))

    real_step = Trainer.step
    monkeypatch.setattr(Trainer, "step", step)
    state = train_run(run)
    assert state.error == {"key": "not_finite", "values": {"step": 10, "checkpoint": 5}}
    assert saved.checkpoint_steps(run) == [5]


def test_a_disk_without_room_for_the_last_word_gives_up_the_live_picture(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(steps=20)
    write_state = Run.write_state

    def full(self: Run, state: State, **options: Any) -> None:
        if state.status == "failed" and (run.folder / "live.safetensors").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        write_state(self, state, **options)

    monkeypatch.setattr(Run, "write_state", full)
    monkeypatch.setattr(saved, "save_checkpoint", lambda *_: 1 / 0)
    assert train_run(run).status == "failed"
    assert run.state().status == "failed"
