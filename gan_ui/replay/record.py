"""All that a replay shows of a run, read from its folder once: a bounded amount, however long the run is."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gan_core.config import Config, preset_config, to_json
from gan_core.data import DATASETS
from gan_core.direction_names import direction_names
from gan_core.runs import Run, pictured_steps
from gan_core.sentences import UserError
from gan_ui.live import error_sentences
from gan_ui.watched import History, Measurements, alerts, floor, lesson, lowest, parent_of, reference, row_at

if TYPE_CHECKING:  # torch takes a second to import, and the page that offers an export is up before
    from gan_core.replay import LatentMap

LICENCES = {
    "mnist": "MNIST, Y. LeCun and C. Cortes, CC BY-SA 3.0",
    "qmnist": "QMNIST, C. Yadav and L. Bottou, BSD 3-Clause",
    "fashion-mnist": "Fashion-MNIST, Zalando SE, MIT",
    "kmnist": "KMNIST, CODH, adapted from the Kuzushiji Dataset, CC BY-SA 4.0",
}

Told = Callable[[float], None]


@dataclass(frozen=True)
class Frame:
    """The grid of the fixed z at a step, and the index in `Record.rows` of what was measured then, if anything was."""

    step: int
    picture: str  # base64 of a WebP file
    row: int | None


@dataclass(frozen=True)
class Record:
    """What the page plays back. `view` is what the app's components would be told of the run, but for what changes with
    the step: the `rows`, each a `measured` of such a view."""

    run: str
    preset: str
    dataset: str
    view: dict[str, Any]
    lowest: dict[str, Any] | None  # the lowest digit-FID that was measured: {"step", "digit_fid"}
    rows: list[dict[str, Any]]
    frames: list[Frame]
    reals: str  # base64 of a WebP file, or ""
    map_step: int
    maps: list[LatentMap]
    facts: dict[str, Any]

    @property
    def best(self) -> int | None:
        """The index of the frame nearest to the lowest digit-FID."""
        if self.lowest is None:
            return None
        far = [abs(frame.step - self.lowest["step"]) for frame in self.frames]
        return far.index(min(far))

    def with_frames(self, count: int) -> Record:
        """The same with at most so many frames; the best stays."""
        from gan_core.replay import thinned

        steps = [frame.step for frame in self.frames]
        kept = set(thinned(steps, count, None if self.best is None else steps[self.best]))
        frames = [frame for frame in self.frames if frame.step in kept]
        used = sorted({frame.row for frame in frames if frame.row is not None})
        place = {row: i for i, row in enumerate(used)}
        frames = [dataclasses.replace(f, row=None if f.row is None else place[f.row]) for f in frames]
        return dataclasses.replace(self, frames=frames, rows=[self.rows[row] for row in used])

    def to_json(self) -> dict[str, Any]:
        """What the page's script reads; gan_ui/replay/store.js says how."""
        return {
            "run": self.run,
            "preset": self.preset,
            "dataset": self.dataset,
            "view": self.view,
            "rows": self.rows,
            "frames": [dataclasses.asdict(frame) for frame in self.frames],
            "best": self.best,
            "lowest": self.lowest,
            "reals": self.reals,
            "mapStep": self.map_step,
            "maps": [
                {"seed": each.seed, "digit": each.digit, "png": _base64(each.png), "reads": each.reads}
                for each in self.maps
            ],
            "facts": self.facts,
        }


def read_record(run: Run, told: Told) -> Record:
    """Read a run and draw its maps; `told` hears of the share done, up to 0.9.

    Raises UserError for a run that is gone, unreadable or without snapshots.
    """
    from gan_core.replay import FRAMES_AT_MOST, MAP_REACH, MAP_SIDE, grid_at, latent_maps

    document, config = run.document(), run.config()
    steps = pictured_steps(run)
    if not steps:
        raise UserError("no_snapshot_yet", run=run.id)
    told(0.02)
    history, measurements = History(run), Measurements(run)
    history.read()
    measurements.read()
    rows = _rows(run, measurements)
    pictures = {step: _base64(data) for step in steps if (data := grid_at(run, step))}
    if not pictures:
        raise UserError("no_snapshot_yet", run=run.id)
    map_step, maps = latent_maps(run, lambda share: told(0.1 + 0.8 * share))
    state = run.state()
    facts = {
        "created": _date(document.get("created")),
        "command": _command(document, config),
        "settings": to_json(config),
        "versions": document.get("versions") or {},
        "licence": LICENCES.get(config.dataset, ""),
        "parent": parent_of(run),
        "seconds": state.seconds or document.get("seconds") or 0,
        "map": {"side": MAP_SIDE, "reach": MAP_REACH, "names": direction_names(run, map_step, 2)},
    }
    view = {
        "run": run.id,
        "status": "finished" if state.status != "failed" else "failed",  # a replay waits for nothing any more
        "curves": history.curves.since(0),
        "settings": to_json(config),
        "lesson": _lesson({**to_json(config), **measurements.settings}),
        "error": error_sentences(state),
        "measured": {
            name: value for name, value in measurements.to_json().items() if name in ("columns", "floor", "marks")
        },
    }
    at = [row["newest"]["step"] for row in rows]
    frames = [Frame(step, picture, row_at(step, at)) for step, picture in pictures.items()]
    reals = (run.folder / "reals.webp").read_bytes() if _shows_reals(run, config) else b""
    everything = Record(
        run.id,
        config.preset,
        config.dataset,
        view,
        lowest(measurements.rows),
        rows,
        frames,
        _base64(reals),
        map_step,
        maps,
        facts,
    )
    return everything.with_frames(FRAMES_AT_MOST)


def _rows(run: Run, measurements: Measurements) -> list[dict[str, Any]]:
    """For each measurement what the components call `measured`, without what all of them share."""
    begun = (parent_of(run) or {}).get("step", 0)  # a branch brings along what was measured of its parent
    rows = []
    for row in measurements.rows:
        digits = "digit_fid" in row
        rows.append(
            {
                "newest": {name: value for name, value in row.items() if name != "alerts"},
                "floor": floor(row.get("count", 0)) if digits else None,
                "real_histogram": reference()["histogram"] if digits else None,
                "alerts": [{**alert, "cure": {}} for alert in alerts(row)] if row["step"] > begun else None,
            }
        )
    return rows


def _lesson(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    found = lesson(settings)
    return {**found, "cure": {}} if found and not found["cured"] else None  # nothing can be cured here


def _shows_reals(run: Run, config: Config) -> bool:
    # people's own pictures stay with them
    return config.dataset in DATASETS and (run.folder / "reals.webp").is_file()


def _command(document: Mapping[str, Any], config: Config) -> str:
    """The command that trains such a run again."""
    if isinstance(document.get("command"), str):
        return str(document["command"])
    try:
        usual = to_json(preset_config(config.preset))
    except UserError:  # there is no such preset any more
        usual = {}
    own = {name: value for name, value in to_json(config).items() if name != "preset" and value != usual.get(name)}
    flags = [f"--{name} {own.pop(name)}" for name in ("dataset", "steps", "seconds", "seed") if name in own]
    values = {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in own.items()}
    changes = ["--set " + " ".join(f"{name}={value}" for name, value in values.items())] if values else []
    return " ".join(["python -m gan_core train", f"--preset {config.preset}" if usual else "", *flags, *changes])


def _date(seconds: object) -> str:
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return ""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
