"""The curves of a training in a bounded number of points, however long it runs."""

from __future__ import annotations

from typing import Any

SERIES = ("d_loss", "g_loss", "d_real", "d_fake")
POINTS_AT_MOST = 800

_Bucket = list[float]  # the last step in it, how many history lines, then low, high and sum of each series


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
        """Take in one line of history.jsonl; a line without finite numbers for all series is left out."""
        values = [
            float(row[name]) for name in SERIES if isinstance(row.get(name), int | float) and row[name] == row[name]
        ]
        if not isinstance(row.get("step"), int) or len(values) < len(SERIES):
            return
        if not self._buckets or self._buckets[-1][1] == self.stride:
            if len(self._buckets) == POINTS_AT_MOST:
                self._halve()
            self._buckets.append([row["step"], 0, *(n for v in values for n in (v, v, 0.0))])
        bucket = self._buckets[-1]
        bucket[0] = row["step"]
        bucket[1] += 1
        for index, value in enumerate(values):
            at = 2 + 3 * index
            bucket[at] = min(bucket[at], value)
            bucket[at + 1] = max(bucket[at + 1], value)
            bucket[at + 2] += value

    def _halve(self) -> None:
        self._buckets = [_merged(a, b) for a, b in zip(self._buckets[::2], self._buckets[1::2], strict=True)]
        self.stride *= 2
        self.generation += 1

    def since(self, count: int) -> dict[str, Any]:
        """The points from number `count` - 1 on (the last point a reader has may have grown since).

        {"from": index, "x": steps, "series": {name: {"lo", "hi", "mean"}}}, all lists of equal length.
        """
        first = max(0, count - 1)
        new = self._buckets[first:]
        series = {
            name: {
                "lo": [_short(b[2 + 3 * i]) for b in new],
                "hi": [_short(b[3 + 3 * i]) for b in new],
                "mean": [_short(b[4 + 3 * i] / b[1]) for b in new],
            }
            for i, name in enumerate(SERIES)
        }
        return {"from": first, "x": [b[0] for b in new], "series": series}


def _merged(a: _Bucket, b: _Bucket) -> _Bucket:
    bucket = [b[0], a[1] + b[1]]
    for at in range(2, len(a), 3):
        bucket += [min(a[at], b[at]), max(a[at + 1], b[at + 1]), a[at + 2] + b[at + 2]]
    return bucket


def _short(number: float) -> float:
    return float(f"{number:.5g}")
