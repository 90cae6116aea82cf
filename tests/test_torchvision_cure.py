"""Importing torchvision beside a torch it was not built for, and leaving a proper one alone."""

from __future__ import annotations

import importlib.machinery
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gan_core.torchvision_cure import import_torchvision

# what torchvision's own import asks of its compiled operators
ASKS = """
import torch
for name in ("nms", "qnms"):
    torch.library.register_fake(f"torchvision::{name}")(lambda dets, scores, iou_threshold: dets)
"""
# and what they are: a library that defines them, once, when it is imported
PROPER = """
import torch
library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl(name, lambda dets, scores, iou_threshold: dets + 1, "CPU")
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "torchvision"
    folder.mkdir()
    return folder


def run(package: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process for which `package` is torchvision."""
    root = Path(__file__).parent.parent
    path = os.pathsep.join([str(package.parent), str(root)])
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def extension(package: Path) -> Path:
    return package / f"_C{importlib.machinery.EXTENSION_SUFFIXES[0]}"


def test_the_torchvision_of_this_machine_is_imported() -> None:
    torchvision = import_torchvision()
    assert torchvision is import_torchvision()
    assert torchvision.datasets.MNIST.__name__ == "MNIST"


def test_a_torchvision_without_operators_is_imported(package: Path) -> None:
    (package / "__init__.py").write_text(ASKS)
    extension(package).write_bytes(b"built for another torch")
    uncured = run(package, "import torchvision")
    assert "operator torchvision::nms does not exist" in uncured.stderr
    cured = run(
        package,
        "from gan_core.torchvision_cure import import_torchvision as cure\n"
        "print(cure().__file__); cure(); import gc; gc.collect(); import torch; print(torch.ops.torchvision.nms)",
    )
    assert cured.returncode == 0, cured.stderr
    assert str(package) in cured.stdout


def test_a_torchvision_with_operators_is_left_alone(package: Path) -> None:
    (package / "__init__.py").write_text(PROPER)
    extension(package).symlink_to(Path(torch._C.__file__))  # any library that loads will do
    proper = run(
        package,
        "import torch\n"
        "from gan_core import torchvision_cure\n"
        "torchvision_cure.import_torchvision()\n"
        "assert not torchvision_cure._kept\n"
        "print(torch.ops.torchvision.nms(torch.zeros(1), torch.zeros(1), 0.5).item())",
    )
    assert proper.returncode == 0, proper.stderr
    assert proper.stdout.strip() == "1.0"


def test_a_cure_by_somebody_else_is_left_alone(package: Path) -> None:
    (package / "__init__.py").write_text(ASKS)
    already = run(
        package,
        "import torch\n"
        "library = torch.library.Library('torchvision', 'DEF')\n"
        "for name in ('nms', 'qnms'):\n"
        "    library.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "from gan_core import torchvision_cure\n"
        "torchvision_cure.import_torchvision()\n"
        "assert not torchvision_cure._kept",
    )
    assert already.returncode == 0, already.stderr


def test_a_missing_torchvision_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr(sys, "meta_path", [])
    with pytest.raises(ImportError):
        import_torchvision()
