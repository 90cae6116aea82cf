"""The sampler: shuffled batches that go on exactly where they stopped."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_core.sampler import Sampler
from gan_core.sentences import UserError


def numbered(count: int) -> torch.Tensor:
    """Images (N, 1, 28, 28) that say their own number in two bytes."""
    images = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(count) % 256
    images[:, 0, 0, 1] = torch.arange(count) // 256
    return images


def numbers(batch: torch.Tensor) -> list[int]:
    return [int(image[0, 0, 0]) + 256 * int(image[0, 0, 1]) for image in batch]


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (5, 5, [5]), (9, 4, [4, 5]), (3, 1, [1, 1, 1]), (700, 256, [256, 256, 188])],
)
def test_each_epoch_deals_every_image_once(count: int, batch_size: int, sizes: list[int]) -> None:
    sampler = Sampler(numbered(count), batch_size, seed=1)
    assert sampler.batches_per_epoch == len(sizes)
    orders = []
    for epoch in range(3):
        assert (sampler.epoch, sampler.position) == (epoch, 0)
        batches = [sampler.next() for _ in sizes]
        assert [len(batch) for batch in batches] == sizes
        assert all(batch.shape[1:] == (1, 28, 28) and batch.dtype == torch.uint8 for batch in batches)
        orders.append([number for batch in batches for number in numbers(batch)])
        assert sorted(orders[-1]) == list(range(count))
    if count > 9:
        assert orders[0] != orders[1] != orders[2]


def test_position_counts_the_images_dealt() -> None:
    sampler = Sampler(numbered(10), 4, seed=0)
    seen = []
    for _ in range(4):
        sampler.next()
        seen.append((sampler.epoch, sampler.position))
    assert seen == [(0, 4), (0, 8), (1, 0), (1, 4)]


def test_the_seed_decides_the_order_and_nothing_else_does() -> None:
    before = torch.get_rng_state()
    first, same, other = (Sampler(numbered(50), 8, seed) for seed in (7, 7, 8))
    dealt = [numbers(first.next()) for _ in range(20)]
    torch.rand(5)
    torch.set_rng_state(before)
    assert [numbers(same.next()) for _ in range(20)] == dealt
    assert [numbers(other.next()) for _ in range(20)] != dealt
    assert torch.equal(torch.get_rng_state(), before)


@given(
    count=st.integers(1, 40), batch_size=st.integers(1, 40), seed=st.integers(0, 2**31 - 1), dealt=st.integers(0, 30)
)
def test_a_sampler_goes_on_exactly_from_any_batch(count: int, batch_size: int, seed: int, dealt: int) -> None:
    images = numbered(count)
    batch_size = min(batch_size, count)
    sampler = Sampler(images, batch_size, seed)
    for _ in range(dealt):
        sampler.next()
    saved = safetensors.torch.save(sampler.state_dict())
    assert len(saved) < 6000
    ahead = [sampler.next() for _ in range(12)]
    resumed = Sampler(images, batch_size, seed + 1)
    resumed.next()
    resumed.load_state_dict(safetensors.torch.load(saved))
    assert all(torch.equal(batch, resumed.next()) for batch in ahead)
    assert (resumed.epoch, resumed.position) == (sampler.epoch, sampler.position)
    assert all(torch.equal(value, resumed.state_dict()[key]) for key, value in sampler.state_dict().items())


def test_a_state_does_not_change_with_the_sampler_it_came_from() -> None:
    sampler = Sampler(numbered(10), 4, seed=0)
    sampler.next()
    state = sampler.state_dict()
    expected = numbers(sampler.next())
    for _ in range(5):
        sampler.next()
    sampler.load_state_dict(state)
    assert numbers(sampler.next()) == expected


def test_a_batch_larger_than_the_data_set_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        Sampler(numbered(10), 11, seed=0)
    assert caught.value.field == "batch_size"
    assert "11" in str(caught.value)
    assert "10" in str(caught.value)


def test_a_state_of_a_larger_data_set_is_refused() -> None:
    sampler = Sampler(numbered(30), 4, seed=0)
    for _ in range(5):
        sampler.next()
    with pytest.raises(ValueError, match="cannot stand at image 20"):
        Sampler(numbered(20), 4, seed=0).load_state_dict(sampler.state_dict())
