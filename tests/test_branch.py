"""Branches: what they keep of the parent, what they change, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import saved
from gan_core.branch import Origin, branch_origin, make_branch
from gan_core.loop import train_run
from gan_core.runs import Run, delete_run, lineage, snapshot_path, step_of
from gan_core.sentences import UserError

MakeRun = Callable[..., Run]


def files(run: Run) -> dict[str, bytes]:
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


@pytest.fixture
def parent(make_run: MakeRun) -> Run:
    run = make_run(steps=40, checkpoint_every=10, snapshot_every=10, log_every=5)
    assert train_run(run).status == "finished"
    return run


def test_a_branch_goes_on_from_the_parents_checkpoint_with_other_settings(parent: Run, tmp_path: Path) -> None:
    before = files(parent)
    branch = make_branch(parent, tmp_path / "branch", {"lr_g": 1e-4, "objective": "lsgan", "ema_decay": 0.9})
    assert branch.document()["parent"] == {"run": parent.id, "step": 40, "kind": "checkpoint"}
    assert (branch.config().lr_g, branch.config().objective, branch.config().steps) == (1e-4, "lsgan", 80)
    assert branch.config().lr_d == parent.config().lr_d
    assert branch.history()[0] == parent.history()[0]
    assert branch.state().status == "queued"
    state = train_run(branch)
    assert (state.status, state.step) == ("finished", 80)
    assert [row["step"] for row in branch.history()[0]] == list(range(5, 81, 5))
    assert files(parent) == before, "the parent is only read"


def test_unchanged_it_is_the_parent_training_on(make_run: MakeRun, tmp_path: Path) -> None:
    short, long = (make_run(f"run{steps}", steps=steps, checkpoint_every=10) for steps in (20, 40))
    train_run(short)
    train_run(long)
    branch = make_branch(short, tmp_path / "branch", {})
    train_run(branch)
    ours, theirs = (saved.load_checkpoint(run)[0] for run in (branch, long))
    assert ours is not None
    assert theirs is not None
    assert all(bool((ours.state[key] == theirs.state[key]).all()) for key in theirs.state)


def test_from_an_earlier_step_it_forgets_what_came_after(parent: Run, tmp_path: Path) -> None:
    branch = make_branch(parent, tmp_path / "branch", {"r1_gamma": 1}, step=35)
    assert branch.document()["parent"]["step"] == 30
    assert branch.history()[0][-1]["step"] == 30
    assert {step_of(path) for path in branch.folder.glob("snapshots/*")} == {0, 10, 20, 30}


def test_from_a_snapshot_it_has_the_weights_and_begins_the_rest_anew(make_run: MakeRun, tmp_path: Path) -> None:
    parent = make_run(steps=40, checkpoint_every=30, snapshot_every=10, log_every=5, seconds=1000)
    train_run(parent)
    before = files(parent)
    assert branch_origin(parent, 25) == Origin(20, "snapshot")
    branch = make_branch(parent, tmp_path / "branch", {"lr_g": 1e-4}, step=25)
    assert branch.document()["parent"] == {"run": parent.id, "step": 20, "kind": "snapshot"}
    assert [row["step"] for row in branch.history()[0]] == [5, 10, 15, 20]
    checkpoint, _ = saved.load_checkpoint(branch)
    assert checkpoint is not None
    assert checkpoint.step == 20
    assert 0 < checkpoint.seconds == parent.history()[0][3]["seconds"]
    theirs = saved.load_generator(snapshot_path(parent, 20), parent.config())[0].state_dict()
    for part in ("G", "G_ema"):
        assert all(torch.equal(checkpoint.state[f"{part}.{name}"], value) for name, value in theirs.items())
    judged = saved.load_discriminator(parent, 20).state_dict()
    assert all(torch.equal(checkpoint.state[f"D.{name}"], value) for name, value in judged.items())
    assert int(checkpoint.state["opt_g.step"]) == 0
    assert train_run(branch).step == 60
    assert files(parent) == before


def test_where_it_begins_is_what_is_nearest_before_the_step(make_run: MakeRun) -> None:
    parent = make_run(steps=40, checkpoint_every=20, snapshot_every=10)
    assert branch_origin(parent) == Origin(0, "start")
    train_run(parent)
    assert branch_origin(parent) == Origin(40, "checkpoint")
    assert branch_origin(parent, 39) == Origin(30, "snapshot")
    assert branch_origin(parent, 29) == Origin(20, "checkpoint"), "everything rather than weights, at the same step"
    assert branch_origin(parent, 9) == Origin(0, "start"), "the snapshot of step 0 has nothing that a start has not"
    (parent.folder / "snapshots" / "000030.D.safetensors").unlink()
    assert branch_origin(parent, 39) == Origin(20, "checkpoint"), "a trained G beside an untrained D is no training"


def test_a_damaged_snapshot_is_refused_and_nothing_is_made(make_run: MakeRun, tmp_path: Path) -> None:
    parent = make_run(steps=20, checkpoint_every=20, snapshot_every=10)
    train_run(parent)
    (parent.folder / "snapshots" / "000010.D.safetensors").write_bytes(b"torn")
    with pytest.raises(UserError, match="damaged"):
        make_branch(parent, tmp_path / "branch", {}, step=10)
    assert not (tmp_path / "branch").exists()


def test_the_lineage_names_every_run_and_its_parent(parent: Run) -> None:
    runs_dir = parent.folder.parent
    make_branch(parent, runs_dir / "child", {})
    make_branch(Run(runs_dir / "child"), runs_dir / "grandchild", {}, step=20)
    (runs_dir / "broken").mkdir()
    (runs_dir / "broken" / "config.json").write_text("{")
    delete_run(parent)
    tree = {one.id: one.parent for one in lineage(runs_dir)}
    assert tree == {
        "child": {"run": parent.id, "step": 40, "kind": "checkpoint"},
        "grandchild": {"run": "child", "step": 20, "kind": "snapshot"},
    }


def test_without_a_checkpoint_it_begins_anew(parent: Run, tmp_path: Path) -> None:
    branch = make_branch(parent, tmp_path / "branch", {"lr_d": 1e-6}, step=3)
    assert branch.document()["parent"]["step"] == 0
    assert branch.history()[0] == []
    assert train_run(branch).step == 40


@pytest.mark.parametrize(
    "settings",
    [{"z_dim": 8}, {"seed": 1}, {"nonsense": 1}, {"lr_g": -1}, {"objective": "magic"}, {"objective": "wasserstein"}],
)
def test_what_cannot_be_changed_is_refused_and_nothing_is_made(
    parent: Run, tmp_path: Path, settings: dict[str, Any]
) -> None:
    folder = tmp_path / "branches" / "branch"
    folder.parent.mkdir()
    with pytest.raises(UserError):
        make_branch(parent, folder, settings)
    assert list(folder.parent.iterdir()) == []
