"""The trainer process that a `Runner` starts: it warms up, waits for one order on stdin, and trains that run.

Warm means: torch and the default data set are loaded, so that the first point of the curves comes within a second of
the order. The order is one JSON line, {"folder": ..., "more_steps": ...}. stdin stays open as long as the supervisor
lives; when it closes, the training is saved and stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

from gan_core import data, logs
from gan_core.loop import train_run
from gan_core.runs import Run
from gan_core.sentences import UserError

LOG_BYTES = 1_000_000


def main() -> int:
    """Exit code 0 if the run folder says how it ended, 1 if it could not be trained at all."""
    reasons: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: reasons.append("stop"))
    logs.start_logging()
    dataset = None
    with contextlib.suppress(UserError):  # a training that needs it will say what is wrong
        dataset = data.load(data.ensure("mnist"))
    order = sys.stdin.readline()
    if not order:
        return 0
    threading.Thread(target=_watch_supervisor, args=(reasons,), daemon=True).start()
    asked = json.loads(order)
    run = Run(Path(asked["folder"]))
    _log_to(run.folder / "trainer.log")
    try:
        train_run(run, dataset=dataset, more_steps=asked["more_steps"], asked=lambda: reasons[0] if reasons else None)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _watch_supervisor(reasons: list[str]) -> None:
    """Wait until stdin closes, which the system does when the supervisor dies, and ask for a stop."""
    sys.stdin.read()
    reasons.append("stop")


def _log_to(path: Path) -> None:
    """Send everything this process prints, also from C code, to the run's log."""
    with contextlib.suppress(OSError):  # then it stays with the app's own output; the training says what is wrong
        keep = "ab" if path.exists() and path.stat().st_size < LOG_BYTES else "wb"
        with open(path, keep) as file:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
                os.dup2(file.fileno(), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
