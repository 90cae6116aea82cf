"""Steering G: z as a bank of sliders, the digit it gives and the digits around it, all drawn in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

_CENTRE = 12  # of the 5 x 5 tiles
_TILES = "".join(
    f'<button type="button" class="lb-tile" tabindex="{0 if index == _CENTRE else -1}">'
    '<canvas width="28" height="28"></canvas></button>'
    for index in range(25)
)

_CLASSES = "".join(
    f'<button type="button" class="lb-tile lb-class" data-digit="{digit}"><canvas width="28" height="28"></canvas></button>'
    for digit in range(10)
)

# The words are put in by latent_bank.js: data-t holds the text of a node, data-label its aria-label, data-title its title.
HTML = f"""
<div class="gl-card lb lc lb-waiting">
  <p class="lb-none" data-t="empty"></p>
  <div class="lb-body">
    <div class="lb-pick">
      <label class="lb-wide"><span data-t="run"></span><select class="lb-run"></select></label>
      <label class="lb-wide"><span data-t="snapshot"></span><select class="lb-snapshot" data-title="about_live"></select></label>
    </div>
    <div class="lb-classes" role="group" data-label="classes" hidden>
      <span data-t="classes"></span>{_CLASSES}
      <button type="button" class="lb-button" data-digit="" data-t="in_turn" data-title="about_in_turn"></button>
      <div class="lb-blend"><label class="lb-with"><span data-t="blend"></span><select class="lb-to"></select></label>
        <label class="lb-knob"><span data-t="share"></span>
          <input class="lb-share" type="range" min="0" max="1" step="0.01" value="0"><output class="lb-share-value"></output></label></div></div>
    <figure class="lb-main">
      <figcaption data-t="digit"></figcaption>
      <canvas class="lb-digit lb-picture" width="28" height="28" role="img" data-label="digit"></canvas>
      <div class="lb-facts"><span class="lb-step"></span><span class="lb-norm" data-title="about_norm"></span>
        <button type="button" class="lb-png" data-t="png"></button></div>
      <p class="lb-trouble" role="status" hidden></p>
    </figure>
    <figure class="lb-around">
      <figcaption data-t="near"></figcaption>
      <div class="lb-near lb-picture" role="group" data-label="near">{_TILES}</div>
      <label class="lb-knob" data-title="about_radius"><span data-t="radius"></span>
        <input class="lb-radius" type="range" min="0" step="0.1"><output class="lb-radius-value"></output></label>
    </figure>
    <div class="lb-bank">
      <div class="lb-bank-head"><div class="lb-views" role="group" data-label="views">
          <button type="button" class="lb-button lb-view" data-view="directions" data-t="directions" data-title="about_directions"></button>
          <button type="button" class="lb-button lb-view" data-view="dimensions" data-t="dimensions" data-title="about_dimensions"></button></div>
        <span class="lb-for-dimensions"><output class="lb-value"></output>
          <button type="button" class="lb-lock"></button></span>
        <label class="lb-zooms lb-for-dimensions" data-title="about_zoom"><span data-t="show"></span><select class="lb-zoom"></select></label>
        <span class="ld-facts"><span class="ld-found"></span> <button type="button" class="lb-png ld-again" data-t="again" data-title="about_again" hidden></button></span></div>
      <div class="ld-rows" role="group" data-label="directions"></div>
      <div class="lb-bars lb-for-dimensions" role="group" data-label="bank"></div>
      <div class="lb-pages lb-for-dimensions"><button type="button" class="lb-button lb-previous" data-label="previous">‹</button>
        <span class="lb-page"></span><button type="button" class="lb-button lb-next" data-label="next">›</button></div>
      <p class="lb-help lb-for-dimensions"><span data-t="bank_help"></span> <span class="lb-keys" data-t="bank_keys"></span></p>
      <p class="lb-help ld-help"><span data-t="directions_help"></span></p>
    </div>
    <div class="lb-knobs">
      <div class="lb-draw">
        <label class="lb-wide" data-title="about_seed"><span data-t="seed"></span>
          <input class="lb-seed" type="number" min="0" max="2147483647" step="1" value="0"></label>
        <button type="button" class="lb-button lb-main-one lb-randomise" data-t="randomise" data-title="about_randomise"></button>
        <button type="button" class="lb-button lb-reset" data-t="reset" data-title="about_reset"></button>
        <button type="button" class="lb-button lb-undo" data-label="undo" data-title="undo">↶</button>
        <button type="button" class="lb-button lb-redo" data-label="redo" data-title="redo">↷</button>
      </div>
      <label class="lb-knob" data-title="about_psi"><span data-t="psi"></span>
        <input class="lb-psi" type="range" min="0" max="1.5" step="0.01" value="1"><output class="lb-psi-value"></output></label>
      <p class="lb-help"><span data-t="about_psi"></span> <span class="lb-keys" data-t="keys"></span></p>
      <details class="lp"><summary data-t="pose_text"></summary>
        <p class="lb-help" data-t="about_pose_text"></p>
        <div class="lp-row"><input class="lp-text" type="text" data-label="pose_text" spellcheck="false" autocomplete="off">
          <button type="button" class="lb-button lp-copy" data-t="copy"></button>
          <button type="button" class="lb-button lp-link" data-t="copy_link"></button>
          <button type="button" class="lb-button lp-go" data-t="take"></button></div>
        <p class="lp-said" role="status" hidden></p></details>
    </div>
  </div>
</div>
"""

_SCRIPTS = (
    "latent_requests.js",
    "latent_picture.js",
    "latent_bars.js",
    "latent_directions.js",
    "latent_pose_text.js",
    "latent_bank.js",
)


def _joined(*names: str) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


CSS = _joined("latent_controls.css", "latent_bank.css", "latent_directions.css")
JS = _joined(*_SCRIPTS)


def latent_bank(**options: Any) -> gr.HTML:
    """The component. It follows the page's `ganLive` store (live.js), asks the routes of gan_ui/sample_routes.py, and has
    no value; `options` go to gr.HTML."""
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
