"""A year of calls in the store's own form, with the ledger's rows, so that the product itself can open the home.

Made, not billed: the last month's calls come from DuckDB by hashes, the same for the same figures, and go straight into
parts over ranges of contracts; every month before is the one after, four weeks earlier and under other claims.
``python bench/call_history.py HOME CALLS [CONTRACTS]``; a hundred calls a contract and month when the contracts are not
given. Nothing of it is committed.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from stfc import bootstrap
from stfc.adapters.calls.compaction import ROWS_PER_PART, ParquetCallCompactor
from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import bump
from stfc.adapters.ledger.records import CLAIM_ATTEMPTS, claim_id, event_id, insert, value_id
from stfc.domain.area_codes import AREA_CODES
from stfc.domain.competence import Competence, last_months
from stfc.services.ports import Actor, Part
from stfc.settings import Settings
from stfc.simulator.erp_dump import dump

LAST = Competence(2026, 10)
MONTHS = 12
NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
ACTOR = Actor("bench", "operator", "terminal")
CALLS_PER_MONTH = 100
PART = ROWS_PER_PART
_ITEMS_PER_MONTH = 1_000_000

# Weights of calls over hours of the day, repeated as often as they weigh.
_HOURS = [hour for hour, weight in enumerate("111112359bbb789997554321") for _ in range(int(weight, 16))]

_SUBSCRIBERS = """
    SELECT row_number() OVER (ORDER BY contract) - 1 AS place, contract, min(s.service) AS service,
        list(l.number ORDER BY l.number) AS lines
    FROM read_parquet($services) s JOIN read_parquet($lines) l USING (service)
    WHERE s.integrator = 'summit' AND s.kind = 'telephony' AND s.active AND NOT s.deleted AND l.until IS NULL
    GROUP BY contract
"""

# A few contracts make most calls: the weight of a contract lies between 1 and 78, its mean near 3.
_COUNTED = """
    SELECT *, greatest(1, round($calls * weight / sum(weight) OVER ()))::BIGINT AS calls FROM (
        SELECT *, pow(1.003 - (hash(contract) % 1000003) / 1000003.0, -0.75) AS weight FROM subscribers
    )
"""

_DRAWN = """
    SELECT contract, place, lines, n,
        hash(place, $month, n) AS a, hash(n, place, $month, 1) AS b, hash($month, n, place, 2) AS c
    FROM (SELECT *, unnest(range(calls)) AS n FROM chunk)
"""

_DESCRIBED = """
    SELECT contract, place, lines[1 + (a % len(lines))::INTEGER] AS line, kind, to_area, target, b, c,
        list_extract($csps, 1 + ((b >> 50) % len($csps))::INTEGER) AS csp,
        $first::DATE + ((a >> 8) % $days)::INTEGER AS local_day,
        list_extract($hours, 1 + ((a >> 16) % len($hours))::INTEGER) AS hour,
        (b >> 8) % 3600 AS second,
        CASE WHEN (c >> 8) % 10 = 0 THEN 0
             ELSE least(7200, 3 - 110 * ln(1e-9 + ((c >> 12) % 100003) / 100003.0))::INTEGER END AS duration
    FROM (
        SELECT *, list_extract($kinds, 1 + ((b >> 20) % len($kinds))::INTEGER) AS kind,
            list_extract($areas, 1 + (hash(place, (b >> 28) % 4) % len($areas))::INTEGER) AS to_area,
            CASE WHEN (c >> 32) % 10 < 6 THEN hash(place, pow(((c >> 36) % 1009) / 1009.0, 2) * 15 // 1)
                 ELSE hash(pow(((c >> 36) % 1000003) / 1000003.0, 2) * 2000000 // 1) END AS target
        FROM drawn
    )
"""

_WRITTEN = """
    SELECT contract, (1 + place) * 1048576 + 1 AS claim,
        'c' || contract || $tag || row_number() OVER (PARTITION BY contract ORDER BY started_at) AS call_id,
        line, line AS caller, called, started_at, -180 AS offset_minutes, duration, kind AS platform_class,
        CASE WHEN kind IN ('PUBLIC_UTILITY', 'TOLL_FREE', 'SHARED') THEN '' ELSE
            list_extract(['VIVO', 'CLARO', 'TIM', 'OI', 'ALGAR'], 1 + (target % 5)::INTEGER) END AS carrier,
        CASE WHEN kind IN ('LDN', 'VC2', 'VC3', 'LDI') THEN csp ELSE '' END AS csp,
        (duration * price // 60) * 10000 AS amount, kind AS "class",
        CASE kind WHEN 'LOCAL' THEN line[1:2] WHEN 'VC1' THEN line[1:2] WHEN 'LDI' THEN '+' || country
            WHEN 'LDN' THEN to_area WHEN 'VC2' THEN to_area WHEN 'VC3' THEN to_area ELSE '' END AS destination,
        local_day, hour, (isodow(local_day) - 1) AS weekday, false AS late,
        CASE WHEN c % 5000 = 0 THEN 'CTR-DIV' END AS issue,
        (duration * price // 60) * 10000 AS our_price, 'normal' AS band,
        (duration + 5) // 6 * 6 AS billed_seconds, 0 AS allowance_seconds, 'empresarial-500@2026-01-01' AS plan_version
    FROM (
        SELECT *, (local_day + to_seconds(hour * 3600 + second + 10800)) AT TIME ZONE 'UTC' AS started_at,
            CASE kind WHEN 'LOCAL' THEN fixed WHEN 'VC1' THEN if(c % 2 = 0, '', line[1:2]) || mobile
                WHEN 'LDN' THEN '0' || csp || to_area || fixed WHEN 'VC2' THEN '0' || csp || to_area || mobile
                WHEN 'VC3' THEN '0' || csp || to_area || mobile WHEN 'LDI' THEN '00' || csp || country || mobile
                WHEN 'TOLL_FREE' THEN '0800' || fixed[2:] WHEN 'SHARED' THEN '0300' || fixed[2:] ELSE '190' END
                AS called
        FROM (
            SELECT *, (2 + target % 4)::VARCHAR || lpad((target % 9999991)::VARCHAR, 7, '0') AS fixed,
                '9' || lpad((target % 99999989)::VARCHAR, 8, '0') AS mobile,
                list_extract(['1', '351', '54', '34', '39', '81', '49'], 1 + (target % 7)::INTEGER) AS country,
                CASE kind WHEN 'LOCAL' THEN 8 WHEN 'LDN' THEN 20 WHEN 'VC1' THEN 45 WHEN 'VC2' THEN 60
                    WHEN 'VC3' THEN 70 WHEN 'LDI' THEN 210 WHEN 'SHARED' THEN 30 ELSE 0 END AS price
            FROM described
        )
    )
    ORDER BY contract, started_at
"""

_KINDS = {
    "LOCAL": 30,
    "VC1": 38,
    "LDN": 10,
    "VC2": 4,
    "VC3": 8,
    "LDI": 2,
    "TOLL_FREE": 5,
    "SHARED": 1,
    "PUBLIC_UTILITY": 2,
}


def make(home: Path, calls: int, contracts: int | None = None, *, part: int = PART, compact: bool = True) -> None:
    """Fill the new ``home`` with some ``calls`` over the twelve months to ``LAST``, in parts of ``part`` calls.

    ``compact`` also makes the rollups, as a compaction leaves them.
    """
    contracts = contracts or max(100, calls // (MONTHS * CALLS_PER_MONTH))
    application = bootstrap.build(Settings(home=home))
    dump(home / "dump", contracts, 1, months=MONTHS, until=LAST, clean=True)
    application.importing.run(home / "dump", ACTOR)
    folder = application.snapshots.folder(1)
    connection = duckdb.connect(":memory:")
    files = {name: str(folder / f"{name}.parquet") for name in ("services", "lines")}
    connection.execute("CREATE TABLE subscribers AS " + _SUBSCRIBERS, files)
    services = dict(connection.sql("SELECT contract, service FROM subscribers").fetchall())
    parts: list[Part] = []
    for place, month in enumerate(reversed(last_months(LAST, MONTHS))):
        tables = _earlier(application, parts, month) if parts else _tables(connection, month, calls // MONTHS, part)
        parts = _month(application, month, place + 1, tables, services)
    if compact:
        _sum_up(application)
    application.database.dispose()


@contextmanager
def homes(folders: Sequence[str]) -> Iterator[list[Path]]:
    """The homes that a bench was given, or one of a million calls, made on the way."""
    with tempfile.TemporaryDirectory() as scratch:
        if not folders:
            make(Path(scratch) / "home", 1_000_000)
        yield [Path(folder) for folder in folders] or [Path(scratch) / "home"]


def _month(
    application: bootstrap.Application,
    month: Competence,
    batch: int,
    tables: Iterator[pa.Table],
    services: dict[str, str],
) -> list[Part]:
    started = time.perf_counter()
    billed, parts = [], []
    for table in tables:
        parts.append(application.calls.write(month, table))
        billed.append(table.group_by("contract").aggregate([("amount", "sum"), ("claim", "count"), ("claim", "min")]))
    _settle(application, month, batch, pa.concat_tables(billed).to_pylist(), services, parts)
    rows, size = sum(one.rows for one in parts), sum(one.size for one in parts)
    seconds = time.perf_counter() - started
    print(
        f"{month}  {rows:>10,} calls  {len(parts):>4} parts  {size / rows:5.1f} B a call  {seconds:6.1f} s", flush=True
    )
    return parts


def _earlier(application: bootstrap.Application, parts: list[Part], month: Competence) -> Iterator[pa.Table]:
    """The calls of ``parts``, four weeks earlier, so that weekdays and hours stay."""
    weeks = timedelta(weeks=4)
    for part in parts:
        table = pq.read_table(application.calls.path(part), schema=PART_SCHEMA, partitioning=None)
        changed = {
            "claim": pc.add(table["claim"], _ITEMS_PER_MONTH * CLAIM_ATTEMPTS),
            "call_id": pc.replace_substring(table["call_id"], _tag(part.competence), _tag(month)),
            "started_at": pc.subtract(table["started_at"], pa.scalar(weeks)),
            "local_day": pc.subtract(table["local_day"], pa.scalar(weeks)).cast(pa.date32()),
        }
        for name, column in changed.items():
            table = table.set_column(PART_SCHEMA.get_field_index(name), PART_SCHEMA.field(name), column)
        yield table


def _tag(month: Competence) -> str:
    return f"-{month.year % 100}{month.month:02}-"


def _tables(connection: duckdb.DuckDBPyConnection, month: Competence, calls: int, part: int) -> Iterator[pa.Table]:
    """Some ``calls`` of the month in ranges of contracts of about ``part`` calls."""
    connection.execute("CREATE TABLE counted AS " + _COUNTED, {"calls": calls})
    kinds = [kind for kind, weight in _KINDS.items() for _ in range(weight)]
    lists = {"kinds": kinds, "hours": _HOURS, "areas": list(AREA_CODES), "csps": ["15", "21", "31", "41"]}
    drawn = {"month": month.year * 12 + month.month}
    described = lists | {"first": month.first_day, "days": (month.plus(1).first_day - month.first_day).days}
    written = {"tag": _tag(month)}
    chunks = "SELECT *, ((sum(calls) OVER (ORDER BY contract) - 1) // $part)::INTEGER AS chunk FROM counted"
    connection.execute("CREATE OR REPLACE TABLE chunks AS " + chunks, {"part": part})
    (last,) = connection.sql("SELECT max(chunk) FROM chunks").fetchall()[0]
    columns = ", ".join(f'"{name}"' for name in PART_SCHEMA.names)
    for number in range(last + 1):
        connection.execute("CREATE OR REPLACE TEMP TABLE chunk AS FROM chunks WHERE chunk = $n", {"n": number})
        query = f"WITH drawn AS ({_DRAWN}), described AS ({_DESCRIBED}) SELECT {columns} FROM ({_WRITTEN})"
        table = connection.sql(query, params=drawn | described | written).to_arrow_table()
        if table.num_rows:
            yield table.cast(PART_SCHEMA)


def _settle(
    application: bootstrap.Application,
    month: Competence,
    batch: int,
    billed: list[dict[str, Any]],
    services: dict[str, str],
    parts: list[Part],
) -> None:
    """The ledger's rows of a batch that charged every contract of ``billed``."""
    items, charges, values, events = [], [], [], []
    for row in billed:
        item, amount = row["claim_min"] // CLAIM_ATTEMPTS, row["amount_sum"] // 10_000
        assert claim_id(item, 1) == row["claim_min"]
        own = {"item": item, "batch": batch, "contract": row["contract"], "competence": str(month)}
        items.append(
            own
            | {"outcome": "charged" if amount else "zero", "reversed": False, "attempt": 1, "tries": 1, "slow": False}
            | {"amount": amount, "calls": row["claim_count"], "late": False, "started_at": NOW, "ended_at": NOW}
        )
        source = {"source_sha256": f"{item:064x}"}
        if not amount:
            events.append(own | source | {"event": event_id(item), "at": NOW.date(), "reversed": False})
            continue
        charge = own | source | {"service": services[row["contract"]], "amount": amount, "created_at": NOW}
        charges.append(charge | {"calls": row["claim_count"], "dropped": 0, "status": "live"})
        values.append(charge | {"value_id": value_id(item), "kind": "addition", "held": False, "deleted": False})
    times = dict.fromkeys(("created_at", "started_at", "ended_at"), NOW)
    opened = {"batch": batch, "competence": str(month), "snapshot": 1, "created_by": "bench", "status": "done", **times}
    listed = [vars(one) | {"competence": str(month), "created_at": NOW, "live": True} for one in parts]
    with application.database.write() as ledger:
        ledger.execute(sa.insert(schema.batches).values(**opened))
        insert(ledger, schema.items, items)
        insert(ledger, schema.charges, charges)
        insert(ledger, schema.eventual_values, values)
        insert(ledger, schema.zero_events, events)
        insert(ledger, schema.parts, listed)
        bump(ledger, month)


def _sum_up(application: bootstrap.Application) -> None:
    """Rollups of parts that are as a compaction leaves them already."""
    started = time.perf_counter()
    for growth in application.part_ledger.growth():
        source = application.part_ledger.listed(growth.competence)
        rollup = ParquetCallCompactor(application.calls).summed(growth.competence, source.live)
        application.part_ledger.swap(source, source.live.parts, rollup, now=NOW + timedelta(hours=1))
    print(f"rollups {time.perf_counter() - started:.1f} s", flush=True)


def main() -> None:
    """Make one home."""
    if len(sys.argv) < 3:
        print(__doc__)
        return
    given = [int(float(one)) for one in sys.argv[2:4]]
    started = time.perf_counter()
    make(Path(sys.argv[1]), *given)
    print(f"made in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
