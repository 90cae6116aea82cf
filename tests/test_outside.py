"""What other people's scripts, links, notebooks, browsers and old run folders rely on, as it was written down once.

A difference is a break for them, or something new. If it is meant, write it down again: `python -m tests.test_outside`
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import io
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gan_core
from gan_core import data
from gan_core.__main__ import main as engine
from gan_core.config import make_config
from gan_core.fields import FIELDS
from gan_core.files import read_lines
from gan_core.loop import prepare, train_run
from gan_core.pose import Pose, to_text
from gan_core.presets import PRESETS
from gan_core.runner import Runner
from gan_core.runs import Run, create_run
from gan_ui.__main__ import main as page_command
from gan_ui.app import build, launch_settings
from gan_ui.jobs import Jobs
from gan_ui.sampling import SampleServer
from gan_ui.who import Who

WRITTEN = Path(__file__).parent / "outside.json"
ROOT = WRITTEN.parent.parent
POSE = Pose(z=(0.5, -1.25, 3.0), psi=0.7, digit=3, run="a-run", step=1500, to=8, share=0.25)


def outside(folder: Path) -> dict[str, Any]:
    """All of it, in plain JSON. `folder` is for a run that it makes."""
    return {
        "commands": _commands(),
        "settings": {field.name: _setting(field) for field in FIELDS},
        "presets": list(PRESETS),
        "load": str(inspect.signature(gan_core.load)),
        "pose": to_text(POSE),
        "run folder": _run_folder(folder / "run"),
        **_page(folder / "runs"),
        "variables": _found("*.py", r"\b(GAN_[A-Z_]+|CPU_CORES)\b"),
        "kept by browsers": _found("*.js", r"'(gan-live-[a-z-]+)'"),
        "in links": _found("*.js", r"(?:query|Params|search\)?)\.(?:get|set|delete)\('(\w+)'"),
    }


def _commands() -> dict[str, Any]:
    names = re.findall(r"(?m)^    ([a-z]+) ", _help(engine))
    found = {"gan-live": _options(_help(page_command))}
    return found | {name: _options(_help(engine, name)) for name in names}


def _help(command: Callable[..., Any], *arguments: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        command([*arguments, "--help"])
    return said.getvalue()


def _options(said: str) -> list[str]:
    """The options and positional arguments that a help names; how it is laid out depends on the Python."""
    positional = re.findall(
        r"(?m)^  ([A-Z]+|[a-z]+)\b", said.partition("options:")[0].partition("positional arguments:")[2]
    )
    return sorted({*re.findall(r"(?<![\w-])--[a-z][a-z-]*", said), *positional})


def _setting(field: Any) -> dict[str, Any]:
    kept = ("kind", "minimum", "maximum", "above", "choices", "live")
    return {name: value for name, value in dataclasses.asdict(field).items() if name in kept}


def _run_folder(folder: Path) -> dict[str, Any]:
    changes = {"steps": 20, "log_every": 10, "checkpoint_every": 10, "snapshot_every": 10, "width": 2, "batch_size": 4}
    config, facts = prepare(make_config("minute", {**changes, "threads": 1, "precision": "fp32", "device": "cpu"}))
    run = create_run(folder, config, facts.sha256, facts.size)
    train_run(run)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    lines = {name: sorted(read_lines(folder / f"{name}.jsonl")[0][0]) for name in ("history", "events")}
    return {"files": files, "config.json": sorted(run.document()), "state.json": sorted(_state(run)), "lines": lines}


def _state(run: Run) -> dict[str, Any]:
    return dict(json.loads((run.folder / "state.json").read_text("utf-8")))


def _page(runs_dir: Path) -> dict[str, Any]:
    runner, samples, jobs, who = Runner(runs_dir), SampleServer(runs_dir), Jobs(), Who({})
    try:
        page = build(runner, samples, who)
        settings = launch_settings(runner, samples, jobs, who)
        routes = [f"{'/'.join(sorted(each.methods))} {each.path}" for each in settings["app_kwargs"]["routes"]]
        endpoints = page.get_api_info()["named_endpoints"]
        return {
            "routes": sorted(routes),
            "endpoints": {name: list(_parameters(each)) for name, each in sorted(endpoints.items())},
            "events": sorted(
                name for each in page.fns.values() if not (name := str(each.api_name)).startswith("js_fn")
            ),
        }
    finally:
        jobs.close()
        runner.close()


def _parameters(endpoint: Any) -> Iterator[str]:
    for each in endpoint["parameters"]:
        default = f" = {each['parameter_default']}" if each["parameter_has_default"] else ""
        yield f"{each['parameter_name']}: {each['python_type']['type']}{default}"


def _found(pattern: str, regex: str) -> list[str]:
    files = [*ROOT.glob("gan_core/**/" + pattern), *ROOT.glob("gan_ui/**/" + pattern), ROOT / "app.py"]
    return sorted({name for path in files for name in re.findall(regex, path.read_text("utf-8"))})


def _plain(found: dict[str, Any]) -> Any:
    return json.loads(json.dumps(found))


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> Any:
    data.ensure("mnist")
    return _plain(outside(tmp_path_factory.mktemp("outside")))


@pytest.mark.parametrize("what", sorted(json.loads(WRITTEN.read_text("utf-8"))) if WRITTEN.exists() else ["nothing"])
def test_what_others_rely_on_is_as_it_was(now: Any, what: str) -> None:
    assert now[what] == json.loads(WRITTEN.read_text("utf-8"))[what]


def test_all_of_it_is_written_down(now: Any) -> None:
    assert sorted(now) == sorted(json.loads(WRITTEN.read_text("utf-8")))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        WRITTEN.write_text(json.dumps(outside(Path(scratch)), indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.exit()
