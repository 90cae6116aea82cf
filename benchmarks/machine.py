"""The facts of this machine that a figure depends on; every benchmark prints them beside its own.

Run as `python -m benchmarks.machine`.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import version  # of torch, unimported: whoever imports this may have to set variables before
from pathlib import Path

from gan_core.cores import available_cores


def facts() -> dict[str, str]:
    """What the machine is and what it runs, in words."""
    return {
        "processor": _processor(),
        "cores": str(available_cores()),
        "bf16": "native" if _has_bf16() else "not native",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def describe() -> str:
    """The facts in one line."""
    return ", ".join(f"{name}: {value}" for name, value in facts().items())


def _processor() -> str:
    family = {name: _cpuinfo(name) for name in ("model name", "cpu family", "model")}
    if not family["model name"]:
        return platform.processor() or platform.machine()
    return f"{family['model name']} (family {family['cpu family']}, model {family['model']})"


def _has_bf16() -> bool:
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set((_cpuinfo("flags") or _cpuinfo("Features")).split()))


def _cpuinfo(name: str) -> str:
    """The first value of a line of /proc/cpuinfo; empty where there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (AttributeError, OSError, ValueError):
        return "unknown"


if __name__ == "__main__":
    print(describe())
