"""Many long runs, looked at by many pages: who waits for whom, and what is read twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gan_core.files import read_lines
from gan_core.runner import Runner
from gan_core.runs import Run
from gan_ui import live, watched
from gan_ui.live import LivePages
from tests.processes import wait_until
from tests.test_live import Page, add_points

MakeRun = Callable[..., Run]


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivePages]:
    monkeypatch.setattr(live, "REFRESH_EVERY", 0)
    runner = Runner(tmp_path / "runs")
    yield LivePages(runner)
    runner.close()


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What is read of histories: run, offset, and the bytes that were taken in."""
    read: list[tuple[str, int, int]] = []

    def noting(path: Path, offset: int = 0, at_most: int = -1) -> Any:
        rows, after = read_lines(path, offset, at_most)
        if path.name == "history.jsonl" and after > offset:
            read.append((path.parent.name, offset, after - offset))
        return rows, after

    monkeypatch.setattr(watched, "read_lines", noting)
    return read


def test_a_run_that_takes_long_to_read_holds_nobody_else_up(
    pages: LivePages, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = make_run("slow"), make_run("quick")
    add_points(slow, 1)
    add_points(quick, 1)
    reading, go_on = threading.Event(), threading.Event()

    def slowly(path: Path, *arguments: int) -> Any:
        if path == slow.folder / "history.jsonl":
            reading.set()
            assert go_on.wait(120)
        return read_lines(path, *arguments)

    monkeypatch.setattr(watched, "read_lines", slowly)
    waits, serves = Page(pages, "slow"), Page(pages, "quick")
    stuck = threading.Thread(target=waits.poll, daemon=True)
    stuck.start()
    try:
        assert reading.wait(60)
        other = threading.Thread(target=serves.poll, daemon=True)
        other.start()
        wait_until(lambda: not other.is_alive())
        assert serves.x == [1]
        pages.lead({"run": "quick"})
        assert stuck.is_alive()
    finally:
        go_on.set()
    stuck.join(60)
    assert waits.x == [1]


def test_a_poll_reads_one_piece_of_a_long_run_and_the_rest_comes_by_itself(
    pages: LivePages, make_run: MakeRun, readings: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "PIECE", 10_000)
    monkeypatch.setattr(pages._reader, "add", lambda _: None)
    run = make_run()
    add_points(run, *range(1, 2001))
    page = Page(pages)
    page.poll()
    assert sum(size for *_, size in readings) <= 20_000
    assert 0 < page.x[-1] < 2000
    monkeypatch.undo()
    monkeypatch.setattr(live, "REFRESH_EVERY", 0)
    wait_until(lambda: page.poll() and page.x[-1] == 2000)
    alone = LivePages(pages.runner)
    fresh = Page(alone)
    wait_until(lambda: fresh.poll() and fresh.x[-1] == 2000)
    assert fresh.view["curves"]["series"] == alone._watched[run.id].history.curves.since(0)["series"]


def test_more_runs_than_pages_watch_are_read_once(
    pages: LivePages, make_run: MakeRun, readings: list[tuple[str, int, int]]
) -> None:
    runs = [make_run(f"run{number}") for number in range(20)]
    for run in runs:
        add_points(run, 1, 2, 3)
    watching = [Page(pages, run.id) for run in runs]
    for _ in range(3):
        for page in watching:
            page.poll()
    assert sorted(run for run, *_ in readings) == sorted(run.id for run in runs)
    add_points(runs[0], 4)
    for page in watching:
        page.poll()
    assert readings[20:] == [("run0", sum(size for run, _, size in readings[:20] if run == "run0"), readings[20][2])]
    assert watching[0].x == [1, 2, 3, 4]


def test_pieces_end_between_lines_and_a_line_that_is_too_long_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n' + '{"b": "' + "x" * 100 + '"}\n{"a": 3}\n{"a": ')
    found, offset = [], 0
    for _ in range(20):
        rows, offset = read_lines(path, offset, 30)
        found += rows
    assert [row["a"] for row in found] == [1, 2, 3]
    with open(path, "a") as file:
        file.write("4}\n")
    assert read_lines(path, offset, 30)[0] == [{"a": 4}]
