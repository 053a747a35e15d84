"""Rollups: what charts, totals and searches need of a competence's calls, as small Parquet files in one folder.

Each sum holds ``calls``, ``seconds`` and ``micros`` for every combination of its dimensions that occurs. A question
is answered by the first one, from the smallest, whose dimensions are all that it groups and filters by. The index
``numbers`` says which contracts have a number in their calls (docs/decisions/0006-rollups.md).
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from stfc.adapters.calls.durable import sync_file, sync_folder
from stfc.errors import StorageError

SUMMED: Mapping[str, tuple[str, ...]] = {
    "hours": ("class", "weekday", "hour"),
    "days": ("class", "destination", "local_day", "weekday"),
    "destinations": ("destination", "class", "weekday", "hour"),
    "totals": ("contract",),
    "contracts": ("contract", "class"),
}
"""The dimensions of each sum, those of the fewest rows first; each file is sorted by them."""

SUMS = "count(*)::BIGINT AS calls, sum(duration)::BIGINT AS seconds, sum(amount)::BIGINT AS micros"
"""What every sum holds, over the columns of a part."""

NUMBERS = "numbers"
"""The index: ``key``, ``contract``, a row for each pair that occurs, by key."""

FILES = (*SUMMED, NUMBERS)
"""The names of all files of a rollup."""

_ROWS_PER_GROUP = 16_384
_NUMBERS_PER_GROUP = 65_536
_MEMORY = "256MB"
_KEY = 8
_KEYS = 10**_KEY


def covering(columns: Collection[str]) -> str | None:
    """The smallest sum that has all of ``columns`` as dimensions; None when only the calls themselves do."""
    return next((name for name, dimensions in SUMMED.items() if set(columns) <= set(dimensions)), None)


def ending(number: str) -> int | None:
    """The key of called numbers that end as ``number`` does; None when it is no whole number of digits."""
    return _key(number[-_KEY:])


def beginning(number: str) -> int | None:
    """The key of called numbers that begin as ``number`` does; None when it is no whole number of digits."""
    key = _key(number[:_KEY])
    return None if key is None else _KEYS + key


def calling(line: str) -> int | None:
    """The key of calling lines that end as ``line`` does; None when it is no whole number of digits."""
    key = _key(line[-_KEY:])
    return None if key is None else 2 * _KEYS + key


def _key(digits: str) -> int | None:
    return int(digits) if len(digits) == _KEY and digits.isascii() and digits.isdecimal() else None


def file(folder: Path, name: str) -> Path:
    """Where the file ``name`` stands in a rollup's folder."""
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
            for name, dimensions in SUMMED.items():
                connection.execute(_copy(source, dimensions, file(folder, name)))
            connection.execute(_copy_numbers(source, file(folder, NUMBERS)))
        for name in FILES:
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


def _copy_numbers(source: str, target: Path) -> str:
    # What is no whole number of digits has no key: nobody can look for it by one.
    keys = ", ".join(
        f"try_cast({place}({column}, {_KEY}) AS INTEGER) + {kind * _KEYS}"
        for kind, (place, column) in enumerate((("right", "called"), ("left", "called"), ("right", "line")))
    )
    pairs = f"SELECT DISTINCT unnest([{keys}])::INTEGER AS key, contract FROM {source}"
    return (
        f"COPY (FROM ({pairs}) WHERE key IS NOT NULL ORDER BY ALL) TO {_text(target)} "
        f"(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE {_NUMBERS_PER_GROUP})"
    )


def _copy(source: str, dimensions: tuple[str, ...], target: Path) -> str:
    by = ", ".join(f'"{name}"' for name in dimensions)
    return (
        f"COPY (SELECT {by}, {SUMS} FROM {source} GROUP BY ALL ORDER BY {by}) TO {_text(target)} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROWS_PER_GROUP})"
    )
