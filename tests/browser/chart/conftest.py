"""The chart on a page: bare, or wherever it is mounted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.chart.shown import PAGE


@pytest.fixture
def open_page(new_page: Callable[..., Any]) -> Callable[..., Any]:
    """Opens a page with the chart."""

    def opened(width: int = 900, *, url: str | None = None, **options: Any) -> Any:
        page = new_page(width, 760, **options)
        if url:
            page.goto(url)
        else:
            page.set_content(PAGE)
        page.wait_for_function("document.querySelector('.gc')?.parentElement.chartStats?.draws > 0")
        return page

    return opened
