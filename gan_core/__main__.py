"""The command line: python -m gan_core {train,sample,film,list,presets,verify,prune,export,push,pull,publish,track}.

Exit codes: 0 all went well; 1 a training failed or a run folder is damaged; 2 the request itself cannot be met (one
sentence says why, nothing was changed). Ctrl-C and SIGTERM save and stop the training.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan_core import film_command, hub_commands, publish_command, runs, track_command
from gan_core.config import Config, check_field, make_config
from gan_core.fields import FIELD, FIELDS
from gan_core.files import write_atomic
from gan_core.logs import add_log_level, start_logging
from gan_core.pose import Pose, from_text
from gan_core.preset import UNLIMITED
from gan_core.presets import DEFAULT_PRESET, PRESETS
from gan_core.runs import Run, State
from gan_core.runs_dir import check_runs_dir
from gan_core.sentences import UserError, sentence

SAMPLES_AT_MOST = 10_000


def main(argv: Sequence[str] | None = None, program: str = "python -m gan_core") -> int:
    """Run one command; returns its exit code. `program` is what its help calls it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a path may have letters that a terminal of Windows has not
            stream.reconfigure(errors="backslashreplace")
    arguments = _parser(program).parse_args(argv)
    start_logging(arguments.log_level)
    try:
        code: int = arguments.command(arguments)
    except UserError as error:
        print(
            json.dumps({"error": str(error)}) if arguments.json else f"error: {error}",
            file=sys.stdout if arguments.json else sys.stderr,
        )
        return 2
    return code


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="Train a GAN, and sample from it.")
    commands = parser.add_subparsers(required=True, metavar="command")

    train = commands.add_parser(
        "train",
        help="start or resume a training",
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("--preset", help=f"one of: {', '.join(PRESETS)}")
    train.add_argument("--resume", metavar="DIR", type=Path, help="go on with this run; --steps N then trains N more")
    for name in ("dataset", "steps", "seconds", "seed"):
        train.add_argument(f"--{name}", help=FIELD[name].help[0])
    train.add_argument("--out", metavar="DIR", type=Path, help="the new run folder (default: in the runs directory)")
    train.add_argument(
        "--set",
        metavar="KEY=VALUE",
        nargs="+",
        action="extend",
        default=[],
        dest="changes",
        help="change settings, for example --set lr_g=2e-4 lr_d=2e-4",
    )
    train.set_defaults(command=_train)

    sample = commands.add_parser("sample", help="write images that a run generates")
    sample.add_argument("run", metavar="RUN", help="a run folder, or the name of a run or of a network that ships")
    sample.add_argument("--step", help="the snapshot's step (default: the newest)")
    sample.add_argument("--n", help="how many (default 25)")  # no default here: a pose goes with neither of the two
    sample.add_argument("--seed", help="which z are drawn (default 0)")
    sample.add_argument(
        "--pose",
        metavar="TEXT",
        help="draw this pose instead of random z, with its digit, and at its step if it was seen in this run",
    )
    sample.add_argument("--digit", help="which digit to draw (conditional networks only; default: all in turn)")
    sample.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("sample.png"),
        help=".npy: float32 (N, 28, 28) in [0, 1]; .png: a grid (default: sample.png)",
    )
    sample.set_defaults(command=_sample)

    listing = commands.add_parser("list", help="list the runs, and the networks that ship")
    listing.add_argument("--runs-dir", metavar="DIR", type=Path, default=None)
    listing.set_defaults(command=_list)

    presets = commands.add_parser("presets", help="list the presets")
    presets.set_defaults(command=_presets)

    verify = commands.add_parser("verify", help="check every file of a run")
    verify.add_argument("run", metavar="DIR", type=Path)
    verify.set_defaults(command=_verify)

    prune = commands.add_parser("prune", help="remove what crashes left behind in a run, and thin its snapshots")
    prune.add_argument("run", metavar="DIR", type=Path)
    prune.set_defaults(command=_prune)

    export = commands.add_parser("export", help="write a run as a web page that needs no server")
    export.add_argument("run", metavar="RUN", help="a run folder, or the name of a run or of a network that ships")
    export.add_argument("folder", metavar="DIR", type=Path, help="a new or empty folder, or an earlier export")
    export.set_defaults(command=_export)

    film_command.add(commands)
    hub_commands.add(commands)
    publish_command.add(commands)
    track_command.add(commands)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print JSON for machines")
        add_log_level(command)
    return parser


def _settings_help() -> str:
    lines = [f"  {field.name:<17} {field.help[0]}" for field in FIELDS if field.name != "preset"]
    return "settings for --set:\n" + "\n".join(lines)


def _train(arguments: argparse.Namespace) -> int:
    from gan_core.loop import prepare, train_run

    if arguments.resume:
        run, more = _resumed(arguments)
    else:
        config, facts = prepare(_asked_config(arguments))
        folder = arguments.out or runs.new_run_folder(runs.default_runs_dir(), config.preset)
        check_runs_dir(folder.parent)
        run, more = runs.create_run(folder, config, facts.sha256, facts.size), None
    signals: list[str] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: signals.append("stop"))
    with _Progress(run, arguments.json) as progress:
        state = train_run(run, more_steps=more, asked=lambda: signals[0] if signals else None, report=progress)
    return _conclude(run, state, arguments.json)


def _asked_config(arguments: argparse.Namespace) -> Config:
    changes: dict[str, Any] = {}
    for pair in arguments.changes:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UserError("not_key_value", text=pair)
        changes[name.strip()] = value.strip()
    for name in ("dataset", "steps", "seconds", "seed"):
        if getattr(arguments, name) is not None:
            changes[name] = getattr(arguments, name)
    if "seconds" in changes and "steps" not in changes:
        changes["steps"] = UNLIMITED  # the clock alone decides
    if "steps" in changes and "seconds" not in changes:
        changes["seconds"] = 0  # and the other way round, where the preset has a time limit
    return make_config(arguments.preset or DEFAULT_PRESET, changes)


def _resumed(arguments: argparse.Namespace) -> tuple[Run, int | None]:
    fixed = ["preset", "dataset", "seconds", "seed", "out"]
    if given := [name for name in fixed if getattr(arguments, name) is not None] + [
        c.partition("=")[0] for c in arguments.changes
    ]:
        raise UserError("resume_keeps_settings", fields=", ".join(given))
    run = Run(arguments.resume)
    run.config()
    more = None if arguments.steps is None else int(check_field("steps", arguments.steps))
    if run.state().status == "finished" and more is None:
        raise UserError("resume_finished", run=run.id)
    check_runs_dir(run.folder)
    if not run.alive():
        run.set_wish(None)
    return run, more


class _Progress:
    """A tqdm bar on a terminal, or one JSON line per point; receives what the loop reports."""

    def __init__(self, run: Run, as_json: bool) -> None:
        self.as_json = as_json
        self.run = run
        self.bar: tqdm[Any] | None = None

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, state: State, point: dict[str, float] | None) -> None:
        if self.as_json:
            if point:
                print(json.dumps({"run": str(self.run.folder), "step": state.step, **point}), flush=True)
            return
        if self.bar is None:
            if state.status != "running":
                return
            by_time = state.seconds_limit > 0
            self.bar = tqdm(
                total=round(state.seconds_limit, 1) if by_time else state.target,
                desc=self.run.id,
                initial=round(state.seconds, 1) if by_time else state.step,
                unit="s" if by_time else "step",
                dynamic_ncols=True,
                bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
            )
        done = round(state.seconds, 1) if self.bar.unit == "s" else state.step
        self.bar.update(done - self.bar.n)
        if point:
            self.bar.set_postfix(
                {
                    "d_loss": f"{point['d_loss']:.3f}",
                    "g_loss": f"{point['g_loss']:.3f}",
                    "steps/s": f"{state.steps_per_second:.0f}",
                },
                refresh=False,
            )


def _conclude(run: Run, state: State, as_json: bool) -> int:
    error = sentence(state.error["key"], "en", **state.error["values"]) if state.error else None
    if as_json:
        print(json.dumps({"run": str(run.folder), "status": state.status, "step": state.step, "error": error}))
    else:
        print(f"{run.folder}: {state.status} at step {state.step}" + (f". {error}" if error else ""))
        if state.error and "traceback" in state.error:
            print(state.error["traceback"], file=sys.stderr)
    return 1 if state.status == "failed" else 0


def _sample(arguments: argparse.Namespace) -> int:
    import numpy

    from gan_core import render, saved
    from gan_core.latent import classes_for, generate, sample_z, weights_of, z_of
    from gan_core.networks import CLASSES

    pose = _asked_pose(arguments)
    count = 25 if arguments.n is None else _whole("n", arguments.n, 1, SAMPLES_AT_MOST)
    seed = int(check_field("seed", 0 if arguments.seed is None else arguments.seed))
    step = None if arguments.step is None else _whole("step", arguments.step, 0, 10**9)
    if arguments.out.suffix not in (".npy", ".png"):
        raise UserError("unknown_file_kind", path=arguments.out)
    run = runs.named_run(arguments.run)
    config = run.config()
    wanted = None if arguments.digit is None else _whole("digit", arguments.digit, 0, CLASSES - 1)
    if pose:
        pose.check(config, run.id)
        count, step = 1, pose.step if step is None and pose.run == run.id else step
    classes = classes_for(config, count, wanted)
    if wanted is not None and classes is None:
        raise UserError("not_conditional", field="digit", run=run.id)
    if pose and wanted is None and (weights := weights_of(pose)) is not None:
        classes = weights[None]
    G, step = saved.load_generator(saved.snapshot_path(run, step), config)
    images = generate(G, z_of(pose)[None] if pose else sample_z(seed, count, config.z_dim), classes)
    if arguments.out.suffix == ".npy":
        buffer = io.BytesIO()
        numpy.save(buffer, images[:, 0].numpy())
        content = buffer.getvalue()
    else:
        content = render.encode(render.grid(images, columns=max(1, round(count**0.5))), "png")
    try:
        write_atomic(arguments.out, content)
    except OSError as error:
        raise UserError("cannot_write", path=arguments.out, reason=error.strerror) from None
    if arguments.json:
        drawn = {"pose": arguments.pose} if pose else {"seed": seed}
        print(json.dumps({"out": str(arguments.out), "n": count, "step": step, **drawn}))
    else:
        print(f"{count} image{'s' if count > 1 else ''} of step {step} written to {arguments.out}")
    return 0


def _asked_pose(arguments: argparse.Namespace) -> Pose | None:
    if arguments.pose is None:
        return None
    if given := [f"--{name}" for name in ("n", "seed") if getattr(arguments, name) is not None]:
        raise UserError("pose_is_one_picture", options=", ".join(given))
    return from_text(arguments.pose)


def _whole(name: str, text: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise UserError("not_a_whole_number", field=name, value=text) from None
    if not low <= number <= high:
        raise UserError("out_of_range", field=name, value=text, low=low, high=high)
    return number


def _list(arguments: argparse.Namespace) -> int:
    found = [(run, False) for run in runs.list_runs(arguments.runs_dir or runs.default_runs_dir())]
    if arguments.runs_dir is None:
        found += [(run, True) for run in runs.pretrained()]  # which the other commands take by name, too
    rows = [{"run": run.id, **dataclasses.asdict(run.state()), "ships": ships} for run, ships in found]
    if arguments.json:
        print(json.dumps(rows))
    for row in [] if arguments.json else rows:
        status = "ships" if row["ships"] else row["status"]
        print(f"{row['run']:<40} {status:<9} step {row['step']:>8,} of {row['target']:,}")
    return 0


def _presets(arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(
            json.dumps(
                [
                    {"preset": p.name, "about": p.about[0], "settings": dataclasses.asdict(make_config(p.name))}
                    for p in PRESETS.values()
                ]
            )
        )
    for preset in [] if arguments.json else PRESETS.values():
        print(f"{preset.name:<15} {preset.about[0]}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from gan_core.saved import verify

    problems = verify(Run(arguments.run))
    if arguments.json:
        print(json.dumps({"run": str(arguments.run), "problems": problems}))
    else:
        print("\n".join(problems) or f"{arguments.run}: all files are whole")
    return 1 if problems else 0


def _prune(arguments: argparse.Namespace) -> int:
    from gan_core.files import Locked
    from gan_core.kept import prune

    run = Run(arguments.run)
    run.document()
    try:
        with run.lock():
            freed = prune(run)
    except Locked:
        raise UserError("run_is_active", run=run.id) from None
    except OSError as error:
        raise UserError("cannot_write", path=run.folder, reason=error.strerror or error) from None
    print(json.dumps({"run": str(run.folder), "freed_bytes": freed}) if arguments.json else f"{freed:,} bytes freed")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    # the one command that needs the page: a replay is made of its components. Nothing else in the engine knows it
    from gan_ui.replay import export

    run = runs.named_run(arguments.run)
    with tqdm(total=100, desc=run.id, unit="%", dynamic_ncols=True, disable=arguments.json, leave=False) as bar:
        size = export(run, arguments.folder, lambda share: bar.update(round(100 * share) - bar.n))
    page = arguments.folder / "index.html"
    print(json.dumps({"page": str(page), "bytes": size}) if arguments.json else f"{page}: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
