"""Dealing out a data set in shuffled batches, with a state small enough to keep in every checkpoint."""

from __future__ import annotations

import torch

from gan_core.sentences import UserError


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
