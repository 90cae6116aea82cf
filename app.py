"""GAN Live: watch a GAN learn in the browser, and steer what it learned. `python app.py --help` lists the flags.

`gradio app.py` serves it, too, and shows every change to gan_ui without a restart. `from app import demo` is the page.
"""

from __future__ import annotations

import sys
from typing import Any

import gradio as gr

if not gr.NO_RELOAD:  # gradio runs this file again, without our modules: the engine stays, and with it what it trains
    sys.modules.update(globals()["engine"])

from gan_ui.__main__ import main
from gan_ui.serve import Serving


def __getattr__(name: str) -> Any:
    """Make `demo` when somebody asks for it: importing this file should start no trainer process."""
    if name != "demo":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gan_core.runs import default_runs_dir

    globals()["demo"] = Serving(default_runs_dir()).page
    return globals()["demo"]


def _remember(made: Serving) -> None:
    """Keep, in the names of this file, what `gradio app.py` needs to reload the page."""
    modules = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "gan_core"}
    globals().update(engine=modules, serving=made, demo=made.page)


if __name__ == "__main__":
    if gr.NO_RELOAD:
        sys.exit(main(made=_remember))
    demo = Serving.build(globals()["serving"])  # by the changed program, for the app that runs
