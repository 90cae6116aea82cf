"""What the Timeline tab is told: snapshots and what was measured at them, pictures, frames of a pose, and branches."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from starlette.applications import Starlette

from gan_core import saved
from gan_core.config import make_config
from gan_core.latent import sample_z, verdict
from gan_core.networks import build_pair
from gan_core.runner import Runner
from gan_core.runs import Run, create_run
from gan_ui.sampling import SampleServer
from gan_ui.timeline_routes import STEPS_AT_ONCE, timeline_routes
from gan_ui.who import Who
from tests.lively import lively

Ask = Callable[..., httpx.Response]
ALERT = {"kind": "batchnorm_drift", "values": {}, "cure": {}}


def grid(shade: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8), shade, np.uint8)).save(file, "webp")
    return file.getvalue()


@pytest.fixture
def samples(tmp_path: Path) -> SampleServer:
    return SampleServer(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Snapshots at 0, 100 and 200, the last two with their D; measured at 90 and 210, with an alert at the latter."""
    run = create_run(tmp_path / "one", make_config("tutorial", {"z_dim": 16}), "", 100)
    for step in (0, 100, 200):
        D = build_pair(make_config("tutorial", {"z_dim": 16, "seed": step}))[1]
        saved.save_snapshot(run, step, lively(step), grid(step), D if step else None)
    rows = [{"step": 90, "digit_fid": 20.5, "kid": float("nan")}, {"step": 210, "digit_fid": 30.0, "alerts": [ALERT]}]
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run


class Branches:
    """A runner that only notes what it should branch."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def branch(self, *asked: Any) -> Any:
        self.asked.append(asked)
        return Run(Path("branch-of-one"))


@pytest.fixture
def runner() -> Branches:
    return Branches()


@pytest.fixture
def ask(samples: SampleServer, runner: Branches) -> Iterator[Ask]:
    app = Starlette(routes=timeline_routes(cast(Runner, runner), samples, Who({})))

    def asked(method: str, path: str, **how: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            address = "http://test/gradio_api/lab/"
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=address) as client:
                return await client.request(method, path, **how)

        return asyncio.run(go())

    yield asked
    samples.workers.shutdown()


def test_a_timeline_says_what_is_kept_and_what_was_measured_there(ask: Ask, run: Run) -> None:
    told = ask("GET", "timeline", params={"run": run.id}).json()
    assert told["steps"] == [0, 100, 200]
    assert told["generators"] == told["pictures"] == [True, True, True]
    assert told["discriminators"] == [False, True, True]
    # a snapshot has the measurement nearest to it, but none of a G that trained noticeably longer
    assert told["row_of"] == [None, 0, 1]
    assert [row["step"] for row in told["rows"]] == [90, 210]
    assert told["rows"][0] == {"step": 90, "digit_fid": 20.5, "alerts": []}, "what is not finite is left out"
    assert [alert["kind"] for alert in told["rows"][1]["alerts"]] == ["batchnorm_drift"]
    assert told["rows"][1]["alerts"][0]["title"].keys() == {"en", "zh"}
    assert [(begun["kind"], begun["step"], begun["place"]) for begun in told["begun"]] == [("batchnorm_drift", 210, 2)]
    assert told["lowest"] == {"digit_fid": 20.5, "step": 90}
    assert told["best"] == 1


def test_a_timeline_is_sent_again_only_when_it_has_changed(ask: Ask, run: Run) -> None:
    first = ask("GET", "timeline", params={"run": run.id}).json()
    assert ask("GET", "timeline", params={"run": run.id, "tag": first["tag"]}).status_code == 204
    saved.save_snapshot(run, 300, lively(300), grid(3))
    second = ask("GET", "timeline", params={"run": run.id, "tag": first["tag"]}).json()
    assert second["steps"] == [0, 100, 200, 300]
    (run.folder / "metrics.jsonl").write_text("")
    assert ask("GET", "timeline", params={"run": run.id, "tag": second["tag"]}).json()["rows"] == []


def test_what_ships_has_pictures_all_along_but_only_its_last_generator(ask: Ask) -> None:
    told = ask("GET", "timeline", params={"run": "best"}).json()
    assert len(told["steps"]) > 10
    assert told["generators"] == [False] * (len(told["steps"]) - 1) + [True]
    assert ask("GET", f"snapshot/best/{told['steps'][0]}").headers["content-type"] == "image/webp"
    assert "ships" in ask("GET", "branch", params={"run": "best", "step": told["steps"][0]}).json()["en"]


def test_a_run_without_snapshots_has_an_empty_timeline(ask: Ask, tmp_path: Path) -> None:
    create_run(tmp_path / "empty", make_config("tutorial"), "", 100)
    told = ask("GET", "timeline", params={"run": "empty"}).json()
    assert (told["steps"], told["best"], told["begun"]) == ([], None, [])


def test_a_picture_that_was_thinned_out_is_a_sentence(ask: Ask, run: Run) -> None:
    assert ask("GET", "snapshot/one/100").content == grid(100)
    (run.folder / "snapshots" / "000100.webp").unlink()
    gone = ask("GET", "snapshot/one/100")
    assert gone.status_code == 422
    assert "not kept any more" in gone.json()["en"]


Z = sample_z(3, 1, 16)


def frames(ask: Ask, steps: str, z: torch.Tensor = Z, **query: Any) -> httpx.Response:
    return ask("POST", "frames", params={"run": "one", "steps": steps, **query}, content=z.numpy().tobytes())


def test_one_pose_is_drawn_by_many_snapshots_and_judged_by_their_ds(ask: Ask, run: Run, samples: SampleServer) -> None:
    drawn = frames(ask, "0,100,200").json()["frames"]
    for frame in drawn:
        expected = samples.images("one", frame["step"], Z)[0]
        assert base64.b64decode(frame["pixels"]) == expected.numpy().tobytes()
    assert drawn[0]["verdict"] is None
    for frame in drawn[1:]:
        picture = samples.sample("one", frame["step"], 3, 1)[0][:, None]
        D = saved.load_discriminator(run, frame["step"])
        assert frame["verdict"] == pytest.approx(verdict(D, picture).item(), abs=1e-6)
    other = frames(ask, "100", psi=0.5).json()["frames"][0]
    assert other["pixels"] == frames(ask, "100", Z * 0.5).json()["frames"][0]["pixels"] != drawn[1]["pixels"]


def test_a_conditional_g_draws_the_digit_and_its_d_is_told_so(ask: Ask, tmp_path: Path) -> None:
    config = make_config("minute", {"network": "conditional", "z_dim": 16})
    run, (G, D) = create_run(tmp_path / "one", config, "", 100), build_pair(config)
    with torch.no_grad():
        for value in (*G.parameters(), *D.parameters()):
            value.add_(torch.randn(value.shape, generator=torch.Generator().manual_seed(value.numel())) / 10)
    saved.save_snapshot(run, 100, G, grid(1), D)
    D = saved.load_discriminator(run, 100)
    drawn = [
        frames(ask, "100", **query).json()["frames"][0]
        for query in ({"digit": 3}, {"digit": 8}, {"digit": 3, "to": 8, "share": 0.9})
    ]
    assert len({frame["pixels"] for frame in drawn}) == 3
    for frame, digit in zip(drawn, (3, 8, 8), strict=True):
        picture = torch.frombuffer(bytearray(base64.b64decode(frame["pixels"])), dtype=torch.uint8)
        by_class = verdict(D, (picture.view(1, 1, 28, 28) / 255).expand(10, -1, -1, -1), torch.arange(10))
        assert (by_class - frame["verdict"]).abs().argmin() == digit


def test_a_frame_is_drawn_once_and_anew_when_its_snapshot_is_another(
    ask: Ask, run: Run, samples: SampleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, load = [], samples.load

    def counted(run: Run, step: int | None) -> Any:
        loads.append(step)
        return load(run, step)

    monkeypatch.setattr(samples, "load", counted)
    first = frames(ask, "100").json()
    assert frames(ask, "100,200").json()["frames"][0] == first["frames"][0]
    assert loads == [100, 200]
    saved.save_snapshot(run, 100, lively(7), grid(1))
    assert frames(ask, "100").json() != first


def test_a_snapshot_that_is_gone_does_not_take_the_others_along(ask: Ask, run: Run) -> None:
    (run.folder / "snapshots" / "000100.safetensors").unlink()
    (run.folder / "snapshots" / "000200.safetensors").write_bytes(b"torn")
    drawn = frames(ask, "0,100,200").json()["frames"]
    assert "pixels" in drawn[0]
    assert "no snapshot at step 100" in drawn[1]["en"]
    assert "damaged" in drawn[2]["en"]
    assert drawn[2].keys() == {"step", "en", "zh"}


NAN = torch.full((1, 16), float("nan"))


@pytest.mark.parametrize(
    ("steps", "z", "query", "says"),
    [
        (",".join("1" * (STEPS_AT_ONCE + 1)), Z, {}, "between 1 and 8"),
        ("", Z, {}, "must be a number"),
        ("nan", Z, {}, "must be a number"),
        ("-1", Z, {}, "between 0"),
        ("1e99", Z, {}, "between 0"),
        ("1.5", Z, {}, "whole number"),
        ("100", NAN, {}, "finite"),
        ("100", Z[:, :8], {}, "8 values"),
        ("100", Z, {"psi": "x"}, "psi must be a number"),
        ("100", Z, {"digit": 7}, "cannot be told which digit"),
    ],
)
def test_foreign_numbers_are_refused(
    ask: Ask, run: Run, steps: str, z: torch.Tensor, query: dict[str, Any], says: str
) -> None:
    answer = frames(ask, steps, z, **query)
    assert answer.status_code == 422
    assert says in answer.json()["en"], answer.json()["en"]


@pytest.mark.parametrize("step", ["nan", "-5", "1e300", "9999999999999", "x", "0.5"])
def test_a_step_that_is_none_is_refused_everywhere(ask: Ask, run: Run, step: str) -> None:
    for answer in (
        ask("GET", f"snapshot/one/{step}"),
        ask("GET", "branch", params={"run": "one", "step": step}),
        ask("POST", "branch", params={"run": "one", "step": step, "kind": "snapshot"}, json={}),
    ):
        assert answer.status_code == 422
        assert "step" in answer.json()["en"]


def test_a_run_that_is_gone_is_a_sentence_everywhere(ask: Ask) -> None:
    for method, path in (
        ("GET", "timeline?run=gone"),
        ("GET", "snapshot/gone/5"),
        ("GET", "branch?run=gone&step=5"),
        ("POST", "branch?run=gone&step=5"),
        ("POST", "frames?run=gone&steps=5"),
        ("GET", "timeline?run=../one"),
    ):
        answer = ask(method, path)
        assert answer.status_code == 422, path
        assert "no run" in answer.json()["en"]


def origin(ask: Ask, step: int) -> dict[str, Any]:
    told = ask("GET", "branch", params={"run": "one", "step": step}).json()
    return {name: told.get(name) for name in ("step", "kind")}


def test_a_branch_says_before_what_it_would_restore(ask: Ask, run: Run) -> None:
    told = ask("GET", "branch", params={"run": "one", "step": 250}).json()
    assert (told["step"], told["kind"]) == (200, "snapshot")
    fields = {field["name"]: field["value"] for field in told["fields"]}
    assert fields["lr_g"] == "1e-05"
    assert fields["steps"] == str(run.config().steps)
    assert set(fields) == {"lr_g", "lr_d", "n_critic", "r1_gamma", "r2_gamma", "ema_decay", "steps"}
    assert origin(ask, 0) == {"step": 0, "kind": "start"}
    saved.save_checkpoint(run, 200, {"weight": torch.zeros(2)}, 1.0)
    assert origin(ask, 200) == {"step": 200, "kind": "checkpoint"}


def test_where_nothing_was_kept_to_go_on_from_it_says_so(ask: Ask, run: Run) -> None:
    answer = ask("GET", "branch", params={"run": "one", "step": 50})
    assert answer.status_code == 422
    assert "nothing to branch from at step 50" in answer.json()["en"]


def test_a_branch_is_started_with_what_differs(ask: Ask, run: Run, runner: Branches) -> None:
    answer = ask("POST", "branch", params={"run": "one", "step": 200, "kind": "snapshot"}, json={"lr_g": "1e-4"})
    assert answer.json() == {"run": "branch-of-one"}
    assert runner.asked == [("one", {"lr_g": "1e-4"}, 200)]


def test_a_branch_whose_origin_was_thinned_out_meanwhile_is_not_started(ask: Ask, run: Run, runner: Branches) -> None:
    asked = {"run": "one", "step": 200, "kind": "snapshot"}
    (run.folder / "snapshots" / "000200.safetensors").unlink()
    answer = ask("POST", "branch", params=asked, json={})
    assert "gone by now" in answer.json()["en"]
    for body in (b"[1]", b"no json", b"\xff"):
        assert "JSON object" in ask("POST", "branch", params=asked, content=body).json()["en"]
    assert runner.asked == []
