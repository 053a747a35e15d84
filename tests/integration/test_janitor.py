"""Orphans of killed workers go; what the ledger lists, and what is young, stays."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain.competence import Competence
from stfc.services.janitor import ORPHAN_AGE, Janitor
from tests.builders import a_call, calls_table

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OCTOBER = Competence(2026, 10)


class Catalogue:
    """The ledger's list of parts, by hand."""

    def __init__(self, *paths: str) -> None:
        self._paths = frozenset(paths)

    def listed_paths(self, *, retired_since: datetime) -> frozenset[str]:
        """What the ledger knows."""
        return self._paths


def a_part(store: ParquetCallStore, age: timedelta) -> str:
    """A part on disk that was written ``age`` ago."""
    path = store.write(OCTOBER, calls_table([a_call("c-1")])).path
    written = (NOW - age).timestamp()
    os.utime(store.root / path, (written, written))
    return path


def test_only_old_files_that_the_ledger_does_not_list_are_swept(tmp_path: Path) -> None:
    store = ParquetCallStore(tmp_path)
    listed = a_part(store, ORPHAN_AGE * 2)
    young = a_part(store, ORPHAN_AGE - timedelta(seconds=1))
    orphan = a_part(store, ORPHAN_AGE + timedelta(seconds=1))
    half_written = tmp_path / f"{orphan}.tmp"
    half_written.write_bytes(b"PAR1")
    os.utime(half_written, (0, 0))

    assert Janitor(Catalogue(listed), store, lambda: NOW).sweep() == 2

    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {listed, young}


def test_a_store_without_calls_has_nothing_to_sweep(tmp_path: Path) -> None:
    assert Janitor(Catalogue(), ParquetCallStore(tmp_path / "none"), lambda: NOW).sweep() == 0
