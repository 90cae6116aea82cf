"""The folder in which data sets are kept between trainings, and how files get into it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from gan_core.files import write_atomic
from gan_core.sentences import UserError

_one_thread = threading.Lock()  # write_atomic tells processes apart, not threads


def cache_dir() -> Path:
    """`$GAN_DATA_DIR`, or `~/.cache/gan-live`; it need not exist yet."""
    return Path(os.environ.get("GAN_DATA_DIR") or "~/.cache/gan-live").expanduser()


def keep(path: Path, data: bytes) -> None:
    """Put a whole file into the cache, making its folder. Raises UserError where the cache cannot be written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _one_thread:
            # readers check every byte against a hash, so a file lost in a power cut is merely made again
            write_atomic(path, data, durable=False)
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> UserError:
    """The sentence for a cache that refuses a file."""
    return UserError("data_folder_unwritable", field="dataset", folder=cache_dir(), reason=error.strerror or error)
