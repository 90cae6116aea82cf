"""A run as the files of a Hugging Face repository: which there are, how large each may be, and the list of them.

    gan-live.json                     the list: the size and SHA-256 of every other file
    README.md, samples.png            for people: the model card and 50 fakes
    generator.safetensors             the newest G_ema, as in the last snapshot: what `gan_core.load` reads
    discriminator.safetensors         the D that met it, if it was kept, for whoever wants it alone
    config.json, state.json, *.jsonl  as in the run folder, without what only this machine needs
    snapshots/000500.*                up to 20 of them, and pictures of up to 20 more
    checkpoint-000500.*               the newest one, if there is one: with it the training can go on elsewhere

The list is what makes a repository a run: one without it, or with other names in it, is somebody else's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import safetensors.torch

from gan_core import render, runs, saved
from gan_core.config import Config
from gan_core.hub_card import card
from gan_core.latent import classes_for, generate, sample_z
from gan_core.runs import Run
from gan_core.sentences import UserError

MANIFEST = "gan-live.json"
FORMAT = 1
GENERATOR, DISCRIMINATOR = "generator.safetensors", "discriminator.safetensors"
NOT_FOR_A_RUN = ("README.md", "samples.png", GENERATOR, DISCRIMINATOR)  # the two are in its snapshots and checkpoint
SNAPSHOTS, SNAPSHOT_BYTES = 20, 50_000_000
SAMPLES = (5, 10)  # rows and columns of samples.png
MANIFEST_BYTES = 1_000_000
FILES_AT_MOST = 200
BYTES_AT_MOST = 1_000_000_000  # of all files together
LINES_BYTES = 20_000_000  # of a .jsonl file; a longer one is thinned

_NUMBER = r"(?:\d{6}|[1-9]\d{6,9})"  # as runs.step_in
_MOST_BYTES = {
    r"(config|state)\.json": 100_000,
    r"(history|metrics|events)\.jsonl": LINES_BYTES,
    r"README\.md|samples\.png": 1_000_000,
    r"(generator|discriminator)\.safetensors": 200_000_000,
    rf"snapshots/{_NUMBER}(\.D)?\.safetensors": 200_000_000,
    rf"snapshots/{_NUMBER}\.webp": 1_000_000,
    rf"checkpoint-{_NUMBER}\.safetensors": BYTES_AT_MOST,
    rf"checkpoint-{_NUMBER}\.json": 10_000,
}
_KEPT_FACTS = ("format", "created", "settings", "dataset_sha256", "dataset_size", "versions")


@dataclass(frozen=True)
class Listed:
    """A file as the list has it: bytes, and the SHA-256 in hex."""

    size: int
    sha256: str


def most_bytes(name: str) -> int | None:
    """How large a file of this name may be; None for a name that no run has."""
    return next((most for pattern, most in _MOST_BYTES.items() if re.fullmatch(pattern, name, re.ASCII)), None)


def collect(run: Run, repo: str) -> dict[str, bytes]:
    """All files to push, the list included, in memory: a training may go on meanwhile. The same run gives the same bytes.

    Raises UserError for a run that has nothing to sample, whose G gives NaN, or that is beyond the bounds.
    """
    config, document, state = run.config(), run.document(), run.state()
    files = _snapshots(run)
    step = max(int(step) for step in re.findall(r"snapshots/([0-9]+)\.safetensors", " ".join(files)))
    files[GENERATOR] = files[f"snapshots/{step:06d}.safetensors"]
    if D := files.get(f"snapshots/{step:06d}.D.safetensors"):
        files[DISCRIMINATOR] = D
    files["samples.png"] = _samples(run, config, step)
    checkpoint, _ = saved.load_checkpoint(run)
    if checkpoint:
        name, data = f"checkpoint-{checkpoint.step:06d}", safetensors.torch.save(checkpoint.state)
        files[f"{name}.safetensors"] = data
        files[f"{name}.json"] = _json({"step": checkpoint.step, "seconds": checkpoint.seconds, "sha256": _sha256(data)})
    files["config.json"] = _json({name: document[name] for name in _KEPT_FACTS if name in document})
    # an error may quote paths of this machine
    files["state.json"] = _json({**dataclasses.asdict(state), "heartbeat": 0.0, "error": None})
    measured = run.metrics()[0]
    files["history.jsonl"] = _lines(run.history()[0])
    files["metrics.jsonl"] = _lines(measured)
    files["events.jsonl"] = _lines([event for event in run.events() if event.get("event") == "changed"])
    sizes = {name: len(data) for name, data in files.items()}
    files["README.md"] = card(repo, state, config, measured[-1] if measured else {}, step, sizes).encode()
    listed = {name: Listed(len(data), _sha256(data)) for name, data in sorted(files.items())}
    _check_bounds(listed, run.id)
    files[MANIFEST] = _json(
        {"format": FORMAT, "files": {name: dataclasses.asdict(file) for name, file in listed.items()}}
    )
    return files


def planned(run: Run) -> dict[str, int]:
    """About what `collect` would take: the names and bytes of the files that are there, without reading any.

    Raises UserError for a run that has nothing to sample.
    """
    names = [*_snapshot_names(run), "config.json", "state.json", "history.jsonl", "metrics.jsonl"]
    names += [
        f"checkpoint-{step:06d}.{kind}" for step in saved.checkpoint_steps(run)[-1:] for kind in ("safetensors", "json")
    ]
    files = {}
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            files[name] = (run.folder / name).stat().st_size
    return files


def _snapshots(run: Run) -> dict[str, bytes]:
    """The pushed part of the run's timeline: the newest snapshot, and others as far as there is room."""
    files = {}
    for name in _snapshot_names(run):
        with contextlib.suppress(FileNotFoundError):  # D is not always kept, and a training may thin just now
            files[name] = (run.folder / name).read_bytes()
    return files


def _snapshot_names(run: Run) -> list[str]:
    steps = runs.snapshot_steps(run)
    if not steps:
        raise UserError("no_snapshot_yet", run=run.id)
    each = runs.snapshot_path(run, steps[-1]).stat().st_size
    weights = spread(steps, max(1, min(SNAPSHOTS, SNAPSHOT_BYTES // max(each, 1))))
    drawn = runs.pictured_steps(run)
    wanted = [f"snapshots/{step:06d}.{kind}" for step in weights for kind in ("safetensors", "D.safetensors")]
    return [*wanted, *(f"snapshots/{step:06d}.webp" for step in sorted({*weights, *spread(drawn, SNAPSHOTS)}))]


def _samples(run: Run, config: Config, step: int) -> bytes:
    G, _ = saved.load_generator(runs.snapshot_path(run, step), config)
    count = SAMPLES[0] * SAMPLES[1]
    fakes = generate(G, sample_z(config.seed, count, config.z_dim), classes_for(config, count))
    if not fakes.isfinite().all():
        raise UserError("fakes_not_finite", step=step)
    picture = render.grid(fakes, columns=SAMPLES[1])
    return render.encode(picture.repeat_interleave(2, 0).repeat_interleave(2, 1), "png")


def read_manifest(data: bytes, repo: str) -> dict[str, Listed]:
    """The files of a list, all of names and sizes that a run may have. Raises UserError for any other list."""
    try:
        document = json.loads(data)
        version, listed = document["format"], document["files"]
        if version > FORMAT:
            raise UserError("hub_newer", repo=repo, version=version, known=FORMAT)
        if not isinstance(listed, dict):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError("hub_file_unreadable", repo=repo, name=MANIFEST) from None
    files = {}
    for name, facts in listed.items():
        if most_bytes(name) is None:
            raise UserError("hub_foreign_name", repo=repo, name=name)
        size, sha256 = (facts.get("size"), facts.get("sha256")) if isinstance(facts, dict) else (None, None)
        if type(size) is not int or size < 0 or not re.fullmatch("[0-9a-f]{64}", str(sha256)):
            raise UserError("hub_file_unreadable", repo=repo, name=MANIFEST)
        files[name] = Listed(size, str(sha256))
    _check_bounds(files, repo)
    for name in ("config.json", "state.json", GENERATOR, "snapshots/*[0-9].safetensors"):
        if not fnmatch.filter(files, name):
            raise UserError("hub_incomplete", repo=repo, name=name)
    return files


def spread(steps: Sequence[int], count: int) -> list[int]:
    """`count` of ascending steps, evenly from the first to the last, or all if there are fewer."""
    if len(steps) <= count or count < 2:
        return list(steps) if len(steps) <= count else [steps[-1]]
    return sorted({steps[round(index * (len(steps) - 1) / (count - 1))] for index in range(count)})


def _check_bounds(files: Mapping[str, Listed], owner: str) -> None:
    for name, file in files.items():
        if file.size > (limit := most_bytes(name) or 0):
            raise UserError("hub_too_large", repo=owner, name=name, size=_mb(file.size), limit=_mb(limit))
    if len(files) > FILES_AT_MOST:
        raise UserError("hub_too_many_files", repo=owner, count=len(files), limit=FILES_AT_MOST)
    if (total := sum(file.size for file in files.values())) > BYTES_AT_MOST:
        raise UserError("hub_too_large_together", repo=owner, size=_mb(total), limit=_mb(BYTES_AT_MOST))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """JSON lines; every second one is left out until the rest fits."""
    while True:
        data = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
        if len(data) <= LINES_BYTES:
            return data
        rows = rows[::2]
