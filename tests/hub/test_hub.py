"""Pushing, with what can stop it, and pulling what was pushed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from gan_core import saved
from gan_core.hub import push
from gan_core.hub_files import MANIFEST
from gan_core.hub_pull import pull
from gan_core.latent import generate, sample_z
from gan_core.loop import train_run
from gan_core.runs import Run, pretrained, snapshot_path, snapshot_steps
from gan_core.sentences import UserError
from tests.hub.standin import StandIn

REPO = "alice/digits"


def test_a_pushed_run_comes_back_and_goes_on_as_the_original_does(
    standin: StandIn, trained: Run, tmp_path: Path
) -> None:
    shares: list[float] = []
    pushed = push(trained, REPO, token="hf_alice", tag="v1", report=lambda share, **_: shares.append(share))
    repository = standin[REPO]
    assert [commit.title for commit in repository.commits] == ["initial commit", "Push small"]
    assert repository.tags == {"v1": pushed.commit}
    assert not repository.private
    assert shares[-1] == 1
    assert sorted(shares) == shares
    assert {"generator.safetensors", "discriminator.safetensors", "checkpoint-000020.safetensors"} <= set(
        repository.files
    )
    assert "checkpoint-000015.safetensors" not in repository.files, "only the newest"

    run = pull(REPO, "v1", tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [run.id]
    assert run.document()["origin"] == {"hub": REPO, "revision": "v1", "commit": pushed.commit}
    assert saved.verify(run) == []
    assert (run.state().status, run.state().step) == ("finished", 20)
    assert snapshot_steps(run) == snapshot_steps(trained)
    assert run.history()[0] == trained.history()[0]
    z = sample_z(3, 4, 8)
    mine, theirs = (
        generate(saved.load_generator(snapshot_path(each, 10), each.config())[0], z) for each in (run, trained)
    )
    assert torch.equal(mine, theirs)
    assert train_run(run, more_steps=10).status == train_run(trained, more_steps=10).status == "finished"
    ends = [saved.load_checkpoint(each, 30)[0] for each in (run, trained)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert all(torch.equal(value, ends[1].state[key]) for key, value in ends[0].state.items()), "bit for bit"


def test_the_card_says_what_it_is_and_the_list_has_every_file(standin: StandIn, trained: Run) -> None:
    (trained.folder / "metrics.jsonl").write_text(
        json.dumps({"step": 20, "seconds": 1.0, "count": 1000, "digit_fid": 7.25, "precision": 0.5, "recall": 0.25})
        + "\n"
    )
    push(trained, REPO, token="hf_alice")
    files = standin[REPO].files
    card = files["README.md"].decode()
    metadata = yaml.safe_load(card.split("---")[1])
    assert {"license", "library_name", "pipeline_tag", "tags"} <= set(metadata)
    assert "7.25 | 0.43 |" in card, "what as many real digits score"
    assert "not comparable with Inception FID" in card
    assert "![Fifty fakes](samples.png)" in card
    assert f'gan_core.load("{REPO}")' in card
    assert re.search(r"`checkpoint-000020.safetensors` \| \d+\.\d MB", card)
    assert set(json.loads(files[MANIFEST])["files"]) == set(files) - {".gitattributes", MANIFEST}
    assert str(trained.folder) not in "".join(data.decode("utf-8", "ignore") for data in files.values())
    assert files["discriminator.safetensors"] == files["snapshots/000020.D.safetensors"]


def test_an_unchanged_run_makes_no_second_commit_and_a_later_one_replaces_what_is_gone(
    standin: StandIn, trained: Run
) -> None:
    first = push(trained, REPO, token="hf_alice")
    assert push(trained, REPO, token="hf_alice").commit == first.commit
    train_run(trained, more_steps=10)
    standin.requests.clear()
    push(trained, REPO, token="hf_alice")
    assert "checkpoint-000020.safetensors" not in standin[REPO].files
    assert "checkpoint-000030.safetensors" in standin[REPO].files
    sent = [line for line in standin.requests if line.startswith("PUT")]
    assert len(sent) == 5, "the checkpoint, the snapshot and its D, its picture, and the samples"


@pytest.mark.parametrize("run", pretrained(), ids=lambda run: run.id)
def test_the_networks_that_ship_can_be_pushed_and_pulled(standin: StandIn, run: Run, tmp_path: Path) -> None:
    push(run, REPO, token="hf_alice")
    mine = pull(REPO, None, tmp_path)
    assert saved.verify(mine) == []
    assert (mine.folder / "live.webp").exists()
    assert len(list(mine.folder.glob("snapshots/*.webp"))) == len(list(run.folder.glob("snapshots/*.webp")))
    with pytest.raises(UserError, match="without a checkpoint"):
        train_run(mine)
    assert saved.verify(mine) == []


def test_private_stays_private(standin: StandIn, trained: Run, tmp_path: Path) -> None:
    push(trained, REPO, token="hf_alice", private=True)
    assert standin[REPO].private
    for token in (None, "hf_bob"):
        with pytest.raises(UserError, match="There is no alice/digits") as caught:
            pull(REPO, None, tmp_path / "mine", token=token)
        assert caught.value.key == "hub_no_repository"
    assert pull(REPO, None, tmp_path / "mine", token="hf_alice_read").document()["origin"]["hub"] == REPO
    standin.put("alice/open", {})
    with pytest.raises(UserError, match="everyone can see it"):
        push(trained, "alice/open", token="hf_alice", private=True)
    assert standin["alice/open"].files == {}


def test_another_project_is_neither_pushed_over_nor_pulled(standin: StandIn, trained: Run, tmp_path: Path) -> None:
    theirs = {"README.md": b"# mine", "config.json": b"{}", "model.safetensors": b"weights"}
    standin.put(REPO, theirs)
    with pytest.raises(UserError, match="choose another name"):
        push(trained, REPO, token="hf_alice")
    assert standin[REPO].files == theirs
    with pytest.raises(UserError, match="no run of GAN Live"):
        pull(REPO, None, tmp_path / "mine")
    assert list((tmp_path).glob("mine/*")) == []


@pytest.mark.parametrize(
    ("how", "key"),
    [
        ({"token": None}, "hub_no_token"),
        ({"token": "hf_wrong"}, "hub_token_refused"),
        ({"token": "hf_alice\nX: y"}, "hub_token_refused"),
        ({"token": "hf_alice_read"}, "hub_not_allowed"),
        ({"token": "hf_bob"}, "hub_not_allowed"),
        ({"repo": "alice"}, "hub_name_invalid"),
        ({"repo": "alice/no--dashes"}, "hub_name_invalid"),
        ({"repo": "a/b/c"}, "hub_name_invalid"),
        ({"repo": "../x"}, "hub_name_invalid"),
        ({"tag": "with space"}, "hub_tag_invalid"),
        ({"tag": "../main"}, "hub_tag_invalid"),
    ],
)
def test_what_cannot_be_pushed_is_said_before_anything_is_sent(
    standin: StandIn, trained: Run, how: dict[str, Any], key: str
) -> None:
    asked: dict[str, Any] = {"repo": REPO, "token": "hf_alice", **how}
    with pytest.raises(UserError) as caught:
        push(trained, **asked)
    assert caught.value.key == key
    assert not standin.repositories
    assert "hf_" not in str(caught.value)


def test_a_tag_is_given_once(standin: StandIn, trained: Run) -> None:
    push(trained, REPO, token="hf_alice", tag="v1")
    before = len(standin[REPO].commits)
    train_run(trained, more_steps=10)
    with pytest.raises(UserError, match="has a tag v1 already"):
        push(trained, REPO, token="hf_alice", tag="v1")
    assert len(standin[REPO].commits) == before


@pytest.mark.parametrize(
    ("match", "how", "key"),
    [
        ("POST .*/commit/", {"status": 412}, "hub_changed"),
        ("POST .*/commit/", {"status": 500, "times": 9}, "hub_server_error"),
        ("POST .*/commit/", {"status": 403}, "hub_not_allowed"),
        ("POST .*/commit/", {"status": 413, "body": {"error": "too big"}}, "hub_refused"),
        ("POST .*/commit/", {"drop": "upload"}, "hub_cut"),
        ("POST .*/create", {"status": 402}, "hub_must_pay"),
        (
            "POST .*/create",
            {"status": 409, "body": {"error": "another conflicting operation is in progress"}},
            "hub_exists",
        ),
        ("POST .*/create", {"status": 502, "body": "<html>"}, "hub_server_error"),
        ("POST .*/create", {"drop": "connect"}, "hub_cut"),
        ("POST .*/create", {"status": 429, "headers": {"RateLimit": '"api";r=0;t=77'}}, "hub_slow_down"),
        ("POST .*/preupload", {"status": 429, "headers": {"Retry-After": "77"}}, "hub_slow_down"),
        ("POST .*/preupload", {"status": 429}, "hub_too_often"),
        ("POST .*/validate-yaml", {"status": 200, "body": "<html>sign in to the wifi</html>"}, "hub_odd_answer"),
        ("POST .*/objects/batch", {"status": 503, "times": 9}, "hub_server_error"),
        ("PUT /storage", {"drop": "upload", "after": 1000, "times": 99}, "hub_cut"),
        ("PUT /storage", {"status": 403, "times": 99}, "hub_not_allowed"),
    ],
)
def test_a_push_that_fails_publishes_nothing_and_can_be_repeated(
    standin: StandIn, trained: Run, slept: list[float], match: str, how: dict[str, Any], key: str
) -> None:
    standin.fail(match, **how)
    with pytest.raises(UserError) as caught:
        push(trained, REPO, token="hf_alice", tag="v1")
    assert caught.value.key == key
    assert key != "hub_slow_down" or "77 seconds" in str(caught.value)
    assert sum(slept) < 60 * 4, "never minutes in silence"
    made = standin.repositories.get(("models", REPO))
    assert made is None or [commit.title for commit in made.commits] == ["initial commit"]
    assert made is None or not made.tags
    standin.failures.clear()
    push(trained, REPO, token="hf_alice", tag="v1")
    assert MANIFEST in standin[REPO].files


def test_what_has_arrived_is_not_sent_again(standin: StandIn, trained: Run, slept: list[float]) -> None:
    standin.fail("POST .*/commit/", status=500)
    with pytest.raises(UserError):
        push(trained, REPO, token="hf_alice")
    assert any(line.startswith("PUT") for line in standin.requests)
    standin.requests.clear()
    push(trained, REPO, token="hf_alice")
    assert not any(line.startswith("PUT") for line in standin.requests)


def test_a_short_trouble_is_waited_for(standin: StandIn, trained: Run, slept: list[float]) -> None:
    standin.fail("PUT /storage", drop="upload", times=2)
    push(trained, REPO, token="hf_alice")
    assert slept
    assert MANIFEST in standin[REPO].files


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_push_can_be_stopped(standin: StandIn, trained: Run, share: float) -> None:
    seen = [0.0]
    with pytest.raises(UserError, match="Stopped"):
        push(
            trained,
            REPO,
            token="hf_alice",
            report=lambda share, **_: seen.append(share),
            cancelled=lambda: seen[-1] >= share,
        )
    made = standin.repositories.get(("models", REPO))
    assert made is None or len(made.commits) == 1
    push(trained, REPO, token="hf_alice")


def test_somebody_else_pushing_meanwhile_is_noticed(
    standin: StandIn, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(trained, REPO, token="hf_alice")
    train_run(trained, more_steps=10)
    theirs: list[object] = []

    def report(share: float, **_: int) -> None:
        if share > 0.5 and not theirs:
            theirs.append(standin.put(REPO, {"README.md": b"theirs"}))

    with pytest.raises(UserError, match="Somebody else changed"):
        push(trained, REPO, token="hf_alice", report=report)
    assert standin[REPO].files == {"README.md": b"theirs"}


def test_a_run_with_nothing_to_sample_is_not_pushed(standin: StandIn, make_run: Callable[..., Run]) -> None:
    with pytest.raises(UserError, match="nothing to sample yet"):
        push(make_run("fresh"), REPO, token="hf_alice")
    assert not standin.requests


def test_a_training_may_go_on_while_it_is_pushed(standin: StandIn, trained: Run, tmp_path: Path) -> None:
    def report(share: float, **_: int) -> None:
        if trained.state().step < 40:
            train_run(trained, more_steps=20)

    push(trained, REPO, token="hf_alice", report=report)
    run = pull(REPO, None, tmp_path / "mine")
    assert saved.verify(run) == []
    assert run.state().step == 20
