"""The ledger's tables (ARCHITECTURE, four stores). Money in centavos, instants in microseconds since 1970 UTC.

What matters most is held by the store itself: the unique index ``one_live_item`` allows one batch item on its way,
done or held per (contract, competence), and ``one_live_charge`` one live charge (PRODUCT 5, *Never twice*).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from stfc.domain.outcome import LIVE_OUTCOMES, ItemOutcome

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An aware instant as it is stored: whole microseconds since 1970 UTC."""
    return (at - _EPOCH) // _MICROSECOND


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant, stored as whole microseconds: the same in SQLite and PostgreSQL, exact and sortable."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds since 1970 of an aware instant."""
        return None if value is None else micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """The aware UTC instant again."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


Key = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Text keys compare by bytes in both stores, so that order and ranges agree with Python's and Polars'."""
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite numbers rows by itself only for an INTEGER key."""

AUDIT_START = 64 * "0"
"""What the first line of the audit trail is bound to."""

metadata = sa.MetaData()

state = sa.Table(
    "state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("snapshot", sa.Integer),
    sa.Column("last_number", sa.Integer, nullable=False),
    sa.Column("imported_at", Instant),
    sa.Column("provisioning_revision", sa.BigInteger, nullable=False),
    # The head of the audit trail: how many lines it has and the hash of the last, so that a tail cut off is missed.
    sa.Column("audit_lines", sa.BigInteger, nullable=False),
    sa.Column("audit_hash", sa.String, nullable=False),
)

months = sa.Table(
    "months",
    metadata,
    sa.Column("competence", Key, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    # Set while the month is closed: what was frozen, and the report of that moment.
    sa.Column("closed_at", Instant),
    sa.Column("closed_by", sa.String),
    sa.Column("checksum", sa.String),
    sa.Column("report", sa.Text),
    # Set once the month's calls were let go by retention.
    sa.Column("purged_at", Instant),
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("snapshot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("imported_at", Instant, nullable=False),
    sa.Column("imported_by", sa.String, nullable=False),
    sa.Column("rows", sa.Text, nullable=False),
    sa.Column("discarded", sa.Boolean, nullable=False, default=False),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch", Serial, primary_key=True),
    sa.Column("competence", Key, nullable=False, index=True),
    sa.Column("snapshot", sa.Integer, nullable=False),
    sa.Column("request_key", sa.String, unique=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False, index=True),
    sa.Column("pause_code", sa.String),
    sa.Column("paused_at", Instant),
    sa.Column("started_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("idle_micros", sa.BigInteger, nullable=False, default=0),
    sa.Column("looks", sa.Integer, nullable=False, default=0),
    sa.Column("next_look_at", Instant),
    # What the run was expected to bring when it was opened, centavos: hindsight never changes it. Null if unknown.
    sa.Column("expected", sa.BigInteger),
    sa.Column("expected_low", sa.BigInteger),
    sa.Column("expected_high", sa.BigInteger),
)


def _revision() -> sa.Column[int]:
    """The revision that last changed a row, kept by every statement of SQLAlchemy's: the one that ``bump`` will give in
    the same transaction, or, for a change behind it, a later one, which costs a reader a second look at the row."""
    # Without a bound value: whoever compiles a statement for the driver itself has none to give.
    coming = sa.select(state.c.revision + sa.literal_column("1", sa.BigInteger)).scalar_subquery()
    return sa.Column("revision", sa.BigInteger, nullable=False, default=coming, onupdate=coming)


items = sa.Table(
    "items",
    metadata,
    sa.Column("item", Serial, primary_key=True),
    sa.Column("batch", sa.BigInteger, sa.ForeignKey("batches.batch"), nullable=False),
    sa.Column("competence", Key, nullable=False),
    sa.Column("contract", Key, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("reversed", sa.Boolean, nullable=False, default=False),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("slow", sa.Boolean, nullable=False, default=False),
    sa.Column("next_try_at", Instant),
    sa.Column("owner", Key),
    sa.Column("code", Key),
    sa.Column("rule", sa.String),
    sa.Column("facts", sa.Text),
    sa.Column("amount", sa.BigInteger),
    sa.Column("calls", sa.BigInteger),
    sa.Column("late", sa.Boolean, nullable=False, default=False),
    sa.Column("started_at", Instant),
    sa.Column("ended_at", Instant),
    # Of the file that was charged, both inclusive: what it was rated by. Null in what version 0001 charged.
    sa.Column("period_from", sa.Date),
    sa.Column("period_until", sa.Date),
    # What was expected of the contract when the batch was opened, as in ``batches``.
    sa.Column("expected", sa.BigInteger),
    sa.Column("expected_low", sa.BigInteger),
    sa.Column("expected_high", sa.BigInteger),
    _revision(),
    sa.Index("items_of_month", "competence", "revision"),
    sa.Index("one_item_per_batch", "batch", "contract", unique=True),
    sa.Index("items_of_contract", "contract", "competence"),
)


def is_outcome(outcome: ItemOutcome) -> sa.ColumnElement[bool]:
    """Whether an item has ``outcome``, which stands in the statement itself: only then a partial index serves it."""
    return items.c.outcome == sa.literal(outcome.value, literal_execute=True)


def _where(condition: sa.ColumnElement[bool]) -> dict[str, Any]:
    return {"sqlite_where": condition, "postgresql_where": condition}


_live = sa.and_(items.c.reversed == sa.false(), items.c.outcome.in_(sorted(LIVE_OUTCOMES)))
sa.Index("one_live_item", items.c.contract, items.c.competence, unique=True, **_where(_live))
# The queue and what workers hold stay small and cheap, however many items the ledger remembers.
sa.Index("items_waiting", items.c.batch, items.c.slow, items.c.contract, **_where(items.c.outcome == "waiting"))
sa.Index("items_running", items.c.owner, items.c.batch, items.c.contract, **_where(items.c.outcome == "running"))
sa.Index("items_late", items.c.batch, items.c.contract, **_where(items.c.outcome == "waiting_file"))

charges = sa.Table(
    "charges",
    metadata,
    sa.Column("charge", Serial, primary_key=True),
    sa.Column("item", sa.BigInteger, sa.ForeignKey("items.item"), nullable=False, unique=True),
    sa.Column("batch", sa.BigInteger, nullable=False),
    sa.Column("contract", Key, nullable=False),
    sa.Column("competence", Key, nullable=False),
    sa.Column("service", sa.String, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("dropped", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("source_sha256", sa.String, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("charges_of_month", "competence", "contract"),
)
_live_charge = charges.c.status.in_(["held", "live"])
sa.Index("one_live_charge", charges.c.contract, charges.c.competence, unique=True, **_where(_live_charge))
# Every claim asks which charges of its contracts wait for a manager: mostly none.
sa.Index("held_charges", charges.c.contract, **_where(charges.c.status == "held"))

eventual_values = sa.Table(
    "eventual_values",
    metadata,
    sa.Column("value_id", Key, primary_key=True),
    sa.Column("item", sa.BigInteger, nullable=False, index=True),
    sa.Column("batch", sa.BigInteger, nullable=False),
    sa.Column("contract", Key, nullable=False),
    sa.Column("service", sa.String),
    sa.Column("competence", Key, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("held", sa.Boolean, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("source_sha256", sa.String, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    _revision(),
    sa.Index("values_of_month", "competence", "contract"),
    sa.Index("changed_values", "competence", "revision"),
)

zero_events = sa.Table(
    "zero_events",
    metadata,
    sa.Column("event", Key, primary_key=True),
    sa.Column("item", sa.BigInteger, nullable=False, index=True),
    sa.Column("batch", sa.BigInteger, nullable=False),
    sa.Column("contract", Key, nullable=False),
    sa.Column("competence", Key, nullable=False),
    sa.Column("at", sa.Date, nullable=False),
    sa.Column("reversed", sa.Boolean, nullable=False),
    sa.Column("source_sha256", sa.String, nullable=False),
    _revision(),
    sa.Index("events_of_month", "competence", "contract"),
    sa.Index("changed_events", "competence", "revision"),
)

logs = sa.Table(
    "logs",
    metadata,
    sa.Column("log", Serial, primary_key=True),
    sa.Column("item", sa.BigInteger, nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("level", sa.String, nullable=False),
    sa.Column("step", sa.String, nullable=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("duration_ms", sa.Integer),
)

parts = sa.Table(
    "parts",
    metadata,
    sa.Column("part", Serial, primary_key=True),
    sa.Column("competence", Key, nullable=False, index=True),
    sa.Column("path", sa.String, nullable=False, unique=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("contract_first", Key, nullable=False),
    sa.Column("contract_last", Key, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("rollup", sa.BigInteger),
    sa.Column("retired_at", Instant),
    # Let go by retention: not live any more, but still what the month's closing froze.
    sa.Column("purged", sa.Boolean, nullable=False, server_default=sa.false()),
)
# A compacted month keeps the rows of the parts that it replaced; readers never walk over them.
sa.Index("live_parts", parts.c.competence, **_where(parts.c.live == sa.true()))

rollups = sa.Table(
    "rollups",
    metadata,
    sa.Column("rollup", Serial, primary_key=True),
    sa.Column("competence", Key, nullable=False, index=True),
    sa.Column("path", sa.String, nullable=False, unique=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("retired_at", Instant),
)
sa.Index("one_live_rollup", rollups.c.competence, unique=True, **_where(rollups.c.retired_at.is_(None)))

exclusions = sa.Table(
    "exclusions",
    metadata,
    sa.Column("claim", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("competence", Key, nullable=False, index=True),
    sa.Column("contract", Key, nullable=False, index=True),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("rollup", sa.BigInteger),
)
# An idle worker asks again and again whether there are any.
sa.Index("new_exclusions", exclusions.c.competence, **_where(exclusions.c.rollup.is_(None)))

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("owner", Key, primary_key=True),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("lease_until", Instant, nullable=False),
    # The last heartbeat by the worker's clock and by the ledger's own: the difference is what one of them is off.
    sa.Column("beat_at", Instant, nullable=False),
    sa.Column("noted_at", Instant, nullable=False),
)

platform = sa.Table(
    "platform",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("up", sa.Boolean, nullable=False),
    sa.Column("code", sa.String),
    sa.Column("since", Instant, nullable=False),
    sa.Column("latency_ms", sa.Integer),
    sa.Column("checked_at", Instant, nullable=False),
    sa.Column("next_check_at", Instant),
    sa.Column("not_before", Instant),
)

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("plan", Serial, primary_key=True),
    sa.Column("code", Key, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    # Whether a charge was priced by it: from then on it never changes.
    sa.Column("used", sa.Boolean, nullable=False),
    sa.Column("imported_at", Instant, nullable=False),
    sa.Column("imported_by", sa.String, nullable=False),
    sa.Index("one_version_a_day", "code", "valid_from", unique=True),
)

provisionings = sa.Table(
    "provisionings",
    metadata,
    sa.Column("provisioning", Serial, primary_key=True),
    sa.Column("contract", Key, nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("code", sa.String),
    sa.Column("facts", sa.Text, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("surface", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("facts", sa.Text, nullable=False),
    # Binds the line to all before it, see ``records.audit_hash``.
    sa.Column("hash", sa.String, nullable=False),
)

parameters = sa.Table(
    "parameters",
    metadata,
    sa.Column("name", Key, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("changed_by", sa.String, nullable=False),
)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("approval", Serial, primary_key=True),
    sa.Column("action", sa.String, nullable=False),
    # JSON: what the act is about, as its service takes it, and what it comes to.
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("requested_by", sa.String, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("decided_at", Instant),
    sa.Column("decided_by", sa.String),
    sa.Column("decision_reason", sa.String),
)
sa.Index("approvals_pending", approvals.c.expires_at, **_where(approvals.c.status == "pending"))

corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("correction", Serial, primary_key=True),
    # The charge or zero event whose file was replaced; another one after a reversal is another item.
    sa.Column("item", sa.BigInteger, sa.ForeignKey("items.item"), nullable=False),
    sa.Column("contract", Key, nullable=False),
    sa.Column("competence", Key, nullable=False),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("charged_sha256", sa.String, nullable=False),
    # What the platform's listing said of it; null where it said nothing.
    sa.Column("announced", sa.BigInteger),
    sa.Column("records", sa.BigInteger),
    sa.Column("seen_at", Instant, nullable=False),
    # open, replaced by another version, or settled: how, by whom, why, and what it made.
    sa.Column("status", sa.String, nullable=False),
    sa.Column("remedy", sa.String),
    sa.Column("decided_at", Instant),
    sa.Column("decided_by", sa.String),
    sa.Column("decision_reason", sa.String),
    sa.Column("value_id", sa.String),
    sa.Column("new_batch", sa.BigInteger),
    sa.Index("one_correction_a_version", "item", "sha256", unique=True),
    sa.Index("corrections_of_month", "competence", "contract"),
)
sa.Index("open_corrections", corrections.c.competence, **_where(corrections.c.status == "open"))

_REFUSE = "RAISE(ABORT, 'audit is append-only')"
_APPEND_ONLY = {
    "sqlite": (
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT {_REFUSE}; END",
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT {_REFUSE}; END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$",
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ),
}
for _store, _statements in _APPEND_ONLY.items():
    for _statement in _statements:
        # SQLAlchemy leaves the constructor untyped.
        _trigger = sa.DDL(_statement)  # type: ignore[no-untyped-call]
        sa.event.listen(audit, "after_create", _trigger.execute_if(dialect=_store))
