"""What the cards below the slider bank are made of: a <details> that follows the page's pose, and the files they share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from gan_ui.components.jobs import JOB_CSS, JOB_JS

HERE = Path(__file__).parent
_SCRIPTS = ("latent_requests.js", "latent_picture.js", "latent_part.js")
_STYLES = ("latent_controls.css", "latent_part.css")


def joined(*names: str) -> str:
    """Files of this folder, one after the other."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


def part(name: str, body: str, scripts: tuple[str, ...], *, job: bool = False, **options: Any) -> gr.HTML:
    """A card with the class lc-`name` and the style `name`.css, whose words are those of `name` in strings.py.

    `scripts` are joined behind those that all cards share; `job` adds the strip of a job. `options` go to gr.HTML.
    """
    html = f'<details class="gl-card lc lc-part lc-{name}"><summary data-t="title"></summary>{body}</details>'
    return gr.HTML(
        html_template=html,
        css_template=joined(*_STYLES, f"{name}.css") + (JOB_CSS if job else ""),
        js_on_load=joined(*_SCRIPTS) + (JOB_JS if job else "") + "\n" + joined(*scripts),
        apply_default_css=False,
        **options,
    )
