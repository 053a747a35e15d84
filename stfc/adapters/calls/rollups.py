"""Rollups: the sums of a competence's calls that the charts and totals need, as small Parquet files in one folder.

Each rollup holds ``calls``, ``seconds`` and ``micros`` for every combination of its dimensions that occurs. A question
is answered by the first one, from the smallest, whose dimensions are all that it groups and filters by
(docs/decisions/0006-rollups.md).
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from stfc.adapters.calls.durable import sync_file, sync_folder
from stfc.errors import StorageError

ROLLUPS: Mapping[str, tuple[str, ...]] = {
    "hours": ("class", "weekday", "hour"),
    "days": ("class", "destination", "local_day", "weekday"),
    "destinations": ("destination", "class", "weekday", "hour"),
    "contracts": ("contract", "class"),
}
"""The dimensions of each rollup, those of the fewest rows first; each file is sorted by them."""

SUMS = "count(*)::BIGINT AS calls, sum(duration)::BIGINT AS seconds, sum(amount)::BIGINT AS micros"
"""What every rollup holds, over the columns of a part."""

_ROWS_PER_GROUP = 16_384
_MEMORY = "1GB"


def covering(columns: Collection[str]) -> str | None:
    """The smallest rollup that has all of ``columns`` as dimensions; None when only the calls themselves do."""
    return next((name for name, dimensions in ROLLUPS.items() if set(columns) <= set(dimensions)), None)


def file(folder: Path, name: str) -> Path:
    """Where the rollup ``name`` stands in a rollups' folder."""
    return folder / f"{name}.parquet"


def write(folder: Path, parts: Collection[str], excluded: pa.Table) -> None:
    """Write every rollup of the calls in ``parts`` (files), without the claims ``excluded``, to the new ``folder``.

    Raises:
        StorageError: a part cannot be read or the disk refuses; a half-made folder may be left.
    """
    try:
        folder.mkdir(parents=True)
        with TemporaryDirectory(dir=folder) as scratch, duckdb.connect(":memory:") as connection:
            connection.execute(f"SET memory_limit = '{_MEMORY}'; SET temp_directory = {_text(scratch)}")
            connection.register("excluded", excluded)
            source = f"read_parquet([{', '.join(map(_text, parts))}]) ANTI JOIN excluded USING (claim)"
            for name, dimensions in ROLLUPS.items():
                connection.execute(_copy(source, dimensions, file(folder, name)))
                sync_file(file(folder, name))
        sync_folder(folder)
        sync_folder(folder.parent)
        sync_folder(folder.parent.parent)
    except OSError as cause:
        raise StorageError(place=str(folder), cause=cause.strerror or str(cause)) from cause
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.OutOfMemoryException) as cause:
        raise StorageError(place=str(folder), cause=str(cause).splitlines()[0]) from cause


def _text(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _copy(source: str, dimensions: tuple[str, ...], target: Path) -> str:
    by = ", ".join(f'"{name}"' for name in dimensions)
    return (
        f"COPY (SELECT {by}, {SUMS} FROM {source} GROUP BY ALL ORDER BY {by}) TO {_text(target)} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROWS_PER_GROUP})"
    )
