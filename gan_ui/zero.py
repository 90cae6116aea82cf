"""ZeroGPU: the one function of the app that runs on its GPU, without which such a Space does not start. Imported only there.

It draws the pictures of the endpoint /sample, whose caller pays for it with some seconds of quota. A drag must not, and
a training cannot, as the GPU is lent for single calls only: they stay on the CPU.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import spaces  # first: it has to come before torch
import torch
from torch import Tensor

from gan_ui.sampling import Blend, Loaded, fakes

SECONDS = 10  # what a call may take; it takes far less, and asks for no more quota than that


@spaces.GPU(duration=SECONDS)  # type: ignore[untyped-decorator, unused-ignore]
def draw(loaded: Loaded, z: Tensor, blend: Blend) -> Tensor:
    """`sampling.fakes` on the GPU: float32 (n, 1, 28, 28) in [0, 1], on the CPU again. Raises UserError as that does."""
    device: Any = "cuda" if torch.cuda.is_available() else "cpu"
    there = dataclasses.replace(loaded, G=copy.deepcopy(loaded.G).to(device))
    return fakes(there, z.to(device), blend).cpu()
