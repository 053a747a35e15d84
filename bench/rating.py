"""How fast calls are priced under a plan with bands, allowances, connection fees and countries (PRODUCT 6, PLANS).

Prints calls per second, the best of some turns, and the seconds of all processors together: of all that happens to a
file before its part is written, with a plan and without, of the rating alone, and of the fastest bare DuckDB expression
that comes to the same price of every call, which is checked.
``python bench/rating.py [FILES CALLS]``; the files are the simulator's.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from stfc.adapters.calls.assess import ColumnarAssessor
from stfc.adapters.calls.rating import contract_plans
from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.erp.snapshots import ParquetSnapshotStore
from stfc.domain.billing_file import Descriptor
from stfc.domain.call import CallClass
from stfc.domain.competence import Competence
from stfc.domain.holidays import national_holidays
from stfc.domain.money import price_units
from stfc.domain.plan import Band, PlanVersion, plans_of
from stfc.domain.plan_file import parse
from stfc.domain.rating.columns import RatedUnder, rate
from stfc.services.ports import Arrived, Assessment, ChunkSpec, ClaimedItem, LiveCalls
from stfc.simulator.erp_dump import PLANS, dump
from stfc.simulator.traffic import Traffic, TrafficOptions
from stfc.simulator.universe import from_folder

MONTH = Competence(2026, 10)
SAMPLE = Path(__file__).parents[1] / "data" / "plans" / "exemplo.toml"
TURNS = 3


@dataclass(frozen=True)
class Timing:
    """Seconds of the fastest of several turns, by the clock and of all processors together."""

    seconds: float
    cpu_seconds: float


def best(act: Callable[[], Any]) -> tuple[Timing, Any]:
    """The best of several turns, and what the last one gave."""
    clock, processors = [], []
    for _ in range(TURNS):
        started, busy = time.perf_counter(), time.process_time()
        answer = act()
        clock.append(time.perf_counter() - started)
        processors.append(time.process_time() - busy)
    return Timing(min(clock), min(processors)), answer


def measure(home: Path, count: int, calls: int) -> None:
    """All figures for ``count`` files of ``calls`` records."""
    traffic = Traffic(from_folder(home / "dump", 1), TrafficOptions(clean=True, calls_per_contract=calls))
    snapshot = ParquetSnapshotStore(home / "snapshots").folder(1)
    named = contract_plans(snapshot)
    month = traffic.files(range(2 * count), MONTH)
    # Only contracts that name a plan and have calls: all of them are rated.
    places = [place for place, name in enumerate(month.contracts) if name in named and month.records[place]][:count]
    records = sum(month.records[place] for place in places)
    items = tuple(ClaimedItem(place, place, month.contracts[place], tries=0) for place in places)
    arrived = {
        place: Arrived(Descriptor(month.contracts[place], MONTH, True, ""), month.body(place)) for place in places
    }
    version = parse(SAMPLE.read_bytes())[0]
    spec = ChunkSpec(1, MONTH, items, snapshot, LiveCalls(0, (), frozenset()))
    planned = replace(spec, plans=tuple(replace(version, code=code) for code in PLANS))
    assessor = ColumnarAssessor(ParquetCallStore(home / "calls"), lambda: datetime.now(UTC))

    plain, _ = best(lambda: _assessed(assessor, spec, arrived))
    with_plan, found = best(lambda: _assessed(assessor, planned, arrived))
    kept = pl.concat([pl.DataFrame(one.calls) for one in found]).with_columns(file=pl.col("contract").rle_id())
    alone, rated = best(lambda: rate(kept, _under(version, kept)))
    database = _database(kept, version)
    bare = {name: best(lambda query=query: database.sql(query).to_arrow_table()) for name, query in QUERIES.items()}
    for name, (_, prices) in bare.items():
        differences = int((pl.DataFrame(prices)["price"] != rated["our_price"]).sum())
        assert not differences, f"{name}: {differences} prices differ"
    fastest = min(bare, key=lambda name: bare[name][0].seconds)

    covered = int((rated["allowance_seconds"] > 0).sum())
    print(f"{records:,} calls of {len(places)} contracts, {covered:,} of them inside an allowance or split")
    rows = {
        "parse, check, classify": plain,
        "the same, and rate": with_plan,
        "rate alone": alone,
        **{f"DuckDB, {name}": timing for name, (timing, _) in bare.items()},
    }
    for name, timing in rows.items():
        rate_of = f"{records / timing.seconds:>12,.0f} calls/s"
        print(f"{name:<36}{rate_of}{timing.seconds:>9.3f} s{timing.cpu_seconds:>9.3f} s of processors")
    ratio = bare[fastest][0].seconds / alone.seconds
    print(f"rate alone against DuckDB, {fastest}: {ratio:.2f} of its speed, all prices equal")


def _assessed(assessor: ColumnarAssessor, spec: ChunkSpec, arrived: dict[int, Arrived]) -> list[Assessment]:
    """The files in two chunks side by side, as a worker does them."""
    middle = len(spec.items) // 2
    chunks = [replace(spec, items=spec.items[:middle]), replace(spec, items=spec.items[middle:])]
    with ThreadPoolExecutor(len(chunks)) as threads:
        return list(threads.map(lambda chunk: assessor.assess(chunk, arrived), chunks))


def _under(version: PlanVersion, kept: pl.DataFrame) -> dict[int, RatedUnder]:
    plan = plans_of([version])[version.code]
    return {file: RatedUnder(plan, date(2026, 9, 1)) for file in kept["file"].unique()}


def _database(kept: pl.DataFrame, version: PlanVersion) -> duckdb.DuckDBPyConnection:
    """The calls and the plan as tables; DuckDB is spared the search for numbers and countries."""
    database = duckdb.connect()
    countries = sorted(version.countries, key=lambda one: -len(one.prefix))
    country = pl.coalesce(
        [pl.when(pl.col("called").str.contains(f"^00..{one.prefix}")).then(price_units(one.price)) for one in countries]
    )
    columns = ["file", "line", "call_id", "class", "duration", "hour", "weekday", "local_day", "started_at"]
    database.register("source", kept.with_row_index("row").select("row", *columns, country=country).to_arrow())
    database.sql("CREATE TABLE calls AS SELECT * FROM source")
    line, shared = version.allowances_in_order()
    tariffs = [
        (
            name.value,
            band.value == Band.REDUCED,
            price_units(version.prices[name][band]) if name in version.prices else None,
            price_units(version.connections.get(name, version.tolerance * 0)),
            *vars(version.cadence_of(name)).values(),
            line.seconds if name in line.classes else None,
            shared.seconds if name in shared.classes else None,
        )
        for name in CallClass
        for band in Band
    ]
    names = ["class", "reduced", "price", "fee", "minimum", "increment", "tolerance", "own", "shared"]
    database.register("tariff_source", pl.DataFrame(tariffs, schema=names, orient="row").to_arrow())
    database.sql("CREATE TABLE tariffs AS SELECT * FROM tariff_source")
    days = [(day,) for day in sorted(national_holidays(2026))]
    database.register("holiday_source", pl.DataFrame(days, schema=["day"], orient="row").to_arrow())
    database.sql("CREATE TABLE holidays AS SELECT * FROM holiday_source")
    return database


_PRICED = """
WITH billed AS (
    SELECT c.row, c.file, c.line, c.started_at, c.call_id, duration, fee, own, shared,
        CASE WHEN c.class = 'LDI' THEN coalesce(country, price) ELSE price END AS price,
        CASE WHEN duration <= tolerance THEN 0
            ELSE greatest(minimum, (duration + increment - 1) // increment * increment) END AS billed
    FROM calls c JOIN tariffs t ON t.class = c.class AND t.reduced = (
        hour NOT BETWEEN 7 AND 20 OR weekday = 6 OR local_day IN (SELECT day FROM holidays))
), mine AS (
    SELECT *, {own} AS by_line FROM billed
), ours AS (
    SELECT *, {shared} AS by_contract FROM mine
), rest AS (
    SELECT row, duration, price, fee, billed - by_line - by_contract AS rest FROM ours
)
SELECT row, (CASE WHEN duration = 0 OR rest = 0 AND price IS NOT NULL THEN 0
    ELSE (price * rest + 60 * fee) // 60_000_000 * 10_000 END)::BIGINT AS price
FROM rest ORDER BY row
"""


def _window(limit: str, asked: str, whose: str, *, everywhere: bool) -> str:
    """What an allowance takes of each call, by a window over all calls or over those that ask."""
    wanted = f"CASE WHEN {limit} IS NOT NULL AND price + fee > 0 THEN {asked} ELSE 0 END"
    parts = whose if everywhere else f"{whose}, {limit} IS NOT NULL"
    over = f"sum({wanted}) OVER (PARTITION BY {parts} ORDER BY started_at, call_id ROWS UNBOUNDED PRECEDING)"
    return f"least({wanted}, greatest(coalesce({limit}, 0) - ({over} - {wanted}), 0))::BIGINT"


QUERIES = {
    name: _PRICED.format(
        own=_window("own", "billed", "file, line", everywhere=everywhere),
        shared=_window("shared", "billed - by_line", "file", everywhere=everywhere),
    )
    for name, everywhere in (("windows over all calls", True), ("windows over calls that ask", False))
}


def main() -> None:
    """A million calls, or as many as the arguments say."""
    count, calls = (int(one) for one in sys.argv[1:3]) if len(sys.argv) > 2 else (200, 5_000)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        dump(home / "dump", 3 * count, 1, until=MONTH)
        ParquetSnapshotStore(home / "snapshots").stage(home / "dump", 1, None)
        measure(home, count, calls)


if __name__ == "__main__":
    main()
