"""Matrix products in bf16 on a processor that has none: in fp32, rounded to bf16 at the end.

A native bf16 product multiplies bf16 numbers, adds up in fp32 and rounds once. Doing just that by hand gives the same numbers up
to the order of the sum, and takes a fifth to a sixth of the time of torch's own way on such a processor (AMD Zen 3, one
thread, `minute` with 16 channels: 53 ms a step instead of 311, in fp32 26). So a run that was begun in bf16 elsewhere goes on
here, and what holds in bf16 can be tested on any machine.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_ATEN = torch.ops.aten
_PRODUCTS = {
    _ATEN.mm.default,
    _ATEN.bmm.default,
    _ATEN.addmm.default,
    _ATEN.baddbmm.default,
    _ATEN.convolution.default,
    _ATEN.convolution_backward.default,
}


def is_native() -> bool:
    """Whether this processor multiplies bf16 itself, and torch lets it.

    On x86 that takes AVX512-BF16 or AMX. On ARM, torch asks the processor and has it done by oneDNN, which its builds for macOS
    do not contain.
    """
    if platform.machine().lower() in ("aarch64", "arm64"):
        return sys.platform != "darwin" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))


class EmulatedBf16(TorchDispatchMode):
    """While it is entered, products of bf16 tensors are computed in fp32 and rounded; everything else stays as it is."""

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Called by torch for every operation."""
        if func not in _PRODUCTS or not any(_is_bf16(value) for value in args):
            return func(*args, **(kwargs or {}))
        found = func(*(value.float() if _is_bf16(value) else value for value in args), **(kwargs or {}))
        return tuple(map(_rounded, found)) if isinstance(found, tuple) else _rounded(found)


def _is_bf16(value: object) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bfloat16


def _rounded(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.to(torch.bfloat16)
