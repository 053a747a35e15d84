"""When a month is worth compacting."""

from typing import Any

import pytest

from stfc.domain.competence import Competence
from stfc.services.compaction import MANY_CALLS, MANY_EXCLUSIONS, MANY_PARTS, is_worth_it
from stfc.services.ports import Growth


def growth(**changed: Any) -> Growth:
    """A month of a million compacted calls to which nothing came."""
    usual = {"calls": 1_000_000, "new_calls": 0, "new_parts": 0, "new_exclusions": 0, "is_running": False}
    return Growth(Competence(2026, 10), **usual | changed)


@pytest.mark.parametrize(
    ("changed", "worth"),
    [
        ({}, False),
        ({"new_calls": 100_000, "new_parts": 2}, False),
        ({"new_calls": 100_001, "new_parts": 2}, True),
        ({"calls": 0, "new_calls": MANY_CALLS, "new_parts": 1}, False),
        ({"calls": 0, "new_calls": MANY_CALLS + 1, "new_parts": 1}, True),
        ({"new_calls": 100_001, "new_parts": MANY_PARTS, "is_running": True}, False),
        ({"new_calls": 300, "new_parts": MANY_PARTS + 1, "is_running": True}, True),
        ({"new_exclusions": MANY_EXCLUSIONS}, False),
        ({"new_exclusions": MANY_EXCLUSIONS + 1}, True),
        ({"new_exclusions": MANY_EXCLUSIONS + 1, "is_running": True}, False),
    ],
)
def test_a_month_is_compacted_when_readers_gain_from_it(changed: dict[str, Any], worth: bool) -> None:
    assert is_worth_it(growth(**changed)) is worth
