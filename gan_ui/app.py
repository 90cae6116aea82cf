"""The page as a whole: header, tabs, language, and the launch settings that belong to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.middleware import Middleware

from gan_core.runner import Runner
from gan_ui.api import endpoints
from gan_ui.caps import watch
from gan_ui.components.classroom import classroom
from gan_ui.components.kept import kept
from gan_ui.components.timeline import timeline
from gan_ui.door import Door
from gan_ui.event_bodies import Checked
from gan_ui.explore import compare_tab, explore_tab
from gan_ui.film_routes import Films, film_routes
from gan_ui.jobs import Jobs, job_routes
from gan_ui.live import LivePages, live_routes
from gan_ui.localised import Localised
from gan_ui.memory import Bounded
from gan_ui.same_site import Names
from gan_ui.sample_routes import routes
from gan_ui.sampling import SampleServer
from gan_ui.search_routes import Searches, search_routes
from gan_ui.share import share_tab
from gan_ui.share_routes import Share, share_routes
from gan_ui.strings import STRINGS
from gan_ui.timeline_routes import timeline_routes
from gan_ui.train import QUICK, train_tab
from gan_ui.who import Who

if TYPE_CHECKING:
    from gan_core.hub_keep import Keeper  # which imports torch

HERE = Path(__file__).parent
TITLE = "GAN Live · 看 GAN 学习"
STORES = ("live.js", "place.js", "subject.js", "pose_store.js")  # what every part of the page may use, in this order
UPLOAD_LIMIT = "200mb"
QUEUE_LENGTH = 200  # of events that wait, each with what it was sent


def build(runner: Runner, samples: SampleServer, who: Who, *, only_tools: bool = False) -> gr.Blocks:
    """The Blocks: everything on the page, and the endpoints (for `only_tools` see there)."""
    localised = Localised()
    if who.trains:
        watch(runner, who.caps)
    page: gr.Blocks
    with gr.Blocks(title=TITLE, fill_width=True, delete_cache=(600, 3600), analytics_enabled=False) as page:
        endpoints(
            runner, samples, who, only_tools=only_tools
        )  # first, so that they get their names before the page's own handlers
        with gr.Row(elem_classes="gl-header"):
            localised.add(gr.Markdown(min_width=200, elem_id="heading"), value="app.heading")
            language = gr.Radio(
                [("English", "en"), ("中文", "zh")],
                value="en",
                label="Language / 语言",
                show_label=False,
                container=False,
                elem_id="language",
                min_width=170,
                scale=0,
            )
        if who.space:
            with gr.Row(elem_classes="gl-space"):
                localised.add(gr.DuplicateButton(size="sm", scale=0, min_width=200), value="app.duplicate")
                if who.sign_in:
                    gr.LoginButton(size="sm", scale=0, min_width=240)
        classroom(shared=who.one_owner, lost=who.forgets(runner.runs_dir), elem_id="class")
        if who.keeps:
            kept(elem_id="kept")
        with gr.Tabs():
            with localised.add(gr.Tab(id="train"), label="app.train"):
                train_tab(page, runner, who, localised, language)
            with localised.add(gr.Tab(id="explore"), label="app.explore"):
                explore_tab()
            with localised.add(gr.Tab(id="timeline"), label="app.timeline"):
                timeline(elem_id="timeline")
            with localised.add(gr.Tab(id="compare"), label="app.compare"):
                compare_tab()
            with localised.add(gr.Tab(id="share"), label="app.share"):
                share_tab(who)
        page.load(
            lambda chosen: [chosen, *localised.updates(chosen)],
            language,
            [language, *localised.components],
            js="() => [ganLive.language]",
            api_name="page_words",
            **QUICK,
        )
        language.input(
            localised.updates,
            language,
            localised.components,
            js="chosen => [ganLive.setLanguage(chosen)]",
            api_name="page_language",
            **QUICK,
        )
    page.queue(max_size=QUEUE_LENGTH)
    return page


def launch_settings(
    runner: Runner,
    samples: SampleServer,
    jobs: Jobs,
    who: Who,
    keeper: Keeper | None = None,
    names: Names | None = None,
) -> dict[str, Any]:
    """Arguments for `Blocks.launch` that do not depend on where the app runs; `keeper` keeps the runs on the Hub.

    `names` are those the app answers to, by default only this machine's.
    """
    return {
        "theme": _theme(),
        "css": (HERE / "components" / "page.css").read_text(encoding="utf-8"),
        "head": _head(),
        "app_kwargs": {
            "routes": [
                *live_routes(LivePages(runner), who),
                *routes(samples),
                *job_routes(jobs),
                *film_routes(Films(samples, jobs)),
                *timeline_routes(runner, samples, who),
                *share_routes(Share(samples, runner.runs_dir, jobs, who), keeper),
                *search_routes(Searches(samples, jobs)),
            ],
            "middleware": [
                Middleware(Door, who=who, runs_dir=runner.runs_dir, names=names or Names()),
                Middleware(Bounded),
                Middleware(Checked),
            ],
        },
        "footer_links": ["api", "settings"],
        "max_file_size": UPLOAD_LIMIT,
        "state_session_capacity": 1000,
        "ssr_mode": False,  # its proxy would add half a second to the first picture
        "run_history": False,  # would write every event to the browser's storage
        "enable_monitoring": False,
    }


def _head() -> str:
    # "</" would end the script wherever it stands, also inside a string
    words = json.dumps(STRINGS, ensure_ascii=False).replace("</", "<\\/")
    stores = [(HERE / "components" / name).read_text(encoding="utf-8") for name in STORES]
    return f"<script>window.GAN_WORDS = {words};\n" + "\n".join(stores) + "</script>"


def _theme() -> gr.themes.Base:
    # system fonts: nothing to fetch, and Chinese looks as it does everywhere else on the reader's machine
    fonts = [
        "system-ui",
        "-apple-system",
        "Segoe UI",
        "PingFang SC",
        "Microsoft YaHei",
        "Noto Sans CJK SC",
        "Noto Sans SC",
        "sans-serif",
    ]
    theme = gr.themes.Default(primary_hue="indigo", font=fonts, font_mono=["ui-monospace", "Consolas", "monospace"])
    # Gradio's own grey for explanations is too faint to read on white
    return theme.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
    )
