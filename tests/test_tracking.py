"""What TensorBoard's own reader finds of a run that was tracked."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gan_core.__main__ import main
from gan_core.loop import train_run
from gan_core.runs import Run
from gan_core.tracking import Board, track


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    """What a TensorBoard that is started now shows under a name: steps and values."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = reading.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    board.Reload()
    return [(each.step, each.value) for each in board.Scalars(tag)]


def expected(run: Run, name: str) -> list[tuple[int, Any]]:
    return [(row["step"], pytest.approx(row[name], rel=1e-6)) for row in run.history()[0]]


@pytest.fixture
def board() -> None:
    pytest.importorskip("tensorboard")


@pytest.mark.usefixtures("board")
def test_every_number_of_a_finished_run_is_on_the_board(
    make_run: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run("done", steps=8)
    train_run(run)
    for _ in range(2):  # the second time replaces the first
        assert main(["track", str(run.folder), "--logdir", str(tmp_path / "board"), "--json"]) == 0
    rows = len(run.history()[0]) + len(run.metrics()[0])
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rows"] == rows
    for name in ("d_loss", "g_loss", "d_real"):
        assert scalars(tmp_path / "board" / "done", f"train/{name}") == expected(run, name)
    assert len(list((tmp_path / "board" / "done").iterdir())) == 1


@pytest.mark.usefixtures("board")
def test_measurements_are_on_the_board(tmp_path: Path) -> None:
    assert main(["track", "best", "--logdir", str(tmp_path)]) == 0
    measured = scalars(tmp_path / "best", "quality/digit_fid")
    assert measured[-1][1] < measured[0][1]


@pytest.mark.usefixtures("board")
def test_a_run_is_followed_while_it_trains_and_after_it_was_rewound(
    make_run: Callable[..., Run], tmp_path: Path
) -> None:
    run = make_run("live", steps=10)
    board = Board(run, tmp_path)
    train_run(run)
    assert board.update() == len(run.history()[0]) + len(run.metrics()[0])
    assert board.update() == 0
    train_run(run, more_steps=6)
    assert board.update() > 0
    assert scalars(tmp_path / "live", "train/d_loss") == expected(run, "d_loss")
    run.rewind(6)  # as a training does that goes on from a checkpoint
    board.update()
    assert scalars(tmp_path / "live", "train/d_loss") == expected(run, "d_loss")
    assert scalars(tmp_path / "live", "train/d_loss")[-1][0] == 6
    board.close()


@pytest.mark.usefixtures("board")
def test_following_ends_with_the_training(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run, stop = make_run("live", steps=30), threading.Event()
    counts: list[int] = []
    following = threading.Thread(target=lambda: counts.append(track(run, tmp_path, stop)))
    following.start()  # it is queued by now
    train_run(run)
    following.join(200)
    assert not following.is_alive()
    assert counts == [len(run.history()[0]) + len(run.metrics()[0])]
    assert scalars(tmp_path / "live", "train/g_loss") == expected(run, "g_loss")


@pytest.mark.usefixtures("board")
def test_rows_that_are_none_are_left_out(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run("odd", steps=4)
    train_run(run)
    with open(run.folder / "history.jsonl", "a") as file:
        file.write('{}\n{"step": "x", "d_loss": 1}\n{"step": 8, "d_loss": "much", "g_loss": 1}\n')
        file.write('{"step": 9, "g_loss": 2.5, "seconds": NaN}\n')
    assert main(["track", str(run.folder), "--logdir", str(tmp_path)]) == 0
    assert scalars(tmp_path / "odd", "train/g_loss")[-1] == (9, 2.5)
    assert scalars(tmp_path / "odd", "train/d_loss")[-1][0] == 4


def test_without_tensorboard_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert main(["track", "best", "--logdir", str(tmp_path / "board")]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err
    assert not (tmp_path / "board").exists()


@pytest.mark.usefixtures("board")
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["track", "best", "--logdir", str(tmp_path / "file")]) == 2
    assert "error: " in capsys.readouterr().err
