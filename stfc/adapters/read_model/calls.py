"""Call records: search, totals and the tables behind the charts, over exactly the parts that the ledger lists."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.read_model.engine import Engine, parquet
from stfc.errors import InvalidInputError
from stfc.services.ports import MonthImage, Page
from stfc.services.queries import CallFilter, CallQuery

COLUMNS = ("competence", *PART_SCHEMA.names)
"""The columns of ``View.calls``."""

_HIVE = ", hive_partitioning = true, hive_types = {'competence': VARCHAR}"
_WHOLE_NUMBER = 8
_AREA = 2
_SUMS = "count(*) AS calls, coalesce(sum(duration), 0)::BIGINT AS seconds, coalesce(sum(amount), 0)::BIGINT AS micros"
_SQL_TYPES = {
    "int64": "BIGINT",
    "int32": "INTEGER",
    "int16": "SMALLINT",
    "int8": "TINYINT",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
}


@dataclass
class _Where:
    """Conditions of a query and their parameters."""

    conditions: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    def add(self, condition: str, **params: Any) -> None:
        self.conditions.append(condition)
        self.params |= params

    def among(self, column: str, values: Sequence[Any]) -> None:
        if values:
            # A join by hash: a search may leave a hundred thousand contracts.
            self.add(f'"{column}" IN (SELECT unnest($among_{column}))', **{f"among_{column}": list(values)})

    def between(self, column: str, least: Any, most: Any) -> None:
        if least is not None:
            self.add(f'"{column}" >= $least_{column}', **{f"least_{column}": least})
        if most is not None:
            self.add(f'"{column}" <= $most_{column}', **{f"most_{column}": most})

    @property
    def sql(self) -> str:
        return " AND ".join(self.conditions) or "true"


@dataclass(frozen=True)
class Calls:
    """The live calls of some months: the parts that ``images`` list, without the claims that they exclude."""

    engine: Engine
    root: Path
    images: Sequence[MonthImage]

    def page(self, query: CallQuery) -> Page:
        """A page of records, and the totals of all that match."""
        if query.sort not in COLUMNS:
            raise InvalidInputError(field="sort", value=query.sort, cause="sort")
        where = _where(query)
        totals = self._read(f"SELECT {_SUMS} FROM calls WHERE {where.sql}", where.params, query.contracts)
        order = f'"{query.sort}" {"DESC" if query.descending else "ASC"} NULLS LAST, contract, started_at, call_id'
        limit = "" if query.limit is None else "LIMIT $limit"
        params = where.params | {"offset": query.offset} | ({} if query.limit is None else {"limit": query.limit})
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        rows = self._read(
            f"SELECT {names} FROM calls WHERE {where.sql} ORDER BY {order} {limit} OFFSET $offset",
            params,
            query.contracts,
        )
        found = totals.row(0, named=True)
        rows = rows.with_columns(pl.col("started_at").dt.convert_time_zone("UTC"))
        return Page(total=found["calls"], offset=query.offset, table=rows.to_arrow(), totals=found)

    def by_day(self, query: CallQuery) -> pl.DataFrame:
        """local_day, calls, seconds, micros over all that match."""
        where = _where(query)
        sql = f"SELECT local_day, {_SUMS} FROM calls WHERE {where.sql} GROUP BY local_day ORDER BY local_day"
        return self._read(sql, where.params, query.contracts)

    def revenue_by_month(self, chosen: CallFilter) -> pl.DataFrame:
        """competence, class, calls, seconds, micros, oldest first."""
        return self._grouped('competence, "class"', 'competence, "class"', chosen)

    def weekday_hour(self, chosen: CallFilter) -> pl.DataFrame:
        """weekday, hour, calls, seconds, micros."""
        return self._grouped("weekday, hour", "weekday, hour", chosen)

    def top_contracts(self, count: int, chosen: CallFilter) -> pl.DataFrame:
        """contract, calls, seconds, micros, by micros, then calls; ties by number."""
        return self._grouped("contract", "micros DESC, calls DESC, contract", chosen, count)

    def top_destinations(self, count: int, chosen: CallFilter) -> pl.DataFrame:
        """destination, calls, seconds, micros, by micros, then calls; calls without a destination are left out."""
        return self._grouped("destination", "micros DESC, calls DESC, destination", chosen, count, "destination <> ''")

    def _grouped(
        self, by: str, order: str, chosen: CallFilter, count: int | None = None, condition: str = "true"
    ) -> pl.DataFrame:
        where = _chosen(chosen)
        limit = "" if count is None else f"LIMIT {int(count)}"
        where.add(condition)
        sql = f"SELECT {by}, {_SUMS} FROM calls WHERE {where.sql} GROUP BY {by} ORDER BY {order} {limit}"
        return self._read(sql, where.params, chosen.contracts)

    def _read(self, sql: str, params: dict[str, Any], contracts: Sequence[str]) -> pl.DataFrame:
        excluded = sorted({claim for image in self.images for claim in image.excluded})
        source = self._source(contracts)
        if excluded:
            source = f"(FROM {source} ANTI JOIN excluded USING (claim))"
        claims = pl.DataFrame({"claim": excluded}, schema={"claim": pl.Int64})
        return self.engine.query(f"WITH calls AS (FROM {source}) {sql}", params, excluded=claims)

    def _source(self, contracts: Sequence[str]) -> str:
        parts = [part for image in self.images for part in image.parts]
        if contracts:
            # The ledger knows the first and last contract of each part: most parts cannot have them.
            first, last = min(contracts), max(contracts)
            parts = [part for part in parts if part.contract_first <= last and part.contract_last >= first]
        if parts:
            return parquet((self.root / part.path for part in parts), _HIVE)
        cells = ", ".join(f'NULL::{_SQL_TYPES.get(str(f.type), "VARCHAR")} AS "{f.name}"' for f in PART_SCHEMA)
        return f"(SELECT NULL::VARCHAR AS competence, {cells} WHERE false)"


def _where(query: CallQuery) -> _Where:
    where = _Where()
    where.between("local_day", query.since, query.until)
    where.between("duration", query.least_duration, query.most_duration)
    where.between("amount", query.least_amount, query.most_amount)
    _narrow(where, query)
    if query.line:
        where.add("line = $line", line=query.line)
    if query.called:
        where.add(f"({_is_called(query.called, 'called')})", called=query.called)
    if query.search:
        where.add(_found(query.search), **_sought(query.search))
    if query.call_id:
        where.add("call_id = $call_id", call_id=query.call_id)
    for condition in _states(query):
        where.add(condition)
    return where


def _is_called(number: str, name: str) -> str:
    ends = f" OR ends_with(called, ${name})" if len(number) >= _WHOLE_NUMBER else ""
    return f"starts_with(called, ${name}){ends}"


def _found(number: str) -> str:
    without_area = " OR (called = $rest AND starts_with(line, $area))" if _has_area(number) else ""
    return f"(line = $search OR {_is_called(number, 'search')}{without_area})"


def _sought(number: str) -> dict[str, str]:
    local = {"area": number[:_AREA], "rest": number[_AREA:]} if _has_area(number) else {}
    return {"search": number, **local}


def _has_area(number: str) -> bool:
    return len(number) - _AREA in (_WHOLE_NUMBER, _WHOLE_NUMBER + 1) and not number.startswith("0")


def _states(query: CallQuery) -> Iterator[str]:
    if query.late is not None:
        yield "late" if query.late else "NOT late"
    if query.divergent is not None:
        yield f"issue IS {'NOT ' if query.divergent else ''}NULL"


def _chosen(chosen: CallFilter) -> _Where:
    where = _Where()
    _narrow(where, chosen)
    return where


def _narrow(where: _Where, chosen: CallQuery | CallFilter) -> None:
    if chosen.contracts:
        # A join, not a list: a search by customer may give half of all contracts.
        where.add("contract IN (SELECT unnest($contracts))", contracts=list(chosen.contracts))
    where.among("class", chosen.classes)
    where.among("destination", chosen.destinations)
    where.among("weekday", chosen.weekdays)
    where.among("hour", chosen.hours)
