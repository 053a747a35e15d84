"""What the product shows in the end, held against the platform: ``stfc calls``, ``stfc export``, ``stfc doctor``."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import duckdb

from tests.proof.count import Expectation, Findings
from tests.proof.world import World

Sums = Mapping[str, tuple[int, Decimal]]
"""Number of calls and their amount, by contract."""


def look(world: World, expected: Expectation, found: Findings) -> None:
    """Ask the product, and remember every difference."""
    for competence in world.competences:
        month = expected.months[competence]
        live = {contract: amount for (of, contract), amount in found.amounts.items() if of == competence}
        wanted = {
            contract: (len(calls), Decimal(sum(call[-1] for call in calls)) / 1_000_000)
            for contract in live
            if (calls := month.calls.get(contract))
        }
        found.see(f"stfc calls of {competence}", _differences(_listed(world, competence), wanted))
        _exported(world, competence, wanted, live, found)
    diagnosis = world.ask("doctor", fine=(0, 1))
    found.see("doctor", [f"{seen['code']} {seen['message']}" for seen in diagnosis["findings"]])


def _listed(world: World, competence: str) -> Sums:
    sums: dict[str, tuple[int, Decimal]] = {}
    for call in world.ask("calls", "--competence", competence)["calls"]:
        calls, amount = sums.get(call["contract"], (0, Decimal(0)))
        sums[call["contract"]] = calls + 1, amount + Decimal(call["amount"])
    return sums


def _exported(world: World, competence: str, wanted: Sums, live: Mapping[str, int], found: Findings) -> None:
    folder = world.folder / f"export-{competence}"
    world.ask("export", str(folder), "--competence", competence, "--format", "parquet")
    with duckdb.connect() as engine:
        calls = _read(engine, folder, "calls", "contract, count(*), sum(amount) FROM {} GROUP BY contract")
        sums = {contract: (number, amount) for contract, number, amount in calls}
        charges = _read(engine, folder, "charges", "contract, amount FROM {} WHERE status IN ('live', 'held')")
        zeros = _read(engine, folder, "zero_billing_events", "contract, 0 FROM {} WHERE NOT reversed")
    found.see(f"exported calls of {competence}", _differences(sums, wanted))
    billed = sorted((contract, round(Decimal(amount) * 100)) for contract, amount in (*charges, *zeros))
    found.see(f"exported charges of {competence}", set(billed) ^ set(live.items()))
    found.see(f"charges exported twice of {competence}", {one for one in billed if billed.count(one) > 1})


def _read(engine: duckdb.DuckDBPyConnection, folder: Path, table: str, query: str) -> list[tuple[str, int, Decimal]]:
    source = f"read_parquet('{folder / table}.parquet')"
    return engine.sql("SELECT " + query.format(source)).fetchall()


def _differences(seen: Sums, wanted: Sums) -> list[str]:
    return [contract for contract in seen.keys() | wanted.keys() if seen.get(contract) != wanted.get(contract)]
