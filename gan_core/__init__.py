"""The engine of GAN Live: networks, training, run folders and the runner. It never imports gradio.

    import gan_core
    images = gan_core.load("USER/NAME").sample(25, seed=0)

draws with a network from the Hugging Face Hub, or, given the path of a run folder, with that one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_core.hub_load import Generator

# OpenMP reads this when torch is first imported, and every module below imports torch after this file has run.
# Spinning threads make training 7 to 8 times slower on a busy two-core machine; passive ones keep their speed.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def load(name: str | Path, token: str | None = None) -> Generator:
    """A trained generator, from a run folder or the Hugging Face Hub; see `hub_load.load`."""
    from gan_core import hub_load  # torch takes seconds to import

    return hub_load.load(name, token)
