"""The commands of the Hub: python -m gan_core {push,pull}. What they need is imported only when one of them runs."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan_core import runs
from gan_core.sentences import UserError


def add(commands: Any) -> None:
    """Add the commands to those of `__main__`."""
    push = commands.add_parser("push", help="put a run on the Hugging Face Hub")
    push.add_argument("run", metavar="RUN", help="a run folder, or the name of a run or of a network that ships")
    push.add_argument("repo", metavar="USER/NAME")
    push.add_argument("--private", action="store_true", help="let nobody else see it")
    push.add_argument("--tag", metavar="TAG", help="a name for this state of it, to pull it by later")
    push.set_defaults(command=_push)

    pull = commands.add_parser("pull", help="make a run on the Hugging Face Hub one of your own")
    pull.add_argument("repo", metavar="USER/NAME[@REVISION]", help="the revision is a tag, a branch or a commit")
    pull.add_argument("--runs-dir", metavar="DIR", type=Path, default=None)
    pull.set_defaults(command=_pull)


def _push(arguments: argparse.Namespace) -> int:
    from gan_core import hub
    from gan_core.hub_errors import own_token

    run = runs.named_run(arguments.run)
    with at_work(run.id, arguments.json) as (report, cancelled):
        pushed = hub.push(
            run,
            arguments.repo,
            token=own_token(),
            private=arguments.private,
            tag=arguments.tag,
            report=report,
            cancelled=cancelled,
        )
    if arguments.json:
        print(json.dumps({"url": pushed.url, "commit": pushed.commit, "bytes": pushed.size, "tag": arguments.tag}))
    else:
        print(f"{run.id}: {pushed.size / 1e6:.1f} MB at {pushed.url}")
    return 0


def _pull(arguments: argparse.Namespace) -> int:
    from gan_core.hub_errors import own_token
    from gan_core.hub_pull import pull, split
    from gan_core.saved import checkpoint_steps

    runs_dir = arguments.runs_dir or runs.default_runs_dir()
    with at_work(arguments.repo, arguments.json) as (report, cancelled):
        run = pull(*split(arguments.repo), runs_dir, token=own_token(), report=report, cancelled=cancelled)
    steps = checkpoint_steps(run)
    if arguments.json:
        print(
            json.dumps({"run": str(run.folder), "step": run.state().step, "checkpoint": steps[-1] if steps else None})
        )
    else:
        further = f"its training can go on from step {steps[-1]}" if steps else "without a checkpoint, to sample from"
        print(f"{run.folder}: step {run.state().step}, {further}")
    return 0


@contextlib.contextmanager
def at_work(title: str, as_json: bool) -> Iterator[tuple[Callable[..., None], Callable[[], bool]]]:
    """A bar of bytes on a terminal, and Ctrl-C or SIGTERM as the sentence that nothing has been kept."""
    stopped: list[int] = []

    def stop(number: int, frame: object) -> None:
        stopped.append(number)  # for the client's threads, which may wait for an answer; this one is interrupted
        bar.set_postfix_str("stopping")
        raise KeyboardInterrupt

    bar = tqdm(desc=title, unit="B", unit_scale=True, dynamic_ncols=True, disable=as_json)
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def report(share: float, **data: Any) -> None:
        bar.total = data["total"]
        bar.update(data["bytes"] - bar.n)
        if data.get("stage"):
            bar.set_postfix_str(data["stage"].replace("_", " ").lower())

    try:
        yield report, lambda: bool(stopped)
    except KeyboardInterrupt:
        raise UserError("hub_stopped") from None
    finally:
        bar.close()
        for number, handler in before.items():
            signal.signal(number, handler)
