"""Projection: it finds the pictures that a G is known to make, says how close it came, and stops when told to."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch import Tensor, nn

from gan_core import metrics, projection
from gan_core.config import Config
from gan_core.latent import generate, sample_z
from gan_core.networks import build_pair
from gan_core.projection import Projection, project
from gan_core.runs import PRETRAINED, find_run
from gan_core.saved import load_generator, snapshot_path
from gan_core.sentences import UserError

LONG = 1000.0  # seconds, so that a slow machine changes nothing


@pytest.fixture(scope="module")
def best() -> nn.Module:
    run = find_run(PRETRAINED, "best")
    return load_generator(snapshot_path(run, None), run.config())[0]


def distance(G: nn.Module, found: Projection, image: Tensor) -> float:
    classes = None if found.digit is None else torch.tensor([found.digit])
    return float((generate(G, found.z[None], classes)[0, 0] - image).norm())


def test_it_recovers_the_picture_of_a_known_z(best: nn.Module) -> None:
    apart = metrics.load_reference().diversity
    for image in generate(best, sample_z(77, 4, 64))[:, 0]:
        found = project(best, 64, image, seconds=LONG)
        assert found.residual < 0.15 * apart, "two digits are this far apart"
        assert found.residual < 0.3 * found.drawn, "and nothing like it was among the random ones"
        assert found.residual == pytest.approx(distance(best, found, image), rel=1e-3, abs=1e-3)
        assert found.z.shape == (64,)
        assert found.z.abs().max() <= projection.Z_LIMIT
        assert found.share == 1
        assert found.digit is None


def test_the_best_random_one_is_the_best_of_the_draws(best: nn.Module) -> None:
    image = generate(best, sample_z(3, 1, 64))[0, 0]
    found = project(best, 64, image, seed=9, seconds=LONG)
    drawn = (generate(best, sample_z(9, projection.DRAWS, 64))[:, 0] - image).flatten(1).norm(dim=1)
    assert found.drawn == pytest.approx(float(drawn.min()), rel=1e-4)
    as_bytes = project(best, 64, (image * 255).round().to(torch.uint8), seed=9, seconds=LONG)
    assert as_bytes.drawn == pytest.approx(found.drawn, rel=1e-2)


def test_what_cannot_be_drawn_has_a_large_residual(best: nn.Module) -> None:
    noise = torch.rand(28, 28, generator=torch.Generator().manual_seed(0))
    found = project(best, 64, noise, seconds=LONG)
    assert found.residual > 10
    assert found.residual == pytest.approx(distance(best, found, noise), rel=1e-3)


def test_it_reports_as_it_goes_and_stops_when_told(best: nn.Module) -> None:
    image = generate(best, sample_z(5, 1, 64))[0, 0]
    seen: list[Projection] = []
    whole = project(best, 64, image, seconds=LONG, report=seen.append)
    assert seen[-1] is whole
    assert len(seen) > 10
    residuals = [one.residual for one in seen]
    assert residuals == sorted(residuals, reverse=True)
    assert seen[0].residual == pytest.approx(whole.drawn, rel=1e-4)
    shares = [one.share for one in seen]
    assert shares == sorted(shares)
    assert shares[0] < 0.01

    few: list[Projection] = []
    stopped = project(best, 64, image, seconds=LONG, report=few.append, cancelled=lambda: len(few) == 3)
    assert [one.residual for one in few] == pytest.approx(residuals[:3], rel=1e-2)
    assert stopped is few[-1]
    assert stopped.share < 1


def test_when_time_is_up_it_answers_with_the_best_so_far(best: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    image = generate(best, sample_z(5, 1, 64))[0, 0]
    seen: list[Projection] = []
    found = project(best, 64, image, seconds=20, report=seen.append)
    assert next(ticks) == 21
    assert found is seen[-1]
    assert found.share == 1
    assert found.residual < found.drawn


@pytest.mark.parametrize("digits", [[4], [1, 4, 7], list(range(10))])
def test_a_conditional_g_is_asked_for_each_class(digits: list[int]) -> None:
    G, _ = build_pair(Config(network="conditional", z_dim=8, width=4, seed=2))
    with torch.no_grad():
        weights = dict(G.named_parameters())
        weights["project.weight"][:, 8:] *= 8  # so that the classes differ before any training
        weights["draw.5.weight"].mul_(40)  # and pictures have contrast
    G.eval()
    image = generate(G, sample_z(1, 1, 8), torch.tensor([4]))[0, 0]
    found = project(G, 8, image, digits, seconds=LONG)
    assert found.digit == 4
    assert found.residual < 0.2 * found.drawn
    assert found.residual == pytest.approx(distance(G, found, image), rel=1e-2, abs=1e-3)


def test_it_leaves_the_network_alone(best: nn.Module) -> None:
    G, _ = build_pair(Config(z_dim=8, seed=1))
    G.eval()
    before = {key: value.clone() for key, value in G.state_dict().items()}
    project(G, 8, torch.zeros(28, 28))
    assert all(torch.equal(value, before[key]) for key, value in G.state_dict().items())
    assert all(parameter.grad is None for parameter in G.parameters())


def test_a_g_that_blew_up_gets_a_sentence() -> None:
    G, _ = build_pair(Config(z_dim=8))
    next(G.parameters()).data.fill_(math.nan)
    with pytest.raises(UserError, match="NaN"):
        project(G.eval(), 8, torch.zeros(28, 28))
