"""GAN Live: watch a GAN learn in the browser, and steer what it learned. `python app.py --help` lists the flags.

`from app import demo` is the page.
"""

from __future__ import annotations

import sys
from typing import Any

from gan_ui.__main__ import main
from gan_ui.serve import Serving


def __getattr__(name: str) -> Any:
    """Make `demo` when somebody asks for it: importing this file should start no trainer process."""
    if name != "demo":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gan_core.runs import default_runs_dir

    globals()["demo"] = Serving(default_runs_dir()).page
    return globals()["demo"]


if __name__ == "__main__":
    sys.exit(main())
