"""Call records: search, totals and the tables behind the charts, over exactly the parts that the ledger lists."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from stfc.adapters.calls import rollups
from stfc.adapters.calls.compaction import ranges
from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.read_model.call_sources import CallSources
from stfc.adapters.read_model.engine import Engine
from stfc.errors import InvalidInputError
from stfc.services.ports import MonthImage, Page
from stfc.services.queries import CallFilter, CallQuery

COLUMNS = ("competence", *PART_SCHEMA.names)
"""The columns of ``View.calls``."""

_WHOLE_NUMBER = 8
_SOUGHT = 200
"""Contracts up to which it is worth to read theirs alone."""
_LISTED = 50
_MANY = 2_000
"""Calls from which on a page is worth a look at its sorting column first."""
_SPARE = 100
"""Calls of excluded claims that may stand before a page's end without a loss."""
_HEAPED = 10_000
"""Rows to the end of a page up to which its last one is found while summing up."""
_STREAMED = 200_000
"""Calls of a stream that are in memory at a time; a contract that has more comes alone."""
_ORDER = "contract, started_at, call_id"
_AREA = 2
_TOTALS = ", ".join(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in ("calls", "seconds", "micros"))


@dataclass
class _Where:
    """Conditions of a query, their parameters, and the columns that they look at."""

    conditions: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)
    fixed: set[str] = field(default_factory=set)
    """Columns that have one value in all that match."""

    def add(self, condition: str, *columns: str, **params: Any) -> None:
        self.conditions.append(condition)
        self.columns.update(columns)
        self.params |= params

    def among(self, column: str, values: Sequence[Any], *, listed: int = _LISTED) -> None:
        if 0 < len(values) <= listed:
            # Said one by one: only then the statistics of the files tell what need not be read.
            params = {f"among_{column}_{place}": value for place, value in enumerate(values)}
            condition = f'"{column}" IN ({", ".join(f"${name}" for name in params)})'
            self.add(condition, column, **params)
            if len(values) > 1:
                self.repeated.append(f"({condition}) IS TRUE")
            else:
                self.fixed.add(column)
        elif values:
            # A join by hash: a search may leave a hundred thousand contracts.
            self.add(f'"{column}" IN (SELECT unnest($among_{column}))', column, **{f"among_{column}": list(values)})

    def between(self, column: str, least: Any, most: Any) -> None:
        if least is not None:
            self.add(f'"{column}" >= $least_{column}', column, **{f"least_{column}": least})
        if most is not None:
            self.add(f'"{column}" <= $most_{column}', column, **{f"most_{column}": most})

    @property
    def sql(self) -> str:
        """What a query of few columns asks."""
        return " AND ".join(self.conditions) or "true"

    @property
    def wide(self) -> str:
        """What a query of all columns asks: a list is said once more as a truth, for only then it is asked while
        reading, before the wide columns are unpacked."""
        return " AND ".join([*self.conditions, *self.repeated]) or "true"


@dataclass(frozen=True)
class _End:
    """Where a page ends: what its last call has in the column that it is sorted by, and whose all calls up to it are;
    None when that is not told."""

    value: Any
    contracts: Sequence[str] | None


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
        where, sources = _where(query), self._searched(query)
        if sources.sought is not None and query.limit is not None and not query.offset:
            # A number has few calls: one reading gives them all, and they say what they sum up to.
            rows = self._rows(query, where, sources)
            if rows.num_rows < query.limit:
                return Page(total=rows.num_rows, offset=0, table=rows, totals=_totals(rows))
        totals, end = self._measured(query, where, sources)
        if end:
            sources = _up_to(end, query, where, sources)
        rows = self._rows(query, where, sources)
        return Page(total=totals["calls"], offset=query.offset, table=rows, totals=totals)

    def stream(self, query: CallQuery, *, rows: int = _STREAMED) -> Iterator[pa.Table]:
        """All that match, by contract and start, in memory by ranges of contracts that have up to ``rows`` calls."""
        where, sources = _where(query), self._searched(query)
        total = self._summed((), where, sources)["calls"].item()
        if 0 < total <= rows:
            yield self._records(_ORDER, where, sources, where.params)
        if total <= rows:
            return
        counts = self._summed(("contract",), where, sources, "ORDER BY contract").select("contract", "calls")
        for first, last in ranges(counts.iter_rows(), rows):
            within = deepcopy(where)
            within.add("contract BETWEEN $first AND $last", "contract", first=first, last=last)
            yield self._records(_ORDER, within, replace(sources, between=(first, last)), within.params)

    def _records(self, order: str, where: _Where, sources: CallSources, params: dict[str, Any]) -> pa.Table:
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        sql = f"SELECT {names} FROM {sources.records()} WHERE {where.wide} ORDER BY {order}"
        rows = self._read(sql, params, sources)
        return rows.with_columns(pl.col("started_at").dt.convert_time_zone("UTC")).to_arrow()

    def _rows(self, query: CallQuery, where: _Where, sources: CallSources) -> pa.Table:
        order = f'"{query.sort}" {_direction(query)}, {_ORDER} '
        limit = "" if query.limit is None else "LIMIT $limit"
        params = where.params | {"offset": query.offset} | ({} if query.limit is None else {"limit": query.limit})
        return self._records(f"{order} {limit} OFFSET $offset", where, sources, params)

    def _measured(self, query: CallQuery, where: _Where, sources: CallSources) -> tuple[dict[str, int], "_End | None"]:
        """Calls, seconds and micros of all that match, and where the page ends, if that is worth to know.

        It is told by the one column that the page is sorted by, and the contract: of the others, most of what the files
        hold is passed over unread. Where no rollup knows the sums, the same reading finds both.
        """
        last = query.offset + (query.limit or 0)
        if query.limit and last <= _HEAPED and not _covering((), where):
            return self._summed_to(last, query, where, sources)
        totals = self._summed((), where, sources).row(0, named=True)
        is_long = query.limit and totals["calls"] > max(_MANY, last)
        return totals, self._end(last, query, where, sources) if is_long else None

    def _summed_to(
        self, last: int, query: CallQuery, where: _Where, sources: CallSources
    ) -> tuple[dict[str, int], "_End | None"]:
        best = "max" if query.descending else "min"
        sql = (
            f'SELECT {rollups.SUMS}, {best}("{query.sort}", {last + 1}) AS ends, '
            f'{best}_by(contract, "{query.sort}", {last + 1}) AS contracts '
            f"FROM {sources.records()} WHERE {where.sql}"
        )
        row = self._read(sql, where.params, sources).row(0, named=True)
        totals = {name: row[name] or 0 for name in ("calls", "seconds", "micros")}
        ends, contracts = row["ends"] or [], row["contracts"] or []
        if len(ends) < last:
            return totals, None
        # Of calls that are equal in this column, any may have been taken: whose they are is told by the whole order.
        is_told = len(ends) == last or ends[last] != ends[last - 1]
        return totals, _End(ends[last - 1], contracts[:last] if is_told else None)

    def _end(self, last: int, query: CallQuery, where: _Where, sources: CallSources) -> "_End | None":
        # Without a filter the column itself tells the rest: few of the files' pieces reach as far as the page.
        told = ", contract" if where.conditions else ""
        # To leave out few calls of excluded claims before, every claim would have to be read.
        claim, spare = ("", 0) if sources.excluded.is_empty() else (", claim", _SPARE)
        sql = (
            f'SELECT "{query.sort}" AS value{told}{claim} FROM {sources.records(excluded=True)} WHERE {where.sql} '
            f'ORDER BY "{query.sort}" {_direction(query)}{told} LIMIT {last + spare}'
        )
        rows = self._read(sql, where.params, sources)
        if claim:
            rows = rows.join(sources.excluded, on="claim", how="anti", maintain_order="left").head(last)
        if rows.height < last:
            return None
        return _End(rows["value"][-1], rows["contract"].to_list() if told else None)

    def by_day(self, query: CallQuery) -> pl.DataFrame:
        """local_day, calls, seconds, micros over all that match."""
        return self._summed(("local_day",), _where(query), self._searched(query), "ORDER BY local_day")

    def revenue_by_month(self, chosen: CallFilter) -> pl.DataFrame:
        """competence, class, calls, seconds, micros, oldest first."""
        return self._charted(("competence", "class"), chosen, 'ORDER BY competence, "class"')

    def weekday_hour(self, chosen: CallFilter) -> pl.DataFrame:
        """weekday, hour, calls, seconds, micros."""
        return self._charted(("weekday", "hour"), chosen, "ORDER BY weekday, hour")

    def top_contracts(self, count: int, chosen: CallFilter) -> pl.DataFrame:
        """contract, calls, seconds, micros, by micros, then calls; ties by number."""
        return self._charted(("contract",), chosen, f"ORDER BY micros DESC, calls DESC, contract LIMIT {int(count)}")

    def top_destinations(self, count: int, chosen: CallFilter) -> pl.DataFrame:
        """destination, calls, seconds, micros, by micros, then calls; calls without a destination are left out."""
        order = f"ORDER BY micros DESC, calls DESC, destination LIMIT {int(count)}"
        return self._charted(("destination",), chosen, order, only="destination <> ''")

    def _charted(self, by: tuple[str, ...], chosen: CallFilter, order: str, *, only: str = "true") -> pl.DataFrame:
        where = _chosen(chosen)
        where.add(only)
        return self._summed(by, where, CallSources(self.root, self.images, chosen.contracts), order)

    def _summed(self, by: tuple[str, ...], where: _Where, sources: CallSources, order: str = "") -> pl.DataFrame:
        """``by``, calls, seconds, micros of all that match; without ``by`` one row. What the conditions and ``by`` look
        at decides which rollup can answer."""
        rollup = _covering(by, where)
        summands, is_summed = sources.sums(rollup, by, where.sql, where.fixed)
        if by and is_summed:
            return self._read(f"{summands} {order}", where.params, sources)
        names = [f'"{column}"' for column in by]
        groups = f"GROUP BY {', '.join(names)} HAVING sum(calls) > 0" if by else ""
        sql = f"SELECT {', '.join([*names, _TOTALS])} FROM ({summands}) {groups} {order}"
        return self._read(sql, where.params, sources)

    def _searched(self, query: CallQuery) -> CallSources:
        """Where the calls of ``query`` can be: a number is first looked up in the index, which knows its contracts."""
        sources = CallSources(self.root, self.images, query.contracts)
        keys, index = _keys(query), sources.numbers()
        if not keys or index is None:
            return sources
        sql = f"SELECT DISTINCT contract FROM {index} WHERE key IN ({', '.join(map(str, keys))}) LIMIT {_SOUGHT + 1}"
        found = self.engine.query(sql)["contract"].to_list()
        return sources if len(found) > _SOUGHT else replace(sources, sought=tuple(found))

    def _read(self, sql: str, params: dict[str, Any], sources: CallSources) -> pl.DataFrame:
        return self.engine.query(sql, params, excluded=sources.excluded, excluded_since=sources.excluded_since)


def _up_to(end: _End, query: CallQuery, where: _Where, sources: CallSources) -> CallSources:
    """Lets ``where`` leave out what stands behind the page; gives the sources of what stands before."""
    if end.value is not None:
        where.add(f'"{query.sort}" {">=" if query.descending else "<="} $cut', cut=end.value)
    contracts = sorted(set(end.contracts or ()))
    if query.contracts or not 0 < len(contracts) <= _SOUGHT:
        return sources
    where.among("contract", contracts, listed=_SOUGHT)
    return replace(sources, contracts=contracts)


def _covering(by: Sequence[str], where: _Where) -> str | None:
    return rollups.covering({*by, *where.columns} - {"competence"})


def _totals(rows: pa.Table) -> dict[str, int]:
    sums = {name: pc.sum(rows[column]).as_py() or 0 for name, column in (("seconds", "duration"), ("micros", "amount"))}
    return {"calls": rows.num_rows, **sums}


def _direction(query: CallQuery) -> str:
    return f"{'DESC' if query.descending else 'ASC'} NULLS LAST"


def _where(query: CallQuery) -> _Where:
    where = _Where()
    where.between("local_day", query.since, query.until)
    where.between("duration", query.least_duration, query.most_duration)
    where.between("amount", query.least_amount, query.most_amount)
    _narrow(where, query)
    if query.line:
        where.add("line = $line", "line", line=query.line)
    if query.called:
        where.add(f"({_is_called(query.called, 'called')})", "called", called=query.called)
    if query.search:
        where.add(_found(query.search), "line", "called", **_sought(query.search))
    if query.call_id:
        where.add("call_id = $call_id", "call_id", call_id=query.call_id)
    for condition in _states(query):
        where.add(condition, "late", "issue")
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


def _keys(query: CallQuery) -> list[int]:
    """The keys in the index of numbers under one of which every call that matches stands; none when it cannot tell."""
    ends, starts, calls = rollups.ending, rollups.beginning, rollups.calling
    for number, keys in (
        (query.line, (calls,)),
        (query.called, (ends, starts)),
        (query.search, (ends, starts, calls)),
    ):
        found = [key for of in keys if (key := of(number)) is not None]
        if found:
            return found
    return []


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
    where.among("contract", chosen.contracts)
    where.among("class", chosen.classes)
    where.among("destination", chosen.destinations)
    where.among("weekday", chosen.weekdays)
    where.among("hour", chosen.hours)
