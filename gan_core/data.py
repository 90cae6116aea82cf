"""A data set as one uint8 tensor in memory, and the sampler that deals it out in shuffled batches.

MNIST comes with the program; three more are downloaded once; a folder or .zip of a person's own pictures is imported.
All of them end in the cache folder, and a training reads nothing else.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from gan_core import torchvision_data
from gan_core.data_cache import cache_dir
from gan_core.imported_images import import_images, imported_names, is_imported_name, load_images
from gan_core.sentences import UserError

__all__ = ["DATASETS", "Dataset", "Facts", "Sampler", "cache_dir", "ensure", "facts", "is_ready", "load", "names"]

DATASETS: tuple[str, ...] = tuple(torchvision_data.CLASSES)


@dataclass(frozen=True)
class Dataset:
    """The training split of a data set: `images` uint8 (N, 1, 28, 28), and the SHA-256 of their bytes in hex."""

    name: str
    images: torch.Tensor
    sha256: str


@dataclass(frozen=True)
class Facts:
    """The number of images of a data set, and the SHA-256 of their bytes in hex."""

    size: int
    sha256: str


def names() -> list[str]:
    """The data sets there are: the four known ones, then those imported on this machine."""
    return [*DATASETS, *imported_names()]


def is_ready(name: str) -> bool:
    """Whether the data set is in the cache; a quick look, which leaves the checking of its bytes to `ensure`."""
    return torchvision_data.is_present(name) if name in DATASETS else name in imported_names()


def ensure(name: str) -> str:
    """Put a data set into the cache, whole and checked, and return the name under which `load` finds it.

    Bundled MNIST is unpacked, the other three are downloaded (torchvision shows its tqdm bar), and the path of a folder
    or .zip is imported. Damaged files are replaced. Safe when several threads or processes do it at once.

    Raises UserError for an unknown name, a failed download, a cache that cannot be written to, and what
    `import_images` refuses.
    """
    if name in DATASETS:
        if not torchvision_data.is_whole(name):
            torchvision_data.fetch(name)
        return name
    if is_imported_name(name):
        _imported(name)
        return name
    if os.path.isdir(name) or (name.lower().endswith(".zip") and os.path.isfile(name)):
        return import_images(Path(name)).name
    raise _unknown(name)


def load(name: str) -> Dataset:
    """A data set that `ensure` has put into the cache; never touches the network.

    Raises UserError if it is unknown, not in the cache or damaged there.
    """
    if name in DATASETS:
        if not torchvision_data.is_whole(name):
            raise UserError("dataset_not_ready", field="dataset", name=name)
        images = torchvision_data.read_images(name).unsqueeze(1).contiguous()
    else:
        images = _imported(name)
    return Dataset(name, images, _sha256(images))


def facts(name: str) -> Facts:
    """What a run notes about its data set, found without torchvision. Raises UserError if it is not in the cache."""
    if name not in DATASETS:
        images = _imported(name)
        return Facts(len(images), _sha256(images))
    try:
        return Facts(*torchvision_data.measure_images(name))
    except OSError:
        raise UserError("dataset_not_ready", field="dataset", name=name) from None


def _imported(name: str) -> torch.Tensor:
    if not is_imported_name(name):
        raise _unknown(name)
    pixels = load_images(name)
    if pixels is None:
        raise UserError("images_not_imported", field="dataset", name=name)
    return torch.from_numpy(pixels).unsqueeze(1)


def _sha256(images: torch.Tensor) -> str:
    return hashlib.sha256(images.numpy().data).hexdigest()


def _unknown(name: str) -> UserError:
    return UserError("unknown_dataset", field="dataset", name=name, choices=", ".join(names()))


class Sampler:
    """Shuffled batches of `images` (N, ...), epoch after epoch, each image once an epoch.

    The last batch of an epoch is smaller when N is not a multiple of `batch_size`; a single image left over joins the
    batch before it, because BatchNorm cannot train on one image alone.

    `epoch` counts the epochs finished, `position` the images already dealt in this one. Raises UserError when
    `batch_size` is larger than N.
    """

    def __init__(self, images: torch.Tensor, batch_size: int, seed: int) -> None:
        if batch_size > len(images):
            raise UserError("batch_larger_than_dataset", field="batch_size", value=batch_size, count=len(images))
        self._images = images
        self._batch_size = batch_size
        self._generator = torch.Generator().manual_seed(seed)
        self.epoch = 0
        self._shuffle()

    @property
    def batches_per_epoch(self) -> int:
        full, rest = divmod(len(self._images), self._batch_size)
        return full + (rest > 1)

    def next(self) -> torch.Tensor:
        """The next batch (B, ...), a copy with the images' dtype."""
        end = self.position + self._batch_size
        if end + 1 == len(self._images) and self._batch_size > 1:
            end += 1
        batch = self._images[self._order[self.position : end]]
        self.position += len(batch)
        if self.position == len(self._images):
            self.epoch += 1
            self._shuffle()
        return batch

    def _shuffle(self) -> None:
        self._before_shuffle = self._generator.get_state()
        self._order = torch.randperm(len(self._images), generator=self._generator)
        self.position = 0

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Where the sampler stands, in about 5 kB: the order of the epoch is drawn again rather than stored."""
        return {
            "generator": self._before_shuffle.clone(),
            "epoch": torch.tensor(self.epoch),
            "position": torch.tensor(self.position),
        }

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from a `state_dict` of a sampler of the same images. Raises ValueError if it cannot be one."""
        position = int(state["position"])
        if not 0 <= position < len(self._images):
            raise ValueError(f"a sampler of {len(self._images)} images cannot stand at image {position}")
        self._generator.set_state(state["generator"])
        self._shuffle()
        self.epoch = int(state["epoch"])
        self.position = position
