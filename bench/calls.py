"""How fast calls are found, summed up and written, against bare engines over one Parquet file (ENGINE 4).

``python bench/calls.py [HOME]…`` over homes of ``bench/call_history.py``; without any, over a million calls made on the
way. Medians in milliseconds: caches of answers empty, process and files warm. ``--write`` puts the table into
docs/performance-calls.md.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import page as document
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from call_history import ACTOR, LAST, MONTHS, homes

from stfc import bootstrap
from stfc.adapters.calls.assess import ColumnarAssessor
from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.disk import LocalScratch
from stfc.adapters.documents.tables import FileTables
from stfc.adapters.read_model.calls import Calls
from stfc.adapters.read_model.engine import Engine, parquet
from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import last_months
from stfc.services.ports import Arrived, ChunkSpec, ClaimedItem, ExportFormat, LiveCalls, MonthImage, Part, TableSource
from stfc.services.queries import ALL_CALLS, CallFilter, CallQuery
from stfc.settings import Settings
from stfc.simulator.erp_dump import dump
from stfc.simulator.traffic import Traffic, TrafficOptions
from stfc.simulator.universe import from_folder
from stfc.ui.calls_list import exported

TURNS = 7
YEAR = tuple(last_months(LAST, MONTHS))
FILTERS = {
    "no filter": CallQuery(),
    "class and hour": CallQuery(classes=("LDN", "VC3"), hours=(9, 10)),
    "destination": CallQuery(destinations=("11",)),
    "duration and value": CallQuery(least_duration=600, least_amount=1_000_000),
    "called, by its first digits": CallQuery(called="021"),
    "by value": CallQuery(sort="amount"),
    "divergent": CallQuery(divergent=True),
    "days": CallQuery(since=LAST.first_day, until=LAST.first_day, descending=False),
}


def median(act: Callable[[], Any]) -> float:
    """Milliseconds of one of several turns, after one that warms up."""
    act()
    times = []
    for _ in range(TURNS):
        started = time.perf_counter()
        act()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


@dataclass
class Report:
    """The lines of every table, by its title."""

    tables: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, ms: float, yardstick: str, base: float, reach: str) -> None:
        """A figure, its yardstick of the same run, their ratio, and what it should reach."""
        line = f"| {name} | {ms:,.1f} | {yardstick} | {base:,.1f} | {ms / base:.2f} | {reach} |"
        print(line, flush=True)
        list(self.tables.values())[-1].append(line)

    def head(self, text: str) -> None:
        """Begin a table."""
        lines = ["| figure | ms | yardstick | ms | ratio | reach |", "|---|--:|---|--:|--:|---|"]
        print("\n".join([f"\n## {text}\n", *lines]), flush=True)
        self.tables[text] = lines


class Home:
    """A home of ``call_history``, and its last month as one Parquet file for the bare engines."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.application = bootstrap.build(Settings(home=folder))
        self.engine = Engine()
        self.root = self.application.settings.calls_root
        images = self.application.reader.images(YEAR, {})[1]
        self.images = [images[month] for month in YEAR]
        self.month = self.images[-1]
        self.calls = sum(part.rows for image in self.images for part in image.parts)
        self.scratch = LocalScratch(scratch)
        self.one = scratch / "month.parquet"
        source = parquet(self.root / part.path for part in self.month.parts)
        duckdb.execute(f"COPY (FROM {source}) TO '{self.one}' (COMPRESSION zstd)")

    def over(self, *images: MonthImage) -> Calls:
        """The calls of ``images``, nothing of them looked at yet."""
        return Calls(self.engine, self.root, images)

    def bare(self, sql: str) -> float:
        """The yardstick: DuckDB over the month in one file, standing in ``sql`` as ``one``."""
        return median(lambda: duckdb.sql(sql.replace("one", f"read_parquet('{self.one}')", 1)).to_arrow_table())


def charts(home: Home, report: Report) -> None:
    """What *Visão geral* asks of a month."""
    month, before, year = home.month, home.images[-2], home.images
    chart = home.bare("SELECT weekday, hour, count(*), sum(duration), sum(amount) FROM one GROUP BY ALL")
    top = tuple(home.over(month).top_contracts(10, ALL_CALLS)["contract"])
    clicked = CallFilter(classes=("VC1",))
    asked: dict[str, Callable[[], Any]] = {
        "revenue by month and class, 12 months": lambda: home.over(*year).revenue_by_month(ALL_CALLS),
        "weekday and hour": lambda: home.over(month).weekday_hour(ALL_CALLS),
        "top contracts": lambda: home.over(month).top_contracts(10, ALL_CALLS),
        "the same contracts a month before": lambda: home.over(before).top_contracts(10, CallFilter(contracts=top)),
        "top destinations": lambda: home.over(month).top_destinations(10, ALL_CALLS),
        "top contracts, a class clicked": lambda: home.over(month).top_contracts(10, clicked),
        "weekday and hour, a contract clicked": lambda: home.over(month).weekday_hour(CallFilter(contracts=top[:1])),
        "calls by day": lambda: home.over(month).by_day(CallQuery()),
    }
    for name, act in asked.items():
        report.add(name, median(act), "DuckDB, weekday and hour of the month", chart, "20")
    scan = pl.scan_parquet(home.one).group_by("weekday", "hour").agg(pl.len(), pl.sum("duration"), pl.sum("amount"))
    report.add("Polars, the same chart from the calls", median(scan.collect), "DuckDB", chart, "")


def searches(home: Home, report: Report) -> None:
    """One contract, one number, a page of any filter, a download."""
    middle = home.month.parts[len(home.month.parts) // 2]
    rows = pq.read_table(home.root / middle.path, columns=["contract", "called", "class"], partitioning=None)
    contract = rows["contract"][rows.num_rows // 2].as_py()
    is_mobile = pa.compute.and_(pa.compute.equal(rows["contract"], contract), pa.compute.equal(rows["class"], "VC3"))
    number = (rows.filter(is_mobile)["called"].to_pylist() or ["02111987654321"])[0][3:]
    of_one = home.bare(f"SELECT * FROM one WHERE contract = '{contract}'")
    of_number = home.bare(f"SELECT * FROM one WHERE ends_with(called, '{number}')")
    name = "DuckDB, one contract of the month's file"
    one = CallQuery(contracts=(contract,))
    report.add("one contract, a month", median(lambda: home.over(home.month).page(one)), name, of_one, "30")
    report.add("one contract, 12 months", median(lambda: home.over(*home.images).page(one)), name, of_one, "150")
    name = "DuckDB, one number in the month's file"
    to_number = {"called": CallQuery(called=number), "search": CallQuery(search=number)}
    for how, query in to_number.items():
        ms = median(lambda query=query: home.over(*home.images).page(query))
        report.add(f"calls to one number ({how}), 12 months", ms, name, of_number, "100")
    page = home.bare("SELECT * FROM one ORDER BY started_at DESC LIMIT 100")
    for how, query in FILTERS.items():
        ms = median(lambda query=query: home.over(home.month).page(query))
        report.add(f"first page of a month, {how}", ms, "DuckDB, page without totals or filter", page, "200")
    some = _downloaded(home)
    copied = home.bare(f"SELECT * FROM one WHERE \"class\" = 'VC1' AND local_day <= '{some.until}' ORDER BY contract")
    count = home.over(home.month).by_day(some)["calls"].sum()
    name = f"CSV of {count:,} calls of a class, as a download writes it"
    report.add(name, median(lambda: _csv(home, some)), "DuckDB, the rows", copied, "1,000")


def _downloaded(home: Home) -> CallQuery:
    """The calls of a class of the month's first days, some 100,000 where the month has them."""
    query = CallQuery(classes=("VC1",), since=LAST.first_day)
    days = home.over(home.month).by_day(query)
    enough = days.filter(pl.col("calls").cum_sum() >= 100_000)["local_day"]
    return replace(query, until=enough.min() or days["local_day"].max())


def _csv(home: Home, query: CallQuery) -> None:
    tables = map(exported, home.over(home.month).stream(query))
    first = next(tables)
    with home.scratch.open() as file:
        FileTables().stream(file.sink, TableSource("calls", first.schema, chain([first], tables)), ExportFormat.CSV)


def layouts(home: Home, report: Report, scratch: Path) -> None:
    """The same calls in many parts, and with exclusions; rollups left aside."""
    store = ParquetCallStore(home.root)
    plain = [replace(image, rollup=None) for image in home.images]
    pieces = -(-200 // len(plain))
    many = [replace(image, parts=tuple(_split(store, image, scratch / "many", pieces))) for image in plain]
    claims = [row["claim"] for row in _some_claims(home)]
    without = [replace(image, excluded=frozenset(claims)) for image in plain]
    contract = plain[-1].parts[0].contract_first
    asked: dict[str, Callable[[Calls], Any]] = {
        "weekday and hour": lambda calls: calls.weekday_hour(ALL_CALLS),
        "top destinations": lambda calls: calls.top_destinations(10, ALL_CALLS),
        "one contract": lambda calls: calls.page(CallQuery(contracts=(contract,))),
        "first page": lambda calls: calls.page(CallQuery()),
    }
    count = sum(len(image.parts) for image in many)
    for name, act in asked.items():
        base = median(lambda act=act: act(Calls(home.engine, home.root, plain)))
        ms = median(lambda act=act: act(Calls(home.engine, scratch / "many", many)))
        report.add(f"{name}, {count} parts", ms, "compacted", base, "1.5 x")
        ms = median(lambda act=act: act(Calls(home.engine, home.root, without)))
        report.add(f"{name}, {len(claims)} exclusions", ms, "none", base, "1.5 x")


def _split(store: ParquetCallStore, image: MonthImage, root: Path, pieces: int) -> Iterator[Part]:
    """The month's calls in ``pieces`` parts below ``root``."""
    each = -(-sum(part.rows for part in image.parts) // pieces)
    calls = pa.concat_tables(pq.read_table(path, partitioning=None) for path in store.paths(image.parts))
    for start in range(0, calls.num_rows, each):
        yield ParquetCallStore(root).write(image.competence, calls.slice(start, each))


def _some_claims(home: Home) -> list[dict[str, Any]]:
    part = home.month.parts[0]
    claims = pq.read_table(home.root / part.path, columns=["claim"], partitioning=None)["claim"].unique()
    return pa.table({"claim": claims.slice(0, 200)}).to_pylist()


def again(report: Report, scratch: Path) -> None:
    """The same 2,000 files a second time: every record is known."""
    dump(scratch / "dump", 2_400, 1, until=LAST)
    application = bootstrap.build(Settings(home=scratch / "again"))
    application.importing.run(scratch / "dump", ACTOR)
    universe = from_folder(scratch / "dump", 1)
    traffic = Traffic(universe, TrafficOptions(clean=True, calls_per_contract=50))
    month = traffic.files(range(len(universe.contracts)), LAST)
    files = [(name, month.body(place)) for place, name in enumerate(month.contracts) if month.records[place]][:2_000]
    chunks = [files[start : start + 200] for start in range(0, len(files), 200)]
    assessor = ColumnarAssessor(application.calls, bootstrap.clock)

    def assessed(live: LiveCalls) -> Iterator[pa.Table]:
        for place, chunk in enumerate(chunks):
            numbers = range(place * 200, place * 200 + len(chunk))
            items = tuple(ClaimedItem(n, n, name, tries=0) for n, (name, _) in zip(numbers, chunk, strict=True))
            arrived = {
                n: Arrived(Descriptor(name, LAST, True, ""), body)
                for n, (name, body) in zip(numbers, chunk, strict=True)
            }
            spec = ChunkSpec(1, LAST, items, application.snapshots.folder(1), live)
            yield assessor.assess(spec, arrived).calls

    nothing = LiveCalls(0, (), frozenset())
    live = LiveCalls(1, tuple(application.calls.write(LAST, table) for table in assessed(nothing)), frozenset())
    records = sum(part.rows for part in live.parts)
    assert not sum(table.num_rows for table in assessed(live)), "a known record was taken for a new one"
    first = median(lambda: list(assessed(nothing)))
    ms = median(lambda: list(assessed(live)))
    report.add(f"{records:,} records again, 0 new", ms, "the first time", first, "1,000")


def _write(report: Report) -> None:
    intro = (
        f"`python bench/calls.py HOME…`: medians of {TURNS} turns in milliseconds, caches of answers empty, process "
        "and files warm. A ratio is against the yardstick of the same run; to reach is a ratio where an x says so, "
        "else milliseconds."
    )
    for title, lines in report.tables.items():
        document.put(title, [intro, "", *lines])


def main() -> None:
    """Measure every home."""
    folders = [one for one in sys.argv[1:] if not one.startswith("--")]
    report = Report()
    with tempfile.TemporaryDirectory() as made, homes(folders) as given:
        for place, folder in enumerate(given):
            scratch = Path(made) / str(place)
            scratch.mkdir()
            home = Home(folder, scratch)
            size = sum(part.size for image in home.images for part in image.parts) / home.calls
            report.head(f"{home.calls:,} calls of {MONTHS} months, {size:.1f} bytes a call")
            charts(home, report)
            searches(home, report)
            if home.calls < 20_000_000:
                layouts(home, report, scratch)
            home.application.database.dispose()
        report.head("Records that are known already")
        again(report, Path(made))
    if "--write" in sys.argv:
        _write(report)


if __name__ == "__main__":
    main()
