"""z: draws that depend on the seed alone, truncation, and the geometry of a neighbourhood."""

import pytest
import torch

from gan_core.latent import axes, neighbourhood, sample_z, slerp, truncate, walk, z_of
from gan_core.pose import Pose
from gan_core.sentences import UserError


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


def test_slerp_begins_and_ends_where_it_should_and_goes_through_the_sphere():
    start, end = sample_z(0, 2, 64)
    shares = torch.linspace(0, 1, 11)
    points = slerp(start, end, shares)
    assert points.shape == (11, 64)
    assert points.dtype == torch.float32
    assert torch.allclose(points[0], start, atol=1e-5)
    assert torch.allclose(points[-1], end, atol=1e-5)
    assert torch.allclose(points.norm(dim=1), torch.lerp(start.norm(), end.norm(), shares), rtol=1e-5)
    middle = (start + end) / 2
    assert middle.norm() < 0.8 * points[5].norm(), "the straight line leaves the sphere"


def test_slerp_turns_at_an_even_pace_in_the_plane_of_its_ends():
    start, end = sample_z(1, 2, 64)
    points = slerp(start, end, torch.linspace(0, 1, 9)).double()
    directions = points / points.norm(dim=1, keepdim=True)
    angles = (directions[1:] * directions[:-1]).sum(1).clamp(-1, 1).acos()
    whole = torch.nn.functional.cosine_similarity(start.double(), end.double(), dim=0).acos()
    assert torch.allclose(angles, (whole / 8).expand(8), rtol=1e-4)
    plane = torch.linalg.qr(torch.stack([start, end]).double().T)[0]
    assert torch.allclose(points @ plane @ plane.T, points, atol=1e-5)


def test_slerp_with_ends_that_have_no_shortest_way():
    shares = torch.linspace(0, 1, 5)
    z = sample_z(2, 1, 64)[0]
    round_trip = slerp(z, -2 * z, shares)
    assert torch.allclose(round_trip.norm(dim=1), torch.lerp(z.norm(), 2 * z.norm(), shares), rtol=1e-5)
    assert torch.allclose(round_trip[-1], -2 * z, atol=1e-4)
    assert torch.allclose(slerp(z, z, shares), z.expand(5, -1), atol=1e-5)
    assert torch.allclose(slerp(z, 3 * z, shares), z * (1 + 2 * shares[:, None]), atol=1e-5)
    nothing = torch.zeros(64)
    assert torch.allclose(slerp(nothing, z, shares), z * shares[:, None], atol=1e-6)
    assert torch.allclose(slerp(z, nothing, shares), z * (1 - shares[:, None]), atol=1e-6)
    assert not slerp(nothing, nothing, shares).any()
    one = slerp(torch.tensor([1.0]), torch.tensor([-1.0]), shares)
    assert torch.allclose(one[:, 0], torch.tensor([1.0, 0.5**0.5, 0.0, -(0.5**0.5), -1.0]), atol=1e-6)


def three_poses(*digits):
    return [Pose(tuple(z.tolist()), digit=digit) for z, digit in zip(sample_z(5, 3, 16), digits, strict=True)]


@pytest.mark.parametrize("frames", [1, 2, 3, 10, 30, 100])
def test_a_walk_is_a_loop_of_exactly_so_many_frames(frames):
    poses = three_poses(None, None, None)
    z, classes = walk(poses, frames)
    assert z.shape == (frames, 16)
    assert classes is None
    assert torch.allclose(z[0], z_of(poses[0]), atol=1e-5)
    if frames % 3 == 0:
        for leg in range(3):
            assert torch.allclose(z[leg * frames // 3], z_of(poses[leg]), atol=1e-5)
    if frames == 30:
        steps = (z - z.roll(1, 0)).norm(dim=1)
        assert steps.max() < 1.5 * steps.median(), "the way from the last frame to the first is no jump"


def test_a_walk_truncates_by_psi_and_blends_one_digit_into_the_next():
    poses = [Pose(pose.z, psi, pose.digit) for pose, psi in zip(three_poses(7, 1, 4), (1.0, 0.5, 0.0), strict=True)]
    z, classes = walk(poses, 12)
    lengths = torch.tensor([pose.psi * torch.tensor(pose.z).norm() for pose in poses])
    assert torch.allclose(z[[0, 4, 8]].norm(dim=1), lengths, atol=1e-4)
    assert classes is not None
    assert torch.allclose(classes.sum(1), torch.ones(12))
    assert [classes[frame].argmax().item() for frame in (0, 4, 8)] == [7, 1, 4]
    assert torch.allclose(classes[5][[1, 4]], torch.tensor([0.75, 0.25]))


def test_a_walk_through_one_pose_stands_still_and_mixed_poses_are_refused():
    pose = three_poses(1, 2, 3)[0]
    z, classes = walk([pose], 4)
    assert torch.allclose(z, z_of(pose).expand(4, -1), atol=1e-5)
    assert classes is not None
    assert classes[:, 1].tolist() == [1.0] * 4
    assert walk([pose, Pose(pose.z)], 4)[1] is None
    with pytest.raises(UserError, match="8, 16"):
        walk([pose, Pose((0.0,) * 8)], 4)
