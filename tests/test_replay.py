"""A run written as a page: what is in it, how large it may get, and when it is refused. tests/browser/ looks at it."""

from __future__ import annotations

import io
import itertools
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gan_core import runs, saved
from gan_core.__main__ import main
from gan_core.direction_names import name_direction
from gan_core.replay import MAP_SEEDS, MAP_SIDE, latent_maps, thinned
from gan_core.runs import Run
from gan_core.sentences import UserError
from gan_ui.replay import BYTES_AT_MOST, export, zip_bytes
from gan_ui.replay.page import PARTS
from tests.lively import lively

BEST, CONDITIONAL, TUTORIAL = (Run(runs.PRETRAINED / name) for name in ("best", "conditional", "tutorial"))
NOISE = np.random.default_rng(0)


def record_in(folder: Path) -> dict[str, Any]:
    """What the page's script will read."""
    text = (folder / "index.html").read_text("utf-8")
    found = re.search(r'<script type="application/json" id="rp-record">(.*?)</script>', text, re.DOTALL)
    assert found
    return dict(json.loads(found[1], parse_constant=pytest.fail))


def key_of(call: Callable[[], Any]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    return caught.value.key


def noise(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(NOISE.integers(0, 256, (side, side), dtype=np.uint8)).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


@pytest.fixture
def small(make_run: Callable[..., Run]) -> Run:
    """A run with three snapshots, two of them measured, the last with an alert."""
    run = make_run("small", z_dim=16)
    for step in (0, 10, 20):
        saved.save_snapshot(run, step, lively(step), noise(148))
    lines = [
        {"step": step, "seconds": step / 10, "d_loss": 0.7, "g_loss": 0.7, "d_real": 0.5, "d_fake": 0.5}
        for step in range(1, 21)
    ]
    (run.folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    values = {"lost": 9, "lost_most": 5, "share": 0.1, "share_least": 0.45}
    alert = {"kind": "mode_collapse", "values": values, "cure": {"r1_gamma": 0.3}}
    rows = [
        {"step": 11, "digit_fid": 20.0, "count": 1000, "alerts": []},
        {"step": 19, "digit_fid": 30.0, "count": 1000, "alerts": [alert]},
    ]
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run


def test_a_replay_holds_the_run_and_asks_for_nothing(small: Run, tmp_path: Path) -> None:
    shares: list[float] = []
    size = export(small, tmp_path / "site", shares.append)
    assert size == sum(path.stat().st_size for path in (tmp_path / "site").iterdir()) < BYTES_AT_MOST
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    record = record_in(tmp_path / "site")
    assert [frame["step"] for frame in record["frames"]] == [0, 10, 20]
    assert [frame["row"] for frame in record["frames"]] == [None, 0, 1]  # before step 10 nothing had been measured
    assert (record["best"], record["lowest"]) == (1, {"step": 11, "digit_fid": 20.0})
    assert record["rows"][1]["alerts"][0]["title"]["zh"] == "G 画的数字种类太少"
    assert record["rows"][1]["alerts"][0]["cure"] == {}
    assert record["view"]["curves"]["x"] == list(range(1, 21))
    assert record["reals"] == ""  # people's own pictures stay with them
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)|\bfetch\(|url\(|@import|https?://(?!www\.w3\.org)""", page)


def test_the_networks_that_ship_have_replays_with_their_licence(tmp_path: Path) -> None:
    for run, maps in ((BEST, MAP_SEEDS), (CONDITIONAL, 10), (TUTORIAL, MAP_SEEDS)):
        assert export(run, tmp_path / run.id) < 4_000_000
        record = record_in(tmp_path / run.id)
        assert len(record["maps"]) == maps
        assert len(record["frames"]) == len(list(run.folder.glob("snapshots/*.webp")))
        assert "CC BY-SA 3.0" in record["facts"]["licence"]
        assert record["facts"]["command"].startswith(f"python -m gan_core train --preset {run.id}")
        assert record["reals"]
        readme = (tmp_path / run.id / "README.md").read_text("utf-8")
        assert readme.startswith("---\n")
        assert "\nsdk: static\n" in readme
        assert "CC BY-SA 3.0" in readme


def test_a_map_is_a_square_of_fakes_that_the_judge_reads() -> None:
    step, maps = latent_maps(CONDITIONAL, lambda share: None)
    assert step == 40_000
    assert [each.digit for each in maps] == list(range(10))
    for each in maps:
        assert Image.open(io.BytesIO(each.png)).size == (28 * MAP_SIDE, 28 * MAP_SIDE)
        assert len(each.reads) == MAP_SIDE**2
        assert each.reads.count(str(each.digit)) > 0.5 * MAP_SIDE**2


def test_a_generator_that_gives_nan_costs_only_the_map(small: Run, tmp_path: Path) -> None:
    broken = lively(0)
    with torch.no_grad():
        next(broken.parameters()).fill_(torch.nan)
    saved.save_snapshot(small, 20, broken, noise(148))
    export(small, tmp_path / "site")
    assert record_in(tmp_path / "site")["maps"] == []


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=300), st.integers(3, 130), st.data())
def test_thinning_keeps_both_ends_and_the_best(steps: set[int], count: int, data: st.DataObject) -> None:
    ascending = sorted(steps)
    keep = data.draw(st.sampled_from(ascending))
    kept = thinned(ascending, count, keep)
    assert kept == sorted(set(kept))
    assert set(kept) <= steps
    assert len(kept) == min(count, len(ascending))
    assert {ascending[0], ascending[-1], keep} <= set(kept)


def test_thinning_is_even_in_the_logarithm() -> None:
    kept = thinned(range(0, 100_000, 500), 20)
    assert sum(step < 10_000 for step in kept) > 5


def test_the_largest_run_stays_within_the_bound(small: Run, tmp_path: Path) -> None:
    picture, generator = noise(148), (small.folder / "snapshots" / "000020.safetensors").read_bytes()
    for step in range(500, 100_500, 500):
        (small.folder / "snapshots" / f"{step:06d}.webp").write_bytes(picture)
    (small.folder / "snapshots" / "100000.safetensors").write_bytes(generator)
    point = {
        "seconds": 0.1234,
        "d_loss": 0.123456,
        "g_loss": 9.87654,
        "d_real": 0.654321,
        "d_fake": 0.123456,
        "grad_d": 0.1,
        "grad_g": 0.2,
    }
    with (small.folder / "history.jsonl").open("w") as file:
        file.writelines(json.dumps({"step": step, **point}) + "\n" for step in range(10, 100_000, 10))
    alert = json.loads((small.folder / "metrics.jsonl").read_text().splitlines()[-1])["alerts"][0]
    row = {"count": 1000, "histogram": [0.1] * 10, "alerts": [alert] * 6, "diversity": 1.0, "diversity_of_reals": 10.0}
    with (small.folder / "metrics.jsonl").open("w") as file:
        file.writelines(json.dumps({"step": s, "digit_fid": 1e5 / s, **row}) + "\n" for s in range(50, 100_000, 50))
    assert 2_000_000 < export(small, tmp_path / "site") <= BYTES_AT_MOST
    whole = record_in(tmp_path / "site")
    assert export(small, tmp_path / "site", limit=1_500_000) <= 1_500_000
    fewer = record_in(tmp_path / "site")
    assert 8 <= len(fewer["frames"]) < len(whole["frames"]) <= 120
    for record in (whole, fewer):
        assert record["frames"][-1]["step"] == 100_000
        assert record["best"] is not None
    assert key_of(lambda: export(small, tmp_path / "none", limit=100_000)) == "replay_too_large"
    assert not (tmp_path / "none").exists()


def test_no_text_of_a_run_can_leave_its_place(small: Run, tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script><!-- {{scripts}} \u2028 \" ' ]]> \\"
    document = small.document()
    document["settings"]["preset"] = document["command"] = hostile
    document["versions"] = {hostile: hostile}
    (small.folder / "config.json").write_text(json.dumps(document))
    with (small.folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 20, "digit_fid": 40, "kid": float("nan"), "note": hostile}) + "\n")
    name_direction(small, 20, 0, hostile[:40])
    renamed = small.folder.rename(small.folder.with_name("<u>&amp; `x` #"))
    export(Run(renamed), tmp_path / "site")
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "alert(1)</script>" not in page
    assert "<u>" not in page
    scripts = 1 + 2 + 4 + len(PARTS)
    assert page.count("<script") - page.count("\\u003cscript") <= scripts
    assert page.count("</script>") == scripts - 1
    record = record_in(tmp_path / "site")
    assert record["preset"] == record["facts"]["command"] == hostile
    assert record["facts"]["map"]["names"] == [hostile[:40], ""]
    readme = (tmp_path / "site" / "README.md").read_text("utf-8")
    assert readme.count("\n---\n") == 1
    assert "<script>" not in readme.replace("\\<", "")


def test_scripts_and_styles_do_not_end_their_tags() -> None:
    folder = Path(__file__).parent.parent / "gan_ui"
    for path in itertools.chain(
        folder.glob("replay/*.js"), folder.glob("replay/*.css"), folder.glob("components/*.[jc]s*")
    ):
        assert not re.search(r"</(script|style)", path.read_text("utf-8")), path


def test_folders_that_hold_something_else_are_refused(small: Run, tmp_path: Path) -> None:
    taken, file, empty = tmp_path / "taken", tmp_path / "file", tmp_path / "empty"
    taken.mkdir()
    (taken / "index.html").write_text("<h1>mine</h1>")
    file.write_text("mine")
    for folder in (taken, file, small.folder):
        assert key_of(partial(export, small, folder)) == "replay_folder_taken"
    assert (taken / "index.html").read_text() == "<h1>mine</h1>"
    (empty / ".git").mkdir(parents=True)
    (empty / ".git" / "config").write_text("mine")
    for _ in range(2):  # into an empty folder, then over the earlier replay
        export(small, empty)
        assert sorted(path.name for path in empty.iterdir()) == [".git", "README.md", "index.html"]
    assert (empty / ".git" / "config").read_text() == "mine"
    assert key_of(lambda: export(small, file / "below")) == "cannot_write"


def test_runs_that_cannot_be_shown_are_refused(small: Run, make_run: Callable[..., Run], tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert key_of(lambda: export(make_run("young"), site)) == "no_snapshot_yet"
    assert key_of(lambda: export(Run(tmp_path / "gone"), site)) == "not_a_run"

    def delete(share: float) -> None:
        shutil.rmtree(small.folder, ignore_errors=True)

    assert key_of(lambda: export(small, site, delete)) in ("no_snapshot_yet", "not_a_run")
    unreadable = make_run("unreadable")
    (unreadable.folder / "config.json").write_text("{")
    assert key_of(lambda: export(unreadable, site)) == "run_unreadable"
    damaged = make_run("damaged")
    (damaged.folder / "snapshots" / "000010.webp").write_bytes(noise(148))
    (damaged.folder / "snapshots" / "000010.safetensors").write_bytes(b"nonsense")
    assert key_of(lambda: export(damaged, site)) == "snapshot_unreadable"
    assert not site.exists()


def test_a_cancelled_export_leaves_nothing(small: Run, tmp_path: Path) -> None:
    for patience in range(8):
        stop = partial(
            export, small, tmp_path / "new" / "site", cancelled=partial(next, iter([False] * patience), True)
        )
        assert key_of(stop) == "replay_stopped"
    assert not (tmp_path / "new").exists()


def test_a_run_that_failed_or_changed_says_so(small: Run, tmp_path: Path) -> None:
    error = {"key": "not_finite", "values": {"step": 20, "checkpoint": 15}}
    small.write_state(runs.State(status="failed", step=20, error=error))
    small.add_event("changed", step=12, settings={"lr_g": 0.5}, reason="asked")
    export(small, tmp_path / "site")
    view = record_in(tmp_path / "site")["view"]
    assert "NaN" in view["error"]["en"]
    assert "NaN" in view["error"]["zh"]
    assert view["measured"]["marks"] == [{"step": 12, "changes": [["lr_g", 1e-3, 0.5]]}]


def test_the_command_and_the_zip(small: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    assert main(["export", str(small.folder), str(site), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["page"] == str(site / "index.html")
    assert said["bytes"] < BYTES_AT_MOST
    command = record_in(site)["facts"]["command"]
    assert command.startswith("python -m gan_core train --preset tutorial --dataset ")
    assert "z_dim=16" in command
    with zipfile.ZipFile(io.BytesIO(zip_bytes(site))) as archive:
        assert sorted(archive.namelist()) == ["site/README.md", "site/index.html"]
        assert archive.read("site/index.html") == (site / "index.html").read_bytes()
    assert main(["export", "nobody", str(site)]) == 2
    assert "no run" in capsys.readouterr().err
