"""The judge: a small classifier of digits whose features the metrics measure in.

It was trained on the 60,000 training digits of MNIST by `python -m tools.train_judge` and knows nothing of any GAN. Its
features also had to redraw the digit while it trained: features that serve only to tell the ten digits apart forget
slant and stroke, and would not notice a GAN that draws each digit in one way.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gan_core.render import as_pixels
from gan_core.sentences import UserError

ASSETS = Path(__file__).parent / "assets" / "judge"
FEATURES = 64
_BATCH = 500  # bounds the memory: 7 MB for the largest activation


class Judge(nn.Module):
    """Images (N, 1, 28, 28) float in [0, 1] -> features (N, 64) -> logits (N, 10); 1.3 million multiply-adds an image.

    The features are as they leave the layer, without a ReLU, and scaled so that each has a variance of about 1 over the
    training digits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 24, 3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(24, 48, 3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(48 * 3 * 3, FEATURES),
        )
        self.head = nn.Linear(FEATURES, 10)


@lru_cache(maxsize=1)
def load_judge() -> Judge:
    """The judge as it ships, on the CPU. Never changed after loading, so threads may share it.

    Raises UserError if it is missing or damaged.
    """
    judge = Judge()
    try:
        judge.load_state_dict(load_file(ASSETS / "judge.safetensors"))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UserError("judge_damaged", folder=ASSETS) from error
    judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return judge.eval().requires_grad_(False)


def features(images: Tensor) -> Tensor:
    """The judge's features (N, 64), float32, of images (N, 1, 28, 28), uint8 or float in [0, 1].

    Computed on the CPU, in float32 even inside an autocast region; about 40 ms for 1000 images on one core.
    """
    judge = load_judge()
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        return torch.cat([judge.body(as_pixels(part)) for part in images.split(_BATCH)])


def classify(found: Tensor) -> Tensor:
    """The digit (N,) int64 that the judge sees in each image, from its features (N, 64)."""
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        digits: Tensor = load_judge().head(found).argmax(1)
    return digits
