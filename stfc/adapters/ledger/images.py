"""The read side: month images as Arrow tables, all of one moment (ports.LedgerReader)."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.parts import read_live_calls, read_rollup
from stfc.adapters.ledger.plans import first_days
from stfc.domain.competence import Competence
from stfc.services.ports import LedgerState, LiveCalls, MonthImage

_ITEMS = pa.schema(
    [
        ("item", pa.int64()),
        ("contract", pa.string()),
        ("batch", pa.int64()),
        ("outcome", pa.string()),
        ("code", pa.string()),
        ("rule", pa.string()),
        ("amount", pa.int64()),
        ("calls", pa.int64()),
        ("reversed", pa.bool_()),
        ("late", pa.bool_()),
        ("period_from", pa.date32()),
        ("period_until", pa.date32()),
    ]
)
_VALUES = pa.schema(
    [
        ("value_id", pa.string()),
        ("contract", pa.string()),
        ("service", pa.string()),
        ("kind", pa.string()),
        ("amount", pa.int64()),
        ("deleted", pa.bool_()),
        ("held", pa.bool_()),
    ]
)
_EVENTS = pa.schema([("event", pa.string()), ("contract", pa.string()), ("at", pa.date32()), ("reversed", pa.bool_())])
_TABLES = (
    ("items", schema.items, _ITEMS),
    ("values", schema.eventual_values, _VALUES),
    ("events", schema.zero_events, _EVENTS),
)
_PROVISIONING = pa.schema(
    [
        ("contract", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("ok", pa.bool_()),
        ("code", pa.string()),
    ]
)


class SqlLedgerReader:
    """``ports.LedgerReader`` over SQL. The provisioning table is kept while its own revision stands."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._provisioning: tuple[int, pa.Table] = (-1, _PROVISIONING.empty_table())

    def state(self) -> LedgerState:
        """Revision, snapshot and the revision of every month."""
        with self._database.read() as connection:
            return self._state(connection)

    def images(
        self, competences: Sequence[Competence], known: Mapping[Competence, MonthImage]
    ) -> tuple[LedgerState, dict[Competence, MonthImage]]:
        """State and images of one moment; of a ``known`` image only the rows that changed since are read."""
        with self._database.read() as connection:
            state = self._state(connection)
            return state, {c: _image(connection, c, state.months.get(c, 0), known.get(c)) for c in competences}

    def live_calls(self) -> LiveCalls:
        """Every live part and every exclusion, over all months."""
        with self._database.read() as connection:
            return read_live_calls(connection)

    def _state(self, connection: Connection) -> LedgerState:
        row = connection.execute(sa.select(schema.state)).one()
        known = self._provisioning
        if known[0] != row.provisioning_revision:
            known = self._provisioning = row.provisioning_revision, _latest_provisioning(connection)
        months = connection.execute(sa.select(schema.months.c.competence, schema.months.c.revision))
        return LedgerState(
            revision=row.revision,
            snapshot=row.snapshot,
            imported_at=row.imported_at,
            months={Competence.parse(name): revision for name, revision in months},
            provisioning=known[1],
            plans=first_days(connection),
        )


def _image(connection: Connection, competence: Competence, revision: int, known: MonthImage | None) -> MonthImage:
    if known and known.revision == revision:
        return known
    # Known ahead of us: the ledger was restored, and nothing of it need be true any more.
    since = known if known and known.revision < revision else None
    calls = read_live_calls(connection, competence)
    tables = {
        name: _month(connection, table, shape, competence, getattr(since, name, None), since.revision if since else 0)
        for name, table, shape in _TABLES
    }
    return MonthImage(
        competence=competence,
        revision=revision,
        **tables,
        parts=calls.parts,
        excluded=calls.excluded,
        rollup=read_rollup(connection, competence),
    )


def _month(
    connection: Connection,
    table: sa.Table,
    shape: pa.Schema,
    competence: Competence,
    known: pa.Table | None,
    revision: int,
) -> pa.Table:
    """The month's rows by key; of those ``known`` at ``revision`` only what changed since is read. None ever goes."""
    rows = as_arrow(
        connection.execute(_changed(table, shape), {"month": str(competence), "since": revision}).all(), shape
    )
    return rows if known is None else _replaced(known, rows)


@cache
def _changed(table: sa.Table, shape: pa.Schema) -> sa.Select[Any]:
    # Made once: after a settled chunk making the statement costs more than running it.
    columns = [_as_kept(column) for column in _named(table, shape)]
    changed = table.c.competence == sa.bindparam("month"), table.c.revision > sa.bindparam("since")
    return sa.select(*columns).where(*changed).order_by(*table.primary_key.columns)


def _replaced(rows: pa.Table, changed: pa.Table) -> pa.Table:
    """``rows`` with ``changed`` in the place of their namesakes, or added; by key, which is the first column."""
    if not changed.num_rows:
        return rows
    key = rows.column_names[0]
    kept = rows.filter(pc.invert(pc.is_in(rows[key], value_set=changed[key].combine_chunks())))
    return pa.concat_tables([kept, changed]).sort_by(key).combine_chunks()


def as_arrow(rows: Sequence[Sequence[Any]], shape: pa.Schema) -> pa.Table:
    """Rows of a query as an Arrow table of ``shape``, column by column."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in shape)
    return pa.table([_column(c, f.type) for c, f in zip(columns, shape, strict=True)], schema=shape)


def _named(table: sa.Table, shape: pa.Schema) -> list[sa.Column[Any]]:
    return [table.c[name] for name in shape.names]


def _as_kept(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Flags and days as the store keeps them, without a Python call for each: Arrow turns the whole column."""
    kinds: dict[type, type[sa.types.TypeEngine[Any]]] = {sa.Boolean: sa.Integer, sa.Date: sa.String}
    kind = kinds.get(type(column.type))
    return sa.type_coerce(column, kind) if kind else column


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    is_turned = pa.types.is_boolean(kind) or pa.types.is_date(kind)
    return pa.array(values).cast(kind) if is_turned else pa.array(values, kind)


def _latest_provisioning(connection: Connection) -> pa.Table:
    table = schema.provisionings
    latest = sa.select(sa.func.max(table.c.provisioning)).group_by(table.c.contract)
    query = sa.select(table.c.contract, table.c.at, table.c.ok, table.c.code).where(table.c.provisioning.in_(latest))
    return as_arrow(connection.execute(query).all(), _PROVISIONING)
