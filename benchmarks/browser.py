"""What the benchmarks in a browser share: an app of their own, and the browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PORT = 7979


@contextlib.contextmanager
def served(runs_dir: str) -> Iterator[str]:
    """The app on a runs directory; its address."""
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(PORT), "--runs-dir", runs_dir]
    app = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"})
    try:
        url = f"http://127.0.0.1:{PORT}/"
        give_up = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                if app.poll() is not None or time.monotonic() > give_up:
                    raise SystemExit("error: the app did not start") from None
                time.sleep(0.2)
        yield url
    finally:
        app.terminate()
        app.wait(30)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser of playwright's."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise SystemExit("error: Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        yield browser
        browser.close()
