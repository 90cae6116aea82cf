"""The Sample tab in Chromium: the real component and the real routes, on run folders made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_core import saved
from gan_core.config import make_config
from gan_core.latent import sample_z
from gan_core.networks import build_pair
from gan_core.runs import Run, create_run
from gan_ui.sampling import SampleServer, routes
from gan_ui.strings import STRINGS
from tests.lively import lively

# The page's store, cut down: what live.js promises the component.
STORE = """<script>
window.ganLive = (() => {
  const words = WORDS, last = {language: 'en'}, listeners = {view: [], language: []};
  return {
    chosen: '',
    on(kind, listener) { listeners[kind].push(listener); if (kind in last) listener(last[kind]); },
    send(kind, value) { last[kind] = value; for (const listener of listeners[kind]) listener(value); },
    select(run) { this.chosen = run; },
    t(key, values) {
      if (!words[key]) throw new Error('no word ' + key);
      let text = words[key][last.language === 'zh' ? 1 : 0];
      for (const [name, value] of Object.entries(values || {})) text = text.replaceAll('{' + name + '}', value);
      return text;
    },
  };
})();
</script>""".replace("WORDS", json.dumps(STRINGS).replace("</", "<\\/"))
HOOK = "document.querySelector('.lb').parentElement"
DIMS = {"first": 64, "wide": 512, "small": 6, "young": 64}
SHIPPED = [{"id": name, "preset": name, "snapshots": [500, 1000]} for name in ("best", "conditional")]


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, z_dim in DIMS.items():
        run = create_run(folder / name, make_config("tutorial", {"z_dim": z_dim}), "", 0)
        for step in (500, 1000) if name != "young" else ():
            saved.save_snapshot(run, step, lively(step, z_dim), b"")
    best = create_run(folder / "best", make_config("tutorial", {"z_dim": 16}), "", 0)
    config = make_config("minute", {"network": "conditional", "z_dim": 16})
    conditional = create_run(folder / "conditional", config, "", 0)
    for step in (500, 1000):
        saved.save_snapshot(best, step, lively(step, 16), b"")
        saved.save_snapshot(conditional, step, build_pair(config)[0], b"")
    return folder


@pytest.fixture(scope="module")
def server(runs_dir: Path) -> SampleServer:
    return SampleServer(runs_dir)


@pytest.fixture(scope="module")
def address(server: SampleServer, chromium: Any) -> Iterator[str]:
    import gradio as gr

    from gan_ui.explore import explore_tab

    with gr.Blocks(fill_width=True) as demo, gr.Tabs():
        with gr.Tab("Other"):
            gr.Markdown("nothing")
        with gr.Tab("Sample"):
            explore_tab()
    _, url, _ = demo.launch(
        prevent_thread_lock=True,
        quiet=True,
        run_history=False,
        ssr_mode=False,
        head=STORE,
        app_kwargs={"routes": routes(server)},
    )
    yield url
    demo.close(verbose=False)


class Bank:
    """A page that shows the Sample tab, and what happened on it."""

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.errors: list[str] = []
        self.asked: list[Any] = []  # requests for pictures and z, in order
        self.under_way = self.most_under_way = 0
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._heard)
        self.page.on("request", self._began)
        self.page.on("requestfinished", self._ended)
        self.page.on("requestfailed", self._ended)
        self.page.goto(address)
        self.page.get_by_role("tab", name="Other").wait_for()

    def _heard(self, message: Any) -> None:
        # the browser itself reports a refusal as an error; what the page makes of it is tested
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _began(self, request: Any) -> None:
        if "/lab/" in request.url:
            self.asked.append(request)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)

    def _ended(self, request: Any) -> None:
        self.under_way -= "/lab/" in request.url

    def view(self, run: str = "first", **changes: Any) -> None:
        seen = {
            "run": run,
            "status": "running",
            "step": 1000,
            "live_version": 1,
            "snapshots": [500, 1000],
            "runs": [{"id": name, "preset": "tutorial", "status": "running", "step": 1000} for name in DIMS],
        }
        self.page.evaluate("view => ganLive.send('view', view)", {**seen, **changes})

    def open(self) -> None:
        self.page.get_by_role("tab", name="Sample").click()
        self.page.wait_for_selector(".lb:not(.lb-waiting)")

    def settle(self) -> None:
        """Wait until the digit and its neighbourhood on the screen are those of the present z."""
        self.page.wait_for_function(f"{HOOK}.settled()")

    def digit(self) -> np.ndarray:
        return self.pixels(".lb-digit")[0]

    def tiles(self) -> np.ndarray:
        return self.pixels(".lb-near canvas")

    def pixels(self, selector: str) -> np.ndarray:
        values = self.page.evaluate(
            """selector => [...document.querySelectorAll(selector)].map(canvas =>
               Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data).filter((_, i) => i % 4 === 0))""",
            selector,
        )
        return np.array(values).reshape(-1, 28, 28)

    def values(self) -> np.ndarray:
        return np.array(
            [
                float(text)
                for text in self.page.eval_on_selector_all(
                    ".lb-bar", "bars => bars.map(bar => bar.getAttribute('aria-valuetext'))"
                )
            ]
        )

    def last_z(self) -> torch.Tensor:
        posts = [request for request in self.asked if request.method == "POST"]
        return torch.from_numpy(np.frombuffer(posts[-1].post_data_buffer, "<f4").copy())[None]

    def bar(self, i: int) -> Any:
        return self.page.get_by_role("slider", name=f"z{i}", exact=True)

    def at(self, i: int, value: float) -> tuple[float, float]:
        """Where on the screen bar `i` has that value."""
        box = self.bar(i).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] * (1 - value / 4) / 2

    def knob(self, name: str, value: float) -> None:
        self.page.locator(f".lb-{name}").fill(str(value))


@pytest.fixture
def open_bank(chromium: Any, address: str) -> Iterator[Any]:
    """Opens a page; at the end of the test none may have met an error."""
    contexts, banks = [], []

    def opened(run: str = "first", *, width: int = 1280, shown: bool = True, **changes: Any) -> Bank:
        phone = width < 500
        context = chromium.new_context(viewport={"width": width, "height": 860}, has_touch=phone, is_mobile=phone)
        contexts.append(context)
        bank = Bank(context, address)
        banks.append(bank)
        bank.view(run, **changes)
        if shown:
            bank.open()
            bank.settle()
        return bank

    yield opened
    for context in contexts:
        context.close()
    assert [error for bank in banks for error in bank.errors] == []


def picture(server: SampleServer, z: torch.Tensor, run: str = "first", step: int | None = None) -> np.ndarray:
    return server.images(run, step, z)[0][0, 0].numpy().astype(int)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(abs(one.astype(int) - other.astype(int)).max() <= 1)  # rounding may differ in the last bit


def test_it_opens_on_the_z_of_seed_0(open_bank, server):
    bank = open_bank()
    z = sample_z(0, 1, 64)
    assert np.allclose(bank.values(), z[0].numpy(), atol=0.005)
    assert np.array_equal(bank.digit(), picture(server, z))
    assert same(bank.tiles()[12], bank.digit())
    assert bank.page.locator(".lb-step").inner_text() == "step 1,000"
    assert bank.page.locator(".lb-norm").inner_text() == f"|z| {z.norm():.2f}"
    assert [request.method for request in bank.asked] == ["GET", "POST", "POST"]


def test_a_drag_paints_every_bar_it_crosses(open_bank, server):
    bank = open_bank()
    before, values = bank.digit(), bank.values()
    mouse = bank.page.mouse
    mouse.move(*bank.at(10, 3))
    mouse.down()
    mouse.move(*bank.at(14, -1))  # in one leap: the bars between get the values on the way
    mouse.move(*bank.at(14, 2))
    mouse.up()
    mouse.move(*bank.at(30, -3))  # released: paints no more
    bank.settle()
    after = bank.values()
    assert np.allclose(after[10:15], [3, 2, 1, 0, 2], atol=0.1)
    assert np.array_equal(np.delete(after, range(10, 15)), np.delete(values, range(10, 15)))
    assert np.array_equal(bank.digit(), picture(server, bank.last_z()))
    assert abs(bank.digit() - before).max() > 10
    assert same(bank.tiles()[12], bank.digit())


def test_a_long_drag_has_one_request_under_way_and_ends_on_the_last_value(open_bank, server):
    bank = open_bank()
    bank.page.route("**/lab/sample*", lambda route: (bank.page.wait_for_timeout(15), route.continue_()))
    first = len(bank.asked)
    x, y = bank.at(20, 0)
    bank.page.mouse.move(x, y)
    bank.page.mouse.down()
    for k in range(60):
        bank.page.mouse.move(x, y - 60 + 2 * k)
    bank.page.mouse.up()
    bank.settle()
    assert bank.most_under_way == 1
    assert len(bank.asked) - first < 60  # values that were overtaken on the way were left out
    assert bank.last_z()[0, 20].item() == pytest.approx(bank.values()[20], abs=0.01)
    assert np.array_equal(bank.digit(), picture(server, bank.last_z()))


def test_keys_choose_a_bar_and_change_it(open_bank, server):
    bank = open_bank()
    press = bank.page.keyboard.press
    bank.page.locator(".lb-bar[tabindex='0']").focus()

    def focused() -> str:
        return str(bank.page.evaluate("document.activeElement.getAttribute('aria-label')"))

    for key, name in (
        ("ArrowRight", "z1"),
        ("End", "z63"),
        ("ArrowRight", "z63"),
        ("ArrowLeft", "z62"),
        ("Home", "z0"),
        ("ArrowLeft", "z0"),
        ("ArrowRight", "z1"),
    ):
        press(key)
        assert focused() == name
    start = sample_z(0, 1, 64)[0, 1].item()
    for key, value in (
        ("ArrowUp", start + 0.1),
        ("ArrowDown", start),
        ("Shift+ArrowUp", start + 0.01),
        ("PageUp", start + 1.01),
        ("PageDown", start + 0.01),
        ("Delete", 0),
        ("PageUp", 1),
    ):
        press(key)
        assert float(bank.bar(1).get_attribute("aria-valuetext")) == pytest.approx(value, abs=0.006)
    for _ in range(4):
        press("PageUp")
    assert bank.bar(1).get_attribute("aria-valuetext") == "4.00"  # the end of the bar
    assert bank.page.locator(".lb-value").inner_text() == "z1 = 4.00"
    bank.settle()
    expected = sample_z(0, 1, 64)
    expected[0, 1] = 4
    assert np.array_equal(bank.digit(), picture(server, expected))
    assert bank.page.locator(".lb-bar[tabindex='0']").count() == 1


def test_a_double_click_sets_one_bar_to_zero(open_bank):
    bank = open_bank()
    before = bank.values()
    bank.page.mouse.dblclick(*bank.at(33, 2))
    bank.settle()
    assert bank.values()[33] == 0
    assert np.array_equal(np.delete(bank.values(), 33), np.delete(before, 33))


def test_randomise_takes_the_next_seed_and_a_seed_gives_its_z_back(open_bank, server):
    bank = open_bank()
    button = bank.page.get_by_role("button", name="Randomise")
    button.evaluate("button => { for (let i = 0; i < 3; i++) button.click(); }")  # faster than the server answers
    bank.settle()
    assert bank.page.locator(".lb-seed").input_value() == "3"
    third = bank.digit()
    assert np.array_equal(third, picture(server, sample_z(3, 1, 64)))
    for typed, seed in (("41", 41), ("-5", 0), ("99999999999", 2**31 - 1), ("3", 3)):
        bank.page.locator(".lb-seed").fill(typed)
        bank.page.keyboard.press("Enter")
        bank.settle()
        assert bank.page.locator(".lb-seed").input_value() == str(seed)
        assert np.array_equal(bank.digit(), picture(server, sample_z(seed, 1, 64)))
    assert np.array_equal(bank.digit(), third)


def test_reset_and_psi_zero_both_give_the_mean(open_bank, server):
    bank = open_bank()
    bank.knob("psi", 0)
    bank.settle()
    mean = bank.digit()
    assert np.array_equal(mean, picture(server, torch.zeros(1, 64)))
    assert all(same(tile, mean) for tile in bank.tiles())
    assert bank.page.locator(".lb-psi-value").inner_text() == "0.00"
    bank.knob("psi", 0.5)
    bank.settle()
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 64) / 2))
    bank.page.get_by_role("button", name="Reset").click()
    bank.settle()
    assert not bank.values().any()
    assert np.array_equal(bank.digit(), mean)
    assert not all(same(tile, mean) for tile in bank.tiles())


@pytest.mark.parametrize("psi", [1, 0.6])
def test_a_tile_becomes_the_digit(open_bank, psi):
    bank = open_bank()
    bank.knob("psi", psi)
    bank.knob("radius", 6)
    bank.settle()
    tiles, before = bank.tiles(), bank.digit()
    assert not same(tiles[3], before)
    bank.page.get_by_role("button", name="Row 1, column 4").click()
    bank.settle()
    assert same(bank.digit(), tiles[3])
    assert same(bank.tiles()[12], tiles[3])
    assert bank.page.locator(".lb-seed").input_value() == "0"


def test_tiles_by_keyboard(open_bank):
    bank = open_bank()
    tiles = bank.tiles()
    bank.page.get_by_role("button", name="Row 3, column 3").focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowLeft"):  # the last one stays at the edge
        bank.page.keyboard.press(key)
    assert bank.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Row 2, column 1"
    bank.page.keyboard.press("Enter")
    bank.settle()
    assert same(bank.digit(), tiles[5])


def test_the_radius_changes_the_neighbourhood_alone(open_bank):
    bank = open_bank()
    bank.knob("radius", 0)
    bank.settle()
    assert all(same(tile, bank.digit()) for tile in bank.tiles())
    assert float(bank.page.locator(".lb-radius").get_attribute("max")) == pytest.approx(128**0.5, abs=0.06)


def test_snapshots_and_live(open_bank, server, runs_dir):
    bank = open_bank()
    z = sample_z(0, 1, 64)
    choice = bank.page.locator(".lb-snapshot")
    assert choice.locator("option").all_inner_texts() == ["live (newest)", "step 1,000", "step 500"]
    choice.select_option("500")
    bank.settle()
    assert bank.page.locator(".lb-step").inner_text() == "step 500"
    assert np.array_equal(bank.digit(), picture(server, z, step=500))
    bank.view(live_version=2, snapshots=[1000, 2000])  # 500 was thinned out: the nearest takes over
    bank.settle()
    assert choice.input_value() == "1000"
    assert bank.page.locator(".lb-step").inner_text() == "step 1,000"
    choice.select_option("live")
    bank.settle()
    run = Run(runs_dir / "first")
    try:
        for step in (1001, 1002):
            saved.save_live(run, step, lively(step, 64), b"")
            bank.view(live_version=step)
            bank.settle()
            assert bank.page.locator(".lb-step").inner_text() == f"step {step:,}"
            assert np.array_equal(bank.digit(), picture(server, z))
    finally:
        (run.folder / "live.safetensors").unlink()
        saved.snapshot_path(run, 1000).touch()
        server._loaded.clear()


def test_another_run_keeps_z_where_it_fits(open_bank, server):
    bank = open_bank()
    bank.page.mouse.click(*bank.at(5, 3))
    bank.settle()
    z = bank.values()
    bank.page.locator(".lb-run").select_option("small")
    assert bank.page.evaluate("ganLive.chosen") == "small"
    bank.view("small")  # what the store answers
    bank.page.wait_for_function("document.querySelectorAll('.lb-bar').length === 6")
    bank.settle()
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 6), "small"))
    bank.view("first")
    bank.page.wait_for_function("document.querySelectorAll('.lb-bar').length === 64")
    bank.settle()
    assert np.allclose(bank.values(), sample_z(0, 1, 64)[0].numpy(), atol=0.005)
    bank.page.mouse.click(*bank.at(5, 3))
    bank.settle()
    bank.view("first", status="finished", step=4000)  # the same run, further on
    bank.settle()
    assert np.array_equal(bank.values(), z)


def test_chinese_at_once_and_z_stays(open_bank):
    bank = open_bank()
    bank.page.mouse.click(*bank.at(5, 3))
    bank.settle()
    before, asked = bank.values(), len(bank.asked)
    bank.page.evaluate("ganLive.send('language', 'zh')")
    text = bank.page.locator(".lb").inner_text()
    for key in ("run", "snapshot", "randomise", "reset", "png", "near", "radius", "seed", "about_psi", "bank_help"):
        assert STRINGS[f"explore.{key}"][1] in text
        assert STRINGS[f"explore.{key}"][0] not in text.replace("种子 seed", "")
    assert bank.page.locator(".lb-step").inner_text() == "第 1,000 步"
    assert bank.page.get_by_role("button", name="第 1 行第 4 列").count() == 1
    assert bank.page.locator(".lb").get_attribute("lang") == "zh-CN"
    assert np.array_equal(bank.values(), before)
    assert len(bank.asked) == asked
    bank.page.evaluate("ganLive.send('language', 'en')")
    assert "Randomise" in bank.page.locator(".lb").inner_text()


def test_a_phone_shows_a_few_wide_bars_at_a_time(open_bank):
    bank = open_bank(width=390)
    page = bank.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".lb-bar").count() == 16
    assert bank.bar(3).bounding_box()["width"] >= 16
    assert page.locator(".lb-page").inner_text() == "z0 to z15 of 64"
    before = bank.digit()
    page.get_by_role("button", name="Next bars").tap()
    assert page.locator(".lb-page").inner_text() == "z16 to z31 of 64"
    bank.bar(20).scroll_into_view_if_needed()
    page.touchscreen.tap(*bank.at(20, 3))
    bank.settle()
    assert float(bank.bar(20).get_attribute("aria-valuetext")) == pytest.approx(3, abs=0.1)
    assert abs(bank.digit() - before).max() > 10
    page.locator(".lb-zoom").select_option("8")
    assert page.locator(".lb-page").inner_text() == "z16 to z23 of 64"  # the page with the bar last touched
    page.locator(".lb-zoom").select_option("64")
    assert page.locator(".lb-bar").count() == 64
    assert page.locator(".lb-pages").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_512_values(open_bank, server):
    bank = open_bank("wide")
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 512), "wide"))
    assert 8 <= bank.page.locator(".lb-bar").count() < 64
    bank.page.locator(".lb-bar[tabindex='0']").focus()
    bank.page.keyboard.press("End")
    assert bank.page.evaluate("document.activeElement.getAttribute('aria-label')") == "z511"
    bank.page.locator(".lb-zoom").select_option("512")
    assert bank.page.locator(".lb-bar").count() == 512
    bank.page.mouse.move(*bank.at(0, 2))
    bank.page.mouse.down()
    bank.page.mouse.move(*bank.at(511, 2))
    bank.page.mouse.up()
    bank.settle()
    assert np.allclose(bank.values(), 2, atol=0.1)
    assert np.array_equal(bank.digit(), picture(server, bank.last_z(), "wide"))


def test_no_run_yet(open_bank):
    bank = open_bank("", shown=False)
    bank.open()
    assert "No training yet" in bank.page.locator(".lb").inner_text()
    assert bank.page.locator(".lb-digit").is_hidden()
    assert bank.asked == []
    bank.view("first")  # somebody pressed Start
    bank.settle()
    assert bank.digit().any()
    assert bank.page.locator(".lb-none").is_hidden()


def test_a_refusal_is_shown_in_place_and_mends_itself(open_bank, runs_dir, server):
    bank = open_bank()
    bank.page.mouse.click(*bank.at(5, 3))
    bank.settle()
    old, z = bank.digit(), bank.values()
    bank.view("young", live_version=0, snapshots=[])
    trouble = bank.page.locator(".lb-trouble")
    trouble.wait_for()
    assert trouble.inner_text() == "The run young has nothing to sample yet; wait for its first steps."
    assert np.array_equal(bank.digit(), old)  # dimmed, but there
    bank.page.wait_for_function("getComputedStyle(document.querySelector('.lb-digit')).opacity < 0.5")
    bank.page.evaluate("ganLive.send('language', 'zh')")
    assert trouble.inner_text() == "训练 young 还没有可采样的内容；请等它开始。"
    run = Run(runs_dir / "young")
    saved.save_live(run, 1, lively(1, 64), b"")
    try:
        bank.settle()  # without anybody telling the page
        assert trouble.is_hidden()
        assert np.array_equal(bank.values(), z)  # another run, the same z
        assert np.array_equal(bank.digit(), picture(server, bank.last_z(), "young"))
        bank.page.wait_for_function("getComputedStyle(document.querySelector('.lb-digit')).opacity > 0.9")
    finally:
        (run.folder / "live.safetensors").unlink()


def test_a_lost_connection_is_shown_and_mends_itself(open_bank, server):
    bank = open_bank()
    bank.page.route("**/lab/**", lambda route: route.abort())
    bank.page.mouse.click(*bank.at(8, 3))
    trouble = bank.page.locator(".lb-trouble")
    trouble.wait_for()
    assert trouble.inner_text() == STRINGS["explore.unreachable"][0]
    bank.page.mouse.click(*bank.at(9, -3))
    bank.page.unroute("**/lab/**")
    bank.settle()
    assert trouble.is_hidden()
    assert bank.values()[[8, 9]] == pytest.approx([3, -3], abs=0.1)
    assert np.array_equal(bank.digit(), picture(server, bank.last_z()))


def test_a_tab_that_is_not_seen_asks_nothing(open_bank):
    bank = open_bank(shown=False)
    bank.view(live_version=2)
    bank.page.wait_for_timeout(400)
    assert bank.asked == []
    bank.open()
    bank.settle()
    asked = len(bank.asked)
    assert asked >= 3
    bank.page.get_by_role("tab", name="Other").click()
    bank.page.locator(".lb").wait_for(state="hidden")
    bank.page.wait_for_timeout(100)
    for version in range(3, 6):
        bank.view(live_version=version)
        bank.page.wait_for_timeout(100)
    assert len(bank.asked) == asked
    bank.page.get_by_role("tab", name="Sample").click()  # seen again: catches up
    bank.settle()
    assert len(bank.asked) > asked


def test_download(open_bank, tmp_path):
    from PIL import Image

    bank = open_bank()
    with bank.page.expect_download() as download:
        bank.page.get_by_role("button", name="Download PNG").click()
    assert download.value.suggested_filename == "first-step1000-seed0.png"
    download.value.save_as(tmp_path / "digit.png")
    large = np.asarray(Image.open(tmp_path / "digit.png").convert("L"))
    assert large.shape == (280, 280)
    assert np.array_equal(large[5::10, 5::10], bank.digit())


def test_whoever_has_chosen_nothing_sees_the_best_that_ships(open_bank, server):
    bank = open_bank(pretrained=SHIPPED)
    assert bank.page.locator(".lb-run").input_value() == "best"
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 16), "best"))
    bank.view("first", pretrained=SHIPPED, step=1001)  # the training goes on: still the best
    bank.settle()
    assert bank.page.locator(".lb-run").input_value() == "best"
    bank.page.evaluate("ganLive.chosen = 'first'")  # Start was pressed, or a run opened
    bank.view("first", pretrained=SHIPPED)
    bank.settle()
    assert bank.page.locator(".lb-run").input_value() == "first"
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 64)))
    bank.page.locator(".lb-run").select_option("best")
    bank.settle()
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 16), "best"))
    assert bank.page.evaluate("ganLive.chosen") == "first"


def test_what_ships_is_there_before_any_training(open_bank, server):
    bank = open_bank("", runs=[], live_version=0, snapshots=[], pretrained=SHIPPED)
    assert np.array_equal(bank.digit(), picture(server, sample_z(0, 1, 16), "best"))


def test_a_conditional_run_draws_the_digit_that_is_pressed(open_bank, server):
    bank = open_bank(pretrained=SHIPPED)
    assert not bank.page.locator(".lb-classes").is_visible()
    bank.page.locator(".lb-run").select_option("conditional")
    bank.settle()
    z = sample_z(0, 1, 16)
    as_digits = bank.pixels(".lb-class canvas")
    for digit in (0, 3, 9):
        assert same(as_digits[digit], server.images("conditional", None, z, digit)[0][0, 0].numpy())
    assert same(bank.digit(), as_digits[7])
    assert same(bank.tiles()[12], bank.digit())
    bank.page.get_by_role("button", name="Draw a 3").click()
    bank.settle()
    assert same(bank.digit(), as_digits[3])
    assert bank.page.get_by_role("button", name="Draw a 3").get_attribute("aria-pressed") == "true"
    bank.page.get_by_role("button", name="Each in turn").click()
    bank.settle()
    assert same(bank.digit(), as_digits[0])
    assert same(bank.tiles()[12], as_digits[2])
