"""Data flows one way: a module of the engine imports only those before it, and only the last of them know processes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = [
    "sentences",
    "logs",
    "networks",
    "objectives",
    "preset",
    "gallery",
    "presets",
    "fields",
    "config",
    "files",
    "runs_dir",
    "torchvision_cure",
    "data_cache",
    "image_files",
    "imported_images",
    "digit_pictures",
    "torchvision_data",
    "data",
    "sampler",
    "layers",
    "penalties",
    "emulated_bf16",
    "cores",
    "trainer",
    "pose",
    "latent",
    "directions",
    "render",
    "judge",
    "metrics",
    "projection",
    "neighbours",
    "diagnostics",
    "curves",
    "runs",
    "kept",
    "saved",
    "direction_names",
    "film",
    "films",
    "replay",
    "changes",
    "branch",
    "meter",
    "loop",
    "tracking",
    "worker",
    "runner",
    "hub_errors",
    "hub_card",
    "hub_files",
    "hub_send",
    "hub",
    "hub_rows",
    "hub_checks",
    "hub_pull",
    "hub_load",
    "hub_keep",
    "space_files",
    "space_hardware",
    "space",
    "hub_commands",
    "publish_command",
    "film_command",
    "track_command",
    "__main__",
]
OUTSIDE = {"subprocess", "multiprocessing", "gradio", "starlette", "fastapi", "httpx", "huggingface_hub"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "gan_core" else {node.module}
            )
    return names


def modules() -> list[Path]:
    return [path for path in (ROOT / "gan_core").glob("*.py") if path.stem != "__init__"]


def test_the_order_names_every_module() -> None:
    assert {path.stem for path in modules()} | {"networks", "objectives"} == set(ORDER)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_modules_import_only_what_comes_before_them(path: Path) -> None:
    inner = {name.split(".")[1] for name in imported(path) if name.startswith("gan_core.")}
    assert all(ORDER.index(name) < ORDER.index(path.stem) for name in inner), inner
    if ORDER.index(path.stem) < ORDER.index("worker"):
        assert not {name.split(".")[0] for name in imported(path)} & OUTSIDE


def test_the_page_knows_no_optimizer_and_the_engine_no_gradio() -> None:
    for path in (ROOT / "gan_ui").rglob("*.py"):
        assert not {"torch.optim", "gan_core.trainer", "gan_core.objectives"} & imported(path), path
    code = "import sys, gan_core.runner, gan_core.loop, gan_core.__main__; print('gradio' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "False"


def test_the_engine_knows_the_page_only_in_the_command_that_exports_one() -> None:
    known = {path.stem: names for path in modules() if (names := {n for n in imported(path) if n.startswith("gan_ui")})}
    assert known == {"__main__": {"gan_ui.replay"}}


def test_the_page_is_built_without_torch() -> None:
    code = "import sys, gan_ui.app, gan_ui.replay, gan_core.runner; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "False"
