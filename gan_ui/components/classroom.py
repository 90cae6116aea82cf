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
<section class="gc">
  <p class="gc-notice gc-refused" data-t="refused" role="alert" hidden></p>
  <p class="gc-notice gc-lost" data-t="lost" hidden></p>
  <p class="gc-role" hidden></p>
  <button type="button" class="gc-follow" hidden></button>
  <details class="gc-menu"><summary data-t="title"></summary>
    <div class="gc-box">
      <label class="gc-lead"><input type="checkbox"><span data-t="lead"></span></label>
      <strong data-t="link"></strong>
      <small data-t="about_link"></small>
      <div class="gc-parts">{_PARTS}
        <label><input type="checkbox" value="lock"><span data-t="link_lock"></span></label></div>
      <div class="gc-copy"><input class="gc-url" readonly data-label="link"><button type="button" data-t="copy"></button></div>
      <small class="gc-copied" role="status"></small>
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
