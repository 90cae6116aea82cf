"""A Chromium for each module of browser tests, and pages in it that must not meet an error.

On a developer's machine without a Chromium they are skipped; CI must have it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _unavailable(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI must not skip the browser tests")
    pytest.skip(reason)


@pytest.fixture(scope="module")  # playwright runs an event loop of its own, which no other test should meet
def chromium() -> Iterator[Any]:
    """A headless browser; open a context of your own in it."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _unavailable("playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        _unavailable("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """What went wrong on the pages of a test; at its end there must be nothing."""
    errors: list[str] = []
    yield errors
    assert errors == []


@pytest.fixture
def new_page(chromium: Any, errors: list[str]) -> Iterator[Callable[..., Any]]:
    """Makes empty pages, each in a context of its own; below 500 pixels of width it is a phone's.

    Messages that hold one of `forgiven` are no errors; `options` go to the context.
    """
    contexts = []

    def made(width: int, height: int, *, forgiven: tuple[str, ...] = (), **options: Any) -> Any:
        def heard(message: Any) -> None:
            if message.type == "error" and not any(part in message.text for part in forgiven):
                errors.append(message.text)

        phone = width < 500
        viewport = {"width": width, "height": height}
        context = chromium.new_context(viewport=viewport, is_mobile=phone, has_touch=phone, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", heard)
        return page

    yield made
    for context in contexts:
        context.close()
