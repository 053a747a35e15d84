"""Parameters: what each is now, since when and by whom, and changing one (PRODUCT 3, screen 8)."""

from dataclasses import dataclass
from typing import NoReturn

from stfc.domain.approval import parameter_subject
from stfc.domain.parameter import RANGES, Parameter, Range, checked, is_looser
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services import access, confirmation
from stfc.services.ports import Actor, ApprovalLedger, ChangedParameter, Clock, ParameterLedger


@dataclass(frozen=True)
class ParameterRow:
    """A parameter as it stands; ``changed`` is None while it has its default."""

    parameter: Parameter
    value: int
    allowed: Range
    changed: ChangedParameter | None


class Parameters:
    """Read by every part of the product; changed by managers."""

    def __init__(self, ledger: ParameterLedger, requests: ApprovalLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._requests = requests
        self._clock = clock

    def value(self, parameter: Parameter) -> int:
        """What the parameter is now."""
        return self._row(parameter).value

    def _row(self, parameter: Parameter) -> ParameterRow:
        return next(row for row in self.rows() if row.parameter is parameter)

    def rows(self) -> list[ParameterRow]:
        """Every parameter, in their order."""
        changed = self._ledger.changed()
        return [
            ParameterRow(one, changed[one].value if one in changed else allowed.default, allowed, changed.get(one))
            for one, allowed in RANGES.items()
        ]

    def change(
        self,
        parameter: Parameter,
        value: int,
        actor: Actor,
        *,
        reason: str,
        seen: int | None = None,
        approval: int | None = None,
    ) -> None:
        """Set a parameter; the value that it has already changes nothing.

        To need a second person less than before needs one itself: otherwise who wants to do without would begin here.

        Args:
            seen: the value from which the actor changes it, as it was shown; None for whatever it is.
            approval: the request that the actor approves by it, see ``Approvals.approve``.

        Raises:
            NotAllowedError: the actor is no manager.
            NotPossibleError: without a reason, or where it is no longer the value that was seen.
            InvalidInputError: a value that it may not have.
            ApprovalRequestedError: another manager must confirm it; nothing is changed yet.
        """
        access.require(actor, Role.MANAGER, "change_parameter")
        if not reason.strip():
            raise NotPossibleError(cause="parameter_reason_missing")
        checked(parameter, value)
        row, why = self._row(parameter), reason.strip()
        before = row.value
        if row.changed and seen is not None and before not in (seen, value):
            facts = {"parameter": parameter.value, "value": before, "by": row.changed.changed_by}
            raise NotPossibleError(cause="parameter_changed", **facts)
        if approval is None and is_looser(parameter, before, value):
            self._ask(parameter, value, before, actor, why)
        # An approved request is spent even where the value is that one by now.
        if value != before or approval is not None:
            self._ledger.set(
                parameter, value, before=before, reason=why, actor=actor, now=self._clock(), approval=approval
            )

    def _ask(self, parameter: Parameter, value: int, before: int, actor: Actor, reason: str) -> NoReturn:
        shown = {"name": parameter.value, "unit": RANGES[parameter].unit, "before": before, "after": value}
        confirmation.ask(
            self._requests,
            "parameter.set",
            parameter_subject(parameter, value),
            shown,
            actor,
            reason=reason,
            now=self._clock(),
            hours=self.value(Parameter.APPROVAL_HOURS),
        )
