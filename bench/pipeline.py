"""How fast the worker bills over HTTP, against DuckDB that merely copies the same records (ENGINE 5).

``python bench/pipeline.py [CONTRACTS x CALLS]...``, e.g. ``2000x50``; worker and simulator share the machine, and no
answer waits. Per shape it prints the fastest of some turns, each in a fresh home:

* contracts and records per second, from the batch's start to its end, and DuckDB's records per second in the same run;
* CPU of a contract in ms, the worker's (opening the batch included) and the simulator's;
* requests and ledger transactions, counted in a turn that is not timed;
* where the time of a contract goes, in ms, one chunk at a time so that nothing overlaps: *books* is all but network
  and reading of files.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import sqlalchemy as sa
from rig import TOKEN, make_erp, make_home, open_batch, platform, warm, work

from stfc import bootstrap
from stfc.adapters.calls.assess import ColumnarAssessor
from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.summit.connection import Connections, Request
from stfc.adapters.summit.downloads import DownloadConnections
from stfc.adapters.summit.talk import TalkConnections
from stfc.bootstrap import Application
from stfc.services.worker import Worker

SHAPES = ("2000x50", "500x200", "60x5000")
TURNS = 3


def bill(app: Application) -> tuple[float, int]:
    """Bill the month with a worker on this thread; seconds between the batch's start and its end, and its calls."""
    batch = open_batch(app)
    work(app, batch)
    summary = app.batches.show(batch)
    assert summary.started_at is not None
    assert summary.ended_at is not None
    assert summary.outcomes["charged"] == summary.items, summary.outcomes
    return (summary.ended_at - summary.started_at).total_seconds(), summary.calls


class Counts:
    """Counts what leaves the process: requests by their path, and transactions by what they do."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._asks = [(of, of.ask) for of in (TalkConnections, DownloadConnections)]
        for of, ask in self._asks:
            of.ask = self._counted(ask)  # type: ignore[method-assign]
        sa.event.listen(sa.Engine, "before_cursor_execute", self._statement)

    def stop(self) -> None:
        """Count no more."""
        for of, ask in self._asks:
            of.ask = ask  # type: ignore[method-assign]
        sa.event.remove(sa.Engine, "before_cursor_execute", self._statement)

    def _counted(self, ask: Any) -> Any:
        def counted(connections: Connections, request: Request) -> Any:
            path = request.address
            kind = "files" if "/v1/files/" in path else "pages" if "billing-files?" in path else "others"
            self.seen[kind] += 1
            return ask(connections, request)

        return counted

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.seen["writes"] += statement == "BEGIN IMMEDIATE"
        self.seen["settled"] += statement.startswith("INSERT INTO parts")


class Clocks:
    """Seconds spent in some methods, inclusive."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._undo: list[Callable[[], None]] = []

    def watch(self, owner: Any, name: str, label: str) -> None:
        """Add up under ``label`` what ``owner.name`` takes."""
        method = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds[label] += time.perf_counter() - started

        setattr(owner, name, timed)
        self._undo.append(lambda: setattr(owner, name, method))

    def stop(self) -> None:
        """Put the methods back."""
        for undo in self._undo:
            undo()


def copied(folder: Path, address: str, links: list[str]) -> float:
    """Seconds that DuckDB takes to turn the month's records into Parquet: no check, no classes, no repeats."""
    source, target = folder / "records.csv", folder / "records.parquet"
    headers = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client, source.open("wb") as out:
        for link in links:
            body = client.get(link).content
            out.write(body[body.index(b"\n") + 1 : body.rindex(b"T;")])
    started = time.perf_counter()
    duckdb.execute(
        f"COPY (SELECT * FROM read_csv('{source}', header = false, sep = ';', quote = '')) "
        f"TO '{target}' (COMPRESSION zstd)"
    )
    return time.perf_counter() - started


def measure(folder: Path, shape: str) -> None:
    """One shape: a line of figures, a line of counts, a line of phases."""
    contracts, calls = (int(part) for part in shape.split("x"))
    erp = make_erp(folder, contracts)
    with platform(erp, calls=calls) as summit:
        address = summit.address
        links = warm(address)
        counts = Counts()
        app = make_home(folder / "counted", erp, address)
        counts.seen.clear()
        bill(app)
        counts.stop()
        turns = []
        for turn in range(TURNS):
            app = make_home(folder / f"turn{turn}", erp, address)
            cpu = time.process_time(), summit.cpu_seconds()
            took, records = bill(app)
            own, others = time.process_time() - cpu[0], summit.cpu_seconds() - cpu[1]
            turns.append((took, own / contracts * 1000, others / contracts * 1000))
        seconds, own, others = min(turns)
        yardstick = min(copied(folder, address, links) for _ in range(TURNS))
        print(
            f"{shape:<12}{contracts / seconds:>10,.0f}{records / seconds / 1e3:>12,.0f}"
            f"{records / yardstick / 1e3:>12,.0f}{yardstick / seconds:>10.3f}{own:>12.2f}{others:>12.2f}",
            flush=True,
        )
        seen = counts.seen
        chunks = seen["settled"]
        print(f"{'':<12}requests: {seen['files']} files + {seen['pages']} pages + {seen['others']} others; ", end="")
        print(f"{chunks} chunks in {chunks} transactions of {seen['writes']} that write", flush=True)
        phases(make_home(folder / "phases", erp, address, chunks=1), contracts)


def phases(app: Application, contracts: int) -> None:
    """Where the time goes, one chunk at a time."""
    clocks = Clocks()
    clocks.watch(ColumnarAssessor, "assess", "read")
    clocks.watch(ParquetCallStore, "write", "part")
    clocks.watch(Worker, "_listing", "listing")
    for name in ("claim", "settle", "next_due"):
        clocks.watch(type(app.work), name, name)
    clocks.watch(type(app.views), "evaluate", "evaluate")
    clocks.watch(bootstrap.ChunkProcess, "__call__", "chunk")
    seconds, _ = bill(app)
    clocks.stop()
    spent = clocks.seconds
    network = spent["chunk"] - spent["read"] - spent["part"] + spent["listing"]
    books = seconds - network - spent["read"]
    shown = {"network": network, "read": spent["read"], "books": books} | {
        name: spent[name] for name in ("part", "claim", "settle", "evaluate", "next_due")
    }
    each = "  ".join(f"{name} {took / contracts * 1000:.3f}" for name, took in shown.items())
    print(f"{'':<12}ms a contract: {each}", flush=True)


def main() -> None:
    """Measure every shape."""
    print(f"{'files':<12}{'contracts/s':>10}{'k records/s':>12}{'k COPY/s':>12}{'of COPY':>10}", end="")
    print(f"{'worker ms':>12}{'platform ms':>12}")
    for shape in sys.argv[1:] or SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), shape)


if __name__ == "__main__":
    main()
