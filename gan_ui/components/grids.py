"""What G makes of its fixed z now, beside reals: the tutorial's two 5 x 5 grids, live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

HTML = """
<div class="gl-card gg">
  <figure><figcaption data-t="fakes"></figcaption>
    <div class="gg-frame"><img class="gg-fakes" alt="" hidden><span class="gg-empty" data-t="none"></span></div></figure>
  <figure><figcaption data-t="reals"></figcaption>
    <div class="gg-frame"><img class="gg-reals" alt="" hidden><span class="gg-empty" data-t="none"></span></div></figure>
</div>
"""
CSS = (HERE / "grids.css").read_text(encoding="utf-8")
JS = (HERE / "grids.js").read_text(encoding="utf-8")


def grids(**options: Any) -> gr.HTML:
    """The component. It follows the page's `ganLive` store and has no value."""
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
