"""The snapshots held against what the ledger says of them (ports.SnapshotDoctor)."""

import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stfc.adapters.erp.snapshots import ParquetSnapshotStore
from stfc.adapters.erp.tables import TABLES
from stfc.errors import StorageError
from stfc.services.ports import Observation, SnapshotRow

_FINISHED = re.compile(r"\d{6,}")
_STAGED = re.compile(r"\.\d{6,}-[0-9a-f]{32}")


class ParquetSnapshotDoctor:
    """``ports.SnapshotDoctor`` over the folders of a ``ParquetSnapshotStore``."""

    def __init__(self, store: ParquetSnapshotStore) -> None:
        self._store = store

    def examine(self, current: SnapshotRow | None, kept: Collection[int]) -> list[Observation]:
        """Every kept snapshot by its folder, the current one by the footers of its tables: what they hold is not read
        again, for their bytes were checked at import and do not change."""
        gone = [number for number in sorted(kept) if not self._store.folder(number).is_dir()]
        found = [
            Observation("snapshot", "DOC-SNP", {"snapshot": number, "path": str(self._store.folder(number))})
            for number in gone
        ]
        if current is not None and current.number not in gone:
            found += self._tables(current)
        return found

    def leftovers(self, kept: Collection[int], *, older_than: datetime) -> list[str]:
        """Half-written folders and finished ones of no snapshot in ``kept``; nothing else under the root is ours."""
        limit = older_than.timestamp()
        known = {self._store.folder(number).name for number in kept}
        found = []
        for folder in self._store.root.glob("*"):
            is_ours = _STAGED.fullmatch(folder.name) or _FINISHED.fullmatch(folder.name)
            with suppress(FileNotFoundError):
                if is_ours and folder.name not in known and folder.is_dir() and folder.stat().st_mtime < limit:
                    found.append(folder.name)
        return sorted(found)

    def remove(self, names: Iterable[str]) -> None:
        """Remove leftovers; one that is gone already is passed over."""
        for name in names:
            folder = self._store.root / name
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                continue
            except OSError as cause:
                raise StorageError(place=str(folder), cause=cause.strerror or str(cause)) from cause

    def _tables(self, current: SnapshotRow) -> Iterator[Observation]:
        for name in TABLES:
            facts = {"snapshot": current.number, "table": name}
            path = self._store.folder(current.number) / f"{name}.parquet"
            rows, cause = _rows(path)
            if cause:
                yield Observation("snapshot", "DOC-TAB", {**facts, "cause": cause})
            elif rows != current.rows.get(name, rows):
                yield Observation("snapshot", "DOC-TLI", {**facts, "rows": rows, "expected": current.rows[name]})


def _rows(path: Path) -> tuple[int, str | None]:
    try:
        return pq.read_metadata(path).num_rows, None
    except OSError as cause:
        return 0, cause.strerror or str(cause).splitlines()[0]
    except pa.ArrowException as cause:
        return 0, str(cause).splitlines()[0]
