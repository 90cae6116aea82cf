"""Is it copying? The training digits nearest to what G draws now, and how near that is for digits."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gan_ui.components.jobs import JOB_HTML
from gan_ui.components.latent_parts import part

NEAREST = 5  # the COUNT of gan_core/neighbours.py, which would bring torch
_NEAR = "".join(
    '<li><canvas width="28" height="28"></canvas><span class="ly-bar"><i></i></span><span class="ly-far"></span></li>'
    for _ in range(NEAREST)
)
_KINDS = "".join(
    f'<section class="ly-kind" data-kind="{kind}"><h5><span data-t="{kind}"></span> <small data-t="about_{kind}"></small></h5>'
    f'<ol class="ly-near">{_NEAR}</ol></section>'
    for kind in ("features", "pixels")
)

# The words are put in by latent_part.js.
BODY = f"""
<p class="lb-help" data-t="help"></p>
<div class="lc-row"><button type="button" class="lb-button lb-main-one ly-look" data-t="look"></button>{JOB_HTML}</div>
<div class="ly-found" hidden>
  <p class="ly-verdict" role="status"></p>
  <div class="ly-rows"><figure class="ly-fake"><canvas width="28" height="28" role="img" data-label="fake"></canvas>
    <figcaption data-t="fake"></figcaption></figure>
    <div class="ly-kinds">{_KINDS}</div></div>
  <p class="lb-help" data-t="scale"></p>
</div>
"""


def latent_copying(**options: Any) -> gr.HTML:
    """The card. It follows the page's pose and asks a route of gan_ui/search_routes.py; `options` go to gr.HTML."""
    return part("latent_copying", BODY, ("latent_copying.js",), job=True, **options)
