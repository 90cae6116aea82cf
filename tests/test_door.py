from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from gan_ui import door
from gan_ui.door import BUCKETS, LAB, PACES, SHARED, Buckets, Door
from gan_ui.same_site import Names
from gan_ui.who import OWNER_COOKIE, VISITOR_COOKIE, Who

TOKEN = {"GAN_OWNER_TOKEN": "open sesame"}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TestClient]:
    """Makes clients of an app that says whom it served, with the door before it."""

    async def say(request: Request) -> JSONResponse:
        return JSONResponse({"visitor": request.headers["x-visitor"], "query": request.url.query})

    monkeypatch.setattr(door, "PATIENCE", 0.0)

    names = Names(environment={"GAN_ALLOWED_HOSTS": "*"})

    def made(environment: dict[str, str], **options: Any) -> TestClient:
        who = Who(environment)
        app = Starlette(
            routes=[Route("/{path:path}", say, methods=["GET", "POST"])],
            middleware=[Middleware(Door, who=who, runs_dir=tmp_path, names=names)],
        )
        return TestClient(app, follow_redirects=False, **options)

    return made


def test_a_newcomer_gets_a_cookie_once_and_keeps_the_name(client: Callable[..., TestClient]) -> None:
    one, other = client(TOKEN), client(TOKEN)
    first = one.get("/?lang=zh")
    assert VISITOR_COOKIE in first.headers["set-cookie"]
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=Lax" in first.headers["set-cookie"]
    assert "set-cookie" not in one.get("/").headers
    assert "set-cookie" not in client(TOKEN).get(LAB + "live").headers  # only a page begins a visit
    other.get("/")
    names = [each.get(LAB + "live").json()["visitor"] for each in (one, one, other)]
    assert names[0] == names[1] != names[2]
    assert one.get(LAB + "live", headers={"x-visitor": names[2]}).json()["visitor"] == names[0]  # nobody can choose it


def test_in_the_frame_of_a_space_the_cookies_are_allowed(client: Callable[..., TestClient]) -> None:
    space = client({"SPACE_ID": "a/b", **TOKEN}, base_url="https://a-b.hf.space")
    for path in ("/", "/?owner=open+sesame"):
        for cookie in space.get(path).headers.get_list("set-cookie"):
            assert cookie.endswith("HttpOnly; SameSite=None; Secure; Partitioned")


def test_the_owners_link_makes_the_owner_and_loses_its_token(client: Callable[..., TestClient]) -> None:
    owner = client(TOKEN)
    assert owner.post("/gradio_api/upload").status_code == 403
    answer = owner.get("/?lang=zh&owner=open+sesame&run=a")
    assert answer.status_code == 303
    assert answer.headers["location"] == "?lang=zh&run=a"
    assert answer.headers["cache-control"] == "no-store"
    assert {OWNER_COOKIE, VISITOR_COOKIE} <= set(owner.cookies)
    assert "sesame" not in str(dict(owner.cookies))
    assert owner.post("/gradio_api/upload").status_code == 200
    assert client(TOKEN).get("/?owner=open+sesame").headers["location"] == "./"
    wrong = client(TOKEN)
    assert wrong.get("/?owner=guess&lang=zh").headers["location"] == "?lang=zh&refused=owner"
    assert OWNER_COOKIE not in wrong.cookies
    assert client({}).get("/?owner=guess").headers["location"] == "./"  # no link is needed here


def test_guessing_the_token_is_slow(client: Callable[..., TestClient]) -> None:
    guesser = client(TOKEN)
    codes = []
    for guess in range(20):
        guesser.cookies.clear()
        codes.append(guesser.get(f"/?owner={guess}").status_code)
    assert codes[:5] == [303] * 5
    assert 429 in codes


def test_what_the_table_does_not_know_is_served_to_nobody(client: Callable[..., TestClient]) -> None:
    for environment in ({}, TOKEN):
        for method, path in (("GET", "secret"), ("POST", "live"), ("GET", "liver"), ("POST", "picture/a/live.webp")):
            answer = client(environment).request(method, LAB + path)
            assert answer.status_code == 404
            assert answer.json().keys() >= {"en", "zh"}
            answer = client(environment).post("/gradio_api/component_server/")
            assert answer.status_code == 404
    assert client(TOKEN).get("/theme.css").status_code == 200


def test_a_path_that_no_file_system_takes_is_not_looked_for(client: Callable[..., TestClient]) -> None:
    assert client(TOKEN).get("/assets/" + "a" * 256).status_code == 404
    assert client(TOKEN).get("/static/%E4%B8%AD" + "a" * 253).json()["zh"]
    assert client(TOKEN).get("/assets/a%00b").json()["zh"]
    assert "zh" not in client(TOKEN).get("/assets/" + "a" * 255).text  # which Gradio itself has not


def test_a_host_header_cannot_pretend_to_be_another_address(client: Callable[..., TestClient]) -> None:
    for host in ("a/theme.css?", "a/gradio_api/lab/live?x=", "a/#"):
        assert client(TOKEN).post("/gradio_api/process_recording", headers={"host": host}).status_code == 404
        assert client(TOKEN).get("/monitoring", headers={"host": host}).status_code == 404


def test_below_another_path_the_same_is_served(client: Callable[..., TestClient]) -> None:
    for path, code in (("/app/", 200), ("/app/config", 200), ("/app/monitoring", 404), ("/apple", 404)):
        assert client(TOKEN, root_path="/app").get(path).status_code == code, path


def test_who_asks_for_too_much_is_told_when_to_come_back_and_the_others_are_not(
    client: Callable[..., TestClient],
) -> None:
    greedy, modest = client(TOKEN), client(TOKEN)
    greedy.get("/")
    modest.get("/")
    answers = [greedy.post(LAB + "film/walk") for _ in range(PACES["heavy"].burst + 1)]
    assert [answer.status_code for answer in answers[:-1]] == [200] * PACES["heavy"].burst
    assert answers[-1].status_code == 429
    seconds = answers[-1].headers["retry-after"]
    assert 1 <= int(seconds) <= 10
    assert f"{seconds} s" in answers[-1].json()["en"]
    assert modest.post(LAB + "film/walk").status_code == 200
    assert greedy.get(LAB + "live").status_code == 200  # watching is another bucket
    owner = client({})
    assert {owner.post(LAB + "film/walk").status_code for _ in range(40)} == {200}


def test_buckets_fill_again_are_wider_for_an_address_and_are_bounded() -> None:
    now = 0.0
    buckets = Buckets(lambda: now)
    pace = PACES["heavy"]
    for _ in range(pace.burst):
        assert buckets.take("a", "heavy") == 0
    assert buckets.take("a", "heavy") == pytest.approx(10)
    assert buckets.take("a", "heavy") == pytest.approx(10)  # being refused costs nothing
    now = 10.0
    assert buckets.take("a", "heavy") == pytest.approx(0)
    assert [buckets.take("class", "heavy", SHARED) for _ in range(pace.burst * SHARED)] == [0] * pace.burst * SHARED
    for visitor in range(BUCKETS + 10):
        buckets.take(str(visitor), "poll")
    assert len(buckets) == BUCKETS


def test_a_page_that_waits_for_each_answer_is_slowed_but_never_refused() -> None:
    now = 0.0
    buckets = Buckets(lambda: now)
    for _ in range(500):
        wait = buckets.take("dragging", "sample")
        assert wait <= 1.01 / PACES["sample"].per_second < door.PATIENCE
        now += wait + 0.001
    assert now == pytest.approx((500 - PACES["sample"].burst) / PACES["sample"].per_second, rel=0.1)
