"""All runs of this machine as cards: picture, state, step, and what can be done with each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

HTML = """
<section class="gr-runs"><h3 data-t="title"></h3><p class="gr-empty" data-t="empty" hidden></p><ul></ul></section>
"""
CSS = (HERE / "run_list.css").read_text(encoding="utf-8")
JS = (HERE / "run_list.js").read_text(encoding="utf-8")


def run_list(**options: Any) -> gr.HTML:
    """The component. It fires `resume` and `remove` with the event data {"run": id}.

    Its value, set from Python, is a sentence to show on one card: {"run": id, "message": sentence}.
    """
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
