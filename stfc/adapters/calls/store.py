"""Parts of calls: immutable Parquet files that the ledger lists (ARCHITECTURE, the ledger is the catalogue)."""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stfc.adapters.calls.durable import sync_folder
from stfc.adapters.calls.schema import DELTA_ENCODINGS, DICTIONARY_COLUMNS, PART_SCHEMA
from stfc.domain.competence import Competence
from stfc.errors import StorageError
from stfc.services.ports import LiveCalls, Part

ROLLUPS_FOLDER = "_rollups"
"""Where rollups stand; engines that read the root as one table pass over a name with this first letter."""
_FOLDER = "competence="
_ROWS_PER_GROUP = 25_000
_TEMPORARY = ".tmp"
_KEYS_SCHEMA = pa.schema(
    PART_SCHEMA.field(name) for name in ("contract", "call_id", "line", "called", "started_at", "duration")
)
_TRAFFIC_SCHEMA = pa.schema(
    [
        PART_SCHEMA.field("contract"),
        ("competence", pa.string()),
        *map(PART_SCHEMA.field, ("class", "destination", "started_at", "duration", "local_day", "hour", "weekday")),
    ]
)


class ParquetCallStore:
    """The calls under ``root``, one folder a competence, one file a part."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, competence: Competence, table: pa.Table) -> Part:
        """Write ``table`` (``PART_SCHEMA``, by contract) as a part; on disk for good when this returns.

        Raises:
            StorageError: the disk is full or read-only; nothing is left behind.
        """
        folder = self.root / f"{_FOLDER}{competence}"
        content = _encoded(table)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"part-{uuid.uuid4().hex}.parquet"
            _write_durably(path, content)
        except OSError as cause:
            raise StorageError(place=str(folder), cause=_reason(cause)) from cause
        ends = pc.min_max(table["contract"])
        return Part(
            path=f"{folder.name}/{path.name}",
            competence=competence,
            rows=table.num_rows,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            contract_first=ends["min"].as_py() or "",
            contract_last=ends["max"].as_py() or "",
        )

    def path(self, part: Part) -> Path:
        """Where ``part`` stands."""
        return self.root / part.path

    def paths(self, parts: Iterable[Part]) -> list[str]:
        """Where the files of ``parts`` stand, as readers such as DuckDB take them."""
        return [str(self.path(part)) for part in parts]

    def exclusions(self, live: LiveCalls) -> pa.Table:
        """The claims (``claim`` int64) whose rows no reader may see, for an anti join: it beats a list (ENGINE 4)."""
        return _claims(live.excluded).to_arrow()

    def scan(self, live: LiveCalls) -> pl.LazyFrame:
        """All live calls: ``PART_SCHEMA`` and ``competence`` (``"2026-10"``), without the excluded claims."""
        schema = pl.Schema(_polars_schema() | {"competence": pl.String()})
        if not live.parts:
            return schema.to_frame().lazy()
        calls = pl.scan_parquet(
            self.paths(live.parts), hive_partitioning=True, hive_schema={"competence": pl.String()}
        ).select(schema.names())
        if not live.excluded:
            return calls
        return calls.join(_claims(live.excluded).lazy(), on="claim", how="anti", maintain_order="left")

    def earlier_keys(self, contracts: Sequence[str], live: LiveCalls) -> pa.Table:
        """What repeats are known by, of all live calls of ``contracts``: contract, call_id, line, called, started_at,
        duration.

        Raises:
            StorageError: a listed part is missing or cannot be read.
        """
        return self._collected(self._of(contracts, live), _KEYS_SCHEMA)

    def earlier_calls(self, contracts: Sequence[str], live: LiveCalls, *, before: Competence) -> pa.Table:
        """What detectors look at, of the live calls of ``contracts`` in competences before ``before``: contract,
        competence, class, destination, started_at, duration, local_day, hour, weekday.

        Raises:
            StorageError: a listed part is missing or cannot be read.
        """
        earlier = LiveCalls(live.revision, tuple(p for p in live.parts if p.competence < before), live.excluded)
        return self._collected(self._of(contracts, earlier), _TRAFFIC_SCHEMA)

    def calls_of(self, contracts: Sequence[str], live: LiveCalls) -> pa.Table:
        """All live calls of ``contracts``, as parts hold them, in no order.

        Raises:
            StorageError: a listed part is missing or cannot be read.
        """
        return self._collected(self._of(contracts, live), PART_SCHEMA)

    def _of(self, contracts: Sequence[str], live: LiveCalls) -> pl.LazyFrame:
        """The live calls of ``contracts``; only parts that may hold some are opened."""
        first, last = min(contracts, default=""), max(contracts, default="")
        near = tuple(part for part in live.parts if part.contract_first <= last and part.contract_last >= first)
        calls = self.scan(LiveCalls(live.revision, near if contracts else (), live.excluded))
        return calls.filter(
            pl.col("contract").is_between(pl.lit(first), pl.lit(last)) & pl.col("contract").is_in(list(contracts))
        )

    def _collected(self, calls: pl.LazyFrame, schema: pa.Schema) -> pa.Table:
        try:
            return calls.select(schema.names).collect().to_arrow().cast(schema)
        except (OSError, pl.exceptions.ComputeError) as cause:
            raise StorageError(place=str(self.root), cause=str(cause)) from cause

    def orphans(self, listed: Iterable[str], *, older_than: datetime) -> list[str]:
        """What is below the root, parts and rollups, half-written ones too, that is not in ``listed`` (relative paths)
        and was last written before ``older_than``."""
        known = set(listed)
        limit = older_than.timestamp()
        found = []
        for path in (*self.root.glob(f"{_FOLDER}*/*"), *self.root.glob(f"{ROLLUPS_FOLDER}/{_FOLDER}*/*")):
            relative = path.relative_to(self.root).as_posix()
            with suppress(FileNotFoundError):
                if relative not in known and path.stat().st_mtime < limit:
                    found.append(relative)
        return sorted(found)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove parts and rollups by their relative paths; what is gone already is no error.

        Raises:
            StorageError: the disk is read-only.
        """
        for relative in paths:
            try:
                _remove(self.root / relative)
            except OSError as cause:
                raise StorageError(place=str(self.root / relative), cause=_reason(cause)) from cause


def _encoded(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.select(PART_SCHEMA.names).cast(PART_SCHEMA),
        sink,
        row_group_size=_ROWS_PER_GROUP,
        compression="zstd",
        compression_level=1,
        use_dictionary=DICTIONARY_COLUMNS,
        column_encoding=DELTA_ENCODINGS,
        write_statistics=True,
        store_schema=False,
    )
    return sink.getvalue()


def _write_durably(path: Path, content: pa.Buffer) -> None:
    """Bytes to a temporary name, to the disk, to the final name, and the folder to the disk."""
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_folder(path.parent)
        sync_folder(path.parent.parent)
    except OSError:
        for leftover in (temporary, path):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)
        raise


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _reason(cause: OSError) -> str:
    return cause.strerror or errno.errorcode.get(cause.errno or 0, str(cause))


def _claims(excluded: Iterable[int]) -> pl.DataFrame:
    return pl.DataFrame({"claim": sorted(excluded)}, schema={"claim": pl.Int64()})


def _polars_schema() -> dict[str, pl.DataType]:
    empty = pl.from_arrow(PART_SCHEMA.empty_table())
    return dict(empty.schema) if isinstance(empty, pl.DataFrame) else {}
