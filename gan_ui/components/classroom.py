"""What a class needs, above the tabs: who one is here, follow the owner, and a link to a lesson."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

_PARTS = "".join(
    f'<label><input type="checkbox" value="{name}" checked><span data-t="link_{name}"></span></label>'
    for name in ("preset", "run", "tab", "lang")
)

# The words are put in by classroom.js: data-t holds the text of a node.
HTML = f"""
<section class="ga">
  <p class="ga-notice ga-refused" data-t="refused" role="alert" hidden></p>
  <p class="ga-notice ga-lost" data-t="lost" hidden></p>
  <p class="ga-role" hidden></p>
  <button type="button" class="ga-follow" hidden></button>
  <details class="ga-menu"><summary data-t="title"></summary>
    <div class="ga-box">
      <label class="ga-lead"><input type="checkbox"><span data-t="lead"></span></label>
      <strong data-t="link"></strong>
      <small data-t="about_link"></small>
      <div class="ga-parts">{_PARTS}
        <label><input type="checkbox" value="lock"><span data-t="link_lock"></span></label></div>
      <div class="ga-copy"><input class="ga-url" readonly data-label="link"><button type="button" data-t="copy"></button></div>
      <small class="ga-copied" role="status"></small>
    </div></details>
</section>
"""
CSS = (HERE / "classroom.css").read_text(encoding="utf-8")
JS = (HERE / "classroom.js").read_text(encoding="utf-8")


def classroom(*, shared: bool, lost: bool, **options: Any) -> gr.HTML:
    """The component. `shared`: not everybody is the owner here. `lost`: the runs are gone after a restart."""
    return gr.HTML(
        html_template=HTML,
        css_template=CSS,
        js_on_load=JS,
        apply_default_css=False,
        shared=shared,
        lost=lost,
        **options,
    )
