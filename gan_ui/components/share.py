"""The Share tab: a run as a web page, to the Hub and from it, and the app as a Space; each says first what it will do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from gan_ui.components.jobs import JOB_CSS, JOB_HTML, JOB_JS

HERE = Path(__file__).parent
HARDWARE = ("", "zero-a10g", "cpu-basic", "cpu-upgrade", "t4-small")  # "" is what the account may use for free

_REPO = (
    '<label><span data-t="{word}"></span><input name="repo" placeholder="{example}" maxlength="150" required '
    'autocomplete="off" autocapitalize="none" spellcheck="false"></label>'
)
_PRIVATE = '<label class="sh-check"><input name="private" type="checkbox"><span data-t="private"></span></label>'
_HARDWARE = "".join(f'<option value="{name}">{name}</option>' for name in HARDWARE)
_DONE = '<p class="sh-done" role="status" hidden><span></span> <a target="_blank" rel="noopener"></a></p>'


def _card(name: str, fields: str, buttons: str) -> str:
    return f"""
  <form class="gl-card sh-card" data-card="{name}" novalidate>
    <h3 data-t="{name}"></h3><p class="sh-about" data-t="about_{name}"></p>
    <div class="sh-fields">{fields}</div>
    <p class="sh-will"></p>
    <div class="sh-buttons">{buttons}</div>
    {JOB_HTML}{_DONE}
  </form>"""


_REPLAY = """<label><span data-t="form"></span><select name="kind"><option value="html" data-t="form_html"></option>
  <option value="zip" data-t="form_zip"></option></select></label>"""
_TAG = '<label><span data-t="tag"></span><input name="tag" maxlength="50" placeholder="v1" autocomplete="off" spellcheck="false"></label>'
_WITH_RUN = '<label class="sh-check"><input name="with_run" type="checkbox"><span data-t="with_run"></span></label>'

# The words are put in by share.js: data-t holds the text of a node, data-label its aria-label.
HTML = f"""
<section class="sh">
  <div class="sh-top"><label><span data-t="run"></span><select class="sh-run"></select></label>
    <p class="sh-who"></p></div>
  <div class="sh-cards">
  {_card("replay", _REPLAY, '<button data-t="do_replay"></button>')}
  {
    _card(
        "push", _REPO.format(word="repo", example="USER/NAME") + _TAG + _PRIVATE, '<button data-t="do_push"></button>'
    )
}
  {_card("pull", _REPO.format(word="repo_from", example="USER/NAME"), '<button data-t="do_pull"></button>')}
  {
    _card(
        "publish",
        _REPO.format(word="repo", example="USER/NAME")
        + f'<label><span data-t="hardware"></span><select name="hardware">{_HARDWARE}</select></label>{_PRIVATE}{_WITH_RUN}',
        '<button data-t="do_look"></button><button type="button" class="sh-go" data-t="do_publish" hidden></button>',
    )
}
  </div>
</section>
"""
CSS = (HERE / "share.css").read_text(encoding="utf-8") + JOB_CSS
JS = "\n".join([(HERE / "latent_requests.js").read_text("utf-8"), JOB_JS, (HERE / "share.js").read_text("utf-8")])


def share(*, space: bool, **options: Any) -> gr.HTML:
    """The component. It follows the page's `ganLive` store, asks the routes of share_routes.py, and has no value."""
    return gr.HTML(html_template=HTML, css_template=CSS, js_on_load=JS, apply_default_css=False, space=space, **options)
