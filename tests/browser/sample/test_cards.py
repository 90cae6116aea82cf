"""The cards below the bank: the map, walks, a look for copies, and finding a digit of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from gan_core import neighbours, saved
from gan_core.config import make_config
from gan_core.directions import find_directions
from gan_core.latent import sample_z
from gan_core.runs import create_run
from gan_ui.film_routes import Films, film_routes
from gan_ui.jobs import Jobs, job_routes
from gan_ui.sample_routes import routes
from gan_ui.sampling import SampleServer
from gan_ui.search_routes import Searches, search_routes
from tests.browser.bare import STORE
from tests.browser.sample.bank import SHIPPED, Bank, same
from tests.browser.sample.test_directions import z_of_page
from tests.lively import lively
from tests.pictures import encoded

MAP, WALK = (f"document.querySelector('.lc-latent_{name}').parentElement" for name in ("map", "walk"))


@pytest.fixture(scope="module")
def address(server: SampleServer, runs_dir: Path, chromium: Any) -> Iterator[str]:
    import gradio as gr

    from gan_ui.explore import explore_tab

    other = create_run(runs_dir / "other", make_config("tutorial", {"z_dim": 64, "dataset": "fashion-mnist"}), "", 0)
    saved.save_snapshot(other, 500, lively(7, 64), b"")
    jobs = Jobs()
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
        head=f"<script>{STORE}</script>",
        app_kwargs={
            "routes": [
                *routes(server),
                *job_routes(jobs),
                *film_routes(Films(server, jobs)),
                *search_routes(Searches(server, jobs)),
            ]
        },
    )
    yield url
    jobs.close()
    demo.close(verbose=False)


@pytest.fixture
def open_cards(open_bank: Callable[..., Bank]) -> Callable[..., Bank]:
    """Opens a page with the cards, all of them unfolded."""

    def opened(run: str = "first", **options: Any) -> Bank:
        bank = open_bank(run, query="view=directions", **options)
        bank.page.evaluate("document.querySelectorAll('.lc-part').forEach(card => { card.open = true; })")
        return bank

    return opened


def map_settled(bank: Bank) -> None:
    bank.page.locator(".lm-map").scroll_into_view_if_needed()
    bank.page.wait_for_function(f"{MAP}.settled()")


def tile(bank: Bank, row: int, column: int) -> np.ndarray:
    values = bank.page.evaluate(
        """([x, y]) => Array.from(document.querySelector('.lm-tiles').getContext('2d').getImageData(x, y, 28, 28).data)
           .filter((_, i) => i % 4 === 0)""",
        [column * 28, row * 28],
    )
    return np.array(values).reshape(28, 28)


def keep(bank: Bank, button: str = ".lw-add") -> None:
    count = bank.page.locator(".lw-pose").count()
    bank.page.locator(button).click()
    bank.page.wait_for_function(f"document.querySelectorAll('.lw-pose').length === {count + 1}")


def test_the_map_shows_the_plane_and_moves_the_pose_on_it(open_cards: Any, server: SampleServer) -> None:
    bank = open_cards()
    map_settled(bank)
    rows = find_directions(server.generator("first", None).G, 64)[:2]
    z = sample_z(0, 1, 64)[0]
    base = z - z @ rows[0] * rows[0] - z @ rows[1] * rows[1]

    def drawn(x: float, y: float) -> np.ndarray:
        return server.images("first", None, (base + x * rows[0] + y * rows[1])[None])[0][0, 0].numpy()

    assert same(tile(bank, 2, 13), drawn((13.5 / 16 - 0.5) * 8, (2.5 / 16 - 0.5) * 8))
    asked = len([one for one in bank.asked if "side=many" in one.url])
    box = bank.page.locator(".lm-map").bounding_box()
    bank.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    bank.page.mouse.down()
    bank.page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25, steps=4)
    bank.page.mouse.up()
    there = base + 2 * rows[0] - 2 * rows[1]
    assert torch.allclose(z_of_page(bank), there, atol=0.02)
    map_settled(bank)
    more = [one for one in bank.asked if "side=many" in one.url][asked:]
    assert all(len(one.post_data_buffer) < 64 * 64 * 4 for one in more), "the map itself is not drawn anew"
    assert bank.page.locator(".lm-at").inner_text() == "Here: 2.00, −2.00; the map is 8.0 wide"
    assert bank.page.evaluate("ganPose.past") == 1, "a drag is undone as a whole"
    bank.page.keyboard.press("ArrowDown")
    assert torch.allclose(z_of_page(bank), there + 0.5 * rows[1], atol=0.02)
    for _ in range(3):
        bank.page.keyboard.press("+")
    assert "2.4 wide" in bank.page.locator(".lm-at").inner_text()
    map_settled(bank)
    bank.page.locator(".lm-centre").click()
    map_settled(bank)
    assert same(tile(bank, 0, 0), drawn(2 - 2.370 * 15 / 32, -1.5 - 2.370 * 15 / 32))
    bank.page.keyboard.press("r")  # it follows a pose that leaves it
    bank.page.wait_for_function("ganPose.pose.seed === 1")
    map_settled(bank)
    assert "Here" in bank.page.locator(".lm-at").inner_text()
    bank.page.locator(".lm-right").select_option(label="Axis 1 of the seed")
    map_settled(bank)
    assert bank.page.locator(".lm-marker").is_visible()


def test_a_walk_plays_is_kept_and_becomes_a_film(open_cards: Any, server: SampleServer) -> None:
    bank = open_cards()
    page = bank.page
    assert page.locator(".lw-play").is_hidden()
    for _ in range(2):
        keep(bank)
        page.keyboard.press("r")
        bank.settle()
    keep(bank, ".lw-random")
    page.wait_for_function(f"{WALK}.player.drawn > 70")  # more than a batch
    page.locator(".lw-play").click()
    drawn = page.evaluate(f"{WALK}.player.drawn")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(f"{WALK}.player.drawn") == drawn
    page.locator(".lw-export summary").click()
    for kind, signature in (("gif", b"GIF89a"), ("mp4", b"ftyp"), ("webp", b"WEBP")):
        page.locator(".lw-kind").select_option(kind)
        page.locator(".lw-size").select_option("112")
        page.locator(".lw-seconds").fill("1")
        page.locator(".lw-make").click()
        page.wait_for_function(
            f"document.querySelector('.lw-export .jb-file:not([hidden])')?.textContent.includes('.{kind}')"
        )
        with page.expect_download() as download:
            page.locator(".lw-export .jb-file").click()
        content = Path(download.value.path()).read_bytes()
        assert signature in content[:16]
        if kind == "mp4":
            with av.open(BytesIO(content), "r") as video:
                frames = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
        else:
            frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(Image.open(BytesIO(content)))]
        assert len(frames) == 30
        assert frames[0].shape == (112, 112)
    page.locator(".lw-seconds").fill("999")
    page.locator(".lw-make").click()
    page.wait_for_function("document.querySelector('.lw-export .jb-said').textContent.includes('seconds')")

    texts = json.loads(page.evaluate("localStorage.getItem('gan-live-walk')"))
    page.locator(".lw-pose").nth(0).click()
    assert torch.allclose(z_of_page(bank), sample_z(0, 1, 64)[0])
    page.locator(".lw-later").click()
    page.locator(".lw-pose").nth(2).focus()
    page.keyboard.press("ArrowLeft")
    stored = json.loads(page.evaluate("localStorage.getItem('gan-live-walk')"))
    assert [one["text"] for one in stored] == [texts[place]["text"] for place in (1, 0, 2)]
    # what another program wrote there, and poses of another length
    odd = {**stored[0], "z": [0.5] * 6}
    damaged = [{"text": "x"}, None, {**stored[0], "z": ["NaN"]}, {**stored[0], "thumb": "<img>"}]
    page.evaluate("text => localStorage.setItem('gan-live-walk', text)", json.dumps([*stored, odd, *damaged]))
    page.reload()
    page.get_by_role("tab", name="Other").wait_for()
    bank.view()
    bank.open()
    bank.settle()
    page.wait_for_function("document.querySelectorAll('.lw-pose').length === 4")
    page.wait_for_function("document.querySelector('.lw-hint').innerText.includes('6, 64')")
    page.locator(".lw-pose").nth(3).click()
    assert "6 values of z, and first takes 64" in page.locator(".lw-said").inner_text()
    page.locator(".lw-remove").click()
    assert page.locator(".lw-pose").count() == 3
    page.wait_for_function(f"{WALK}.player.drawn > 5")


def test_a_drawn_digit_is_found_and_undo_brings_the_pose_back(open_cards: Any, server: SampleServer) -> None:
    bank = open_cards()
    page = bank.page
    page.locator(".lq-go").click()
    assert page.locator(".lq-said").inner_text() == "Draw a digit on the pad first."
    page.locator(".lq-pad").scroll_into_view_if_needed()
    box = page.locator(".lq-pad").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 190, steps=5)
    page.mouse.up()
    page.locator(".lq-go").click()
    page.wait_for_function("document.querySelector('.lq-said').innerText.startsWith('This is the pose now')")
    bank.settle()
    z = z_of_page(bank)
    assert not torch.allclose(z, sample_z(0, 1, 64)[0])
    found = bank.pixels(".lq-found")[0]
    assert same(found, server.images("first", None, z[None])[0][0, 0].numpy())
    target = bank.pixels(".lq-target")[0]
    assert np.flatnonzero(target.any(1)).size == 20
    apart = np.linalg.norm((target.astype(float) - found) / 255)
    assert page.locator(".lq-residual").inner_text().startswith(f"{apart:.1f} apart, {apart / 10.3:.2f}"[:9])
    page.keyboard.press("Control+z")
    assert torch.allclose(z_of_page(bank), sample_z(0, 1, 64)[0])
    for content, says in (
        (b"hello", "not a PNG"),
        (encoded(Image.new("1", (20_000, 20_000))), "too large"),
        (encoded(Image.new("L", (99, 99), 200)), "Nothing stands out"),
    ):
        page.locator(".lq-file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": content})
        page.wait_for_function(
            "says => document.querySelector('.lc-latent_projection .jb-said').textContent.includes(says)", arg=says
        )
    page.locator(".lq-file").set_input_files({"name": "b.png", "mimeType": "image/png", "buffer": bytes(10_000_001)})
    assert "larger than 10 MB" in page.locator(".lq-said").inner_text()
    assert torch.allclose(z_of_page(bank), sample_z(0, 1, 64)[0]), "what cannot be used changes nothing"
    page.locator(".lq-clear").click()
    page.locator(".lq-go").click()
    assert page.locator(".lq-said").inner_text() == "Draw a digit on the pad first."


def test_a_look_for_copies_says_how_near_they_are(open_cards: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 1, 28, 28).contiguous()
    kinds = [neighbours.Neighbours(images, [9, 8, 7, 6, 5], [first, 2, 3, 4, 5], 2.0) for first in (1.9, 1.0)]
    monkeypatch.setattr(neighbours, "nearest_reals", lambda fake, dataset, report: neighbours.Copying(*kinds))
    bank = open_cards()
    page = bank.page
    page.locator(".ly-look").click()
    page.locator(".ly-found").wait_for()
    assert page.locator(".ly-far").all_inner_texts() == [
        *["0.95", "1.00", "1.50", "2.00", "2.50"],
        *["0.50", "1.00", "1.50", "2.00", "2.50"],
    ]
    assert (
        page.locator(".ly-verdict").inner_text()
        == "The nearest is 0.50 away: closer than digits usually are to one another."
    )
    assert np.array_equal(bank.pixels(".ly-near canvas")[:, 5, 5], [0, 1, 2, 3, 4] * 2)
    page.keyboard.press("r")
    page.wait_for_function("document.querySelector('.ly-verdict').innerText.startsWith('Of an earlier pose')")
    bank.view("other")
    page.wait_for_function("ganPose.pose.run === 'other' && ganPose.pose.classes !== null")
    page.locator(".ly-look").click()
    page.wait_for_function(
        "document.querySelector('.lc-latent_copying .jb-said').textContent.includes('fashion-mnist')"
    )


def test_a_phone_in_chinese_and_a_conditional_run(open_cards: Any, server: SampleServer) -> None:
    bank = open_cards(width=390, pretrained=SHIPPED)
    page = bank.page
    page.evaluate("ganLive.send('language', 'zh')")
    assert page.locator(".lc-part > summary").all_inner_texts() == ["地图", "它在照抄吗？", "漫游", "寻找你写的数字"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".lb-run").select_option("conditional")
    page.wait_for_function("ganPose.pose.run === 'conditional' && ganPose.pose.classes === 10")
    map_settled(bank)
    bank.page.locator(".lm-map").tap(position={"x": 30, "y": 60})
    assert page.evaluate("ganPose.past") == 1
    keep(bank)
    page.evaluate("ganPose.set({digit: '3'})")
    keep(bank)
    page.wait_for_function(f"{WALK}.player.drawn > 3")
    page.evaluate("ganPose.set({digit: ''})")
    keep(bank)
    page.wait_for_function("document.querySelector('.lw-trouble').innerText.includes('数字')")
    asked = sum("/walk" in one.url for one in bank.asked)
    page.evaluate(
        "new Promise(done => { let left = 60; (function frame() { left-- ? requestAnimationFrame(frame) : done(); })(); })"
    )
    assert sum("/walk" in one.url for one in bank.asked) - asked < 20, "what is refused is not asked for at every frame"


def test_less_motion_waits_for_play(open_cards: Any) -> None:
    bank = open_cards()
    bank.page.emulate_media(reduced_motion="reduce")
    keep(bank)
    keep(bank, ".lw-random")
    bank.page.wait_for_function(f"{WALK}.player.drawn === 1")
    assert bank.page.locator(".lw-play").inner_text() == "Play"
    bank.page.locator(".lw-play").click()
    bank.page.wait_for_function(f"{WALK}.player.drawn > 3")
