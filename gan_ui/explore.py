"""The Sample tab."""

from __future__ import annotations

import gradio as gr

from gan_ui.components.latent_bank import latent_bank


def explore_tab() -> gr.HTML:
    """Fills the tab: one component that does everything in the browser, and no event."""
    return latent_bank(elem_id="explore")
