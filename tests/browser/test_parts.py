"""The smaller components of the Train and Compare tabs in Chromium, each on a bare page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from gan_ui.components import compare, doctor, preset_cards, quality
from gan_ui.strings import STRINGS
from tests.browser.bare import bare_page

Open = Callable[..., Any]
REALS = [0.099, 0.112, 0.099, 0.102, 0.097, 0.09, 0.099, 0.105, 0.097, 0.1]
CARDS = [
    {
        "name": name,
        "about": {"en": f"about {name}", "zh": f"关于 {name}"},
        "seconds": seconds,
        "fails": fails,
        "picture": "",
    }
    for name, seconds, fails in (
        ("minute", 60, False),
        ("best", 900, False),
        ("quick", 20, False),
        ("collapse", 60, True),
    )
]
ALERT = {
    "kind": "collapse",
    "cure": {"lr_d": 0.002, "betas": [0, 0.99]},
    **{text: {"en": f"{text} said", "zh": f"{text} 中"} for text in ("title", "measured", "reading", "try")},
}


@pytest.fixture
def open_part(new_page: Open) -> Open:
    """Opens a page with one component."""

    def opened(content: str, width: int = 900, routes: dict[str, Any] | None = None) -> Any:
        page = new_page(width, 760)
        page.route("http://part/", lambda route: route.fulfill(body=content, content_type="text/html"))
        for pattern, answer in (routes or {}).items():
            page.route(pattern, answer)
        page.goto("http://part/")
        return page

    return opened


def send(page: Any, **view: Any) -> None:
    page.evaluate("view => ganLive.send('view', view)", {"run": "run-1", "status": "running", **view})


def measured(**changes: Any) -> dict[str, Any]:
    newest = {
        "step": 1200,
        "digit_fid": 8.25,
        "kid": 0.0123,
        "precision": 0.5,
        "recall": 0.25,
        "diversity": 9.5,
        "nearest_real": 1.1,
        "histogram": [0.2, 0.01, *REALS[2:]],
    }
    floor = {
        "count": 1000,
        "digit_fid": 0.43,
        "kid": 0.0035,
        "precision": 0.87,
        "recall": 0.86,
        "diversity": 10.28,
        "nearest_real": 1.0,
    }
    return {"newest": newest, "floor": floor, "real_histogram": REALS, "alerts": [], "marks": [], **changes}


@pytest.mark.parametrize("module", [compare, doctor, preset_cards, quality])
def test_templates_are_plain_and_words_exist(module: Any) -> None:
    for template in (module.HTML, module.CSS):  # Gradio runs both through Handlebars and a JavaScript template string
        assert not re.search(r"\$\{|\{\{|`|\\", template)
    prefix = {"preset_cards": "presets"}.get(module.__name__.rsplit(".")[-1], module.__name__.rsplit(".")[-1])
    for word in re.findall(r'data-(?:t|label)="(\w+)"', module.HTML):
        assert f"{prefix}.{word}" in STRINGS or f"{prefix}.label" in STRINGS


# --- preset cards ---


@pytest.fixture
def cards(open_part: Open) -> Any:
    props = {"cards": CARDS, "value": "minute"}
    return open_part(bare_page(preset_cards.HTML, preset_cards.CSS, preset_cards.JS, props))


def chosen(page: Any) -> list[str]:
    return page.eval_on_selector_all("[aria-checked=true]", "nodes => nodes.map(node => node.dataset.preset)")


def test_a_card_is_chosen_with_the_mouse_and_says_what_it_is(cards: Any) -> None:
    assert chosen(cards) == ["minute"]
    assert cards.locator(".pc-about").inner_text() == "about minute"
    assert cards.get_by_role("radio", name="quick").inner_text().split("\n") == ["quick", "≈ 20 s"]
    cards.get_by_role("radio", name="best").click()
    assert chosen(cards) == ["best"]
    assert cards.evaluate("[props.value, fired]") == ["best", [["input", None]]]
    assert cards.locator(".pc-about").inner_text() == "about best"
    assert not cards.get_by_role("radio", name="collapse").is_visible()
    cards.get_by_text("Break it").click()
    cards.get_by_role("radio", name="collapse").click()
    assert cards.locator(".pc-about").inner_text() == "Fails on purpose. about collapse"


def test_the_arrow_keys_move_the_choice_over_the_cards_that_can_be_seen(cards: Any) -> None:
    cards.keyboard.press("Tab")
    for key, name in (
        ("ArrowRight", "best"),
        ("ArrowDown", "quick"),
        ("ArrowRight", "minute"),
        ("ArrowLeft", "quick"),
        ("ArrowUp", "best"),
    ):
        cards.keyboard.press(key)
        assert chosen(cards) == [name]
        assert cards.evaluate("document.activeElement.dataset.preset") == name
    assert cards.locator("[role=radio][tabindex='0']").count() == 1
    assert len(cards.evaluate("fired")) == 5


def test_python_may_choose_a_card_and_the_language_follows(cards: Any) -> None:
    cards.evaluate("fromPython('collapse')")
    assert chosen(cards) == ["collapse"]
    assert cards.get_by_role("radio", name="collapse").is_visible()
    cards.evaluate("ganLive.send('language', 'zh')")
    assert cards.locator(".pc-about").inner_text() == "注定失败。 关于 collapse"
    assert cards.get_by_role("radio", name="quick").inner_text().split("\n") == ["quick", "约 20 秒"]
    assert cards.evaluate("fired") == []


def test_many_cards_leave_a_phone_its_width(open_part: Open) -> None:
    many = [{**CARDS[0], "name": f"preset-{n}"} for n in range(12)]
    props = {"cards": many, "value": "preset-0"}
    page = open_part(bare_page(preset_cards.HTML, preset_cards.CSS, preset_cards.JS, props), 390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".pc").bounding_box()["height"] < 150


# --- the doctor ---


@pytest.fixture
def card(open_part: Open) -> Any:
    return open_part(bare_page(doctor.HTML, doctor.CSS, doctor.JS))


def test_a_healthy_run_has_a_calm_card_that_says_what_was_looked_at(card: Any) -> None:
    send(card)
    assert "first measurement" in card.inner_text("#part")
    send(card, measured=measured())
    assert card.locator(".gx-calm").inner_text().startswith("✓ No alarm")
    assert "step 1,200" in card.inner_text("#part")
    assert card.locator("button").count() == 0
    card.evaluate("ganLive.send('language', 'zh')")
    assert "没有警报" in card.inner_text("#part")


def test_an_alert_says_all_four_things_and_offers_a_branch(card: Any) -> None:
    send(card, measured=measured(alerts=[ALERT]))
    assert not card.locator(".gx-calm").is_visible()
    said = card.inner_text(".gx-alerts")
    for text in ("title", "measured", "reading", "try"):
        assert f"{text} said" in said
    assert "lr_d = 0.002, betas = 0, 0.99" in said
    button = card.get_by_role("button", name="Try it in a branch")
    button.click()
    assert card.evaluate("fired") == [["cure", {"run": "run-1", "kind": "collapse"}]]
    assert button.is_disabled()  # until there is an answer
    card.evaluate("fromPython({run: '', message: 'no, because'})")
    assert card.get_by_role("alert").inner_text() == "no, because"
    assert card.evaluate("ganLive.chosen") == ""
    button.click()
    card.evaluate("fromPython({run: 'run-2', message: ''})")
    assert not card.get_by_role("alert").is_visible()
    assert card.evaluate("ganLive.chosen") == "run-2"


def test_the_same_news_again_leaves_a_focused_button_alone(card: Any) -> None:
    send(card, measured=measured(alerts=[ALERT]))
    card.get_by_role("button").focus()
    send(card, step=1300, measured=measured(alerts=[ALERT]))
    assert card.evaluate("document.activeElement.dataset.kind") == "collapse"


def test_a_lesson_says_what_to_look_at_and_has_a_cure(card: Any) -> None:
    lesson = {"about": {"en": "look here", "zh": "看这里"}, "cure": {"lr_d": 0.002}}
    for status in ("running", "failed"):
        send(card, lesson=lesson, status=status)
        assert "look here" in card.inner_text(".gx-lesson")
    assert not card.locator(".gx-calm, .gx-waits").first.is_visible()
    card.get_by_role("button", name="Cure").click()
    assert card.evaluate("fired") == [["cure", {"run": "run-1", "kind": "preset"}]]


# --- quality ---


def test_the_numbers_stand_beside_those_of_real_digits(open_part: Open) -> None:
    page = open_part(bare_page(quality.HTML, quality.CSS, quality.JS), 390)
    send(page, run="")
    assert "Nothing measured yet" in page.inner_text("#part")
    send(page, measured=measured())
    rows = {
        row.get_attribute("data-row"): row.locator("td").all_inner_texts() for row in page.locator("tbody tr").all()
    }
    assert rows["digit_fid"] == ["8.25", "0.43"]
    assert page.inner_text("[data-t=reals]") == "Real digits, 1,000", "fewer or more score something else"
    assert rows["kid"] == ["0.012", "0.004"]
    assert rows["diversity"] == ["9.50", "10.3"]
    assert "Not comparable with Inception FID" in page.inner_text("#part")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    others = {"step": 9, "diversity": 3.0, "diversity_of_reals": 4.5}
    send(page, measured=measured(newest=others, floor=None, real_histogram=None))
    assert "not available for this data set" in page.inner_text("#part")
    assert page.locator("[data-row=diversity] td").all_inner_texts() == ["3.00", "4.50"]
    assert page.locator("[data-row=digit_fid] td").all_inner_texts() == ["not available", ""]


def test_bars_show_which_digits_g_draws_and_how_many_are_none_with_a_line_where_reals_are(open_part: Open) -> None:
    page = open_part(bare_page(quality.HISTOGRAM_HTML, quality.CSS, quality.HISTOGRAM_JS))
    send(page)
    assert not page.locator("ol").is_visible()
    send(page, measured=measured())
    heights = page.eval_on_selector_all(".gq-bar i", "bars => bars.map(bar => bar.getBoundingClientRect().height)")
    assert len(heights) == 11
    assert heights[0] == pytest.approx(20 * heights[1], rel=0.05)
    line, top = (page.locator(f".gq-bar {part}").nth(4).bounding_box() for part in ("b", "i"))
    assert line["y"] + line["height"] == pytest.approx(top["y"], abs=1.5)  # this digit's share is the real one
    assert page.locator(".gq-rare").count() == 1
    assert "0: 20%, 1: 1%" in page.get_by_role("img").get_attribute("aria-label")
    half = {**measured()["newest"], "histogram": [0.05] * 10}
    send(page, measured=measured(newest=half))
    assert "?: 50%" in page.get_by_role("img").get_attribute("aria-label")
    assert page.locator(".gq-bars li").last.get_attribute("title") == "50% of the fakes cannot be read as a digit"


# --- compare ---

RUNS = [{"id": f"2026-{n}", "preset": "minute", "status": "finished", "step": 9} for n in range(5)]
SHIPPED = [{"id": "best", "preset": "best", "snapshots": [1]}]


def outline(run: str) -> dict[str, Any]:
    scale = 1 + ord(run[-1]) % 7
    measured = {"step": [10, 20, 40], "seconds": [1, 2, 4], "digit_fid": [40 * scale, None, 4 * scale]}
    curves = {"step": [10, 20, 30], "seconds": [1, 2, 3], "d_loss": [0.7, 0.6, 0.5], "g_loss": [0.7, 0.8, 0.9]}
    return {"id": run, "preset": "minute", "curves": curves, "measured": {} if run == "2026-4" else measured}


@pytest.fixture
def overlay(open_part: Open) -> Any:
    def answer(route: Any) -> None:
        runs = re.findall(r"run=([^&]+)", route.request.url)
        route.fulfill(body=json.dumps({"runs": [outline(run) for run in runs], "floor": 0.43}))

    page = open_part(bare_page(compare.HTML, compare.CSS, compare.JS), routes={"**/lab/compare*": answer})
    send(page, runs=RUNS, pretrained=SHIPPED)
    return page


def lines(page: Any, *ids: str) -> list[dict[str, Any]]:
    page.wait_for_function("ids => String(part.drawn().map(line => line.id)) === ids", arg=",".join(ids))
    return page.evaluate("part.drawn().map(line => ({id: line.id, place: line.place, x: line.x}))")


def press(page: Any, *runs: str) -> None:
    for run in runs:
        page.locator(f"[data-run='{run}']").first.click()


def test_up_to_four_runs_lie_over_one_another(overlay: Any) -> None:
    assert overlay.get_by_text("Choose a run above.").is_visible()
    press(overlay, "best", "2026-1", "2026-0", "2026-3")
    drawn = lines(overlay, "best", "2026-1", "2026-0", "2026-3")
    assert [line["place"] for line in drawn] == [0, 1, 2, 3]
    assert not overlay.get_by_text("Choose a run above.").is_visible()
    assert overlay.locator(".gk-runs button:disabled").count() == 2
    press(overlay, "2026-1")  # gives its colour and its dashes back
    press(overlay, "2026-2")
    assert [line["place"] for line in lines(overlay, "best", "2026-2", "2026-0", "2026-3")] == [0, 1, 2, 3]
    dashes = overlay.eval_on_selector_all("tbody line", "all => all.map(one => one.getAttribute('stroke-dasharray'))")
    colours = overlay.eval_on_selector_all("tbody line", "all => all.map(one => one.getAttribute('stroke'))")
    assert len(set(dashes)) == len(set(colours)) == 4


def test_the_legend_has_the_last_values_and_those_under_the_pointer(overlay: Any) -> None:
    press(overlay, "2026-0")
    lines(overlay, "2026-0")
    scale = 1 + ord("0") % 7
    cells = overlay.locator("tbody tr td")
    assert cells.all_inner_texts()[1:] == [f"{4 * scale:.2f}"] * 2
    box = overlay.locator("canvas").bounding_box()
    overlay.mouse.move(box["x"] + 48 + (box["width"] - 64) / 4, box["y"] + 100)  # compare.js: LEFT and RIGHT; 1 of 4 s
    overlay.wait_for_function("document.querySelector('.gk-value').textContent === '1 s'")
    assert cells.all_inner_texts()[1:] == [f"{40 * scale:.2f}", f"{4 * scale:.2f}"]


def test_losses_steps_and_runs_without_a_judge(overlay: Any) -> None:
    press(overlay, "2026-4")
    overlay.get_by_text("These runs have no such values.").wait_for()
    overlay.locator(".gk-quantity").select_option("g_loss")
    assert lines(overlay, "2026-4")[0]["x"] == [1, 2, 3]
    overlay.locator(".gk-axis").select_option("step")
    assert lines(overlay, "2026-4")[0]["x"] == [10, 20, 30]
    overlay.evaluate("ganLive.send('language', 'zh')")
    assert "最多选四次训练" in overlay.inner_text("#part")
    overlay.set_viewport_size({"width": 390, "height": 800})
    assert overlay.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_deleted_run_leaves_the_overlay(overlay: Any) -> None:
    press(overlay, "2026-0", "2026-1")
    lines(overlay, "2026-0", "2026-1")
    send(overlay, runs=RUNS[1:], pretrained=SHIPPED)
    press(overlay, "2026-2")
    lines(overlay, "2026-2", "2026-1")
