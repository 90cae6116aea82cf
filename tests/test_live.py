from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.loop import train_run
from gan_core.preset import Preset
from gan_core.presets import PRESETS
from gan_core.runner import Runner
from gan_core.runs import Run, State
from gan_core.sentences import SENTENCES
from gan_ui import live
from gan_ui.live import LivePages, live_routes
from gan_ui.watched import lesson
from gan_ui.who import Who
from tests.processes import wait_until

MakeRun = Callable[..., Run]


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivePages]:
    monkeypatch.setattr(live, "REFRESH_EVERY", 0)
    runner = Runner(tmp_path / "runs")
    yield LivePages(runner)
    runner.close()


class Page:
    """A page as live.js is: remembers the version and the points it has, and merges what comes."""

    def __init__(self, pages: LivePages, run: str = "") -> None:
        self.pages, self.run = pages, run
        self.view: dict[str, Any] = {"version": 0, "generation": ""}
        self.x: list[int] = []
        self.measured: dict[str, Any] = {}

    def poll(self) -> bool:
        tag = self.measured.get("tag", "")
        answer = self.pages.poll(self.run, self.view["version"], self.view["generation"], len(self.x), tag)
        if answer is None:
            return False
        self.measured = answer.get("measured", self.measured)
        if answer["run"]:
            kept = self.x if answer["generation"] == self.view["generation"] else []
            self.x = kept[: answer["curves"]["from"]] + answer["curves"]["x"]
        self.view = {"generation": "", **answer}
        return True


def add_points(run: Run, *steps: int) -> None:
    with open(run.folder / "history.jsonl", "a") as file:
        for step in steps:
            file.write(json.dumps({"step": step, "d_loss": 0.5, "g_loss": 1, "d_real": 0.5, "d_fake": 0.5}) + "\n")


def add_measurements(run: Run, *steps: int, **values: Any) -> None:
    with open(run.folder / "metrics.jsonl", "a") as file:
        for step in steps:
            row = {"step": step, "seconds": step / 10, "count": 1000, "digit_fid": 5.0, "histogram": [0.1] * 10}
            file.write(json.dumps({**row, "alerts": [], **values}) + "\n")


def test_nothing_yet(pages: LivePages) -> None:
    page = Page(pages)
    page.poll()
    assert page.view["run"] == ""
    assert page.view["order"] == []


def test_a_page_gets_only_what_is_new_and_never_misses_a_point(pages: LivePages, make_run: MakeRun) -> None:
    run = make_run()
    page = Page(pages)
    assert page.poll()
    assert page.view["run"] == run.id
    assert not page.poll()
    add_points(run, 10, 20, 30)
    assert page.poll()
    assert page.x == [10, 20, 30]
    assert not page.poll()
    add_points(run, 40)
    page.poll()
    assert page.x == [10, 20, 30, 40]
    assert page.view["curves"]["x"] == [30, 40]
    late = Page(pages)
    late.poll()
    assert late.x == page.x
    run.rewind(20)
    add_points(run, 30, 40, 50)
    page.poll()
    assert page.x == [10, 20, 30, 40, 50]


def test_every_page_shows_what_trains_unless_its_visitor_chose(pages: LivePages, make_run: MakeRun) -> None:
    old, new = make_run("20260101-a"), make_run("20260102-b")
    page, chooser = Page(pages), Page(pages, run=old.id)
    page.poll()
    assert page.view["run"] == new.id
    with old.lock():
        old.write_state(State(status="running", step=3, target=20, steps_per_second=2))
        page.poll()
        assert (page.view["run"], page.view["status"], page.view["eta"]) == (old.id, "running", 8.5)
        assert page.view["allowed"] == ["pause", "stop"]
    chooser.poll()
    assert (chooser.view["run"], chooser.view["status"]) == (old.id, "failed")
    assert "意外" in chooser.view["error"]["zh"]
    gone = Page(pages, run="deleted-long-ago")
    gone.poll()
    assert gone.view["run"] == new.id


def test_the_list_sends_only_changed_runs(pages: LivePages, make_run: MakeRun) -> None:
    runs = [make_run(f"run{n}") for n in range(3)]
    page = Page(pages)
    page.poll()
    assert [facts["id"] for facts in page.view["runs"]] == ["run2", "run1", "run0"]
    runs[0].write_state(State(status="paused", step=9, target=20))
    page.poll()
    assert [(facts["id"], facts["step"]) for facts in page.view["runs"]] == [("run0", 9)]
    pages.runner.delete("run0")
    page.poll()
    assert page.view["order"] == ["run2", "run1"]


def test_the_cost_is_bounded(pages: LivePages, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RUNS_LISTED", 3)
    monkeypatch.setattr(live, "RUNS_WATCHED", 2)
    for n in range(5):
        make_run(f"run{n}")
    for n in range(5):
        Page(pages, run=f"run{n}").poll()
    assert len(pages._watched) == 2
    page = Page(pages)
    page.poll()
    assert page.view["order"] == ["run4", "run3", "run2"]
    add_points(Run(pages.runner.runs_dir / "run4"), *range(1, 50_000))
    page.poll()
    assert len(page.x) <= 800
    assert len(json.dumps(page.view)) < 150_000


def test_measurements_are_sent_whole_when_there_are_new_ones(pages: LivePages, make_run: MakeRun) -> None:
    run = make_run()
    page = Page(pages)
    page.poll()
    assert not page.measured["newest"]
    add_measurements(run, 10, 20)
    page.poll()
    assert page.measured["columns"]["step"] == [10, 20]
    assert page.measured["newest"]["step"] == 20
    assert 0.3 < page.measured["floor"]["digit_fid"] < 0.6
    assert sum(page.measured["real_histogram"]) == pytest.approx(1)
    add_points(run, 10)
    page.poll()
    assert "measured" not in page.view
    run.rewind(10)
    add_measurements(run, 30, diversity=2.0)
    page.poll()
    assert page.measured["columns"]["step"] == [10, 30]
    assert page.measured["columns"]["diversity"] == [None, 2.0]
    add_measurements(run, *range(40, 5000))
    wait_until(lambda: page.poll() and page.measured["columns"]["step"][-1] == 4999)  # it comes in pieces
    assert len(page.measured["columns"]["step"]) <= 400


def test_a_data_set_without_a_judge_has_no_floor(pages: LivePages, make_run: MakeRun) -> None:
    run = make_run()
    with open(run.folder / "metrics.jsonl", "a") as file:
        file.write(
            json.dumps({"step": 3, "seconds": 1, "diversity": 8.0, "diversity_of_reals": 9.0, "alerts": []}) + "\n"
        )
    page = Page(pages)
    page.poll()
    assert page.measured["floor"] is None
    assert page.measured["newest"]["diversity"] == 8


def test_a_change_somebody_asked_for_is_a_mark(pages: LivePages, make_run: MakeRun) -> None:
    run = make_run()
    for step, settings, reason in (
        (5, {"lr_g": 0.5}, "asked"),
        (6, {"steps": 30}, "planned"),
        (8, {"lr_g": 0.25, "n_critic": 2}, "asked"),
    ):
        run.add_event("changed", step=step, settings=settings, reason=reason)
    page = Page(pages)
    page.poll()
    assert page.measured["marks"] == [
        {"step": 5, "changes": [["lr_g", 0.001, 0.5]]},
        {"step": 8, "changes": [["lr_g", 0.5, 0.25], ["n_critic", 1, 2]]},
    ]


def test_alerts_come_in_words_and_unknown_ones_do_no_harm(
    pages: LivePages, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("title", "measured", "reading", "try"):
        monkeypatch.setitem(SENTENCES, f"alert_made_up_{text}", (text + " {share} < {threshold}", "中 {share}"))
    run = make_run()
    found = {"kind": "made_up", "values": {"share": 0.123456, "threshold": 5}, "cure": {"lr_d": 0.1}}
    add_measurements(run, 5, alerts=[found, {"kind": "from_the_future", "values": {}, "cure": {}}, "?"])
    page = Page(pages)
    page.poll()
    known, unknown = page.measured["alerts"]
    assert known["measured"] == {"en": "measured 0.123 < 5", "zh": "中 0.123"}
    assert known["cure"] == {"lr_d": 0.1}
    assert unknown["kind"] == "from_the_future"
    assert unknown["try"] == {"en": "", "zh": ""}


def test_runs_to_compare_come_thinned_and_bounded(pages: LivePages, make_run: MakeRun) -> None:
    runs = [make_run(f"run{n}") for n in range(6)]
    add_points(runs[0], *range(1, 3000))
    add_measurements(runs[0], *range(1, 300))
    client = TestClient(Starlette(routes=live_routes(pages, Who({}))))
    query = {"run": ["run0", "run0", "none", "../run1", "run2", "run3", "run4", "run5"]}
    answer = client.get("/gradio_api/lab/compare", params=query).json()
    assert [run["id"] for run in answer["runs"]] == ["run0", "run2"]
    assert answer["floor"] > 0
    for columns, last in ((answer["runs"][0]["curves"], 2999), (answer["runs"][0]["measured"], 299)):
        assert columns["step"][-1] == last
        assert 50 < len(columns["step"]) <= 200
        assert len({len(values) for values in columns.values()}) == 1
    assert answer["runs"][1]["measured"]["step"] == []
    assert client.get("/gradio_api/lab/compare").json()["runs"] == []


@pytest.fixture
def doomed(monkeypatch: pytest.MonkeyPatch) -> str:
    """A preset that fails on purpose."""
    preset = Preset("doomed", ("look", "看"), 60, {}, {"lr_d": 0.1, "betas": (0.0, 0.99)})
    monkeypatch.setitem(PRESETS, "doomed", preset)
    return "doomed"


def test_a_preset_that_fails_on_purpose_is_a_lesson_until_it_is_cured(doomed: str) -> None:
    said: dict[str, Any] = {
        "about": {"en": "look", "zh": "看"},
        "cure": {"lr_d": 0.1, "betas": [0.0, 0.99]},
        "afresh": False,
    }
    assert lesson({"preset": doomed, "lr_d": 0.1, "betas": [0.9, 0.99]}) == {**said, "cured": False}
    assert lesson({"preset": doomed, "lr_d": 0.1, "betas": [0.0, 0.99]}) == {**said, "cured": True}
    assert lesson({"preset": "minute"}) is None
    assert lesson({"preset": "no such preset"}) is None
    assert lesson({}) is None


def test_a_change_on_the_way_cures_too(pages: LivePages, make_run: MakeRun, doomed: str) -> None:
    run = make_run(betas="0, 0.99")
    text = (run.folder / "config.json").read_text()
    (run.folder / "config.json").write_text(text.replace('"preset": "tutorial"', f'"preset": "{doomed}"'))
    page = Page(pages)
    page.poll()
    assert page.view["lesson"]["cured"] is False
    run.add_event("changed", step=5, settings={"lr_d": 0.1}, reason="asked")
    page.poll()
    assert page.view["lesson"]["cured"] is True


def test_a_branch_is_marked_and_its_parents_alerts_are_not_its_own(pages: LivePages, make_run: MakeRun) -> None:
    run = make_run("run1")
    make_run("run0")
    document = json.loads((run.folder / "config.json").read_text())
    (run.folder / "config.json").write_text(json.dumps({**document, "parent": {"run": "run0", "step": 20}}))
    alert = {"kind": "made_up", "values": {}, "cure": {}}
    add_measurements(run, 10, 20, alerts=[alert])
    page = Page(pages)
    page.poll()
    assert {facts["id"]: facts["branch"] for facts in page.view["runs"]} == {"run1": True, "run0": False}
    assert page.measured.get("alerts", []) is None  # nobody has looked at it yet
    assert page.measured["newest"]["step"] == 20
    add_measurements(run, 30)
    page.poll()
    assert page.measured["alerts"] == []
    add_measurements(run, 40, alerts=[alert])
    page.poll()
    assert [found["kind"] for found in page.measured["alerts"]] == ["made_up"]


def test_a_run_from_the_future_does_not_break_the_page(pages: LivePages, make_run: MakeRun) -> None:
    run = make_run()
    text = (run.folder / "config.json").read_text()
    (run.folder / "config.json").write_text(text.replace('"format": 1', '"format": 99'))
    page = Page(pages)
    page.poll()
    assert page.view["status"] == "failed"
    assert "newer version" in page.view["error"]["en"]


def test_routes(pages: LivePages, make_run: MakeRun) -> None:
    run = make_run(steps=4)
    train_run(run)
    client = TestClient(Starlette(routes=live_routes(pages, Who({}))))
    answer = client.get("/gradio_api/lab/live", params={"run": run.id})
    assert answer.json()["status"] == "finished"
    for query in ({"since": "-1"}, {"since": "x"}, {"count": "9" * 30}, {"run": "../../etc"}, {"generation": "%00"}):
        assert client.get("/gradio_api/lab/live", params=query).status_code == 200
    picture = client.get("/" + answer.json()["grid"])
    assert picture.headers["content-type"] == "image/webp"
    assert picture.content[8:12] == b"WEBP"
    for path in ("none/live.webp", f"{run.id}/state.json", f"{run.id}/..%2f..%2fsecret", "..%2f/live.webp"):
        assert client.get("/gradio_api/lab/picture/" + path).status_code == 404
    again = client.get(
        "/gradio_api/lab/live",
        params={
            "run": run.id,
            "since": answer.json()["version"],
            "generation": answer.json()["generation"],
            "count": 2,
        },
    )
    assert again.status_code == 204


def test_what_a_process_left_behind_is_for_the_owner(pages: LivePages, make_run: MakeRun) -> None:
    run = make_run()
    error = {"key": "trainer_died", "values": {}, "exit_code": 1, "traceback": "in /home/olga", "log_tail": ["secret"]}
    run.write_state(State(status="failed", error=error))
    for who, seen in ((Who({}), True), (Who({"GAN_OWNER_TOKEN": "open sesame"}), False)):
        said = TestClient(Starlette(routes=live_routes(pages, who))).get("/gradio_api/lab/live").json()["error"]
        assert said["en"]
        assert ("/home/olga" in said["details"] and "secret" in said["details"]) == seen
        assert bool(said["details"]) == seen


def test_who_leads_is_told_to_all_and_forgotten_when_silent(pages: LivePages, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(Starlette(routes=live_routes(pages, Who({}))))
    version = client.get("/gradio_api/lab/live").json()["version"]
    place = {"run": "a", "tab": "explore", "step": 500}
    assert client.post("/gradio_api/lab/lead", json=place).status_code == 204
    told = client.get(f"/gradio_api/lab/live?since={version}").json()
    assert told["lead"] == place
    assert client.get(f"/gradio_api/lab/live?since={told['version']}").status_code == 204
    client.post("/gradio_api/lab/lead", json=place)  # still there, and nothing new to tell
    assert client.get(f"/gradio_api/lab/live?since={told['version']}").status_code == 204
    for body, code in ((b"[1]", 400), (b"{", 400), (b"x" * 3000, 413)):
        assert client.post("/gradio_api/lab/lead", content=body).status_code == code
    monkeypatch.setattr("gan_ui.live.LEADS_FOR", 0.0)
    assert client.get(f"/gradio_api/lab/live?since={told['version']}").json()["lead"] is None
    monkeypatch.undo()
    client.post("/gradio_api/lab/lead", json=place)
    client.post("/gradio_api/lab/lead", content=b"null")
    assert client.get("/gradio_api/lab/live").json()["lead"] is None
