"""Held charges: what waits for a manager, and the decision to release or to reject it (PRODUCT 7)."""

from collections.abc import Callable, Collection

from stfc.domain.competence import Competence
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services import access
from stfc.services.ports import Actor, Clock, HoldDecision, HoldLedger, HoldRow

_DECISIONS = 500


class Holds:
    """List for every role; release and reject, the acts of a manager."""

    def __init__(self, ledger: HoldLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

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

    def release(self, holds: Collection[int], actor: Actor, *, reason: str) -> list[HoldRow]:
        """Let ``holds`` end as charged: their values go to the ERP. All or none, and each once; gives them.

        Raises:
            NotAllowedError: the actor is no manager.
            NotFoundError: a charge that does not exist.
            NotPossibleError: without a reason, or one of them (named) does not wait any more.
        """
        return self._decide(self._ledger.release, "release_hold", holds, actor, reason)

    def reject(self, holds: Collection[int], actor: Actor, *, reason: str) -> list[HoldRow]:
        """Let ``holds`` end as a reversal: nothing is charged, their calls are out of every figure and the contracts
        are listed again. All or none, and each once; gives them. Raises as ``release``."""
        return self._decide(self._ledger.reject, "reject_hold", holds, actor, reason)

    def _decide(
        self, decide: Callable[..., list[HoldRow]], action: str, holds: Collection[int], actor: Actor, reason: str
    ) -> list[HoldRow]:
        access.require(actor, Role.MANAGER, action)
        if not reason.strip():
            raise NotPossibleError(cause="hold_reason_missing")
        return decide(holds, reason=reason.strip(), actor=actor, now=self._clock())
