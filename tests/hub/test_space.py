"""Publishing the app as a Space: what is uploaded, who may, what can go wrong; against the stand-in Hub."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import huggingface_hub.constants
import pytest
import yaml
from huggingface_hub.utils import close_session  # type: ignore[attr-defined]

from gan_core import hub_errors, space, space_files
from gan_core.__main__ import main
from gan_core.runner import Runner
from gan_core.runs import Run
from gan_core.sentences import UserError
from gan_core.space import look, publish
from tests.hub.standin import StandIn
from tests.processes import ROOT

SPACE = "alice/gan"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "LOOK_EVERY", 0.0)


@pytest.fixture
def tiny_app(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The app in a few files."""
    files = dict.fromkeys(
        ("app.py", "gan_core/__init__.py", "gan_ui/__init__.py", "README.md"), b"---\ntitle: x\n---\n"
    )
    monkeypatch.setattr(space_files, "app_files", lambda hardware: dict(files))
    return files


def front_matter(files: dict[str, bytes]) -> dict[str, Any]:
    return dict(yaml.safe_load(files["README.md"].decode().split("---")[1]))


def test_a_space_is_made_whole_in_one_commit_and_runs(standin: StandIn, trained: Run, tmp_path: Any) -> None:
    plan = look(SPACE, token="hf_alice", private=True, run=trained, owner_token="secret words")
    assert not standin.repositories, "looking changes nothing"
    told: list[tuple[float, str]] = []
    published = publish(
        plan, token="hf_alice", report=lambda share, stage="", **_: told.append((share, stage)), cancelled=lambda: False
    )
    made = standin.repositories["spaces", SPACE]
    assert [commit.title for commit in made.commits] == ["initial commit", "Publish GAN Live"]
    assert (made.sdk, made.hardware, made.private) == ("gradio", "cpu-basic", True)
    assert made.variables == {"GRADIO_SSR_MODE": "false"}
    assert made.secrets == {"GAN_OWNER_TOKEN": "secret words"}
    assert published.url == f"{standin.url}/spaces/{SPACE}"
    assert [stage for _, stage in told if stage] == ["BUILDING", "APP_STARTING", "RUNNING", "RUNNING"]
    assert sorted(told) == told, "it only goes forwards"
    assert "secret words" not in repr(plan)

    files = made.files
    assert {"app.py", "gan_core/space.py", "gan_ui/components/live.js", "gan_core/assets/mnist/LICENCE.txt"} <= set(
        files
    )
    assert front_matter(files)["hf_oauth_scopes"] == ["contribute-repos"]
    # the run is one among the runs of whoever starts the app there
    for name, data in files.items():
        if name.startswith(space_files.RUNS):
            path = tmp_path / "there" / name.removeprefix(space_files.RUNS + "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    runner = Runner(tmp_path / "there")
    try:
        run = runner.find(trained.id)
        assert (runner.state(run).status, runner.state(run).step) == ("finished", 20)
        assert (run.config().device, run.config().threads) == ("cpu", 1)
        assert not (run.folder / "reals.webp").exists(), "own training pictures stay at home"
    finally:
        runner.close()


def test_only_what_is_on_the_list_is_uploaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for path in ("app.py", "gan_core/x.py", "gan_ui/y.js", "checkpoints/pretrained/best/config.json"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("ours")
    wanted = {"app.py", "gan_core/x.py", "gan_ui/y.js", "checkpoints/pretrained/best/config.json"}
    for path in (
        *(".env", "gan_core/.env", "gan_core/__pycache__/x.pyc", "gan_ui/y.js.swp", "gan_ui/.git/config", "notes.txt"),
        *("tests/test_x.py", "checkpoints/runs/mine/config.json", "LICENSE.bak", "gan_core/token.pem", ".git/config"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("theirs")
    (tmp_path / "gan_core" / "link.py").symlink_to("/etc/hostname")
    for name in ("README.md", "requirements.txt", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(space_files, "ROOT", tmp_path)
    files = space_files.app_files("cpu-basic")
    assert set(files) == {*wanted, "README.md", "requirements.txt", "LICENSE"}
    assert b"theirs" not in b"".join(files.values())


def test_what_git_knows_of_the_program_is_all_uploaded() -> None:
    tracked = subprocess.run(["git", "ls-files", *space_files.ALLOWED], cwd=ROOT, capture_output=True, text=True)
    assert set(tracked.stdout.split()) <= set(space_files.app_files("cpu-basic"))


def test_each_hardware_gets_the_versions_it_can_run() -> None:
    cpu, zero, gpu = (space_files.requirements(each).split("\n") for each in ("cpu-basic", "zero-a10g", "t4-small"))
    assert "torch==2.13.0" in cpu
    assert "torch==2.11.0" in zero
    assert "torchvision==0.26.0" in zero
    assert "torch==2.13.0" in gpu
    # a CPU needs none of CUDA's gigabytes; anything else does
    wheels = "--extra-index-url https://download.pytorch.org/whl/cpu"
    assert cpu[0] == space_files.requirements("cpu-upgrade").split("\n")[0] == wheels
    assert not any(line.startswith("--") for line in (*zero, *gpu))
    assert not any(line.startswith("gradio") for line in (*cpu, *zero, *gpu)), "sdk_version decides that"
    plain = yaml.safe_load((ROOT / "README.md").read_text("utf-8").split("---")[1])
    assert plain["hf_oauth"] is True
    assert plain["hf_oauth_scopes"] == ["contribute-repos"]
    assert len(plain["short_description"]) <= 60
    for hardware, python in (("cpu-basic", "3.12"), ("zero-a10g", "3.12.12")):
        matter = front_matter(space_files.app_files(hardware))
        assert matter == {**plain, "python_version": python, "suggested_hardware": hardware}


@pytest.mark.parametrize(
    ("how", "key"),
    [
        ({"token": None}, "hub_no_token"),
        ({"token": "hf_wrong"}, "hub_token_refused"),
        ({"token": "hf_alice_read"}, "space_read_only"),
        ({"repo": "bob/gan"}, "space_not_yours"),
        ({"repo": "gan"}, "hub_name_invalid"),
        ({"repo": "alice/no--dashes"}, "hub_name_invalid"),
        ({"hardware": "warp-drive"}, "not_a_choice"),
        ({"variables": {"PATH": "x"}}, "not_a_choice"),
        ({"repo": "bob/gan", "token": "hf_bob", "hardware": "cpu-basic"}, "space_free_account"),
    ],
)
@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_what_cannot_be_published_is_said_before_anything_is_made(
    standin: StandIn, how: dict[str, Any], key: str
) -> None:
    asked: dict[str, Any] = {"repo": SPACE, "token": "hf_alice", **how}
    with pytest.raises(UserError) as caught:
        look(asked.pop("repo"), **asked)
    assert caught.value.key == key
    assert not standin.repositories
    assert "hf_" not in str(caught.value)


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_a_free_account_gets_zerogpu_and_is_told_so(standin: StandIn) -> None:
    plan = look("bob/gan", token="hf_bob")
    assert plan.hardware == "zero-a10g"
    assert any("3.12.12" in line and "trainings run on its CPU" in line for line in plan.says())
    assert any("CPU 上进行" in line for line in plan.says("zh"))
    publish(plan, token="hf_bob")
    made = standin.repositories["spaces", "bob/gan"]
    assert made.hardware == "zero-a10g"
    assert b"torch==2.11.0" in made.files["requirements.txt"]
    # an organisation may turn out to be free only when the Space is made
    org = look("acme/gan", token="hf_alice")
    assert org.hardware == "cpu-basic"
    standin.fail("POST .*/create", status=402)
    with pytest.raises(UserError, match="choose zero-a10g"):
        publish(org, token="hf_alice")


@pytest.mark.parametrize(
    ("match", "how", "key"),
    [
        ("POST .*/create", {"status": 401}, "hub_token_refused"),
        ("POST .*/create", {"status": 403}, "hub_not_allowed"),
        ("POST .*/create", {"status": 402}, "space_free_account"),
        ("POST .*/create", {"status": 409}, "hub_exists"),
        ("POST .*/create", {"status": 429, "headers": {"RateLimit": '"api";r=0;t=77'}}, "hub_slow_down"),
        ("POST .*/create", {"drop": "connect"}, "hub_cut"),
        ("POST .*/preupload", {"status": 429, "headers": {"Retry-After": "77"}}, "hub_slow_down"),
        ("PUT /storage", {"drop": "upload", "after": 1000, "times": 99}, "hub_cut"),
        ("POST .*/commit/", {"status": 412}, "hub_changed"),
        ("POST .*/commit/", {"status": 500, "times": 9}, "hub_server_error"),
        ("POST .*/validate-yaml", {"status": 200, "body": "<html>sign in to the wifi</html>"}, "hub_odd_answer"),
    ],
)
def test_publishing_that_fails_leaves_nothing_that_looks_whole_and_can_be_repeated(
    standin: StandIn, slept: list[float], tiny_app: dict[str, bytes], match: str, how: dict[str, Any], key: str
) -> None:
    tiny_app["gan_core/large.safetensors"] = bytes(100_000)
    plan = look(SPACE, token="hf_alice")
    standin.fail(match, **how)
    with pytest.raises(UserError) as caught:
        publish(plan, token="hf_alice")
    assert caught.value.key == key
    assert key != "hub_slow_down" or "77 seconds" in str(caught.value)
    made = standin.repositories.get(("spaces", SPACE))
    assert made is None or [commit.title for commit in made.commits] == ["initial commit"]
    standin.failures.clear()
    publish(look(SPACE, token="hf_alice"), token="hf_alice")
    assert "app.py" in standin.repositories["spaces", SPACE].files


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_a_silent_hub_and_the_offline_flag_end_in_a_sentence(
    standin: StandIn, tiny_app: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = look(SPACE, token="hf_alice")
    monkeypatch.setattr(hub_errors, "ANSWER_SECONDS", 0.3)
    close_session()
    standin.fail("POST .*/create", silent=True)
    with pytest.raises(UserError) as caught:
        publish(plan, token="hf_alice")
    assert caught.value.key == "hub_silent"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    standin.requests.clear()
    for act in (lambda: look(SPACE, token="hf_alice"), lambda: publish(plan, token="hf_alice")):
        with pytest.raises(UserError) as caught:
            act()
        assert caught.value.key == "hub_offline"
    assert not standin.requests
    assert not standin.repositories


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_publishing_again_replaces_the_program_and_nothing_else(standin: StandIn, tiny_app: dict[str, bytes]) -> None:
    publish(look(SPACE, token="hf_alice", hardware="t4-small", owner_token="first"), token="hf_alice")
    made = standin.repositories["spaces", SPACE]
    standin.put(
        SPACE,
        {**made.files, "gan_core/old.py": b"", "mine.txt": b"keep", "checkpoints/runs/a/config.json": b"run"},
        kind="spaces",
    )
    again = look(SPACE, token="hf_alice", owner_token="second")
    assert not again.new
    assert again.hardware == "t4-small"
    assert "exists already" in again.says()[0]
    publish(again, token="hf_alice")
    made = standin.repositories["spaces", SPACE]
    assert "gan_core/old.py" not in made.files
    assert made.files["mine.txt"] == b"keep"
    assert made.files["checkpoints/runs/a/config.json"] == b"run", "published with it earlier"
    assert made.secrets == {"GAN_OWNER_TOKEN": "first"}
    for how, key in (({"hardware": "cpu-basic"}, "space_other_hardware"), ({"private": True}, "hub_is_public")):
        with pytest.raises(UserError) as caught:
            look(SPACE, token="hf_alice", **how)  # type: ignore[arg-type]
        assert caught.value.key == key
    standin.put("alice/other", {"app.py": b"theirs", "README.md": b""}, kind="spaces")
    with pytest.raises(UserError, match="something else"):
        look("alice/other", token="hf_alice")
    with pytest.raises(UserError) as caught:
        look(SPACE, token="hf_bob")
    assert caught.value.key == "space_not_yours"


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_what_costs_money_sleeps_and_says_its_price(
    standin: StandIn, tiny_app: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "STALE_SECONDS", 0.0)  # the same program again is no commit, and nothing is built

    def published(**how: Any) -> tuple[str, int | None]:
        plan = look(SPACE, token="hf_alice", **how)
        publish(plan, token="hf_alice")
        return " ".join(plan.says()), standin.repositories["spaces", SPACE].sleep

    said, sleep = published(hardware="t4-small")
    assert "t4-small costs $0.40 an hour" in said
    assert "After 3600 s without visitors it sleeps" in said
    assert sleep == 3600
    said, sleep = published()  # again: what its settings say stays
    assert "stays as its settings say" in said
    assert sleep == 3600
    said, sleep = published(sleep=600)
    assert "After 600 s" in said
    assert sleep == 600
    said, sleep = published(sleep=0)
    assert "never sleeps" in said
    assert sleep == -1
    del standin.repositories["spaces", SPACE]
    said, sleep = published(hardware="cpu-upgrade", sleep=0)
    assert "cpu-upgrade costs $0.03 an hour" in said
    assert sleep is None
    del standin.repositories["spaces", SPACE]
    _, sleep = published(hardware="cpu-basic")
    assert sleep is None
    for hardware in ("cpu-basic", "zero-a10g"):
        with pytest.raises(UserError, match="leave out --sleep"):
            look("alice/other", token="hf_alice", hardware=hardware, sleep=600)


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "times": 9},
        {"status": 200, "body": [{"name": "t4-small"}]},
        {"status": 200, "body": []},
        {"status": 200, "body": "<html>"},
        {"drop": "connect", "times": 9},
    ],
)
def test_a_price_that_is_not_known_stops_nothing(standin: StandIn, answer: dict[str, Any]) -> None:
    standin.fail("GET /api/spaces/hardware", **answer)
    plan = look(SPACE, token="hf_alice", hardware="t4-small")
    assert plan.price is None
    assert any("huggingface.co/pricing" in line for line in plan.says())


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_a_dry_run_needs_no_token(standin: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", SPACE, "--dry-run"]) == 0
    said = capsys.readouterr().out
    for part in ("nothing was asked", "hf auth login", "Makes the Space alice/gan", "gan_core"):
        assert part in said
    assert main(["publish", SPACE, "--dry-run", "--hardware", "t4-small", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["account"], plan["hardware"], plan["sleep"], plan["price"]) == ("", "t4-small", 3600, None)
    assert not standin.requests
    assert main(["publish", "gan", "--dry-run"]) == 2
    with pytest.raises(UserError) as caught:  # such a plan is for reading only
        publish(look(SPACE, token=None, ask=False), token="hf_alice")
    assert caught.value.key == "hub_no_token"
    assert main(["publish", SPACE, "--dry-run", "--sleep", "-1"]) == 2
    assert main(["publish", SPACE, "--dry-run", "--sleep", "60"]) == 2


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
@pytest.mark.parametrize(
    ("stages", "key"),
    [
        (["BUILDING", "BUILD_ERROR"], "space_broken"),
        (["BUILDING", "APP_STARTING", "RUNTIME_ERROR"], "space_broken"),
        (["CONFIG_ERROR"], "space_broken"),
        (["BUILDING", "PAUSED"], "space_asleep"),
        (["BUILDING"], "space_still_building"),
    ],
)
def test_the_wait_ends_and_says_how(
    standin: StandIn, tiny_app: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, stages: list[str], key: str
) -> None:
    standin.building = stages
    if key == "space_still_building":
        monkeypatch.setattr(space, "WAIT_SECONDS", 0.2)
    with pytest.raises(UserError) as caught:
        publish(look(SPACE, token="hf_alice"), token="hf_alice")
    assert caught.value.key == key
    assert f"/spaces/{SPACE}" in str(caught.value)
    assert "app.py" in standin.repositories["spaces", SPACE].files


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_a_space_that_ran_before_is_not_taken_for_the_new_one_and_a_failed_look_is_only_one(
    standin: StandIn, tiny_app: dict[str, bytes]
) -> None:
    publish(look(SPACE, token="hf_alice"), token="hf_alice")
    standin.building = ["RUNNING", "RUNNING", "BUILDING", "BUILD_ERROR"]
    tiny_app["app.py"] = b"new"
    again = look(SPACE, token="hf_alice")
    standin.fail("GET .*/runtime", status=500, skip=1)
    with pytest.raises(UserError) as caught:
        publish(again, token="hf_alice")
    assert caught.value.key == "space_broken"


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_it_can_be_stopped_before_and_after_the_upload(standin: StandIn, tiny_app: dict[str, bytes]) -> None:
    plan = look(SPACE, token="hf_alice")
    with pytest.raises(UserError, match="Stopped"):
        publish(plan, token="hf_alice", cancelled=lambda: True)
    assert len(standin.repositories["spaces", SPACE].commits) == 1
    standin.building = ["BUILDING"]
    seen: list[str] = []
    with pytest.raises(UserError, match="still being built"):
        publish(
            look(SPACE, token="hf_alice"),
            token="hf_alice",
            report=lambda share, stage="", **_: seen.append(stage),
            cancelled=lambda: "BUILDING" in seen,
        )


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
def test_the_command_looks_and_publishes(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    standin.building = ["RUNNING"]
    assert main(["publish", SPACE]) == 2
    assert "hf auth login" in capsys.readouterr().err
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    monkeypatch.setenv("GAN_OWNER_TOKEN", "open sesame")
    assert main(["publish", SPACE, "--dry-run", "--variable", "GAN_VISITORS=train"]) == 0
    said = capsys.readouterr().out
    for part in ("cpu-basic has 2 cores", "GAN_VISITORS=train", "goes along as a secret", "gan_core"):
        assert part in said
    assert "sesame" not in said
    assert not standin.repositories
    assert main(["publish", SPACE, "--json", "--variable", "GAN_VISITORS=train"]) == 0
    assert json.loads(capsys.readouterr().out)["url"].endswith(f"/spaces/{SPACE}")
    made = standin.repositories["spaces", SPACE]
    assert made.variables == {"GRADIO_SSR_MODE": "false", "GAN_VISITORS": "train"}
    assert made.secrets == {"GAN_OWNER_TOKEN": "open sesame"}
    assert main(["publish", SPACE, "--variable", "GAN_VISITORS"]) == 2
