"""One GAN training as an object: the steps and the state that must survive. No files, no prints, no threads.

The semantics are the tutorial's (one D step, then one G step with a fresh z), without its waste: D's fakes carry no
autograd graph, G's step computes no gradients for D's weights, bf16 copies of the weights are made once per update,
and nothing waits for the device until `measurements` is called.
"""

from __future__ import annotations

import copy
import ctypes
import os
import sys
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_core.config import Config
from gan_core.networks import build_pair
from gan_core.objectives import bce_d_loss, bce_g_loss
from gan_core.sampler import Sampler
from gan_core.sentences import UserError

EPSILON = 1e-8  # Adam's usual one
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # their numbers in glibc's malloc.h


class Measured(NamedTuple):
    """What one step measured: the losses, and D's mean probability of "real" for reals D(x) and fakes D(G(z))."""

    d_loss: float
    g_loss: float
    d_real: float
    d_fake: float


def available_cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_threads(asked: int) -> int:
    """Compute threads: what was asked, or all cores but one (at least 1): that one serves the page."""
    return asked or max(1, available_cores() - 1)


def choose_device(asked: str) -> str:
    """The device to train on; "auto" takes CUDA, then MPS, then the CPU. Raises UserError if the asked one is absent."""
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if present[name])
    if not present[asked]:
        raise UserError("device_absent", field="device", name=asked)
    return asked


def choose_precision(asked: str, device: str) -> str:
    """bf16 or fp32; "auto" takes bf16 only where the hardware multiplies it natively."""
    if asked != "auto":
        return asked
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device == "cpu":
        native = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return "bf16" if any(getattr(torch.cpu, name, bool)() for name in native) else "fp32"
    return "fp32"


def keep_freed_memory() -> None:
    """Let glibc, where there is one, keep what a step frees for the next step.

    By default it gives most of it back to the system, and asks for it again, page by page, all through the next step:
    3 of 25 ms. It may now hold 128 MiB that nobody uses; single blocks from 32 MiB on still go back at once.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_TRIM_THRESHOLD, 128 * 2**20)
        mallopt(M_MMAP_THRESHOLD, 32 * 2**20)


class Learner:
    """A network that learns: its weights in float32, and Adam's state beside them.

    Run `working` rather than `net`: in bf16 it holds copies of the weight matrices, made once after an update instead of
    at every use; in float32 it is `net` itself. BatchNorm stays in float32 either way, and both share it.

    It calls the kernel of `torch.optim.Adam(fused=True)`, for the same numbers, without the bookkeeping around it, which
    takes a third as long as the kernel itself for networks this small.
    """

    def __init__(self, net: nn.Module, lr: float, betas: tuple[float, float], dtype: torch.dtype) -> None:
        self.net = net
        self.working = net if dtype == torch.float32 else _copy_in(dtype, net)
        self._weights: list[Tensor] = list(net.parameters())
        self._learning = list(self.working.parameters())
        self._exp_avg = [torch.zeros_like(weight) for weight in self._weights]
        self._exp_avg_sq = [torch.zeros_like(weight) for weight in self._weights]
        self._steps = torch.zeros((), device=self._weights[0].device)
        self._settings: dict[str, Any] = {"lr": lr, "beta1": betas[0], "beta2": betas[1], "eps": EPSILON}
        self._settings |= {"weight_decay": 0.0, "amsgrad": False, "maximize": False}
        pairs = [pair for pair in zip(self._learning, self._weights, strict=True) if pair[0] is not pair[1]]
        self._copies: list[Tensor] = [copied for copied, _ in pairs]
        self._copied: list[Tensor] = [weight for _, weight in pairs]

    @torch.no_grad()
    def minimise(self, loss: Tensor) -> None:
        """One update that makes `loss`, a scalar computed with `working`, smaller; touches no other network."""
        gradients = [gradient.float() for gradient in torch.autograd.grad(loss, self._learning)]
        self._steps += 1
        steps = [self._steps] * len(gradients)
        torch._fused_adam_(self._weights, gradients, self._exp_avg, self._exp_avg_sq, [], steps, **self._settings)
        self._copy_weights()

    def state_dict(self) -> dict[str, Tensor]:
        """Adam's state, under the names of the network's parameters; the weights themselves are in `net`."""
        state = {"step": self._steps}
        for slot, moments in (("exp_avg", self._exp_avg), ("exp_avg_sq", self._exp_avg_sq)):
            names = (name for name, _ in self.net.named_parameters())
            state |= {f"{slot}.{name}": moment for name, moment in zip(names, moments, strict=True)}
        return state

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state_dict`; `net` must have been given its weights before. Raises KeyError or RuntimeError."""
        for name, value in self.state_dict().items():
            value.copy_(state[name])
        self._copy_weights()

    @torch.no_grad()
    def _copy_weights(self) -> None:
        if self._copies:
            torch._foreach_copy_(self._copies, self._copied)


def _copy_in(dtype: torch.dtype, net: nn.Module) -> nn.Module:
    """A copy of `net` in another precision, all but its BatchNorm layers, which are those of `net`."""
    shared = {id(module): module for module in net.modules() if isinstance(module, nn.BatchNorm1d)}
    working = copy.deepcopy(net, shared)
    for module in working.modules():
        if isinstance(module, nn.Linear):
            module.to(dtype)
    return working


class Trainer:
    """G, D and everything that a step changes.

    Args:
        config: settings with `precision` and `device` already resolved (see `choose_precision`, `choose_device`).
        images: the real images, uint8 (N, 1, 28, 28).

    With `ema_decay` 0 there is no average, and `G_ema` is `G` itself.
    """

    def __init__(self, config: Config, images: Tensor) -> None:
        keep_freed_memory()
        self.config = config
        self.device = torch.device(config.device)
        self.step_count = 0
        self.sampler = Sampler(images, config.batch_size, config.seed)
        # z is drawn on the CPU so that a seed means the same z on every device
        self.z_generator = torch.Generator().manual_seed(config.seed)
        self._dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        G, D = build_pair(config.z_dim, config.seed)
        self.G: nn.Module = G.to(self.device)
        self.D: nn.Module = D.to(self.device)
        self.G_ema: nn.Module = copy.deepcopy(self.G).requires_grad_(False) if config.ema_decay else self.G
        self._learn_g = Learner(self.G, config.lr_g, config.betas, self._dtype)
        self._learn_d = Learner(self.D, config.lr_d, config.betas, self._dtype)
        self._measured: list[Tensor] = []

    def step(self) -> None:
        """One update of D, then one of G."""
        reals = self.sampler.next().to(self.device, non_blocking=True).to(self._dtype).div_(255)
        d_loss, d_real, d_fake = self.d_step(reals)
        g_loss = self.g_step(len(reals))
        self._update_ema()
        self.step_count += 1
        self._measured.append(torch.stack((d_loss, g_loss, d_real, d_fake)))

    def d_step(self, reals: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Update D on reals (B, 1, 28, 28) in [0, 1] and as many fakes; returns d_loss, D(x) and D(G(z)), scalars."""
        G, D = self._learn_g.working, self._learn_d.working
        with torch.inference_mode():
            fakes = G(self._z(len(reals)))
        # one pass over both halves: D has no BatchNorm, so it cannot tell how a batch was put together
        logits_real, logits_fake = D(torch.cat((reals.to(self._dtype), fakes))).float().chunk(2)
        d_loss = bce_d_loss(logits_real, logits_fake)
        self._learn_d.minimise(d_loss)
        return d_loss.detach(), logits_real.detach().sigmoid().mean(), logits_fake.detach().sigmoid().mean()

    def g_step(self, batch_size: int) -> Tensor:
        """Update G on `batch_size` fresh z; returns g_loss, a scalar."""
        G, D = self._learn_g.working, self._learn_d.working
        g_loss = bce_g_loss(D(G(self._z(batch_size))).float())
        self._learn_g.minimise(g_loss)
        return g_loss.detach()

    def measurements(self) -> list[Measured]:
        """What each step since the last call measured, oldest first; the only place that waits for the device."""
        if not self._measured:
            return []
        rows = torch.stack(self._measured).tolist()
        self._measured.clear()
        return [Measured(*row) for row in rows]

    def _z(self, batch_size: int) -> Tensor:
        z = torch.randn(batch_size, self.config.z_dim, generator=self.z_generator)
        return z.to(self.device, self._dtype)

    @torch.no_grad()
    def _update_ema(self) -> None:
        if self.G_ema is self.G:
            return
        weight = 1 - self.config.ema_decay
        torch._foreach_lerp_(list(self.G_ema.parameters()), list(self.G.parameters()), weight)
        for average, buffer in zip(self.G_ema.buffers(), self.G.buffers(), strict=True):
            average.copy_(buffer) if not buffer.is_floating_point() else average.lerp_(buffer, weight)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on, as flat CPU tensors: G, D, G_ema if it is not G, both Adams, sampler, z and step.

        Of a training on the CPU these are the very tensors the next step changes: write or clone them before it.
        """
        state: dict[str, Tensor] = {"step": torch.tensor(self.step_count), "z": self.z_generator.get_state()}
        for name, part in self._parts():
            state |= {f"{name}.{key}": value.detach().cpu() for key, value in part.state_dict().items()}
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on exactly where `state_dict` was taken. Raises KeyError or RuntimeError if the state is of other networks."""
        for name, part in self._parts():
            part.load_state_dict(
                {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
            )
        self.z_generator.set_state(state["z"])
        self.step_count = int(state["step"])
        self._measured.clear()

    def _parts(self) -> list[tuple[str, nn.Module | Learner | Sampler]]:
        """All that has a state of its own; a network comes before the learner that copies its weights."""
        average = [] if self.G_ema is self.G else [("G_ema", self.G_ema)]
        return [
            ("G", self.G),
            ("D", self.D),
            *average,
            ("opt_g", self._learn_g),
            ("opt_d", self._learn_d),
            ("sampler", self.sampler),
        ]
