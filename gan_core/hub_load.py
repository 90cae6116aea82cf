"""A trained generator for a notebook, from a run folder or from the Hub: `gan_core.load`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy
import numpy.typing
import torch
from torch import nn

from gan_core import runs, saved
from gan_core.config import Config
from gan_core.hub_checks import Checks
from gan_core.hub_files import GENERATOR
from gan_core.latent import classes_for, generate, sample_z
from gan_core.networks import CLASSES
from gan_core.runs import Run
from gan_core.sentences import UserError

SAMPLES_AT_MOST = 100_000
AT_ONCE = 1000  # bounds the memory


class Generator:
    """A trained G in eval mode, on the CPU, with the settings and the step it comes from."""

    def __init__(self, name: str, G: nn.Module, step: int, config: Config) -> None:
        self.name = name
        self.G = G
        self.config = config
        self.step = step

    def __repr__(self) -> str:
        return f"<{self.name}: {self.config.network} trained on {self.config.dataset} for {self.step} steps>"

    def sample(self, n: int = 25, seed: int = 0, digit: int | None = None) -> numpy.typing.NDArray[numpy.float32]:
        """Images (n, 28, 28), float32 in [0, 1]; the same seed gives the same ones.

        A conditional G draws the classes 0 to 9 in turn, or only `digit`. Raises UserError.
        """
        if not 0 < n <= SAMPLES_AT_MOST:
            raise UserError("out_of_range", field="n", value=n, low=1, high=SAMPLES_AT_MOST)
        if digit is not None and not self.config.conditional:
            raise UserError("not_conditional", field="digit", run=self.name)
        if digit is not None and not 0 <= digit < CLASSES:
            raise UserError("out_of_range", field="digit", value=digit, low=0, high=CLASSES - 1)
        z, classes = sample_z(seed, n, self.config.z_dim), classes_for(self.config, n, digit)
        parts = [slice(start, start + AT_ONCE) for start in range(0, n, AT_ONCE)]
        images = torch.cat([generate(self.G, z[part], None if classes is None else classes[part]) for part in parts])
        return images[:, 0].numpy()


def load(name: str | Path, token: str | None = None) -> Generator:
    """The newest generator of a run folder, or of USER/NAME or USER/NAME@REVISION on the Hub.

    From the Hub only the generator is fetched, and checked as a pull checks it; `token` defaults to that of this machine.
    Raises UserError.
    """
    folder = Path(name)
    if (folder / "config.json").is_file():
        run = Run(folder)
        config = run.config()
        return Generator(run.id, *saved.load_generator(runs.snapshot_path(run, None), config), config)
    if isinstance(name, Path) or "/" not in name:
        raise UserError("not_loadable", name=name)
    from gan_core import hub, hub_errors  # a run folder needs no Hub
    from gan_core.hub_pull import split

    token = token or hub_errors.own_token()
    source = hub.find(*split(name), token)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        hub.fetch(source, {file: source.files[file] for file in ("config.json", GENERATOR)}, folder, token)
        checks = Checks(folder, source.repo, {})
        config = checks.config()
        return Generator(name, *checks.generator(folder / GENERATOR, config), config)
