"""The list of what is served, against the addresses that the installed Gradio has; and what filled the disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio.routes import App as GradioApp

from gan_ui.door import PACES
from gan_ui.gradio_routes import API, SERVED, WITH_EXTRAS, served
from gan_ui.who import RIGHTS
from tests.processes import App

# What Gradio has, looked at, and shut.
SHUT = {
    ("GET", "/openapi.json"),  # a list of everything, also of what is shut
    ("POST", "/login"),  # names and passwords, which this app has not
    ("POST", "/login/"),
    ("GET", API + "user"),
    ("GET", API + "user/"),
    ("GET", API + "login_check"),
    ("GET", API + "login_check/"),
    ("GET", API + "token"),
    ("GET", API + "token/"),
    ("POST", API + "process_recording"),  # keeps whatever it is sent, and would run ffmpeg on it
    ("POST", API + "component_server"),  # functions of components, of which this app has none
    ("POST", API + "component_server/"),
    ("POST", API + "stream/{event_id}"),
    ("POST", API + "stream/{event_id}/close"),
    ("GET", API + "stream/{session_hash}/{run}/{component_id}/playlist.m3u8"),
    ("GET", API + "stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}"),
    ("GET", API + "stream/{session_hash}/{run}/{component_id}/playlist-file"),
    ("GET", API + "proxy={url_path:path}"),
    ("GET", API + "file/{path:path}"),
    ("GET", API + "custom_component/{id}/{environment}/{type}/{file_name}"),
    ("GET", API + "deep_link"),  # writes a file at each call
    ("GET", API + "runs"),
    ("GET", API + "runs/"),
    ("POST", API + "run-history/connect"),
    ("GET", API + "run-history/buckets"),
    ("GET", API + "run-history/records"),
    ("GET", API + "run-history/records/{endpoint}/{record_id}/assets/{asset_id}"),
    ("GET", API + "queue/status"),
    ("GET", "/monitoring"),
    ("GET", "/monitoring/summary"),
    ("GET", "/monitoring/{key}"),
    ("GET", API + "vibe-code"),  # an editor of the app's own source
    ("GET", API + "vibe-code/"),
    ("POST", API + "vibe-code"),
    ("POST", API + "vibe-code/"),
    ("POST", API + "vibe-edit"),
    ("POST", API + "vibe-edit/"),
    ("GET", API + "dev/reload"),
    ("POST", API + "undo-vibe-edit"),
    ("POST", API + "undo-vibe-edit/"),
    ("POST", API + "vibe-starter-queries"),
    ("POST", API + "vibe-starter-queries/"),
}


def installed(routes: list[Any]) -> Iterator[tuple[str, str]]:
    """The method and path of each route, also of those in included routers."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from installed(inner.routes)
        else:
            for method in route.methods - {"HEAD"} or {"GET"}:
                yield method, route.path


@pytest.fixture(scope="module")
def gradios() -> set[tuple[str, str]]:
    with gr.Blocks() as page:
        pass
    return set(installed(GradioApp.create_app(page).routes))


def test_every_address_of_the_installed_gradio_is_served_or_shut_on_purpose(gradios: set[tuple[str, str]]) -> None:
    assert gradios - set(SERVED) - SHUT == set()
    assert set(SERVED) - gradios == set()
    assert not set(SERVED) & SHUT
    if find_spec("authlib"):
        from gradio.oauth import attach_oauth

        app = GradioApp()
        attach_oauth(app)
        assert {route for route in installed(app.routes) if "/log" in route[1]} <= {*SERVED, *WITH_EXTRAS}


def test_an_address_is_served_as_it_is_written_and_no_other() -> None:
    for (method, path), entry in {**SERVED, **WITH_EXTRAS}.items():
        example = (
            path.replace("{path:path}", "a/b.js")
            .replace("{path_or_url:path}", "/tmp/a")
            .replace("{", "")
            .replace("}", "")
        )
        assert served(method, example) == entry
        assert entry[0] in RIGHTS
        assert entry[1] is None or entry[1] in PACES
    for method, path in SHUT:
        assert served(method, path) is None
    for method, path in (
        ("POST", "/"),
        ("PUT", API + "upload"),
        ("POST", API + "upload/"),
        ("POST", API + "call"),
        ("POST", API + "call/v2/a/b"),
        ("POST", API + "run/a//"),
        ("GET", API + "call/a/b/c"),
        ("POST", API + "process_recording/"),
        ("GET", "/CONFIG"),
        ("GET", "/config//"),
        ("GET", "/nothing"),
    ):
        assert served(method, path) is None, (method, path)


def test_what_visitors_send_does_not_stay_on_the_disk(tmp_path: Path, cache: Path) -> None:
    kept = tmp_path / "temporary"
    kept.mkdir()
    assert Path(tempfile.gettempdir()) != kept
    environment = {"GRADIO_TEMP_DIR": str(kept / "gradio"), "TMPDIR": str(kept), "GAN_OWNER_TOKEN": "open sesame"}
    with App(tmp_path / "runs", cache, **environment) as app, httpx.Client(base_url=app.url) as visitor:
        visitor.get("/")
        before = taken(kept)
        for path in ("process_recording", "upload", "upload/", "component_server/", "stream/x"):
            for _ in range(3):
                answer = visitor.post(f"/gradio_api/{path}", files={"file": ("a.webm", b"0" * 1_000_000)})
                assert answer.status_code in (403, 404, 429), (path, answer.status_code)
        assert taken(kept) - before < 100_000


def taken(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
