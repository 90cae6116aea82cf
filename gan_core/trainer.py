"""One GAN training as an object: the steps and the state that must survive. No files, no prints, no threads.

The semantics are the tutorial's (one D step, then one G step with a fresh z), without its waste: D's fakes carry no
autograd graph, G's step computes no gradients for D's weights, and nothing waits for the device until `measurements`
is called.
"""

from __future__ import annotations

import copy
import os
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam

from gan_core.config import Config
from gan_core.data import Sampler
from gan_core.networks import build_pair
from gan_core.objectives import bce_d_loss, bce_g_loss
from gan_core.sentences import UserError

# The optimizer's settings are resolved before a training starts and kept with the run; these are its states' names.
_ADAM_STATE = ("step", "exp_avg", "exp_avg_sq")


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


class Trainer:
    """G, D and everything that a step changes.

    Args:
        config: settings with `precision` and `device` already resolved (see `choose_precision`, `choose_device`).
        images: the real images, uint8 (N, 1, 28, 28).

    With `ema_decay` 0 there is no average, and `G_ema` is `G` itself.
    """

    def __init__(self, config: Config, images: Tensor) -> None:
        self.config = config
        self.device = torch.device(config.device)
        self.step_count = 0
        self.sampler = Sampler(images, config.batch_size, config.seed)
        # z is drawn on the CPU so that a seed means the same z on every device
        self.z_generator = torch.Generator().manual_seed(config.seed)
        G, D = build_pair(config.z_dim, config.seed)
        self.G: nn.Module = G.to(self.device)
        self.D: nn.Module = D.to(self.device)
        self.G_ema: nn.Module = copy.deepcopy(self.G).requires_grad_(False) if config.ema_decay else self.G
        self.opt_g = Adam(self.G.parameters(), lr=config.lr_g, betas=config.betas, fused=True)
        self.opt_d = Adam(self.D.parameters(), lr=config.lr_d, betas=config.betas, fused=True)
        self._measured: list[Tensor] = []

    def step(self) -> None:
        """One update of D, then one of G."""
        reals = self.sampler.next().to(self.device, non_blocking=True).float().div_(255)
        d_loss, d_real, d_fake = self.d_step(reals)
        g_loss = self.g_step(len(reals))
        self._update_ema()
        self.step_count += 1
        self._measured.append(torch.stack((d_loss, g_loss, d_real, d_fake)))

    def d_step(self, reals: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Update D on reals (B, 1, 28, 28) in [0, 1] and as many fakes; returns d_loss, D(x) and D(G(z)), scalars."""
        with self._autocast():
            with torch.no_grad():
                fakes = self.G(self._z(len(reals)))
            # one pass over both halves: D has no BatchNorm, so it cannot tell how a batch was put together
            logits = self.D(torch.cat((reals.to(fakes.dtype), fakes))).float()
        logits_real, logits_fake = logits.chunk(2)
        d_loss = bce_d_loss(logits_real, logits_fake)
        self.opt_d.zero_grad()
        d_loss.backward()
        self.opt_d.step()
        return d_loss.detach(), logits_real.detach().sigmoid().mean(), logits_fake.detach().sigmoid().mean()

    def g_step(self, batch_size: int) -> Tensor:
        """Update G on `batch_size` fresh z; returns g_loss, a scalar."""
        self.D.requires_grad_(False)
        with self._autocast():
            logits_fake = self.D(self.G(self._z(batch_size))).float()
        g_loss = bce_g_loss(logits_fake)
        self.opt_g.zero_grad()
        g_loss.backward()
        self.opt_g.step()
        self.D.requires_grad_(True)
        return g_loss.detach()

    def measurements(self) -> list[Measured]:
        """What each step since the last call measured, oldest first; the only place that waits for the device."""
        if not self._measured:
            return []
        rows = torch.stack(self._measured).tolist()
        self._measured.clear()
        return [Measured(*row) for row in rows]

    def _z(self, batch_size: int) -> Tensor:
        return torch.randn(batch_size, self.config.z_dim, generator=self.z_generator).to(self.device)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    @torch.no_grad()
    def _update_ema(self) -> None:
        if self.G_ema is self.G:
            return
        weight = 1 - self.config.ema_decay
        torch._foreach_lerp_(list(self.G_ema.parameters()), list(self.G.parameters()), weight)
        for average, buffer in zip(self.G_ema.buffers(), self.G.buffers(), strict=True):
            average.copy_(buffer) if not buffer.is_floating_point() else average.lerp_(buffer, weight)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on, as flat CPU tensors: G, D, G_ema if it is not G, both Adams, sampler, z and step."""
        state: dict[str, Tensor] = {"step": torch.tensor(self.step_count), "z": self.z_generator.get_state()}
        for name, module in self._modules():
            state |= {f"{name}.{key}": value.detach().cpu() for key, value in module.state_dict().items()}
        for name, optimizer in (("opt_g", self.opt_g), ("opt_d", self.opt_d)):
            for index, slots in optimizer.state_dict()["state"].items():
                state |= {f"{name}.{index}.{key}": slots[key].detach().cpu() for key in _ADAM_STATE}
        return state | {f"sampler.{key}": value for key, value in self.sampler.state_dict().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on exactly where `state_dict` was taken. Raises KeyError or RuntimeError if the state is of other networks."""
        for name, module in self._modules():
            module.load_state_dict(_part(state, name))
        for name, optimizer in (("opt_g", self.opt_g), ("opt_d", self.opt_d)):
            _load_adam(optimizer, _part(state, name))
        self.sampler.load_state_dict(_part(state, "sampler"))
        self.z_generator.set_state(state["z"])
        self.step_count = int(state["step"])
        self._measured.clear()

    def _modules(self) -> list[tuple[str, nn.Module]]:
        modules = [("G", self.G), ("D", self.D)]
        return modules if self.G_ema is self.G else [*modules, ("G_ema", self.G_ema)]


def _part(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def _load_adam(optimizer: Adam, state: dict[str, Tensor]) -> None:
    whole: dict[str, Any] = optimizer.state_dict()
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in state.items():
        index, slot = key.split(".")
        slots.setdefault(int(index), {})[slot] = value.clone()
    whole["state"] = slots
    optimizer.load_state_dict(whole)
