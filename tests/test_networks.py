from __future__ import annotations

import pytest
import torch

from gan_core.config import Config
from gan_core.latent import generate
from gan_core.networks import build_pair
from tests.reference import reference_pair


@pytest.mark.parametrize("z_dim", [64, 1, 512])
def test_the_pair_is_the_tutorials(z_dim: int) -> None:
    for ours, theirs in zip(build_pair(Config(z_dim=z_dim, seed=3)), reference_pair(z_dim, seed=3), strict=True):
        mine, reference = list(ours.state_dict().values()), list(theirs.state_dict().values())
        assert [value.shape for value in mine] == [value.shape for value in reference]
        assert all(torch.equal(a, b) for a, b in zip(mine, reference, strict=True)), "the same seed, the same weights"


def test_parameter_counts() -> None:
    counts = [sum(p.numel() for p in net.parameters()) for net in build_pair(Config())]
    assert counts == [1_505_680, 566_273]


def test_outputs_with_copied_weights() -> None:
    ours, theirs = build_pair(Config(seed=1)), reference_pair(64, seed=2)
    for net, reference in zip(ours, theirs, strict=True):
        net.load_state_dict(dict(zip(net.state_dict(), reference.state_dict().values(), strict=True)))
    z = torch.randn(10, 64, generator=torch.Generator().manual_seed(0))
    for training in (True, False):
        fakes, expected = (net.train(training)(z) for net in (ours[0], theirs[0]))
        assert fakes.shape == (10, 1, 28, 28)
        assert torch.allclose(fakes.flatten(1), expected, atol=1e-6)
    assert torch.allclose(ours[1](fakes), theirs[1](expected), atol=1e-6)
    assert torch.equal(ours[1](fakes), ours[1](fakes.flatten(1))), "D takes flat images, too"


def test_building_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    build_pair(Config(z_dim=8, seed=1))
    assert torch.equal(torch.rand(3), expected)


def test_generating_one_z_does_not_depend_on_the_others_or_change_the_network() -> None:
    G, _ = build_pair(Config(z_dim=8, seed=1))
    before = {key: value.clone() for key, value in G.state_dict().items()}
    z = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    together = generate(G, z)
    assert torch.allclose(together[2], generate(G, z[2:3])[0], atol=1e-6)
    assert together.min() >= 0
    assert together.max() <= 1
    assert G.training
    assert all(torch.equal(value, before[key]) for key, value in G.state_dict().items())
