"""GAN Live: watch a GAN learn in the browser, and steer what it learned. `python app.py --help` lists the flags."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from gan_core.runner import Runner
from gan_core.runs import default_runs_dir
from gan_core.sentences import UserError
from gan_ui.api import check_mcp
from gan_ui.app import build, launch_settings
from gan_ui.jobs import Jobs
from gan_ui.same_site import Names
from gan_ui.sampling import SampleServer
from gan_ui.who import Who

if TYPE_CHECKING:
    from gan_core.hub_keep import Keeper  # which imports torch


def main() -> int:
    """Serve until SIGTERM or Ctrl-C, then save and stop the training."""
    parser = argparse.ArgumentParser(description="Watch a GAN learn in the browser, and steer what it learned.")
    parser.add_argument("--host", default=None, help="address to listen on (default: this machine only)")
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ["PORT"]) if os.environ.get("PORT", "").isdigit() else None,
        help="default: $PORT, else the first free one from 7860",
    )
    parser.add_argument(
        "--runs-dir", type=Path, default=default_runs_dir(), help="default: $GAN_RUNS_DIR, else checkpoints/runs"
    )
    parser.add_argument(
        "--max-trainings", type=int, default=1, help="how many may train at once; the others queue (default 1)"
    )
    parser.add_argument(
        "--mcp", action="store_true", help='offer start, status, metrics and sample to agents (needs "gradio[mcp]")'
    )
    arguments = parser.parse_args()
    if arguments.max_trainings < 1:
        parser.error("--max-trainings must be at least 1")

    if arguments.mcp:
        try:
            check_mcp()
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2

    try:
        runner = Runner(arguments.runs_dir, arguments.max_trainings)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    draw = None
    if os.environ.get("SPACES_ZERO_GPU"):
        from gan_ui.zero import draw
    samples, jobs = SampleServer(arguments.runs_dir, draw), Jobs()
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Ctrl-Break of Windows
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    who = Who()
    keeper = _keeper(arguments.runs_dir, who.keeps) if who.keeps else None
    page = build(runner, samples, who, only_tools=arguments.mcp)
    try:
        page.launch(
            server_name=arguments.host,
            server_port=arguments.port,
            prevent_thread_lock=True,
            mcp_server=arguments.mcp,
            inbrowser=sys.stdout.isatty(),  # a person at a terminal wants to see the page
            **launch_settings(runner, samples, jobs, who, keeper, Names(arguments.host, os.environ)),
        )
    except OSError:  # gradio says no more than that, whether the port is taken or the host is not ours
        where = f"{arguments.host or '127.0.0.1'}:{arguments.port or '7860-7959'}"
        print(f"error: cannot listen on {where}; choose another with --port or --host", file=sys.stderr)
        runner.close()
        return 2
    threading.Thread(target=_warm_up, daemon=True).start()
    if keeper:
        keeper.start()
    wait_for(stop)
    jobs.close()
    runner.close()
    if keeper:
        keeper.close()
    return 0


def wait_for(stop: threading.Event) -> None:
    """Wait until a signal has set it; on Windows none is heard during a wait without an end."""
    while not stop.wait(0.5):
        pass


def _keeper(runs_dir: Path, repo: str) -> Keeper:
    from gan_core.hub_errors import own_token
    from gan_core.hub_keep import Keeper

    return Keeper(runs_dir, repo, own_token)


def _warm_up() -> None:
    """Load, now that the page is up, what the first Start and the first drag would have to wait for."""
    import torch

    from gan_core.config import make_config
    from gan_core.loop import prepare
    from gan_core.presets import DEFAULT_PRESET

    torch.set_num_threads(1)  # the other cores are the trainers'
    with contextlib.suppress(UserError):  # Start will say it
        prepare(make_config(DEFAULT_PRESET))


if __name__ == "__main__":
    sys.exit(main())
