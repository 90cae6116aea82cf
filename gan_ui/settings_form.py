"""The settings as widgets: one for each line of `gan_core.fields.FIELDS`, and the way back to a Config."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr

from gan_core import data
from gan_core.config import Config, check_field, make_config, preset_config, to_json
from gan_core.fields import FIELDS, Field
from gan_core.presets import DEFAULT_PRESET, PRESETS
from gan_core.sentences import Language, UserError
from gan_ui.components.preset_cards import preset_cards
from gan_ui.localised import Localised, Words

FIRST = ("preset", "dataset")  # all that a newcomer needs to see before Start
OTHERS = ("seconds", *(field.name for field in FIELDS if not field.folded and field.name not in FIRST))


class SettingsForm:
    """One widget a setting. `first`, `others` and `folded` build theirs where they are called, in that order."""

    def __init__(self, localised: Localised) -> None:
        self._localised = localised
        self._widgets: dict[str, Any] = {}

    def first(self) -> None:
        """The few settings above the Start button."""
        self._build([field for field in FIELDS if field.name in FIRST])

    def others(self) -> None:
        """The other settings worth a look."""
        self._build([field for field in FIELDS if field.name in OTHERS])

    def folded(self) -> None:
        """The rest."""
        self._build([field for field in FIELDS if field.name not in (*FIRST, *OTHERS)])

    def _build(self, fields: list[Field]) -> None:
        self._widgets |= {field.name: self._widget(field) for field in fields}

    @property
    def widgets(self) -> list[Any]:
        """All widgets, in the order of FIELDS."""
        return [self._widgets[field.name] for field in FIELDS]

    def _widget(self, field: Field) -> Any:
        default = shown_value(to_json(preset_config(DEFAULT_PRESET))[field.name])
        component: Any
        words = in_words(field)
        if field.name == "preset":
            return preset_cards(value=default, elem_id="setting-preset")
        if field.name == "dataset":
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
        return [gr.validate(True, ""), *check_values(FIELDS, values, language)]

    def config(self, *values: Any) -> Config:
        """The Config that the widgets' values say. Raises UserError."""
        named = dict(zip((field.name for field in FIELDS), values, strict=True))
        return make_config(named.pop("preset"), named)


def in_words(field: Field) -> dict[str, Words]:
    """A field's label and help, for `Localised.add`."""
    return {
        "label": lambda language: f"{field.label[language == 'zh']} ({field.name})",
        "info": lambda language: field.help[language == "zh"],
    }


def check_values(fields: Iterable[Field], values: Iterable[Any], language: Language) -> list[Any]:
    """For each field's value, whether it can be used and if not, why: what a `validator` returns."""
    checks = []
    for field, value in zip(fields, values, strict=True):
        try:
            check_field(field.name, value)
            checks.append(gr.validate(True, ""))
        except UserError as error:
            checks.append(gr.validate(False, error.say(language)))
    return checks


def preset_values(name: str) -> list[Any]:
    """What choosing a preset writes into the form: a value for every widget but the preset's own.

    Nothing for what is no preset: only a program can ask for that.
    """
    if not is_preset(name):
        return [gr.skip()] * (len(FIELDS) - 1)
    return form_values(preset_config(name))[1:]


def is_preset(name: Any) -> bool:
    """Whether there is a preset of that name, whatever a request brings as one."""
    return isinstance(name, str) and name in PRESETS


def form_values(config: Config) -> list[Any]:
    """A Config as the widgets' values; where its preset is gone, its settings stand under the default one's name."""
    values = to_json(config)
    if config.preset not in PRESETS:
        values["preset"] = DEFAULT_PRESET
    return [shown_value(values[field.name]) for field in FIELDS]


def shown_value(value: Any) -> str:
    """A setting as people write it."""
    if isinstance(value, list):
        return ", ".join(map(shown_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
