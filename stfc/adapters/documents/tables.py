"""Tables as CSV, XLSX and Parquet files, cells that a spreadsheet would compute neutralised (PRODUCT 8)."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from stfc.services.ports import ExportFormat, TableSource

Form = Literal["csv", "xlsx", "parquet"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_SHEET_ROWS = 1_048_576 - 1
_BATCH = 20_000


class FileTables:
    """Writes an Arrow table as a file's bytes; column names are the headers."""

    def write(self, table: pa.Table, form: Form) -> bytes:
        """The whole table in one file.

        CSV: UTF-8, comma, dot, ISO dates. XLSX: typed cells, a new sheet every 1,048,575 rows. Parquet: as it is, zstd.
        A text that a spreadsheet would take for a formula gets an apostrophe in front (CSV) or is written as text
        (XLSX); Parquet stays exact, since nothing computes its cells.
        """
        match form:
            case "csv":
                return _csv(table)
            case "xlsx":
                return _xlsx(table)
            case "parquet":
                return _parquet(table)

    def encoded(self, source: TableSource, form: ExportFormat) -> bytes:
        """One table's file in memory, for a download."""
        return self.write(pa.concat_tables(source.batches), form.value)


def neutral(text: str) -> str:
    """``text`` with an apostrophe in front when a spreadsheet would read it as a formula (also behind blanks)."""
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_FORMULA_STARTS) else text


def _csv(table: pa.Table) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([neutral(name) for name in table.column_names])
    for rows in _rows(table):
        writer.writerows([_csv_cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8")


def _xlsx(table: pa.Table) -> bytes:
    out = io.BytesIO()
    # strings_to_* are off: a customer named "=1+1" stays a name.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
    }
    with xlsxwriter.Workbook(out, options) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        formats = [_cell_format(book, field.type) for field in table.schema]
        written, sheet = _SHEET_ROWS, None
        for rows in _rows(table):
            for row in rows:
                if written == _SHEET_ROWS or sheet is None:
                    sheet, written = book.add_worksheet(), 0
                    sheet.freeze_panes(1, 0)
                    sheet.write_row(0, 0, table.column_names, head)
                written += 1
                for position, value in enumerate(row):
                    _xlsx_cell(sheet, written, position, value, formats[position])
        if sheet is None:
            book.add_worksheet().write_row(0, 0, table.column_names, head)
    return out.getvalue()


def _parquet(table: pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(table, out, compression="zstd")
    return bytes(out.getvalue())


def _rows(table: pa.Table) -> Iterator[list[tuple[Any, ...]]]:
    for batch in table.to_batches(max_chunksize=_BATCH):
        yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _csv_cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return neutral(value)
        case bool():
            return "1" if value else "0"
        case datetime():
            return value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case list():
            return neutral("; ".join(map(str, value)))
        case _:
            return str(value)


def _xlsx_cell(sheet: Any, row: int, column: int, value: Any, form: Any) -> None:
    match value:
        case None:
            return
        case str():
            sheet.write_string(row, column, value[:32_767])
        case bool():
            sheet.write_boolean(row, column, value)
        case datetime() | date():
            sheet.write_datetime(row, column, value, form)
        case list():
            sheet.write_string(row, column, "; ".join(map(str, value)))
        case _:
            sheet.write_number(row, column, value, form)


def _cell_format(book: Any, kind: pa.DataType) -> Any:
    if pa.types.is_decimal(kind):
        return book.add_format({"num_format": "#,##0." + "0" * max(kind.scale, 2)})
    if pa.types.is_timestamp(kind):
        return book.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
    if pa.types.is_date(kind):
        return book.add_format({"num_format": "dd/mm/yyyy"})
    if pa.types.is_integer(kind):
        return book.add_format({"num_format": "#,##0"})
    return None
