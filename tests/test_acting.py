"""Who may act on whose runs, and the caps of visitors who may train; with a runner that only notes what it is asked."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gan_core.config import make_config
from gan_core.preset import UNLIMITED
from gan_core.presets import PRESETS
from gan_core.runs import Run, State
from gan_core.sentences import UserError
from gan_ui.acting import Acting
from gan_ui.caps import Caps, look
from gan_ui.who import Person, Who

ANNA, BERT = Person("trainee", "anna"), Person("trainee", "bert")
OWNER, VISITOR = Person("owner", "olga"), Person("visitor", "vera")


class Noting:
    """What `Acting` uses of a Runner."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self.asked: list[tuple[Any, ...]] = []
        self.fetched: list[str] = []

    def find(self, run_id: str) -> Run:
        return Run(self.runs_dir / run_id)

    def state(self, run: Run) -> State:
        return run.state()

    def fetch(self, config: Any) -> None:
        self.fetched.append(config.dataset)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.asked.append((name, *arguments))


@pytest.fixture
def runner(tmp_path: Path) -> Noting:
    return Noting(tmp_path / "runs")


@pytest.fixture
def acting(runner: Noting, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Acting]:
    def made(person: Person, **caps: int) -> Acting:
        who = Who({})
        monkeypatch.setattr(who, "person", lambda *_: person)
        who.caps = Caps(**caps)
        return Acting(runner, who, None)  # type: ignore[arg-type]

    return made


@pytest.fixture
def run_of(make_run: Callable[..., Run]) -> Callable[..., Run]:
    def made(name: str, visitor: str, state: State | None = None, **changes: Any) -> Run:
        run = make_run(name, **changes)
        document = {**run.document(), "visitor": visitor}
        (run.folder / "config.json").write_text(json.dumps(document))
        run.write_state(state or State(status="stopped", step=5, target=20))
        return run

    return made


def test_visitors_act_on_nothing_and_trainees_on_their_own(
    runner: Noting, acting: Callable[..., Acting], run_of: Callable[..., Run]
) -> None:
    run_of("hers", "anna", seconds=60)
    run_of("ours", "", seconds=60)
    calls: list[Callable[[Acting, str], Any]] = [
        Acting.resume,
        Acting.pause,
        Acting.stop,
        Acting.delete,
        lambda who, run: who.change(run, {"lr_g": 1e-3}),
    ]
    for call in calls:
        for person, run in ((VISITOR, "hers"), (VISITOR, "ours"), (BERT, "hers"), (BERT, "ours"), (ANNA, "ours")):
            with pytest.raises(UserError, match=r"owner|not your run"):
                call(acting(person), run)
        assert runner.asked == []
        for person, run in ((ANNA, "hers"), (OWNER, "hers"), (OWNER, "ours")):
            call(acting(person), run)
        assert len(runner.asked) == 3
        runner.asked.clear()
    with pytest.raises(UserError, match="owner"):
        acting(VISITOR).start(make_config("minute"))
    with pytest.raises(UserError, match="owner"):
        acting(VISITOR).branch("hers", {})
    assert runner.asked == []


def test_what_a_page_may_offer(acting: Callable[..., Acting], run_of: Callable[..., Run]) -> None:
    run = run_of("hers", "anna")
    assert acting(ANNA).allowed(run) == acting(OWNER).allowed(run) == ["delete", "more", "resume"]
    assert acting(BERT).allowed(run) == acting(VISITOR).allowed(run) == []


def test_the_runs_of_trainees_are_bounded(runner: Noting, acting: Callable[..., Acting]) -> None:
    minute, caps = make_config("minute"), Caps()
    acting(ANNA).start(minute)
    acting(ANNA).start(dataclasses.replace(minute, seconds=0))
    acting(OWNER).start(dataclasses.replace(minute, seconds=0))
    assert [(config.seconds, config.steps, visitor) for _, config, visitor in runner.asked[:2]] == [
        (60, UNLIMITED, "anna"),
        (caps.seconds, UNLIMITED, "anna"),
    ]
    assert runner.asked[2][1].seconds == 0
    assert runner.asked[2][2:] == ()
    for changes, said in (({"seconds": caps.seconds + 1.0}, "900 s"), ({"steps": caps.steps + 1}, "100,000 steps")):
        with pytest.raises(UserError, match=said):
            acting(ANNA).start(dataclasses.replace(minute, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"disk_mb": 100_000}, "disk_mb"),
        ({"checkpoint_every": 1}, "checkpoint_every"),
        ({"snapshot_every": 1}, "snapshot_every"),
        ({"threads": 256}, "threads"),
        ({"width": 64, "batch_size": 2, "z_dim": 512}, "width"),
        ({"width": 32, "batch_size": 256}, "batch_size"),
        ({"width": 2, "batch_size": 4096}, "batch_size"),
    ],
)
def test_a_trainee_asks_for_no_more_than_there_is_for_all(
    runner: Noting, acting: Callable[..., Acting], run_of: Callable[..., Run], changes: dict[str, int], field: str
) -> None:
    config = make_config("minute", changes)
    with pytest.raises(UserError, match=field):
        acting(ANNA).start(config)
    acting(OWNER).start(config)
    if field in ("width", "threads"):  # which a branch takes over from its parent
        run_of("large", "", **changes)
        with pytest.raises(UserError, match=field):
            acting(ANNA).branch("large", {})
        acting(OWNER).branch("large", {})


def test_every_preset_is_within_the_caps(acting: Callable[..., Acting]) -> None:
    for name in PRESETS:
        acting(ANNA).start(make_config(name))


def test_a_download_holds_nobody_else_up(
    runner: Noting, acting: Callable[..., Acting], monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads, go_on = threading.Event(), threading.Event()

    def slowly(config: Any) -> None:
        if config.dataset == "kmnist":
            downloads.set()
            assert go_on.wait(120)

    monkeypatch.setattr(runner, "fetch", slowly)
    waits = threading.Thread(target=acting(ANNA).start, args=(make_config("minute", {"dataset": "kmnist"}),))
    serves = threading.Thread(target=acting(BERT).start, args=(make_config("minute"),))
    waits.start()
    try:
        assert downloads.wait(60)
        serves.start()
        serves.join(60)
        assert [call[2] for call in runner.asked] == ["bert"]
    finally:
        go_on.set()
        waits.join(60)


def test_a_training_beyond_the_caps_is_stopped_while_it_trains(
    runner: Noting, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = {"status": "running", "step": 5, "target": 20}
    monkeypatch.setattr(runner, "state", lambda run: run._read_state())
    run_of("idle", "anna")
    run_of("owners", "", State(**running, seconds=10_000))  # type: ignore[arg-type]
    small = run_of("small", "anna", State(**running, seconds=10))  # type: ignore[arg-type]
    large = run_of("large", "bert", State(**running, seconds=10))  # type: ignore[arg-type]
    (large.folder / "checkpoint-000005.safetensors").write_bytes(b"0" * 3_000_000)
    look(runner, Caps())  # type: ignore[arg-type]
    assert runner.asked == []
    for caps in (Caps(megabytes=2), Caps(disk_mb=1)):
        look(runner, caps)  # type: ignore[arg-type]
        assert runner.asked == [("stop", "large")]
        runner.asked.clear()
    small.write_state(State(**running, seconds=1000))  # type: ignore[arg-type]
    look(runner, Caps())  # type: ignore[arg-type]
    assert runner.asked == [("stop", "small")]


def test_a_branch_is_no_way_around_the_bounds(
    runner: Noting, acting: Callable[..., Acting], run_of: Callable[..., Run]
) -> None:
    run_of("long", "", steps=1_000_000, seconds=0)
    saving = {"disk_mb": 150, "snapshot_every": 250, "checkpoint_every": 250}
    acting(ANNA).branch("long", {"lr_d": 1e-3})
    assert runner.asked.pop() == (
        "branch",
        "long",
        {"lr_d": 1e-3, "seconds": 900, "steps": 100_000, **saving},
        None,
        "anna",
    )
    acting(ANNA).branch("long", {"seconds": "30", "steps": 7}, 5)
    assert runner.asked.pop() == ("branch", "long", {"seconds": 30, "steps": 7, **saving}, 5, "anna")
    acting(OWNER).branch("long", {})
    assert runner.asked.pop() == ("branch", "long", {}, None)
    for settings in (
        {"seconds": 901},
        {"steps": 100_001},
        {"seconds": "nan"},
        {"disk_mb": 151},
        {"snapshot_every": 249},
        {"checkpoint_every": 1},
    ):
        with pytest.raises(UserError):
            acting(ANNA).branch("long", settings)


def test_a_trainees_run_goes_on_until_its_time_is_over(
    runner: Noting, acting: Callable[..., Acting], run_of: Callable[..., Run]
) -> None:
    run_of("begun", "anna", State(status="paused", step=5, target=20, seconds=59), seconds=60)
    run_of("over", "anna", State(status="finished", step=20, target=20, seconds=60), seconds=60)
    acting(ANNA).resume("begun", "10")
    with pytest.raises(UserError, match="all of its 60 s"):
        acting(ANNA).resume("over", 10)
    with pytest.raises(UserError, match="steps"):
        acting(ANNA).resume("begun", 1_000_000)
    acting(OWNER).resume("over", 10)
    assert [call[1] for call in runner.asked] == ["begun", "over"]


def test_who_is_not_known_owns_only_the_runs_whose_key_is_sent(
    runner: Noting, acting: Callable[..., Acting], run_of: Callable[..., Run]
) -> None:
    """Behind a proxy all are one address: what any of them started was everybody's to delete."""
    run_of("one", "school.k1")
    run_of("two", "school.k2")
    run_of("old", "school")  # started when an address alone was somebody
    nobody = Person("trainee", "school", known=False)
    one, moved = dataclasses.replace(nobody, key="k1"), Person("trainee", "elsewhere", known=False, key="k1")
    for run in ("one", "two", "old"):
        for act in ("pause", "stop", "delete", "resume"):
            with pytest.raises(UserError, match="not your run"):
                getattr(acting(nobody), act)(run)
    for run in ("two", "old"):
        with pytest.raises(UserError, match="not your run"):
            acting(one).delete(run)
    with pytest.raises(UserError, match="not your run"):
        acting(Person("trainee", "school")).delete("one")
    for start in (lambda: acting(nobody).start(make_config("minute")), lambda: acting(nobody).branch("one", {})):
        with pytest.raises(UserError, match="cookie"):
            start()
    assert not runner.asked
    acting(one).delete("one")
    acting(moved).delete("one")
    acting(one, runs=4).start(make_config("minute", {"seconds": 60}))
    assert runner.asked[-1][2] == "school.k1"
    with pytest.raises(UserError, match="keep 3 runs"):  # together, as one address always could
        acting(one, runs=3).start(make_config("minute"))


def test_trainees_may_keep_so_many_runs_of_so_many_bytes(
    acting: Callable[..., Acting], run_of: Callable[..., Run]
) -> None:
    run_of("one", "anna")
    run_of("two", "anna")
    run_of("three", "")
    acting(ANNA, runs=3).start(make_config("minute"))
    acting(BERT, runs=2).start(make_config("minute"))
    with pytest.raises(UserError, match="keep 2 runs"):
        acting(ANNA, runs=2).start(make_config("minute"))
    with pytest.raises(UserError, match="keep 2 runs"):
        acting(ANNA, runs=2).branch("three", {})
    with pytest.raises(UserError, match="0 MB"):
        acting(BERT, megabytes=0).start(make_config("minute"))
    acting(OWNER, runs=0, megabytes=0).start(make_config("minute"))
