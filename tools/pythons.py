"""Checks that what the project asks for can be had for every Python that it names: python -m tools.pythons.

torch and torchvision are looked up in the index, wheels of this machine's kind only, because resolving them would fetch
gigabytes; all others are resolved by pip without being installed. It needs a network and some minutes, so no test runs it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LARGE = ("torch", "torchvision")


def main() -> int:
    """Exit code 0 if every Python can have them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="*", default=PYTHONS, help=f"default: {' '.join(PYTHONS)}")
    lines = (ROOT / "requirements.txt").read_text("utf-8").split()
    exact = dict(line.split("==") for line in lines if "==" in line)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    ranges = [each for each in project["dependencies"] if not each.startswith(LARGE)]
    failed = False
    for python in parser.parse_args().pythons:
        for name in LARGE:
            found = exact[name] in _versions(name, python)
            failed |= not found
            print(f"{python}: {name} {exact[name]} {'has a wheel' if found else 'HAS NO WHEEL'}", flush=True)
        problem = _unresolved([*ranges, *project["optional-dependencies"]["tracking"]], python)
        failed |= bool(problem)
        print(f"{python}: the others {problem or 'can be resolved'}", flush=True)
    return 1 if failed else 0


def _versions(name: str, python: str) -> list[str]:
    """The versions of a package that have a wheel for this Python."""
    command = ["index", "versions", name, "--python-version", python, "--only-binary=:all:"]
    done = _pip(*command)
    listed = next((line for line in done.stdout.splitlines() if line.startswith("Available versions:")), "")
    versions = [each.strip() for each in listed.partition(":")[2].split(",")]
    return [version.partition("+")[0] for version in versions]


def _unresolved(requirements: list[str], python: str) -> str:
    """What pip says if it cannot find versions that go together, else ""."""
    with tempfile.TemporaryDirectory() as folder:
        where = ["--dry-run", "--ignore-installed", "--quiet", "--target", folder]
        done = _pip("install", *where, "--python-version", python, "--only-binary=:all:", *requirements)
    return done.stderr.strip() if done.returncode else ""


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
