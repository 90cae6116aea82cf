"""The Share tab: one component that does everything in the browser, and no event."""

from __future__ import annotations

import gradio as gr

from gan_ui.components.share import share
from gan_ui.who import Who


def share_tab(who: Who) -> gr.HTML:
    """Fills the Share tab."""
    return share(space=bool(who.space), elem_id="share")
