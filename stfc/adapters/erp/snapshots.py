"""Immutable folders of the ERP's six tables as typed Parquet, one per import (ARCHITECTURE, four stores)."""

import io
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from stfc.adapters.erp import checks
from stfc.adapters.erp.checks import Known
from stfc.adapters.erp.problems import MAX_REPORTED, Problems
from stfc.adapters.erp.reading import RawTable, read
from stfc.adapters.erp.tables import TABLES, Table
from stfc.domain import text
from stfc.errors import ImportRefusedError, StorageError
from stfc.services.ports import ImportWarning, StagedSnapshot

_SUFFIXES = (".csv", ".parquet")
# Small groups, so that reading one contract decodes little.
_ROW_GROUP = 16_384


class ParquetSnapshotStore:
    """``ports.SnapshotStore`` under ``root``: folder ``000017`` holds snapshot 17, ``contracts.parquet`` and so on.

    Dates are date32, flags bool, amounts int64 centavos, ``cut_day`` and ``due_day`` int32, all else strings
    (a competence is ``2026-10``). Rows are sorted by contract, lines by number and start.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, number: int) -> Path:
        """Where snapshot ``number`` stands, whether or not it is there."""
        return self.root / f"{number:06d}"

    def stage(self, source: Path, number: int, previous: int | None) -> StagedSnapshot:
        """Validate the dump in ``source`` whole and write it as snapshot ``number``.

        ``number`` must be of no snapshot that the ledger knows: what a killed import left under it is replaced.
        Tables that the folder lacks come from ``previous``; at the first import the invoices, values and events may
        lack and are then empty.

        Raises:
            ImportRefusedError: the dump breaks rules; ``problems`` names the first 10,000, ``total`` counts all.
            StorageError: the snapshot cannot be written, or the previous one cannot be read.
        """
        dump = _Dump(source, self.folder(previous) if previous is not None else None)
        tables = dump.validate()
        try:
            folder = self._write(number, tables, dump.carried)
        except OSError as cause:
            raise StorageError(place=str(self.folder(number)), cause=cause.strerror or str(cause)) from cause
        return StagedSnapshot(folder, {name: dump.rows(name, tables) for name in TABLES}, tuple(dump.warnings))

    def discard(self, numbers: Iterable[int]) -> None:
        """Remove old snapshots that nothing names any more; one that is gone already is passed over."""
        for number in numbers:
            try:
                shutil.rmtree(self.folder(number))
            except FileNotFoundError:
                continue
            except OSError as cause:
                raise StorageError(place=str(self.folder(number)), cause=cause.strerror or str(cause)) from cause

    def _write(self, number: int, tables: dict[str, pl.DataFrame], carried: dict[str, Path]) -> Path:
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = self.root / f".{number:06d}-{uuid.uuid4().hex}"
        temporary.mkdir()
        try:
            for name in TABLES:
                content = _parquet(tables[name]) if name in tables else carried[name].read_bytes()
                _write_synced(temporary / f"{name}.parquet", content)
            _sync_folder(temporary)
            folder = self.folder(number)
            if folder.exists():
                shutil.rmtree(folder)
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync_folder(self.root)
        return folder


class _Dump:
    """One dump on its way through validation."""

    def __init__(self, source: Path, previous: Path | None) -> None:
        self._source = source
        self._previous = previous
        self._problems = Problems()
        self.warnings: list[ImportWarning] = []
        self.carried: dict[str, Path] = {}

    def validate(self) -> dict[str, pl.DataFrame]:
        """The tables that this dump brings, typed and sorted, an empty one for what the first import lacks."""
        raws = {name: read(TABLES[name], path, self._problems) for name, path in self._files().items()}
        rows: dict[str, pl.DataFrame] = {}
        for name, raw in raws.items():
            if raw is not None:
                rows[name] = self._check(raw)
        checks.check_references(self._known(raws), self._problems)
        self._refuse()
        absent = [name for name in TABLES if name not in rows and name not in self.carried]
        tables = {name: checks.stored(TABLES[name], frame) for name, frame in rows.items()}
        return tables | {name: _empty(TABLES[name]) for name in absent}

    def rows(self, name: str, tables: dict[str, pl.DataFrame]) -> int:
        """How many rows the snapshot has of a table, brought or carried over."""
        if name in tables:
            return tables[name].height
        return _carried_frame(self.carried[name], [TABLES[name].key[0]]).height

    def _refuse(self) -> None:
        if self._problems:
            raise ImportRefusedError(problems=self._problems.listed(), total=self._problems.total, most=MAX_REPORTED)

    def _files(self) -> dict[str, Path]:
        """The file of each table that the folder has; the others are carried over where there is a previous one."""
        try:
            present = sorted(self._source.iterdir())
        except OSError:
            self._problems.add(str(self._source), 0, "", "folder")
            self._refuse()
        tabular = [path for path in present if path.suffix.lower() in _SUFFIXES]
        files: dict[str, Path] = {}
        for name in TABLES:
            found = [path for path in tabular if path.stem.lower() == name]
            if len(found) > 1:
                self._problems.add(found[0].name, 0, "", "twice")
            elif found:
                files[name] = found[0]
            elif self._previous is not None:
                self.carried[name] = self._previous / f"{name}.parquet"
        for path in tabular:
            if path.stem.lower() not in TABLES:
                self._warn(path.name, 0, "", "file_ignored")
        self._check_presence(files)
        return files

    def _check_presence(self, files: dict[str, Path]) -> None:
        if self._problems:
            return
        if not files:
            self._problems.add(str(self._source), 0, "", "no_table")
            self._refuse()
        for table in TABLES.values():
            if table.required and table.name not in files and table.name not in self.carried:
                self._problems.add(f"{table.name}.csv", 0, "", "table_required")

    def _check(self, raw: RawTable) -> pl.DataFrame:
        rows = checks.check_cells(raw, self._problems)
        checks.check_keys(raw, self._problems)
        if raw.table.name == "lines":
            checks.check_lines(raw, rows, self._problems)
        if raw.table.name == "contracts":
            for line in checks.wrong_documents(rows):
                self._warn(raw.file, line, "document", "check_digits")
        return rows

    def _known(self, raws: dict[str, RawTable | None]) -> dict[str, Known]:
        """The tables that references can be checked against: those that could be read, their keys included."""
        known = {name: Known(_carried_frame(path), None) for name, path in self.carried.items()}
        for name, raw in raws.items():
            if raw is not None and not raw.missing & _reference_columns(raw.table):
                known[name] = Known(raw.frame, raw.file)
        return known

    def _warn(self, file: str, line: int, column: str, cause: str) -> None:
        if len(self.warnings) < MAX_REPORTED:
            self.warnings.append(ImportWarning(file, line, column, text.import_cause(cause)))


def _reference_columns(table: Table) -> set[str]:
    """The columns that references between tables need."""
    return {column.name for column in table.columns} & {*table.key[:1], "contract", "service"}


def _carried_frame(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, columns=columns, hive_partitioning=False)
    except (OSError, pl.exceptions.PolarsError) as cause:
        raise StorageError(place=str(path), cause=str(cause)) from cause


def _empty(table: Table) -> pl.DataFrame:
    cells = pl.DataFrame(schema={column.name: pl.String for column in table.columns})
    return cells.select([checks.typed(column).alias(column.name) for column in table.columns])


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1, row_group_size=_ROW_GROUP)
    return buffer.getvalue()


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
