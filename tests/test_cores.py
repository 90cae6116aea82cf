"""How many cores there are to use, with the files of a cgroup as a container has them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_core import cores
from gan_core.trainer import choose_threads

Fake = Callable[[str, dict[str, str]], None]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A machine of 64 cores without limits; give it a /proc/self/cgroup, and files under /sys/fs/cgroup."""
    monkeypatch.delenv("CPU_CORES", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(cores, "CGROUPS", tmp_path / "sys")
    monkeypatch.setattr(cores, "MINE", tmp_path / "mine")

    def write(mine: str, files: dict[str, str]) -> None:
        (tmp_path / "mine").write_text(mine)
        for name, text in files.items():
            path = tmp_path / "sys" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def v1(quota: int, period: int = 100_000, at: str = "cpu,cpuacct") -> dict[str, str]:
    return {f"{at}/cpu.cfs_quota_us": f"{quota}\n", f"{at}/cpu.cfs_period_us": f"{period}\n"}


V1 = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"


@pytest.mark.parametrize(
    ("mine", "files", "count"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),  # docker run --cpus 2, version 2
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 64),
        ("0::/\n", {"cpu.max": "9900000 100000\n"}, 64),
        ("0::/a/b\n", {"cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, 3),
        (V1, v1(200_000), 2),  # in a container: the path is the host's, the files lie at the top
        (V1, v1(200_000, 50_000), 4),
        (V1, v1(-1), 64),
        (V1, v1(-1) | v1(300_000, at="cpu,cpuacct/docker/abc"), 3),
        ("4:cpu:/\n", v1(200_000, at="cpu"), 2),
        (V1 + "0::/docker/abc\n", v1(200_000), 2),  # both versions at once
        # what is no quota is none, and nothing stops at it
        ("", {}, 64),
        ("0::/\n", {}, 64),
        ("nonsense\n\n0::relative\n0::/../..\n", {"cpu.max": "200000 100000\n"}, 64),
        ("0::/\n", {"cpu.max": "200000\n"}, 64),
        ("0::/\n", {"cpu.max": "200000 0\n"}, 64),
        ("0::/\n", {"cpu.max": "-1 100000\n"}, 64),
        ("0::/\n", {"cpu.max": "٢٠٠٠٠٠ 100000\n"}, 64),
    ],
)
def test_the_quota_of_the_cgroup_is_the_limit(fake: Fake, mine: str, files: dict[str, str], count: int) -> None:
    fake(mine, files)
    assert cores.available_cores() == count
    assert choose_threads(0) == max(1, count - 1)


@pytest.mark.parametrize(
    ("value", "count"), [("2", 2), ("2.5", 2), ("0.5", 1), ("128", 4), ("", 4), ("many", 4), ("-3", 4), ("nan", 4)]
)
def test_a_space_says_how_many_it_has_and_the_least_counts(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, value: str, count: int
) -> None:
    fake("0::/\n", {"cpu.max": "400000 100000\n"})
    monkeypatch.setenv("CPU_CORES", value)
    assert cores.available_cores() == count


def test_affinity_counts_too_and_other_systems_have_nothing_of_all_this(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("0::/\n", {"cpu.max": "400000 100000\n"})
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    assert cores.available_cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(cores, "MINE", Path("/no/such/file"))
    assert cores.available_cores() == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.available_cores() == 1
