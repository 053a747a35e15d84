"""Parameters: what each is now, since when and by whom, and changing one (PRODUCT 3, screen 8)."""

from dataclasses import dataclass

from stfc.domain.parameter import RANGES, Parameter, Range, checked
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services import access
from stfc.services.ports import Actor, ChangedParameter, Clock, ParameterLedger


@dataclass(frozen=True)
class ParameterRow:
    """A parameter as it stands; ``changed`` is None while it has its default."""

    parameter: Parameter
    value: int
    allowed: Range
    changed: ChangedParameter | None


class Parameters:
    """Read by every part of the product; changed by managers."""

    def __init__(self, ledger: ParameterLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def value(self, parameter: Parameter) -> int:
        """What the parameter is now."""
        return next(row.value for row in self.rows() if row.parameter is parameter)

    def rows(self) -> list[ParameterRow]:
        """Every parameter, in their order."""
        changed = self._ledger.changed()
        return [
            ParameterRow(one, changed[one].value if one in changed else allowed.default, allowed, changed.get(one))
            for one, allowed in RANGES.items()
        ]

    def change(self, parameter: Parameter, value: int, actor: Actor, *, reason: str) -> None:
        """Set a parameter; the value that it has already changes nothing.

        Raises:
            NotAllowedError: the actor is no manager.
            NotPossibleError: without a reason.
            InvalidInputError: a value that it may not have.
        """
        access.require(actor, Role.MANAGER, "change_parameter")
        if not reason.strip():
            raise NotPossibleError(cause="parameter_reason_missing")
        checked(parameter, value)
        before = self.value(parameter)
        if value != before:
            self._ledger.set(parameter, value, before=before, reason=reason.strip(), actor=actor, now=self._clock())
