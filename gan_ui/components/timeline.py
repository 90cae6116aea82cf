"""The Timeline tab: a run as it was at each of its snapshots, branches from there, its film, and a duel of two steps.

timeline.js is the slider and what moves with it, timeline_words.js says it in words, timeline_pictures.js fetches the
pictures, timeline_track.js draws the strip above the slider; timeline_branch.js, timeline_tree.js, timeline_film.js and timeline_duel.js are the cards below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from gan_core import film
from gan_ui.components.jobs import JOB_CSS, JOB_HTML, JOB_JS

HERE = Path(__file__).parent

_KINDS = "".join(f'<option value="{kind}">{kind.upper()}</option>' for kind in film.KINDS)
_SIDES = "".join(
    f'<div class="td-side" data-side="{side}"><p class="td-name"></p>'
    '<div class="td-pictures"><canvas class="td-grid" width="148" height="148" role="img"></canvas>'
    '<canvas class="td-pose" width="28" height="28" role="img"></canvas></div>'
    '<p class="td-verdict"></p><dl class="tl-numbers"></dl><p class="td-said tl-quiet" hidden></p></div>'
    for side in ("here", "there")
)

# The words are put in by timeline.js: data-t holds the text of a node, data-label its aria-label, data-title its title.
HTML = f"""
<div class="tl tl-waiting">
  <section class="gl-card tl-main">
    <div class="tl-head"><label><span data-t="run"></span><select class="tl-run"></select></label>
      <p class="tl-at"><strong class="tl-step"></strong> <span class="tl-count"></span></p></div>
    <p class="tl-said" role="alert" hidden></p>
    <p class="tl-none" role="status" hidden></p>
    <div class="tl-body">
      <div class="tl-scrub">
        <canvas class="tl-track" aria-hidden="true"></canvas>
        <input class="tl-slider" type="range" min="0" max="0" step="1" value="0" data-label="slider">
        <div class="tl-buttons">
          <button type="button" class="tl-play"></button>
          <button type="button" class="tl-back" data-label="back" data-title="back">◀</button>
          <button type="button" class="tl-on" data-label="on" data-title="on">▶</button>
          <button type="button" class="tl-best" hidden></button>
          <span class="tl-jumps" role="group" data-label="jumps"></span>
        </div>
        <p class="tl-quiet tl-keys" data-t="keys"></p>
      </div>
      <figure class="tl-fixed"><canvas class="tl-grid" width="148" height="148" role="img"></canvas>
        <figcaption data-t="fixed"></figcaption><p class="tl-no-grid tl-quiet" hidden></p></figure>
      <figure class="tl-posed"><canvas class="tl-pose" width="28" height="28" role="img"></canvas>
        <figcaption data-t="pose"></figcaption>
        <p class="tl-verdict"></p><p class="tl-no-pose tl-quiet" role="status" hidden></p>
        <div class="tl-buttons"><button type="button" class="tl-random" data-t="randomise" data-title="about_randomise"></button>
          <button type="button" class="tl-steer" data-t="steer" data-title="about_steer"></button></div></figure>
      <div class="tl-found"><h4 class="tl-measured-at"></h4><dl class="tl-numbers"></dl>
        <ul class="tl-alerts"></ul></div>
    </div>
  </section>
  <div class="tl-cards">
    <details class="gl-card tb"><summary data-t="branch"></summary>
      <p class="tb-origin" role="status"></p>
      <form class="tb-form" hidden><div class="tb-fields"></div>
        <button type="submit" class="tb-go" data-t="branch_go"></button></form>
      <p class="tl-said tb-said" role="alert" hidden></p>
      <p class="tb-done" role="status" hidden></p></details>
    <details class="gl-card tt" open><summary data-t="tree"></summary><p class="tt-none tl-quiet" data-t="no_tree" hidden></p>
      <ul class="tt-rows"></ul></details>
    <details class="gl-card tf"><summary data-t="film"></summary>
      <p class="tl-quiet" data-t="about_film"></p>
      <div class="tf-form">
        <label><span data-t="film_of"></span><select class="tf-of"><option value="grid" data-t="film_grid"></option>
          <option value="pose" data-t="film_pose"></option></select></label>
        <label><span data-t="film_kind"></span><select class="tf-kind">{_KINDS}</select></label>
        <label><span data-t="film_size"></span><input class="tf-size" type="text" inputmode="numeric" value="448"></label>
        <label><span data-t="film_seconds"></span><input class="tf-seconds" type="text" inputmode="decimal" value="8"></label>
        <button type="button" class="tf-go" data-t="film_go"></button></div>
      {JOB_HTML}</details>
    <details class="gl-card td"><summary data-t="duel"></summary>
      <p class="tl-quiet" data-t="about_duel"></p>
      <div class="td-choice"><label><span data-t="run"></span><select class="td-run"></select></label>
        <label><span data-t="duel_step"></span><select class="td-step"></select></label></div>
      <p class="tl-said td-refused" role="alert" hidden></p>
      <div class="td-sides">{_SIDES}</div></details>
  </div>
</div>
"""

_SCRIPTS = (
    "latent_requests.js",
    "latent_picture.js",
    "jobs.js",
    "player.js",
    "timeline_pictures.js",
    "timeline_track.js",
    "timeline_branch.js",
    "timeline_tree.js",
    "timeline_film.js",
    "timeline_duel.js",
    "timeline_words.js",
    "timeline.js",
)


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


CSS = _read("timeline.css") + JOB_CSS
JS = "\n".join(_read(name) if name != "jobs.js" else JOB_JS for name in _SCRIPTS)


def timeline(**options: Any) -> gr.HTML:
    """The component. It follows the page's stores, asks the routes of gan_ui/timeline_routes.py, and has no value."""
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, **options)
