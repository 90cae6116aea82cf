"""Whether the doctor is right: trains presets with several seeds, and tells which alarms it raised, and when.

    python -m benchmarks.doctor [PRESET ...] [--seeds N] [--steps N | --seconds S] [--precision P] [--runs DIR] [--json]

Each training is a real run folder on one thread. One that fails on purpose takes its preset's steps, so that every machine does
the same; it is then branched with its cure and trained for as many again. Seconds are seconds of processor time (see
`trainings`). `--precision bf16` works on any processor (see `gan_core.emulated_bf16`). `--runs` keeps the folders
(PRESET-fp32-s0, PRESET-fp32-s0-cured, ...) and takes those that are there as they are: after a change of a threshold only the
doctor runs again, over the lines that it would have seen, one measurement after the other. `--record DIR` keeps those lines
as a small file a run: tests/recordings, over which the tests let the doctor look.

Exit code 0 if every failing preset raised its alarm, its cured branch ended calm and with digit-FID below RECOVERED, and no
working preset raised any.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.trainings import train, trained
from gan_core.branch import make_branch
from gan_core.config import to_json
from gan_core.diagnostics import diagnose
from gan_core.files import write_atomic
from gan_core.gallery import ALARMS
from gan_core.loop import POINTS_WATCHED
from gan_core.presets import PRESETS
from gan_core.runs import Run

POINT = ("step", "right_real", "right_fake", "grad_d", "grad_g")  # of a point of the curves, what the doctor looks at
RECOVERED = 15.0  # digit-FID below which a cured branch works, after as few steps as it took to fail


@dataclass(frozen=True)
class Verdict:
    """What the doctor said of one run: per kind of alarm the steps of the measurements at which it was raised."""

    status: str
    measurements: int
    alarms: dict[str, list[int]]
    at_end: list[str]
    digit_fid: float | None

    def first(self, kind: str) -> int | None:
        """The step at which this alarm was first raised."""
        return min(self.alarms.get(kind, []), default=None)


def replay(run: Run, since: int = 0) -> Verdict:
    """The doctor's findings, had it looked at each measurement after step `since` as it came: what the loop does."""
    points, measured, config = run.history()[0], run.metrics()[0], run.config()
    alarms: dict[str, list[int]] = {}
    kinds: list[str] = []
    for count, row in enumerate(measured, 1):
        seen = [point for point in points if point["step"] <= row["step"]][-POINTS_WATCHED:]
        kinds = [alert.kind for alert in diagnose(seen, measured[max(0, count - POINTS_WATCHED) : count], config)]
        if row["step"] > since:
            for kind in kinds:
                alarms.setdefault(kind, []).append(row["step"])
    last = measured[-1].get("digit_fid") if measured else None
    return Verdict(run.state().status, sum(row["step"] > since for row in measured), alarms, kinds, last)


def record(run: Run, folder: Path) -> None:
    """Write down what the doctor looks at in this run, and the settings: some 10 kB."""
    points = [[_short(point[name]) for name in POINT] for point in run.history()[0]]
    measured = [{key: value for key, value in row.items() if key != "alerts"} for row in run.metrics()[0]]
    settings = {**to_json(run.config()), "threads": 1}
    parent = run.document()["parent"]
    lines = {"settings": settings, "since": parent["step"] if parent else 0, "points": points, "measured": measured}
    write_atomic(folder / f"{run.id}.json", json.dumps(lines, separators=(",", ":")).encode())


def _short(value: float) -> float:
    return float(f"{value:.3g}") if isinstance(value, float) else value


def cured(parent: Run) -> tuple[Run, int]:
    """The branch of a failed run with its preset's cure, trained now if there is none; and the step it began at."""
    folder = parent.folder.with_name(f"{parent.id}-cured")
    if not (folder / "config.json").exists():
        preset = PRESETS[parent.config().preset]
        make_branch(parent, folder, preset.cure, preset.cure_step)
    run = train(Run(folder))
    return run, run.document()["parent"]["step"]


def examine(folder: Path, preset: str, args: argparse.Namespace) -> dict[str, Any]:
    """Train one preset with all seeds; the line of the table, and whether it is as it should be."""
    runs, verdicts, cures = [], [], []
    for seed in range(args.seeds):
        changes = {"seed": seed, "precision": args.precision}
        run = trained(folder / f"{preset}-{args.precision}-s{seed}", preset, changes, args.seconds, args.steps)
        runs.append(run)
        verdicts.append(replay(run))
        print(f"{run.id}: {_in_words(verdicts[-1])}", file=sys.stderr, flush=True)
        if PRESETS[preset].cure:
            branch, since = cured(run)
            cures.append(replay(branch, since))
            print(f"{branch.id}: {_in_words(cures[-1])}", file=sys.stderr, flush=True)
            for seen in (run, branch) if args.record else ():
                record(seen, args.record)
    expected = ALARMS.get(preset)
    found = [verdict.first(expected) if expected else None for verdict in verdicts]
    good = [
        first is not None if expected else not verdict.alarms for first, verdict in zip(found, verdicts, strict=True)
    ]
    mended = [cure.digit_fid is not None and cure.digit_fid < RECOVERED and not cure.at_end for cure in cures]
    return {
        "preset": preset,
        "precision": args.precision,
        "steps": statistics.median(run.state().step for run in runs),
        "seeds": args.seeds,
        "expected": expected,
        "found": sum(good) if expected else sum(bool(verdict.alarms) for verdict in verdicts),
        "first": [first for first in found if first is not None],
        "others": sorted({kind for verdict in verdicts for kind in verdict.alarms} - {expected}),
        "measurements": statistics.median(verdict.measurements for verdict in verdicts),
        "alarms": [sum(map(len, verdict.alarms.values())) for verdict in verdicts],
        "digit_fid": [verdict.digit_fid for verdict in verdicts],
        "cured": [cure.digit_fid for cure in cures],
        "mended": sum(mended),
        "as_it_should": all(good) and all(mended),
    }


def _in_words(verdict: Verdict) -> str:
    alarms = ", ".join(f"{kind} at step {steps[0]}" for kind, steps in verdict.alarms.items()) or "calm"
    return f"{verdict.status}, {verdict.measurements} measurements, digit-FID {verdict.digit_fid}, {alarms}"


def table(lines: list[dict[str, Any]]) -> str:
    """The findings in Markdown."""
    head = (
        "preset",
        "precision",
        "steps",
        "alarm",
        "raised by",
        "at step",
        "other alarms",
        "measurements",
        "digit-FID",
        "cured, digit-FID",
    )
    rows = [head, ("---",) * len(head)]
    for line in lines:
        first, after = line["first"], line["cured"]
        rows.append(
            (
                f"`{line['preset']}`",
                line["precision"],
                f"{line['steps']:.0f}",
                line["expected"] or "none",
                f"{line['found']} of {line['seeds']}",
                f"{min(first)} to {max(first)}" if first else "",
                ", ".join(line["others"]),
                f"{line['measurements']:.0f}",
                _range(line["digit_fid"]),
                f"{_range(after)} (calm and below {RECOVERED:.0f}: {line['mended']} of {len(after)})" if after else "",
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _range(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):.1f} to {max(known):.1f}" if known else "none"


def main() -> int:
    """Exit code 0 if the doctor and the cures were right every time, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", choices=[*PRESETS, []], help="default: all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, help="how long each trains (default: as its preset says)")
    parser.add_argument("--steps", type=int, help="for how many steps, instead")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--runs", type=Path, help="keep the run folders here, and reuse those that are there")
    parser.add_argument(
        "--record", type=Path, help="write down here what the doctor looked at in failing runs and cures"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.runs or Path(temporary)
        for kept in filter(None, (folder, args.record)):
            kept.mkdir(parents=True, exist_ok=True)
        lines = [examine(folder, preset, args) for preset in args.presets or PRESETS]
    if args.json:
        print(json.dumps({"machine": machine.facts(), "figures": lines}, indent=1))
    else:
        print(machine.describe(), table(lines), sep="\n\n")
    return 0 if all(line["as_it_should"] for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
