"""How good the fakes are: the measured numbers beside those of real digits, and how often G draws each digit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
ROWS = ("digit_fid", "kid", "precision", "recall", "diversity", "nearest_real")

# the last one is for what cannot be read as a digit: a judge that has to name one would call a black square a 1
_BARS = "".join(
    f'<li><span class="gq-bar"><i></i><b></b></span><span class="gq-share"></span><span>{digit}</span></li>'
    for digit in [*range(10), "?"]
)
_ROWS = "".join(
    f'<tr data-row="{name}"><th scope="row"><span data-t="{name}"></span><small data-t="about_{name}"></small></th>'
    "<td></td><td></td></tr>"
    for name in ROWS
)

# The words are put in by quality.js: data-t holds the text of a node.
HTML = f"""
<section class="gl-card gq">
  <h4><span data-t="title"></span> <small class="gq-step"></small></h4>
  <p class="gq-none"></p>
  <table><thead><tr><td></td><th scope="col" data-t="fakes"></th><th scope="col" data-t="reals"></th></tr></thead>
    <tbody>{_ROWS}</tbody></table>
</section>
"""
HISTOGRAM_HTML = f"""
<section class="gl-card gq gq-digits" hidden><h4 data-t="histogram"></h4><ol class="gq-bars" role="img">{_BARS}</ol></section>
"""
CSS = (HERE / "quality.css").read_text(encoding="utf-8")
JS = (HERE / "quality.js").read_text(encoding="utf-8")
HISTOGRAM_JS = (HERE / "histogram.js").read_text(encoding="utf-8")


def histogram(**options: Any) -> gr.HTML:
    """A bar a digit and one for the rest, or a line where there is no judge. It follows the page's `ganLive` store and has no value."""
    return gr.HTML(
        html_template=HISTOGRAM_HTML, css_template=CSS, js_on_load=HISTOGRAM_JS, apply_default_css=False, **options
    )


def quality(**options: Any) -> gr.HTML:
    """The table of numbers. It follows the page's `ganLive` store and has no value."""
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
