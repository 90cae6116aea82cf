"""The ways in: a checkout, an installed package, `from app import demo`, --share and --log-level."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.requirements import Requirement

from gan_core import logs
from gan_core.runs import pretrained
from gan_ui import __main__ as command
from gan_ui.serve import Serving, share_words
from tests.processes import ROOT, App, wait_until

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CODE = ("app.py", "pyproject.toml", "README.md", "LICENSE", "gan_core", "gan_ui", "checkpoints")


def requirements(name: str) -> dict[str, Requirement]:
    """The packages that a requirements file names itself."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and line[0] not in "-#"]
    return {each.name: each for each in found}


def copy_project(folder: Path) -> Path:
    """A checkout of the program alone, in a new folder."""
    folder.mkdir()
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "runs"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages as pip installs them."""
    folder = tmp_path_factory.mktemp("installed")
    project = copy_project(folder / "project")
    # what pip runs to build a wheel, without the environment that it would fetch for it
    build = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", build, folder], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "packages")
    return folder / "packages"


def environment(packages: Path, **others: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "GAN_RUNS_DIR"}
    return {**kept, "PYTHONPATH": str(packages), **others}


def test_the_packages_hold_all_that_the_checkout_runs_with(installed: Path) -> None:
    for package in ("gan_core", "gan_ui"):
        files = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*") if path.is_file()}
        wanted = {path for path in files if "__pycache__" not in path.parts}
        assert not {path for path in wanted if not (installed / path).is_file()}
    shipped = ROOT / "checkpoints" / "pretrained"
    for path in shipped.rglob("*"):
        assert (installed / "gan_core" / "pretrained" / path.relative_to(shipped)).exists()
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"gan_core", "gan_ui"}
    entry = next(installed.glob("*.dist-info/entry_points.txt")).read_text("utf-8")
    assert "gan-live = gan_ui.__main__:main" in entry


def test_an_installed_package_finds_what_ships_and_trains_in_the_working_folder(
    installed: Path, tiny_dataset: str, tmp_path: Path
) -> None:
    def gan_live(*arguments: str) -> str:
        # the console script is these two lines
        code = "import sys; from gan_ui.__main__ import main; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            cwd=tmp_path,
            env=environment(installed),
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    gan_live("train", "--dataset", tiny_dataset, "--steps", "2", "--set", "batch_size=16")
    assert len(list((tmp_path / "checkpoints" / "runs").glob("*/config.json"))) == 1
    gan_live("sample", "best", "--n", "4", "--out", "four.png")
    assert (tmp_path / "four.png").is_file()


def test_the_command_is_the_page_or_the_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["presets"]) == 0
    assert "minute" in capsys.readouterr().out
    for arguments, said in ((["--help"], "--share"), (["train", "--help"], "usage: gan-live train")):
        with pytest.raises(SystemExit):
            command.main(arguments)
        assert said in capsys.readouterr().out


def test_an_installed_page_lists_what_ships(installed: Path, tmp_path: Path) -> None:
    code = "import sys; from gan_ui.__main__ import main; sys.exit(main())"
    log = open(tmp_path / "log", "wb")  # noqa: SIM115 - closed with the process
    process = subprocess.Popen(
        [sys.executable, "-P", "-u", "-c", code], cwd=tmp_path, env=environment(installed), stdout=log, stderr=log
    )
    try:

        def url() -> str:
            found = re.search(r"http://[\d.]+:\d+", (tmp_path / "log").read_text())
            return found[0] if found else ""

        wait_until(lambda: url() or process.poll() is not None, 200)
        assert url(), (tmp_path / "log").read_text()
        live = httpx.get(url() + "/gradio_api/lab/live", timeout=30).json()
        assert {each["id"] for each in live["pretrained"]} == {run.id for run in pretrained()} != set()
    finally:
        process.terminate()
        process.wait(30)
        log.close()
    assert (tmp_path / "checkpoints" / "runs").is_dir()


def test_publishing_needs_a_checkout(installed: Path, tmp_path: Path) -> None:
    code = "from gan_core.space_files import app_files; app_files('cpu-basic')"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment(installed), capture_output=True, text=True
    )
    assert "UserError" in done.stderr.splitlines()[-1]
    assert "checkout" in done.stderr.splitlines()[-1]


def test_the_lists_of_packages_agree() -> None:
    ranges = {name: each for each in PROJECT["project"]["dependencies"] for name in [Requirement(each).name]}
    exact = requirements("requirements.txt")
    assert set(ranges) == set(exact)
    for name, requirement in exact.items():
        for clause in requirement.specifier:
            if clause.operator == "==":
                assert Requirement(ranges[name]).specifier.contains(clause.version), name
        if name not in ("torch", "torchvision"):
            assert Requirement(ranges[name]).specifier == requirement.specifier
    pinned = requirements("constraints.txt")
    assert pinned == {name: exact[name] for name in ("torch", "torchvision")}
    tracking = Requirement(PROJECT["project"]["optional-dependencies"]["tracking"][0])
    assert requirements("requirements-dev.txt")[tracking.name] == tracking


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    made = Serving(tmp_path / "runs")
    yield made
    made.runner.close()


def test_the_page_alone_launches_with_its_routes_and_the_door(serving: Serving) -> None:
    serving.page.launch(prevent_thread_lock=True, quiet=True)
    try:
        assert serving.page.local_url
        live = httpx.get(serving.page.local_url + "gradio_api/lab/live")
        assert live.json()["pretrained"]
        assert httpx.get(serving.page.local_url + "gradio_api/lab/nothing").status_code == 404
        assert "visitor" in httpx.get(serving.page.local_url).headers["set-cookie"]
    finally:
        serving.page.close(verbose=False)


def test_demo_is_the_page_and_importing_app_starts_nothing(tmp_path: Path) -> None:
    code = """
import app, threading, gradio
assert not [each for each in threading.enumerate() if each.name == "runner"]
from app import demo
assert isinstance(demo, gradio.Blocks) and demo is app.demo
assert [each for each in threading.enumerate() if each.name == "runner"]
try:
    app.nothing
except AttributeError:
    print("well")
import os; os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.stdout.reconfigure(line_buffering=True)\n{code}"],
        cwd=ROOT,
        env={**os.environ, "GAN_RUNS_DIR": str(tmp_path / "runs")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == "well", done.stderr


def test_a_shared_page_gives_the_right_to_train_only_by_its_link(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setenv("GAN_OWNER_TOKEN", "")  # so that it is taken back in the end, whatever was made of it
    monkeypatch.setattr(command, "start_logging", lambda level: None)
    monkeypatch.setattr(
        Serving, "__init__", lambda self, runs_dir, trainings, mcp, host, share: asked.update(share=share)
    )
    monkeypatch.setattr(Serving, "serve", lambda self, port: 0)
    assert command.main(["--share"]) == 0
    assert asked == {"share": True}
    token = os.environ["GAN_OWNER_TOKEN"]
    assert len(token) > 16
    assert command.main(["--share"]) == 0
    assert os.environ["GAN_OWNER_TOKEN"] == token, "one that was chosen stays"


def test_the_links_of_a_shared_page() -> None:
    words = share_words("http://127.0.0.1:7860/", "https://abc.gradio.live", "secret")
    assert "http://127.0.0.1:7860/?owner=secret" in words
    assert "https://abc.gradio.live/?owner=secret" in words
    assert words.endswith("https://abc.gradio.live")
    assert "gradio.live" not in share_words("http://127.0.0.1:7860/", None, "secret"), "without a network"


def test_what_is_logged_follows_the_level(tmp_path: Path, cache: Path) -> None:
    with App(tmp_path / "runs", cache, "--log-level", "info") as app:
        wait_until(lambda: "INFO gan_ui.serve: serving the runs in" in app.log())
    with App(tmp_path / "other", cache) as app:
        assert "INFO" not in app.log()


def test_an_unknown_level_is_refused_and_one_in_the_environment_ignored() -> None:
    assert [logs.level_of({logs.VARIABLE: text}) for text in ("DEBUG", "", "loud")] == ["debug", "warning", "warning"]
    done = subprocess.run([sys.executable, "app.py", "--log-level", "loud"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "loud" in done.stderr


def test_the_level_is_of_our_loggers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(logs.VARIABLE, "error")
    before = {name: logging.getLogger(name).level for name in ("gan_core", "gan_ui", "httpx")}
    try:
        logs.start_logging("debug")
        assert logging.getLogger("gan_core.runner").isEnabledFor(logging.DEBUG)
        assert logging.getLogger("httpx").level == before["httpx"]
        assert os.environ[logs.VARIABLE] == "debug", "for the trainer processes"
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
