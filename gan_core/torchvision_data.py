"""The data sets read through torchvision: MNIST, which comes with the program, and three that are downloaded once.

torchvision keeps a data set in `<cache>/<class>/raw/` and believes any unpacked file it finds there, even one that was
being written when the machine went down. So files are moved there only when they are whole, and the MD5 of each is
checked before it is read.
"""

from __future__ import annotations

import errno
import functools
import gzip
import hashlib
import json
import os
import shutil
import socket
import tempfile
import threading
import zlib
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_core.data_cache import cache_dir, keep, unwritable
from gan_core.files import patiently
from gan_core.sentences import UserError

# torch takes a second to import and the page is up without it, so it is imported only where it is used
if TYPE_CHECKING:
    import torch

CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST", "qmnist": "QMNIST"}

_BUNDLED = Path(__file__).parent / "assets" / "mnist"
_MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_SILENCE_S = 20.0  # how long a mirror may say nothing before it counts as failed
_one_fetch = threading.Lock()


def is_present(name: str) -> bool:
    """Whether all files of a data set are in the cache; a quick look, not at their bytes."""
    files = _md5s(name)
    return bool(files) and all((raw_folder(name) / file).is_file() for file in files)


def is_whole(name: str) -> bool:
    """Whether all files of a data set are in the cache with the MD5 they should have (about 0.1 s)."""
    md5s = _md5s(name)
    return bool(md5s) and all(_md5(raw_folder(name) / file) == md5 for file, md5 in md5s.items())


def fetch(name: str) -> None:
    """Unpack or download a data set into the cache. Raises UserError if that fails, leaving what was there."""
    if name == "mnist":
        _unpack_mnist()
        return
    with _one_fetch:  # a second click waits for the first, then finds everything there
        if not is_whole(name):
            _download(name)


def read_images(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The training images of a data set whose files are in the cache, uint8 (N, 28, 28), and their classes int64 (N,)."""
    opened = _open(name, cache_dir())
    # QMNIST notes eight things about each digit; the first is its class
    labels = opened.targets if opened.targets.dim() == 1 else opened.targets[:, 0]
    return opened.data, labels.long()


def measure_images(name: str) -> tuple[int, str]:
    """The number of training images and the SHA-256 of their bytes, read past torchvision, whose import takes seconds.

    Raises OSError if they are not in the cache.
    """
    prefix = "qmnist-" if name == "qmnist" else ""
    with (raw_folder(name) / f"{prefix}train-images-idx3-ubyte").open("rb") as file:
        header = file.read(16)  # magic number, count, height, width: 4 bytes each, the first one first
        return int.from_bytes(header[4:8], "big"), hashlib.file_digest(file, "sha256").hexdigest()


def raw_folder(name: str) -> Path:
    """The folder in which torchvision looks for the unpacked files."""
    return cache_dir() / CLASSES[name] / "raw"


def _open(name: str, root: Path, download: bool = False) -> Any:
    """torchvision's data set object on the training split (for QMNIST, `train=True` stands for what="train")."""
    from gan_core.torchvision_cure import import_torchvision

    return getattr(import_torchvision().datasets, CLASSES[name])(root, train=True, download=download)


def _md5s(name: str) -> dict[str, str]:
    """The MD5 of each unpacked file: known for MNIST, noted after a download for the others, else empty."""
    if name == "mnist":
        return _MNIST_MD5
    try:
        noted = json.loads((raw_folder(name) / "md5.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _md5(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        return ""


def _unpack_mnist() -> None:
    raw = raw_folder("mnist")
    for name, md5 in _MNIST_MD5.items():
        if _md5(raw / name) == md5:
            continue
        try:
            data = gzip.decompress((_BUNDLED / f"{name}.gz").read_bytes())
        except (OSError, EOFError, zlib.error):
            data = b""
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
            raise UserError("bundled_mnist_damaged", field="dataset", folder=_BUNDLED)
        keep(raw / name, data)


def _download(name: str) -> None:
    """Download into a folder of its own, and move the files from there once all of them are whole."""
    raw = raw_folder(name)
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=cache_dir()) as folder:
            fresh = Path(folder, CLASSES[name], "raw")
            fresh.mkdir(parents=True)
            for packed in raw.glob("*.gz"):  # put there by hand, where there is no network; torchvision checks them
                shutil.copyfile(packed, fresh / packed.name)
            _ask_mirrors(name, Path(folder))
            files = [file for file in fresh.iterdir() if file.suffix != ".gz"]
            md5s = {file.name: _md5(file) for file in files}
            for file in files:
                patiently(functools.partial(os.replace, file, raw / file.name))
    except OSError as error:
        raise unwritable(error) from error
    keep(raw / "md5.json", json.dumps(md5s, indent=1).encode())


def _ask_mirrors(name: str, root: Path) -> None:
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE_S)  # torchvision sets none, and would wait for a silent mirror for ever
    try:
        _open(name, root, download=True)
    except (OSError, RuntimeError, HTTPException) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError("download_failed", field="dataset", name=name, folder=raw_folder(name)) from error
    finally:
        socket.setdefaulttimeout(patience)
