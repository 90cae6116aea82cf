"""What a Space can run on, and what that costs."""

from __future__ import annotations

from huggingface_hub import HfApi, SpaceHardware

from gan_core.hub_errors import hub_errors
from gan_core.sentences import UserError
from gan_core.space_files import ZERO

HARDWARE = tuple(each.value for each in SpaceHardware)
FREE = ("cpu-basic", ZERO)
SLEEP_SECONDS = 3600  # a Space that costs money sleeps after so long without visitors, unless it is told otherwise
SLEEP_AT_MOST = 7 * 86_400
PER_HOUR = {"minute": 60, "hour": 1}  # the units the Hub gives its prices in


def price_per_hour(api: HfApi, hardware: str) -> float | None:
    """In dollars; None where it is free or the Hub does not say: no failure to learn the price ends anything."""
    if hardware in FREE:
        return None
    try:
        with hub_errors():
            listed = api.list_spaces_hardware()
        [price] = [each.unit_cost_usd * PER_HOUR[each.unit_label] for each in listed if each.name == hardware]
        return float(price)
    except (UserError, KeyError, TypeError, ValueError):
        return None
