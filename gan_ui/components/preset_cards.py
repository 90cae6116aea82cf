"""The presets as cards to choose from: those that work, and those that fail on purpose."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import gradio as gr

from gan_core.presets import PRESETS

HERE = Path(__file__).parent
PICTURES = HERE.parent / "assets" / "presets"

HTML = """
<div class="pc" role="radiogroup" data-label="presets">
  <div class="pc-list" data-fails="no"></div>
  <details class="pc-broken"><summary data-t="broken"></summary><div class="pc-list" data-fails="yes"></div></details>
  <p class="pc-about" aria-live="polite"></p>
</div>
"""
CSS = (HERE / "preset_cards.css").read_text(encoding="utf-8")
JS = (HERE / "preset_cards.js").read_text(encoding="utf-8")


def preset_cards(**options: Any) -> gr.HTML:
    """The component. Its value is the chosen preset's name; it fires `input` when somebody chooses another."""
    return gr.HTML(
        html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, cards=_cards(), **options
    )


def _cards() -> list[dict[str, Any]]:
    return [
        {
            "name": preset.name,
            "about": dict(zip(("en", "zh"), preset.about, strict=True)),
            "seconds": preset.seconds,
            "fails": bool(preset.cure),
            "picture": _picture(preset.name),
        }
        for preset in PRESETS.values()
    ]


def _picture(name: str) -> str:
    """The thumbnail as a data address, about 1 kB; empty if there is none."""
    path = PICTURES / f"{name}.webp"
    return f"data:image/webp;base64,{base64.b64encode(path.read_bytes()).decode()}" if path.exists() else ""
