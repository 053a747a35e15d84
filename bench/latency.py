"""How much of a slow platform's time the worker uses, one file in fifty stalled (ARCHITECTURE, worker).

``python bench/latency.py [--contracts N] [MILLISECONDS]...``; the yardstick is connections divided by latency, what
the platform would give if every connection were always under way. *others* is the rate of the files that never stalled,
up to the last of them, *all* that of the whole batch, second and third tries of the stalled ones included.
"""

import argparse
import tempfile
from pathlib import Path

import sqlalchemy as sa
from rig import make_erp, make_home, open_batch, platform, warm, work

from stfc.adapters.ledger import schema
from stfc.bootstrap import Application

STALLED = "stall=0.02@file"


def rates(app: Application, batch: int) -> tuple[float, float, int]:
    """Contracts a second of those charged at their first attempt and of all, and how many took more than one."""
    summary = app.batches.show(batch)
    assert summary.started_at is not None
    items = schema.items
    query = sa.select(items.c.attempt, items.c.ended_at, items.c.outcome).where(items.c.batch == batch)
    with app.database.read() as connection:
        rows = connection.execute(query).all()
    assert {row.outcome for row in rows} == {"charged"}
    first = [row.ended_at for row in rows if row.attempt == 1]
    quick = (max(first) - summary.started_at).total_seconds()
    whole = (max(row.ended_at for row in rows) - summary.started_at).total_seconds()
    return len(first) / quick, len(rows) / whole, len(rows) - len(first)


def measure(folder: Path, contracts: int, latency: int) -> None:
    """One line of the table."""
    erp = make_erp(folder, contracts)
    with platform(erp, calls=50, latency=latency, faults=(STALLED,)) as summit:
        warm(summit.address)
        app = make_home(folder / "home", erp, summit.address)
        batch = open_batch(app)
        work(app, batch)
        others, whole, stalled = rates(app, batch)
        ideal = app.settings.connections * 1000 / latency
        print(
            f"{latency:>7}{app.settings.connections:>13}{ideal:>9.0f}{others:>9.0f}{others / ideal:>10.2f}"
            f"{whole:>9.0f}{whole / ideal:>10.2f}{stalled:>9}",
            flush=True,
        )


def main() -> None:
    """Measure every latency."""
    parser = argparse.ArgumentParser()
    parser.add_argument("latencies", nargs="*", type=int, default=[50, 200])
    parser.add_argument("--contracts", type=int, default=2_000)
    given = parser.parse_args()
    heads = ("connections", 13), ("ideal/s", 9), ("others/s", 9), ("of ideal", 10), ("all/s", 9), ("of ideal", 10)
    print(f"{'latency':>7}" + "".join(f"{name:>{width}}" for name, width in heads) + f"{'stalled':>9}")
    for latency in given.latencies:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), given.contracts, latency)


if __name__ == "__main__":
    main()
