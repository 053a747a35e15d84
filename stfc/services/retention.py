"""Retention: which competences' calls are older than they are kept for, and letting them go (PRODUCT 9, 11)."""

from collections.abc import Collection
from dataclasses import dataclass

from stfc.domain.competence import Competence, local_day
from stfc.domain.parameter import Parameter
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services import access
from stfc.services.parameters import Parameters
from stfc.services.ports import Actor, Clock, KeptMonth, RetentionLedger


@dataclass(frozen=True)
class RetentionPreview:
    """What letting go would do now. ``before``: of competences from this one on nothing goes. ``due`` are older and
    closed; ``blocked`` are older, but still open; ``young`` stay. Each oldest first."""

    months: int
    before: Competence
    due: tuple[KeptMonth, ...]
    blocked: tuple[KeptMonth, ...]
    young: tuple[KeptMonth, ...]

    @property
    def kept(self) -> tuple[KeptMonth, ...]:
        """Everything that is on disk."""
        return tuple(sorted((*self.due, *self.blocked, *self.young), key=lambda one: one.competence))


class Retention:
    """Preview for everybody; letting go is a manager's act."""

    def __init__(self, ledger: RetentionLedger, parameters: Parameters, clock: Clock) -> None:
        self._ledger = ledger
        self._parameters = parameters
        self._clock = clock

    def preview(self) -> RetentionPreview:
        """What is older than it is kept for; changes nothing."""
        months = self._parameters.value(Parameter.RETENTION_MONTHS)
        before, kept = self._before(months), self._ledger.kept()
        old = [one for one in kept if one.competence < before]
        return RetentionPreview(
            months=months,
            before=before,
            due=tuple(one for one in old if one.closed_at),
            blocked=tuple(one for one in old if not one.closed_at),
            young=tuple(one for one in kept if one.competence >= before),
        )

    def apply(self, actor: Actor, *, reason: str, competences: Collection[Competence] | None = None) -> list[KeptMonth]:
        """Let the calls of all that is due go, or of ``competences`` alone; gives what went. It cannot be undone.

        Charges, totals and the closing's checksum stay. Done again, nothing more goes.

        Raises:
            NotAllowedError: the actor is no manager.
            NotPossibleError: without a reason, or one of ``competences`` is open, younger or has no calls.
        """
        access.require(actor, Role.MANAGER, "apply_retention")
        if not reason.strip():
            raise NotPossibleError(cause="retention_reason_missing")
        preview = self.preview()
        chosen = [one.competence for one in preview.due] if competences is None else competences
        return self._ledger.purge(chosen, before=preview.before, reason=reason.strip(), actor=actor, now=self._clock())

    def _before(self, months: int) -> Competence:
        return Competence.of(local_day(self._clock())).plus(-months)
