"""How people read the chart: pointer, keys, fingers, screen readers, either language, and as a file."""

from __future__ import annotations

import csv
import math
import re
from typing import Any

import pytest

from gan_core.curves import SERIES
from gan_ui.strings import STRINGS
from tests.browser.chart.shown import change, drawn, picture, send, values, view


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
    page = open_page(390, device_scale_factor=2)
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
