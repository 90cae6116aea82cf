from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from gan_core.fields import FIELDS
from gan_core.presets import PRESETS
from gan_ui.settings_form import preset_values


def test_a_preset_writes_a_value_for_every_other_setting() -> None:
    for name in PRESETS:
        values = preset_values(name)
        assert len(values) == len(FIELDS) - 1
        assert all(isinstance(value, str) for value in values)


@pytest.mark.parametrize("name", ["no such preset", "", None, 5, ["minute"], {"a": 1}])
def test_what_is_no_preset_changes_nothing(name: Any) -> None:
    assert preset_values(name) == [gr.skip()] * (len(FIELDS) - 1)
