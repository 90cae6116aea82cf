"""The line above the tabs that says how the keeping of runs on the Hub goes, where GAN_PUSH_REPO is set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

HTML = '<p class="kp" role="status"></p>'
CSS = """
.kp { margin: 0; color: var(--body-text-color-subdued, #666); font-size: 13px; overflow-wrap: anywhere; }
.kp[data-doing="failing"] { padding: 6px 10px; border-radius: 6px; color: var(--body-text-color, #222);
  background: color-mix(in srgb, #d97706 14%, transparent); }
"""
JS = (HERE / "kept.js").read_text(encoding="utf-8")


def kept(**options: Any) -> gr.HTML:
    """The component. It asks the route /share/kept now and then, and has no value."""
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
