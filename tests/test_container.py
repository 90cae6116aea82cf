"""The container's recipe, as far as it can be tried without docker: what it copies, who runs it, and when it is healthy."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from gan_core.space_files import ALLOWED
from tests.processes import ROOT, App

RECIPE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
LINES = [line.split(maxsplit=1) for line in RECIPE.splitlines() if line and not line.startswith("#")]
IGNORED = (ROOT / ".dockerignore").read_text("utf-8").splitlines()


def values(instruction: str) -> list[str]:
    return [rest for name, rest in LINES if name == instruction]


def test_it_copies_the_whole_program_and_nothing_else() -> None:
    copied = {source for rest in values("COPY") for source in rest.split()[:-1]}
    assert copied - {"requirements.txt"} == set(ALLOWED) - {"checkpoints/README.md"}
    assert IGNORED[1] == "*", "runs, tokens and the repository stay outside"
    assert {line[1:] for line in IGNORED if line.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)


def test_nobody_runs_it_as_root_and_its_runs_are_on_the_volume() -> None:
    names = [name for name, _ in LINES]
    assert names.index("USER") < names.index("CMD")
    assert values("USER") == ["live"]
    (volume,) = values("VOLUME")
    settings = dict(pair.split("=") for pair in values("ENV")[0].split())
    assert all(settings[name].startswith(f"{volume}/") for name in ("GAN_RUNS_DIR", "GAN_DATA_DIR"))
    assert values("EXPOSE") == [settings["PORT"]]
    assert "https://download.pytorch.org/whl/cpu" in RECIPE


def test_its_command_serves_and_its_health_check_knows(tmp_path: Path, cache: Path) -> None:
    command = json.loads(values("CMD")[0])
    assert command[:2] == ["python", "app.py"]
    check = json.loads(values("HEALTHCHECK")[0].partition("CMD ")[2])
    with App(tmp_path / "runs", cache, *command[2:]) as app:
        variables = {**os.environ, "PORT": app.url.rsplit(":", 1)[1]}
        healthy = subprocess.run([sys.executable, *check[1:]], env=variables, capture_output=True, timeout=100)
        assert healthy.returncode == 0, healthy.stderr
    ill = subprocess.run([sys.executable, *check[1:]], env=variables, capture_output=True, timeout=100)
    assert ill.returncode != 0
