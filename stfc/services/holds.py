"""Held charges: what waits for a manager, and the decision to release or to reject it (PRODUCT 7)."""

from collections.abc import Collection

from stfc.domain.competence import Competence
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services import access
from stfc.services.approvals import SecondPerson
from stfc.services.ports import Actor, Clock, HoldDecision, HoldLedger, HoldRow

_DECISIONS = 500


class Holds:
    """List for every role; release and reject, the acts of a manager."""

    def __init__(self, ledger: HoldLedger, clock: Clock, second: SecondPerson | None = None) -> None:
        """``second`` asks for another manager's confirmation where a parameter wants it."""
        self._ledger = ledger
        self._clock = clock
        self._second = second

    def pending(
        self,
        *,
        competence: Competence | None = None,
        batch: int | None = None,
        contracts: Collection[str] | None = None,
    ) -> list[HoldRow]:
        """The charges that wait for a decision, the most money at risk first; None does not restrict."""
        return self._ledger.pending(competence=competence, batch=batch, contracts=contracts)

    def decisions(self) -> list[HoldDecision]:
        """What was decided lately, newest first."""
        return self._ledger.decisions(limit=_DECISIONS)

    def release(
        self, holds: Collection[int], actor: Actor, *, reason: str, approval: int | None = None
    ) -> list[HoldRow]:
        """Let ``holds`` end as charged: their values go to the ERP. All or none, and each once; gives them.

        Args:
            approval: the request that the actor approves by it, see ``Approvals.approve``.

        Raises:
            NotAllowedError: the actor is no manager.
            NotFoundError: a charge that does not exist.
            NotPossibleError: without a reason, or one of them (named) does not wait any more.
            ApprovalRequestedError: another manager must confirm it.
        """
        self._check("release_hold", actor, reason)
        if approval is not None:
            return self._ledger.release(holds, reason=reason.strip(), actor=actor, now=self._clock(), approval=approval)
        if self._second:
            chosen = [one for one in self._ledger.pending() if one.hold in holds]
            self._second.before_release(chosen, actor, reason=reason.strip())
        return self._ledger.release(holds, reason=reason.strip(), actor=actor, now=self._clock())

    def reject(self, holds: Collection[int], actor: Actor, *, reason: str) -> list[HoldRow]:
        """Let ``holds`` end as a reversal: nothing is charged, their calls are out of every figure and the contracts
        are listed again. All or none, and each once; gives them. Raises as ``release``, but asks for nobody's
        confirmation."""
        self._check("reject_hold", actor, reason)
        return self._ledger.reject(holds, reason=reason.strip(), actor=actor, now=self._clock())

    def _check(self, action: str, actor: Actor, reason: str) -> None:
        access.require(actor, Role.MANAGER, action)
        if not reason.strip():
            raise NotPossibleError(cause="hold_reason_missing")
