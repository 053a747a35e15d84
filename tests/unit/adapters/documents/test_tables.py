"""Tables as CSV, Parquet and XLSX: values, formulas, equal bytes, full disks (PRODUCT 8)."""

import csv
import hashlib
import io
import resource
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.adapters.documents.tables import FileTables, neutral
from stfc.errors import FileFormatError, StorageError
from stfc.services.ports import ExportFormat, TableSource

SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("money", pa.decimal128(18, 2)),
        ("micros", pa.decimal128(18, 6)),
        ("count", pa.int64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", "UTC")),
    ]
)
ROW: dict[str, Any] = {
    "text": "padaria, pão e “cia”",
    "money": Decimal("123.45"),
    "micros": Decimal("0.110500"),
    "count": -7,
    "flag": True,
    "day": date(2026, 10, 31),
    "at": datetime(2026, 11, 1, 2, 30, 5, tzinfo=UTC),
}
EMPTY: dict[str, Any] = dict.fromkeys(ROW)


def a_source(*rows: dict[str, Any], name: str = "charges", batches: int = 1) -> TableSource:
    table = pa.Table.from_pylist(list(rows), SCHEMA)
    size = max(1, -(-len(rows) // batches))
    return TableSource(name, SCHEMA, [table.slice(start, size) for start in range(0, max(len(rows), 1), size)])


def csv_rows(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8"), newline="")))


def sheet_cells(body: bytes, sheet: int = 1) -> dict[str, tuple[str, str]]:
    """Type and text of each filled cell, read as any other program would."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        root = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{sheet}.xml"))
    return {cell.attrib["r"]: (cell.attrib.get("t", "n"), "".join(cell.itertext())) for cell in root.iter(f"{space}c")}


# --- Values --------------------------------------------------------------------------------------------------------


def test_csv_writes_plain_amounts_flags_and_local_instants() -> None:
    body = FileTables().encoded(a_source(ROW, EMPTY), ExportFormat.CSV)
    assert csv_rows(body) == [
        list(ROW),
        [ROW["text"], "123.45", "0.1105", "-7", "1", "2026-10-31", "2026-10-31T23:30:05-03:00"],
        [""] * 7,
    ]


@pytest.mark.parametrize(
    ("amount", "written"), [("0.000000", "0.00"), ("5.000000", "5.00"), ("4.900000", "4.90"), ("0.000001", "0.000001")]
)
def test_csv_writes_exact_amounts_with_at_least_two_decimals(amount: str, written: str) -> None:
    body = FileTables().encoded(a_source(ROW | {"micros": Decimal(amount)}), ExportFormat.CSV)
    assert csv_rows(body)[1][2] == written


def test_parquet_keeps_types_and_values() -> None:
    table = pq.read_table(io.BytesIO(FileTables().encoded(a_source(ROW, EMPTY), ExportFormat.PARQUET)))
    assert table.schema.field("money").type == pa.decimal128(18, 2)
    assert table.to_pylist() == [ROW, EMPTY]


def test_xlsx_writes_numbers_as_numbers_and_local_instants() -> None:
    cells = sheet_cells(FileTables().encoded(a_source(ROW, EMPTY), ExportFormat.XLSX))
    assert cells["A2"] == ("inlineStr", ROW["text"])
    assert cells["B2"] == ("n", "123.45")
    assert (cells["C2"][0], Decimal(cells["C2"][1])) == ("n", Decimal("0.1105"))
    assert cells["D2"] == ("n", "-7")
    assert cells["E2"] == ("n", "1")
    midnight_of_the_day = float(cells["F2"][1])
    assert float(cells["G2"][1]) == pytest.approx(midnight_of_the_day + (23 * 3600 + 30 * 60 + 5) / 86_400)
    assert not [name for name in cells if name.endswith("3")]


@pytest.mark.parametrize("form", ExportFormat)
def test_table_without_rows_still_has_its_columns(form: ExportFormat) -> None:
    body = FileTables().encoded(a_source(), form)
    match form:
        case ExportFormat.CSV:
            assert csv_rows(body) == [list(ROW)]
        case ExportFormat.PARQUET:
            assert pq.read_schema(io.BytesIO(body)).names == list(ROW)
        case ExportFormat.XLSX:
            assert sheet_cells(body)["G1"] == ("inlineStr", "at")


def test_list_is_joined_in_text_forms() -> None:
    table = pa.table({"warnings": [["no_line", "no_plan"], [], None]})
    source = TableSource("contracts", table.schema, [table])
    assert [row[0] for row in csv_rows(FileTables().encoded(source, ExportFormat.CSV))[1:3]] == ["no_line; no_plan", ""]
    assert sheet_cells(FileTables().encoded(source, ExportFormat.XLSX))["A2"] == ("inlineStr", "no_line; no_plan")


# --- Formulas ------------------------------------------------------------------------------------------------------

DANGEROUS = ["=1+1", "+5511987654321", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_text_that_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    source = a_source(ROW | {"text": text})
    assert csv_rows(FileTables().encoded(source, ExportFormat.CSV))[1][0] == f"'{text}"
    assert neutral(text) == f"'{text}"
    cell = sheet_cells(FileTables().encoded(source, ExportFormat.XLSX))["A2"]
    assert cell[0] == "inlineStr"
    assert cell[1].startswith("'")


def test_parquet_keeps_what_looks_like_a_formula() -> None:
    table = pq.read_table(io.BytesIO(FileTables().encoded(a_source(ROW | {"text": "=1"}), ExportFormat.PARQUET)))
    assert table["text"].to_pylist() == ["=1"]


def test_heading_that_looks_like_a_formula_gets_an_apostrophe() -> None:
    table = pa.table({"=cmd": [1]})
    source = TableSource("any", table.schema, [table])
    assert csv_rows(FileTables().encoded(source, ExportFormat.CSV))[0] == ["'=cmd"]
    assert sheet_cells(FileTables().encoded(source, ExportFormat.XLSX))["A1"] == ("inlineStr", "'=cmd")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=5))
def test_no_csv_cell_begins_a_formula_and_each_reads_back(texts: list[str]) -> None:
    body = FileTables().encoded(a_source(*(ROW | {"text": one} for one in texts)), ExportFormat.CSV)
    found = [row[0] for row in csv_rows(body)[1:]]
    assert found == [neutral(one) for one in texts]
    assert not any(one.startswith(("=", "+", "-", "@", "\t", "\r")) for one in found)


# --- Bytes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ExportFormat)
def test_bytes_do_not_depend_on_how_the_rows_come(form: ExportFormat) -> None:
    rows = [ROW | {"count": number} for number in range(50)]
    bodies = {FileTables().encoded(a_source(*rows, batches=batches), form) for batches in (1, 7, 50)}
    assert len(bodies) == 1


def test_parquet_has_row_groups_of_one_size() -> None:
    table = pa.table({"n": pa.array(range(250_000), pa.int64())})
    source = TableSource("calls", table.schema, [table.slice(start, 30_000) for start in range(0, 250_000, 30_000)])
    found = pq.ParquetFile(io.BytesIO(FileTables().encoded(source, ExportFormat.PARQUET)))
    assert [found.metadata.row_group(i).num_rows for i in range(3)] == [100_000, 100_000, 50_000]
    assert found.read()["n"].to_pylist() == list(range(250_000))


def test_xlsx_bears_no_time_of_its_making() -> None:
    with zipfile.ZipFile(io.BytesIO(FileTables().encoded(a_source(ROW), ExportFormat.XLSX))) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")


# --- Files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ExportFormat)
def test_files_are_written_with_rows_and_checksum(tmp_path: Path, form: ExportFormat) -> None:
    written = FileTables().write(tmp_path / "new" / "folder", [a_source(ROW, ROW), a_source(name="fiscal")], form)
    assert {name: file.rows for name, file in written.items()} == {f"charges.{form}": 2, f"fiscal.{form}": 0}
    for name, file in written.items():
        assert hashlib.sha256((tmp_path / "new" / "folder" / name).read_bytes()).hexdigest() == file.sha256
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(written)


@pytest.mark.parametrize("form", ExportFormat)
def test_source_that_fails_leaves_the_folder_as_it_was(tmp_path: Path, form: ExportFormat) -> None:
    FileTables().write(tmp_path, [a_source(ROW)], form)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Iterator[pa.Table]:
        yield pa.Table.from_pylist([ROW], SCHEMA)
        raise FileFormatError(line=1, cause="x", value="y")

    with pytest.raises(FileFormatError):
        FileTables().write(tmp_path, [a_source(ROW, ROW), TableSource("calls", SCHEMA, broken())], form)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("form", ExportFormat)
def test_full_disk_is_a_storage_error_and_leaves_the_folder_as_it_was(tmp_path: Path, form: ExportFormat) -> None:
    FileTables().write(tmp_path, [a_source(ROW)], form)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rows = [ROW | {"text": hashlib.sha256(str(n).encode()).hexdigest(), "count": n} for n in range(20_000)]
    with _largest_file(50_000), pytest.raises(StorageError):
        FileTables().write(tmp_path, [a_source(ROW), a_source(*rows, name="calls")], form)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        FileTables().write(tmp_path / "file" / "folder", [a_source(ROW)], ExportFormat.CSV)
    assert caught.value.facts["place"].endswith("folder")


class _largest_file:
    """No file of this process may grow beyond ``size``: a full disk, without filling one."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._before[1]))

    def __exit__(self, *_: Iterable[object]) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
