"""The settings as widgets: one for each line of `gan_core.config.FIELDS`, and the way back to a Config."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gan_core import data
from gan_core.config import FIELDS, PRESETS, Config, Field, check_field, make_config, preset_config, to_json
from gan_core.sentences import Language, UserError
from gan_ui.localised import Localised, Words

FIRST = ("preset", "dataset", "steps")  # all that a newcomer needs to see before Start


class SettingsForm:
    """One widget a setting. `first`, `others` and `folded` build theirs where they are called, in that order."""

    def __init__(self, localised: Localised) -> None:
        self._localised = localised
        self._widgets: dict[str, Any] = {}

    def first(self) -> None:
        """The few settings above the Start button."""
        self.preset_about = self._localised.add(
            gr.Markdown(elem_classes="gl-about"),
            value=lambda language: PRESETS[Config().preset].about[language == "zh"],
        )
        self._build([field for field in FIELDS if field.name in FIRST])

    def others(self) -> None:
        """The other settings worth a look."""
        self._build([field for field in FIELDS if not field.folded and field.name not in FIRST])

    def folded(self) -> None:
        """The rest."""
        self._build([field for field in FIELDS if field.folded])

    def _build(self, fields: list[Field]) -> None:
        self._widgets |= {field.name: self._widget(field) for field in fields}

    @property
    def widgets(self) -> list[Any]:
        """All widgets, in the order of FIELDS."""
        return [self._widgets[field.name] for field in FIELDS]

    def _widget(self, field: Field) -> Any:
        default = _shown(to_json(Config())[field.name])
        component: Any
        words: dict[str, Words] = {
            "label": lambda language: f"{field.label[language == 'zh']} ({field.name})",
            "info": lambda language: field.help[language == "zh"],
        }
        if field.name == "preset":
            component = gr.Dropdown(list(PRESETS), value=default, elem_id="setting-preset")
        elif field.name == "dataset":
            component = gr.Dropdown(data.names(), value=default, elem_id="setting-dataset")
            words["choices"] = lambda _: [(name, name) for name in data.names()]  # afresh: people import their own
        elif field.kind == "choice":
            component = gr.Dropdown(list(field.choices), value=default, elem_id=f"setting-{field.name}")
        else:
            # text boxes: they take 2e-4 and 0.9, 0.999, and what cannot be read gets our sentence instead of vanishing
            component = gr.Textbox(default, max_lines=1, elem_id=f"setting-{field.name}")
        return self._localised.add(component, **words)

    def validate(self, language: Language, *values: Any) -> list[Any]:
        """For each input, the language first, whether it can be used and if not, why."""
        checks = [gr.validate(True, "")]
        for field, value in zip(FIELDS, values, strict=True):
            try:
                check_field(field.name, value)
                checks.append(gr.validate(True, ""))
            except UserError as error:
                checks.append(gr.validate(False, error.say(language)))
        return checks

    def config(self, *values: Any) -> Config:
        """The Config that the widgets' values say. Raises UserError."""
        named = dict(zip((field.name for field in FIELDS), values, strict=True))
        return make_config(named.pop("preset"), named)


def preset_values(name: str, language: Language) -> list[Any]:
    """What choosing a preset writes into the form: its sentence, then a value for every widget."""
    return [PRESETS[name].about[language == "zh"], *form_values(preset_config(name))]


def form_values(config: Config) -> list[Any]:
    """A Config as the widgets' values."""
    values = to_json(config)
    return [_shown(values[field.name]) for field in FIELDS]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
