"""Where a competence stands in its life (PRODUCT 11)."""

from collections.abc import Mapping
from enum import StrEnum

_BILLED = ("charged", "zero")
_UNSETTLED = ("waiting", "running", "waiting_file", "held")


class MonthState(StrEnum):
    """Open (nothing billed), billed in part, billed, closed."""

    OPEN = "open"
    PARTLY_BILLED = "partly_billed"
    BILLED = "billed"
    CLOSED = "closed"


def month_state(*, is_closed: bool, standing: Mapping[str, int], eligible: int) -> MonthState:
    """The state of a competence.

    Args:
        is_closed: whether a manager closed it.
        standing: how many of its contracts stand at which outcome, what was reversed under ``reversed``.
        eligible: how many contracts are still in its list.
    """
    if is_closed:
        return MonthState.CLOSED
    if not any(standing.get(outcome) for outcome in (*_BILLED, *_UNSETTLED)):
        return MonthState.OPEN
    is_done = not eligible and not any(standing.get(outcome) for outcome in _UNSETTLED)
    return MonthState.BILLED if is_done else MonthState.PARTLY_BILLED
