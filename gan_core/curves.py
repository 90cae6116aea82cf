"""The curves of a training in a bounded number of points, however long it runs."""

from __future__ import annotations

import math
from typing import Any

LOSSES = ("d_loss", "g_loss", "d_real", "d_fake")  # every line of history.jsonl has these
SERIES = (*LOSSES, "grad_d", "grad_g")
POINTS_AT_MOST = 800

# A bucket begins with its last step, the seconds then and how many history lines; low, high, sum and count of each
# series follow.
_HEAD = 3
_Bucket = list[float]


class Curves:
    """History lines merged into at most `POINTS_AT_MOST` buckets of equal length.

    When the buckets run out, neighbours are merged and each holds twice as many lines: O(1) a line on average.
    `generation` changes whenever points already handed out have changed.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.stride = 1
        self._buckets: list[_Bucket] = []

    def __len__(self) -> int:
        return len(self._buckets)

    def add(self, row: dict[str, Any]) -> None:
        """Take in one line of history.jsonl; a line without numbers for all `LOSSES` is left out."""
        values = [_number(row.get(name)) for name in SERIES]
        if not isinstance(row.get("step"), int) or any(map(math.isnan, values[: len(LOSSES)])):
            return
        if not self._buckets or self._buckets[-1][2] == self.stride:
            if len(self._buckets) == POINTS_AT_MOST:
                self._halve()
            self._buckets.append([row["step"], 0.0, 0, *(math.inf, -math.inf, 0.0, 0) * len(SERIES)])
        bucket, seconds = self._buckets[-1], _number(row.get("seconds"))
        bucket[0], bucket[1] = row["step"], 0.0 if math.isnan(seconds) else seconds
        bucket[2] += 1
        at = _HEAD
        for value in values:  # in place: a page that opens a long run waits for a hundred thousand of these
            if value == value:  # not NaN
                if value < bucket[at]:
                    bucket[at] = value
                if value > bucket[at + 1]:
                    bucket[at + 1] = value
                bucket[at + 2] += value
                bucket[at + 3] += 1
            at += 4

    def _halve(self) -> None:
        self._buckets = [_merged(a, b) for a, b in zip(self._buckets[::2], self._buckets[1::2], strict=True)]
        self.stride *= 2
        self.generation += 1

    def since(self, count: int) -> dict[str, Any]:
        """The points from number `count` - 1 on (the last point a reader has may have grown since).

        {"from": index, "x": steps, "seconds": seconds, "series": {name: {"lo", "hi", "mean"}}}, all lists of equal
        length; None where a series has no value.
        """
        first = max(0, count - 1)
        new = self._buckets[first:]
        series: dict[str, dict[str, list[float | None]]] = {}
        for index, name in enumerate(SERIES):
            at = _HEAD + 4 * index
            series[name] = {
                "lo": [_short(b[at]) if b[at + 3] else None for b in new],
                "hi": [_short(b[at + 1]) if b[at + 3] else None for b in new],
                "mean": [_short(b[at + 2] / b[at + 3]) if b[at + 3] else None for b in new],
            }
        return {"from": first, "x": [b[0] for b in new], "seconds": [round(b[1], 1) for b in new], "series": series}


def _merged(a: _Bucket, b: _Bucket) -> _Bucket:
    bucket = [b[0], b[1], a[2] + b[2]]
    for at in range(_HEAD, len(a), 4):
        bucket += [min(a[at], b[at]), max(a[at + 1], b[at + 1]), a[at + 2] + b[at + 2], a[at + 3] + b[at + 3]]
    return bucket


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and -1e300 < value < 1e300 else math.nan


def _short(number: float) -> float:
    return float(f"{number:.5g}")
