"""The command python -m gan_core film: a training, or a walk through poses, as an MP4, WebP or GIF."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan_core import runs
from gan_core.files import write_atomic
from gan_core.film import check_film
from gan_core.pose import from_text
from gan_core.sentences import UserError


def add(commands: Any) -> None:
    """Add the command to those of `__main__`."""
    film = commands.add_parser("film", help="make a film of a training, or of a walk through poses")
    film.add_argument("run", metavar="RUN", help="a run folder, or the name of a run or of a network that ships")
    film.add_argument("out", metavar="FILE", type=Path, help="its name ends in .mp4, .webp or .gif")
    film.add_argument("--pose", metavar="TEXT", help="show this pose through all snapshots instead of the grid")
    film.add_argument(
        "--walk", metavar="TEXT", nargs="+", help="walk through these poses with the newest generator instead"
    )
    film.add_argument("--size", type=int, default=448, help="width in pixels (default 448)")
    film.add_argument("--seconds", type=float, default=10.0, help="length (default 10)")
    film.set_defaults(command=_film)


def _film(arguments: argparse.Namespace) -> int:
    kind, size = arguments.out.suffix.removeprefix("."), arguments.size // 2 * 2  # a video has no odd sizes
    check_film(kind, size, arguments.seconds, 1)
    if arguments.pose and arguments.walk:
        raise UserError("film_pose_or_walk")
    run = runs.named_run(arguments.run)
    poses = [from_text(text) for text in arguments.walk or [arguments.pose] if text]
    from gan_core.films import training_film, walk_film

    with tqdm(total=100, unit="%", desc=run.id, disable=arguments.json or None, leave=False) as bar:

        def report(share: float) -> None:
            bar.update(round(100 * share) - bar.n)

        wanted = {"kind": kind, "size": size, "seconds": arguments.seconds}
        if arguments.walk:
            content = walk_film(run, None, poses, **wanted, report=report)
        else:
            content = training_film(run, poses[0] if poses else None, **wanted, report=report)
    try:
        write_atomic(arguments.out, content)
    except OSError as error:
        raise UserError("cannot_write", path=arguments.out, reason=error.strerror) from None
    if arguments.json:
        print(json.dumps({"out": str(arguments.out), "bytes": len(content)}))
    else:
        print(f"{arguments.out}: {len(content) / 1e6:.1f} MB")
    return 0
