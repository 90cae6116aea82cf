"""Changing settings while a training runs: the fold on the Train tab, and what its button does."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gan_core.changes import Changes
from gan_core.config import check_field, to_json
from gan_core.fields import FIELDS
from gan_core.runner import Runner
from gan_core.runs import Run
from gan_core.sentences import Language, UserError
from gan_ui.acting import Acting
from gan_ui.localised import Localised
from gan_ui.settings_form import check_values, in_words, shown_value
from gan_ui.strings import text
from gan_ui.who import Who

LIVE = tuple(field for field in FIELDS if field.live)


class Changing:
    """The widgets, built where it is made, and handlers that take the shown run's id and the visitor's language."""

    def __init__(self, runner: Runner, who: Who, localised: Localised) -> None:
        self._runner = runner
        self._who = who
        with localised.add(gr.Accordion(open=False, elem_id="changing"), label="change.title"):
            localised.add(gr.Markdown(elem_classes="gl-about"), value="change.about")
            with gr.Row(equal_height=False):
                self.widgets = [
                    localised.add(
                        gr.Textbox(max_lines=1, min_width=230, interactive=False, elem_id=f"live-{field.name}"),
                        **in_words(field),
                    )
                    for field in LIVE
                ]
            self.apply = localised.add(gr.Button(size="sm", interactive=False, elem_id="apply"), value="change.apply")
            self.notice = gr.Markdown(elem_id="change-notice", elem_classes="gl-notice")

    def refresh(self, acting: Acting, run_id: str) -> list[Any]:
        """Updates for `widgets` and `apply`: the settings as they are, to be changed only while it trains."""
        try:
            run = self._runner.find(run_id)
            now, running = settings_now(run), self._runner.state(run).status == "running"
            running = running and acting.may("change", run)
        except UserError:
            return [gr.update(interactive=False)] * (len(LIVE) + 1)
        values = [gr.update(value=shown_value(now[field.name]), interactive=running) for field in LIVE]
        return [*values, gr.update(interactive=running)]

    def validate(self, _run_id: str, language: Language, *values: Any) -> list[Any]:
        """For each input of `change`, whether it can be used and if not, why."""
        return [gr.validate(True, ""), gr.validate(True, ""), *check_values(LIVE, values, language)]

    def change(self, request: gr.Request, run_id: str, language: Language, *values: Any) -> str:
        """Ask the training for the values that differ from its own; returns what to say."""
        try:
            now = settings_now(self._runner.find(run_id))
            asked = {field.name: check_field(field.name, value) for field, value in zip(LIVE, values, strict=True)}
            fresh = {name: value for name, value in asked.items() if value != now[name]}
            if not fresh:
                return text("change.nothing", language)
            Acting(self._runner, self._who, request).change(run_id, fresh)
        except UserError as error:
            return "⚠️ " + error.say(language)
        said = ", ".join(f"{name} {shown_value(now[name])} → {shown_value(value)}" for name, value in fresh.items())
        return text("change.applied", language).format(changes=said)


def settings_now(run: Run) -> dict[str, Any]:
    """A run's settings with all that was changed since it began, or asked for just now."""
    return {**to_json(Changes(run).until(run.state().step, run.config())), **run.wanted_settings()}
