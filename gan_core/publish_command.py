"""The command python -m gan_core publish: this app as a Space of one's own."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from gan_core import runs
from gan_core.hub_commands import at_work
from gan_core.sentences import UserError


def add(commands: Any) -> None:
    """Add the command to those of `__main__`."""
    publish = commands.add_parser(
        "publish",
        help="put this app on Hugging Face as a Space",
        epilog="If GAN_OWNER_TOKEN is set here, it becomes a secret of the new Space. See docs/space.md.",
    )
    publish.add_argument("repo", metavar="USER/NAME")
    publish.add_argument("--hardware", metavar="H", help="such as cpu-basic or zero-a10g (default: what is free)")
    publish.add_argument("--private", action="store_true", help="let nobody else see it")
    publish.add_argument("--with-run", metavar="RUN", help="a run that everybody finds there from the start")
    publish.add_argument(
        "--variable", metavar="NAME=VALUE", action="append", default=[], help="such as GAN_VISITORS=train"
    )
    publish.add_argument(
        "--sleep",
        metavar="SECONDS",
        type=int,
        help="how long hardware that costs money stays awake without visitors; 0 for ever (default: 3600)",
    )
    publish.add_argument(
        "--dry-run", action="store_true", help="only say what would happen; works without a token, too"
    )
    publish.set_defaults(command=_publish)


def _publish(arguments: argparse.Namespace) -> int:
    from gan_core import space
    from gan_core.hub_errors import own_token
    from gan_core.space_hardware import SLEEP_AT_MOST

    pairs = [pair.partition("=") for pair in arguments.variable]
    if any(not value for _, _, value in pairs):
        raise UserError("not_key_value", text=" ".join(arguments.variable))
    if arguments.sleep is not None and not 0 <= arguments.sleep <= SLEEP_AT_MOST:
        raise UserError("out_of_range", field="--sleep", value=arguments.sleep, low=0, high=SLEEP_AT_MOST)
    token = own_token()
    plan = space.look(
        arguments.repo,
        token=token,
        hardware=arguments.hardware,
        private=arguments.private,
        run=runs.named_run(arguments.with_run) if arguments.with_run else None,
        variables={name: value for name, _, value in pairs},
        owner_token=os.environ.get(space.OWNER_TOKEN, "").strip(),
        sleep=arguments.sleep,
        ask=bool(token) or not arguments.dry_run,
    )
    if not arguments.json:
        print("\n".join(plan.says()))
        for name, count, size in plan.parts():
            print(f"  {name:<24}{count:>5} files {size / 1e6:>7.1f} MB" if count > 1 else f"  {name}")
    if arguments.dry_run:
        if arguments.json:
            files = {name: len(data) for name, data in plan.files.items()}
            facts = {name: getattr(plan, name) for name in ("repo", "account", "hardware", "price", "sleep", "new")}
            print(json.dumps({**facts, "files": files}))
        return 0
    with at_work(arguments.repo, arguments.json) as (report, cancelled):
        published = space.publish(plan, token=token, report=report, cancelled=cancelled)
    print(json.dumps({"url": published.url, "commit": published.commit}) if arguments.json else published.url)
    return 0
