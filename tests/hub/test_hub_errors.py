"""Every way the Hub can fail, as a sentence, and no wait without an end."""

from __future__ import annotations

from collections.abc import Iterator

import huggingface_hub.constants
import pytest
from huggingface_hub.errors import LocalTokenNotFoundError
from huggingface_hub.utils import close_session, get_session, httpx  # type: ignore[attr-defined]

from gan_core import hub_errors
from gan_core.hub import push
from gan_core.hub_errors import connect, own_token, said
from gan_core.hub_errors import hub_errors as as_sentences
from gan_core.runs import Run
from gan_core.sentences import SENTENCES, UserError
from tests.hub.standin import StandIn

REPO = "alice/digits"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hub_errors, "ANSWER_SECONDS", 0.3)
    close_session()
    yield
    close_session()


def ask(token: str | None = "hf_alice", revision: str = "main") -> None:
    with as_sentences(REPO, revision):
        connect(token).model_info(REPO, revision=revision)


def key_of(token: str | None = "hf_alice", revision: str = "main") -> str:
    with pytest.raises(UserError) as caught:
        ask(token, revision)
    assert token is None or token not in caught.value.say("en") + caught.value.say("zh")
    return caught.value.key


@pytest.mark.parametrize("standin", ["lfs"], indirect=True)
@pytest.mark.parametrize(
    ("status", "headers", "key"),
    [
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, "hub_token_refused"),
        (402, {}, "hub_must_pay"),
        (403, {}, "hub_not_allowed"),
        (403, {"X-Error-Code": "GatedRepo"}, "hub_gated"),
        (403, {"X-Error-Message": "Access to this resource is disabled."}, "hub_closed"),
        (404, {"X-Error-Code": "RepoNotFound"}, "hub_no_repository"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "hub_no_revision"),
        (404, {}, "hub_refused"),
        (409, {}, "hub_exists"),
        (412, {}, "hub_changed"),
        (429, {"RateLimit": '"api";r=0;t=300'}, "hub_slow_down"),
        (429, {"RateLimit": '"api";r=0;t=2'}, "hub_slow_down"),
        (429, {"Retry-After": "90"}, "hub_slow_down"),
        (429, {}, "hub_too_often"),
        (500, {}, "hub_server_error"),
        (503, {}, "hub_server_error"),
    ],
)
def test_every_refusal_has_its_sentence(standin: StandIn, status: int, headers: dict[str, str], key: str) -> None:
    standin.put(REPO, {})
    standin.fail("GET /api/models/", status=status, headers=headers)
    assert key_of() == key
    ask()


def test_the_wait_that_is_asked_for_is_shown(standin: StandIn) -> None:
    standin.fail("GET /api/models/", status=429, headers={"RateLimit": '"api";r=0;t=300'})
    with pytest.raises(UserError, match="300 seconds") as caught:
        ask()
    assert "300 秒" in caught.value.say("zh")


def test_who_asks_as_nobody_is_not_told_of_a_bad_token(standin: StandIn) -> None:
    standin.put(REPO, {}, private=True)
    assert key_of(None) == "hub_no_repository"
    assert key_of("hf_bob") == "hub_no_repository"
    assert key_of("hf_unknown") == "hub_token_refused"
    assert key_of(revision="v9") == "hub_no_revision"


def test_a_cut_and_an_answer_of_somebody_else(standin: StandIn) -> None:
    standin.fail("GET /api/models/", drop="connect")
    assert key_of() == "hub_cut"
    standin.fail("GET /api/models/", status=200, body="<html>Welcome to our wifi</html>")
    assert key_of() == "hub_odd_answer"


def test_a_silent_hub_is_given_up_once(standin: StandIn, impatient: None) -> None:
    standin.fail("GET /api/models/", silent=True, times=9)
    assert key_of() == "hub_silent"
    asked = [line for line in standin.requests if line.startswith("GET /api/models/")]
    assert len(asked) == 1, "and not tried again and again"


def test_the_limits_hold_for_all_of_the_client(standin: StandIn) -> None:
    connect(None)
    timeout = get_session().timeout
    assert (timeout.connect, timeout.read) == (20, 30)


def test_no_network_and_a_broken_address(standin: StandIn, monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> None:
    for address in ("http://127.0.0.1:9", "http://no-such-host.invalid", "nonsense"):
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        assert key_of() == "hub_unreachable"
    assert sum(slept) < 60


def test_the_offline_flag(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert key_of() == "hub_offline"
    assert not standin.requests


def test_a_token_with_a_line_break_never_leaves_this_machine(standin: StandIn) -> None:
    for token in ("hf_a\nb", "hf_ä", "hf_a b", ""):
        with pytest.raises(UserError, match="does not accept this token"):
            ask(token)
    assert not standin.requests


def test_only_the_machines_own_commands_use_its_token(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    standin.put(REPO, {}, private=True)
    assert own_token() is None
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    assert own_token() == "hf_alice"
    assert key_of(None) == "hub_no_repository", "nobody is not whoever the machine belongs to"
    ask("hf_alice")


def test_what_is_wrapped_is_unwrapped_and_what_is_not_of_the_hub_passes() -> None:
    cause = RuntimeError("while uploading")
    cause.__cause__ = httpx.ReadError("cut")
    for error, key in (
        (cause, "hub_cut"),
        (LocalTokenNotFoundError(), "hub_no_token"),
        (ConnectionError("xet"), "hub_cut"),
        (TimeoutError(), "hub_silent"),
        (UserError("hub_stopped"), "hub_stopped"),
    ):
        found = said(error, REPO)
        assert found is not None
        assert found.key == key
    assert said(RuntimeError("ours")) is None
    assert said(FileNotFoundError(2, "gone")) is None
    assert said(ValueError("ours")) is None
    with pytest.raises(ZeroDivisionError), as_sentences(REPO):
        raise ZeroDivisionError


def test_all_sentences_of_the_hub_say_what_to_do() -> None:
    for key, (english, _) in SENTENCES.items():
        if key.startswith("hub_") and key not in ("hub_stopped",):
            assert ";" in english, key


def test_json_that_lacks_what_the_client_takes_for_granted_is_an_odd_answer(trained: Run, standin: StandIn) -> None:
    standin.put(REPO, {})
    standin.fail("POST /api/repos/create", status=409)  # it is there already, but not where
    with pytest.raises(UserError) as caught:
        push(trained, REPO, token="hf_alice")
    assert caught.value.key == "hub_odd_answer"
    with pytest.raises(KeyError), as_sentences(REPO):  # our own mistakes stay what they are
        raise KeyError("url")
