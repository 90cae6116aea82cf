"""Runs kept in a repository: brought back after a restart, only ever added to, and no failure reaches anybody."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gan_core import hub_keep, saved
from gan_core.direction_names import direction_names, name_direction
from gan_core.hub_keep import Keeper
from gan_core.loop import train_run
from gan_core.runs import Run
from gan_core.sentences import UserError
from tests.hub.standin import Repository, StandIn
from tests.processes import wait_until

REPO = "alice/kept"
pytestmark = pytest.mark.parametrize("standin", ["lfs"], indirect=True)


@pytest.fixture
def keeper(trained: Run) -> Keeper:
    return Keeper(trained.folder.parent, REPO, lambda: "hf_alice")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Keeper]]:
    """Starts keepers that do not wait long, and ends them."""
    monkeypatch.setattr(hub_keep, "EVERY", 0.02)
    monkeypatch.setattr(hub_keep, "FIRST_PAUSE", 0.01)
    keepers: list[Keeper] = []

    def start(runs_dir: Path) -> Keeper:
        keepers.append(Keeper(runs_dir, REPO, lambda: "hf_alice"))
        keepers[-1].start()
        return keepers[-1]

    yield start
    for keeper in keepers:
        keeper.close()


def kept(standin: StandIn) -> Repository:
    return standin[REPO]


def test_a_run_outlives_the_disk_it_was_on(standin: StandIn, trained: Run, keeper: Keeper, tmp_path: Path) -> None:
    document = trained.document() | {"visitor": "0123456789abcdef", "parent": {"run": "other", "step": 5}}
    (trained.folder / "config.json").write_text(json.dumps(document))
    name_direction(trained, 20, 1, "slant")
    keeper.keep_due()
    assert kept(standin).private
    assert keeper.status.doing == "kept"
    assert keeper.status.at > 0

    after = Keeper(tmp_path / "new disk", REPO, lambda: "hf_alice")
    after.restore()
    run = Run(tmp_path / "new disk" / "small")
    assert saved.verify(run) == []
    assert (run.state().status, run.state().step, run.visitor()) == ("finished", 20, "0123456789abcdef")
    assert run.document()["parent"] == {"run": "other", "step": 5}
    assert direction_names(run, 20, 2) == ["", "slant"]
    assert train_run(run, more_steps=5).step == 25
    assert (after.status.done, after.status.count, after.status.damaged) == (1, 1, 0)
    after.restore()
    assert after.status.count == 0, "what is here is left alone"


def test_the_repository_is_only_added_to_and_not_without_a_reason(
    standin: StandIn, trained: Run, keeper: Keeper
) -> None:
    keeper.keep_due()
    first = set(kept(standin).files)
    assert "runs/small/checkpoint-000020.safetensors" in first
    keeper.keep_due()
    assert len(kept(standin).commits) == 2, "nothing new, no commit"
    train_run(trained, more_steps=10)
    keeper.keep_due()
    assert first < set(kept(standin).files)
    assert len(kept(standin).commits) == 3


def test_one_commit_at_a_time_and_a_run_in_training_only_now_and_then(
    standin: StandIn, trained: Run, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("second", "third"):
        shutil.copytree(trained.folder, trained.folder.with_name(name))
    keeper.keep_due()
    assert len(kept(standin).commits) == 2
    keeper.keep_due(all_of_them=True)
    assert len(kept(standin).commits) == 4
    state = trained.state()
    monkeypatch.setattr(Run, "alive", lambda run: run.id == "small")
    with trained.lock():
        trained.write_state(type(state)(**{**vars(state), "status": "running", "step": 25}))
    keeper.keep_due()
    assert len(kept(standin).commits) == 4
    monkeypatch.setattr(hub_keep, "WHILE_TRAINING", -1.0)
    keeper.keep_due()
    assert len(kept(standin).commits) == 5


def test_what_was_deleted_here_stays_in_the_repository_and_does_not_come_back(
    standin: StandIn, trained: Run, keeper: Keeper, tmp_path: Path
) -> None:
    keeper.keep_due()
    shutil.rmtree(trained.folder)
    keeper.keep_due()
    assert {"runs/small/deleted", "runs/small/gan-live.json"} <= set(kept(standin).files)
    after = Keeper(tmp_path / "new disk", REPO, lambda: "hf_alice")
    after.restore()
    assert not (tmp_path / "new disk" / "small").exists()


def test_one_damaged_run_does_not_keep_the_others_away(
    standin: StandIn, trained: Run, keeper: Keeper, tmp_path: Path
) -> None:
    shutil.copytree(trained.folder, trained.folder.with_name("zebra"))
    keeper.keep_due(all_of_them=True)
    files = kept(standin).files
    files["runs/zebra/state.json"] = b'{"status": "finished"}'
    files["runs/small/kept.json"] = b'{"visitor": "../../x", "parent": {"run": "/etc", "step": -1}, "directions": [1]}'
    files["runs/../../evil/gan-live.json"] = files["runs/small/gan-live.json"]
    standin.put(REPO, files)
    after = Keeper(tmp_path / "new disk", REPO, lambda: "hf_alice")
    after.restore()
    assert (after.status.done, after.status.damaged) == (1, 1)
    assert sorted(path.name for path in (tmp_path / "new disk").iterdir()) == ["small"]
    run = Run(tmp_path / "new disk" / "small")
    assert (run.visitor(), run.document()["parent"]) == ("", None)


def test_one_run_that_cannot_be_kept_does_not_hold_up_the_others(
    standin: StandIn, trained: Run, keeper: Keeper
) -> None:
    odd = [trained.folder.with_name(name) for name in ("odd-network", "odd-metrics")]
    for folder in odd:
        shutil.copytree(trained.folder, folder)
    document = json.loads((odd[0] / "config.json").read_text())
    document["settings"]["network"] = "of-a-newer-version"
    (odd[0] / "config.json").write_text(json.dumps(document))
    (odd[1] / "metrics.jsonl").write_text('{"step": 20, "digit_fid": "not a number", "count": 1000}\n')
    keeper.keep_due()
    assert "runs/small/gan-live.json" in kept(standin).files
    assert keeper.status.doing == "kept"


def test_what_a_deletion_left_behind_is_no_obstacle(
    standin: StandIn, trained: Run, keeper: Keeper, tmp_path: Path
) -> None:
    keeper.keep_due()
    left = tmp_path / "new disk" / "small" / "snapshots"
    left.mkdir(parents=True)
    (left / "000500.webp").write_bytes(b"left")
    after = Keeper(tmp_path / "new disk", REPO, lambda: "hf_alice")
    after.restore()
    assert after.status.damaged == 0
    assert saved.verify(Run(tmp_path / "new disk" / "small")) == []
    # and one that was cut short here is noted as a deletion all the same
    (trained.folder / "config.json").unlink()
    keeper.keep_due()
    assert "runs/small/deleted" in kept(standin).files


def test_a_run_deleted_right_after_a_restart_stays_away_and_one_that_returns_is_kept_again(
    standin: StandIn, trained: Run, keeper: Keeper, tmp_path: Path
) -> None:
    keeper.keep_due()
    restarted = Keeper(trained.folder.parent, REPO, lambda: "hf_alice")
    restarted.restore()
    moved = trained.folder.rename(tmp_path / "away")
    restarted.keep_due()
    assert "runs/small/deleted" in kept(standin).files
    moved.rename(trained.folder)
    restarted.keep_due()
    assert "runs/small/deleted" not in kept(standin).files
    after = Keeper(tmp_path / "new disk", REPO, lambda: "hf_alice")
    after.restore()
    assert (tmp_path / "new disk" / "small" / "config.json").exists()


def test_a_repository_that_everybody_sees_and_one_that_is_not_ours_are_refused(
    standin: StandIn, trained: Run, keeper: Keeper
) -> None:
    standin.put(REPO, {"README.md": b""})
    for act in (keeper.restore, keeper.keep_due):
        with pytest.raises(UserError, match="everyone can see it"):
            act()
    assert len(kept(standin).commits) == 1
    for repo, token, key in (
        ("nonsense", "hf_alice", "hub_name_invalid"),
        (REPO, None, "hub_no_token"),
        ("bob/x", "hf_alice", "hub_not_allowed"),
    ):
        with pytest.raises(UserError) as caught:
            Keeper(trained.folder.parent, repo, lambda token=token: token).keep_due()  # type: ignore[misc]
        assert caught.value.key == key


def test_failures_are_said_and_tried_again_and_the_restart_brings_all_back(
    standin: StandIn, trained: Run, started: Callable[[Path], Keeper], tmp_path: Path
) -> None:
    pauses: list[Any] = []
    standin.fail("POST .*/commit/", status=503, times=3)
    first = started(trained.folder.parent)
    say = first._say
    first._say = lambda doing, **facts: (pauses.append(facts.get("pause")), say(doing, **facts))  # type: ignore[method-assign, assignment, func-returns-value]
    wait_until(lambda: "small" in first._kept and first.status.doing == "kept")
    waited = [pause for pause in pauses if pause]
    assert len(waited) >= 2
    assert waited == sorted(waited), "longer and longer"
    assert len(set(waited)) == len(waited)
    train_run(trained, more_steps=5)  # a training knows nothing of all this
    wait_until(lambda: "runs/small/checkpoint-000025.safetensors" in kept(standin).files)
    second = started(tmp_path / "new disk")
    wait_until(lambda: second.status.done == 1)
    assert Run(tmp_path / "new disk" / "small").state().step == 25


def test_a_silent_hub_holds_nobody_up(standin: StandIn, trained: Run, keeper: Keeper) -> None:
    standin.fail("GET /api/models", silent=True, times=99)
    keeper.start()
    wait_until(lambda: any("api/models" in line for line in standin.requests))
    keeper.close(patience=0.1)
    assert train_run(trained, more_steps=5).step == 25


def test_closing_keeps_what_is_new(standin: StandIn, trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("second", "third"):
        shutil.copytree(trained.folder, trained.folder.with_name(name))
    keeper = Keeper(trained.folder.parent, REPO, lambda: "hf_alice")
    keeper.start()
    keeper.close(patience=60)
    assert {f"runs/{name}/gan-live.json" for name in ("small", "second", "third")} <= set(kept(standin).files)
