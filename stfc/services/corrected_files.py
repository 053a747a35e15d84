"""Corrected files: other versions of months already charged, noticed from the platform's listing (PRODUCT 5).

Nothing changes by itself: what is noticed is remembered, once, and shown until a manager settles it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.correction import FileDifference, Remedy
from stfc.domain.eligibility import Rule
from stfc.domain.money import Centavos
from stfc.domain.outcome import Charged, Held, Zero
from stfc.domain.role import Role
from stfc.errors import NotPossibleError, StaleSnapshotError
from stfc.services import access
from stfc.services.approvals import SecondPerson
from stfc.services.ports import (
    Actor,
    Arrived,
    ChunkSpec,
    ClaimedItem,
    Clock,
    CorrectionDecision,
    CorrectionLedger,
    CorrectionRow,
    CorrectionSource,
    FileComparer,
    MonthLedger,
    SettledCorrection,
    SnapshotLedger,
    SnapshotStore,
    SummitGateway,
)
from stfc.services.queries import InvoiceQuery, ReadModel

_SETTLED = 200


@dataclass(frozen=True)
class CheckedFiles:
    """What a look at a month's listing came to: ``listed`` files there, of which ``noticed`` are newly seen as
    corrected, and all corrections that are open by now."""

    competence: Competence
    listed: int
    noticed: int
    pending: tuple[CorrectionRow, ...]


@dataclass(frozen=True)
class CorrectedFile:
    """A corrected file as it can be settled. Centavos: ``charged`` is what the contract was charged so far, earlier
    complements and refunds (``settled``) included, ``amount`` what the new file comes to. ``into`` is the month that a
    complement or a refund goes to; ``remedies`` are what may be done."""

    row: CorrectionRow
    difference: FileDifference
    charged: Centavos
    amount: Centavos
    into: Competence
    remedies: tuple[Remedy, ...]
    settled: Centavos

    @property
    def change(self) -> Centavos:
        """How much more the new file comes to; negative if less."""
        return Centavos(self.amount - self.charged)


@dataclass(frozen=True)
class _Reading:
    """A corrected file, and the values invoiced by a snapshot that it was read beside."""

    file: CorrectedFile
    invoiced: set[str]
    snapshot: int


@dataclass(frozen=True)
class CorrectionParts:
    """What settling needs beside ledger and platform."""

    comparer: FileComparer
    read_model: ReadModel
    snapshots: SnapshotLedger
    store: SnapshotStore
    months: MonthLedger


class CorrectedFiles:
    """Look for corrected files, list what was found, show the difference, settle it."""

    def __init__(
        self,
        ledger: CorrectionLedger,
        gateway: Callable[[], SummitGateway],
        clock: Clock,
        parts: Callable[[], CorrectionParts],
        second: SecondPerson | None = None,
    ) -> None:
        """``parts`` is asked only when a file is read or settled: listing loads no engine. ``second`` asks for another
        manager's confirmation where a parameter wants it."""
        self._ledger = ledger
        self._gateway = gateway
        self._clock = clock
        self._parts = parts
        self._second = second

    def pending(self, competence: Competence | None = None, *, contract: str | None = None) -> list[CorrectionRow]:
        """The corrected files that wait for a decision, of one month or contract or of all."""
        return self._ledger.pending(competence, contract=contract)

    def settled(self) -> list[SettledCorrection]:
        """What was settled lately, newest first."""
        return self._ledger.settled(limit=_SETTLED)

    def check(self, competence: Competence, actor: Actor) -> CheckedFiles:
        """Ask the platform for the month's listing and remember what it corrects; twice is once.

        Raises:
            NotAllowedError: the actor is no operator.
            PlatformError: the platform does not answer, or is not configured.
        """
        access.require(actor, Role.OPERATOR, "check_files")
        listing = asyncio.run(self._listing(competence))
        noticed = self._ledger.note(competence, listing, now=self._clock())
        listed = sum(one.available for one in listing.values())
        return CheckedFiles(competence, listed, noticed, tuple(self._ledger.pending(competence)))

    async def _listing(self, competence: Competence) -> Mapping[str, Descriptor]:
        async with self._gateway() as gateway:
            return await gateway.month(competence)

    # --- One of them

    def difference(self, correction: int) -> CorrectedFile:
        """Fetch the new file and set it beside what was charged.

        Raises:
            NotFoundError: there is no such correction.
            NotPossibleError: it does not wait any more, the platform has yet another version, or it cannot be read.
            PlatformError: the platform does not answer, or is not configured.
        """
        return self._reading(correction).file

    def settle(
        self,
        correction: int,
        remedy: Remedy,
        actor: Actor,
        *,
        reason: str,
        expected: Centavos | None = None,
        approval: int | None = None,
    ) -> CorrectionDecision:
        """Settle a corrected file, once.

        ``CHARGE_AGAIN`` reverses the charge and queues the contract in one act; a worker then charges the new file by
        all the rules and checks. ``COMPLEMENT`` and ``REFUND`` put the difference into the contract's next month that
        is neither invoiced nor closed. ``DISMISS`` leaves everything as it is.

        Args:
            expected: the change that the preview said, which must still be so; None does not ask.
            approval: the request that the actor approves by it, see ``Approvals.approve``.

        Raises:
            NotAllowedError: the actor is no manager.
            NotPossibleError: without a reason, as ``difference``, or where the remedy does not fit: nothing changes.
            PlatformError: as ``difference``.
            ApprovalRequestedError: another manager must confirm that the charge is reversed.
        """
        access.require(actor, Role.MANAGER, "settle_file")
        reason = reason.strip()
        if not reason:
            raise NotPossibleError(cause="correction_reason_missing")
        if remedy is Remedy.DISMISS:
            return self._ledger.dismiss(correction, reason=reason, actor=actor, now=self._clock())
        while True:
            try:
                if remedy is Remedy.CHARGE_AGAIN:
                    return self._charge_again(correction, actor, reason, approval)
                return self._adjust(correction, remedy, actor, reason, expected)
            except StaleSnapshotError:
                # An import came between: what is invoiced may be another set now.
                continue

    def undo(self, correction: int, actor: Actor, *, reason: str) -> SettledCorrection:
        """Take back a complement, a refund or a dismissal, while the value is not invoiced; the file waits again.

        Raises:
            NotAllowedError: the actor is no manager.
            NotFoundError: there is no such correction.
            NotPossibleError: without a reason, or it stays as it is; a contract charged again is one: reverse that.
        """
        access.require(actor, Role.MANAGER, "settle_file")
        reason = reason.strip()
        if not reason:
            raise NotPossibleError(cause="correction_reason_missing")
        parts = self._parts()
        while True:
            snapshot = self._snapshot(parts)
            invoiced = parts.read_model.invoiced_values()
            try:
                return self._ledger.undo(
                    correction, invoiced=invoiced, snapshot=snapshot, reason=reason, actor=actor, now=self._clock()
                )
            except StaleSnapshotError:
                continue

    def _charge_again(self, correction: int, actor: Actor, reason: str, approval: int | None) -> CorrectionDecision:
        parts, source = self._parts(), self._ledger.source(correction)
        row, snapshot = source.row, self._snapshot(parts)
        invoiced = _invoiced(parts, source, snapshot)
        if source.value_id in invoiced:
            raise NotPossibleError(cause="correction_invoiced", contract=row.contract)
        evaluation = parts.read_model.evaluate(snapshot, row.competence, [row.contract])
        if rule := evaluation.failed.get(row.contract, Rule.APPROVED):
            # The worker would refuse it and the month would stay without any charge.
            raise NotPossibleError(cause="correction_refused", contract=row.contract, rule=rule.key)
        if self._second and approval is None:
            self._second.before_charging_again(row, actor, reason=reason)
        return self._ledger.charge_again(
            correction,
            invoiced=invoiced,
            snapshot=snapshot,
            reason=reason,
            actor=actor,
            now=self._clock(),
            approval=approval,
        )

    def _adjust(
        self, correction: int, remedy: Remedy, actor: Actor, reason: str, expected: Centavos | None
    ) -> CorrectionDecision:
        reading = self._reading(correction)
        found = reading.file
        wanted = found.change if remedy is Remedy.COMPLEMENT else -found.change
        if wanted <= 0:
            raise NotPossibleError(cause=f"correction_no_{remedy}", contract=found.row.contract)
        if expected is not None and found.change != expected:
            raise NotPossibleError(cause="correction_changed", contract=found.row.contract)
        return self._ledger.adjust(
            correction,
            amount=found.change,
            settled=found.settled,
            into=found.into,
            invoiced=reading.invoiced,
            snapshot=reading.snapshot,
            reason=reason,
            actor=actor,
            now=self._clock(),
        )

    def _reading(self, correction: int) -> _Reading:
        """The file, and what the ERP had invoiced in which snapshot; raises as ``difference``."""
        parts, source = self._parts(), self._ledger.source(correction)
        snapshot = self._snapshot(parts)
        row = source.row
        compared = parts.comparer.compare(_spec(source, parts.store.folder(snapshot)), self._arrived(row))
        outcome = compared.outcome
        if not isinstance(outcome, Charged | Held | Zero):
            code = getattr(outcome, "code", "")
            raise NotPossibleError(cause="correction_unreadable", contract=row.contract, code=code)
        amount = Centavos(0) if isinstance(outcome, Zero) else outcome.amount
        charged = Centavos(row.charged + source.settled)
        invoiced = _invoiced(parts, source, snapshot)
        file = CorrectedFile(
            row=row,
            difference=compared.difference,
            charged=charged,
            amount=amount,
            into=_month_open(parts, row),
            remedies=_remedies(amount - charged, is_invoiced=source.value_id in invoiced),
            settled=source.settled,
        )
        return _Reading(file, invoiced, snapshot)

    def _snapshot(self, parts: CorrectionParts) -> int:
        snapshot = parts.snapshots.current()
        if snapshot is None:
            raise NotPossibleError(cause="no_snapshot")
        return snapshot

    def _arrived(self, row: CorrectionRow) -> Arrived:
        """The file that was noticed; another one is somebody else's decision."""
        return asyncio.run(self._fetched(row))

    async def _fetched(self, row: CorrectionRow) -> Arrived:
        async with self._gateway() as gateway:
            descriptor = await gateway.descriptor(row.contract, row.competence)
            if not descriptor.available or descriptor.sha256 != row.sha256:
                raise NotPossibleError(
                    cause="correction_replaced", contract=row.contract, competence=str(row.competence)
                )
            return Arrived(descriptor, await gateway.fetch(descriptor))


def _spec(source: CorrectionSource, folder: Path) -> ChunkSpec:
    row = source.row
    item = ClaimedItem(row.item, source.claim, row.contract, 0)
    return ChunkSpec(row.batch, row.competence, (item,), folder, source.calls, plans=source.plans)


def _invoiced(parts: CorrectionParts, source: CorrectionSource, snapshot: int) -> set[str]:
    """The values that the ERP has invoiced, and this charge's where its month is invoiced without it: it can be charged
    again as little, and a charge of nothing has no value at all."""
    invoiced = parts.read_model.invoiced_values()
    contract, month = source.row.contract, source.row.competence
    is_over = parts.read_model.evaluate(snapshot, month, [contract]).failed.get(contract) is Rule.NOT_INVOICED
    return invoiced | {source.value_id} if is_over else invoiced


def _remedies(change: int, *, is_invoiced: bool) -> tuple[Remedy, ...]:
    if not is_invoiced:
        return Remedy.CHARGE_AGAIN, Remedy.DISMISS
    if not change:
        return (Remedy.DISMISS,)
    return Remedy.COMPLEMENT if change > 0 else Remedy.REFUND, Remedy.DISMISS


def _month_open(parts: CorrectionParts, row: CorrectionRow) -> Competence:
    """The contract's first month after the corrected one that is neither invoiced nor closed."""
    view = parts.read_model.view(row.competence)
    invoices = view.invoices(InvoiceQuery(contracts=(row.contract,), limit=None)).table
    taken = set(invoices["competence"].to_pylist()) | {
        str(one.competence) for one in parts.months.rows() if one.closing
    }
    month = row.competence.plus(1)
    while str(month) in taken:
        month = month.plus(1)
    return month
