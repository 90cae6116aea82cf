"""One GAN training as an object: the steps and the state that must survive. No files, no prints, no threads.

The semantics are the tutorial's (D, then one G step with a fresh z), without its waste: D's fakes carry no autograd graph,
G's step computes no gradients for D's weights, penalties on D's gradient take the short way where there is one, bf16
copies of the weights are made once per update, and nothing waits for the device until `measurements` is called.
"""

from __future__ import annotations

import copy
import ctypes
import dataclasses
import math
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_core import objectives
from gan_core.config import Config
from gan_core.cores import available_cores
from gan_core.emulated_bf16 import EmulatedBf16, is_native
from gan_core.fields import FIELD
from gan_core.networks import build_pair
from gan_core.penalties import Found, Weights, between, chain_gradients, double_backward, is_chain, logits_of
from gan_core.sampler import Sampler
from gan_core.sentences import UserError

EPSILON = 1e-8  # Adam's usual one
D_AWAKE = 1 / 3  # of the steps, after which the schedule "d-sleeps" ...
D_ASLEEP = 1 / 50  # ... leaves D this share of its learning rate
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # their numbers in glibc's malloc.h


class Measured(NamedTuple):
    """What one step measured.

    The losses without penalties; D's mean probability of "real" for reals, D(x), and for fakes, D(G(z)); the share of
    reals and of fakes that D gets right; and the lengths of D's and G's gradients, which are only measured at the first
    of every `log_every` steps and stay what they were for the others: a point of the curves has one measurement.
    """

    d_loss: float
    g_loss: float
    d_real: float
    d_fake: float
    right_real: float
    right_fake: float
    grad_d: float
    grad_g: float


def choose_threads(asked: int) -> int:
    """Compute threads: what was asked, or all cores but one (at least 1): that one serves the page."""
    return asked or max(1, available_cores() - 1)


def choose_device(asked: str) -> str:
    """The device to train on; "auto" takes CUDA, else the CPU. Raises UserError if the asked one is absent.

    Nobody has measured MPS with networks this small, whose steps are many short operations: it has to be asked for.
    """
    # on ZeroGPU torch is made to believe in a GPU that only single calls get to use (gan_ui/zero.py)
    cuda = torch.cuda.is_available() and not os.environ.get("SPACES_ZERO_GPU")
    present = {"cpu": True, "cuda": cuda, "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return "cuda" if cuda else "cpu"
    if not present[asked]:
        raise UserError("device_absent", field="device", name=asked)
    return asked


def choose_precision(asked: str, device: str) -> str:
    """bf16 or fp32; "auto" takes bf16 only where the hardware multiplies it natively, or what $GAN_PRECISION says.

    The variable is there to run everything, the tests above all, as it would run on another processor.
    """
    if asked != "auto":
        return asked
    if (everywhere := os.environ.get("GAN_PRECISION", "")) in ("bf16", "fp32"):
        return everywhere
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device == "cpu":
        return "bf16" if is_native() else "fp32"
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
        self.lr = lr
        self.net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.working = net if dtype == torch.float32 else _copy_in(dtype, net)
        self.learning = list(self.working.parameters())
        self._weights: list[Tensor] = list(net.parameters())
        self._exp_avg = [torch.zeros_like(weight) for weight in self._weights]
        self._exp_avg_sq = [torch.zeros_like(weight) for weight in self._weights]
        self._steps = torch.zeros((), device=self._weights[0].device)
        self._settings: dict[str, Any] = {"beta1": betas[0], "beta2": betas[1], "eps": EPSILON}
        self._settings |= {"weight_decay": 0.0, "amsgrad": False, "maximize": False}
        pairs = [pair for pair in zip(self.learning, self._weights, strict=True) if pair[0] is not pair[1]]
        self._copies: list[Tensor] = [copied for copied, _ in pairs]
        self._copied: list[Tensor] = [weight for _, weight in pairs]

    @torch.no_grad()
    def update(self, gradients: Sequence[Tensor], share: float = 1.0) -> None:
        """One update of Adam with gradients in the order of the parameters, at this share of the learning rate."""
        pairs = zip(gradients, self._weights, strict=True)
        ready = [_laid_out_like(weight, gradient.float()) for gradient, weight in pairs]
        self._steps += 1
        steps = [self._steps] * len(ready)
        lr = self.lr * share
        torch._fused_adam_(self._weights, ready, self._exp_avg, self._exp_avg_sq, [], steps, lr=lr, **self._settings)
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


def _laid_out_like(weight: Tensor, gradient: Tensor) -> Tensor:
    """The gradient in the weight's memory layout: the fused kernel walks through both without looking at strides."""
    if gradient.dim() < 4:
        return gradient.contiguous()
    return gradient.contiguous(memory_format=torch.channels_last)


def _copy_in(dtype: torch.dtype, net: nn.Module) -> nn.Module:
    """A copy of `net` in another precision, all but its BatchNorm layers and buffers, which are those of `net`."""
    shared = {id(module): module for module in net.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)}
    working = copy.deepcopy(net, shared)
    for mine, original in zip(working.modules(), net.modules(), strict=True):
        if isinstance(mine, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
            mine.to(dtype)
            mine._buffers = original._buffers
    return working


class Trainer:
    """G, D and everything that a step changes.

    Args:
        config: settings with `precision` and `device` already resolved (see `choose_precision`, `choose_device`).
        images: the real images, uint8 (N, 1, 28, 28).
        labels: their classes, int64 (N,); only conditional networks need them.

    With `ema_decay` 0 there is no average, and `G_ema` is `G` itself. Raises UserError for settings that do not go
    together.
    """

    def __init__(self, config: Config, images: Tensor, labels: Tensor | None = None) -> None:
        keep_freed_memory()
        self.config = config
        self.device = torch.device(config.device)
        self.step_count = 0
        self.conditional = config.conditional
        if self.conditional and labels is None:
            raise UserError("needs_labels", field="network", network=config.network, dataset=config.dataset)
        self._images, self._labels = images, labels
        self._objective = objectives.load(config.objective)
        self.sampler = Sampler(torch.arange(len(images)), config.batch_size, config.seed)
        # z is drawn on the CPU so that a seed means the same z on every device
        self.z_generator = torch.Generator().manual_seed(config.seed)
        self._dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        self._emulates = config.precision == "bf16" and self.device.type == "cpu" and not is_native()
        G, D = build_pair(config)
        self.G: nn.Module = G.to(self.device)
        self.D: nn.Module = D.to(self.device)
        self.G_ema: nn.Module = copy.deepcopy(self.G).requires_grad_(False) if config.ema_decay else self.G
        self._learn_g = Learner(self.G, config.lr_g, config.betas, self._dtype)
        self._learn_d = Learner(self.D, config.lr_d, config.betas, self._dtype)
        self._apart = any(isinstance(module, nn.BatchNorm2d) for module in self.D.modules())
        self._pairs: tuple[nn.Module, tuple[list[Tensor], ...]] | None = None  # see _averaged
        self._measured: list[Tensor] = []
        self._lengths = torch.zeros(2, device=self.device)  # of the last measured gradients of D and G

    def change(self, **settings: Any) -> None:
        """Go on with other values of settings that are `live` in FIELDS, or of `steps`, which the schedule looks at."""
        assert all(FIELD[name].live or name == "steps" for name in settings), settings
        self.config = config = dataclasses.replace(self.config, **settings)
        self._learn_g.lr, self._learn_d.lr = config.lr_g, config.lr_d
        if config.ema_decay and self.G_ema is self.G:
            self.G_ema = copy.deepcopy(self.G).requires_grad_(False)
        elif not config.ema_decay:
            self.G_ema = self.G

    def step(self) -> None:
        """`n_critic` updates of D, each with a new batch, then one of G."""
        with self._products():
            for _ in range(self.config.n_critic):
                reals, classes = self._next_reals()
                found = self.d_step(reals, classes)
            g_loss = self.g_step(reals, classes)
        self._update_ema()
        self.step_count += 1
        self._measured.append(torch.cat((self._seen(found, g_loss), self._lengths)))

    def _products(self) -> AbstractContextManager[object]:
        """How this processor multiplies in the training's precision."""
        return EmulatedBf16() if self._emulates else nullcontext()  # type: ignore[no-untyped-call]

    def d_step(self, reals: Tensor, classes: Tensor | None = None) -> Found:
        """Update D on reals (B, 1, 28, 28) in [0, 1] and as many fakes, of the reals' classes if there are any."""
        config, D = self.config, self._learn_d.working
        with torch.inference_mode():
            fakes = self._fakes(classes, len(reals))
        groups = [reals.to(self._dtype), fakes]
        weights = Weights(config.r1_gamma, config.r2_gamma, config.gp_weight)
        if weights.gp_weight:
            groups.append(between(groups[0], fakes, self.z_generator))
        if not weights:
            found = self._plain_gradients(groups, classes)
        elif is_chain(D):
            found = chain_gradients(D, groups, classes, self._objective.d_loss, weights)  # type: ignore[arg-type]
        else:
            # a tensor made in inference mode can have no gradient
            found = double_backward(D, [group.clone() for group in groups], classes, self._objective.d_loss, weights)
        self._note_length(0, found.gradients)
        self._learn_d.update(found.gradients, self._lr_share() * self._wakefulness())
        return found

    def _plain_gradients(self, groups: list[Tensor], classes: Tensor | None) -> Found:
        D = self._learn_d.working
        if self._apart:  # BatchNorm in D: reals and fakes are batches of their own
            logits_real, logits_fake = (logits_of(D, group.clone(), classes).float() for group in groups)
        else:
            both = None if classes is None else classes.repeat(2)
            logits_real, logits_fake = logits_of(D, torch.cat(groups), both).float().chunk(2)
        loss = self._objective.d_loss(logits_real, logits_fake)
        gradients = torch.autograd.grad(loss, self._learn_d.learning)
        return Found(list(gradients), loss.detach(), logits_real.detach(), logits_fake.detach())

    def g_step(self, reals: Tensor, classes: Tensor | None = None) -> Tensor:
        """Update G on as many fresh z as there are reals, of their classes if there are any; returns g_loss, a scalar."""
        D = self._learn_d.working
        logits_real = None
        if self._objective.PAIRED:
            with torch.no_grad():
                logits_real = logits_of(D, reals.to(self._dtype), classes).float()
        logits_fake = logits_of(D, self._fakes(classes, len(reals)), classes).float()
        g_loss = self._objective.g_loss(logits_real, logits_fake)
        gradients = torch.autograd.grad(g_loss, self._learn_g.learning)
        self._note_length(1, gradients)
        self._learn_g.update(gradients, self._lr_share())
        return g_loss.detach()

    def measurements(self) -> list[Measured]:
        """What each step since the last call measured, oldest first; the only place that waits for the device."""
        if not self._measured:
            return []
        rows = torch.stack(self._measured).tolist()
        self._measured.clear()
        return [Measured(*row) for row in rows]

    def _next_reals(self) -> tuple[Tensor, Tensor | None]:
        chosen = self.sampler.next()
        reals = self._images[chosen].to(self.device, non_blocking=True).to(self._dtype).div_(255)
        if not self.conditional or self._labels is None:
            return reals, None
        return reals, self._labels[chosen].to(self.device)

    def _fakes(self, classes: Tensor | None, count: int) -> Tensor:
        z = torch.randn(count, self.config.z_dim, generator=self.z_generator).to(self.device, self._dtype)
        fakes: Tensor = self._learn_g.working(z) if classes is None else self._learn_g.working(z, classes)
        return fakes

    def _lr_share(self) -> float:
        """The share of the learning rates that the schedule leaves at this step."""
        if self.config.lr_schedule != "cosine":
            return 1.0
        done = min(1.0, self.step_count / self.config.steps)
        return (1 + math.cos(math.pi * done)) / 2

    def _wakefulness(self) -> float:
        """The share of its learning rate that is left to D where the schedule puts it to sleep."""
        asleep = self.config.lr_schedule == "d-sleeps" and self.step_count >= self.config.steps * D_AWAKE
        return D_ASLEEP if asleep else 1.0

    def _seen(self, found: Found, g_loss: Tensor) -> Tensor:
        """All of a step's `Measured` but the gradients' lengths."""
        real, fake = found.logits_real, found.logits_fake
        boundary = self._objective.BOUNDARY
        middle = (real.mean() + fake.mean()) / 2 if boundary is None else boundary
        right = [(real > middle).float().mean(), (fake < middle).float().mean()]
        return torch.stack([found.loss, g_loss, real.sigmoid().mean(), fake.sigmoid().mean(), *right])

    @torch.no_grad()
    def _note_length(self, index: int, gradients: Sequence[Tensor]) -> None:
        if self.step_count % self.config.log_every == 0:
            lengths = torch.stack(torch._foreach_norm([gradient.float() for gradient in gradients]))
            self._lengths = self._lengths.clone()  # steps before still point at the old ones
            self._lengths[index] = lengths.norm()

    def _averaged(self) -> tuple[list[Tensor], ...]:
        """Weights and statistics of G_ema and of G, and what is only copied, of both: looked for once, not at every step."""
        if self._pairs is None or self._pairs[0] is not self.G_ema:
            found: tuple[list[Tensor], ...] = ([], [], [], [])
            tensors = ((*net.parameters(), *net.buffers()) for net in (self.G_ema, self.G))
            for average, newest in zip(*tensors, strict=True):
                kind = 0 if newest.is_floating_point() else 2
                found[kind].append(average)
                found[kind + 1].append(newest)
            self._pairs = self.G_ema, found
        return self._pairs[1]

    @torch.no_grad()
    def _update_ema(self) -> None:
        if self.G_ema is self.G:
            return
        # warm-up: an average of few steps must not be mostly of the random start
        weight = 1 - min(self.config.ema_decay, (self.step_count + 1) / (self.step_count + 10))
        averages, newest, counts, counted = self._averaged()
        torch._foreach_lerp_(averages, newest, weight)
        torch._foreach_copy_(counts, counted)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on, as flat CPU tensors: G, D, G_ema if it is not G, both Adams, sampler, z and step.

        Of a training on the CPU these are the very tensors the next step changes: write or clone them before it.
        """
        state: dict[str, Tensor] = {"step": torch.tensor(self.step_count), "z": self.z_generator.get_state()}
        for name, part in self._parts():
            state |= {f"{name}.{key}": value.detach().cpu() for key, value in part.state_dict().items()}
        return state | {"lengths": self._lengths.cpu()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on exactly where `state_dict` was taken. Raises KeyError or RuntimeError if the state is of other networks.

        A state without G_ema, from a training that had none, lets it begin as a copy of G.
        """
        for name, part in self._parts():
            known = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
            if name == "G_ema" and not known:
                known = self.G.state_dict()
            part.load_state_dict(known)
        self.z_generator.set_state(state["z"])
        self.step_count = int(state["step"])
        self._lengths = state["lengths"].to(self.device)
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
