"""bf16 products on a processor without bf16: the numbers of native ones, and a training that goes on exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from gan_core import emulated_bf16
from gan_core.config import make_config
from gan_core.emulated_bf16 import EmulatedBf16
from gan_core.trainer import Trainer, choose_precision

IMAGES = torch.randint(256, (64, 1, 28, 28), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).to(torch.bfloat16)


@pytest.mark.parametrize("name", ["linear", "convolution", "transposed convolution"])
def test_a_product_and_its_gradients_are_those_of_torch_up_to_one_rounding(name: str) -> None:
    x, weight, bias = numbers(8, 16, 7, 7), numbers(16, 16, 3, 3), numbers(16)
    maps = {
        "linear": lambda x, w: torch.nn.functional.linear(x.flatten(1, 3)[:, :144], w[:, :, 0, 0].repeat(1, 9), bias),
        "convolution": lambda x, w: torch.nn.functional.conv2d(x, w, bias, 2, 1),
        "transposed convolution": lambda x, w: torch.nn.functional.conv_transpose2d(x, w, None, 2),
    }

    def both(mode: bool) -> list[Tensor]:
        given = [x.clone().requires_grad_(), weight.clone().requires_grad_()]
        if mode:
            with EmulatedBf16():
                y = maps[name](*given)
                return [y, *torch.autograd.grad(y.float().square().sum(), given)]
        y = maps[name](*given)
        return [y, *torch.autograd.grad(y.float().square().sum(), given)]

    for emulated, native in zip(both(True), both(False), strict=True):
        assert emulated.dtype == native.dtype == torch.bfloat16
        # 8 bits: one rounding is 0.4 %, of the largest terms of a sum where they cancel
        assert (emulated - native).float().abs().max() <= 0.01 * native.float().abs().max()


def test_what_is_no_bf16_product_stays_as_it_is() -> None:
    a, b = torch.randn(5, 7), torch.randn(7, 3)
    expected = a @ b
    with EmulatedBf16():
        assert torch.equal(a @ b, expected)
        assert torch.equal(numbers(4).exp(), numbers(4).exp())


def test_a_trainer_takes_it_where_bf16_is_not_native(monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config("minute", {"precision": "bf16", "device": "cpu", "width": 4, "batch_size": 8, "seconds": 0})
    losses = []
    for native in (True, False):
        monkeypatch.setattr("gan_core.trainer.is_native", lambda native=native: native)
        trainer = Trainer(config, IMAGES)
        assert trainer._emulates is not native
        for _ in range(3):
            trainer.step()
        losses.append([row.d_loss for row in trainer.measurements()])
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert losses[0] != losses[1], "the sums are in another order, so this was another way to multiply"


def test_the_variable_decides_for_auto_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ("bf16", "fp32"):
        monkeypatch.setenv("GAN_PRECISION", said)
        assert choose_precision("auto", "cpu") == said
        assert [choose_precision(asked, "cpu") for asked in ("bf16", "fp32")] == ["bf16", "fp32"]
    monkeypatch.setenv("GAN_PRECISION", "int8")
    monkeypatch.setattr("gan_core.trainer.is_native", lambda: False)
    assert choose_precision("auto", "cpu") == "fp32"


@pytest.mark.parametrize(
    ("machine", "system", "supported", "native"),
    [("aarch64", "linux", True, True), ("aarch64", "linux", False, False), ("arm64", "darwin", True, False)],
)
def test_arm_is_asked_through_torch(
    monkeypatch: pytest.MonkeyPatch, machine: str, system: str, supported: bool, native: bool
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: supported)
    assert emulated_bf16.is_native() is native


def test_it_is_told_by_this_processors_flags() -> None:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        pytest.skip("only Linux lists its processor's flags")
    flags = set(path.read_text("utf-8").split())
    assert emulated_bf16.is_native() is bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})
