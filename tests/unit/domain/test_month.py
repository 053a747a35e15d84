"""Where a competence stands in its life."""

import pytest

from stfc.domain.month import MonthState, month_state


@pytest.mark.parametrize(
    ("standing", "eligible", "state"),
    [
        ({}, 5, "open"),
        ({"failed": 2, "reversed": 3, "refused": 1, "cancelled": 1}, 5, "open"),
        ({"charged": 1}, 1, "partly_billed"),
        ({"zero": 1}, 1, "partly_billed"),
        ({"charged": 1}, 0, "billed"),
        ({"zero": 1}, 0, "billed"),
        ({"waiting": 1}, 0, "partly_billed"),
        ({"charged": 9, "held": 1}, 0, "partly_billed"),
        ({"charged": 9, "running": 1}, 0, "partly_billed"),
        ({"charged": 9, "waiting_file": 1}, 0, "partly_billed"),
    ],
)
def test_the_state_follows_from_what_is_billed_and_what_is_left(
    standing: dict[str, int], eligible: int, state: str
) -> None:
    assert month_state(is_closed=False, standing=standing, eligible=eligible) == state
    assert month_state(is_closed=True, standing=standing, eligible=eligible) is MonthState.CLOSED
