"""The second person: what another manager must confirm, asking for it, and confirming or denying (PRODUCT 9)."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from stfc.domain.approval import correction_subject, release_subject, rerate_subject, reversal_subject
from stfc.domain.competence import Competence
from stfc.domain.money import plain
from stfc.domain.parameter import Parameter
from stfc.domain.rerating import RerateTotals
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services import access, confirmation
from stfc.services.parameters import Parameters
from stfc.services.ports import Actor, Approval, ApprovalLedger, BatchLedger, Clock, CorrectionRow, HoldRow

Acts = Mapping[str, Callable[[Approval, Actor], object]]
"""What each ``Approval.action`` does once another manager confirms it."""
_SHOWN = 200


class SecondPerson:
    """Asks for another manager's confirmation where a parameter wants it; the acts' services call it first."""

    def __init__(self, ledger: ApprovalLedger, batches: BatchLedger, parameters: Parameters, clock: Clock) -> None:
        self._ledger = ledger
        self._batches = batches
        self._parameters = parameters
        self._clock = clock

    def before_reversal(self, batch: int, contracts: Collection[str] | None, actor: Actor, *, reason: str) -> None:
        """Let a reversal pass, or ask for its confirmation (``ApprovalRequestedError``); nothing is reversed then."""
        access.require(actor, Role.OPERATOR, "reverse")
        if not self.confirms_reversals:
            return
        summary = self._batches.show(batch)
        items = [] if contracts is None else self._batches.items(batch, contracts=contracts)[1]
        amount = summary.amount if contracts is None else sum(one.amount or 0 for one in items if not one.reversed)
        count = summary.live["charged"] + summary.live["zero"] + summary.live["held"]
        shown = {
            "competence": str(summary.competence),
            "charges": count if contracts is None else len(items),
            "amount": plain(amount),
        }
        self._ask("batch.reverse", reversal_subject(batch, contracts), shown, actor, reason)

    def before_release(self, holds: Collection[HoldRow], actor: Actor, *, reason: str) -> None:
        """Let a release pass, or ask for its confirmation when any of ``holds`` is above the parameter's value."""
        access.require(actor, Role.MANAGER, "release_hold")
        limit = self._parameters.value(Parameter.SECOND_PERSON_ABOVE)
        if not limit or all(one.amount <= limit for one in holds):
            return
        shown = {
            "competence": ", ".join(sorted({str(one.competence) for one in holds})),
            "charges": len(holds),
            "amount": plain(sum(one.amount for one in holds)),
        }
        self._ask("hold.release", release_subject([one.hold for one in holds]), shown, actor, reason)

    def before_charging_again(self, correction: CorrectionRow, actor: Actor, *, reason: str) -> None:
        """Let a corrected file be charged again, or ask for its confirmation: to charge again is to reverse."""
        access.require(actor, Role.MANAGER, "settle_file")
        if not self.confirms_reversals:
            return
        shown = {"competence": str(correction.competence), "charges": 1, "amount": plain(correction.charged)}
        self._ask("file.charge_again", correction_subject(correction.correction), shown, actor, reason)

    @property
    def confirms_reversals(self) -> bool:
        """Whether what reverses a charge waits for another manager."""
        return bool(self._parameters.value(Parameter.SECOND_PERSON_REVERSAL))

    def before_rerating(
        self,
        competence: Competence,
        contracts: Collection[str] | None,
        plan: str | None,
        changes: RerateTotals,
        actor: Actor,
        *,
        reason: str,
    ) -> None:
        """Let ``changes`` to a charged month pass, or ask for their confirmation: to charge anew is to reverse."""
        access.require(actor, Role.MANAGER, "rerate")
        if not self.confirms_reversals or not changes.contracts:
            return
        shown = {
            "competence": str(competence),
            "charges": changes.contracts,
            "amount": plain(changes.charged),
            "new_amount": plain(changes.amount),
        }
        subject = rerate_subject(competence, contracts, plan, changes.amount)
        self._ask("charge.rerate", subject, shown, actor, reason)

    def _ask(
        self, action: str, subject: Mapping[str, Any], shown: Mapping[str, Any], actor: Actor, reason: str
    ) -> NoReturn:
        hours = self._parameters.value(Parameter.APPROVAL_HOURS)
        confirmation.ask(self._ledger, action, subject, shown, actor, reason=reason, now=self._clock(), hours=hours)


class Approvals:
    """List for every role; approve and deny, the acts of another manager than the one who asked."""

    def __init__(self, ledger: ApprovalLedger, acts: Acts, clock: Clock) -> None:
        self._ledger = ledger
        self._acts = acts
        self._clock = clock

    def pending(self) -> list[Approval]:
        """What waits for a second person, newest first."""
        return self._ledger.newest(now=self._clock(), limit=_SHOWN, pending=True)

    def newest(self) -> list[Approval]:
        """The last requests, whatever became of them."""
        return self._ledger.newest(now=self._clock(), limit=_SHOWN)

    def approve(self, approval: int, actor: Actor) -> Approval:
        """Confirm a request and do what it asks for, in one transaction: once, whoever else presses.

        Raises:
            NotAllowedError: the actor is no manager.
            NotFoundError: no such request.
            NotPossibleError: it is the actor's own, does not wait any more, or the act is not possible by now.
        """
        access.require(actor, Role.MANAGER, "approve")
        asked = self._ledger.show(approval, now=self._clock())
        if asked.status != "pending":
            # Said before the act is worked out, which can cost much; its own transaction asks again.
            raise NotPossibleError(cause="approval_over", approval=approval, status=asked.status)
        self._acts[asked.action](asked, actor)
        return self._ledger.show(approval, now=self._clock())

    def deny(self, approval: int, actor: Actor, *, reason: str) -> Approval:
        """End a request without the act; raises as ``approve``, and ``NotPossibleError`` without a reason."""
        access.require(actor, Role.MANAGER, "deny")
        if not reason.strip():
            raise NotPossibleError(cause="deny_reason_missing")
        return self._ledger.deny(approval, reason=reason.strip(), actor=actor, now=self._clock())
