"""What the chart draws: on a bare page that mounts it as gr.HTML does, and once inside Gradio itself."""

from __future__ import annotations

import json
import random
import re
import time
from itertools import pairwise
from typing import Any

import pytest

from gan_ui.components.chart import CSS, HTML, JS, PANELS, chart
from gan_ui.components.chart import SERIES as ALL_SERIES
from gan_ui.strings import STRINGS
from tests.browser.bare import STORE
from tests.browser.chart.shown import (
    BLUE,
    DARK_BLUE,
    DIGIT_FID,
    GREEN,
    LOSSES,
    ORANGE,
    PROBABILITIES,
    change,
    drawn,
    measured,
    picture,
    pixels,
    send,
    values,
    view,
)


def test_every_word_is_there_and_every_template_is_plain() -> None:
    used = set(re.findall(r'data-(?:t|label|title)="(\w+)"', HTML)) | set(re.findall(r"word(?:\(|: )'(\w+)'", JS))
    used |= set(ALL_SERIES) | {f"{panel}_title" for panel in PANELS} | {"d_title_compared", "second"}
    assert {f"chart.{name}" for name in used} == {key for key in STRINGS if key.startswith("chart.")}
    for template in (HTML, CSS):  # Gradio runs both through Handlebars and a JavaScript template string
        assert not re.search(r"\$\{|\{\{|`|\\", template)


def plain_running_mean(x: list[int], values: list[float | None], window: int) -> list[float | None]:
    """The same by brute force: one value for each step, then the mean of the last `window` of them."""
    first = min(x[0], x[1] - x[0]) if len(x) > 1 else x[0]
    steps: list[float | None] = []
    out: list[float | None] = []
    for width, value in zip([first, *(b - a for a, b in pairwise(x))], values, strict=True):
        steps += [value] * width
        known = [v for v in steps[-window:] if v is not None]
        out.append(None if value is None else sum(known) / len(known))
    return out


@pytest.mark.parametrize("window", [1, 7, 50, 100_000])
def test_the_running_mean_weighs_points_by_their_steps(open_page: Any, window: int) -> None:
    page, noise = open_page(), random.Random(window)
    for n, start in ((1, 0), (2, 0), (40, 0), (40, 5000)):
        x = [start + 10]
        while len(x) < n:
            x.append(x[-1] + noise.choice([1, 5, 10, 30]))
        given = [None if noise.random() < 0.1 else noise.uniform(0, 5) for _ in x]
        got = page.evaluate(
            "([x, values, window]) => Array.from("
            "chart.chartMaths.runningMean(x, values, window), mean => isNaN(mean) ? null : mean)",
            [x, given, window],
        )
        assert got == pytest.approx(plain_running_mean(x, given, window))


def test_a_running_mean_of_nothing_is_nothing(open_page: Any) -> None:
    assert open_page().evaluate("chart.chartMaths.runningMean([], [], 500).length") == 0


def test_the_loss_axis_holds_lines_and_references_but_not_single_spikes(open_page: Any) -> None:
    page = open_page()
    calls = "([raw, log]) => chart.chartMaths.lossRange([[0.5, 3]], [raw], [0.693, 1.386], log)"
    assert page.evaluate(calls, [[0.1] * 199 + [1000], False]) == [0, 4]
    low, high = page.evaluate(calls, [[0.001, 0, -3, 900], True])
    assert (low, high) == (pytest.approx(0.001), pytest.approx(1000))
    assert page.evaluate("chart.chartMaths.logTicks(0.1, 5, 5)") == pytest.approx([0.1, 0.2, 0.5, 1, 2, 5])
    assert page.evaluate("chart.chartMaths.linearTicks(0, 1500, 3)") == [0, 500, 1000, 1500]


def test_lines_appear_and_a_legend_button_takes_one_away(open_page: Any) -> None:
    page = open_page()
    assert page.get_by_text("No points yet").is_visible()
    assert pixels(page, ORANGE, LOSSES) == 0
    send(page, view())
    assert not page.get_by_text("No points yet").is_visible()
    for colour in (BLUE, ORANGE):
        for part in (LOSSES, PROBABILITIES):
            assert pixels(page, colour, part) > 300
    button = page.get_by_role("button", name="g_loss")
    change(page, "document.querySelector('[data-series=g_loss]').click()")
    assert button.get_attribute("aria-pressed") == "false"
    assert pixels(page, ORANGE, LOSSES) == 0
    assert pixels(page, BLUE, LOSSES) > 300
    assert pixels(page, ORANGE, PROBABILITIES) > 300
    change(page, "document.querySelector('[data-series=g_loss]').click()")
    assert pixels(page, ORANGE, LOSSES) > 300


def test_the_log_axis_and_the_smoothing_redraw(open_page: Any) -> None:
    page = open_page()
    send(page, view())
    linear = picture(page)
    change(page, "document.querySelector('.gc-log').click()")
    log = picture(page)
    assert log != linear
    assert pixels(page, ORANGE, LOSSES) > 300
    smoothed = values(page)
    slider = page.locator(".gc-window")
    assert slider.get_attribute("aria-valuetext") == "500 steps"
    slider.focus()
    draws = page.evaluate("chart.chartStats.draws")
    page.keyboard.press("Home")
    drawn(page, draws)
    assert slider.get_attribute("aria-valuetext") == page.locator(".gc-window-value").inner_text() == "off"
    assert picture(page) != log
    assert values(page) != smoothed
    assert values(page)["g_loss"] == f"{view()['curves']['series']['g_loss']['mean'][-1]:.3f}"


def test_dark_colours_follow_the_theme_at_once(open_page: Any) -> None:
    page = open_page()
    send(page, view())
    assert pixels(page, DARK_BLUE, LOSSES) == 0
    change(page, "document.body.classList.add('dark')")
    assert pixels(page, DARK_BLUE, LOSSES) > 300
    assert pixels(page, BLUE, LOSSES) < 20


ODD_VIEWS = {
    "no curves": "{run: 'a'}",
    "no series": "{run: 'a', curves: {x: [1, 2, 3]}}",
    "empty": "{run: 'a', curves: {x: [], series: {}}}",
    "one point at step 0": "{curves: {x: [0], series: {d_loss: {lo: [0], hi: [0], mean: [0]}}}}",
    "constant": "{curves: {x: [1, 2], series: {g_loss: {lo: [2, 2], hi: [2, 2], mean: [2, 2]}}}}",
    "measured before any curve": "{run: 'a', measured: {columns: {step: [5], seconds: [1], digit_fid: [9]}, newest: {digit_fid: 9}}}",
    "odd measurements": "{curves: {x: [1, 2], series: {}}, measured: {columns: {step: [1, 2], digit_fid: [null, 0]}, floor: null,"
    " newest: {step: 2}, marks: [{step: 1, changes: []}, {step: 9, changes: [['lr_g', null, 1]]}]}}",
    "no times": "{curves: {x: [1, 2], seconds: [0, 0], series: {d_loss: {mean: [1, 2]}}}, settings: {objective: 'hinge'}}",
    "only gaps": "{curves: {x: [1, 2], series: {g_loss: {lo: [null, NaN], hi: [null, null], mean: [NaN, null]}}}}",
    "gaps": "{curves: {x: [1, 2, 3], series: {d_real: {lo: [0, null, 0], hi: [1, null, 1], mean: [.5, null, .4]}}}}",
    "short lists": "{curves: {x: [1, 2, 3], series: {d_loss: {mean: [1]}, g_loss: {lo: 5}}}}",
    "huge": "{curves: {x: [1, 2], series: {d_loss: {lo: [1e300, -1e300], hi: [1e300, 1e308], mean: [1e300, 0]}}}}",
    "tiny": "{curves: {x: [1, 2], series: {d_loss: {lo: [1e-300, 0], hi: [1e-300, 0], mean: [1e-300, 0]}}}}",
    "negative": "{curves: {x: [1, 2], series: {d_loss: {lo: [-9, -8], hi: [-7, -6], mean: [-8, -7]}}}}",
    "infinite": "{curves: {x: [1, 2], series: {d_loss: {lo: [-Infinity, 0], hi: [Infinity, 1], mean: [NaN, .5]}}}}",
    "steps that stand still": "{curves: {x: [5, 5], series: {d_loss: {lo: [1, 2], hi: [1, 2], mean: [1, 2]}}}}",
}


def test_odd_views_are_drawn_without_errors(open_page: Any) -> None:
    page = open_page()
    for panel in ("grad", "pr"):
        change(page, f"document.querySelector('[data-panel={panel}]').click()")
    page.locator(".gc-axis").select_option("seconds")
    for odd in ODD_VIEWS.values():
        for _ in range(2):  # on either axis
            send(page, odd)
            change(page, "document.querySelector('.gc-log').click()")
            page.locator(".gc-over").focus()
            page.keyboard.press("Home")
            page.mouse.move(400, 300)
            page.locator(".gc-over").blur()
    send(page, view())
    assert pixels(page, BLUE, LOSSES) > 300


def test_measurements_are_drawn_with_their_floor_and_unfold(open_page: Any) -> None:
    page = open_page()
    send(page, view())
    assert pixels(page, GREEN, DIGIT_FID) == 0
    send(page, {**view(), "measured": measured()})
    assert pixels(page, GREEN, DIGIT_FID) > 300
    assert page.evaluate("chart.chartLayout().references.find(r => r.word === 'floor').at") == 0.43
    assert page.locator("[data-series=digit_fid] .gc-value").inner_text() == "40.00"
    assert not page.locator("[data-series=recall]").is_visible()
    height = page.locator(".gc-plot").bounding_box()["height"]
    page.get_by_role("button", name="Precision, recall").click()
    page.wait_for_function(f"document.querySelector('.gc-plot').clientHeight > {height}")
    assert page.locator("[data-series=recall] .gc-value").inner_text() == "0.45"
    for chip in ("Losses", "D(x) · D(G(z))", "Precision, recall"):
        page.get_by_role("button", name=chip).click()
    page.wait_for_function(f"document.querySelector('.gc-plot').clientHeight < {height / 2}")
    assert pixels(page, GREEN, (0, 1)) > 300
    page.locator(".gc-over").focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('[data-series=digit_fid] .gc-value').textContent === '200.00'")


def test_a_data_set_without_a_judge_has_no_digit_fid(open_page: Any) -> None:
    page = open_page()
    newest = {"step": 200, "diversity": 9.0}
    send(page, {**view(), "measured": measured(0, columns={"step": [200]}, newest=newest, floor=None)})
    assert page.get_by_role("button", name="digit-FID").first.is_disabled()
    assert page.evaluate("chart.chartLayout().panels.map(p => p.id)") == ["loss", "d"]


def test_a_changed_setting_is_marked_where_it_was_changed(open_page: Any) -> None:
    page = open_page()
    marks = [
        {"step": 500, "changes": [["lr_g", 0.002, 0.001]]},
        {"step": 510, "changes": [["lr_d", 0.002, 0.001], ["n_critic", 1, 2]]},
        {"step": 99_999, "changes": [["lr_g", 1, 2]]},
    ]
    send(page, {**view(), "measured": measured(marks=marks)})
    at = page.evaluate("chart.chartLayout().marks.map(mark => mark.x)")
    assert len(at) == 2
    assert at[0] == page.evaluate("chart.chartLayout().x(500)")
    box = page.locator(".gc-over").bounding_box()
    page.mouse.move(box["x"] + at[0], box["y"] + 150)
    page.wait_for_function("document.querySelector('.gc-over').title === 'lr_g 0.002→0.001'")
    draws = page.evaluate("chart.chartStats.draws")
    page.locator(".gc-axis").select_option("seconds")
    drawn(page, draws)
    assert page.evaluate("chart.chartLayout().marks[0].at") == pytest.approx(10)
    assert page.evaluate("chart.chartLayout().end") == 20


def test_a_branch_is_marked_where_it_left_its_parent(open_page: Any) -> None:
    page = open_page()
    send(page, {**view(), "parent": {"run": "older", "step": 505, "kind": "checkpoint"}})
    (at,) = page.evaluate("chart.chartLayout().marks.map(mark => mark.x)")
    assert at == page.evaluate("chart.chartLayout().x(505)")
    box = page.locator(".gc-over").bounding_box()
    page.mouse.move(box["x"] + at, box["y"] + 150)
    page.wait_for_function("document.querySelector('.gc-over').title === 'branched from older'")


def test_an_objective_without_probabilities_has_no_ln_2(open_page: Any) -> None:
    page = open_page()
    words = "chart.chartLayout().references.map(r => r.word)"
    for objective, expected in (
        ("non-saturating", ["ln2", "two_ln2", "half"]),
        ("relativistic", ["ln2"]),
        ("wasserstein", []),
        ("hinge", ["half"]),
    ):
        send(page, {**view(), "settings": {"objective": objective}})
        assert page.evaluate(words) == expected


def test_a_hidden_chart_does_nothing_until_it_is_shown(open_page: Any) -> None:
    page = open_page()
    send(page, view(10))
    page.evaluate("chart.style.display = 'none'")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    draws = page.evaluate("chart.chartStats.draws")
    page.evaluate(f"ganLive.send('view', {json.dumps(view(20))})")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("chart.chartStats.draws") == draws
    change(page, "chart.style.display = ''")
    assert page.locator(".gc-step").inner_text() == "200"


def test_many_views_in_one_frame_are_drawn_once(open_page: Any) -> None:
    page = open_page()
    draws = page.evaluate(
        """async sent => {
      const before = chart.chartStats.draws;
      for (let i = 0; i < 20; i++) ganLive.send('view', sent);
      await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
      return chart.chartStats.draws - before; }""",
        view(),
    )
    assert draws == 1


def test_an_update_of_800_points_draws_each_once(open_page: Any) -> None:
    page = open_page()
    send(page, view(800, 100, wild=5))
    page.evaluate(
        """() => {
      window.lines = 0;
      const pen = CanvasRenderingContext2D.prototype, lineTo = pen.lineTo;
      pen.lineTo = function (...point) { lines++; lineTo.apply(this, point); }; }"""
    )
    send(page, view(800, 101, wild=5))
    curves = 4  # losses and D(x), D(G(z)); gradients are folded away
    assert 800 * curves <= page.evaluate("lines") < 800 * curves + 200  # and those of the grid


def test_it_mounts_in_gradio(open_page: Any) -> None:
    import gradio as gr

    with gr.Blocks() as demo:
        chart()
    try:
        _, url, _ = demo.launch(
            prevent_thread_lock=True, quiet=True, run_history=False, ssr_mode=False, head=f"<script>{STORE}</script>"
        )
        page = open_page(url=url)
        page.evaluate("window.chart = document.querySelector('.gc').parentElement")
        send(page, view())
        page.wait_for_function("document.querySelector('.gc-plot').clientHeight === 578")  # the stylesheet got through
        page.wait_for_function("document.querySelector('.gc').parentElement.chartStats.draws > 0")
        deadline = time.monotonic() + 10
        while (
            pixels(page, ORANGE, LOSSES) <= 300
        ):  # Gradio may still move the page's parts, and each move is a new drawing
            assert time.monotonic() < deadline
            page.wait_for_timeout(50)
        assert "Smoothing" in page.locator(".gc-bar").inner_text()
        page.locator("[data-series=g_loss]").click()
        page.wait_for_function("document.querySelector('[data-series=g_loss]').ariaPressed === 'false'")
    finally:
        demo.close(verbose=False)
