"""Other versions of files of months already charged (ports.CorrectionLedger)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.approvals import spend
from stfc.adapters.ledger.database import Database, bump, confirm_snapshot, refuse_closed
from stfc.adapters.ledger.months import is_purged
from stfc.adapters.ledger.parts import read_live_calls
from stfc.adapters.ledger.plans import read_versions
from stfc.adapters.ledger.records import audit, claim_id, correction_value_id, insert, value_id
from stfc.adapters.ledger.reversal import reverse_items
from stfc.adapters.ledger.sets import among
from stfc.domain.approval import correction_subject
from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.contract import ValueKind
from stfc.domain.correction import Remedy
from stfc.domain.money import Centavos, cut, plain
from stfc.domain.outcome import DONE_OUTCOMES, ItemOutcome
from stfc.errors import NotFoundError, NotPossibleError
from stfc.services.ports import Actor, CorrectionDecision, CorrectionRow, CorrectionSource, LogLine, SettledCorrection

values, batches = schema.eventual_values, schema.batches
corrections, items, charges, events = schema.corrections, schema.items, schema.charges, schema.zero_events

_OPEN, _REPLACED, _SETTLED = "open", "replaced", "settled"


class SqlCorrectionLedger:
    """``ports.CorrectionLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def charged_months(self) -> list[Competence]:
        """The competences, newest first, in which anything is charged or came out at zero."""
        query = (
            sa.select(items.c.competence)
            .where(items.c.outcome.in_(sorted(DONE_OUTCOMES)), ~items.c.reversed)
            .distinct()
        )
        with self._database.read() as connection:
            found = connection.execute(query.order_by(items.c.competence.desc())).scalars()
            return [Competence.parse(one) for one in found]

    def note(self, competence: Competence, listing: Mapping[str, Descriptor], *, now: datetime) -> int:
        """Remember what ``listing`` announces of another version than was charged; gives how many are new."""
        with self._database.read() as connection:
            if not _changes(connection, competence, listing, now):
                return 0
        with self._database.write() as connection:
            # Read again under the write lock: of several that saw the same listing one writes.
            changes = _changes(connection, competence, listing, now)
            insert(connection, corrections, changes.new)
            _set(connection, changes.replaced, _REPLACED)
            _set(connection, changes.again, _OPEN)
            if changes:
                bump(connection, competence)
            return len(changes.new) + len(changes.again)

    def pending(self, competence: Competence | None = None, *, contract: str | None = None) -> list[CorrectionRow]:
        """The open ones whose charge still stands, newest month first, then by contract."""
        query = (
            _corrections()
            .where(corrections.c.status == sa.literal(_OPEN, literal_execute=True), ~items.c.reversed)
            .order_by(corrections.c.competence.desc(), corrections.c.contract)
        )
        if competence:
            query = query.where(corrections.c.competence == str(competence))
        if contract is not None:
            query = query.where(corrections.c.contract == contract)
        with self._database.read() as connection:
            return [_row(one) for one in connection.execute(query)]

    def settled(self, *, limit: int) -> list[SettledCorrection]:
        """The settled ones, newest first."""
        query = _settlements().where(corrections.c.status == _SETTLED)
        newest = query.order_by(corrections.c.decided_at.desc(), corrections.c.correction.desc()).limit(limit)
        with self._database.read() as connection:
            return [_settlement(one) for one in connection.execute(newest)]

    def source(self, correction: int) -> CorrectionSource:
        """What an open correction is settled from, of one moment."""
        with self._database.read() as connection:
            row = _open(connection, correction)
            if is_purged(connection, Competence.parse(row.competence)):
                raise NotPossibleError(cause="month_purged", competence=row.competence)
            return CorrectionSource(
                row=_row(row),
                value_id=value_id(row.item),
                claim=claim_id(row.item, row.attempt),
                settled=_settled(connection, row.item),
                calls=read_live_calls(connection, contracts=(row.contract, row.contract)),
                plans=read_versions(connection),
            )

    def charge_again(
        self,
        correction: int,
        *,
        invoiced: Collection[str],
        snapshot: int,
        reason: str,
        actor: Actor,
        now: datetime,
        approval: int | None = None,
    ) -> CorrectionDecision:
        """Reverse the charge and queue its contract, in one transaction: never neither, never both charges live."""
        with self._database.write() as connection:
            confirm_snapshot(connection, snapshot)
            row = _open(connection, correction)
            competence = Competence.parse(row.competence)
            refuse_closed(connection, competence)
            if value_id(row.item) in invoiced:
                raise NotPossibleError(cause="correction_invoiced", contract=row.contract)
            if approval is not None:
                spend(connection, approval, "file.charge_again", correction_subject(correction), actor, now)
            line = LogLine(now, "warning", "result", "reversed", {"who": actor.name, "reason": reason})
            reverse_items(connection, [row], line, status="reversed")
            made = {"new_batch": _queued(connection, row, snapshot, actor, now)}
            return _decided(connection, row, Remedy.CHARGE_AGAIN, made, reason, actor, now)

    def adjust(
        self,
        correction: int,
        *,
        amount: Centavos,
        settled: Centavos,
        into: Competence,
        invoiced: Collection[str],
        snapshot: int,
        reason: str,
        actor: Actor,
        now: datetime,
    ) -> CorrectionDecision:
        """Add a complement, or a refund where ``amount`` is negative, to ``into``; the charge stays as it is."""
        with self._database.write() as connection:
            confirm_snapshot(connection, snapshot)
            row = _open(connection, correction)
            if value_id(row.item) not in invoiced:
                raise NotPossibleError(cause="correction_not_invoiced", contract=row.contract)
            if _settled(connection, row.item) != settled:
                raise NotPossibleError(cause="correction_changed", contract=row.contract)
            refuse_closed(connection, into)
            value = {
                "value_id": _next_value_id(connection, row.correction),
                "item": row.item,
                "batch": row.batch,
                "contract": row.contract,
                # None: rule 7 must not keep the contract out of that month (PRODUCT 5).
                "service": None,
                "competence": str(into),
                "kind": (ValueKind.ADDITION if amount > 0 else ValueKind.DISCOUNT).value,
                "amount": abs(amount),
                "held": False,
                "deleted": False,
                "reason": reason,
                "source_sha256": row.sha256,
                "created_at": now,
            }
            connection.execute(sa.insert(values).values(**value))
            remedy = Remedy.COMPLEMENT if amount > 0 else Remedy.REFUND
            made = {"value_id": value["value_id"]}
            return _decided(connection, row, remedy, made, reason, actor, now, amount=Centavos(abs(amount)), into=into)

    def dismiss(self, correction: int, *, reason: str, actor: Actor, now: datetime) -> CorrectionDecision:
        """Leave the charge as it is."""
        with self._database.write() as connection:
            row = _open(connection, correction)
            return _decided(connection, row, Remedy.DISMISS, {}, reason, actor, now)

    def undo(
        self, correction: int, *, invoiced: Collection[str], snapshot: int, reason: str, actor: Actor, now: datetime
    ) -> SettledCorrection:
        """Let a correction wait again, without the value that settled it."""
        with self._database.write() as connection:
            confirm_snapshot(connection, snapshot)
            row = connection.execute(_settlements().where(corrections.c.correction == correction)).first()
            if row is None:
                raise NotFoundError(kind="correction", key=str(correction))
            _refuse_undo(connection, row, invoiced)
            done = _settlement(row)
            connection.execute(sa.update(values).where(values.c.value_id == row.value_id).values(deleted=True))
            nothing = dict.fromkeys(("remedy", "decided_at", "decided_by", "decision_reason", "value_id"))
            status = _REPLACED if _newer(connection, row, _OPEN) else _OPEN
            of_row = corrections.c.correction == correction
            connection.execute(sa.update(corrections).where(of_row).values(status=status, **nothing))
            facts = {
                "contract": row.contract,
                "competence": row.competence,
                "how": row.remedy,
                "value_id": row.value_id,
            }
            audit(connection, actor, now, "file.undo", f"correction {correction}", reason=reason, facts=facts)
            into = done.decision.into
            bump(connection, done.row.competence, *([into] if into else []))
            return done


def _corrections() -> sa.Select[Any]:
    names = ("batch", "amount", "outcome", "attempt", "calls", "reversed")
    joined = corrections.join(items, items.c.item == corrections.c.item)
    return sa.select(corrections, *(items.c[name] for name in names)).select_from(joined)


def _settlements() -> sa.Select[Any]:
    """Corrections and their items as ``_corrections``, beside the value that settled them, if one did."""
    amounts = (values.c.amount.label("settled_amount"), values.c.competence.label("into"), values.c.deleted)
    return _corrections().add_columns(*amounts).outerjoin(values, values.c.value_id == corrections.c.value_id)


def _settlement(row: sa.Row[Any]) -> SettledCorrection:
    decision = CorrectionDecision(
        row.correction,
        row.contract,
        Competence.parse(row.competence),
        Remedy(row.remedy),
        row.new_batch,
        row.value_id,
        None if row.settled_amount is None else Centavos(row.settled_amount),
        Competence.parse(row.into) if row.into else None,
    )
    is_over = bool(row.deleted) or (row.reversed and row.new_batch is None)
    return SettledCorrection(_row(row), decision, row.decided_at, row.decided_by, row.decision_reason, is_over)


def _refuse_undo(connection: Connection, row: sa.Row[Any], invoiced: Collection[str]) -> None:
    """Raise where what settled the correction stays as it is."""
    cause = None
    if row.status == _SETTLED and row.remedy == Remedy.CHARGE_AGAIN:
        cause = "correction_undo_charged"
    elif row.status != _SETTLED or row.reversed:
        cause = "correction_undo_over"
    elif row.value_id in invoiced:
        cause = "correction_undo_invoiced"
    elif row.value_id and _newer(connection, row, _SETTLED):
        cause = "correction_undo_later"
    if cause:
        raise NotPossibleError(cause=cause, correction=row.correction, contract=row.contract)
    if row.into:
        refuse_closed(connection, Competence.parse(row.into))


def _newer(connection: Connection, row: sa.Row[Any], status: str) -> bool:
    """Whether a correction of ``status`` came after this one to the same charge."""
    of_item = (
        corrections.c.item == row.item,
        corrections.c.correction > row.correction,
        corrections.c.status == status,
    )
    return connection.execute(sa.select(corrections.c.correction).where(*of_item).limit(1)).first() is not None


def _next_value_id(connection: Connection, correction: int) -> str:
    first = correction_value_id(correction)
    made = values.c.value_id.startswith(f"{first}-", autoescape=True) | (values.c.value_id == first)
    before: int = connection.execute(sa.select(sa.func.count()).where(made)).scalar_one()
    return correction_value_id(correction, before + 1)


def _open(connection: Connection, correction: int) -> sa.Row[Any]:
    """The correction and its item, which still wait; under the write lock where the transaction writes."""
    row = connection.execute(_corrections().where(corrections.c.correction == correction)).first()
    if row is None:
        raise NotFoundError(kind="correction", key=str(correction))
    if row.status != _OPEN or row.reversed:
        raise NotPossibleError(cause="correction_decided", correction=correction, contract=row.contract)
    return row


def _settled(connection: Connection, item: int) -> Centavos:
    """What live complements and refunds have added to the item's charge."""
    of_item = (values.c.item == item, values.c.service.is_(None), ~values.c.deleted)
    found = connection.execute(sa.select(values.c.kind, values.c.amount).where(*of_item))
    return Centavos(sum(row.amount if row.kind == ValueKind.ADDITION else -row.amount for row in found))


def _queued(connection: Connection, row: sa.Row[Any], snapshot: int, actor: Actor, now: datetime) -> int:
    """A batch of the one contract, waiting for a worker, which asks the platform and every rule again."""
    batch = {
        "competence": row.competence,
        "snapshot": snapshot,
        # Unique: not even a defect here opens two.
        "request_key": f"correction-{row.correction}",
        "created_at": now,
        "created_by": actor.name,
        "status": "waiting",
    }
    number: int = connection.execute(sa.insert(batches).values(**batch).returning(batches.c.batch)).scalar_one()
    item = {"batch": number, "competence": row.competence, "contract": row.contract}
    connection.execute(sa.insert(items).values(**item, outcome=ItemOutcome.WAITING.value))
    return number


def _decided(
    connection: Connection,
    row: sa.Row[Any],
    remedy: Remedy,
    made: Mapping[str, Any],
    reason: str,
    actor: Actor,
    now: datetime,
    *,
    amount: Centavos | None = None,
    into: Competence | None = None,
) -> CorrectionDecision:
    decision = {"status": _SETTLED, "remedy": remedy.value, "decision_reason": reason}
    by = {"decided_at": now, "decided_by": actor.name}
    of_row = corrections.c.correction == row.correction
    connection.execute(sa.update(corrections).where(of_row).values(**decision, **by, **made))
    facts: dict[str, Any] = {"contract": row.contract, "competence": row.competence, "sha256": row.sha256, **made}
    if amount is not None:
        facts |= {"amount": plain(amount), "into": str(into)}
    action = f"file.{remedy.name.lower()}"
    audit(connection, actor, now, action, f"correction {row.correction}", reason=reason, facts=facts)
    competence = Competence.parse(row.competence)
    bump(connection, competence, *([into] if into else []))
    batch, value = made.get("new_batch"), made.get("value_id")
    return CorrectionDecision(row.correction, row.contract, competence, remedy, batch, value, amount, into)


class _Changes:
    """What a listing changes: rows to add, and the keys of those that another version replaced or that came again."""

    def __init__(self) -> None:
        self.new: list[dict[str, Any]] = []
        self.replaced: list[int] = []
        self.again: list[int] = []

    def __bool__(self) -> bool:
        return bool(self.new or self.replaced or self.again)


def _changes(
    connection: Connection, competence: Competence, listing: Mapping[str, Descriptor], now: datetime
) -> _Changes:
    known: dict[int, list[sa.Row[Any]]] = {}
    for row in connection.execute(sa.select(corrections).where(corrections.c.competence == str(competence))):
        known.setdefault(row.item, []).append(row)
    changes = _Changes()
    for charged in _charged(connection, competence):
        announced = listing.get(charged.contract)
        if announced is None or not announced.available or announced.sha256 is None:
            continue
        seen = known.get(charged.item, [])
        changes.replaced += [r.correction for r in seen if r.status == _OPEN and r.sha256 != announced.sha256]
        if announced.sha256 == charged.source_sha256:
            continue
        same = [row for row in seen if row.sha256 == announced.sha256]
        changes.again += [row.correction for row in same if row.status == _REPLACED]
        if not same:
            changes.new.append(_new(charged, competence, announced, now))
    return changes


def _charged(connection: Connection, competence: Competence) -> Sequence[sa.Row[Any]]:
    """contract, item and source_sha256 of all that stands charged, held or at zero in the competence."""
    live = sa.select(charges.c.contract, charges.c.item, charges.c.source_sha256).where(
        charges.c.competence == str(competence), charges.c.status.in_(["held", "live"])
    )
    zero = sa.select(events.c.contract, events.c.item, events.c.source_sha256).where(
        events.c.competence == str(competence), ~events.c.reversed
    )
    return connection.execute(sa.union_all(live, zero)).all()


def _new(charged: sa.Row[Any], competence: Competence, announced: Descriptor, now: datetime) -> dict[str, Any]:
    return {
        "item": charged.item,
        "contract": charged.contract,
        "competence": str(competence),
        "sha256": announced.sha256,
        "charged_sha256": charged.source_sha256,
        "announced": None if announced.amount is None else cut(announced.amount),
        "records": announced.records,
        "seen_at": now,
        "status": _OPEN,
    }


def _set(connection: Connection, keys: Sequence[int], status: str) -> None:
    if keys:
        connection.execute(sa.update(corrections).where(among(corrections.c.correction, keys)).values(status=status))


def _row(row: sa.Row[Any]) -> CorrectionRow:
    return CorrectionRow(
        correction=row.correction,
        item=row.item,
        batch=row.batch,
        contract=row.contract,
        competence=Competence.parse(row.competence),
        sha256=row.sha256,
        charged_sha256=row.charged_sha256,
        charged=Centavos(row.amount or 0),
        announced=None if row.announced is None else Centavos(row.announced),
        is_held=row.outcome == ItemOutcome.HELD,
        seen_at=row.seen_at,
    )
