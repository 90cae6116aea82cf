"""The live curves of a training: panels over one axis of steps or seconds, drawn in the browser.

Three files of JavaScript: chart_scale.js is the maths and the pen, chart_draw.js what is drawn where, chart.js the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
PANELS = {  # the first three can be seen from the start
    "loss": ("d_loss", "g_loss"),
    "d": ("d_real", "d_fake"),
    "fid": ("digit_fid",),
    "grad": ("grad_d", "grad_g"),
    "pr": ("precision", "recall"),
}
SHOWN = ("loss", "d", "fid")
SERIES = tuple(name for names in PANELS.values() for name in names)

_CHIPS = "".join(
    f'<button type="button" class="gc-chip" data-panel="{panel}" data-t="panel_{panel}" data-title="about_panel" '
    f'aria-pressed="{"true" if panel in SHOWN else "false"}"></button>'
    for panel in PANELS
)
_KEYS = "".join(
    f'<button type="button" class="gc-key" data-series="{name}" data-title="about_{name}" aria-pressed="true">'
    f'<span class="gc-name"><i class="gc-swatch"></i><span data-t="{name}"></span></span>'
    '<span class="gc-value" aria-hidden="true">–</span><span class="gc-raw" aria-hidden="true"></span></button>'
    for name in SERIES
)
_ROWS = "".join(
    f'<tr data-row="{name}"><th scope="row" data-t="{name}"></th><td></td><td></td><td></td></tr>' for name in SERIES
)

# The words are put in by chart.js: data-t holds the text of a node, data-label its aria-label, data-title its title.
HTML = f"""
<div class="gl-card gc gc-without">
  <div class="gc-bar">
    <div class="gc-chips" role="group" data-label="panels">{_CHIPS}</div>
    <label><span data-t="axis"></span>
      <select class="gc-axis"><option value="steps" data-t="by_steps"></option>
        <option value="seconds" data-t="by_seconds"></option></select></label>
    <label><span data-t="smoothing"></span>
      <input class="gc-window" type="range" min="0" max="9" value="6">
      <output class="gc-window-value"></output></label>
    <label><input class="gc-log" type="checkbox"><span data-t="log"></span></label>
  </div>
  <div class="gc-keys" role="group" data-label="legend">
    <div class="gc-cell"><span class="gc-name" data-t="step"></span><span class="gc-step">–</span>
      <span class="gc-readout" data-t="readout"></span></div>
    {_KEYS}
  </div>
  <div class="gc-plot">
    <canvas class="gc-base" aria-hidden="true"></canvas>
    <canvas class="gc-over" tabindex="0" role="slider" aria-valuenow="0" data-label="plot"></canvas>
    <div class="gc-empty"><span data-t="empty"></span></div>
  </div>
  <div class="gc-foot">
    <details class="gc-help"><summary data-t="help"></summary>
      <ul><li data-t="ln2"></li><li data-t="two_ln2"></li><li data-t="half"></li><li data-t="floor"></li>
        <li data-t="mark"></li></ul></details>
    <a class="gc-csv" href="#" data-t="csv"></a>
  </div>
  <table class="gc-table"><caption data-t="table"></caption>
    <tr><td></td><th scope="col" data-t="mean"></th><th scope="col" data-t="lowest"></th>
      <th scope="col" data-t="highest"></th></tr>
    {_ROWS}
  </table>
</div>
"""
CSS = (HERE / "chart.css").read_text(encoding="utf-8")
JS = "\n".join((HERE / name).read_text(encoding="utf-8") for name in ("chart_scale.js", "chart_draw.js", "chart.js"))


def chart(**options: Any) -> gr.HTML:
    """The component. It follows the page's `ganLive` store (live.js) and has no value; `options` go to gr.HTML."""
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
