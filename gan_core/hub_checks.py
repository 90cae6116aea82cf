"""What a run from the Hub must be before it becomes one here: somebody else made it, and may have meant harm.

Nothing is taken over as it is. Settings, curves and events are read and written anew, with only what a run can hold;
weights must fit the networks that the settings describe, and be finite; pictures must be pictures.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from gan_core import config as settings
from gan_core import saved
from gan_core.changes import Changes
from gan_core.config import Config
from gan_core.files import read_lines, write_atomic, write_json
from gan_core.hub_rows import clean
from gan_core.latent import classes_for, generate, sample_z
from gan_core.loop import resolve
from gan_core.networks import build_discriminator, build_generator
from gan_core.runs import FORMAT, Run, State, step_of
from gan_core.sentences import UserError
from gan_core.trainer import Measured, Trainer

HEADER_AT_MOST = 1_000_000  # bytes; that of a network has a few thousand
IMAGES_AT_MOST = 10_000_000  # in a data set
SIDE_AT_MOST = 1000  # pixels of a picture
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, SyntaxError)
_FLOATS = {"F16", "BF16", "F32"}


class Checks:
    """The files of one repository, fetched into `folder`; every method raises UserError, naming the file."""

    def __init__(self, folder: Path, repo: str, origin: Mapping[str, str]) -> None:
        self.folder = folder
        self.repo = repo
        self.origin = dict(origin)

    def all(self) -> Run:
        """Check and rewrite everything; the folder then is a run."""
        config = self.config()
        self.state(config)
        self.lines()
        for path in sorted(self.folder.glob("snapshots/*")):
            if path.suffix == ".webp":
                self._picture(path)
            elif path.name.endswith(".D.safetensors"):
                self._discriminator(path, config)
            else:
                self.generator(path, config)
        self._checkpoints(config)
        return Run(self.folder)

    def config(self) -> Config:
        """The settings; config.json is written anew with only what belongs there, and where the run came from.

        What depends on the machine, its device and threads, is decided anew as well.
        """
        document = self._document("config.json")
        with self._readable(self.folder / "config.json"):
            version, size, sha256 = int(document["format"]), document["dataset_size"], document["dataset_sha256"]
            created = float(document["created"])
            if version > FORMAT:
                raise UserError("hub_newer", repo=self.repo, version=version, known=FORMAT)
            name = str(document["settings"].get("preset"))
            if not re.fullmatch(r"[a-z0-9-]{1,40}", name) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
                raise ValueError
            if type(size) is not int or not 0 < size <= IMAGES_AT_MOST or not math.isfinite(created):
                raise ValueError
            config = settings.check_together(settings.from_json(document["settings"]))
        if not re.fullmatch(r"[a-z0-9-]{1,40}", config.dataset):  # never a path
            raise UserError("hub_file_unreadable", repo=self.repo, name="config.json")
        config = resolve(dataclasses.replace(config, device="auto", threads=0))
        versions = document.get("versions")
        fresh = {
            "format": FORMAT,
            "created": created,
            "settings": settings.to_json(config),
            "dataset_sha256": sha256,
            "dataset_size": size,
            "parent": None,
            "versions": {str(k)[:40]: str(v)[:40] for k, v in versions.items()} if isinstance(versions, dict) else {},
            "origin": self.origin,
        }
        write_json(self.folder / "config.json", fresh)
        return config

    def state(self, config: Config) -> None:
        """state.json anew: a run that was still training counts as stopped."""
        document = self._document("state.json")
        with self._readable(self.folder / "state.json"):
            step, target, epoch = (int(_number(document.get(name, 0))) for name in ("step", "target", "epoch"))
            seconds, limit = (_number(document.get(name, 0)) for name in ("seconds", "seconds_limit"))
        state = State(
            status="finished" if document.get("status") == "finished" else "stopped",
            step=step,
            target=target,
            epoch=epoch,
            seconds=seconds,
            seconds_limit=limit,
            device=config.device,
            precision=config.precision,
            threads=config.threads,
        )
        write_json(self.folder / "state.json", dataclasses.asdict(state))

    def lines(self) -> None:
        """The .jsonl files anew, with the rows that can be rows and in them the values that can be values."""
        for name in ("history", "metrics", "events"):
            path = self.folder / f"{name}.jsonl"
            with self._readable(path):
                rows = clean(name, read_lines(path)[0])
                write_atomic(path, b"".join(json.dumps(row).encode() + b"\n" for row in rows))

    def generator(self, path: Path, config: Config) -> tuple[nn.Module, int]:
        """G of a file, which draws finite pictures, and its step."""
        G, step = self._network(path, build_generator(config), lambda: saved.load_generator(path, config))
        if not generate(G, sample_z(0, 10, config.z_dim), classes_for(config, 10)).isfinite().all():
            raise UserError("hub_not_finite", repo=self.repo, name=self._name(path))
        return G, step

    def _discriminator(self, path: Path, config: Config) -> None:
        step = step_of(path) or 0
        self._network(
            path, build_discriminator(config), lambda: (saved.load_discriminator(Run(self.folder), step), step)
        )

    def _network(self, path: Path, like: nn.Module, load: Callable[[], tuple[nn.Module, int]]) -> tuple[nn.Module, int]:
        """A network loaded after a look at the file's header, which must list exactly the tensors of `like`."""
        header = self._header(path)
        wanted = {key: (list(value.shape), value.is_floating_point()) for key, value in like.state_dict().items()}
        if wanted != {key: (facts.get("shape"), facts.get("dtype") in _FLOATS) for key, facts in header.items()}:
            raise UserError("hub_wrong_network", repo=self.repo, name=self._name(path))
        try:
            net, step = load()
        except UserError:
            raise UserError("hub_wrong_network", repo=self.repo, name=self._name(path)) from None
        self._finite(path, net.state_dict())
        return net, step

    def _checkpoints(self, config: Config) -> None:
        """Every checkpoint must be one that this run's training can go on from."""
        run = Run(self.folder)
        count = run.document()["dataset_size"]
        for step in saved.checkpoint_steps(run):
            name = f"checkpoint-{step:06d}.safetensors"
            path = self.folder / name
            if not path.exists():
                raise UserError("hub_incomplete", repo=self.repo, name=name)
            self._header(path)
            checkpoint, _ = saved.load_checkpoint(run, step)
            if checkpoint is None or checkpoint.step != step:
                raise UserError("hub_file_unreadable", repo=self.repo, name=name)
            self._finite(path, checkpoint.state)
            # as many images as the data set has, without their memory
            images = torch.zeros(1, 1, 28, 28, dtype=torch.uint8).expand(count, 1, 28, 28)
            labels = torch.zeros(1, dtype=torch.int64).expand(count)
            try:
                measured = checkpoint.state.pop("measured")
                trainer = Trainer(Changes(run).until(step, config), images, labels)
                trainer.load_state_dict(checkpoint.state)
                fits = measured.shape[1] == len(Measured._fields) and trainer.step_count == step
            except (KeyError, RuntimeError, ValueError, TypeError, IndexError):
                fits = False
            if not fits:
                raise UserError("hub_wrong_network", repo=self.repo, name=name)

    def _header(self, path: Path) -> dict[str, Any]:
        """What a .safetensors file says it holds."""
        with open(path, "rb") as file, self._readable(path):
            length = int.from_bytes(file.read(8), "little")
            if length > HEADER_AT_MOST:
                raise UserError("hub_huge_header", repo=self.repo, name=self._name(path), size=f"{length:,}")
            header = json.loads(file.read(length))
            header.pop("__metadata__", None)
            if not all(isinstance(facts, dict) for facts in header.values()):
                raise ValueError
        return dict(header)

    def _finite(self, path: Path, state: Mapping[str, Tensor]) -> None:
        if not all(value.isfinite().all() for value in state.values() if value.is_floating_point()):
            raise UserError("hub_not_finite", repo=self.repo, name=self._name(path))

    def _picture(self, path: Path) -> None:
        with self._readable(path), Image.open(path, formats=["WEBP"]) as picture:
            if max(picture.size) > SIDE_AT_MOST:
                raise ValueError
            picture.load()

    def _document(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        with self._readable(path):
            document = json.loads(path.read_bytes())
            if not isinstance(document, dict):
                raise TypeError
        return dict(document)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    @contextlib.contextmanager
    def _readable(self, path: Path) -> Iterator[None]:
        """Whatever goes wrong inside is the file's fault."""
        try:
            yield
        except UserError:
            raise
        except (*_BROKEN, Image.DecompressionBombError):
            raise UserError("hub_file_unreadable", repo=self.repo, name=self._name(path)) from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        raise ValueError
    return value
