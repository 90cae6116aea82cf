"""Up to four runs over one another: digit-FID or a loss, by step or by seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
AT_MOST = 4
QUANTITIES = ("digit_fid", "d_loss", "g_loss")

_QUANTITIES = "".join(f'<option value="{name}" data-t="{name}"></option>' for name in QUANTITIES)

# The words are put in by compare.js: data-t holds the text of a node, data-label its aria-label.
HTML = f"""
<section class="gl-card gk">
  <p class="gk-about" data-t="about"></p>
  <div class="gk-runs" role="group" data-label="runs"></div>
  <div class="gk-bar">
    <label><span data-t="quantity"></span><select class="gk-quantity">{_QUANTITIES}</select></label>
    <label><span data-t="axis"></span><select class="gk-axis"><option value="seconds" data-t="by_seconds"></option>
      <option value="step" data-t="by_steps"></option></select></label>
    <label><input class="gk-log" type="checkbox" checked><span data-t="log"></span></label>
    <label><input class="gk-log gk-log-x" type="checkbox"><span data-t="log_x"></span></label>
  </div>
  <div class="gk-plot"><canvas role="img"></canvas><p class="gk-empty"></p></div>
  <table hidden><thead><tr><td></td><th scope="col" data-t="run"></th><th scope="col" class="gk-value"></th>
    <th scope="col" data-t="lowest"></th></tr></thead><tbody></tbody></table>
</section>
"""
CSS = (HERE / "compare.css").read_text(encoding="utf-8")
JS = "\n".join((HERE / name).read_text(encoding="utf-8") for name in ("chart_scale.js", "compare.js"))


def compare(**options: Any) -> gr.HTML:
    """The component. It follows the page's `ganLive` store, asks the route /compare, and has no value."""
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
