"""Tables as CSV, XLSX and Parquet: streamed, the same bytes for the same rows, formulas neutralised (PRODUCT 8).

What a value looks like:

==================  ================================  =====================  ===============================
Arrow               CSV                               Parquet                XLSX
==================  ================================  =====================  ===============================
decimal             ``123.45``, at least 2 decimals   as it is               number
bool                ``1``, ``0``                      as it is               1, 0
timestamp           ISO 8601 of America/Sao_Paulo     as it is               local time of America/Sao_Paulo
date                ``2026-10-31``                    as it is               date
string              text                              as it is               text, never a formula or a link
list of strings     joined by ``; ``                  as it is               joined by ``; ``
null                empty                             null                   empty
==================  ================================  =====================  ===============================

A text (or heading) that a spreadsheet would take for a formula gets an apostrophe in front, in CSV and XLSX; numbers
stay numbers. A timestamp without a zone is written as it stands.
"""

import hashlib
import io
import os
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from stfc.domain.competence import SAO_PAULO
from stfc.errors import StorageError
from stfc.services.ports import SHEET_ROWS, ExportFormat, TableSource, WrittenFile

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_DAY_AND_TIME = "%Y-%m-%dT%H:%M:%S%.f"
_JOINT = "; "
# A constant without a zone, as the format wants it: no clock in the bytes.
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001
_CHARACTERS = 32_767
_ROWS_PER_GROUP = 100_000
_ROWS = 20_000


class FileTables:
    """``ports.TableWriter``: tables to files, and to bytes for a download."""

    def write(self, folder: Path, sources: Sequence[TableSource], form: ExportFormat) -> dict[str, WrittenFile]:
        """Write every table to ``folder`` as ``NAME.csv`` (or what ``form`` says), replacing older files of that name.

        All files are complete and on disk under temporary names before the first takes its place; whatever goes wrong
        until then leaves the folder as it was.

        Raises:
            StorageError: the folder cannot be made or written, or the disk is full.
        """
        staged: list[tuple[Path, Path]] = []
        written: dict[str, WrittenFile] = {}
        with _disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                for source in sources:
                    final = folder / f"{source.name}.{form}"
                    temporary = folder / f".{final.name}.{uuid.uuid4().hex}.tmp"
                    staged.append((temporary, final))
                    rows = _stage(temporary, source, form)
                    written[final.name] = WrittenFile(rows, _sha256(temporary))
                for temporary, final in staged:
                    temporary.replace(final)
                _sync_folder(folder)
            finally:
                for temporary, _ in staged:
                    with suppress(OSError):
                        temporary.unlink(missing_ok=True)
        return written

    def encoded(self, source: TableSource, form: ExportFormat) -> bytes:
        """The file's bytes in memory, for a download of what a screen shows."""
        sink = io.BytesIO()
        _ENCODERS[form](sink, source)
        return sink.getvalue()

    def stream(self, sink: BinaryIO, source: TableSource, form: ExportFormat) -> int:
        """Write the file to ``sink`` while its batches come, a few of them in memory at a time; gives its rows.

        Raises:
            StorageError: the disk is full.
        """
        with _disk_errors(Path(source.name)):
            rows = _ENCODERS[form](sink, source)
            sink.flush()
        return rows

    def bundle(self, sink: BinaryIO, sources: Sequence[TableSource], form: ExportFormat) -> None:
        """Write the tables to ``sink`` as the files of one ZIP, streamed; the same bytes for the same rows.

        Raises:
            StorageError: the disk is full.
        """
        with _disk_errors(Path(sources[0].name)):
            with zipfile.ZipFile(sink, "w") as archive:
                for source in sources:
                    entry = zipfile.ZipInfo(f"{source.name}.{form}", _MADE.timetuple()[:6])
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    with archive.open(entry, "w", force_zip64=True) as member:
                        _ENCODERS[form](cast(BinaryIO, member), source)
            sink.flush()


def neutral(text: str) -> str:
    """``text`` with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _stage(path: Path, source: TableSource, form: ExportFormat) -> int:
    with path.open("xb+") as sink:
        rows = _ENCODERS[form](sink, source)
        sink.flush()
        os.fsync(sink.fileno())
    return rows


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _disk_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise StorageError(place=str(place), cause=cause.strerror or str(cause)) from cause
    except XlsxWriterException as cause:
        raise StorageError(place=str(place), cause=str(cause)) from cause


# --- CSV -----------------------------------------------------------------------------------------------------------


def _csv(sink: BinaryIO, source: TableSource) -> int:
    """Separator ``,``, LF, UTF-8, quotes where needed, one header."""
    headings = [neutral(name) for name in source.schema.names]
    sink.write(pl.DataFrame(schema=dict.fromkeys(headings, pl.String)).write_csv().encode())
    rows = 0
    for batch in source.batches:
        rows += batch.num_rows
        frame = pl.DataFrame(batch)
        body = io.BytesIO()
        frame.with_columns(_cells(frame)).write_csv(body, include_header=False)
        sink.write(body.getbuffer())
    return rows


def _cells(frame: pl.DataFrame) -> list[pl.Expr]:
    zoned = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone]
    bare = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime) and not kind.time_zone]
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    texts = [name for name, kind in frame.schema.items() if kind in (pl.String, pl.Categorical)]
    return [
        *(_neutral(pl.col(name).cast(pl.String)) for name in texts),
        *(_neutral(pl.col(name).cast(pl.List(pl.String)).list.join(_JOINT)) for name in lists),
        cs.decimal().cast(pl.String).str.replace(r"(\.\d\d\d*?)0+$", "${1}"),
        cs.boolean().cast(pl.Int8),
        *(_instant(pl.col(name)) for name in zoned),
        cs.by_name(bare).dt.strftime(_DAY_AND_TIME),
    ]


def _neutral(text: pl.Expr) -> pl.Expr:
    # One look at the first character each: a pattern costs several times as much.
    is_formula = pl.any_horizontal(text.str.starts_with(start) for start in _FORMULA_STARTS)
    return pl.when(~is_formula).then(text).otherwise(pl.concat_str(pl.lit("'"), text))


def _instant(value: pl.Expr) -> pl.Expr:
    local = value.dt.convert_time_zone(SAO_PAULO.key)
    return local.dt.strftime(f"{_DAY_AND_TIME}%:z")


# --- Parquet -------------------------------------------------------------------------------------------------------


def _parquet(sink: BinaryIO, source: TableSource) -> int:
    rows = 0
    with pq.ParquetWriter(sink, source.schema, compression="zstd") as writer:
        for batch in _regrouped(source):
            rows += batch.num_rows
            writer.write_table(batch)
    return rows


def _regrouped(source: TableSource) -> Iterator[pa.Table]:
    """Row groups of one size, so that the bytes do not depend on how the rows came."""
    waiting: list[pa.Table] = []
    count = 0
    for batch in source.batches:
        waiting.append(batch.cast(source.schema))
        count += batch.num_rows
        while count >= _ROWS_PER_GROUP:
            whole = pa.concat_tables(waiting).combine_chunks()
            yield whole.slice(0, _ROWS_PER_GROUP)
            waiting = [whole.slice(_ROWS_PER_GROUP)]
            count = waiting[0].num_rows
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


# --- XLSX ----------------------------------------------------------------------------------------------------------


def _xlsx(sink: BinaryIO, source: TableSource) -> int:
    """A sheet by the table's name, and more where it has more rows than a sheet holds; row by row, memory constant."""
    rows = 0
    with tempfile.TemporaryDirectory() as scratch:
        book = xlsxwriter.Workbook(
            sink,
            {
                "constant_memory": True,
                "tmpdir": scratch,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
                "default_date_format": "dd/mm/yyyy hh:mm:ss",
            },
        )
        book.set_properties({"created": _MADE})
        try:
            sheets = _Sheets(book, source)
            for table in source.batches:
                for batch in table.to_batches(max_chunksize=_ROWS):
                    for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        sheets.append(values)
                rows += table.num_rows
        except BaseException:
            # Only to free its scratch files; what it writes is thrown away with the sink.
            with suppress(OSError, XlsxWriterException):
                book.close()
            raise
        book.close()
    return rows


class _Sheets:
    """The sheets of a workbook, the next one begun where one is full."""

    def __init__(self, book: Any, source: TableSource) -> None:
        self._book = book
        self._source = source
        self._bold = book.add_format({"bold": True, "bottom": 1})
        self._writers = [_cell_writer(book, field.type) for field in source.schema]
        self._count = 0
        self._begin()

    def append(self, values: Iterable[Any]) -> None:
        """Write one row."""
        if self._row > SHEET_ROWS:
            self._begin()
        for column, (value, write) in enumerate(zip(values, self._writers, strict=True)):
            if value is not None:
                write(self._sheet, self._row, column, value)
        self._row += 1

    def _begin(self) -> None:
        self._count += 1
        name = self._source.name[:25] + ("" if self._count == 1 else f"_{self._count}")
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        for column, heading in enumerate(self._source.schema.names):
            self._sheet.write_string(0, column, neutral(heading), self._bold)
        self._row = 1


_CellWriter = Callable[[Any, int, int, Any], object]


def _cell_writer(book: Any, kind: pa.DataType) -> _CellWriter:
    if pa.types.is_decimal(kind):
        return _number_writer(book.add_format({"num_format": "#,##0.00" if kind.scale <= 2 else "#,##0.00####"}))
    if pa.types.is_date(kind):
        return _day_writer(book.add_format({"num_format": "dd/mm/yyyy"}))
    if pa.types.is_timestamp(kind):
        return lambda sheet, row, column, value: sheet.write_datetime(row, column, _local(value))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return lambda sheet, row, column, value: sheet.write_number(row, column, int(value))
    if pa.types.is_list(kind):
        return lambda sheet, row, column, value: _write_text(sheet, row, column, _JOINT.join(map(str, value)))
    return _write_text


def _write_text(sheet: Any, row: int, column: int, value: Any) -> None:
    sheet.write_string(row, column, neutral(str(value))[:_CHARACTERS])


def _number_writer(form: Any) -> _CellWriter:
    def write(sheet: Any, row: int, column: int, value: Decimal) -> None:
        sheet.write_number(row, column, value, form)

    return write


def _day_writer(form: Any) -> _CellWriter:
    def write(sheet: Any, row: int, column: int, value: date) -> None:
        sheet.write_datetime(row, column, value, form)

    return write


def _local(value: datetime) -> datetime:
    return value.astimezone(SAO_PAULO).replace(tzinfo=None) if value.tzinfo else value


_ENCODERS: dict[ExportFormat, Callable[[BinaryIO, TableSource], int]] = {
    ExportFormat.CSV: _csv,
    ExportFormat.PARQUET: _parquet,
    ExportFormat.XLSX: _xlsx,
}
