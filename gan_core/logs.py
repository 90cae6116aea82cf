"""What the program tells those who run it: standard logging, to stderr, from the level that they choose.

`--log-level` (or GAN_LOG_LEVEL, which trainer processes inherit) is the level of our own loggers, `gan_core` and `gan_ui`;
other packages keep to warnings. A trainer's lines are in its run's trainer.log.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Mapping

LEVELS = ("debug", "info", "warning", "error")
VARIABLE = "GAN_LOG_LEVEL"


def add_log_level(parser: argparse.ArgumentParser) -> None:
    """Add the flag."""
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default=level_of(os.environ),
        help=f"what is written to stderr: {', '.join(LEVELS)} (default: ${VARIABLE}, else warning)",
    )


def level_of(environment: Mapping[str, str]) -> str:
    """The level that the environment asks for; "warning" if it asks for none that there is."""
    level = environment.get(VARIABLE, "").strip().lower()
    return level if level in LEVELS else "warning"


def start_logging(level: str | None = None) -> None:
    """Log from this level on, by default the environment's, here and in the processes that are started from here."""
    level = level or level_of(os.environ)
    os.environ[VARIABLE] = level
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for package in ("gan_core", "gan_ui"):
        logging.getLogger(package).setLevel(level.upper())
