"""Where the shown training stands: its state, progress, numbers, and what went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

_FACTS = "".join(
    f'<div class="gs-fact"><dt data-t="{name}"></dt><dd data-fact="{name}">–</dd></div>'
    for name in ("step", "epoch", "speed", "eta", "device")
)

# The words are put in by status.js: data-t holds the text of a node.
HTML = f"""
<section class="gl-card gs" aria-live="off">
  <div class="gs-head">
    <strong class="gs-pill" data-status="none"></strong>
    <span class="gs-run"></span>
    <span class="gs-run gs-parent"></span>
    <span class="gs-offline" role="status" hidden></span>
  </div>
  <div class="gs-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><i></i></div>
  <dl class="gs-facts">{_FACTS}</dl>
  <p class="gs-waiting" role="status" hidden></p>
  <div class="gs-error" role="alert" hidden><p></p>
    <details><summary data-t="details"></summary><pre></pre></details></div>
  <details class="gs-settings"><summary data-t="settings"></summary><dl></dl></details>
</section>
"""
CSS = (HERE / "status.css").read_text(encoding="utf-8")
JS = (HERE / "status.js").read_text(encoding="utf-8")


def status(**options: Any) -> gr.HTML:
    """The component. It fires `moved` when the page shows another run, or the shown run is in another state.

    Setting its value, a run id, from Python makes the page show that run.
    """
    return gr.HTML(value="", html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
