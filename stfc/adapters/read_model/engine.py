"""The process's in-memory DuckDB, and caches with exact keys."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import duckdb
import polars as pl
import pyarrow as pa

from stfc.errors import StorageError

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Engine:
    """Runs one SQL read at a time per cursor; any thread may ask. Tables are handed in by name, files by path."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:")
        self._lock = threading.Lock()
        # Nothing is ever downloaded: what a query needs is built in.
        self._connection.execute("SET GLOBAL autoinstall_known_extensions = false")
        self._connection.execute("SET GLOBAL autoload_known_extensions = false")
        # Parts, rollups and snapshots never change: what a file's end says of it is read once.
        self._connection.execute("SET GLOBAL parquet_metadata_cache = true")

    def query(self, sql: str, params: dict[str, Any] | None = None, **tables: pl.DataFrame | pa.Table) -> pl.DataFrame:
        """The answer to ``sql``, in which ``tables`` stand under their names and ``$name`` takes a parameter.

        Raises:
            StorageError: a file is missing or broken.
        """
        with self._lock:
            cursor = self._connection.cursor()
        try:
            for name, table in tables.items():
                cursor.register(name, table.to_arrow() if isinstance(table, pl.DataFrame) else table)
            return frame_of(cursor.sql(sql, params=params).to_arrow_table())
        except (duckdb.IOException, duckdb.InvalidInputException) as cause:
            raise StorageError(place="", cause=str(cause).splitlines()[0]) from cause
        finally:
            cursor.close()


def frame_of(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a Polars frame of the same columns."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def parquet(paths: Iterable[Path | str], options: str = "") -> str:
    """The SQL source that reads these Parquet files."""
    return f"read_parquet([{', '.join(text(str(path)) for path in paths)}]{options})"


def text(value: str) -> str:
    """A text of SQL."""
    return "'" + value.replace("'", "''") + "'"


class _Entry(Generic[Value]):
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.values: list[Value] = []
        self.weight = 0


class Cache(Generic[Key, Value]):
    """Keeps the ``size`` most recently used values. A key says all that its value depends on, so none ever ages.

    A missing value is made by one thread while the others that want the same wait for it.
    """

    def __init__(self, size: int, *, most: int | None = None, weigh: Callable[[Value], int] = lambda _: 0) -> None:
        """``most``: of values that ``weigh`` more bytes than this together, fewer are kept, but always the last."""
        self._size = size
        self._most = most
        self._weigh = weigh
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, _Entry[Value]] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of ``key``, made by ``make`` when it is not there."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            self._trim()
        with entry.lock:
            if not entry.values:
                value = make()
                with self._lock:
                    entry.values.append(value)
                    entry.weight = self._weigh(value)
                    self._trim()
            return entry.values[0]

    def _trim(self) -> None:
        while len(self._entries) > self._size or (len(self._entries) > 1 and self._is_heavy()):
            self._entries.popitem(last=False)

    def _is_heavy(self) -> bool:
        return self._most is not None and sum(entry.weight for entry in self._entries.values()) > self._most


def weight(value: Any) -> int:
    """The bytes of a frame, or of all frames that a dataclass holds."""
    if isinstance(value, pl.DataFrame):
        return int(value.estimated_size())
    return sum(weight(getattr(value, one.name)) for one in fields(value)) if is_dataclass(value) else 0
