"""The app that is attacked: a process of its own on a scratch folder, and what it must not change or grow by."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import answers, resident_mb
from benchmarks.page import ROOT, wait

TOKEN = "the siege's own"
# what a visitor is, on somebody's machine and on a Space
ROLES: Mapping[str, Mapping[str, str]] = {
    "visitor": {"GAN_OWNER_TOKEN": TOKEN},
    "owner": {"GAN_OWNER_TOKEN": TOKEN},
    "space": {"SPACE_ID": "somebody/gan-live", "SPACE_AUTHOR_NAME": "somebody", "GAN_OWNER_TOKEN": TOKEN},
}


@dataclass
class Besieged:
    """A running app. `log` is what it printed, `runs_dir` and `temporary` are the folders it writes to."""

    url: str
    process: subprocess.Popen[bytes]
    runs_dir: Path
    temporary: Path
    log: Path

    def memory(self) -> float:
        """Resident memory of the app's own process, MB."""
        return resident_mb(self.process.pid)

    def files(self) -> dict[str, str]:
        """The hash of every file of the runs directory."""
        return {
            str(path.relative_to(self.runs_dir)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.runs_dir.rglob("*"))
            if path.is_file()
        }

    def temporary_mb(self) -> float:
        """What lies in its temporary folder, MB."""
        return sum(path.stat().st_size for path in self.temporary.rglob("*") if path.is_file()) / 1e6

    def tracebacks(self) -> Counter[str]:
        """The last lines of the tracebacks in its log, and how often each is there."""
        found: Counter[str] = Counter()
        inside = False
        for line in self.log.read_text("utf-8", "replace").splitlines():
            if line.startswith("Traceback (most recent call last)"):
                inside = True
            elif inside and line and not line.startswith((" ", "\t")):
                found[line[:160]] += 1
                inside = False
        return found


@contextmanager
def besieged(environment: Mapping[str, str], *arguments: str) -> Iterator[Besieged]:
    """An app with one finished and one stopped run of 40 steps."""
    with tempfile.TemporaryDirectory() as scratch:
        runs_dir, temporary, log = (Path(scratch) / name for name in ("runs", "temporary", "app.log"))
        temporary.mkdir()
        for name, preset in (("minute-run", "minute"), ("told-run", "conditional")):
            command = [sys.executable, "-m", "gan_core", "train", "--preset", preset, "--steps", "40"]
            subprocess.run([*command, "--out", str(runs_dir / name)], cwd=ROOT, check=True, capture_output=True)
        url = f"http://127.0.0.1:{8100 + os.getpid() % 800}"
        app = subprocess.Popen(
            [sys.executable, "app.py", "--port", url.rsplit(":", 1)[1], "--runs-dir", str(runs_dir), *arguments],
            cwd=ROOT,
            env={**os.environ, "GRADIO_TEMP_DIR": str(temporary), "TMPDIR": str(temporary), **environment},
            stdout=open(log, "wb"),  # noqa: SIM115
            stderr=subprocess.STDOUT,
        )
        try:
            wait(lambda: answers(url))
            yield Besieged(url, app, runs_dir, temporary, log)
        finally:
            app.terminate()
            app.wait(30)
