from __future__ import annotations

import ast
import copy
import re
from pathlib import Path

import pytest

from gan_core.diagnostics import KINDS
from gan_core.fields import FIELDS
from gan_core.presets import PRESETS
from gan_core.sentences import SENTENCES, UserError
from gan_ui.strings import STRINGS

ROOT = Path(__file__).parent.parent
PAIRS = {
    **SENTENCES,
    **STRINGS,
    **{f"field {f.name} label": f.label for f in FIELDS},
    **{f"field {f.name} help": f.help for f in FIELDS},
    **{f"preset {p.name}": p.about for p in PRESETS.values()},
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SAME_IN_BOTH = re.compile(r"^[\w()., /{}·:-]*$")  # names of the field such as d_loss, z or psi


@pytest.mark.parametrize("key", PAIRS)
def test_both_languages_say_the_same(key: str) -> None:
    english, chinese = PAIRS[key]
    gaps = re.compile(r"\{(\w+)\}")
    assert sorted(set(gaps.findall(english))) == sorted(set(gaps.findall(chinese)))
    assert not CHINESE.search(english)
    assert CHINESE.search(chinese) or (english == chinese and SAME_IN_BOTH.match(english))


@pytest.mark.parametrize("key", PAIRS)
def test_chinese_has_its_own_punctuation(key: str) -> None:
    assert not re.search(r"[\u4e00-\u9fff][,;:?!]|[,;:?!][\u4e00-\u9fff]", PAIRS[key][1])


def test_every_error_raised_has_its_sentence_and_every_sentence_its_error() -> None:
    raised = set()
    for path in [*ROOT.glob("gan_core/**/*.py"), *ROOT.glob("gan_ui/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and path.name != "sentences.py":
                raised.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError" and node.args:
                key = node.args[0]
                assert not isinstance(key, ast.Constant) or key.value in SENTENCES, key
    # the page puts an alert's texts together from its kind
    raised |= {f"alert_{kind}_{text}" for kind in KINDS for text in ("title", "measured", "reading", "try")}
    assert set(SENTENCES) <= raised


def test_every_word_the_page_asks_for_exists() -> None:
    for path in [*ROOT.glob("gan_ui/components/*.js"), *ROOT.glob("gan_ui/replay/*.js")]:
        source = path.read_text("utf-8")
        for key, end in re.findall(r"ganLive\.t\('([\w.]+)'(.?)", source):
            begun = end not in ",)"  # the rest of the key is put on in JavaScript
            assert key in STRINGS or (begun and any(word.startswith(key) for word in STRINGS)), f"{path.name}: {key}"


@pytest.mark.parametrize(
    ("asked", "meant"), [("minuet", "minute"), ("lsgann", "lsgan"), ("zzz", ""), ("", ""), ("m" * 10_000, "")]
)
def test_what_is_nearly_a_choice_is_offered(asked: str, meant: str) -> None:
    error = UserError("unknown_preset", field="preset", name=asked, choices=", ".join(PRESETS))
    for language, words in (("en", " Did you mean “{}”?"), ("zh", "你是指“{}”吗？")):
        said = error.say(language)  # type: ignore[arg-type]
        assert said.endswith(words.format(meant)) if meant else words[:5] not in said
    assert "mean" not in UserError("unknown_preset", name="x", choices="").say()
    assert "mean" not in UserError("wasserstein_unbounded", field="objective").say(), "nothing was asked for by name"


def test_an_error_that_is_copied_to_another_process_is_the_same() -> None:
    error = UserError("out_of_range", field="lr_g", value=9, low=0, high=1)
    again = copy.copy(error)  # by the protocol of pickle, as processes do it
    assert (again.key, again.field, again.values, str(again)) == (error.key, error.field, error.values, str(error))
    assert again is not error
