"""The Sample tab as a test sees it: its digit, tiles and bars, and what it asks the server."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from gan_ui.sampling import SampleServer

HOOK = "document.querySelector('.lb').parentElement"
DIMS = {"first": 64, "wide": 512, "small": 6, "young": 64}
SHIPPED = [{"id": name, "preset": name, "snapshots": [500, 1000]} for name in ("best", "conditional")]


class Bank:
    """A page that shows the Sample tab, and what happened on it."""

    def __init__(self, page: Any, address: str, query: str) -> None:
        self.page = page
        self.asked: list[Any] = []  # requests for pictures and z, in order
        self.under_way = self.most_under_way = 0
        self.page.on("request", self._began)
        self.page.on("requestfinished", self._ended)
        self.page.on("requestfailed", self._ended)
        self.page.goto(f"{address}?{query}")
        self.page.get_by_role("tab", name="Other").wait_for()

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


def picture(server: SampleServer, z: torch.Tensor, run: str = "first", step: int | None = None) -> np.ndarray:
    return server.images(run, step, z)[0][0, 0].numpy().astype(int)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(abs(one.astype(int) - other.astype(int)).max() <= 1)  # rounding may differ in the last bit
