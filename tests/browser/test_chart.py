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

from gan_ui.components.chart import CSS, HTML, JS, SERIES, chart
from gan_ui.strings import STRINGS

# The page's store, cut down: what live.js promises the chart.
STORE = (
    "const GAN_WORDS = "
    + json.dumps(STRINGS)
    + """;
window.ganLive = (() => {
  const words = GAN_WORDS, last = {language: 'en'}, listeners = {view: [], language: []};
  return {
    on(kind, listener) { listeners[kind].push(listener); if (kind in last) listener(last[kind]); },
    send(kind, value) { last[kind] = value; for (const listener of listeners[kind]) listener(value); },
    t(key) { if (!words[key]) throw new Error('no word ' + key); return words[key][last.language === 'zh' ? 1 : 0]; },
  };
})();
"""
)
THEME = """
body { margin: 0; padding: 12px; font-family: sans-serif;
  --body-text-color: #27272a; --body-text-color-subdued: #71717a;
  --block-background-fill: #ffffff; --border-color-primary: #e4e4e7; }
body.dark { --body-text-color: #f4f4f5; --body-text-color-subdued: #a1a1aa; --block-background-fill: #18181b;
  --border-color-primary: #3f3f46; background: #09090b; }
"""
SCRIPT = json.dumps(JS).replace("</", "<\\/")
PAGE = f"""<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>{THEME} #chart {{ {CSS} }}</style><script>{STORE}</script>
<body><div id="chart">{HTML}</div><script>
const chart = document.getElementById('chart');
Function('element', 'trigger', 'props', 'server', 'upload', 'watch', {SCRIPT})(chart);
</script>"""
BLUE, ORANGE, DARK_BLUE = (0, 114, 178), (213, 94, 0), (90, 180, 238)
LOSSES, PROBABILITIES = (0.0, 0.55), (0.55, 1.0)  # shares of the canvas's height


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
        ):
            value = mean + wild * 0.03 * noise.uniform(-1, 1)
            for part, shift in (("lo", -0.02), ("mean", 0.0), ("hi", 0.02)):
                series[name][part].append(round(value + shift * wild, 4))
    return {"run": run, "status": "running", "curves": {"x": [every * (i + 1) for i in range(n)], "series": series}}


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
    return {name: page.locator(f"[data-series={name}] .gc-value").inner_text() for name in SERIES}


def test_every_word_is_there_and_every_template_is_plain() -> None:
    used = set(re.findall(r'data-(?:t|label|title)="(\w+)"', HTML)) | set(re.findall(r"word(?:\(|: )'(\w+)'", JS))
    used |= set(SERIES) | {"d_title", "loss_title"}
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
    plot = box["width"] - 44 - 42  # chart.js: left and right
    page.mouse.move(box["x"] + 44 + plot / 2, box["y"] + 100)
    page.wait_for_function("document.querySelector('.gc-step').textContent === '500'")
    for name in SERIES:
        mean = sum(sent["curves"]["series"][name]["mean"][:50]) / 50  # 500 steps of 10 each
        assert values(page)[name] == f"{mean:.3f}"
        low, high = (sent["curves"]["series"][name][part][49] for part in ("lo", "hi"))
        assert page.locator(f"[data-series={name}] .gc-raw").inner_text() == f"{low:.3f} – {high:.3f}"
    send(page, view(200))  # points come in: the crosshair stays at its step
    assert page.locator(".gc-step").inner_text() == "500"
    page.mouse.move(2, 2)
    page.wait_for_function("document.querySelector('.gc-step').textContent === '2,000'")
    assert values(page) != last


def test_hovering_a_reference_line_explains_it(open_page: Any) -> None:
    page = open_page()
    send(page, view(1))  # the loss axis goes from 0 to 1.5
    box = page.locator(".gc-over").bounding_box()
    top, bottom = 24, 24 + round((box["height"] - 24 - 38 - 28) * 0.6)  # chart.js: TOP, BETWEEN, BOTTOM
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
    page.touchscreen.tap(box["x"] + 34 + (box["width"] - 34 - 42) / 4, box["y"] + 100)  # chart.js: left and right
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
        page.wait_for_function("document.querySelector('.gc-plot').clientHeight === 400")  # the stylesheet got through
        page.wait_for_function("document.querySelector('.gc').parentElement.chartStats.draws > 0")
        deadline = time.monotonic() + 10
        while (
            pixels(page, ORANGE, LOSSES) <= 300
        ):  # Gradio may still move the page's parts, and each move is a new drawing
            assert time.monotonic() < deadline
            page.wait_for_timeout(50)
        assert page.locator(".gc-bar").inner_text().startswith("Smoothing")
        page.locator("[data-series=g_loss]").click()
        page.wait_for_function("document.querySelector('[data-series=g_loss]').ariaPressed === 'false'")
    finally:
        demo.close(verbose=False)
