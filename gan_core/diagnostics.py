"""The doctor: what the measurements of a training say about its health. Pure; it never acts, and never judges by losses.

Thresholds are far from what working trainings show, and a finding must last: a false alarm teaches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_core.config import Config

KINDS = ("mode_collapse", "d_too_strong")

LASTING = 3  # measurements in a row that must agree
SETTLED = 15.0  # seconds of training before which few digits are no finding
DIGIT_LOST = 0.01  # share of the fakes under which a digit counts as not drawn
DIGITS_LOST = 3
DIVERSITY_LEAST = 0.6  # of the reals' mean pairwise distance
POINTS = 30  # of the curves that D's accuracy is averaged over
ACCURACY_MOST = 0.97


@dataclass(frozen=True)
class Alert:
    """One finding: its kind, what was measured with the threshold it passed, and the settings worth trying."""

    kind: str
    values: Mapping[str, float]
    cure: Mapping[str, Any]


def diagnose(points: Sequence[Mapping[str, Any]], measured: Sequence[Mapping[str, Any]], config: Config) -> list[Alert]:
    """Alerts from recent lines of history.jsonl and metrics.jsonl, the gravest first; empty when nothing is found."""
    found = (_mode_collapse(measured, config), _d_too_strong(points, config))
    return [alert for alert in found if alert]


def _mode_collapse(measured: Sequence[Mapping[str, Any]], config: Config) -> Alert | None:
    """G draws few kinds of pictures: whole digits are missing, or all fakes look alike."""
    rows = [row for row in measured if row["seconds"] >= SETTLED][-LASTING:]
    if len(rows) < LASTING or not all(_is_narrow(row) for row in rows):
        return None
    share, lost = _narrowness(rows[-1])
    values = {"lost": lost, "lost_most": DIGITS_LOST - 1, "share": share, "share_least": DIVERSITY_LEAST}
    return Alert("mode_collapse", values, _steadier(config))


def _is_narrow(row: Mapping[str, Any]) -> bool:
    share, lost = _narrowness(row)
    return lost >= DIGITS_LOST or share < DIVERSITY_LEAST


def _narrowness(row: Mapping[str, Any]) -> tuple[float, int]:
    """The fakes' diversity as a share of the reals', and how many digits are hardly drawn."""
    lost = sum(share < DIGIT_LOST for share in row.get("histogram", ()))
    return row["diversity"] / row["diversity_of_reals"], lost


def _d_too_strong(points: Sequence[Mapping[str, Any]], config: Config) -> Alert | None:
    """D tells nearly every image rightly: it teaches G little, and a saturating loss has no gradient left."""
    rows = points[-POINTS:]
    if len(rows) < POINTS:
        return None
    real, fake = (sum(row[name] for row in rows) / len(rows) for name in ("right_real", "right_fake"))
    if min(real, fake) <= ACCURACY_MOST:
        return None
    values = {"right_real": real, "right_fake": fake, "most": ACCURACY_MOST, "grad_g": rows[-1]["grad_g"]}
    return Alert("d_too_strong", values, _steadier(config))


def _steadier(config: Config) -> dict[str, Any]:
    """The change that mends most trainings: penalties on D's slope, or stronger ones."""
    return {"r1_gamma": max(1.0, 3 * config.r1_gamma), "r2_gamma": max(1.0, 3 * config.r2_gamma)}
