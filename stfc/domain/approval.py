"""What a second person confirms: the same words when it is asked for and when it is done, so that one act stays one."""

from collections.abc import Collection
from typing import Any


def reversal_subject(batch: int, contracts: Collection[str] | None) -> dict[str, Any]:
    """The subject of a reversal: all of the batch when ``contracts`` is None."""
    return {"batch": batch, "contracts": None if contracts is None else sorted(set(contracts))}


def release_subject(holds: Collection[int]) -> dict[str, Any]:
    """The subject of a release."""
    return {"holds": sorted(set(holds))}
