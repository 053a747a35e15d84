"""The first ledger. What each table and index is for stands in ``stfc.adapters.ledger.schema``.

The types are written out here: a later schema must not change what this version made.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.BigInteger()
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table and the row that holds revision and snapshot."""
    _state()
    _batches()
    _results()
    _calls()
    _operation()
    _append_only()
    op.execute(
        sa.text(
            "INSERT INTO state (id, revision, last_number, provisioning_revision, audit_lines, audit_hash) "
            f"VALUES (1, 0, 0, 0, 0, '{64 * '0'}')"
        )
    )


def _state() -> None:
    op.create_table(
        "state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", sa.Integer(), nullable=True),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("imported_at", INSTANT, nullable=True),
        sa.Column("provisioning_revision", sa.BigInteger(), nullable=False),
        sa.Column("audit_lines", sa.BigInteger(), nullable=False),
        sa.Column("audit_hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "months",
        sa.Column("competence", KEY, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("checksum", sa.String(), nullable=True),
        sa.Column("report", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("competence"),
    )
    op.create_table(
        "snapshots",
        sa.Column("snapshot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("imported_at", INSTANT, nullable=False),
        sa.Column("imported_by", sa.String(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("discarded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot"),
    )


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("batch", SERIAL, nullable=False),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("snapshot", sa.Integer(), nullable=False),
        sa.Column("request_key", sa.String(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("pause_code", sa.String(), nullable=True),
        sa.Column("paused_at", INSTANT, nullable=True),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("idle_micros", sa.BigInteger(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("next_look_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("batch"),
        sa.UniqueConstraint("request_key"),
    )
    op.create_index("ix_batches_competence", "batches", ["competence"])
    op.create_index("ix_batches_status", "batches", ["status"])
    op.create_table(
        "items",
        sa.Column("item", SERIAL, nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("contract", KEY, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reversed", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("slow", sa.Boolean(), nullable=False),
        sa.Column("next_try_at", INSTANT, nullable=True),
        sa.Column("owner", KEY, nullable=True),
        sa.Column("code", KEY, nullable=True),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("calls", sa.BigInteger(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item"),
        sa.ForeignKeyConstraint(["batch"], ["batches.batch"]),
    )
    op.create_index("one_item_per_batch", "items", ["batch", "contract"], unique=True)
    op.create_index("items_of_contract", "items", ["contract", "competence"])
    op.create_index("items_of_month", "items", ["competence", "revision"])
    live = "outcome IN ('charged', 'held', 'running', 'waiting', 'waiting_file', 'zero')"
    op.create_index(
        "one_live_item",
        "items",
        ["contract", "competence"],
        unique=True,
        sqlite_where=sa.text(f"reversed = 0 AND {live}"),
        postgresql_where=sa.text(f"reversed = false AND {live}"),
    )
    for name, columns, outcome in (
        ("items_waiting", ["batch", "slow", "contract"], "waiting"),
        ("items_running", ["owner", "batch", "contract"], "running"),
        ("items_late", ["batch", "contract"], "waiting_file"),
    ):
        where = sa.text(f"outcome = '{outcome}'")
        op.create_index(name, "items", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "logs",
        sa.Column("log", SERIAL, nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("log"),
    )
    op.create_index("ix_logs_item", "logs", ["item"])


def _results() -> None:
    op.create_table(
        "charges",
        sa.Column("charge", SERIAL, nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("contract", KEY, nullable=False),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("source_sha256", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("charge"),
        sa.ForeignKeyConstraint(["item"], ["items.item"]),
        sa.UniqueConstraint("item"),
    )
    op.create_index("charges_of_month", "charges", ["competence", "contract"])
    live = sa.text("status IN ('held', 'live')")
    op.create_index(
        "one_live_charge",
        "charges",
        ["contract", "competence"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_table(
        "eventual_values",
        sa.Column("value_id", KEY, nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("contract", KEY, nullable=False),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("source_sha256", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("value_id"),
    )
    op.create_index("ix_eventual_values_item", "eventual_values", ["item"])
    op.create_index("values_of_month", "eventual_values", ["competence", "contract"])
    op.create_index("changed_values", "eventual_values", ["competence", "revision"])
    op.create_table(
        "zero_events",
        sa.Column("event", KEY, nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("contract", KEY, nullable=False),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("at", sa.Date(), nullable=False),
        sa.Column("reversed", sa.Boolean(), nullable=False),
        sa.Column("source_sha256", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event"),
    )
    op.create_index("ix_zero_events_item", "zero_events", ["item"])
    op.create_index("events_of_month", "zero_events", ["competence", "contract"])
    op.create_index("changed_events", "zero_events", ["competence", "revision"])


def _calls() -> None:
    op.create_table(
        "parts",
        sa.Column("part", SERIAL, nullable=False),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("contract_first", KEY, nullable=False),
        sa.Column("contract_last", KEY, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("rollup", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("part"),
        sa.UniqueConstraint("path"),
    )
    op.create_index("ix_parts_competence", "parts", ["competence"])
    op.create_index(
        "live_parts",
        "parts",
        ["competence"],
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live = true"),
    )
    op.create_table(
        "rollups",
        sa.Column("rollup", SERIAL, nullable=False),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("rollup"),
        sa.UniqueConstraint("path"),
    )
    op.create_index("ix_rollups_competence", "rollups", ["competence"])
    live = sa.text("retired_at IS NULL")
    op.create_index("one_live_rollup", "rollups", ["competence"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_table(
        "exclusions",
        sa.Column("claim", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("contract", KEY, nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("rollup", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("claim"),
    )
    op.create_index("ix_exclusions_competence", "exclusions", ["competence"])
    op.create_index("ix_exclusions_contract", "exclusions", ["contract"])
    new = sa.text("rollup IS NULL")
    op.create_index("new_exclusions", "exclusions", ["competence"], sqlite_where=new, postgresql_where=new)


def _operation() -> None:
    op.create_table(
        "workers",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("lease_until", INSTANT, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("owner"),
    )
    op.create_table(
        "platform",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("up", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("checked_at", INSTANT, nullable=False),
        sa.Column("next_check_at", INSTANT, nullable=True),
        sa.Column("not_before", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "plans",
        sa.Column("plan", SERIAL, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.Column("imported_at", INSTANT, nullable=False),
        sa.Column("imported_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("plan"),
    )
    op.create_index("one_version_a_day", "plans", ["code", "valid_from"], unique=True)
    op.create_table(
        "provisionings",
        sa.Column("provisioning", SERIAL, nullable=False),
        sa.Column("contract", KEY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provisioning"),
    )
    op.create_index("ix_provisionings_contract", "provisionings", ["contract"])
    op.create_table(
        "audit",
        sa.Column("seq", SERIAL, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("surface", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )


def _append_only() -> None:
    """Let the store itself refuse to change or remove a line of the audit trail."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER audit_no_{act} BEFORE {act.upper()} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )
