"""The doctor: what the measurements of a training say about its health. Pure; it never acts, and never judges by losses.

Thresholds are far from what working trainings show, and a finding must last: a false alarm teaches nothing. docs/doctor.md
says where each comes from; `python -m benchmarks.doctor` tries them all on real trainings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from gan_core.config import Config

Rows = Sequence[Mapping[str, Any]]

KINDS = ("divergence", "d_too_strong", "mode_collapse", "oscillation", "memorisation", "batchnorm_drift")

LASTING = 3  # measurements in a row that must agree
SETTLED = 500  # steps before which nothing is a finding, and measurements are not compared
TRAVEL = 0.1  # steps times learning rate, about what Adam moves a weight by: before that, nothing either
POINTS = 30  # of the curves that a mean is taken over

DIGIT_LOST = 0.05  # share of the fakes under which a digit counts as hardly drawn: half of what it should have
DIGITS_LOST_MOST = 4
READABLE_LEAST = 0.5  # share of the fakes that must be digits before it is asked which
DIVERSITY_LEAST = 0.45  # of the reals' mean pairwise distance
DIVERSITY_DEAD = 0.01  # G draws one picture to the pixel: its weights are far beyond where they matter
RIGHT_MOST = 0.98  # share of the reals, and of the fakes, that D may be right about
GRAD_G_LEAST = 1e-4  # length of G's gradient under which nothing reaches it
GRAD_D_MOST = 50.0  # length of D's gradient above which one step throws its weights anywhere
WORSE_BY = 3.0  # digit-FID as a multiple of the best so far ...
WORSE_FROM = 20.0  # ... and at least so far above it; above it at all, pictures are bad
CHANGES = 4  # from one measurement to the next, that swings are looked for in
SHARES_MOVED = 0.4  # half the summed change of the digits' shares; the median change may be that large ...
SHARES_SWUNG = 0.2  # ... or only this large where digit-FID has swung as well
SWING = 1.3  # digit-FID as a multiple of the one before
SWINGS_MOST = 1
BETTER = 0.85  # digit-FID as a multiple of the best before the last two: below it, the training still gets better
RESTLESS_MOST = 0.05  # how far one step moves a picture, of the distance between two different ones
NEAREST_LEAST = 0.5  # distance to the nearest real, real test digits having 1
PRECISION_SURE = 0.9
DRIFT_MOST = 0.15  # RMS difference of pixels in [0, 1]

_DISTANCES = ("digit_fid", "best", "bound")


@dataclass(frozen=True)
class Alert:
    """One finding: its kind, what was measured with the threshold it passed, and the settings worth trying."""

    kind: str
    values: Mapping[str, float | str]
    cure: Mapping[str, Any]


def diagnose(points: Rows, measured: Rows, config: Config) -> list[Alert]:
    """Alerts from lines of history.jsonl and metrics.jsonl up to now, the gravest first; empty when nothing is found.

    What a data set has no numbers for is not judged.
    """
    recent, rows = points[-POINTS:], [row for row in measured if _is_settled(row, config)]
    found = (
        _divergence(points, measured, rows, config),
        _d_too_strong(recent, rows, config),
        _mode_collapse(rows, config),
        _oscillation(measured, rows, config),
        _memorisation(rows, config),
        _batchnorm_drift(rows, config),
    )
    return [alert for alert in found if alert]


def _is_settled(row: Mapping[str, Any], config: Config) -> bool:
    return bool(row["step"] >= SETTLED and row["step"] * max(config.lr_g, config.lr_d) >= TRAVEL)


def _divergence(points: Rows, measured: Rows, rows: Rows, config: Config) -> Alert | None:
    """The training was thrown off: pictures are far worse than before, all the same, or bad since gradients exploded."""
    distances = [row["digit_fid"] for row in measured if "digit_fid" in row]
    best, last = min(distances, default=0.0), distances[-LASTING:]
    bound = max(WORSE_BY * best, best + WORSE_FROM)
    # few kinds of digits are far from all the digits, too, but that is a collapse: what was thrown off draws none
    unread = any(sum(row.get("histogram", ())) < READABLE_LEAST for row in rows[-LASTING:])
    worse = unread and len(rows) >= LASTING and len(last) == LASTING and min(last) > bound
    largest = max((point["grad_d"] for point in points if math.isfinite(point["grad_d"])), default=0.0)
    if not all(math.isfinite(point["grad_d"]) for point in points):
        largest = math.inf
    bad = len(rows) >= LASTING and all(
        _is_narrow(row) or row.get("digit_fid", 0) > WORSE_FROM for row in rows[-LASTING:]
    )
    shares = [_narrowness(row)[0] for row in rows[-LASTING:]]
    dead = len(shares) == LASTING and max(shares) < DIVERSITY_DEAD
    if not worse and not dead and not (bad and largest > GRAD_D_MOST):
        return None
    # infinity would be no JSON
    values: dict[str, float | str] = {"grad_d": largest if math.isfinite(largest) else "∞", "grad_d_most": GRAD_D_MOST}
    values |= {"digit_fid": last[-1], "best": best, "bound": bound} if last else dict.fromkeys(_DISTANCES, "-")
    values |= {"share": shares[-1], "dead": DIVERSITY_DEAD} if shares else {"share": "-", "dead": DIVERSITY_DEAD}
    return Alert(
        "divergence", values, {"lr_g": _short(config.lr_g / 10), "lr_d": _short(config.lr_d / 10), **_penalties(config)}
    )


def _d_too_strong(points: Rows, rows: Rows, config: Config) -> Alert | None:
    """D tells nearly every image rightly: it teaches G little, and a saturating loss has no gradient left."""
    if len(points) < POINTS or not rows:
        return None
    real, fake, grad_g = (fmean(point[name] for point in points) for name in ("right_real", "right_fake", "grad_g"))
    if min(real, fake) <= RIGHT_MOST and grad_g >= GRAD_G_LEAST:
        return None
    values = {"right_real": real, "right_fake": fake, "right_most": RIGHT_MOST}
    values |= {"grad_g": grad_g, "grad_g_least": GRAD_G_LEAST}
    cure: dict[str, Any] = dict(_penalties(config))
    if config.lr_d > config.lr_g:
        cure["lr_g"] = cure["lr_d"] = min(config.lr_d, 2e-3)
    if config.n_critic > 1 and not config.gp_weight:
        cure["n_critic"] = 1
    if config.objective == "saturating":
        cure["objective"] = "non-saturating"
    return Alert("d_too_strong", values, cure)


def _mode_collapse(rows: Rows, config: Config) -> Alert | None:
    """G draws few kinds of pictures: most digits are missing, or all fakes look alike."""
    if len(rows) < LASTING or not all(_is_narrow(row) for row in rows[-LASTING:]):
        return None
    share, lost = _narrowness(rows[-1])
    values = {"lost": lost, "lost_most": DIGITS_LOST_MOST, "share": share, "share_least": DIVERSITY_LEAST}
    return Alert("mode_collapse", values, _penalties(config))


def _is_narrow(row: Mapping[str, Any]) -> bool:
    share, lost = _narrowness(row)
    return lost > DIGITS_LOST_MOST or share < DIVERSITY_LEAST


def _narrowness(row: Mapping[str, Any]) -> tuple[float, int]:
    """The fakes' diversity as a share of the reals', and how many digits are hardly drawn."""
    shares = row.get("histogram", ())
    lost = sum(share < DIGIT_LOST for share in shares) if sum(shares) >= READABLE_LEAST else 0
    return row["diversity"] / row["diversity_of_reals"], lost


def _oscillation(measured: Rows, settled: Rows, config: Config) -> Alert | None:
    """What G draws swings to and fro: with every step, or from one measurement to the next without getting better."""
    rows = [row for row in measured if "digit_fid" in row and row["step"] >= SETTLED][-CHANGES - 1 :]
    restless = [row["restlessness"] for row in settled if "restlessness" in row][-LASTING:]
    moved, worsened = _swings(rows) if settled else (0.0, 0)
    jumps = len(restless) == LASTING and min(restless) > RESTLESS_MOST
    moved_most = SHARES_SWUNG if worsened else SHARES_MOVED
    if not jumps and moved <= moved_most and worsened <= SWINGS_MOST:
        return None
    values = {"restless": restless[-1] if restless else 0.0, "restless_most": RESTLESS_MOST}
    values |= {"moved": moved, "moved_most": moved_most, "worsened": worsened, "worsened_most": SWINGS_MOST}
    values |= {"changes": CHANGES, "swing": SWING}
    cure: dict[str, Any] = {"ema_decay": 0.999}
    if config.ema_decay >= 0.99:  # there is an average, and it swings all the same
        cure = {"lr_g": _short(config.lr_g / 3), "lr_d": _short(config.lr_d / 3)}
    return Alert("oscillation", values, cure if config.r1_gamma else {**cure, **_penalties(config)})


def _swings(rows: Rows) -> tuple[float, int]:
    """The median share of the fakes that became other digits, and how often digit-FID rose; 0 if it gets better."""
    if len(rows) <= LASTING or rows[-1]["digit_fid"] < BETTER * min(row["digit_fid"] for row in rows[:-2]):
        return 0.0, 0
    changes = list(zip(rows, rows[1:], strict=False))
    moved = median(_moved(before["histogram"], after["histogram"]) for before, after in changes)
    return moved, sum(after["digit_fid"] > SWING * before["digit_fid"] for before, after in changes)


def _moved(before: Sequence[float], after: Sequence[float]) -> float:
    """The share of the fakes that would have to become another digit, or none, from one histogram to the other."""
    changes = [b - a for a, b in zip(before, after, strict=True)]
    return (sum(map(abs, changes)) + abs(sum(changes))) / 2


def _memorisation(rows: Rows, config: Config) -> Alert | None:
    """G draws the training digits themselves: much nearer to them than new digits ever are."""
    rows = [row for row in rows if "nearest_real" in row][-LASTING:]
    near = [row for row in rows if row["nearest_real"] < NEAREST_LEAST and row["precision"] > PRECISION_SURE]
    if len(near) < LASTING:
        return None
    values = {"nearest_real": near[-1]["nearest_real"], "nearest_least": NEAREST_LEAST}
    values |= {"precision": near[-1]["precision"], "precision_sure": PRECISION_SURE}
    return Alert("memorisation", values, _penalties(config))


def _batchnorm_drift(rows: Rows, config: Config) -> Alert | None:
    """G's kept BatchNorm statistics no longer fit: it draws other pictures when sampled than D saw in training."""
    drifts = [row["batchnorm_drift"] for row in rows if "batchnorm_drift" in row][-LASTING:]
    if len(drifts) < LASTING or min(drifts) <= DRIFT_MOST:
        return None
    return Alert("batchnorm_drift", {"drift": drifts[-1], "most": DRIFT_MOST}, {"lr_g": _short(config.lr_g / 3)})


def _penalties(config: Config) -> dict[str, float]:
    """The change that mends most trainings: penalties on D's slope, or stronger ones."""
    return {name: max(0.3, _short(3 * getattr(config, name))) for name in ("r1_gamma", "r2_gamma")}


def _short(value: float) -> float:
    """Three digits of it: three times 0.1 is 0.30000000000000004, and people read what a cure sets."""
    return float(f"{value:.3g}")
