"""The app as one thing: the page and all that is behind it, its launch, and an orderly end."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from gan_core.runner import Runner
from gan_core.sentences import UserError
from gan_ui.api import check_mcp
from gan_ui.app import build, launch_settings
from gan_ui.jobs import Jobs
from gan_ui.same_site import Names
from gan_ui.sampling import SampleServer
from gan_ui.who import Who

if TYPE_CHECKING:
    from gan_core.hub_keep import Keeper  # which imports torch

_log = logging.getLogger(__name__)
SWITCH = 0.0005  # seconds after which a thread that computes lets one that answers go first; Python's own 5 ms add up


class Serving:
    """One app on one runs directory. `page` is its Blocks; `mcp` offers tools to agents.

    `host` is the address it is to listen on, by default this machine's own; `share` asks for a public one, too.

    Making it starts a trainer process that waits for work. Raises UserError.
    """

    def __init__(
        self, runs_dir: Path, max_trainings: int = 1, mcp: bool = False, host: str | None = None, share: bool = False
    ) -> None:
        if mcp:
            check_mcp()
        self._mcp, self._host, self._share = mcp, host, share
        self.who = Who()
        self.runner = Runner(runs_dir, max_trainings)
        draw = None
        if os.environ.get("SPACES_ZERO_GPU"):
            from gan_ui.zero import draw
        self.samples, self.jobs = SampleServer(runs_dir, draw), Jobs()
        self.keeper = _keeper(runs_dir, self.who.keeps) if self.who.keeps else None
        self.page = build(self.runner, self.samples, self.who, only_tools=mcp)
        # whoever has only the page, as after `from app import demo`, launches it with its routes and the door before them
        names = Names(host, os.environ, share)
        settings = launch_settings(self.runner, self.samples, self.jobs, self.who, self.keeper, names)
        self.page.launch = functools.partial(self.page.launch, **settings)  # type: ignore[method-assign]

    def serve(self, port: int | None = None) -> int:
        """Serve until SIGTERM or Ctrl-C, then save and stop the training. Returns the exit code."""
        host, share = self._host, self._share
        sys.setswitchinterval(SWITCH)
        stop = threading.Event()
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Ctrl-Break of Windows
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: stop.set())
        try:
            self.page.launch(
                server_name=host,
                server_port=port,
                prevent_thread_lock=True,
                mcp_server=self._mcp,
                share=share,
                inbrowser=sys.stdout.isatty() and not share,  # a person at a terminal wants to see the page
            )
        except OSError:  # gradio says no more than that, whether the port is taken or the host is not ours
            where = f"{host or '127.0.0.1'}:{port or '7860-7959'}"
            print(f"error: cannot listen on {where}; choose another with --port or --host", file=sys.stderr)
            self.runner.close()
            return 2
        _log.info("serving the runs in %s at %s", self.runner.runs_dir, self.page.local_url)
        if share:
            print(share_words(self.page.local_url or "", self.page.share_url, os.environ.get("GAN_OWNER_TOKEN", "")))
        threading.Thread(target=_warm_up, daemon=True).start()
        if self.keeper:
            self.keeper.start()
        wait_for(stop)
        _log.info("saving and stopping")
        self.jobs.close()
        self.runner.close()
        if self.keeper:
            self.keeper.close()
        return 0


def wait_for(stop: threading.Event) -> None:
    """Wait until a signal has set it; on Windows none is heard during a wait without an end."""
    while not stop.wait(0.5):
        pass


def share_words(local_url: str, share_url: str | None, token: str) -> str:
    """The links of a page that is shared; without a public address where the relay could not be reached."""
    lines = [f"Here, with the right to train: {local_url.rstrip('/')}/?owner={token}"]
    if share_url:
        lines += [
            f"From anywhere, with the right to train, for you alone: {share_url.rstrip('/')}/?owner={token}",
            f"For everybody else, to watch and to sample: {share_url}",
        ]
    return "\n".join(lines)


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
