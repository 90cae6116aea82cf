"""The command python -m gan_core track: a run's curves in TensorBoard."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path
from typing import Any

from gan_core import runs


def add(commands: Any) -> None:
    """Add the command to those of `__main__`."""
    track = commands.add_parser(
        "track",
        help="write a run's curves for TensorBoard, and go on while it trains",
        epilog='Needs the extra "tracking", which is TensorBoard. See docs/install.md.',
    )
    track.add_argument("run", metavar="RUN", help="a run folder, or the name of a run or of a network that ships")
    track.add_argument(
        "--logdir", metavar="DIR", type=Path, default=Path("tensorboard"), help="where to (default: tensorboard)"
    )
    track.add_argument("--once", action="store_true", help="write what there is, and wait for no more")
    track.set_defaults(command=_track)


def _track(arguments: argparse.Namespace) -> int:
    from gan_core.tracking import track

    run, stop = runs.named_run(arguments.run), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if not arguments.json:
        print(f"{run.id}: to look at it, run tensorboard --logdir {arguments.logdir}", flush=True)
    count = track(run, arguments.logdir, stop, once=arguments.once)
    print(json.dumps({"run": str(run.folder), "rows": count}) if arguments.json else f"{run.id}: {count} rows written")
    return 0
