"""The doctor's card: what the measurements say about the shown training, and what to try. It never acts alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

HTML = """
<section class="gx" role="status" aria-atomic="false">
  <div class="gx-lesson" hidden><h4></h4><p></p><p class="gx-offer"></p></div>
  <div class="gx-calm" hidden><h4><span class="gx-mark" aria-hidden="true">✓</span> <span data-t="healthy"></span></h4>
    <p></p></div>
  <div class="gx-waits" hidden><h4 data-t="waits"></h4></div>
  <ul class="gx-alerts"></ul>
  <p class="gx-message" role="alert" hidden></p>
</section>
"""
CSS = (HERE / "doctor.css").read_text(encoding="utf-8")
JS = (HERE / "doctor.js").read_text(encoding="utf-8")


def doctor(**options: Any) -> gr.HTML:
    """The component. It fires `cure` with the event data {"run": id, "kind": an alert's kind, or "preset"}.

    Its value, set from Python, is the answer: {"run": id of the branch to show, or ""} and, if refused, "message".
    """
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
