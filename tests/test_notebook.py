"""The notebook does what it says: its cells run, in order, with a tiny training; IPython's display is a stand-in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest
from PIL import Image

from gan_core.runs import list_runs
from tests.conftest import TINY
from tests.processes import ROOT

NOTEBOOK = json.loads((ROOT / "notebooks" / "gan_live.ipynb").read_text("utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What the cells display, with the id that it has, in order."""
    seen: list[tuple[str, Any]] = []
    stand_in = ModuleType("IPython.display")

    def show(thing: Any, display_id: str = "") -> None:
        seen.append((display_id, thing))

    def update(thing: Any, *, display_id: str) -> None:
        assert display_id in {each for each, _ in seen}, "only what is displayed can be updated"
        seen.append((display_id, thing))

    vars(stand_in).update(display=show, update_display=update)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", stand_in)
    return seen


def test_the_cells_train_show_and_sample(
    shown: list[tuple[str, Any]], tiny_dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / "notebooks")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("GAN_RUNS_DIR", str(tmp_path / "runs"))
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in CELLS:
        exec(compile("".join(cell["source"]), "cell", "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= {"PRESET": "tutorial", "CHANGES": {**TINY, "dataset": tiny_dataset, "steps": 12}}
    (run,) = list_runs(tmp_path / "runs")
    state = run.state()
    assert (state.status, state.step) == ("finished", 12)
    pictures = [thing for name, thing in shown if name == "fakes" and isinstance(thing, Image.Image)]
    assert pictures
    assert numpy.asarray(pictures[0].convert("L")).std() > 0
    assert any(name == "losses" and "d_loss" in thing for name, thing in shown)
    last = shown[-1][1]
    assert last.size == (860, 420)
    for half in (last.crop((0, 0, 420, 420)), last.crop((440, 0, 860, 420))):
        assert numpy.asarray(half).std() > 5, "a picture, and no empty half"


def test_it_is_committed_without_what_it_showed_somebody() -> None:
    assert [cell["outputs"] for cell in CELLS] == [[]] * len(CELLS)
    assert "".join(CELLS[0]["source"]).count('SOURCE = ""') == 1
