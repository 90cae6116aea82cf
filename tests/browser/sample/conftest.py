"""The Sample tab in Chromium: the real component and the real routes, on run folders made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gan_core import saved
from gan_core.config import make_config
from gan_core.networks import build_pair
from gan_core.runs import create_run
from gan_ui.sample_routes import routes
from gan_ui.sampling import SampleServer
from tests.browser.bare import STORE
from tests.browser.sample.bank import DIMS, Bank
from tests.lively import lively


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, z_dim in DIMS.items():
        run = create_run(folder / name, make_config("tutorial", {"z_dim": z_dim}), "", 0)
        for step in (500, 1000) if name != "young" else ():
            saved.save_snapshot(run, step, lively(step, z_dim), b"")
    best = create_run(folder / "best", make_config("tutorial", {"z_dim": 16}), "", 0)
    config = make_config("minute", {"network": "conditional", "z_dim": 16})
    conditional = create_run(folder / "conditional", config, "", 0)
    for step in (500, 1000):
        saved.save_snapshot(best, step, lively(step, 16), b"")
        saved.save_snapshot(conditional, step, build_pair(config)[0], b"")
    return folder


@pytest.fixture(scope="module")
def server(runs_dir: Path) -> SampleServer:
    return SampleServer(runs_dir)


@pytest.fixture(scope="module")
def address(server: SampleServer, chromium: Any) -> Iterator[str]:
    import gradio as gr

    from gan_ui.components.latent_bank import latent_bank

    with gr.Blocks(fill_width=True) as demo, gr.Tabs():
        with gr.Tab("Other"):
            gr.Markdown("nothing")
        with gr.Tab("Sample"):
            latent_bank(elem_id="explore")
    _, url, _ = demo.launch(
        prevent_thread_lock=True,
        quiet=True,
        run_history=False,
        ssr_mode=False,
        head=f"<script>{STORE}</script>",
        app_kwargs={"routes": routes(server)},
    )
    yield url
    demo.close(verbose=False)


@pytest.fixture
def open_bank(new_page: Callable[..., Any], address: str) -> Callable[..., Bank]:
    """Opens a page."""

    def opened(
        run: str = "first", *, width: int = 1280, shown: bool = True, query: str = "view=dimensions", **changes: Any
    ) -> Bank:
        # the browser itself reports a refusal as an error; what the page makes of it is tested
        bank = Bank(new_page(width, 860, forgiven=("Failed to load resource",)), address, query)
        bank.view(run, **changes)
        if shown:
            bank.open()
            bank.settle()
        return bank

    return opened
