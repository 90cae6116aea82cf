"""The command gan-live (also `python app.py` and `python -m gan_ui`): the page.

With the name of a command before anything else it is `python -m gan_core` instead: gan-live train, gan-live list, ...
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from gan_core.logs import add_log_level, start_logging
from gan_core.runs import default_runs_dir
from gan_core.sentences import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says. Returns the exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv and not argv[0].startswith("-"):
        from gan_core.__main__ import main as engine

        return engine(argv, "gan-live")
    arguments = _parser().parse_args(argv)
    start_logging(arguments.log_level)
    if arguments.share:  # who knows the public address may watch; to train takes this, too
        os.environ["GAN_OWNER_TOKEN"] = os.environ.get("GAN_OWNER_TOKEN", "").strip() or secrets.token_urlsafe(16)
    from gan_ui.serve import Serving  # which imports gradio: two seconds that gan-live train can do without

    try:
        serving = Serving(arguments.runs_dir, arguments.max_trainings, arguments.mcp, arguments.host, arguments.share)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return serving.serve(arguments.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Watch a GAN learn in the browser, and steer what it learned.",
        epilog="With a command it works without the page: train, sample, list, ...; `train --help` says more, and "
        "`python -m gan_core --help` names them all.",
    )
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
        "--max-trainings", type=_positive, default=1, help="how many may train at once; the others queue (default 1)"
    )
    parser.add_argument(
        "--mcp", action="store_true", help='offer start, status, metrics and sample to agents (needs "gradio[mcp]")'
    )
    parser.add_argument(
        "--share",
        action="store_true",
        help="also serve it at a public address, for 72 hours, through Gradio's relay; to train takes a link that is printed",
    )
    add_log_level(parser)
    return parser


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
