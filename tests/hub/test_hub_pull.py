"""Pulling from repositories that are broken or made to harm: each is refused with its sentence, and nothing is left."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from gan_core import saved
from gan_core.hub import push
from gan_core.hub_files import MANIFEST, collect
from gan_core.hub_pull import pull
from gan_core.runs import Run, list_runs
from gan_core.sentences import UserError
from tests.hub.standin import StandIn

REPO = "mallory/digits"
SNAPSHOT = "snapshots/000020.safetensors"
CHECKPOINT = "checkpoint-000020.safetensors"
CHECKPOINT_FACTS = "checkpoint-000020.json"

Files = dict[str, bytes]


def listed(files: Files, **others: dict[str, Any]) -> Files:
    """The files with a list that tells the truth about them, but for what `others` say."""
    facts = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
        if name != MANIFEST
    }
    return {**files, MANIFEST: json.dumps({"format": 1, "files": {**facts, **others}}).encode()}


def with_json(files: Files, name: str, **values: Any) -> Files:
    return listed({**files, name: json.dumps({**json.loads(files[name]), **values}).encode()})


def with_settings(files: Files, **values: Any) -> Files:
    return with_json(files, "config.json", settings={**json.loads(files["config.json"])["settings"], **values})


def with_tensors(files: Files, name: str, change: Callable[[dict[str, torch.Tensor]], None]) -> Files:
    state = safetensors.torch.load(files[name])
    change(state)
    data = safetensors.torch.save(state)
    files = {**files, name: data}
    if name == CHECKPOINT:
        facts = {"step": 20, "seconds": 1.0, "sha256": hashlib.sha256(data).hexdigest()}
        files["checkpoint-000020.json"] = json.dumps(facts).encode()
    return listed(files)


def without(files: Files, name: str) -> Files:
    return {path: data for path, data in files.items() if path != name}


def spoil(state: dict[str, torch.Tensor]) -> None:
    next(value for key, value in state.items() if key.endswith("weight")).view(-1)[0] = torch.nan


def cut(state: dict[str, torch.Tensor]) -> None:
    key = next(key for key in state if key.endswith("weight"))
    state[key] = state[key][:-1].contiguous()


def lose(state: dict[str, torch.Tensor]) -> None:
    del state[next(key for key in state if key.endswith("weight"))]


def lose_z(state: dict[str, torch.Tensor]) -> None:
    del state["z"]


def turn_back(state: dict[str, torch.Tensor]) -> None:
    state["step"].fill_(7)


def big_header(files: Files) -> Files:
    return listed({**files, SNAPSHOT: struct.pack("<Q", 50_000_000) + files[SNAPSHOT][8:]})


HOSTILE: dict[str, tuple[Callable[[Files], Files], str]] = {
    "a path out of the folder": (
        lambda f: listed(f, **{"../../evil.json": {"size": 1, "sha256": "0" * 64}}),
        "foreign_name",
    ),
    "an absolute path": (lambda f: listed(f, **{"/etc/passwd": {"size": 1, "sha256": "0" * 64}}), "foreign_name"),
    "a hidden path": (lambda f: listed(f, **{"snapshots/../x.webp": {"size": 1, "sha256": "0" * 64}}), "foreign_name"),
    "a program": (lambda f: listed({**f, "run.py": b"import os"}), "foreign_name"),
    "a pickle": (lambda f: listed({**f, "model.pt": b"\x80\x04"}), "foreign_name"),
    "10 GB": (lambda f: listed(f, **{SNAPSHOT: {"size": 10**10, "sha256": "0" * 64}}), "too_large"),
    "a long history": (lambda f: listed({**f, "history.jsonl": b" " * 21_000_000}), "too_large"),
    "many files": (
        lambda f: listed(f, **{f"snapshots/{n:06d}.webp": {"size": 1, "sha256": "0" * 64} for n in range(1000)}),
        "too_many_files",
    ),
    "1.2 GB in pieces": (
        lambda f: listed(
            f, **{f"snapshots/{n:06d}.safetensors": {"size": 150_000_000, "sha256": "0" * 64} for n in range(8)}
        ),
        "too_large_together",
    ),
    "another file than listed": (lambda f: {**f, SNAPSHOT: f[SNAPSHOT][:-1] + b"x"}, "hash_differs"),
    "more than listed": (lambda f: {**f, "config.json": f["config.json"] + b" " * 5000}, "hash_differs"),
    "less than listed": (lambda f: {**f, "config.json": f["config.json"][:-9]}, "hash_differs"),
    "a listed file is missing": (lambda f: without(f, "history.jsonl"), "incomplete"),
    "no settings": (lambda f: listed(without(f, "config.json")), "incomplete"),
    "no weights": (lambda f: listed({n: d for n, d in f.items() if not n.startswith("snapshots/")}), "incomplete"),
    "a list that is no list": (lambda f: {**f, MANIFEST: b"[1, 2"}, "file_unreadable"),
    "a list of lists": (lambda f: {**f, MANIFEST: b"[" * 100_000}, "file_unreadable"),
    "a list of nothing": (lambda f: {**f, MANIFEST: b'{"format": 1, "files": []}'}, "file_unreadable"),
    "a huge list": (lambda f: {**f, MANIFEST: b" " * 1_100_000}, "hash_differs"),
    "sizes that are none": (lambda f: listed(f, **{SNAPSHOT: {"size": -1, "sha256": "0" * 64}}), "file_unreadable"),
    "a newer list": (lambda f: {**f, MANIFEST: b'{"format": 2, "files": {}}'}, "newer"),
    "newer settings": (lambda f: with_json(f, "config.json", format=9), "newer"),
    "settings that are none": (lambda f: listed({**f, "config.json": b"null"}), "file_unreadable"),
    "a preset that is a path": (lambda f: with_settings(f, preset="../../x"), "file_unreadable"),
    "a data set that is a path": (lambda f: with_settings(f, dataset="/etc"), "file_unreadable"),
    "an endless data set": (lambda f: with_json(f, "config.json", dataset_size=10**15), "file_unreadable"),
    "a state of NaN": (lambda f: with_json(f, "state.json", seconds=float("nan")), "file_unreadable"),
    "a huge header": (big_header, "huge_header"),
    "half a file": (lambda f: listed({**f, SNAPSHOT: f[SNAPSHOT][:200]}), "file_unreadable"),
    "no weights in the file": (lambda f: listed({**f, SNAPSHOT: b""}), "file_unreadable"),
    "weights cut off": (lambda f: listed({**f, SNAPSHOT: f[SNAPSHOT][:-8]}), "wrong_network"),
    "weights of another shape": (lambda f: with_tensors(f, SNAPSHOT, cut), "wrong_network"),
    "weights left out": (lambda f: with_tensors(f, SNAPSHOT, lose), "wrong_network"),
    "settings of another network": (lambda f: with_settings(f, z_dim=9), "wrong_network"),
    "NaN in G": (lambda f: with_tensors(f, SNAPSHOT, spoil), "not_finite"),
    "NaN in D": (lambda f: with_tensors(f, "snapshots/000020.D.safetensors", spoil), "not_finite"),
    "another D": (lambda f: with_tensors(f, "snapshots/000020.D.safetensors", cut), "wrong_network"),
    "NaN in the checkpoint": (lambda f: with_tensors(f, CHECKPOINT, spoil), "not_finite"),
    "a checkpoint of another shape": (lambda f: with_tensors(f, CHECKPOINT, cut), "wrong_network"),
    "a checkpoint without its random numbers": (
        lambda f: with_tensors(f, CHECKPOINT, lose_z),
        "wrong_network",
    ),
    "a checkpoint of another step": (
        lambda f: with_tensors(f, CHECKPOINT, turn_back),
        "wrong_network",
    ),
    "a checkpoint of lists": (
        lambda f: listed({**f, CHECKPOINT_FACTS: b"[" * 5000}),
        "file_unreadable",
    ),
    "a checkpoint before time": (lambda f: with_json(f, CHECKPOINT_FACTS, seconds=-1e18), "file_unreadable"),
    "a checkpoint after time": (lambda f: with_json(f, CHECKPOINT_FACTS, seconds=1e300), "file_unreadable"),
    "a checkpoint of no time": (lambda f: with_json(f, CHECKPOINT_FACTS, seconds=True), "file_unreadable"),
    "digits of another script": (
        lambda f: listed({**f, "snapshots/\u0660\u0660\u0660\u0660\u0660\u0665.webp": b"x"}),
        "foreign_name",
    ),
    "a step that we write otherwise": (lambda f: listed({**f, "snapshots/0000020.webp": b"x"}), "foreign_name"),
    "a checkpoint without weights": (lambda f: listed(without(f, CHECKPOINT)), "incomplete"),
    "a picture that is a page": (
        lambda f: listed({**f, "snapshots/000020.webp": b"<script>alert(1)</script>"}),
        "file_unreadable",
    ),
}


@pytest.fixture(scope="module")
def honest(_trained_once: Path) -> Files:
    return collect(Run(_trained_once), REPO)


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_repository_is_refused_and_nothing_is_touched(
    standin: StandIn, honest: Files, tmp_path: Path, what: str
) -> None:
    make, key = HOSTILE[what]
    standin.put(REPO, make(honest))
    mine = tmp_path / "runs"
    mine.mkdir()
    (mine / "keep").write_text("mine")
    with pytest.raises(UserError) as caught:
        pull(REPO, None, mine)
    assert caught.value.key == f"hub_{key}", str(caught.value)
    assert [path.name for path in mine.rglob("*")] == ["keep"]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    if key in ("foreign_name", "too_large", "too_many_files", "too_large_together"):
        assert not any("snapshots" in line for line in standin.requests), "refused before anything is fetched"


def test_curves_and_events_are_taken_over_only_as_what_they_can_be(
    standin: StandIn, honest: Files, tmp_path: Path
) -> None:
    point = json.loads(honest["history.jsonl"].splitlines()[-1])
    rows: dict[str, list[Any]] = {
        "history.jsonl": [
            point,
            {**point, "d_loss": "<b>"},
            {**point, "step": -1},
            {**point, "step": 1},
            {**point, "x": 1},
        ],
        "metrics.jsonl": [
            {
                "step": 1,
                "seconds": 1.0,
                "digit_fid": 3.0,
                "note": "<b>",
                "histogram": [1],
                "alerts": [{"kind": "evil"}],
            },
            {"step": 2, "seconds": float("nan")},
            {
                **{"step": 3, "seconds": 2.0, "histogram": [0.1] * 10},
                "alerts": [{"kind": "divergence", "values": {"grad_d": 60.0}, "cure": {"lr_g": 0.0001}}],
            },
        ],
        "events.jsonl": [
            {"time": 1.0, "event": "changed", "step": 5, "settings": {"lr_g": 0.002}, "reason": "asked"},
            {"time": 1.0, "event": "changed", "step": 6, "settings": {"network": "conv"}},
            {"time": 1.0, "event": "changed", "step": 6, "settings": {"lr_g": "cheap"}},
            {"time": 1.0, "event": "started", "command": "rm"},
        ],
    }
    made = {
        name: b"not json\n" + b"".join(json.dumps(row).encode() + b"\n" for row in some) for name, some in rows.items()
    }
    standin.put(REPO, listed({**honest, **made}))
    run = pull(REPO, None, tmp_path / "mine")
    assert run.history()[0] == [point, point]
    assert run.metrics()[0] == [{"step": 1, "seconds": 1.0, "digit_fid": 3.0, "alerts": []}, rows["metrics.jsonl"][2]]
    assert [event["settings"] for event in run.events()] == [{"lr_g": 0.002}]
    assert set(run.document()) >= {"origin", "settings"}


def test_a_pull_that_is_cut_is_tried_again_and_one_that_is_stopped_leaves_nothing(
    standin: StandIn, trained: Run, tmp_path: Path, slept: list[float]
) -> None:
    push(trained, "alice/digits", token="hf_alice")
    mine = tmp_path / "mine"
    standin.fail("GET /storage", drop="download", after=5000, times=2)
    assert saved.verify(pull("alice/digits", None, mine)) == []
    for how in ({"drop": "download", "times": 99}, {"status": 503, "times": 99}):
        standin.fail("GET /storage", **how)
        with pytest.raises(UserError) as caught:
            pull("alice/digits", None, mine)
        assert caught.value.key in ("hub_cut", "hub_server_error")
    standin.failures.clear()
    assert sum(slept) < 60
    seen: list[float] = []
    with pytest.raises(UserError, match="Stopped"):
        pull(
            "alice/digits",
            None,
            mine,
            report=lambda share, **_: seen.append(share),
            cancelled=lambda: bool(seen) and seen[-1] > 0.5,
        )
    assert len(list(mine.iterdir())) == len(list(list_runs(mine))) == 1


def test_a_revision_is_pulled_as_it_was(standin: StandIn, trained: Run, tmp_path: Path) -> None:
    first = push(trained, "alice/digits", token="hf_alice", tag="v1")
    standin.put("alice/digits", {"README.md": b"something else by now"})
    for revision in ("v1", first.commit):
        assert pull("alice/digits", revision, tmp_path / "mine").document()["origin"]["commit"] == first.commit
    for revision, key in (
        ("main", "hub_not_ours"),
        ("v2", "hub_no_revision"),
        ("..", "hub_no_revision"),
        ("a/../..", "hub_no_revision"),
    ):
        with pytest.raises(UserError) as caught:
            pull("alice/digits", revision, tmp_path / "mine")
        assert caught.value.key == key


def test_a_gated_repository_and_a_folder_that_cannot_be_written(
    standin: StandIn, honest: Files, tmp_path: Path
) -> None:
    standin.put(REPO, honest, gated=True)
    with pytest.raises(UserError, match="only to people who asked"):
        pull(REPO, None, tmp_path / "mine")
    standin.put(REPO, honest, gated=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Nothing can be written"):
        pull(REPO, None, tmp_path / "file" / "runs")


def test_what_a_killed_pull_left_behind_goes_with_the_next_one_a_day_later(
    standin: StandIn, honest: Files, tmp_path: Path
) -> None:
    standin.put(REPO, honest)
    for name in (".pull-old", ".pull-now"):
        (tmp_path / "mine" / name).mkdir(parents=True)
    os.utime(tmp_path / "mine" / ".pull-old", (0, 0))
    pull(REPO, None, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").glob(".*")] == [".pull-now"]


def test_a_run_that_xet_uploaded_is_pulled_like_any_other(standin: StandIn, honest: Files, tmp_path: Path) -> None:
    from huggingface_hub import HfApi

    api = HfApi(token="hf_alice")
    api.create_repo("alice/digits")
    for name, data in honest.items():
        path = tmp_path / "theirs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    api.upload_folder(repo_id="alice/digits", folder_path=tmp_path / "theirs")
    assert bool(standin.xet and standin.xet.names) == any("xet-write-token" in line for line in standin.requests)
    assert saved.verify(pull("alice/digits", None, tmp_path / "mine")) == []
