"""How fast billing files become calls: the plain parser, the columns, all of a chunk, against DuckDB (ENGINE 1).

Prints millions of records per second, the best of some turns, and the ratios that matter more than the figures.
``python bench/billing_files.py``; the files are the simulator's.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from stfc.adapters.billing_files import parse_files
from stfc.adapters.calls.assess import ColumnarAssessor
from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.erp.snapshots import ParquetSnapshotStore
from stfc.domain.billing_file import Descriptor, parse
from stfc.domain.competence import Competence
from stfc.services.ports import Arrived, ChunkSpec, ClaimedItem, LiveCalls
from stfc.simulator.erp_dump import dump
from stfc.simulator.traffic import Traffic, TrafficOptions
from stfc.simulator.universe import from_folder

MONTH = Competence(2026, 10)
SHAPES = ((200, 50), (200, 500), (10, 5_000))
TURNS = 5


def best(act: Callable[[], Any], turns: int = TURNS) -> tuple[float, Any]:
    """Seconds of the fastest of several turns, and what the last one gave."""
    seconds = []
    for _ in range(turns):
        started = time.perf_counter()
        answer = act()
        seconds.append(time.perf_counter() - started)
    return min(seconds), answer


def measure(home: Path, count: int, calls: int) -> None:
    """One line of the table: ``count`` files of ``calls`` records."""
    traffic = Traffic(from_folder(home / "dump", 1), TrafficOptions(clean=True, calls_per_contract=calls))
    month = traffic.files(range(count), MONTH)
    files = [(contract, month.body(place)) for place, contract in enumerate(month.contracts)]
    records = sum(month.records)
    items = tuple(ClaimedItem(place, place, contract, tries=0) for place, (contract, _) in enumerate(files))
    arrived = {place: Arrived(Descriptor(name, MONTH, True, ""), body) for place, (name, body) in enumerate(files)}
    snapshot = ParquetSnapshotStore(home / "snapshots").folder(1)
    spec = ChunkSpec(1, MONTH, items, snapshot, LiveCalls(0, (), frozenset()))
    store = ParquetCallStore(home / "calls")
    assessor = ColumnarAssessor(store, lambda: datetime.now(UTC))

    plain, _ = best(lambda: [parse(body, contract, MONTH) for contract, body in files], turns=2)
    columns, _ = best(lambda: parse_files(files, MONTH))
    chunk, found = best(lambda: assessor.assess(spec, arrived))
    part, _ = best(lambda: store.write(MONTH, found.calls))
    yardstick, _ = best(lambda: copied(home, [body for _, body in files]))
    rates = "".join(f"{records / seconds / 1e6:>12.2f}" for seconds in (plain, columns, chunk, part, yardstick))
    ratios = f"{plain / columns:>11.1f}x{yardstick / (chunk + part):>13.2f}"
    print(f"{f'{count} x {calls}':<12}{rates}{ratios}")


def copied(home: Path, bodies: list[bytes]) -> None:
    """The same records through DuckDB, which checks, classifies and drops nothing."""
    source = home / "records.csv"
    source.write_bytes(b"".join(body[body.index(b"\n") + 1 : body.rindex(b"T;")] for body in bodies))
    duckdb.execute(
        f"COPY (SELECT * FROM read_csv('{source}', header = false, sep = ';', quote = '')) "
        f"TO '{home / 'records.parquet'}' (COMPRESSION zstd)"
    )


def main() -> None:
    """Measure all shapes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        dump(home / "dump", 400, 1, until=MONTH)
        ParquetSnapshotStore(home / "snapshots").stage(home / "dump", 1, None)
        names = ("plain", "columns", "chunk", "part", "DuckDB COPY")
        heads = "".join(f"{name:>12}" for name in names)
        print(f"{'files':<12}{heads}{'col:plain':>12}{'all:COPY':>13}")
        for count, calls in SHAPES:
            measure(home, count, calls)


if __name__ == "__main__":
    main()
