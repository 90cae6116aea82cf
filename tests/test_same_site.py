"""What a page of another site can make a browser send, and what programs and our own page send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from gan_core.sentences import UserError
from gan_ui.same_site import Names
from tests.processes import App

SPACE = {"SPACE_ID": "a/b"}


def allowed(names: Names, method: str, host: str, **headers: str) -> bool:
    try:
        names.check(method, {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}})
    except UserError:
        return False
    return True


@pytest.mark.parametrize("listens_to", [None, "127.0.0.1", "localhost", "127.0.0.5", "::1"])
def test_on_its_own_machine_the_app_has_few_names(listens_to: str | None) -> None:
    names = Names(listens_to, {})
    for host in (
        "localhost",
        "LOCALHOST:7860",
        "localhost.:7860",
        "127.0.0.1:7860",
        "[::1]:7860",
        "[::1]",
        listens_to or "::1",
    ):
        assert allowed(names, "GET", host), host
    for host in (
        "",
        "evil.example:7860",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.0.5:7860",
        "[::2]:7860",
    ):
        assert not allowed(names, "GET", host), host
        assert not allowed(names, "POST", host, sec_fetch_site="same-origin", origin=f"http://{host}")


def test_other_names_are_those_that_somebody_gave() -> None:
    names = Names(None, {"GAN_ALLOWED_HOSTS": "lab.example.org:443, .tunnel.example"})
    for host in ("lab.example.org", "a.tunnel.example", "a.b.tunnel.example:80", "127.0.0.1:7860"):
        assert allowed(names, "GET", host), host
    for host in ("example.org", "tunnel.example", "lab.example.org.evil.example", "eviltunnel.example"):
        assert not allowed(names, "GET", host), host
    # a proxy that hands on another name than the browser's
    assert allowed(names, "POST", "127.0.0.1:7860", origin="https://lab.example.org")
    assert not allowed(names, "POST", "127.0.0.1:7860", origin="https://evil.example")
    assert not allowed(Names("0.0.0.0", {"GAN_ALLOWED_HOSTS": "lab.example.org"}), "GET", "evil.example")
    for everywhere in (Names("0.0.0.0", {}), Names(None, SPACE), Names(None, {"GAN_ALLOWED_HOSTS": "*"})):
        assert allowed(everywhere, "GET", "a-b.hf.space")
    assert allowed(Names(None, {"GRADIO_SERVER_NAME": "0.0.0.0"}), "GET", "a-b.hf.space")


@pytest.mark.parametrize("names", [Names(), Names("0.0.0.0", {}), Names(None, SPACE)])
def test_only_the_apps_own_page_changes_something(names: Names) -> None:
    host = "localhost:7860"
    assert allowed(names, "POST", host)  # gradio_client, curl, an agent
    assert allowed(names, "POST", host, origin=f"http://{host}")
    assert allowed(names, "POST", host, origin="https://huggingface.co", sec_fetch_site="same-origin")
    for method in ("POST", "PUT", "DELETE"):
        for site in ("cross-site", "same-site", "something new"):
            assert not allowed(names, method, host, sec_fetch_site=site, origin=f"http://{host}")
        for origin in (
            "http://evil.example",
            "http://localhost:3000",
            "null",
            "",
            "http://localhost:7860.evil.example",
        ):
            assert not allowed(names, method, host, origin=origin), origin
    assert allowed(names, "GET", host, sec_fetch_site="cross-site")  # a link to the app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[App]:
    with App(tmp_path_factory.mktemp("site") / "runs", cache) as app:
        yield app


def test_a_local_app_is_driven_by_nobody_elses_page(app: App) -> None:
    port = app.url.rsplit(":", 1)[1]
    with httpx.Client(base_url=app.url) as browser:
        rebound = {
            "host": f"evil.example:{port}",
            "origin": f"http://evil.example:{port}",
            "sec-fetch-site": "same-origin",
        }
        for path in ("/", "/config", "/gradio_api/lab/live"):
            answer = browser.get(path, headers=rebound)
            assert answer.status_code == 403
            assert answer.json().keys() >= {"en", "zh"}
        for path in ("lab/lead", "upload", "run/start", "call/start", "queue/join", "lab/branch"):
            assert browser.post(f"/gradio_api/{path}", headers=rebound, content=b"{}").status_code == 403
            other = {"origin": "http://evil.example", "sec-fetch-site": "cross-site", "content-type": "text/plain"}
            assert browser.post(f"/gradio_api/{path}", headers=other, content=b"{}").status_code == 403
        assert browser.post("/gradio_api/lab/lead", content=b"null").status_code == 204
    assert Client(app.url.replace("127.0.0.1", "localhost"), verbose=False).predict(api_name="/presets")


def test_an_app_that_is_shared_answers_to_the_relays_name_too() -> None:
    for names in (Names(None, {}, shared=True), Names("0.0.0.0", {}, shared=True)):
        for site in ({"sec_fetch_site": "same-origin"}, {"origin": "https://0a1b2c.gradio.live"}):
            assert allowed(names, "POST", "0a1b2c.gradio.live", **site)
        assert not allowed(names, "POST", "0a1b2c.gradio.live", origin="https://evil.example")
    assert not allowed(Names(None, {}), "GET", "0a1b2c.gradio.live")
