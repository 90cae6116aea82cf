"""A replay's files, put together: the app's components, each with its markup, style and script, around a record."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_ui.components import chart, doctor, quality
from gan_ui.replay.record import Record
from gan_ui.strings import STRINGS

HERE = Path(__file__).parent
MARK = '<meta name="generator" content="GAN Live replay">'  # how an earlier replay is known
SCRIPTS = ("store.js", "timeline.js", "latent_map.js", "about.js")
_MARK_WITHIN = 1000  # bytes
_WORDS = ("replay.", "chart.", "quality.", "doctor.", "grids.")
_SPACE_TITLE = 60

PARTS = {  # markup, style and script of the components that a replay shares with the app
    "chart": (chart.HTML, chart.CSS, chart.JS),
    "quality": (quality.HTML, quality.CSS, quality.JS),
    "digits": (quality.HISTOGRAM_HTML, quality.CSS, quality.HISTOGRAM_JS),
    "doctor": (doctor.HTML, doctor.CSS, doctor.JS),
}


def index_html(record: Record) -> str:
    """The page. It asks for nothing outside of itself: its own policy forbids it."""
    words = {key: pair for key, pair in STRINGS.items() if key.startswith(_WORDS)}
    page_css = (HERE.parent / "components" / "page.css").read_text("utf-8")
    styles = [page_css, *(f"#{name} {{ {css} }}" for name, (_, css, _) in PARTS.items()), _read("replay.css")]
    store, timeline, *others = map(_read, SCRIPTS)
    player = (HERE.parent / "components" / "player.js").read_text("utf-8")
    scripts = [
        store,
        *(_mounted(name, script) for name, (_, _, script) in PARTS.items()),
        *map(_alone, [player + timeline, *others]),
    ]
    values = {
        "mark": MARK,
        "title": html.escape(f"GAN Live: {record.run}"),
        "style": "\n".join(styles),
        "record": _json(record.to_json()),
        "words": _json(words),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
        **{name: markup for name, (markup, _, _) in PARTS.items()},
    }
    # in one pass: what is put in may hold anything
    return re.sub(r"\{\{(\w+)\}\}", lambda gap: values[gap[1]], _read("replay.html"))


def readme(record: Record) -> str:
    """README.md with the front matter that makes the folder a static Space."""
    best = record.lowest
    reached = f" Its best digit-FID was {best['digit_fid']:.2f} (not comparable with Inception FID)." if best else ""
    licence = f"\nData set: {record.facts['licence']}.\n" if record.facts["licence"] else ""
    return f"""---
title: {json.dumps(f"GAN Live: {record.run}"[:_SPACE_TITLE], ensure_ascii=False)}
emoji: ✍️
colorFrom: indigo
colorTo: gray
sdk: static
app_file: index.html
pinned: false
---

# A replay of {_plain(record.run)}

A training of GAN Live, frozen: open `index.html` in a browser, or push this folder to a static Space. It needs no server.
Preset {_plain(record.preset)}, data set {_plain(record.dataset)}.{reached}
{licence}"""


def is_replay(index: Path) -> bool:
    """Whether this file is the page of a replay, so that a newer one may replace it."""
    try:
        with index.open("rb") as file:
            return MARK.encode() in file.read(_MARK_WITHIN)
    except FileNotFoundError:
        return False


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _alone(script: str) -> str:
    """A script whose names are its own."""
    return f"(() => {{\n{script}\n}})();"


def _mounted(name: str, script: str) -> str:
    """A component's script, run as Gradio runs it; there is no Python for it to speak with."""
    element = f"document.getElementById({json.dumps(name)})"
    return f"((element, trigger, props, watch) => {{\n{script}\n}})({element}, () => {{}}, {{}}, () => {{}});"


def _json(value: Mapping[str, Any]) -> str:
    """JSON that may stand in a script tag: no text in it can end the tag or begin a comment."""
    return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _finite(value: Any) -> Any:
    """The same with null for NaN and infinity, which a browser's JSON does not know."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(text: str) -> str:
    """A name as text in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(text.split()))
