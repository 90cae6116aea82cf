"""Gradio components whose words follow the visitor's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component

from gan_core.sentences import Language
from gan_ui.strings import text

Words = str | Callable[[Language], Any]  # a key of STRINGS, or what to show in a language


class Localised:
    """Remembers which property of which component shows which words, and makes the updates for a language."""

    def __init__(self) -> None:
        self._entries: list[tuple[Any, dict[str, Words]]] = []

    def add(self, component: Any, **words: Words) -> Any:
        """Register a component; `words` are properties such as label, info, value or choices. Returns the component."""
        self._entries.append((component, words))
        for name, word in words.items():
            setattr(component, name, _say(word, "en"))
        return component

    @property
    def components(self) -> list[Component]:
        """The registered components, in the order of `updates`."""
        return [component for component, _ in self._entries]

    def updates(self, language: Language) -> list[Any]:
        """One update for each of `components`."""
        return [gr.update(**{name: _say(word, language) for name, word in words.items()}) for _, words in self._entries]


def _say(word: Words, language: Language) -> Any:
    return text(word, language) if isinstance(word, str) else word(language)
