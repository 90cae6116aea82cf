from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from gan_core.config import Config, make_config
from gan_core.sampler import Sampler
from gan_core.trainer import Trainer, choose_device, choose_precision, choose_threads
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
    trainer.g_step(64)
    assert same(D, weights(trainer.D))
    assert not same(G, weights(trainer.G))


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
    trainer.d_step(IMAGES[:64].float() / 255)
    assert set(computed) == {"D"}
    computed.clear()
    trainer.g_step(64)
    assert set(computed) == {"G"}, "G's step computes no gradients for D's weights"
    assert graphs == [False, True], "D's fakes carry no graph"


def test_ema_is_the_slow_average_of_weights_and_statistics() -> None:
    trainer = Trainer(config(ema_decay=0.9), IMAGES)
    expected = copy.deepcopy(trainer.G).state_dict()
    for _ in range(3):
        trainer.step()
        for key, value in trainer.G.state_dict().items():
            expected[key] = expected[key] * 0.9 + value * 0.1 if value.is_floating_point() else value.clone()
    for key, value in trainer.G_ema.state_dict().items():
        assert torch.allclose(value.float(), expected[key].float(), atol=1e-5), key
    assert Trainer(config(), IMAGES).G_ema is not None
    plain = Trainer(config(), IMAGES)
    assert plain.G_ema is plain.G


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
