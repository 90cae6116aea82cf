from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_core.files import Locked
from gan_core.runs import FORMAT, Run, State, create_run, delete_run, find_run, list_runs, new_run_folder
from gan_core.sentences import UserError

MakeRun = Callable[..., Run]


def test_a_new_run_is_queued_and_says_what_was_asked(make_run: MakeRun) -> None:
    run = make_run(steps=77, seed=5)
    assert (run.state().status, run.state().target) == ("queued", 77)
    assert (run.config().steps, run.config().seed) == (77, 5)
    document = run.document()
    assert len(document["dataset_sha256"]) == 64
    assert document["dataset_size"] == 100
    assert "auto" not in (run.config().precision, run.config().device)
    assert run.config().threads > 0


@pytest.mark.parametrize(
    "run_id", ["../run", "..", ".", "", "run/../run", "/etc", "run\n", "a" * 65, "run.", "missing", "C:"]
)
def test_an_id_is_never_a_path(make_run: MakeRun, run_id: str) -> None:
    run = make_run("run")
    with pytest.raises(UserError, match="no run"):
        find_run(run.folder.parent, run_id)
    assert find_run(run.folder.parent, "run").id == "run"


def test_a_folder_in_use_is_not_taken(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    before = sorted(run.folder.rglob("*"))
    with pytest.raises(UserError, match="already holds"):
        create_run(run.folder, run.config(), "0" * 64, 1)
    assert sorted(run.folder.rglob("*")) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="already holds"):
        create_run(tmp_path / "file", run.config(), "0" * 64, 1)


def test_folders_of_a_newer_version_or_damaged_are_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    path = run.folder / "config.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "format": FORMAT + 1}))
    with pytest.raises(UserError, match="newer version"):
        run.config()
    for text in (
        "{",
        "[]",
        "{}",
        '{"format": 1}',
        json.dumps({**whole, "settings": {**whole["settings"], "lr_g": -1}}),
    ):
        path.write_text(text)
        with pytest.raises(UserError):
            run.config()
    with pytest.raises(UserError, match="not a run folder"):
        Run(tmp_path).config()


def test_a_run_whose_trainer_vanished_is_failed(make_run: MakeRun) -> None:
    run = make_run()
    (run.folder / "trainer.log").write_text("\n".join(f"line {n}" for n in range(100)))
    with run.lock():
        run.write_state(State(status="running", step=12, target=20))
        assert run.state().status == "running"
    state = run.state()
    assert (state.status, state.step) == ("failed", 12)
    assert state.error is not None
    assert state.error["key"] == "trainer_died"
    assert len(state.error["log_tail"]) == 40
    assert state.error["log_tail"][-1] == "line 99"


def test_an_unreadable_state_is_a_failed_run(make_run: MakeRun) -> None:
    run = make_run()
    (run.folder / "state.json").write_text('{"status": "runn')
    assert run.state().status == "failed"


def test_one_writer_at_a_time(make_run: MakeRun) -> None:
    run = make_run()
    with run.lock():
        with pytest.raises(Locked), Run(run.folder).lock():
            pass
        with pytest.raises(UserError, match="being trained"):
            delete_run(run)
    delete_run(run)
    assert not run.folder.exists()


def test_rewind_forgets_what_came_after(make_run: MakeRun) -> None:
    run = make_run()
    (run.folder / "history.jsonl").write_text("".join(f'{{"step": {n}}}\n' for n in range(10, 60, 10)) + '{"step": 6')
    for step in (0, 20, 40):
        (run.folder / "snapshots" / f"{step:06d}.safetensors").write_bytes(b"x")
    run.rewind(30)
    assert [row["step"] for row in run.history()[0]] == [10, 20, 30]
    assert sorted(path.stem for path in run.folder.glob("snapshots/*")) == ["000000", "000020"]


def test_the_newest_run_is_listed_first_and_litter_is_not(make_run: MakeRun) -> None:
    runs_dir = make_run("20260101-000000-tutorial-aaaa").folder.parent
    make_run("20260102-000000-tutorial-bbbb")
    (runs_dir / "empty").mkdir()
    (runs_dir / ".hidden").mkdir()
    (runs_dir / "file").write_text("")
    assert [run.id[:8] for run in list_runs(runs_dir)] == ["20260102", "20260101"]
    assert list(list_runs(runs_dir / "none")) == []
    assert find_run(runs_dir, make_run(new_run_folder(runs_dir, "tutorial").name).id)


def test_eta_is_by_steps_or_by_time_whichever_ends_first() -> None:
    assert State(status="running", step=10, target=110, steps_per_second=20).eta_seconds == 5
    assert (
        State(status="running", step=10, target=110, steps_per_second=20, seconds=7, seconds_limit=10).eta_seconds == 3
    )
    assert State(status="paused", step=10, target=110, steps_per_second=20).eta_seconds is None
    assert State(status="running", target=110).eta_seconds is None


def test_a_state_of_an_unknown_kind_is_a_failed_run(make_run: MakeRun) -> None:
    run = make_run()
    for text in ('{"status": "dreaming"}', '{"status": 3}', "[1]", "null", "{"):
        (run.folder / "state.json").write_text(text)
        state = run.state()
        assert state.status == "failed"
        assert state.error is not None
        assert state.error["key"] == "run_unreadable"
