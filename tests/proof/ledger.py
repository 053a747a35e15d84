"""The ledger read with plain SQL and a plain driver: none of the product's own code has a say here."""

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

_SQLITE = "sqlite:///"


@contextmanager
def _connection(url: str) -> Iterator[Any]:
    if url.startswith(_SQLITE):
        with closing(sqlite3.connect(f"file:{url.removeprefix(_SQLITE)}?mode=ro", uri=True, timeout=60)) as connection:
            yield connection
        return
    with closing(psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"))) as connection:
        yield connection


def dump(url: str, table: str, path: Path) -> None:
    """Write all of ``table`` to ``path`` as CSV."""
    path.parent.mkdir(exist_ok=True)
    with _connection(url) as connection, path.open("w", encoding="utf-8", newline="") as file:
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
        writer = csv.writer(file)
        writer.writerow(column[0] for column in cursor.description)
        writer.writerows(cursor.fetchall())


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What ``query`` gives, from the ledger at ``url`` (SQLAlchemy's way to write it)."""
    with _connection(url) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
