"""Reads one table of a dump, CSV or Parquet, into strings with the line of each row; names what cannot be read."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from stfc.adapters.erp.problems import Problems
from stfc.adapters.erp.tables import Table

LINE = "line"
"""The column that the readers add: where the row stands in its file; the header is 1."""

_BOM = b"\xef\xbb\xbf"
_QUOTE, _COMMA, _NEWLINE, _TAB = 34, 44, 10, 9
_Positions = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RawTable:
    """A table as read: strings, empty cells null, and ``line``. A column in ``missing`` is there too, all null."""

    table: Table
    file: str
    frame: pl.DataFrame
    missing: frozenset[str]


def read(table: Table, path: Path, problems: Problems) -> RawTable | None:
    """The table in ``path``; None when nothing of it can be used, and ``problems`` then says why.

    Rows that cannot be read are left out and named, so that the others are still checked.
    """
    try:
        frame = _read_csv(path, problems) if path.suffix.lower() == ".csv" else _read_parquet(table, path, problems)
    except (OSError, pl.exceptions.PolarsError) as cause:
        reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
        problems.add(path.name, 0, "", "unreadable", reason=reason)
        return None
    return None if frame is None else _fit(table, path.name, frame, problems)


def _fit(table: Table, file: str, frame: pl.DataFrame, problems: Problems) -> RawTable:
    """Bring the columns into the table's order; name those that are missing or unknown."""
    names = [column.name for column in table.columns]
    found = set(frame.columns) - {_LINE}
    for unknown in sorted(found - set(names)):
        problems.add(file, 1, unknown, "column_unknown")
    missing = frozenset(set(names) - found)
    for name in names:
        if name in missing:
            problems.add(file, 1, name, "column_missing")
    cells = [_or_null(name) if name in found else pl.lit(None, pl.String).alias(name) for name in names]
    return RawTable(table, file, frame.select(pl.col(_LINE).alias(LINE), *cells), missing)


def _or_null(name: str) -> pl.Expr:
    cell = pl.col(name)
    return pl.when(cell.str.strip_chars() != "").then(cell).alias(name)


# The dump may have a column of this very name; ours must not collide before the columns are known.
_LINE = "\0line"


def _read_csv(path: Path, problems: Problems) -> pl.DataFrame | None:
    body = path.read_bytes().removeprefix(_BOM).replace(b"\r\n", b"\n")
    if not body.strip():
        problems.add(path.name, 0, "", "empty_file")
        return None
    records = _Records(body)
    header = _header(records, path.name, problems)
    if header is None:
        return None
    good = records.check(path.name, len(header), problems)
    frame = _parse(records.text(good), len(header))
    if frame.height != int(good.sum()):
        problems.add(path.name, 0, "", "unreadable", reason="CSV")
        return None
    frame = frame.rename(dict(zip(frame.columns, header, strict=True)))
    return frame.with_columns(pl.Series(_LINE, records.lines[good], pl.Int64))


def _parse(body: bytes, width: int) -> pl.DataFrame:
    names = [f"c{index}" for index in range(width)]
    if not body:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return pl.read_csv(body, has_header=False, new_columns=names, infer_schema=False)


def _header(records: "_Records", file: str, problems: Problems) -> list[str] | None:
    try:
        names = next(csv.reader(io.StringIO(records.record(0).decode("utf-8"), newline="")))
    except UnicodeDecodeError:
        problems.add(file, 1, "", "encoding")
        return None
    except csv.Error:
        # A name longer than any column's.
        problems.add(file, 1, "", "unreadable", reason="CSV")
        return None
    if len(names) == 1 and ";" in names[0]:
        problems.add(file, 1, "", "separator")
        return None
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        problems.add(file, 1, name, "column_twice")
    return None if twice else names


class _Records:
    """The records of a CSV body, by their places in it: quoted line breaks and separators are text, not structure.

    ``lines`` is the line that each record starts on; record 0 is the header.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        data = np.frombuffer(body, np.uint8)
        self._data = data
        self._quoted: _Mask | None = None
        if b'"' in body:
            self._quoted = np.bitwise_xor.accumulate(data == _QUOTE)
        breaks = np.flatnonzero(data == _NEWLINE)
        self._ends = self._structural(breaks)
        if body[-1] != _NEWLINE or (self._quoted is not None and bool(self._quoted[-1])):
            self._ends = np.append(self._ends, len(body))
        self._starts = np.concatenate([np.zeros(1, np.int64), self._ends[:-1] + 1])
        self.lines = np.searchsorted(breaks, self._starts) + 1

    def _structural(self, positions: _Positions) -> _Positions:
        return positions if self._quoted is None else positions[~self._quoted[positions]]

    def record(self, index: int) -> bytes:
        """The bytes of one record, without its line break."""
        return self._body[self._starts[index] : self._ends[index]]

    def text(self, chosen: _Mask) -> bytes:
        """The chosen records, joined."""
        if chosen[1:].all():
            return self._body[self._ends[0] + 1 :]
        return b"".join(self.record(index) + b"\n" for index in np.flatnonzero(chosen).tolist())

    def check(self, file: str, width: int, problems: Problems) -> _Mask:
        """Which records hold a row of ``width`` fields; the others are named, blank lines are passed over."""
        commas = self._structural(np.flatnonzero(self._data == _COMMA))
        fields = np.searchsorted(commas, self._ends) - np.searchsorted(commas, self._starts) + 1
        good = self._ends > self._starts
        good[0] = False
        for cause, broken in self._broken():
            for index in broken:
                problems.add(file, int(self.lines[index]), "", cause)
            good[broken] = False
        for index in np.flatnonzero(good & (fields != width)):
            problems.add(file, int(self.lines[index]), "", "ragged", found=int(fields[index]), expected=width)
        whole: _Mask = good & (fields == width)
        return whole

    def _broken(self) -> Iterable[tuple[str, _Positions]]:
        control = (self._data < 32) & (self._data != _NEWLINE) & (self._data != _TAB)
        yield "control", self._of(np.flatnonzero(control))
        yield "quotes", self._of(self._stray_quotes())
        yield "encoding", self._undecodable()

    def _of(self, positions: _Positions) -> _Positions:
        """The records that hold these positions."""
        return np.unique(np.searchsorted(self._ends, positions))

    def _stray_quotes(self) -> _Positions:
        """Quotes that neither enclose a whole field nor stand doubled inside one."""
        if self._quoted is None:
            return np.zeros(0, np.int64)
        places = np.flatnonzero(self._data == _QUOTE)
        padded = np.concatenate([[_NEWLINE], self._data, [_NEWLINE]])
        opening = self._quoted[places]
        neighbour = np.where(opening, padded[places], padded[places + 2])
        stray = places[~np.isin(neighbour, [_QUOTE, _COMMA, _NEWLINE])]
        return np.append(stray, places[-1]) if self._quoted[-1] else stray

    def _undecodable(self) -> _Positions:
        try:
            self._body.decode("utf-8")
        except UnicodeDecodeError:
            return np.array([i for i in range(len(self._ends)) if not _is_utf8(self.record(i))], np.int64)
        return np.zeros(0, np.int64)


def _is_utf8(record: bytes) -> bool:
    try:
        record.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_parquet(table: Table, path: Path, problems: Problems) -> pl.DataFrame | None:
    if path.stat().st_size == 0:
        problems.add(path.name, 0, "", "empty_file")
        return None
    frame = pl.read_parquet(path, hive_partitioning=False)
    kinds = {column.name: column.kind for column in table.columns}
    cells = []
    for name, dtype in frame.schema.items():
        cell = _as_text(name, dtype)
        if cell is None and name in kinds:
            problems.add(path.name, 1, name, "column_type", found=str(dtype))
        cells.append(pl.lit(None, pl.String).alias(name) if cell is None else cell)
    return frame.select(*cells, pl.int_range(2, pl.len() + 2).alias(_LINE))


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr | None:
    """The column as a CSV would write it; None for a type that has no such form."""
    cell = pl.col(name)
    if dtype == pl.Boolean:
        return cell.cast(pl.Int8).cast(pl.String)
    if isinstance(dtype, pl.Date | pl.Datetime):
        return cell.dt.strftime("%Y-%m-%d")
    if dtype.is_float():
        return cell.cast(pl.String).str.strip_suffix(".0")
    if dtype.is_nested() or dtype == pl.Binary or dtype == pl.Object:
        return None
    return cell.cast(pl.String)
