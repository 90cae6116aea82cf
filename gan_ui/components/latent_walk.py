"""Walks: a tray of poses, the way through them played live, and as a film."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gan_core.film import KINDS, SECONDS
from gan_ui.components.jobs import JOB_HTML
from gan_ui.components.latent_parts import part

_SIZES = (112, 224, 448, 560)  # whole multiples of 28
_KINDS = "".join(f'<option value="{kind}">{kind.upper().replace("WEBP", "WebP")}</option>' for kind in KINDS)
_SIZE_OPTIONS = "".join(
    f'<option value="{size}"{" selected" * (size == 448)}>{size} × {size}</option>' for size in _SIZES
)

# The words are put in by latent_part.js.
BODY = f"""
<p class="lb-help" data-t="help"></p>
<div class="lw-tray" role="listbox" data-label="tray" aria-orientation="horizontal"></div>
<div class="lc-row">
  <button type="button" class="lb-button lb-main-one lw-add" data-t="add"></button>
  <button type="button" class="lb-button lw-random" data-t="random" data-title="about_random"></button>
  <button type="button" class="lb-button lw-earlier" data-label="earlier" data-title="earlier">←</button>
  <button type="button" class="lb-button lw-later" data-label="later" data-title="later">→</button>
  <button type="button" class="lb-button lw-remove" data-t="remove"></button>
</div>
<p class="lc-said lw-said" role="status" hidden></p>
<div class="lw-stage">
  <canvas class="lw-film" width="28" height="28" role="img" data-label="film"></canvas>
  <div class="lw-side">
    <div class="lc-row"><button type="button" class="lb-button lw-play" aria-pressed="false"></button><span class="lw-leg"></span></div>
    <label class="lb-knob"><span data-t="speed"></span>
      <input class="lw-speed" type="range" min="0.5" max="6" step="0.25" value="2"><output class="lw-speed-value"></output></label>
    <p class="lb-help" data-t="about_way"></p>
    <p class="lc-said lw-hint" hidden></p>
    <p class="lc-said lw-trouble" role="status" hidden></p>
  </div>
</div>
<details class="lw-export"><summary data-t="export"></summary>
  <div class="lc-row">
    <label class="lb-wide"><span data-t="kind"></span><select class="lw-kind">{_KINDS}</select></label>
    <label class="lb-wide"><span data-t="size"></span><select class="lw-size">{_SIZE_OPTIONS}</select></label>
    <label class="lb-wide"><span data-t="seconds"></span>
      <input class="lw-seconds" type="number" min="{SECONDS[0]:.0f}" max="{SECONDS[1]:.0f}" step="1" value="6"></label>
    <button type="button" class="lb-button lw-make" data-t="make"></button></div>
  {JOB_HTML}</details>
"""


def latent_walk(**options: Any) -> gr.HTML:
    """The card. It follows the page's pose, asks the routes of gan_ui/sample_routes.py and film_routes.py, and keeps its
    poses in the browser; `options` go to gr.HTML."""
    return part("latent_walk", BODY, ("latent_tray.js", "latent_player.js", "latent_walk.js"), job=True, **options)
