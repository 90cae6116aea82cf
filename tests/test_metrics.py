"""The judge and the metrics: against slow, obvious computations, and on fakes whose faults are known."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from scipy import linalg
from torch import Tensor

from gan_core import data, judge, metrics
from gan_core.metrics import Metrics, Reference, evaluate
from gan_core.render import as_pixels
from gan_core.sentences import UserError
from tools.train_judge import digits, some


@pytest.fixture(scope="module")
def training(mnist: str) -> Tensor:
    return data.load(mnist).images


@pytest.fixture(scope="module")
def tests(mnist: str) -> tuple[Tensor, Tensor]:
    """The test digits, uint8 (10000, 1, 28, 28), and their labels, shuffled: their first half is neater."""
    images, labels = digits(train=False)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(1))
    return images[order], labels[order]


@pytest.fixture(scope="module")
def reals(tests: tuple[Tensor, Tensor]) -> Tensor:
    """1000 real digits that neither the judge nor the reference knows, float in [0, 1]."""
    return as_pixels(tests[0][:1000])


@pytest.fixture(scope="module")
def reference() -> Reference:
    return metrics.load_reference()


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# the judge


def test_the_judge_names_992_test_digits_of_1000(tests: tuple[Tensor, Tensor]) -> None:
    images, labels = tests
    assert (judge.classify(judge.features(images)) == labels).double().mean() >= 0.992


def test_what_ships_is_small_and_says_whose_digits_it_learned_from() -> None:
    assert (judge.ASSETS / "judge.safetensors").stat().st_size < 1_000_000
    assert (judge.ASSETS / "reference.safetensors").stat().st_size < 600_000
    assert "CC BY-SA 3.0" in (judge.ASSETS / "README.md").read_text("utf-8")


def test_features_are_the_same_from_bytes_and_floats_under_autocast_and_alone(tests: tuple[Tensor, Tensor]) -> None:
    images = tests[0][:600]
    found = judge.features(images)
    assert found.shape == (600, judge.FEATURES)
    assert found.dtype == torch.float32
    assert torch.equal(found, judge.features(images.float() / 255))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(found, judge.features(images))
    torch.testing.assert_close(judge.features(images[-1:]), found[-1:], rtol=1e-4, atol=1e-4)
    assert not found.requires_grad


def test_the_reference_was_measured_with_this_judge(training: Tensor, reference: Reference) -> None:
    kept = some(len(training))
    found = judge.features(training[kept])
    assert (found - reference.features).abs().max() < 0.03
    assert (found @ reference.axes - reference.neighbours[kept]).abs().max() < 0.06
    assert metrics.frechet_distance(*metrics.mean_covariance(found), reference.mean, reference.covariance) < 0.4
    assert reference.diversity == pytest.approx(metrics.pixel_diversity(training), rel=1e-6)
    assert sum(reference.histogram) == pytest.approx(1)


@pytest.mark.parametrize("content", [None, b"not safetensors"])
def test_a_missing_or_damaged_judge_is_one_sentence(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "judge.safetensors").write_bytes(content)
        (tmp_path / "reference.safetensors").write_bytes(content)
    monkeypatch.setattr(judge, "ASSETS", tmp_path)
    monkeypatch.setattr(metrics, "ASSETS", tmp_path)
    for load in (judge.load_judge, metrics.load_reference):
        load.cache_clear()
        with pytest.raises(UserError) as caught:
            load()
        assert caught.value.key == "judge_damaged"


# each metric against its definition


@pytest.mark.parametrize("seed", range(4))
def test_frechet_distance_against_scipy(seed: int) -> None:
    first, second = normal(300, 64, seed=seed), normal(300, 64, seed=seed + 100) @ normal(64, 64, seed=seed + 200)
    mean1, covariance1 = metrics.mean_covariance(first)
    mean2, covariance2 = metrics.mean_covariance(second)
    root = linalg.sqrtm((covariance1 @ covariance2).numpy()).real
    expected = (mean1 - mean2).square().sum() + (covariance1 + covariance2).trace() - 2 * root.trace()
    assert metrics.frechet_distance(mean1, covariance1, mean2, covariance2) == pytest.approx(float(expected), rel=1e-6)
    assert metrics.frechet_distance(mean2, covariance2, mean1, covariance1) == pytest.approx(float(expected), rel=1e-6)


def test_frechet_distance_of_equal_shapes_is_the_distance_of_their_means() -> None:
    mean, covariance = metrics.mean_covariance(normal(20, 64))  # fewer than 64 rows: a covariance without an inverse
    assert metrics.frechet_distance(mean, covariance, mean, covariance) == pytest.approx(0, abs=1e-5)
    assert metrics.frechet_distance(mean, covariance, mean + 2, covariance) == pytest.approx(256, rel=1e-6)


def test_kid_against_its_sums_and_around_zero_for_equals() -> None:
    x, y = normal(30, 8), normal(40, 8, seed=1) * 1.5
    kernel = lambda a, b: (float(a.double() @ b.double()) / 8 + 1) ** 3  # noqa: E731
    within_x = sum(kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / (30 * 29)
    within_y = sum(kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / (40 * 39)
    between = sum(kernel(a, b) for a in x for b in y) / (30 * 40)
    assert metrics.kid(x, y) == pytest.approx(within_x + within_y - 2 * between, rel=1e-5)
    equals = torch.tensor([metrics.kid(normal(50, 8, seed=s), normal(50, 8, seed=s + 500)) for s in range(200)])
    assert abs(equals.mean()) < 3 * equals.std() / 200**0.5  # unbiased: with so few, a biased one is far from 0
    assert equals.std() / 200**0.5 < 0.02


def test_precision_and_recall_against_their_definition() -> None:
    fakes, reals = normal(40, 2), normal(50, 2, seed=1) + 0.8
    reach = lambda points, p: sorted((points - p).norm(dim=1).tolist())[3]  # noqa: E731
    precision = sum(any((f - r).norm() <= reach(reals, r) for r in reals) for f in fakes) / 40
    recall = sum(any((f - r).norm() <= reach(fakes, f) for f in fakes) for r in reals) / 50
    assert 0 < precision < 1
    assert 0 < recall < 1
    assert metrics.precision_recall(fakes, reals) == pytest.approx((precision, recall))


def test_nearest_and_diversity_against_all_pairs() -> None:
    x, y = normal(31, 7), normal(2500, 7, seed=1)
    assert metrics.median_nearest(x, y) == pytest.approx(torch.cdist(x, y).amin(1).median().item(), rel=1e-4)
    images = noise(30, 1, 28, 28)
    pairs = F.pdist(images.flatten(1)).square().mean().sqrt().item()
    assert metrics.pixel_diversity(images) == pytest.approx(pairs, rel=1e-5)
    coloured = (noise(6000, 3, 4, 4) * 255).to(torch.uint8)
    pairs = F.pdist(coloured.flatten(1).double() / 255).square().mean().sqrt().item()
    assert metrics.pixel_diversity(coloured) == pytest.approx(pairs, rel=1e-6)


# fakes with known faults


def test_real_digits_score_the_floor(reals: Tensor, reference: Reference) -> None:
    measured, floor = evaluate(reals, reference), reference.floor(1000)
    assert measured.count == floor.count == 1000
    assert measured.digit_fid == pytest.approx(floor.digit_fid, abs=0.2)
    assert measured.kid == pytest.approx(floor.kid, abs=0.02)
    assert measured.precision == pytest.approx(floor.precision, abs=0.05)
    assert measured.recall == pytest.approx(floor.recall, abs=0.05)
    assert measured.histogram == pytest.approx(reference.histogram, abs=0.04)
    assert measured.diversity == pytest.approx(reference.diversity, rel=0.02)
    assert measured.nearest_real == pytest.approx(1, abs=0.1)


def test_the_floor_of_all_test_digits_is_theirs(tests: tuple[Tensor, Tensor], reference: Reference) -> None:
    measured, floor = evaluate(tests[0], reference), reference.floor(10_000)
    assert floor.digit_fid < reference.floor(1000).digit_fid  # fewer fakes, more bias
    assert measured.digit_fid == pytest.approx(floor.digit_fid, rel=0.01)
    assert measured.histogram == pytest.approx(floor.histogram, abs=0.001)
    assert measured.diversity == pytest.approx(floor.diversity, rel=1e-6)


def test_noise_is_no_digit(reference: Reference) -> None:
    measured = evaluate(noise(1000, 1, 28, 28), reference)
    assert measured.digit_fid > 100
    assert measured.kid > 1
    assert measured.precision == measured.recall == 0
    assert measured.nearest_real > 2


def blots(kind: str) -> Tensor:
    square = torch.zeros(20, 1, 28, 28)
    square[:, :, 8:20, 8:20] = 1
    net = torch.zeros(20, 1, 28, 28)
    net[:, :, 4:24:2, 4:24:2] = 1
    made = {"black": torch.zeros(20, 1, 28, 28), "white": torch.ones(20, 1, 28, 28), "noise": noise(20, 1, 28, 28)}
    return {**made, "a net of dots": net, "a grey square": 0.4 * square}[kind]


@pytest.mark.parametrize("kind", ["black", "white", "noise", "a net of dots", "a grey square"])
def test_what_no_one_can_read_counts_as_no_digit(kind: str, reference: Reference) -> None:
    assert evaluate(blots(kind), reference).histogram == [0.0] * 10


def test_nearly_all_test_digits_can_be_read(tests: tuple[Tensor, Tensor], reference: Reference) -> None:
    assert sum(evaluate(tests[0], reference).histogram) > 0.995


def test_one_repeated_digit_is_good_but_not_varied(reals: Tensor, reference: Reference) -> None:
    measured = evaluate(reals[:1].expand(1000, -1, -1, -1), reference)
    assert measured.digit_fid > 50
    assert measured.precision == 1
    assert measured.recall < 0.01
    assert measured.diversity == pytest.approx(0, abs=1e-3)
    assert max(measured.histogram) == 1


def test_half_the_fakes_alike_are_less_diverse(reals: Tensor, reference: Reference) -> None:
    measured = evaluate(torch.cat([reals[:500], reals[:1].expand(500, -1, -1, -1)]), reference)
    assert reference.diversity * 0.8 < measured.diversity < reference.diversity * 0.95
    assert max(measured.histogram) > 0.5


def test_half_the_digits_missing(tests: tuple[Tensor, Tensor], reals: Tensor, reference: Reference) -> None:
    images, labels = tests
    whole, half = evaluate(reals, reference), evaluate(images[labels < 5][:1000], reference)
    assert sum(half.histogram[5:]) < 0.02
    assert whole.digit_fid + 5 < half.digit_fid < 50
    assert whole.kid < half.kid / 10
    assert half.precision == pytest.approx(whole.precision, abs=0.06)
    assert half.recall < whole.recall - 0.2
    assert half.diversity == pytest.approx(whole.diversity, rel=0.05)  # five digits differ about as much as ten
    assert half.nearest_real == pytest.approx(1, abs=0.15)


def test_memorised_digits_show_only_in_the_nearest_real(training: Tensor, reference: Reference) -> None:
    few = torch.randperm(len(training), generator=torch.Generator().manual_seed(2))[:1000]
    copies = evaluate(training[few], reference)
    assert copies.nearest_real < 0.15
    assert copies.digit_fid < 1
    assert copies.recall > 0.75


def test_the_more_is_wrong_the_further_away(reals: Tensor, reference: Reference) -> None:
    spoilt = [(reals + weight * normal(*reals.shape)).clamp(0, 1) for weight in (0, 0.05, 0.1, 0.2, 0.5)]
    distances = [evaluate(fakes, reference).digit_fid for fakes in spoilt]
    assert distances == sorted(distances)
    kids = [evaluate(fakes, reference).kid for fakes in spoilt]
    assert kids == sorted(kids)


def test_blurred_digits_lose_recall_and_diversity(reals: Tensor, reference: Reference) -> None:
    sharp, blurred = evaluate(reals, reference), evaluate(F.avg_pool2d(reals, 3, 1, 1), reference)
    assert blurred.digit_fid > sharp.digit_fid + 3
    assert blurred.recall < sharp.recall / 2
    assert blurred.diversity < sharp.diversity


# its manners


def test_two_threads_get_the_same_and_no_random_number_is_drawn(reals: Tensor, reference: Reference) -> None:
    before, measured = torch.get_rng_state(), list[Metrics]()
    threads = [threading.Thread(target=lambda: measured.append(evaluate(reals, reference))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert measured[0] == measured[1] == evaluate(reals, reference)
    assert torch.equal(before, torch.get_rng_state())


def test_metrics_are_json(reals: Tensor, reference: Reference) -> None:
    measured = evaluate(reals[:100].requires_grad_(), reference)
    assert Metrics(**json.loads(json.dumps(measured.to_json(), allow_nan=False))) == measured


def test_what_cannot_be_measured_is_refused(reals: Tensor, reference: Reference) -> None:
    with pytest.raises(UserError, match="too few"):
        evaluate(reals[:9], reference)
    spoilt = reals.clone()
    spoilt[7, 0, 3, 3] = torch.nan
    with pytest.raises(UserError, match="NaN"):
        evaluate(spoilt, reference)


def test_only_digits_have_metrics() -> None:
    assert [name for name in data.DATASETS if metrics.available(name)] == ["mnist", "qmnist"]
