"""The named endpoints, through the real app and the real client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio.analytics
import httpx
import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from gan_core.runner import Runner
from gan_core.runs import Run
from gan_ui.app import build
from gan_ui.sampling import SampleServer
from gan_ui.who import Who
from tests.conftest import TINY
from tests.processes import ROOT, App, wait_until

SETTINGS = {name: value for name, value in TINY.items() if name != "checkpoint_every"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, cache: Path, tiny_dataset: str) -> Iterator[App]:
    with App(tmp_path_factory.mktemp("app") / "runs", cache) as app:
        yield app


@pytest.fixture
def client(app: App) -> Client:
    return Client(app.url, verbose=False)


def ask(client: Client, name: str, *arguments: Any) -> Any:
    return client.predict(*arguments, api_name=f"/{name}")


def wait_for(client: Client, run: str, status: str) -> dict[str, Any]:
    wait_until(lambda: ask(client, "status", run)["status"] == status)
    state: dict[str, Any] = ask(client, "status", run)
    return state


def test_a_round_trip(client: Client, app: App, tiny_dataset: str) -> None:
    presets = {row["preset"]: row for row in ask(client, "presets")}
    assert presets["tutorial"]["settings"]["lr_g"] == 1e-5
    assert all(row["seconds"] > 0 and isinstance(row["cure"], dict) for row in presets.values())
    assert {row["cure_step"] for row in presets.values()} == {-1, 0}
    overrides = json.dumps({"dataset": tiny_dataset, **SETTINGS})
    run = ask(client, "start", "tutorial", 1_000_000, 5, overrides)
    assert Run(app.runs_dir / run).config().seed == 5
    wait_for(client, run, "running")
    queued = ask(client, "start", "tutorial", 3, 0, overrides)
    wait_until(lambda: ask(client, "status", queued)["waiting_for"] == [run])
    wait_until(lambda: ask(client, "status", run)["step"] > 20)
    images = ask(client, "sample", run, -1, 7, 3)
    assert np.array(images["images"]).shape == (3, 28, 28)
    assert images["step"] > 0
    assert ask(client, "sample", run, 0, 7, 1)["step"] == 0
    with pytest.raises(AppError, match="not conditional"):
        ask(client, "sample", run, -1, 7, 1, 3)
    ask(client, "pause", run)
    paused = wait_for(client, run, "paused")
    wait_for(client, queued, "finished")
    assert ask(client, "sample", run, -1, 7, 1)["step"] == paused["step"]
    ask(client, "resume", run)
    wait_for(client, run, "running")
    ask(client, "stop", run)
    wait_for(client, run, "stopped")
    ask(client, "resume", queued, 2)
    assert wait_for(client, queued, "finished")["step"] == 5
    assert {row["run"] for row in ask(client, "runs")} >= {run, queued}
    last = ask(client, "metrics", queued)[-1]
    assert last["step"] == 5
    assert "digit_fid" not in last  # random pictures are no digits


def test_steps_decide_where_the_preset_has_a_time_limit(client: Client, app: App, tiny_dataset: str) -> None:
    overrides = {"dataset": tiny_dataset, **SETTINGS, "width": 2}
    config = Run(app.runs_dir / ask(client, "start", "minute", 3, 0, json.dumps(overrides))).config()
    assert (config.steps, config.seconds) == (3, 0)
    timed = Run(app.runs_dir / ask(client, "start", "minute", 3, 0, json.dumps({**overrides, "seconds": 9}))).config()
    assert (timed.steps, timed.seconds) == (3, 9)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("start", ("nope", 10, 0, "{}"), "no preset"),
        ("start", ("tutorial", -1, 0, "{}"), "steps"),
        ("start", ("tutorial", 10, 0, '{"lr_g": 0}'), "lr_g"),
        ("start", ("tutorial", 10, 0, '{"lr_g": NaN}'), "lr_g"),
        ("start", ("tutorial", 10, 0, '{"z_dim": 1000000000}'), "z_dim"),
        ("start", ("tutorial", 10, 0, "{"), "JSON"),
        ("start", ("tutorial", 10, 0, "[1]"), "JSON"),
        ("start", ("tutorial", 10, 0, '{"bogus": 1}'), "no setting"),
        ("start", ("tutorial", 10, 0, '{"dataset": "/etc"}'), "no data set"),
        ("status", ("../x",), "no run"),
        ("pause", ("none",), "no run"),
        ("resume", ("none", 0), "no run"),
        ("stop", ("none",), "no run"),
        ("sample", ("none", -1, 0, 1), "no run"),
    ],
)
def test_bad_input_is_a_sentence_and_starts_nothing(
    client: Client, app: App, name: str, arguments: tuple[Any, ...], said: str
) -> None:
    before = sorted(app.runs_dir.iterdir())
    with pytest.raises(AppError, match=said):
        ask(client, name, *arguments)
    assert sorted(app.runs_dir.iterdir()) == before
    assert "Traceback" not in app.log()


def test_gradio_sends_no_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "True")
    sent: list[str] = []
    for name in ("version_check", "initiated_analytics", "_do_analytics_request"):
        monkeypatch.setattr(gradio.analytics, name, lambda *_, name=name, **__: sent.append(name))
    runner = Runner(tmp_path / "runs")
    try:
        page = build(runner, SampleServer(tmp_path / "runs"), Who({}))
    finally:
        runner.close()
    assert not page.analytics_enabled, "which is asked at launch, too"
    assert not sent


def test_only_the_named_endpoints_are_shown_and_they_are_documented(client: Client) -> None:
    shown = client.view_api(return_format="dict", print_info=False)
    assert set(shown["named_endpoints"]) == {
        "/presets",
        "/start",
        "/status",
        "/pause",
        "/resume",
        "/stop",
        "/change",
        "/branch",
        "/delete",
        "/metrics",
        "/runs",
        "/sample",
    }
    assert not shown["unnamed_endpoints"]


def test_sigterm_saves_the_training_and_the_next_start_offers_it(
    tmp_path: Path, cache: Path, tiny_dataset: str
) -> None:
    with App(tmp_path / "runs", cache) as app:
        client = Client(app.url, verbose=False)
        run = ask(client, "start", "tutorial", 1_000_000, 0, json.dumps({"dataset": tiny_dataset, **SETTINGS}))
        wait_until(lambda: ask(client, "status", run)["step"] > 10)
        app.process.terminate()
        folder = Run(app.runs_dir / run)
        wait_until(lambda: folder.state().status == "stopped")
        app.process.wait(20)
        step = folder.state().step
        app.start()
        client = Client(app.url, verbose=False)
        state = ask(client, "status", run)
        assert (state["status"], state["step"]) == ("stopped", step)
        assert "resume" in state["allowed"]
        ask(client, "resume", run)
        wait_until(lambda: ask(client, "status", run)["step"] > step)


def test_a_taken_port_is_one_sentence(app: App, tmp_path: Path) -> None:
    port = app.url.rsplit(":", 1)[1]
    command = [sys.executable, "app.py", "--port", port, "--runs-dir", str(tmp_path / "runs")]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert refused.stderr.strip().count("\n") == 0
    assert port in refused.stderr


def test_what_agents_are_offered_is_described_and_deletes_nothing(tmp_path: Path) -> None:
    runner, samples = Runner(tmp_path / "runs"), SampleServer(tmp_path / "runs")
    try:
        shown = build(runner, samples, Who({}), only_tools=True).get_api_info()
    finally:
        runner.close()
    assert shown is not None
    assert set(shown["named_endpoints"]) == {"/start", "/status", "/metrics", "/sample"}
    for name, endpoint in shown["named_endpoints"].items():
        assert endpoint["description"], name
        assert all(each["python_type"]["type"] for each in endpoint["parameters"]), name
        assert "request" not in {each["parameter_name"] for each in endpoint["parameters"]}


def test_mcp_is_served_or_refused_in_one_sentence(tmp_path: Path, cache: Path) -> None:
    if find_spec("mcp"):
        with App(tmp_path / "runs", cache, "--mcp") as app:
            tools = httpx.get(app.url + "/gradio_api/mcp/schema", timeout=30).json()
            assert {tool["name"] for tool in tools} == {"start", "status", "metrics", "sample"}
        return
    command = [sys.executable, "app.py", "--mcp", "--runs-dir", str(tmp_path / "runs")]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert refused.stderr.strip().count("\n") == 0
    assert 'pip install "gradio[mcp]"' in refused.stderr
