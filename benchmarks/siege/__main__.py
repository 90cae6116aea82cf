"""What the app stands: prints a tally a part, from a seed.

    python -m benchmarks.siege fuzz --role visitor --count 100000     malformed requests: as a visitor, the owner, on a Space
    python -m benchmarks.siege kills --count 1000                     trainers killed at random moments
    python -m benchmarks.siege idle --count 200 --seconds 60          pages that are only open
    python -m benchmarks.siege slow --seconds 60                      bodies that come a byte at a time
    python -m benchmarks.siege calls --count 10000                    calls of /sample, and the memory that they leave

With --mcp the app offers its tools to agents, too. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from benchmarks.machine import describe
from benchmarks.siege.app import ROLES, besieged
from benchmarks.siege.crowd import calls, idle, slowly
from benchmarks.siege.fuzz import fuzz
from benchmarks.siege.kills import kill


def main() -> None:
    """Print the tally."""
    parser = argparse.ArgumentParser(description="Attack the app, and count what it stands.")
    parser.add_argument("part", choices=("fuzz", "kills", "idle", "slow", "calls"))
    parser.add_argument("--role", choices=tuple(ROLES), default="visitor")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mcp", action="store_true")
    asked = parser.parse_args()
    print(describe())
    if asked.part == "kills":
        print(json.dumps(kill(asked.seed, asked.count), indent=1))
        return
    with besieged(ROLES[asked.role], *(["--mcp"] if asked.mcp else [])) as app:
        if asked.part == "fuzz":
            tally = asyncio.run(fuzz(app, asked.seed, asked.count, asked.role))
        elif asked.part == "idle":
            tally = asyncio.run(idle(app, asked.count, asked.seconds))
        elif asked.part == "slow":
            tally = asyncio.run(slowly(app, asked.seconds))
        else:
            tally = asyncio.run(calls(app, asked.count))
    print(json.dumps(tally, indent=1))


if __name__ == "__main__":
    main()
