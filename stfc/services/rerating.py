"""Re-rating: a month that is not invoiced yet, priced again under corrected plan versions (PRODUCT 6, 7).

Seen first, contract by contract, then done by a manager: old charge out, new charge in, a chunk of contracts a
transaction. A run that is killed leaves each contract wholly old or wholly new, and running it again does the rest.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from stfc.domain.approval import rerate_subject
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.money import Centavos
from stfc.domain.outcome import ItemOutcome
from stfc.domain.rerating import Effect, Repriced, RerateTotals, totals
from stfc.domain.role import Role
from stfc.errors import NotFoundError, NotPossibleError
from stfc.services import access
from stfc.services.approvals import SecondPerson
from stfc.services.ports import (
    Actor,
    CallRerater,
    CallStore,
    ChargedItem,
    ChargedMonth,
    Clock,
    Confirmed,
    Evaluation,
    Replacement,
    Rerated,
    RerateLedger,
    SnapshotLedger,
    SnapshotStore,
)
from stfc.services.queries import ReadModel

CALLS_AT_ONCE = 100_000
"""Calls that are priced, written and charged at a time; a contract that has more comes alone."""
INVOICED = "invoiced"
"""The refusal of a charge whose value the ERP has invoiced; any other is the key of a rule."""


@dataclass(frozen=True)
class Preview:
    """What re-rating a competence would do: every contract that is charged, held or came to nothing, in order."""

    competence: Competence
    contracts: tuple[Repriced, ...]

    def of(self, effect: Effect) -> tuple[Repriced, ...]:
        """The contracts with that effect."""
        return tuple(one for one in self.contracts if one.effect is effect)

    @property
    def changes(self) -> RerateTotals:
        """Sums over what would be reversed and charged anew."""
        return totals(self.of(Effect.CHANGED))


@dataclass(frozen=True)
class Done:
    """What a re-rating did: ``batch`` holds the new charges, None where there are none. ``passed`` contracts were
    changed by somebody else meanwhile, and left alone; ``refused`` may not be charged anew."""

    competence: Competence
    batch: int | None
    totals: RerateTotals
    passed: tuple[str, ...]
    refused: tuple[Repriced, ...]


class Rerating:
    """Preview for every role; applying it is a manager's act."""

    def __init__(
        self,
        *,
        ledger: RerateLedger,
        rater: CallRerater,
        calls: CallStore,
        read_model: ReadModel,
        snapshots: SnapshotLedger,
        store: SnapshotStore,
        plan_of: Callable[[Path], Callable[[str], str | None]],
        clock: Clock,
        calls_at_once: int = CALLS_AT_ONCE,
        second: SecondPerson | None = None,
    ) -> None:
        """``plan_of`` gives, for a snapshot's folder, the plan that a contract names. ``second`` asks for another
        manager's confirmation where a parameter wants it."""
        self._ledger = ledger
        self._rater = rater
        self._calls = calls
        self._read_model = read_model
        self._snapshots = snapshots
        self._store = store
        self._plan_of = plan_of
        self._clock = clock
        self._calls_at_once = calls_at_once
        self._second = second

    def preview(
        self, competence: Competence, *, contracts: Collection[str] | None = None, plan: str | None = None
    ) -> Preview:
        """What every contract, or those of ``contracts`` and of ``plan``, would come to; changes nothing.

        Args:
            plan: a code, or the key of a version, whose code counts: the version of each call's day prices it.

        Raises:
            NotFoundError: no such plan, or one of ``contracts`` has nothing charged in the competence.
            NotPossibleError: nothing was ever imported.
        """
        run = self._run(competence, contracts, plan)
        return Preview(competence, tuple(one for _, rated in run.chunks() for one in rated.contracts))

    def apply(
        self,
        competence: Competence,
        actor: Actor,
        *,
        reason: str,
        contracts: Collection[str] | None = None,
        plan: str | None = None,
        request_key: str | None = None,
        expected: Centavos | None = None,
        approval: int | None = None,
    ) -> Done:
        """Reverse and charge anew all that changes; what does not is left as it is.

        Args:
            request_key: names this act: under the same one it is done once, and a killed run is taken up.
            expected: the sum of the new amounts as the preview said, which must still be so; None does not ask.
            approval: the request that the actor approves by it, see ``Approvals.approve``. It was made for ``expected``
                and is spent before the first charge: what a killed run leaves undone must be asked for again.

        Raises:
            NotAllowedError: the actor is no manager.
            NotPossibleError: no reason; the month is closed; plans or amounts are not those of the preview any more.
            ApprovalRequestedError: another manager must confirm that charges are reversed; nothing is yet.
            StaleSnapshotError: another dump was imported meanwhile; what is done by then stays done.
            StorageError: the calls cannot be read or written. Otherwise as ``preview``.
        """
        access.require(actor, Role.MANAGER, "rerate")
        if not reason.strip():
            raise NotPossibleError(cause="reason_missing")
        key = f"rerate:{competence}:{request_key or uuid.uuid4().hex}"
        batch = self._ledger.opened(key)
        run = self._run(competence, contracts, plan)
        is_other = expected is not None and batch is None and run.changes.amount != expected
        if is_other or (approval is not None and not run.changes.contracts):
            raise NotPossibleError(cause="rerate_changed", competence=str(competence))
        if self._second and self._second.confirms_reversals and approval is None:
            self._second.before_rerating(competence, contracts, plan, run.changes, actor, reason=reason.strip())
        confirmed = _confirmed(approval, competence, contracts, plan, expected)
        done: list[Repriced] = []
        passed: list[str] = []
        refused: list[Repriced] = []
        for some, rated in run.chunks():
            changed = [(i, r) for i, r in zip(some, rated.contracts, strict=True) if r.effect is Effect.CHANGED]
            refused += [one for one in rated.contracts if one.effect is Effect.REFUSED]
            if not changed:
                continue
            reserved = self._ledger.reserve(
                competence,
                [item.contract for item, _ in changed],
                batch=batch,
                snapshot=run.snapshot,
                request_key=key,
                actor=actor,
                now=self._clock(),
                confirmed=confirmed,
            )
            batch, confirmed = reserved.batch, None
            new = [Replacement(item, *reserved.claims[item.contract], repriced) for item, repriced in changed]
            replaced = self._replace(run, batch, new, rated, reason.strip(), actor)
            done += [repriced for _, repriced in changed if repriced.contract in replaced]
            passed += [item.contract for item, _ in changed if item.contract not in replaced]
        return Done(competence, batch, totals(done), tuple(passed), tuple(refused))

    def _replace(
        self, run: "_Run", batch: int, new: Sequence[Replacement], rated: Rerated, reason: str, actor: Actor
    ) -> frozenset[str]:
        calls = self._rater.claimed(rated.calls, {one.old.claim: one.claim for one in new})
        competence = run.month.competence
        part = self._calls.write(competence, calls) if calls.num_rows else None
        return self._ledger.replace(
            competence,
            batch,
            new,
            part,
            run.evaluation,
            invoiced=run.invoiced,
            plans=run.month.plans,
            reason=reason,
            actor=actor,
            now=self._clock(),
        )

    def _run(self, competence: Competence, contracts: Collection[str] | None, plan: str | None) -> "_Run":
        snapshot = self._snapshots.current()
        if snapshot is None:
            raise NotPossibleError(cause="no_snapshot")
        folder = self._store.folder(snapshot)
        month = self._ledger.charged(competence, contracts)
        missing = sorted(set(contracts or ()) - {item.contract for item in month.items})
        if missing:
            raise NotFoundError(kind="charged_contract", key=missing[0])
        if plan is not None:
            month = _of_plan(month, plan, self._plan_of(folder))
        evaluation = self._read_model.evaluate(snapshot, competence, [item.contract for item in month.items])
        invoiced = self._read_model.invoiced_values()
        return _Run(month, snapshot, folder, evaluation, invoiced, self._rater, self._calls_at_once)


@dataclass(frozen=True)
class _Run:
    """All that one re-rating starts from, of one moment."""

    month: ChargedMonth
    snapshot: int
    folder: Path
    evaluation: Evaluation
    invoiced: Collection[str]
    rater: CallRerater
    calls_at_once: int

    def chunks(self) -> Iterator[tuple[list[ChargedItem], Rerated]]:
        """The items in order, some at a time, and what they come to; who may not be charged anew says why."""
        for some in _slices(self.month.items, self.calls_at_once):
            rated = self.rater.rerate(self.month, some, self.folder)
            told = tuple(
                replace(one, refusal=self._refusal(item)) for item, one in zip(some, rated.contracts, strict=True)
            )
            yield some, Rerated(told, rated.calls)

    @cached_property
    def changes(self) -> RerateTotals:
        """Sums over what changes; all is priced for it, once."""
        return totals(one for _, rated in self.chunks() for one in rated.contracts if one.effect is Effect.CHANGED)

    def _refusal(self, item: ChargedItem) -> str | None:
        if item.value_id in self.invoiced and item.outcome is not ItemOutcome.ZERO:
            return INVOICED
        rule = self.evaluation.failed.get(item.contract, Rule.APPROVED)
        if rule is None and item.contract not in self.evaluation.services:
            rule = Rule.ACTIVE_SERVICE
        return rule.key if rule else None


def _confirmed(
    approval: int | None,
    competence: Competence,
    contracts: Collection[str] | None,
    plan: str | None,
    amount: Centavos | None,
) -> Confirmed | None:
    if approval is None:
        return None
    return Confirmed(approval, rerate_subject(competence, contracts, plan, amount or Centavos(0)))


def _slices(items: Sequence[ChargedItem], most: int) -> Iterator[list[ChargedItem]]:
    some: list[ChargedItem] = []
    calls = 0
    for item in items:
        if some and calls + item.calls > most:
            yield some
            some, calls = [], 0
        some.append(item)
        calls += item.calls
    if some:
        yield some


def _of_plan(month: ChargedMonth, plan: str, plan_of: Callable[[str], str | None]) -> ChargedMonth:
    code = plan.rpartition("@")[0] or plan
    known = {version.code for version in month.plans} | {version.key for version in month.plans}
    if plan not in known:
        raise NotFoundError(kind="plan", key=plan)
    return replace(month, items=tuple(item for item in month.items if plan_of(item.contract) == code))
