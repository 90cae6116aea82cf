"""Draw a digit, or bring a picture of one, and find it in G."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gan_ui.components.jobs import JOB_HTML
from gan_ui.components.latent_parts import part

_SHOWN = "".join(
    f'<figure><canvas class="lq-{name}" width="28" height="28" role="img" data-label="{name}"></canvas>'
    f'<figcaption data-t="{name}"></figcaption></figure>'
    for name in ("target", "found", "difference")
)

# The words are put in by latent_part.js.
BODY = f"""
<p class="lb-help" data-t="help"></p>
<div class="lq-body">
  <canvas class="lq-pad" width="280" height="280" role="img" data-label="pad"></canvas>
  <div class="lq-side">
    <div class="lc-row"><button type="button" class="lb-button lq-pen" data-t="pen" data-tool="pen"></button>
      <button type="button" class="lb-button lq-eraser" data-t="eraser" data-tool="eraser"></button>
      <button type="button" class="lb-button lq-clear" data-t="clear"></button></div>
    <div class="lc-row"><button type="button" class="lb-button lb-main-one lq-go" data-t="go"></button>
      <label class="lb-button lq-upload" tabindex="-1"><span data-t="upload"></span>
        <input class="lq-file" type="file" accept="image/png,image/jpeg,image/webp"></label></div>
    {JOB_HTML}
    <p class="lc-said lq-said" role="status" hidden></p>
  </div>
</div>
<div class="lq-shown" hidden>{_SHOWN}</div>
<p class="lc-said lq-residual" role="status" hidden></p>
<p class="lb-help" data-t="about"></p>
"""


def latent_projection(**options: Any) -> gr.HTML:
    """The card. It asks a route of gan_ui/search_routes.py and moves the page's pose; `options` go to gr.HTML."""
    return part("latent_projection", BODY, ("latent_pad.js", "latent_projection.js"), job=True, **options)
