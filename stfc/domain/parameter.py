"""Parameters that people change while the product runs; what only a restart changes is a setting of the environment."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stfc.errors import InvalidInputError


class Parameter(StrEnum):
    """A parameter, by the key under which the ledger keeps it."""

    RETENTION_MONTHS = "retention_months"
    SECOND_PERSON_REVERSAL = "second_person_reversal"
    SECOND_PERSON_ABOVE = "second_person_above"
    APPROVAL_HOURS = "approval_hours"


@dataclass(frozen=True)
class Range:
    """What a parameter may be: whole numbers from ``least`` to ``most`` of ``unit``, which is ``months``, ``hours``,
    ``centavos`` (0: never) or ``switch`` (0 off, 1 on)."""

    default: int
    least: int
    most: int
    unit: str


RANGES: Final = {
    # PRODUCT 9 gives the default as open to law: never shown as law.
    Parameter.RETENTION_MONTHS: Range(60, 1, 600, "months"),
    Parameter.SECOND_PERSON_REVERSAL: Range(0, 0, 1, "switch"),
    Parameter.SECOND_PERSON_ABOVE: Range(0, 0, 10**12, "centavos"),
    Parameter.APPROVAL_HOURS: Range(72, 1, 720, "hours"),
}


def checked(parameter: Parameter, value: int) -> int:
    """``value`` when the parameter may be that (``InvalidInputError``)."""
    allowed = RANGES[parameter]
    if not allowed.least <= value <= allowed.most:
        raise InvalidInputError(
            field=parameter.value, value=value, cause="parameter", least=allowed.least, most=allowed.most
        )
    return value


def is_looser(parameter: Parameter, before: int, after: int) -> bool:
    """Whether the change lets more pass without a second person than before (PRODUCT 9): off, or a higher value."""
    if parameter not in (Parameter.SECOND_PERSON_REVERSAL, Parameter.SECOND_PERSON_ABOVE):
        return False
    return bool(before) and (not after or after > before)
