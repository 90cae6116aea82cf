"""The hand-made components share one page, and so one space of class names."""

from __future__ import annotations

import re
from pathlib import Path

import gan_ui

STYLES = sorted((Path(gan_ui.__file__).parent / "components").glob("*.css"))
PREFIX = re.compile(r"(?m)^\s*\.([a-z]{2})(?=[-\s,:{.>])")  # of the selectors that begin a rule


def test_every_component_has_a_prefix_of_its_own() -> None:
    owners: dict[str, set[str]] = {}
    for style in STYLES:
        if style.stem != "page":  # speaks of all of them
            for prefix in PREFIX.findall(style.read_text(encoding="utf-8")):
                owners.setdefault(prefix, set()).add(style.stem.split("_")[0])
    assert {"gc", "lb"} <= owners.keys()
    assert {prefix: names for prefix, names in owners.items() if len(names) > 1} == {}
