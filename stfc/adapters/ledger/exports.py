"""What the ledger hands back to the ERP of one competence (ERP_IMPORT; ports.ExportLedger)."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.images import as_arrow
from stfc.adapters.ledger.months import is_purged
from stfc.adapters.ledger.parts import read_live_calls
from stfc.adapters.ledger.records import claim_id
from stfc.domain.competence import Competence
from stfc.domain.money import reais
from stfc.domain.outcome import DONE_OUTCOMES
from stfc.errors import NotPossibleError
from stfc.services.ports import ExportImage

charges, values, events, items = schema.charges, schema.eventual_values, schema.zero_events, schema.items

_MONEY = pa.decimal128(18, 2)
_INSTANT = pa.timestamp("us", "UTC")

CHARGES = pa.schema(
    [
        ("charge", pa.int64()),
        ("contract", pa.string()),
        ("competence", pa.string()),
        ("service", pa.string()),
        ("amount", _MONEY),
        ("calls", pa.int64()),
        ("status", pa.string()),
        ("batch", pa.int64()),
        ("source_sha256", pa.string()),
    ]
)
EVENTUAL_VALUES = pa.schema(
    [
        ("value_id", pa.string()),
        ("contract", pa.string()),
        ("service", pa.string()),
        ("competence", pa.string()),
        ("kind", pa.string()),
        ("amount", _MONEY),
        ("invoiced", pa.bool_()),
        ("deleted", pa.bool_()),
        ("reason", pa.string()),
        ("batch", pa.int64()),
        ("source_sha256", pa.string()),
    ]
)
ZERO_BILLING_EVENTS = pa.schema(
    [
        ("event", pa.string()),
        ("contract", pa.string()),
        ("kind", pa.string()),
        ("competence", pa.string()),
        ("at", pa.date32()),
        ("reversed", pa.bool_()),
        ("batch", pa.int64()),
        ("source_sha256", pa.string()),
    ]
)
BATCH_ITEMS = pa.schema(
    [
        ("batch", pa.int64()),
        ("contract", pa.string()),
        ("competence", pa.string()),
        ("outcome", pa.string()),
        ("reversed", pa.bool_()),
        ("amount", _MONEY),
        ("calls", pa.int64()),
        ("code", pa.string()),
        ("rule", pa.string()),
        ("attempts", pa.int64()),
        ("started_at", _INSTANT),
        ("ended_at", _INSTANT),
    ]
)
_CHARGED = pa.schema(
    [
        ("contract", pa.string()),
        ("claim", pa.int64()),
        ("calls", pa.int64()),
        ("amount", pa.int64()),
        ("source_sha256", pa.string()),
    ]
)


class SqlExportLedger:
    """``ports.ExportLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def image(self, competence: Competence) -> ExportImage:
        """All that is exported of the competence but the calls themselves, in one read transaction."""
        with self._database.read() as connection:
            if is_purged(connection, competence):
                raise NotPossibleError(cause="month_purged", competence=str(competence))
            return ExportImage(
                tables={
                    "charges": _table(connection, _charges(competence), CHARGES),
                    "eventual_values": _table(connection, _values(competence), EVENTUAL_VALUES),
                    "zero_billing_events": _table(connection, _events(competence), ZERO_BILLING_EVENTS),
                    "batch_items": _table(connection, _items(competence), BATCH_ITEMS),
                },
                charged=_charged(connection, competence),
                weights=_weights(connection, competence),
                calls=read_live_calls(connection, competence),
            )


def _charges(competence: Competence) -> sa.Select[Any]:
    columns = [charges.c[name] for name in CHARGES.names]
    return _of_month(sa.select(*columns), charges, competence).order_by(charges.c.contract, charges.c.charge)


def _values(competence: Competence) -> sa.Select[Any]:
    """Our values, but for those that wait for a manager or were rejected by one: the ERP never hears of them."""
    columns = [
        sa.literal(False).label(name) if name == "invoiced" else values.c[name] for name in EVENTUAL_VALUES.names
    ]
    query = _of_month(sa.select(*columns), values, competence).where(~values.c.held)
    return query.order_by(values.c.contract, values.c.value_id)


def _events(competence: Competence) -> sa.Select[Any]:
    columns = [
        sa.literal("zero_billing").label(name) if name == "kind" else events.c[name]
        for name in ZERO_BILLING_EVENTS.names
    ]
    return _of_month(sa.select(*columns), events, competence).order_by(events.c.contract, events.c.event)


def _items(competence: Competence) -> sa.Select[Any]:
    columns = [items.c.tries.label(name) if name == "attempts" else items.c[name] for name in BATCH_ITEMS.names]
    return _of_month(sa.select(*columns), items, competence).order_by(items.c.batch, items.c.contract)


def _of_month(query: sa.Select[Any], table: sa.Table, competence: Competence) -> sa.Select[Any]:
    return query.where(table.c.competence == str(competence))


def _charged(connection: Connection, competence: Competence) -> pa.Table:
    query = (
        sa.select(charges.c.contract, items.c.item, items.c.attempt, charges.c.calls, charges.c.amount)
        .add_columns(charges.c.source_sha256)
        .join(items, items.c.item == charges.c.item)
        .where(charges.c.competence == str(competence), charges.c.status == "live")
        .order_by(charges.c.contract)
    )
    rows = [
        (row.contract, claim_id(row.item, row.attempt), row.calls, row.amount, row.source_sha256)
        for row in connection.execute(query)
    ]
    return as_arrow(rows, _CHARGED)


def _weights(connection: Connection, competence: Competence) -> list[tuple[str, int]]:
    query = (
        sa.select(items.c.contract, items.c.calls)
        .where(
            items.c.competence == str(competence),
            items.c.outcome.in_(sorted(DONE_OUTCOMES)),
            ~items.c.reversed,
            items.c.calls > 0,
        )
        .order_by(items.c.contract)
    )
    return [(row.contract, row.calls) for row in connection.execute(query)]


def _table(connection: Connection, query: sa.Select[Any], shape: pa.Schema) -> pa.Table:
    rows = connection.execute(query).all()
    money = [index for index, field in enumerate(shape) if field.type == _MONEY]
    return as_arrow([_in_reais(row, money) for row in rows], shape)


def _in_reais(row: Sequence[Any], money: Sequence[int]) -> tuple[Any, ...]:
    return tuple(reais(v) if index in money and v is not None else v for index, v in enumerate(row))
