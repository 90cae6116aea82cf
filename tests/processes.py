"""Starting the command line and the app as people do, in processes of their own, and waiting for what they do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def command(*arguments: object) -> list[str]:
    """The command line of `python -m gan_core ...`."""
    return [sys.executable, "-m", "gan_core", *map(str, arguments)]


def run_command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=120)


def start_command(*arguments: object) -> subprocess.Popen[str]:
    """Start it and go on."""
    return subprocess.Popen(command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return as soon as the condition holds; fail if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class App:
    """`python app.py` with its own runs directory, serving at `url`; `environment` holds variables for it alone."""

    def __init__(self, runs_dir: Path, cache: Path, *flags: str, **environment: str) -> None:
        self.runs_dir = runs_dir
        self._flags = flags
        self._environment = {
            **os.environ,
            "GAN_DATA_DIR": str(cache),
            "GAN_RUNS_DIR": str(runs_dir),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.start()

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._log = open(self.runs_dir.with_suffix(".log"), "ab")  # noqa: SIM115 - closed with the process
        self._log_from = self._log.tell()
        self.process = subprocess.Popen(
            [sys.executable, "app.py", *self._flags],
            cwd=ROOT,
            env=self._environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: self._find_url() or self.process.poll() is not None, 90)
        assert self.process.poll() is None, self.log()
        self.url = self._find_url()

    def log(self) -> str:
        """What it has printed since it was started last."""
        return self.runs_dir.with_suffix(".log").read_bytes()[self._log_from :].decode()

    def _find_url(self) -> str:
        found = re.search(r"http://[\d.]+:\d+", self.log())
        return found[0] if found else ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Signal it and wait for its end; returns the seconds that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        self._log.close()
        return time.monotonic() - began
