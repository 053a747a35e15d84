"""The independent count at a run's end: ledger by plain SQL, parts by DuckDB, the platform by its own traffic.

What the product computes (rating of sums, eligibility, claims, its doctor) is not asked here; only what it has stored.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tests.proof import ledger
from tests.proof.platform import Month

_EXAMPLES = 4
_LIVE = ("live", "held")
_OPEN = ("waiting", "running")
_NEVER_BETTER = ("SUM-SUB",)
"""Codes of a failure that no further try would change, as the platform is in the end."""

Pair = tuple[str, str]
"""Competence and contract."""


@dataclass(frozen=True)
class Expectation:
    """What the world outside of the product says.

    Args:
        months: the platform by competence.
        first: by competence, who the first ERP dump lets be billed.
        last: the same of the dump that is current in the end.
        settled_before: the items that were charged or zero when that dump had just been imported.
    """

    months: Mapping[str, Month]
    first: Mapping[str, set[str]]
    last: Mapping[str, set[str]]
    settled_before: frozenset[int]

    def must(self) -> set[Pair]:
        """Who has to be charged in the end: the ERP says so and the platform has the file."""
        return {(c, contract) for c, month in self.months.items() for contract in self.last[c] & set(month.calls)}


@dataclass
class Findings:
    """How the product differs from what it should be: sentences for a person, and the four figures of the table.

    ``amounts`` are the centavos of what is live in the ledger, ``billed`` how many, ``records`` their calls.
    """

    sentences: list[str] = field(default_factory=list)
    double: int = 0
    lost: int = 0
    visible: int = 0
    unfinished: int = 0
    billed: int = 0
    records: int = 0
    orphans: int = 0
    amounts: dict[Pair, int] = field(default_factory=dict)

    def see(self, what: str, some: Collection[Any]) -> int:
        """Remember a difference if there is one; gives how many it concerns."""
        if some:
            shown = ", ".join(map(str, sorted(some)[:_EXAMPLES]))
            self.sentences.append(f"{what}: {len(some)} ({shown}{', …' if len(some) > _EXAMPLES else ''})")
        return len(some)


@dataclass(frozen=True)
class _Items:
    """The ledger's rows of what was billed, live only, by pair; a value is its amount and whether it is held."""

    charges: Mapping[Pair, Sequence[tuple[int, int, int, str]]]
    zeros: Mapping[Pair, Sequence[tuple[int, int]]]
    values: Mapping[Pair, Sequence[tuple[int, bool]]]


def count(url: str, calls: Path, expected: Expectation, found: Findings) -> None:
    """Compare the ledger at ``url`` and the parts under ``calls`` with ``expected``, and remember every difference."""
    live = _live(url)
    _never_twice(live, expected, found)
    _amounts(live, expected, found)
    _values(live, found)
    _states(url, live, expected, found)
    _records(url, calls, live, expected, found)
    found.amounts = {pair: rows[0][1] for pair, rows in live.charges.items()} | dict.fromkeys(live.zeros, 0)
    found.billed = len(found.amounts)


def _live(url: str) -> _Items:
    charges: dict[Pair, list[tuple[int, int, int, str]]] = {}
    for competence, contract, *row in ledger.rows(
        url, "SELECT competence, contract, item, amount, calls, status FROM charges WHERE status IN ('live', 'held')"
    ):
        charges.setdefault((competence, contract), []).append(tuple(row))
    zeros: dict[Pair, list[tuple[int, int]]] = {}
    for competence, contract, item, calls, is_reversed in ledger.rows(
        url, "SELECT z.competence, z.contract, z.item, i.calls, z.reversed FROM zero_events z JOIN items i USING (item)"
    ):
        if not is_reversed:
            zeros.setdefault((competence, contract), []).append((item, calls))
    values: dict[Pair, list[tuple[int, bool]]] = {}
    for competence, contract, amount, is_held, is_deleted in ledger.rows(
        url, "SELECT competence, contract, amount, held, deleted FROM eventual_values"
    ):
        if not is_deleted:
            values.setdefault((competence, contract), []).append((amount, bool(is_held)))
    return _Items(charges, zeros, values)


def _never_twice(live: _Items, expected: Expectation, found: Findings) -> None:
    done = [*live.charges, *live.zeros]
    counts = Counter({pair: len(rows) for pair, rows in live.charges.items()})
    counts.update({pair: len(rows) for pair, rows in live.zeros.items()})
    found.double += found.see("charged more than once", [pair for pair, times in counts.items() if times > 1])
    found.lost += found.see("should be charged and is not", expected.must() - set(done))
    found.see("charged, but the platform has no file", [p for p in done if p[1] not in expected.months[p[0]].calls])
    items = {pair: rows[0][0] for pair, rows in (*live.charges.items(), *live.zeros.items())}
    late = {pair for pair, item in items.items() if pair[1] not in expected.last[pair[0]]}
    found.see(
        "charged against the ERP that was current",
        [p for p in late if items[p] not in expected.settled_before or p[1] not in expected.first[p[0]]],
    )


def _amounts(live: _Items, expected: Expectation, found: Findings) -> None:
    wrong, miscounted, not_zero = [], [], []
    for (competence, contract), rows in live.charges.items():
        month = expected.months[competence]
        for _, amount, calls, _ in rows:
            if amount != month.centavos(contract):
                wrong.append((competence, contract, amount, month.centavos(contract)))
            if calls != len(month.calls[contract]):
                miscounted.append((competence, contract, calls, len(month.calls[contract])))
    for (competence, contract), zeros in live.zeros.items():
        month = expected.months[competence]
        if month.centavos(contract):
            not_zero.append((competence, contract))
        miscounted += [(competence, contract, c) for _, c in zeros if c != len(month.calls[contract])]
    found.see("amount is not the cut sum of the platform's records", wrong)
    found.see("number of calls is not the platform's", miscounted)
    found.see("zero event of what is not zero", not_zero)


def _values(live: _Items, found: Findings) -> None:
    charged = {pair: [(row[1], row[3] == "held") for row in rows] for pair, rows in live.charges.items()}
    found.see(
        "eventual value and charge differ",
        [pair for pair in charged.keys() | live.values.keys() if charged.get(pair) != live.values.get(pair)],
    )


def _states(url: str, live: _Items, expected: Expectation, found: Findings) -> None:
    items = ledger.rows(url, "SELECT item, competence, contract, outcome, code, reversed, amount FROM items")
    open_ = [(item, outcome) for item, _, _, outcome, *_ in items if outcome in _OPEN]
    stuck = [
        (item, outcome, code)
        for item, competence, contract, outcome, code, *_ in items
        if (outcome == "failed" and code not in _NEVER_BETTER and (competence, contract) in expected.must())
        and (competence, contract) not in live.charges.keys() | live.zeros.keys()
    ]
    late = [
        (item, outcome)
        for item, competence, contract, outcome, *_ in items
        if outcome == "waiting_file" and contract in expected.months[competence].calls
    ]
    found.unfinished += found.see("items not in a final state", open_ + stuck + late)
    settled = {row[0]: row[1] for rows in live.charges.values() for row in rows}
    found.see(
        "item and charge differ",
        [
            item
            for item, _, _, outcome, _, is_reversed, amount in items
            if (outcome in ("charged", "held") and not is_reversed) != (item in settled)
            or (item in settled and amount != settled[item])
        ],
    )


def _records(url: str, calls: Path, live: _Items, expected: Expectation, found: Findings) -> None:
    parts = ledger.rows(url, "SELECT path, live FROM parts")
    listed = {str(path) for path, is_live in parts if is_live}
    on_disk = {path.relative_to(calls).as_posix() for path in calls.glob("competence=*/*.parquet")}
    found.orphans = len(on_disk - {path for path, _ in parts})
    found.see("parts that the ledger lists and the disk lacks", listed - on_disk)
    with duckdb.connect() as engine:
        engine.register("excluded", pa.table({"claim": pa.array(_excluded(url), pa.int64())}))
        engine.register("wanted", _wanted(live, expected))
        _create_visible(engine, [str(calls / path) for path in listed & on_disk])
        names = "competence, contract, call_id, line, called, started, duration, amount"
        stray = engine.sql(f"SELECT {names} FROM visible EXCEPT ALL SELECT {names} FROM wanted").fetchall()
        missing = engine.sql(f"SELECT {names} FROM wanted EXCEPT ALL SELECT {names} FROM visible").fetchall()
        found.records = len(engine.sql("SELECT 1 FROM visible").fetchall())
    found.visible += found.see("records visible that no live charge has", [row[:3] for row in stray])
    found.lost += found.see("records of a live charge that are not there", [row[:3] for row in missing])


def _excluded(url: str) -> list[int]:
    return [claim for (claim,) in ledger.rows(url, "SELECT claim FROM exclusions")]


def _create_visible(engine: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> None:
    columns = "call_id, line, called, epoch_us(started_at) AS started, duration, amount, claim, contract, filename"
    source = f"read_parquet({sorted(paths)!r}, filename = true, hive_partitioning = false)"
    engine.sql(
        f"""
        CREATE TABLE visible AS
        SELECT regexp_extract(filename, 'competence=([0-9-]+)', 1) AS competence, * EXCLUDE filename
        FROM (SELECT {columns} FROM {source}) ANTI JOIN excluded USING (claim)
        """
    )


def _wanted(live: _Items, expected: Expectation) -> pa.Table:
    rows = [
        (competence, contract, *call)
        for competence, contract in (*live.charges, *live.zeros)
        for call in expected.months[competence].calls.get(contract, ())
    ]
    names = ("competence", "contract", "call_id", "line", "called", "started", "duration", "amount")
    columns = list(zip(*rows, strict=True)) or [[] for _ in names]
    kinds = [pa.string()] * 5 + [pa.int64()] * 3
    return pa.table({n: pa.array(c, k) for n, c, k in zip(names, columns, kinds, strict=True)})
