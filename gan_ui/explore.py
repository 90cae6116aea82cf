"""The Sample tab and the Compare tab: one component each that does everything in the browser, and no event."""

from __future__ import annotations

import gradio as gr

from gan_ui.components.compare import compare
from gan_ui.components.latent_bank import latent_bank


def explore_tab() -> gr.HTML:
    """Fills the Sample tab."""
    return latent_bank(elem_id="explore")


def compare_tab() -> gr.HTML:
    """Fills the Compare tab."""
    return compare(elem_id="compare")
