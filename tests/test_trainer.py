from __future__ import annotations

import copy
import ctypes
import sys
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gan_core.config import Config, make_config
from gan_core.latent import generate
from gan_core.meter import batchnorm_drift
from gan_core.sampler import Sampler
from gan_core.trainer import Learner, Trainer, choose_device, choose_precision, choose_threads
from tests.reference import ReferenceLoop

IMAGES = torch.randint(0, 256, (300, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def config(**changes: Any) -> Config:
    return make_config("tutorial", {"precision": "fp32", "device": "cpu", "batch_size": 64, **changes})


@pytest.mark.parametrize("lr", [1e-5, 1e-3])
def test_the_first_losses_are_the_tutorials(lr: float) -> None:
    trainer = Trainer(config(seed=4, lr_g=lr, lr_d=lr), IMAGES)
    reference = ReferenceLoop(64, seed=4, lr=lr)
    batches, z = Sampler(IMAGES, 64, seed=4), torch.Generator().manual_seed(4)
    for _ in range(5):  # the fifth batch is the smaller last one of the epoch
        trainer.step()
        reals = batches.next().flatten(1).float() / 255
        expected = reference.step(reals, *(torch.randn(len(reals), 64, generator=z) for _ in range(2)))
        measured = trainer.measurements()[0]
        assert (measured.d_loss, measured.g_loss) == pytest.approx(expected, abs=1e-5)
    assert len(reals) == 300 - 4 * 64
    # Adam divides by tiny gradients, so equal losses do not yet mean equal weights: compare those, too
    for ours, theirs in zip(trainer.G.state_dict().values(), reference.G.state_dict().values(), strict=True):
        assert torch.allclose(ours.float(), theirs.float(), atol=5 * lr)


def test_gradient_lengths_are_those_of_the_first_of_every_log_every_steps() -> None:
    trainer, twin = (Trainer(config(log_every=3, lr_d=1e-3), IMAGES) for _ in range(2))
    for _ in range(6):
        trainer.step()
    rows = trainer.measurements()
    first = torch.cat([gradient.flatten() for gradient in twin.d_step(*twin._next_reals()).gradients])
    assert rows[0].grad_d == pytest.approx(first.norm().item(), rel=1e-5)
    for part in (rows[:3], rows[3:]):
        assert len({(row.grad_d, row.grad_g) for row in part}) == 1
        assert part[0].grad_g > 0
    assert rows[3].grad_d != rows[0].grad_d


def test_each_step_changes_only_its_own_network() -> None:
    trainer = Trainer(config(), IMAGES)
    reals = IMAGES[:64].float() / 255

    def weights(net: torch.nn.Module) -> list[torch.Tensor]:
        return [p.detach().clone() for p in net.parameters()]

    def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    G, D = weights(trainer.G), weights(trainer.D)
    trainer.d_step(reals)
    assert same(G, weights(trainer.G))
    assert not same(D, weights(trainer.D))
    D = weights(trainer.D)
    trainer.g_step(reals)
    assert same(D, weights(trainer.D))
    assert not same(G, weights(trainer.G))


@pytest.mark.parametrize(
    ("schedule", "of_g", "of_d"),
    [
        ("constant", (1, 1, 1), (1, 1, 1)),
        ("cosine", (1, 0.75, 0.25), (1, 0.75, 0.25)),
        ("d-sleeps", (1, 1, 1), (1, 0.02, 0.02)),
    ],
)
def test_a_schedule_leaves_each_network_its_share(
    schedule: str, of_g: tuple[float, ...], of_d: tuple[float, ...]
) -> None:
    trainer = Trainer(config(steps=3, lr_g=1e-4, lr_d=1e-4, lr_schedule=schedule, betas=(0.0, 0.0)), IMAGES)
    for shares in zip(of_g, of_d, strict=True):
        before = [copy.deepcopy(net) for net in (trainer.G, trainer.D)]
        trainer.step()
        for was, net, share in zip(before, (trainer.G, trainer.D), shares, strict=True):
            moves = [(a - b).abs().max() for a, b in zip(net.parameters(), was.parameters(), strict=True)]
            # without memory Adam moves every weight that has a gradient by the learning rate
            assert max(moves).item() == pytest.approx(share * 1e-4, rel=0.01)


def test_no_work_is_wasted_on_gradients_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(config(), IMAGES)
    graphs: list[bool] = []
    forward = trainer.G.forward

    def watched(z: torch.Tensor) -> torch.Tensor:
        graphs.append(torch.is_grad_enabled())
        return forward(z)

    monkeypatch.setattr(trainer.G, "forward", watched)
    computed: list[str] = []
    for net in ("G", "D"):
        for parameter in getattr(trainer, net).parameters():
            parameter.register_hook(lambda _, net=net: computed.append(net))
    reals = IMAGES[:64].float() / 255
    trainer.d_step(reals)
    assert set(computed) == {"D"}
    computed.clear()
    trainer.g_step(reals)
    assert set(computed) == {"G"}, "G's step computes no gradients for D's weights"
    assert graphs == [False, True], "D's fakes carry no graph"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_multiplies_no_more_than_it_must(precision: str) -> None:
    trainer = Trainer(config(precision=precision), IMAGES)
    g_first, g = 64 * 128, 64 * 128 + 128 * 256 + 256 * 512 + 512 * 1024 + 1024 * 784  # multiplications per image
    d_first, d = 784 * 512, 784 * 512 + 512 * 256 + 256 * 128 + 128
    with FlopCounterMode(display=False) as counter:
        trainer.d_step(IMAGES[:64].float() / 255)
    # G forward; D forward, its weights' gradients, and its inputs' but for the first layer's, on reals and fakes
    assert counter.get_total_flops() == 2 * 64 * (g + 2 * (3 * d - d_first))
    with FlopCounterMode(display=False) as counter:
        trainer.g_step(IMAGES[:64].float() / 255)
    # G forward, its weights' gradients, and its inputs' but for z's; D forward and its inputs'
    assert counter.get_total_flops() == 2 * 64 * (3 * g - g_first + 2 * d)


def test_a_learner_is_adam() -> None:
    ours = torch.nn.Sequential(torch.nn.Linear(7, 33), torch.nn.BatchNorm1d(33), torch.nn.Linear(33, 1))
    theirs = copy.deepcopy(ours)
    learner = Learner(ours, 3e-3, (0.5, 0.99), torch.float32)
    adam = torch.optim.Adam(theirs.parameters(), lr=3e-3, betas=(0.5, 0.99), fused=True)
    random = torch.Generator().manual_seed(0)
    for _ in range(10):
        x = torch.randn(16, 7, generator=random)
        learner.update(torch.autograd.grad(ours(x).square().mean(), learner.learning))
        adam.zero_grad()
        theirs(x).square().mean().backward()
        adam.step()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_in_bf16_the_copies_follow_the_weights() -> None:
    def check(learner: Learner) -> None:
        weights, copies = learner.net.named_parameters(), learner.working.parameters()
        for (name, weight), working in zip(weights, copies, strict=True):
            assert weight.dtype == torch.float32
            assert torch.equal(weight.to(working.dtype), working), name
        assert {p.dtype for p in learner.working.parameters() if p.dim() == 2} == {torch.bfloat16}
        assert list(map(id, learner.working.buffers())) == list(map(id, learner.net.buffers())), "BatchNorm is shared"

    trainer, other = (Trainer(config(precision="bf16", lr_g=1e-2, lr_d=1e-2, seed=seed), IMAGES) for seed in (0, 1))
    for learner in (trainer._learn_g, trainer._learn_d):
        check(learner)
    trainer.step()
    other.load_state_dict(trainer.state_dict())
    for learner in (trainer._learn_g, trainer._learn_d, other._learn_g, other._learn_d):
        check(learner)
    assert all(torch.equal(a, b) for a, b in zip(trainer.G.parameters(), other.G.parameters(), strict=True))


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc can be told to keep memory"
)
def test_a_step_reuses_the_memory_of_the_step_before() -> None:
    import resource

    trainer = Trainer(config(batch_size=128), IMAGES)
    for _ in range(5):
        trainer.step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        trainer.step()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults / 10 < 200  # of the memory's pages; near 0 when it is kept, 800 to 1600 when it is not


def test_ema_is_the_slow_average_of_weights_and_statistics() -> None:
    trainer = Trainer(config(ema_decay=0.5), IMAGES)
    expected = copy.deepcopy(trainer.G).state_dict()
    for step in range(12):
        trainer.step()
        kept = min(0.5, (step + 1) / (step + 10))  # an average of few steps is mostly of the newest
        for key, value in trainer.G.state_dict().items():
            expected[key] = expected[key] * kept + value * (1 - kept) if value.is_floating_point() else value.clone()
    for key, value in trainer.G_ema.state_dict().items():
        assert torch.allclose(value.float(), expected[key].float(), atol=1e-5), key
    plain = Trainer(config(), IMAGES)
    assert plain.G_ema is plain.G


def test_the_averages_statistics_fit_the_averages_weights() -> None:
    changes = {"batch_size": 16, "width": 4, "steps": 300, "precision": "fp32", "device": "cpu"}
    trainer = Trainer(make_config("minute", changes), IMAGES)
    for _ in range(300):
        trainer.step()
    z = torch.randn(1000, trainer.config.z_dim, generator=torch.Generator().manual_seed(1))
    drift = batchnorm_drift(trainer.G_ema, z, None, generate(trainer.G_ema, z))
    for layer in trainer.G_ema.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
    without = batchnorm_drift(trainer.G_ema, z, None, generate(trainer.G_ema, z))
    assert drift < 0.02 < 0.06 < without


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("ema_decay", [0, 0.9])
def test_a_state_dict_continues_bit_for_bit(precision: str, ema_decay: float) -> None:
    settings = config(precision=precision, ema_decay=ema_decay, lr_g=1e-3, lr_d=1e-3)
    whole, first = Trainer(settings, IMAGES), Trainer(settings, IMAGES)
    for _ in range(7):
        whole.step()
        first.step()
    state = {key: value.clone() for key, value in first.state_dict().items()}
    second = Trainer(config(precision=precision, ema_decay=ema_decay, lr_g=1e-3, lr_d=1e-3, seed=9), IMAGES)
    second.load_state_dict(state)
    for _ in range(6):
        whole.step()
        second.step()
    assert second.step_count == whole.step_count == 13
    a, b = whole.state_dict(), second.state_dict()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert whole.measurements()[-6:] == second.measurements()


def test_a_state_of_other_networks_is_refused() -> None:
    state = Trainer(config(z_dim=8), IMAGES).state_dict()
    with pytest.raises((RuntimeError, KeyError)):
        Trainer(config(), IMAGES).load_state_dict(state)


def test_measurements_are_handed_out_once() -> None:
    trainer = Trainer(config(), IMAGES)
    trainer.step()
    trainer.step()
    assert len(trainer.measurements()) == 2
    assert trainer.measurements() == []


def test_bf16_learns_like_fp32() -> None:
    losses = {}
    for precision in ("fp32", "bf16"):
        trainer = Trainer(config(precision=precision, lr_g=1e-4, lr_d=1e-4), IMAGES)
        for _ in range(30):
            trainer.step()
        losses[precision] = trainer.measurements()[-1]
    assert losses["bf16"].d_loss == pytest.approx(losses["fp32"].d_loss, abs=0.05)
    assert losses["bf16"].d_loss < 0.68, "it has learned something since ln 2"


def test_auto_is_decided_by_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAN_PRECISION", raising=False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("gan_core.trainer.available_cores", lambda: 2)
    assert (choose_threads(0), choose_threads(3)) == (1, 3)
    monkeypatch.setattr("gan_core.trainer.available_cores", lambda: 1)
    assert choose_threads(0) == 1
    assert choose_device("cpu") == "cpu"
    assert choose_precision("fp32", "cpu") == "fp32"
    assert choose_precision("auto", "mps") == "fp32"
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    assert choose_precision("auto", "cpu") == "fp32"
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: True)
    assert choose_precision("auto", "cpu") == "bf16"
