"""The curves chart in Chromium: on a bare page that mounts it as gr.HTML does, and once inside Gradio itself."""

from __future__ import annotations

import csv
import json
import math
import random
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from gan_core.curves import SERIES
from gan_ui.components.chart import CSS, HTML, JS, PANELS, chart
from gan_ui.components.chart import SERIES as ALL_SERIES
from gan_ui.strings import STRINGS
from tests.browser.bare import STORE, bare_page

PAGE = bare_page(HTML, CSS, JS).replace("const part =", "const chart = document.getElementById('part'), part =")
BLUE, ORANGE, DARK_BLUE = (0, 114, 178), (213, 94, 0), (90, 180, 238)
GREEN = (0, 121, 90)
LOSSES, PROBABILITIES, DIGIT_FID = (0.0, 0.42), (0.42, 0.69), (0.69, 1.0)  # shares of the canvas's height


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Any]:
    """Opens a page with the chart; at the end of the test no page may have met an error."""
    contexts, errors = [], []

    def opened(width: int = 900, *, phone: bool = False, url: str | None = None) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 760},
            has_touch=phone,
            is_mobile=phone,
            device_scale_factor=2 if phone else 1,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        if url:
            page.goto(url)
        else:
            page.set_content(PAGE)
        page.wait_for_function("document.querySelector('.gc')?.parentElement.chartStats?.draws > 0")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def view(n: int = 100, every: int = 10, run: str = "run-1", wild: float = 1.0) -> dict[str, Any]:
    """A made-up training of n points: losses that drift apart, with noise."""
    noise = random.Random(n)
    series: dict[str, Any] = {name: {"lo": [], "hi": [], "mean": []} for name in SERIES}
    for i in range(n):
        t = i / max(1, n - 1)
        for name, mean in (
            ("d_loss", 0.7 - 0.4 * t),
            ("g_loss", 0.7 + 2 * t),
            ("d_real", 0.5 + 0.4 * t),
            ("d_fake", 0.5 - 0.4 * t),
            ("grad_d", 0.1 + t),
            ("grad_g", 0.3 - 0.2 * t),
        ):
            value = mean + wild * 0.03 * noise.uniform(-1, 1)
            for part, shift in (("lo", -0.02), ("mean", 0.0), ("hi", 0.02)):
                series[name][part].append(round(value + shift * wild, 4))
    steps = [every * (i + 1) for i in range(n)]
    curves = {"x": steps, "seconds": [step / 50 for step in steps], "series": series}
    return {"run": run, "status": "running", "curves": curves}


def measured(n: int = 5, every: int = 200, **changes: Any) -> dict[str, Any]:
    """What was measured n times beside it: digit-FIDs that fall."""
    columns = {
        "step": [every * (i + 1) for i in range(n)],
        "seconds": [every * (i + 1) / 50 for i in range(n)],
        "digit_fid": [200 / (i + 1) for i in range(n)],
        "precision": [0.1 + i / 10 for i in range(n)],
        "recall": [0.05 + i / 10 for i in range(n)],
    }
    newest = {"step": every * n, "digit_fid": 200 / max(1, n)}
    floor = {"digit_fid": 0.43, "precision": 0.87, "recall": 0.86}
    return {"columns": columns, "newest": newest, "floor": floor, "alerts": [], "marks": [], **changes}


def send(page: Any, sent: dict[str, Any] | str) -> None:
    """Gives the chart a view (JSON text may hold what Python has no value for) and waits until it is drawn."""
    draws = page.evaluate("chart.chartStats.draws")
    page.evaluate(f"ganLive.send('view', {sent if isinstance(sent, str) else json.dumps(sent)})")
    drawn(page, draws)


def drawn(page: Any, draws: int) -> None:
    page.wait_for_function("draws => chart.chartStats.draws > draws", arg=draws)


def change(page: Any, script: str) -> None:
    draws = page.evaluate("chart.chartStats.draws")
    page.evaluate(script)
    drawn(page, draws)


def pixels(page: Any, colour: tuple[int, int, int], part: tuple[float, float]) -> int:
    """How many opaque pixels of (nearly) this colour a horizontal part of the canvas has."""
    return int(
        page.evaluate(
            """([colour, from, to]) => {
      const c = document.querySelector('.gc-base'), top = Math.round(c.height * from);
      const {data} = c.getContext('2d').getImageData(0, top, c.width, Math.round(c.height * to) - top);
      let count = 0;
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 250 && colour.every((value, k) => Math.abs(value - data[i + k]) < 12)) count++;
      return count; }""",
            [list(colour), *part],
        )
    )


def picture(page: Any) -> str:
    return str(page.evaluate("document.querySelector('.gc-base').toDataURL()"))


def values(page: Any) -> dict[str, str]:
    return {name: page.locator(f"[data-series={name}] .gc-value").text_content() for name in SERIES}


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


def test_the_pointer_reads_out_the_values_of_a_step(open_page: Any) -> None:
    page, sent = open_page(), view()
    send(page, sent)
    last = values(page)
    box = page.locator(".gc-over").bounding_box()
    plot = box["width"] - 44 - 42  # chart_draw.js: left and right
    page.mouse.move(box["x"] + 44 + plot / 2, box["y"] + 100)
    page.wait_for_function("document.querySelector('.gc-step').textContent === '500'")
    for name in SERIES:
        mean = sum(sent["curves"]["series"][name]["mean"][:50]) / 50  # 500 steps of 10 each
        assert values(page)[name] == f"{mean:.3f}"
        low, high = (sent["curves"]["series"][name][part][49] for part in ("lo", "hi"))
        assert page.locator(f"[data-series={name}] .gc-raw").text_content() == f"{low:.3f} – {high:.3f}"
    send(page, view(200))  # points come in: the crosshair stays at its step
    assert page.locator(".gc-step").inner_text() == "500"
    page.mouse.move(2, 2)
    page.wait_for_function("document.querySelector('.gc-step').textContent === '2,000'")
    assert values(page) != last


def test_hovering_a_reference_line_explains_it(open_page: Any) -> None:
    page = open_page()
    send(page, view(1))  # the loss axis goes from 0 to 1.5
    box = page.locator(".gc-over").bounding_box()
    top, bottom = 24, 24 + 200  # chart_draw.js: TOP, the losses' height
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + bottom - (bottom - top) * math.log(2) / 1.5)
    page.wait_for_function("words => document.querySelector('.gc-over').title === words", arg=STRINGS["chart.ln2"][0])


def test_the_arrow_keys_move_the_crosshair(open_page: Any) -> None:
    page = open_page()
    send(page, view())
    plot = page.get_by_role("slider", name=STRINGS["chart.plot"][0])
    plot.focus()
    for key, step in (
        ("ArrowLeft", "1,000"),
        ("ArrowLeft", "990"),
        ("PageDown", "890"),
        ("ArrowRight", "900"),
        ("Home", "10"),
        ("ArrowLeft", "10"),
        ("End", "1,000"),
    ):
        page.keyboard.press(key)
        page.wait_for_function("step => document.querySelector('.gc-step').textContent === step", arg=step)
        assert plot.get_attribute("aria-valuenow") == step.replace(",", "")
    assert plot.get_attribute("aria-valuetext").startswith("step 1000: d_loss 0.")
    page.keyboard.press("Home")
    page.keyboard.press("Escape")
    page.wait_for_function("document.querySelector('.gc-step').textContent === '1,000'")


def test_another_run_takes_the_crosshair_away(open_page: Any) -> None:
    page = open_page()
    send(page, view())
    page.locator(".gc-over").focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('.gc-step').textContent === '10'")
    send(page, view(run="run-2"))
    assert page.locator(".gc-step").inner_text() == "1,000"


def test_screen_readers_find_the_last_values_in_a_table(open_page: Any) -> None:
    page, sent = open_page(), view()
    send(page, sent)
    cells = page.locator("[data-row=d_real] td").all_text_contents()
    last = {part: f"{numbers[-1]:.3f}" for part, numbers in sent["curves"]["series"]["d_real"].items()}
    assert cells == [values(page)["d_real"], last["lo"], last["hi"]]


def test_the_points_shown_can_be_downloaded(open_page: Any) -> None:
    page, sent = open_page(), view(run="../a b")
    assert not page.locator(".gc-csv").is_visible()
    sent["curves"]["series"]["d_fake"]["mean"][0] = None
    send(page, sent)
    with page.expect_download() as download:
        page.locator(".gc-csv").click()
    assert re.fullmatch(r"[\w.-]+-curves\.csv", download.value.suggested_filename)
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == sent["curves"]["x"]
    assert [float(row["d_loss"]) for row in rows] == sent["curves"]["series"]["d_loss"]["mean"]
    assert rows[0]["d_fake"] == ""
    assert f"{float(rows[-1]['g_loss_running_mean']):.3f}" == values(page)["g_loss"]


def test_chinese_at_once_and_the_controls_stay(open_page: Any) -> None:
    page = open_page()
    send(page, view())
    change(page, "document.querySelector('.gc-log').click()")
    change(page, "document.querySelector('[data-series=d_loss]').click()")
    draws = page.evaluate("chart.chartStats.draws")
    page.locator(".gc-window").fill("3")
    drawn(page, draws)
    before = values(page)
    english = picture(page)
    change(page, "ganLive.send('language', 'zh')")
    assert picture(page) != english  # the canvas has words too
    assert page.locator(".gc-window-value").inner_text() == "50 步"
    assert "平滑" in page.locator(".gc-bar").inner_text()
    assert page.locator(".gc").get_attribute("lang") == "zh-CN"
    for name, title in (("data-t", None), ("data-label", "aria-label"), ("data-title", "title")):
        for node in page.locator(f"[{name}]").all():
            key = f"chart.{node.get_attribute(name)}"
            assert (node.get_attribute(title) if title else node.text_content()) == STRINGS[key][1]
    assert page.locator(".gc-log").is_checked()
    assert page.locator("[data-series=d_loss]").get_attribute("aria-pressed") == "false"
    assert values(page) == before


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_phone_shows_all_of_it(open_page: Any, language: str) -> None:
    page = open_page(390, phone=True)
    page.evaluate(f"ganLive.send('language', '{language}')")
    send(page, view(800, 125))
    page.locator(".gc-help summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.gc-base').width") == pytest.approx(
        2 * page.locator(".gc-base").bounding_box()["width"], abs=1
    )
    assert page.evaluate("getComputedStyle(document.querySelector('.gc-over')).touchAction") == "pan-y"
    box = page.locator(".gc-over").bounding_box()
    page.touchscreen.tap(box["x"] + 34 + (box["width"] - 34 - 42) / 4, box["y"] + 100)  # chart_draw.js: left and right
    page.wait_for_function("document.querySelector('.gc-step').textContent.startsWith('2')")
    send(page, view(800, 126))  # the finger is up and the values stay
    assert page.locator(".gc-step").inner_text().startswith("2")


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


def test_an_update_of_800_points_is_quick(open_page: Any) -> None:
    page, times = open_page(), []
    for i in range(12):
        send(page, view(800, 100 + i, wild=5))
        times.append(page.evaluate("chart.chartStats.lastMs"))
    assert 0 < sorted(times)[len(times) // 2] < 40


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
