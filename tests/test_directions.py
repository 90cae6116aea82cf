"""The directions of z, against an SVD by hand of the weight of each network's first layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gan_core.config import Config
from gan_core.directions import COUNT, find_directions
from gan_core.latent import generate, sample_z
from gan_core.networks import build_pair, names
from gan_core.runs import Run, pretrained
from gan_core.saved import load_generator, snapshot_path

# the first layer of every network, and how its weight becomes a matrix (outputs, z)
FIRST = {
    "mlp": ("0.0.weight", lambda weight: weight),
    "conv": ("project.weight", lambda weight: weight),
    "conditional": ("project.weight", lambda weight: weight[:, :20]),  # without the ten columns of the class
    "dcgan": ("draw.1.weight", lambda weight: weight.reshape(20, -1).T),
}


def test_every_network_is_here() -> None:
    assert set(FIRST) == set(names())


@pytest.mark.parametrize("network", FIRST)
def test_they_are_the_singular_vectors_of_the_first_layer(network: str) -> None:
    G, _ = build_pair(Config(network=network, z_dim=20, width=4, seed=1))
    name, matrix = FIRST[network]
    expected = np.linalg.svd(matrix(G.state_dict()[name].numpy()).astype(np.float64), full_matrices=False)[2]
    found = find_directions(G, 20)
    assert found.shape == (COUNT, 20)
    assert found.dtype == torch.float32
    expected *= np.sign(np.take_along_axis(expected, np.abs(expected).argmax(1)[:, None], 1))
    np.testing.assert_allclose(found.numpy(), expected[:COUNT], atol=1e-5)
    assert torch.allclose(found @ found.T, torch.eye(COUNT), atol=1e-5)


@pytest.mark.parametrize("network", FIRST)
def test_the_weight_is_what_the_layer_does_to_z(network: str) -> None:
    """A step along the first direction moves the first layer by its singular value, for any z and any class."""
    G, _ = build_pair(Config(network=network, z_dim=20, width=4, seed=1))
    direction, seen = find_directions(G, 20, 1)[0], []
    first = next(module for module in G.modules() if hasattr(module, "weight"))
    handle = first.register_forward_hook(lambda module, given, said: seen.append(said.flatten(1)))
    z, classes = sample_z(0, 3, 20), torch.tensor([1, 2, 3]) if network == "conditional" else None
    generate(G, z, classes)
    generate(G, z + direction, classes)
    handle.remove()
    name, matrix = FIRST[network]
    largest = float(np.linalg.svd(matrix(G.state_dict()[name].numpy()))[1][0])
    assert torch.allclose((seen[1] - seen[0]).norm(dim=1), torch.full((3,), largest), rtol=1e-4)


def test_there_are_no_more_directions_than_values() -> None:
    G, _ = build_pair(Config(z_dim=3))
    assert find_directions(G, 3).shape == (3, 3)
    assert find_directions(build_pair(Config(z_dim=1))[0], 1).tolist() == [[1.0]]


@pytest.mark.parametrize("run", pretrained(), ids=lambda run: run.id)
def test_they_move_the_pictures_of_shipped_networks_most(run: Run) -> None:
    z_dim, conditional = run.config().z_dim, run.config().network == "conditional"
    G, _ = load_generator(snapshot_path(run, None), run.config())
    z, classes = sample_z(0, 50, z_dim), torch.arange(50) % 10 if conditional else None

    def change(direction: torch.Tensor) -> float:
        step = generate(G, z + 0.05 * direction, classes) - generate(G, z - 0.05 * direction, classes)
        return float(step.flatten(1).norm(dim=1).mean()) / 0.1

    changes = [change(direction) for direction in find_directions(G, z_dim)]
    others = [change(direction / direction.norm()) for direction in sample_z(1, 12, z_dim)]
    assert sum(changes) > 1.2 * sum(others)
    assert changes[0] > 2 * max(others)
    assert np.corrcoef(changes, np.arange(12))[0, 1] < -0.6, "the strongest come first"
