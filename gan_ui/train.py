"""The Train tab: settings, buttons, the live view and the list of runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from gan_core import data
from gan_core.fields import FIELDS
from gan_core.imported_images import import_images
from gan_core.presets import PRESETS
from gan_core.runner import Runner
from gan_core.sentences import Language, UserError
from gan_ui.acting import Acting
from gan_ui.changing import Changing
from gan_ui.components.chart import chart
from gan_ui.components.doctor import doctor
from gan_ui.components.grids import grids
from gan_ui.components.quality import histogram, quality
from gan_ui.components.run_list import run_list
from gan_ui.components.status import status
from gan_ui.localised import Localised
from gan_ui.settings_form import SettingsForm, form_values, is_preset, preset_values
from gan_ui.strings import text
from gan_ui.who import Who

Whose = Callable[[gr.Request], Acting]
# Short work, answered at once, with nothing dimmed or queued while it runs; none of it is anybody's API.
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
PAUSED_WITHIN = 10.0  # seconds; a trainer that takes longer is branched from its last checkpoint
# The first input is the run on this visitor's page at the moment of the click; only the browser knows it.
OF_SHOWN_RUN = "(_, ...others) => [ganLive.view ? ganLive.view.run : '', ...others]"


def train_tab(page: gr.Blocks, runner: Runner, who: Who, localised: Localised, language: gr.Radio) -> None:
    """Build the tab inside the current Blocks."""
    form = SettingsForm(localised)
    with gr.Row(equal_height=False, elem_classes="gl-main"):
        with gr.Column(scale=2, min_width=300, elem_classes="gl-left"):
            with gr.Column(elem_classes="gl-first"):
                form.first()
                start = localised.add(gr.Button(variant="primary", elem_id="start"), value="train.start")
                start_notice = gr.Markdown(elem_id="start-notice", elem_classes="gl-notice")
            with gr.Column(elem_classes="gl-others"):
                form.others()
                with localised.add(gr.Accordion(open=False), label="train.more_settings"):
                    form.folded()
                reuse = localised.add(gr.Button(size="sm", elem_id="reuse", interactive=False), value="train.reuse")
                with localised.add(gr.Accordion(open=False), label="train.own_images"):
                    upload = localised.add(
                        gr.File(file_types=[".zip"], height=110, elem_id="own-images"), label="train.own_images_zip"
                    )
                    upload_notice = gr.Markdown(elem_classes="gl-notice", elem_id="own-images-notice")
        with gr.Column(scale=5, min_width=320, elem_classes="gl-live"):
            shown = status(elem_id="status")
            with gr.Row(elem_classes="gl-buttons"):
                pause = localised.add(gr.Button(elem_id="pause", interactive=False, min_width=90), value="train.pause")
                resume = localised.add(
                    gr.Button(elem_id="resume", interactive=False, min_width=90), value="train.resume"
                )
                stop = localised.add(
                    gr.Button(elem_id="stop", variant="stop", interactive=False, min_width=90), value="train.stop"
                )
                more_steps = localised.add(
                    gr.Textbox("1000", max_lines=1, min_width=110, elem_id="more-steps"), label="train.more_steps"
                )
                more = localised.add(gr.Button(elem_id="more", interactive=False, min_width=120), value="train.more")
            notice = gr.Markdown(elem_id="notice", elem_classes="gl-notice")
            changing = Changing(runner, who, localised)
            card = doctor(elem_id="doctor")
            chart(elem_id="chart")
            with gr.Row(equal_height=False):
                with gr.Column(min_width=320):
                    grids(elem_id="grids")
                    histogram(elem_id="histogram")
                with gr.Column(min_width=320):
                    quality(elem_id="quality")
    cards = run_list(elem_id="runs")

    # --- a new page: what its visitor may do, and the preset that its link asks for ---
    page.load(
        _opening(who),
        form.widgets[0],
        [start, upload, *form.widgets],
        js="() => [new URLSearchParams(location.search).get('preset') || '']",
        api_name="page_opening",
        **QUICK,
    )

    # --- settings ---
    preset = form.widgets[0]
    preset.input(preset_values, preset, form.widgets[1:], trigger_mode="always_last", api_name="page_preset", **QUICK)
    reuse.click(
        _reuse(runner),
        [shown, language],
        [start_notice, *form.widgets],
        js=OF_SHOWN_RUN,
        api_name="page_reuse",
        **QUICK,
    )
    upload.upload(
        _import_images(who),
        [upload, language],
        [form.widgets[1], upload_notice],
        api_name="page_upload",
        api_visibility="private",
        concurrency_limit=2,
        show_progress_on=upload_notice,
    )

    # what was wrong with an earlier file is over once something else is chosen
    for choose in (preset.input, form.widgets[1].input, start.click):
        choose(None, None, upload_notice, js="() => ''", **QUICK)

    # --- buttons ---
    def acting(request: gr.Request) -> Acting:
        return Acting(runner, who, request)

    def refreshed(request: gr.Request, run_id: str) -> list[Any]:
        return [*_buttons(acting(request), run_id), *changing.refresh(acting(request), run_id)]

    # Start goes through the queue: it may have a data set to download, and shows how far that is
    start.click(
        _start(acting, form),
        [language, *form.widgets],
        [shown, start_notice],
        api_name="page_start",
        validator=form.validate,
        api_visibility="private",
        concurrency_limit=4,
        show_progress_on=start_notice,
    )
    buttons = [pause, resume, stop, more, reuse]
    set_buttons: dict[str, Any] = {
        "fn": refreshed,
        "inputs": shown,
        "outputs": [*buttons, *changing.widgets, changing.apply],
        "js": OF_SHOWN_RUN,
        "api_name": "page_buttons",
    }
    set_buttons |= {"trigger_mode": "always_last", **QUICK}
    shown.moved(**set_buttons)
    for button, name, action, inputs in (
        (pause, "page_pause", Acting.pause, []),
        (resume, "page_resume", Acting.resume, []),
        (stop, "page_stop", Acting.stop, []),
        (more, "page_more", Acting.resume, [more_steps]),
    ):
        pressed = button.click(
            _press(acting, action), [shown, language, *inputs], notice, js=OF_SHOWN_RUN, api_name=name, **QUICK
        )
        pressed.then(js="() => ganLive.poke()", **QUICK).then(**set_buttons)

    # --- a change on the way, and the doctor's cures ---
    changing.apply.click(
        changing.change,
        [shown, language, *changing.widgets],
        changing.notice,
        validator=changing.validate,  # Gradio has them only for what goes through the queue
        js=OF_SHOWN_RUN,
        api_name="page_change",
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=4,
    ).then(js="() => ganLive.poke()", **QUICK)
    card.cure(_cure(acting), language, card, api_name="page_cure", **QUICK)

    # --- the list of runs ---
    # two cards may be pressed one right after the other
    several: dict[str, Any] = {"trigger_mode": "multiple", **QUICK}
    cards.resume(_on_card(acting, Acting.resume), language, cards, api_name="page_card_resume", **several)
    cards.remove(_on_card(acting, Acting.delete), language, cards, api_name="page_card_delete", **several)


def _opening(who: Who) -> Callable[..., list[Any]]:
    def opening(request: gr.Request, preset: str) -> list[Any]:
        person = who.person(request)
        allowed = [gr.update(interactive=person.right(action) == "yes") for action in ("start", "upload")]
        values = [preset, *preset_values(preset)] if is_preset(preset) else [gr.skip()] * len(FIELDS)
        return [*allowed, *values]

    return opening


def _start(acting: Whose, form: SettingsForm) -> Callable[..., tuple[Any, str]]:
    def start(
        request: gr.Request,
        language: Language,
        *values: Any,
        progress: gr.Progress = gr.Progress(track_tqdm=True),
    ) -> tuple[Any, str]:
        person = acting(request)
        try:
            run = person.start(form.config(*values))
        except UserError as error:
            return gr.skip(), _warning(error, language)
        waiting = person.runner.waiting_for(run)
        return run.id, text("train.queued", language).format(runs=", ".join(waiting)) if waiting else ""

    return start


def _press(acting: Whose, action: Callable[..., Any]) -> Callable[..., str]:
    """A handler for a button on the shown run; returns what to say to the visitor."""

    def press(request: gr.Request, run_id: str, language: Language, *values: Any) -> str:
        try:
            action(acting(request), run_id, *values)
        except UserError as error:
            return _warning(error, language)
        return ""

    return press


def _buttons(acting: Acting, run_id: str) -> list[Any]:
    try:
        actions = acting.allowed(acting.runner.find(run_id))
    except UserError:
        return [gr.update(interactive=False)] * 5
    return [
        *(gr.update(interactive=name in actions) for name in ("pause", "resume", "stop", "more")),
        gr.update(interactive=True),
    ]


def _sent(event: gr.EventData, name: str) -> str:
    """What a component sends with its event; "" from a program that sends nothing."""
    try:
        return str(getattr(event, name))
    except (AttributeError, TypeError):
        return ""


def _cure(acting: Whose) -> Callable[..., dict[str, str]]:
    """A handler for the doctor's buttons: the settings come from the run itself, not from the visitor's page."""

    def cure(request: gr.Request, language: Language, event: gr.EventData) -> dict[str, str]:
        run_id, kind, person = _sent(event, "run"), _sent(event, "kind"), acting(request)
        try:
            settings, step = _remedy(person.runner, run_id, kind)
            person.person.check("branch")  # before anything is paused
            _pause(person, run_id)
            return {"run": person.branch(run_id, settings, step).id, "message": ""}
        except UserError as error:
            return {"run": "", "message": error.say(language)}

    return cure


def _remedy(runner: Runner, run_id: str, kind: str) -> tuple[dict[str, Any], int | None]:
    """The settings that cure a run of an alert, or of a preset that fails on purpose, and the step to branch from."""
    run = runner.find(run_id)
    if kind == "preset":
        known = PRESETS.get(run.config().preset)
        return (dict(known.cure), known.cure_step) if known else ({}, None)
    # the newest first: the alert may be over since the button was drawn
    alerts = (alert for row in reversed(run.metrics()[0]) for alert in row.get("alerts") or [])
    return next((dict(alert["cure"]) for alert in alerts if alert.get("kind") == kind), {}), None


def _pause(acting: Acting, run_id: str) -> None:
    """Pause a run that trains and wait until it is saved: its branch goes on from there, and need not wait for its end.

    Somebody else's run trains on, and is branched from its last checkpoint.
    """
    runner, run = acting.runner, acting.runner.find(run_id)
    if runner.state(run).status != "running" or not acting.may("pause", run):
        return
    acting.pause(run_id)
    deadline = time.monotonic() + PAUSED_WITHIN
    while runner.state(run).status == "running" and time.monotonic() < deadline:
        time.sleep(0.05)


def _reuse(runner: Runner) -> Callable[..., list[Any]]:
    def reuse(run_id: str, language: Language) -> list[Any]:
        try:
            values = form_values(runner.find(run_id).config())
            dataset = [field.name for field in FIELDS].index("dataset")
            values[dataset] = gr.update(choices=data.names(), value=values[dataset])  # imported since the page opened
            return [text("train.reused", language), *values]
        except UserError as error:
            return [_warning(error, language), *[gr.skip()] * len(FIELDS)]

    return reuse


def _on_card(acting: Whose, action: Callable[[Acting, str], Any]) -> Callable[..., dict[str, str]]:
    def act(request: gr.Request, language: Language, event: gr.EventData) -> dict[str, str]:
        run_id = _sent(event, "run")
        try:
            action(acting(request), run_id)
        except UserError as error:
            return {"run": run_id, "message": error.say(language)}
        return {"run": run_id, "message": ""}

    return act


def _import_images(who: Who) -> Callable[..., tuple[Any, str]]:
    def take(
        request: gr.Request,
        path: str | None,
        language: Language,
        progress: gr.Progress = gr.Progress(track_tqdm=True),
    ) -> tuple[Any, str]:
        if path is None:
            return gr.skip(), ""
        try:
            who.person(request).check("upload")
            report = import_images(Path(path))
        except UserError as error:
            return gr.skip(), _warning(error, language)
        said = text("train.imported", language).format(count=report.count, name=report.name)
        if report.broken_count:
            names = ", ".join(report.broken)
            said += " " + text("train.skipped", language).format(count=report.broken_count, names=names)
        return gr.update(choices=data.names(), value=report.name), said

    return take


def _warning(error: UserError, language: Language) -> str:
    return "⚠️ " + error.say(language)
