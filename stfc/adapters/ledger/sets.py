"""Sets of any size inside one statement: a list travels as one JSON text and unfolds to rows in the store.

An ``IN`` list of bound values would end at 32,766 (SQLite) or 65,535 (PostgreSQL) of them, and be planned anew for
each length.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Unfolded(FunctionElement[Any]):
    """The elements of a JSON array, one a row, in the column ``value``."""

    name = "unfolded"
    inherit_cache = True


@compiles(_Unfolded, "sqlite")
def _in_sqlite(element: _Unfolded, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Unfolded, "postgresql")
def _in_postgresql(element: _Unfolded, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS json))"


class _Member(FunctionElement[Any]):
    """One element of the JSON array that a value of ``_Unfolded`` writes, by its place."""

    name = "member"
    inherit_cache = True


@compiles(_Member, "sqlite")
def _member_in_sqlite(element: _Member, compiler: SQLCompiler, **options: Any) -> str:
    value, place = (compiler.process(one, **options) for one in element.clauses)
    return f"json_extract({value}, '$[' || {place} || ']')"


@compiles(_Member, "postgresql")
def _member_in_postgresql(element: _Member, compiler: SQLCompiler, **options: Any) -> str:
    value, place = (compiler.process(one, **options) for one in element.clauses)
    return f"(CAST({value} AS json) ->> {place})"


def records(
    values: Iterable[Sequence[str | int | None]], kinds: Sequence[type[sa.String] | type[sa.BigInteger]]
) -> sa.Select[Any]:
    """A query that gives ``values``, one a row, a column for each of ``kinds``."""
    text = json.dumps(list(values), ensure_ascii=False)
    value = _Unfolded(sa.literal(text, sa.Text)).table_valued("value").c.value
    columns: list[Any] = [
        sa.cast(_Member(value, sa.literal_column(str(place), sa.Integer)), kind) for place, kind in enumerate(kinds)
    ]
    query: sa.Select[Any] = sa.select(*columns)
    return query


def rows(values: Iterable[str] | Iterable[int], kind: type[sa.String] | type[sa.BigInteger]) -> sa.Select[Any]:
    """A query that gives ``values``, one a row."""
    text = json.dumps(list(values), ensure_ascii=False)
    unfolded = _Unfolded(sa.literal(text, sa.Text)).table_valued("value")
    return sa.select(sa.cast(unfolded.c.value, kind) if kind is sa.BigInteger else unfolded.c.value)


def among(column: sa.ColumnElement[Any], values: Collection[str] | Collection[int]) -> sa.ColumnElement[bool]:
    """Whether ``column`` is one of ``values``."""
    kind = sa.BigInteger if isinstance(column.type, sa.Integer) else sa.String
    return column.in_(rows(values, kind))
