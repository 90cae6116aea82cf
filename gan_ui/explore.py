"""The Sample tab and the Compare tab: components that do everything in the browser, and no event."""

from __future__ import annotations

import gradio as gr

from gan_ui.components.compare import compare
from gan_ui.components.latent_bank import latent_bank
from gan_ui.components.latent_copying import latent_copying
from gan_ui.components.latent_map import latent_map
from gan_ui.components.latent_projection import latent_projection
from gan_ui.components.latent_walk import latent_walk


def explore_tab() -> None:
    """Fills the Sample tab: the bank, and below it what else there is to do with its pose."""
    latent_bank(elem_id="explore")
    with gr.Row():
        with gr.Column(min_width=320):
            latent_map(elem_id="map")
            latent_copying(elem_id="copying")
        with gr.Column(min_width=320):
            latent_walk(elem_id="walk")
            latent_projection(elem_id="projection")


def compare_tab() -> gr.HTML:
    """Fills the Compare tab."""
    return compare(elem_id="compare")
