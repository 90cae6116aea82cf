"""How many processor cores this process may use: what the system, its container and its host allow, whichever is least."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")
MINE = Path("/proc/self/cgroup")
V1_FOLDERS = ("cpu,cpuacct", "cpu")  # where version 1 has the files of its cpu controller


def available_cores() -> int:
    """Cores this process may use, at least 1.

    The least of: the cores it may be scheduled on (all that there are, where the system does not say), the CPU quota of its
    cgroup (`docker run --cpus 2`) and $CPU_CORES, by which a Space says what it rents.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # rounded down: a thread that is stopped at the quota keeps all the others waiting, and the page with them
    limits = [int(quota) for quota in _quotas()]
    asked = os.environ.get("CPU_CORES", "").strip()
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]*)?", asked):
        limits.append(int(float(asked)))
    return max(1, min([affinity, *limits]))


def _quotas() -> Iterator[float]:
    """Each limit, in cores, of this process's cgroup and of those around it."""
    for version, group in _groups():
        folders = [CGROUPS] if version == 2 else [CGROUPS / name for name in V1_FOLDERS]
        # a container sees its own group as the topmost one, but may be told the path that the host has for it
        for inside in (group, *group.parents):
            for folder in folders:
                yield from _quota(folder / inside.relative_to("/"), version)


def _groups() -> list[tuple[int, PurePosixPath]]:
    """The cgroups that may limit this process's CPU time: the version, and its path there."""
    groups = []
    for line in _text(MINE).splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if path.startswith("/") and ".." not in path and (not controllers or "cpu" in controllers.split(",")):
            groups.append((1 if controllers else 2, PurePosixPath(path)))
    return groups


def _quota(folder: Path, version: int) -> Iterator[float]:
    if version == 2:
        words = _text(folder / "cpu.max").split()  # "200000 100000", or "max 100000"
    else:
        words = [_text(folder / name).strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]  # -1: no limit
    if len(words) == 2 and all(re.fullmatch(r"[0-9]{1,18}", word) for word in words) and int(words[1]):
        yield int(words[0]) / int(words[1])


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, ValueError):  # another system, or a cgroup without the controller
        return ""
