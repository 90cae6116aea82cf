from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from gan_core.runner import Runner
from gan_core.runs import Run
from gan_core.sentences import UserError
from gan_ui.app import build
from gan_ui.caps import Caps
from gan_ui.door import PACES
from gan_ui.sampling import SampleServer
from gan_ui.who import EVENTS, OWNER_COOKIE, RIGHTS, ROLES, VISITOR_COOKIE, Person, Who, new_secret

TOKEN = {"GAN_OWNER_TOKEN": "open sesame"}
SPACE = {"SPACE_ID": "ada/gan", "SPACE_AUTHOR_NAME": "ada", "SPACE_CREATOR_USER_ID": "60af"}
COOKIE = "AAAAAAAAAAAAAAAAAAAAAA"


def asked(session: Any = None, address: str = "10.0.0.1", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "client": (address, 1), "session": session or {}})


def signed_in(**user: str) -> dict[str, Any]:
    return {"oauth_info": {"expires_at": time.time() + 60, "userinfo": user}}


def test_the_table_is_whole() -> None:
    assert all(len(row) == len(ROLES) and set(row) <= {"yes", "own", "no"} for row in RIGHTS.values())
    assert set(EVENTS.values()) <= set(RIGHTS)
    for action, (owner, visitor, trainee) in RIGHTS.items():
        assert owner == ("no" if action == "nobody" else "yes")
        assert visitor in ("yes", "no"), "what is one's own needs the right to start it"
        assert visitor == "no" or trainee == "yes"


def test_on_ones_own_machine_everybody_is_the_owner() -> None:
    assert Who({}).person(asked()).role == "owner"
    assert Who({"GAN_VISITORS": "train"}).person(asked()).role == "owner"
    assert Who({"GAN_OWNER_TOKEN": "  "}).person(asked()).role == "owner"


def test_with_a_token_only_who_has_it_is_the_owner() -> None:
    who = Who(TOKEN)
    assert who.person(asked()).role == "visitor"
    assert Who({**TOKEN, "GAN_VISITORS": "train"}).person(asked()).role == "trainee"
    assert who.person(asked(x_owner_token="open sesame")).role == "owner"
    assert who.person(asked(x_owner_token="open")).role == "visitor"
    assert who.person(asked(x_owner_token="öffne dich")).role == "visitor"
    cookie = f"a=b; {OWNER_COOKIE}={who.owner_cookie()}"
    assert who.person(asked(cookie=cookie)).role == "owner"
    assert who.person(asked(cookie=cookie, sec_fetch_site="same-origin")).role == "owner"
    assert who.person(asked(cookie=cookie, sec_fetch_site="cross-site")).role == "visitor"
    assert who.person(asked(cookie=f"{OWNER_COOKIE}=open sesame")).role == "visitor"
    assert "sesame" not in who.owner_cookie()
    assert Who({"SPACE_ID": "a/b"}).person(asked(cookie=f"{OWNER_COOKIE}={Who({}).owner_cookie()}")).role == "visitor"
    assert Who({"SPACE_ID": "a/b"}).person(asked(x_owner_token="")).role == "visitor"


def test_on_a_space_who_signed_in_as_its_maker_is_the_owner() -> None:
    who = Who(SPACE)
    assert who.person(asked()).role == "visitor"
    assert who.person(asked(signed_in(preferred_username="ada", sub="1"))).role == "owner"
    assert who.person(asked(signed_in(preferred_username="grace", sub="60af"))).role == "owner"
    assert who.person(asked(signed_in(preferred_username="grace", sub="1"))).role == "visitor"
    assert who.person(asked(signed_in(preferred_username="60af", sub="ada"))).role == "visitor"
    over = signed_in(preferred_username="ada")
    over["oauth_info"]["expires_at"] = time.time() - 1
    assert who.person(asked(over)).role == "visitor"
    assert who.person(asked({"oauth_info": "ada"})).role == "visitor"
    # a variable that is not there is nobody's name
    assert Who({"SPACE_ID": "a/b"}).person(asked(signed_in(sub="1"))).role == "visitor"
    # and elsewhere such a session says nothing
    assert Who({**TOKEN, "SPACE_AUTHOR_NAME": "ada"}).person(asked(signed_in(preferred_username="ada"))).role == (
        "visitor"
    )


def test_a_visitor_is_a_cookie_or_else_an_address_and_neither_can_be_read_from_the_name() -> None:
    who = Who(TOKEN)
    one = who.person(asked(cookie=f"{VISITOR_COOKIE}={COOKIE}"))
    assert one.known
    assert one == who.person(asked(cookie=f"{VISITOR_COOKIE}={COOKIE}", address="10.0.0.2"))
    assert COOKIE not in one.visitor
    others = [
        who.person(request) for request in (asked(), asked(address="10.0.0.2"), asked(cookie=VISITOR_COOKIE + "=x"))
    ]
    assert not any(other.known for other in others)
    assert len({one.visitor, *(other.visitor for other in others)}) == 3  # a cookie we did not make is none
    assert others[0] == others[2]
    assert who.person(None).visitor  # an event that no browser sent


def test_a_key_is_for_those_without_a_cookie_and_only_its_hash_is_kept() -> None:
    who, key = Who({**TOKEN, "GAN_VISITORS": "train"}), new_secret()
    nobody, keyed = who.person(asked()), who.person(asked(), key)
    assert (nobody.mark, nobody.visitor) == ("", keyed.visitor)
    assert keyed.mark == who.person(asked(), key).mark != who.person(asked(), new_secret()).mark
    assert keyed.mark.startswith(nobody.visitor + ".")
    assert key not in keyed.mark
    known = who.person(asked(cookie=f"{VISITOR_COOKIE}={COOKIE}"), key)
    assert (known.key, known.mark) == ("", known.visitor)
    assert not any(who.person(asked(), wrong).key for wrong in ("", "x", key + "x", "é" * 22))


def test_what_is_ones_own_is_what_one_started(make_run: Callable[..., Run]) -> None:
    run = make_run("somebodys")
    for person in (Person("trainee", "abc"), Person("trainee", "")):
        with pytest.raises(UserError, match="not your run"):
            person.check("stop", run)
    with pytest.raises(UserError, match="owner"):
        Person("trainee", "abc").check("stop")  # no run to be the owner of
    Person("owner", "abc").check("stop", run)
    with pytest.raises(UserError, match="owner"):
        Person("visitor", "abc").check("stop", run)
    with pytest.raises(KeyError):
        Person("owner", "abc").check("conquer")


def test_on_a_space_runs_are_lost_unless_they_lie_on_a_volume_or_are_pushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not Who(TOKEN).forgets(tmp_path)
    assert Who(SPACE).forgets(tmp_path)
    assert not Who({**SPACE, "GAN_PUSH_REPO": "ada/runs"}).forgets(tmp_path)
    volume = Who({**SPACE, "GAN_RUNS_DIR": str(tmp_path)})
    monkeypatch.setattr("gan_ui.who._disk", lambda path: 1 if path == tmp_path else 2)
    assert not volume.forgets(tmp_path)
    monkeypatch.setattr("gan_ui.who._disk", lambda path: 1)
    assert volume.forgets(tmp_path)


def test_the_page_of_a_space_can_be_duplicated_and_says_that_runs_are_lost(tmp_path: Path) -> None:
    runner, samples = Runner(tmp_path / "runs"), SampleServer(tmp_path / "runs")
    try:
        shown = {}
        for name, environment in (("here", {}), ("space", SPACE)):
            components = build(runner, samples, Who(environment)).config["components"]
            buttons = [component["props"]["value"] for component in components if component["type"] == "button"]
            shown[name] = buttons.count("Duplicate this Space")
            [bar] = [component["props"] for component in components if component["props"].get("elem_id") == "class"]
            assert bar["props"] == {"shared": name == "space", "lost": name == "space"}
    finally:
        runner.close()
    assert shown == {"here": 0, "space": 1}
    assert not Who({**SPACE, "OAUTH_CLIENT_ID": ""}).sign_in
    assert not Who({"OAUTH_CLIENT_ID": "x"}).sign_in


def test_the_table_in_the_docs_is_this_table() -> None:
    told = (Path(__file__).parent.parent / "docs" / "classroom.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:5]] for line in told.splitlines() if line.startswith("| ")]
    assert [row for row in rows if row[0] in RIGHTS] == [[action, *answers] for action, answers in RIGHTS.items()]
    caps = Caps()
    for number in (f"{caps.seconds} s and {caps.steps:,} steps", f"| {caps.runs} |", f"{caps.megabytes} MB"):
        assert number in told
    for number in (f"`disk_mb` {caps.disk_mb}", f"width {caps.width}, width x batch {caps.images}"):
        assert number in told
    assert f"every {caps.save_every} steps" in told
    for kind, words in (("poll", "4 and"), ("sample", "30 a second"), ("event", "10 a second")):
        assert words in told
        assert f"{PACES[kind].per_second:g}" in words
    assert f"{PACES['heavy'].per_second * 60:g} a minute" in told
