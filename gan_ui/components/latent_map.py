"""A map of what G draws: a plane through z as a mosaic of fakes, to be zoomed and to be dragged over."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gan_ui.components.latent_parts import part

# The words are put in by latent_part.js.
BODY = """
<p class="lc-said lm-waits" data-t="waits"></p>
<div class="lm-body" hidden>
  <div class="lc-row">
    <label class="lb-wide"><span data-t="right"></span><select class="lm-right"></select></label>
    <label class="lb-wide"><span data-t="down"></span><select class="lm-down"></select></label>
  </div>
  <div class="lm-map" tabindex="0" role="group" data-label="map" aria-describedby="lm-help">
    <canvas class="lm-tiles" width="448" height="448"></canvas><i class="lm-marker" aria-hidden="true"></i></div>
  <div class="lc-row lm-row">
    <canvas class="lm-digit" width="28" height="28" role="img" data-label="digit"></canvas>
    <output class="lm-at"></output>
    <div class="lm-buttons"><button type="button" class="lb-button lm-out" data-label="out" data-title="out">−</button>
      <button type="button" class="lb-button lm-in" data-label="in" data-title="in">+</button>
      <button type="button" class="lb-button lm-centre" data-t="centre" data-title="about_centre"></button></div>
  </div>
  <p class="lb-help" id="lm-help" data-t="help"></p>
  <p class="lc-said lm-trouble" role="status" hidden></p>
</div>
"""


def latent_map(**options: Any) -> gr.HTML:
    """The card. It follows the page's pose, and asks the routes of gan_ui/sample_routes.py; `options` go to gr.HTML."""
    return part("latent_map", BODY, ("latent_plane.js", "latent_map.js"), **options)
