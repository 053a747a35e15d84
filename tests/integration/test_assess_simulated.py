"""The simulator's traffic and our reading of it were written apart; they agree call by call (PRODUCT 6, SUMMIT_API)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from stfc.adapters.calls.assess import ColumnarAssessor
from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.erp.snapshots import ParquetSnapshotStore
from stfc.domain.billing_file import Descriptor, parse, totals
from stfc.domain.competence import Competence
from stfc.domain.money import micros_from_text
from stfc.domain.outcome import Charged, Held, Outcome, Zero
from stfc.domain.plan import Mode, PlanVersion
from stfc.domain.plan_file import parse as parse_plans
from stfc.services.ports import Arrived, Assessment, ChunkSpec, ClaimedItem, LiveCalls
from stfc.simulator.erp_dump import dump
from stfc.simulator.traffic import MonthFiles, Traffic, TrafficOptions, plain
from stfc.simulator.universe import Universe, from_folder

OCTOBER = Competence(2026, 10)
CONTRACTS = 1_500
SEED = 1
PLANS = Path(__file__).parents[2] / "data" / "plans"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the simulator's ERP dump, and the snapshot that an import makes of it."""
    folder = tmp_path_factory.mktemp("simulated")
    dump(folder / "dump", CONTRACTS, SEED, until=OCTOBER)
    ParquetSnapshotStore(folder / "snapshots").stage(folder / "dump", 1, None)
    return folder


@pytest.fixture(scope="module")
def universe(home: Path) -> Universe:
    """The universe that the dump is of."""
    return from_folder(home / "dump", SEED)


def assessed(home: Path, files: MonthFiles, plans: Sequence[PlanVersion] = ()) -> Assessment:
    """All files of the month as one chunk, with the descriptors that announce them; items are the files' places."""
    items = tuple(ClaimedItem(place, place, contract, tries=0) for place, contract in enumerate(files.contracts))
    arrived = {
        place: Arrived(
            Descriptor(
                contract,
                OCTOBER,
                available=True,
                href="",
                records=files.records[place],
                billed_seconds=files.seconds[place],
                amount=micros_from_text(plain(files.centavos[place])),
            ),
            files.body(place),
        )
        for place, contract in enumerate(files.contracts)
    }
    snapshot = ParquetSnapshotStore(home / "snapshots").folder(1)
    spec = ChunkSpec(1, OCTOBER, items, snapshot, LiveCalls(0, (), frozenset()), plans=tuple(plans))
    store = ParquetCallStore(home / "calls")
    return ColumnarAssessor(store, lambda: datetime(2026, 11, 10, tzinfo=UTC)).assess(spec, arrived)


def amount(outcome: Outcome) -> int:
    """What the outcome charges, in centavos."""
    match outcome:
        case Charged() | Held():
            return outcome.amount
        case Zero():
            return 0
        case _:
            raise AssertionError(outcome)


def test_clean_traffic_is_charged_to_the_centavo_and_holds_nothing(home: Path, universe: Universe) -> None:
    files = Traffic(universe, TrafficOptions(seed=SEED, clean=True)).files(range(len(universe.rows)), OCTOBER)
    found = assessed(home, files)
    assert [amount(found.outcomes[place]) for place in range(len(files))] == files.charge
    assert not [one for one in found.outcomes.values() if isinstance(one, Held)]
    assert found.calls.num_rows == sum(files.records)


def test_planted_divergences_are_held_and_the_rest_is_charged_to_the_centavo(home: Path, universe: Universe) -> None:
    files = Traffic(universe, TrafficOptions(seed=SEED)).files(range(len(universe.rows)), OCTOBER)
    found = assessed(home, files)
    assert [amount(found.outcomes[place]) for place in range(len(files))] == files.charge
    plainly = (parse(files.body(place), contract, OCTOBER) for place, contract in enumerate(files.contracts))
    divergent = {place for place, file in enumerate(plainly) if totals(file.records) != file.declared}
    held = {place for place, one in found.outcomes.items() if isinstance(one, Held) and one.code == "ARQ-TOT"}
    assert held == divergent != set()
    codes = {one.code for one in found.outcomes.values() if isinstance(one, Held)}
    assert {"CTR-LIN", "CTR-DIV"} <= codes


def test_class_is_the_one_that_the_platform_gives(home: Path, universe: Universe) -> None:
    files = Traffic(universe, TrafficOptions(seed=SEED)).files(range(len(universe.rows)), OCTOBER)
    calls = pl.DataFrame(assessed(home, files).calls).filter(pl.col("platform_class") != "")
    assert calls.filter(pl.col("class") != pl.col("platform_class")).height == 0
    assert len(Counter(calls["class"])) == 9


def test_our_rating_is_the_platforms_to_the_centavo_call_by_call(home: Path, universe: Universe) -> None:
    files = Traffic(universe, TrafficOptions(seed=SEED, clean=True)).files(range(len(universe.rows)), OCTOBER)
    plans = parse_plans((PLANS / "demonstracao.toml").read_bytes())
    strict = [replace(version, mode=Mode.CHECK, tolerance=Decimal(0)) for version in plans]
    found = assessed(home, files, strict)
    held = [one for one in found.outcomes.values() if isinstance(one, Held)]
    assert not [finding for one in held for finding in one.findings if finding.code.startswith("TAR-")]
    calls = pl.DataFrame(found.calls)
    rated = calls.filter(pl.col("plan_version").is_not_null())
    assert rated.height > calls.height * 0.9
    assert rated.filter(pl.col("our_price").ne_missing(pl.col("amount"))).height == 0
