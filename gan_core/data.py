"""A data set as one uint8 tensor in memory.

MNIST comes with the program; three more are downloaded once; a folder or .zip of a person's own pictures is imported.
All of them end in the cache folder, and a training reads nothing else.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gan_core import torchvision_data
from gan_core.data_cache import cache_dir
from gan_core.imported_images import import_images, imported_names, is_imported_name, load_images
from gan_core.sentences import UserError

# torch takes a second to import and the page is up without it, so it is imported only where it is used
if TYPE_CHECKING:
    import torch

__all__ = ["DATASETS", "Dataset", "Facts", "cache_dir", "ensure", "facts", "has_labels", "is_ready", "load", "names"]

DATASETS: tuple[str, ...] = tuple(torchvision_data.CLASSES)


@dataclass(frozen=True)
class Dataset:
    """The training split of a data set: `images` uint8 (N, 1, 28, 28), and the SHA-256 of their bytes in hex.

    `labels` int64 (N,) are the classes 0 to 9, or None where there are none.
    """

    name: str
    images: torch.Tensor
    sha256: str
    labels: torch.Tensor | None = None


@dataclass(frozen=True)
class Facts:
    """The number of images of a data set, and the SHA-256 of their bytes in hex."""

    size: int
    sha256: str


def names() -> list[str]:
    """The data sets there are: the four known ones, then those imported on this machine."""
    return [*DATASETS, *imported_names()]


def has_labels(name: str) -> bool:
    """Whether the images of the data set come with classes."""
    return name in DATASETS


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
        images, labels = torchvision_data.read_images(name)
        images = images.unsqueeze(1).contiguous()
        return Dataset(name, images, _sha256(images), labels)
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
    import torch

    return torch.from_numpy(pixels).unsqueeze(1)


def _sha256(images: torch.Tensor) -> str:
    return hashlib.sha256(images.numpy().data).hexdigest()


def _unknown(name: str) -> UserError:
    return UserError("unknown_dataset", field="dataset", name=name, choices=", ".join(names()))
