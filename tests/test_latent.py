"""z: draws that depend on the seed alone, truncation, and the geometry of a neighbourhood."""

import pytest
import torch

from gan_core.latent import axes, neighbourhood, sample_z, truncate


@pytest.mark.parametrize("z_dim", [1, 7, 64, 512])
def test_the_first_draws_do_not_depend_on_how_many_follow(z_dim):
    many = sample_z(3, 40, z_dim)
    assert many.shape == (40, z_dim)
    for count in (1, 2, 17):
        assert torch.equal(sample_z(3, count, z_dim), many[:count])
    assert not torch.equal(sample_z(4, 1, z_dim), many[:1])


def test_draws_leave_the_global_random_state_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    sample_z(0, 3, 64)
    axes(0, 64)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_psi_goes_from_the_mean_to_z_itself():
    z = sample_z(0, 2, 64)
    assert torch.equal(truncate(z, 1), z)
    assert truncate(z, 0).abs().max() == 0
    assert torch.allclose(truncate(z, 0.5), z / 2)


def test_axes_are_orthonormal_and_are_not_z():
    right, down = axes(5, 64)
    assert torch.allclose(torch.stack([right.norm(), down.norm()]), torch.ones(2))
    assert abs(right @ down) < 1e-6
    z = sample_z(5, 1, 64)[0]
    assert all(abs(z @ axis / z.norm()) < 0.5 for axis in (right, down))
    assert torch.equal(axes(5, 64), axes(5, 64))
    assert not torch.equal(axes(5, 64), axes(6, 64))


@pytest.mark.parametrize("radius", [0.3, 1.0, 4.7])
def test_a_neighbourhood_is_a_square_around_z(radius):
    z = sample_z(0, 1, 64)[0]
    square = neighbourhood(z, 9, radius)
    assert square.shape == (25, 64)
    assert torch.equal(square[12], z)
    distance = (square - z).norm(dim=1).reshape(5, 5)
    assert torch.allclose(distance[[2, 2, 0, 4], [0, 4, 2, 2]], torch.full((4,), radius), rtol=1e-4)
    assert torch.allclose(distance[0, 0], torch.tensor(radius * 2**0.5), rtol=1e-4)
    right, down = axes(9, 64)
    assert torch.allclose(square[13] - z, right * radius / 2, atol=1e-6)
    assert torch.allclose(square[17] - z, down * radius / 2, atol=1e-6)


def test_a_z_of_one_value_has_one_direction():
    square = neighbourhood(torch.tensor([0.5]), 0, 1.0)
    assert square.shape == (25, 1)
    assert torch.equal(square[:5], square[20:])  # nothing to go down along
    assert sorted(square[:5, 0].tolist()) == [-0.5, 0.0, 0.5, 1.0, 1.5]
