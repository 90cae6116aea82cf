"""Pictures from z: the generators of run folders, kept ready in memory. Plain values in, pictures or a sentence out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gan_core import runs as run_folders
from gan_core.config import check_field
from gan_core.sentences import UserError
from gan_ui import queries

# torch takes a second to import, and so do the modules of gan_core that use it: they are imported inside the functions
# below, so that the page is up before torch is.
if TYPE_CHECKING:
    from torch import Tensor, nn

    from gan_core.config import Config
    from gan_core.runs import Run

GENERATORS_KEPT = 8  # of 6 MB each
WORKERS = 2  # pictures being made at the same time; more would only take the cores from the training
MAX_SAMPLES = 64


@dataclass(frozen=True)
class Blend:
    """What a conditional run draws: `digit` (None: all in turn), and if `to` is another one, `share` of that."""

    digit: int | None = None
    to: int | None = None
    share: float = 0.0


EACH_IN_TURN = Blend()


@dataclass(frozen=True)
class Loaded:
    """A generator in memory, and where it comes from."""

    G: nn.Module
    run: Run
    config: Config
    step: int
    path: Path
    stamp: tuple[int, int] | None


Draw = Callable[["Loaded", "Tensor", Blend], "Tensor"]  # what `fakes` is


class SampleServer:
    """Samples from the run folders in `runs_dir`; every method may be called from any thread.

    The last few generators stay in memory. A file is read again as soon as it has been replaced: "live" changes about
    once a second while its run is training. A run or snapshot that disappears is a UserError at the next call.
    `draw` makes the pictures of `sample`, by default on the CPU as all the others.
    """

    def __init__(self, runs_dir: Path, draw: Draw | None = None) -> None:
        self._runs_dir = runs_dir
        self._draw = draw or fakes
        self._lock = threading.Lock()
        self._loaded: OrderedDict[tuple[str, int | None], Loaded] = OrderedDict()
        self.workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="sample")

    def find(self, run_id: str) -> Run:
        """A run of the runs directory, or one of those that ship. Raises UserError if there is none of that id."""
        find = run_folders.find_sampled
        return find(self._runs_dir, str(run_id))

    def find_own(self, run_id: str) -> Run:
        """A run of the runs directory. Raises UserError if there is none of that id, also for those that ship."""
        run = self.find(run_id)
        if run.folder.parent != self._runs_dir:
            raise UserError("run_ships", run=run.id)
        return run

    def images(self, run_id: str, step: int | None, z: Tensor, blend: Blend = EACH_IN_TURN) -> tuple[Tensor, int]:
        """Pictures, uint8 (n, 1, 28, 28), of z, float32 (n, z_dim), and the step of the generator that made them.

        `step` None is live, the newest generator there is. Raises UserError if the run or its snapshot is not there or
        cannot be read, and if z or the digit does not fit.
        """
        from gan_core.render import to_uint8

        loaded = self.generator(run_id, step)
        return to_uint8(fakes(loaded, z, blend)), loaded.step

    def sample(self, run_id: str, step: int | None, seed: int, n: int, digit: int | None = None) -> tuple[Tensor, int]:
        """`n` (1 to 64) pictures, float32 (n, 28, 28) in [0, 1], of the z that `sample_z` draws from `seed`.

        With them the step of the generator that made them; `step` and `digit` as for `images`. Raises UserError as
        `images` does, and for a number out of its range.
        """
        from gan_core.latent import sample_z

        count, seed = int(queries.number("n", n, 1, MAX_SAMPLES, whole=True)), check_field("seed", seed)
        wanted = Blend(queries.digit(digit))
        loaded = self.generator(run_id, queries.step(step))
        return self._draw(loaded, sample_z(seed, count, loaded.config.z_dim), wanted)[:, 0], loaded.step

    def z(self, run_id: str, seed: int | str) -> Tensor:
        """The z of a seed and the two axes of its neighbourhood, float32 (3, z_dim). Raises UserError."""
        import torch

        from gan_core.latent import axes, sample_z

        z_dim = self.find(run_id).config().z_dim
        number = check_field("seed", seed)
        return torch.cat([sample_z(number, 1, z_dim), axes(number, z_dim)])

    # --- generators ---

    def generator(self, run_id: str, step: int | None) -> Loaded:
        """The generator of a snapshot, or the newest for None, from memory if it still is the one on disk."""
        from gan_core.saved import snapshot_path

        run = self.find(run_id)
        key = (run.id, step)
        with self._lock:
            known = self._loaded.get(key)
            if known:
                self._loaded.move_to_end(key)
        # which file it is needs a look into the folder only while live has to make do with a snapshot
        settled = known and (step is not None or known.path.parent == run.folder)
        path = known.path if known and settled else snapshot_path(run, step)
        if known and path == known.path and known.stamp == _stamp(path):
            return known
        loaded = self.load(run, step)  # without the lock: the others go on with what they have
        with self._lock:
            self._loaded[key] = loaded
            self._loaded.move_to_end(key)
            while len(self._loaded) > GENERATORS_KEPT:
                self._loaded.popitem(last=False)
        return loaded

    def load(self, run: Run, step: int | None) -> Loaded:
        from gan_core.saved import load_generator, snapshot_path

        path = snapshot_path(run, step)
        stamp = _stamp(path)  # before reading: if the file is replaced in between, it is only read once more
        try:
            config = run.config()
            G, at = load_generator(path, config)
        except UserError:
            self.find(run.id)  # the run may just have been deleted, or the snapshot thinned out:
            snapshot_path(run, step)  # then these have the better sentence
            raise
        return Loaded(G, run, config, at, path, stamp)


def fakes(loaded: Loaded, z: Tensor, blend: Blend = EACH_IN_TURN) -> Tensor:
    """What a generator makes of z (n, z_dim): float32 (n, 1, 28, 28) in [0, 1]. Raises UserError if they do not fit."""
    import torch

    from gan_core.latent import classes_for, generate, weights_of
    from gan_core.pose import Pose

    if z.dim() != 2 or z.shape[1] != loaded.config.z_dim:
        raise UserError("z_wrong_length", got=z.shape[-1] if z.dim() else 0, want=loaded.config.z_dim)
    classes = classes_for(loaded.config, len(z), blend.digit)
    if classes is None and blend.digit is not None:
        raise UserError("not_conditional", run=loaded.run.id)
    if classes is not None and blend.to is not None and blend.digit is not None:
        weights = weights_of(Pose((0.0,), digit=blend.digit, to=blend.to, share=blend.share))
        classes = torch.as_tensor(weights).expand(len(z), -1)
    made = generate(loaded.G, z, classes)
    if not made.isfinite().all():
        raise UserError("fakes_not_finite", step=loaded.step)
    return made


def _stamp(path: Path) -> tuple[int, int] | None:
    """Changes whenever the file is replaced; None if it is gone."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino
