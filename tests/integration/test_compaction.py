"""Compaction and rollups over a real ledger and real files: whatever they do, every answer stays that of the calls."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stfc.adapters.calls.compaction import ParquetCallCompactor
from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.images import SqlLedgerReader
from stfc.adapters.ledger.parts import SqlPartLedger
from stfc.adapters.read_model.calls import COLUMNS, Calls
from stfc.adapters.read_model.engine import Engine
from stfc.domain.competence import Competence
from stfc.errors import StorageError
from stfc.services.compaction import Compaction
from stfc.services.janitor import ORPHAN_AGE, Janitor
from stfc.services.ports import MonthImage
from stfc.services.queries import ALL_CALLS, CallFilter, CallQuery
from tests.builders import NOON, OCTOBER, a_call, calls_table

SEPTEMBER = Competence(2026, 9)
MONTHS = (SEPTEMBER, OCTOBER)


class Home:
    """Calls on disk and the ledger that lists them, without the billing that would fill both."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database = database
        self.store = ParquetCallStore(folder / "calls")
        self.ledger = SqlPartLedger(database)
        self.now = NOON
        self.compactor = ParquetCallCompactor(self.store, rows_per_part=5)
        self.compaction = Compaction(self.ledger, self.compactor, self.store, lambda: self.now)
        self.engine = Engine()

    def part(self, *calls: dict[str, Any], competence: Competence = OCTOBER) -> str:
        """List a part of ``calls``, as the worker does."""
        part = self.store.write(competence, calls_table(calls))
        row = vars(part) | {"competence": str(competence), "created_at": self.now, "live": True}
        with self.database.write() as connection:
            connection.execute(sa.insert(schema.parts).values(**row))
            bump(connection, competence)
        return part.path

    def exclude(self, *claims: int, cause: str = "reversed", competence: Competence = OCTOBER) -> None:
        """Exclude claims, as a reversal or a refusal does."""
        rows = [{"claim": one, "competence": str(competence), "contract": "1", "cause": cause} for one in claims]
        with self.database.write() as connection:
            connection.execute(sa.insert(schema.exclusions), rows)
            bump(connection, competence)

    def images(self) -> list[MonthImage]:
        """What the ledger shows of both months."""
        return list(SqlLedgerReader(self.database).images(MONTHS, {})[1].values())

    def calls(self) -> Calls:
        """As a screen reads them."""
        return Calls(self.engine, self.store.root, self.images())

    def raw(self) -> Calls:
        """The same calls, read without any rollup."""
        return Calls(self.engine, self.store.root, [replace(image, rollup=None) for image in self.images()])

    def paths(self) -> set[str]:
        """All that stands on disk: parts and rollups."""
        return set(self.store.orphans((), older_than=NOON + timedelta(days=36_500)))

    def ids(self) -> list[str]:
        """Every live call."""
        return sorted(self.calls().page(CallQuery(limit=None)).table["call_id"].to_pylist())


@pytest.fixture
def home(database: Database, tmp_path: Path) -> Home:
    return Home(tmp_path, database)


def some_calls(count: int, *, claim: int = 1, name: str = "c") -> list[dict[str, Any]]:
    """Calls of contracts ``0`` .. ``2``, one after the other."""
    return [a_call(f"{name}{n}", f"{n % 3}", claim=claim) for n in range(count)]


def test_many_parts_become_few_ordered_ones_that_do_not_overlap(home: Home) -> None:
    for n in range(4):
        home.part(*some_calls(6, claim=n, name=f"{n}-"))
    before = home.ids()
    done = home.compaction.run(OCTOBER)
    assert done is not None
    assert (done.before, done.calls, len(before)) == (4, 24, 24)
    live = home.ledger.listed(OCTOBER).live
    assert [(part.contract_first, part.contract_last) for part in live.parts] == [("0", "0"), ("1", "1"), ("2", "2")]
    assert home.ids() == before


def test_rows_of_refused_claims_go_and_those_once_charged_stay_hidden(home: Home) -> None:
    home.part(*some_calls(3, claim=1, name="live"), *some_calls(3, claim=2, name="refused"))
    home.part(*some_calls(3, claim=3, name="reversed"))
    home.exclude(2, cause="refused")
    home.exclude(3)
    done = home.compaction.run(OCTOBER)
    assert done is not None
    assert done.calls == 6
    assert home.ids() == ["live0", "live1", "live2"]


def test_month_whose_every_row_is_refused_keeps_its_part(home: Home) -> None:
    path = home.part(*some_calls(2))
    home.exclude(1, cause="refused")
    assert home.compaction.run(OCTOBER) is not None
    assert [part.path for part in home.ledger.listed(OCTOBER).live.parts] == [path]
    assert home.calls().weekday_hour(ALL_CALLS).is_empty()
    assert home.compaction.run(OCTOBER) is None


def test_second_compaction_has_nothing_to_do(home: Home) -> None:
    home.part(*some_calls(4))
    assert home.compaction.run(OCTOBER) is not None
    disk = home.paths()
    assert home.compaction.run(OCTOBER) is None
    assert home.compaction.run_all() == []
    assert home.paths() == disk


def test_reversal_after_a_compaction_leaves_the_parts_and_renews_the_rollup(home: Home) -> None:
    home.part(*some_calls(3, claim=1, name="a"), *some_calls(3, claim=2, name="b"))
    home.compaction.run(OCTOBER)
    parts = home.ledger.listed(OCTOBER).live.parts
    home.exclude(2)
    assert home.calls().weekday_hour(ALL_CALLS)["calls"].to_list() == [3]
    assert home.compaction.run(OCTOBER) is not None
    assert home.ledger.listed(OCTOBER).live.parts == parts
    assert home.calls().weekday_hour(ALL_CALLS)["calls"].to_list() == [3]


class Interrupted(ParquetCallCompactor):
    """A compactor beside which something else happens, once, before it is done."""

    def __init__(self, home: Home, act: Any) -> None:
        super().__init__(home.store, rows_per_part=5)
        self._act = act

    def summed(self, *given: Any) -> str:
        """As ever, after the act."""
        act, self._act = self._act, lambda: None
        act()
        return super().summed(*given)


def test_what_comes_while_a_compaction_runs_is_kept(home: Home) -> None:
    home.part(*some_calls(3, claim=1, name="old"))

    def meanwhile() -> None:
        home.part(*some_calls(3, claim=2, name="new"))
        home.part(*some_calls(3, claim=3, name="late"))
        home.exclude(1, 3)

    compaction = Compaction(home.ledger, Interrupted(home, meanwhile), home.store, lambda: NOON)
    assert compaction.run(OCTOBER) is not None
    assert home.ids() == ["new0", "new1", "new2"]
    assert home.calls().weekday_hour(ALL_CALLS)["calls"].to_list() == [3]


def test_slower_of_two_compactions_changes_nothing_and_leaves_nothing(home: Home) -> None:
    home.part(*some_calls(6))
    after: list[set[str]] = []

    def meanwhile() -> None:
        # What the slower one wrote so far is its own to remove.
        own = home.paths() - home.ledger.listed_paths(retired_since=NOON)
        assert home.compaction.run(OCTOBER) is not None
        after.append(home.paths() - own)

    slower = Compaction(home.ledger, Interrupted(home, meanwhile), home.store, lambda: NOON)
    assert slower.run(OCTOBER) is None
    assert [home.paths()] == after
    assert len(home.ids()) == 6


def test_compaction_that_is_told_to_stop_leaves_nothing(home: Home) -> None:
    home.part(*some_calls(20))
    disk = home.paths()
    assert home.compaction.run(OCTOBER, keep_going=lambda: False) is None
    assert home.paths() == disk


def test_broken_part_is_a_storage_error_and_changes_nothing(home: Home) -> None:
    home.part(*some_calls(3, name="good"))
    broken = home.part(*some_calls(3, claim=2))
    (home.store.root / broken).write_bytes(b"PAR1 no more")
    with pytest.raises(StorageError):
        home.compaction.run(OCTOBER)
    assert len(home.ledger.listed(OCTOBER).live.parts) == 2


def test_replaced_files_stay_for_the_readers_that_may_be_at_them_then_go(home: Home) -> None:
    old = {home.part(*some_calls(3)), home.part(*some_calls(3, claim=2))}
    home.compaction.run(OCTOBER)
    first = home.paths() - old
    home.exclude(2)
    home.now += timedelta(minutes=1)
    home.compaction.run(OCTOBER)
    # The files are as young as this test; the janitor's clock is not.
    janitor = Janitor(home.ledger, home.store, lambda: home.now + timedelta(days=36_500))
    young = Janitor(home.ledger, home.store, lambda: home.now + ORPHAN_AGE - timedelta(seconds=1))
    assert old <= home.paths()
    young.sweep()
    assert first <= home.paths()
    janitor.sweep()
    assert home.paths() == home.ledger.listed_paths(retired_since=home.now + timedelta(seconds=1))
    assert len(home.ids()) == 3


def test_lost_rollup_is_read_around_and_made_again(home: Home) -> None:
    home.part(*some_calls(6))
    home.compaction.run(OCTOBER)
    rollup = home.ledger.listed(OCTOBER).rollup
    assert rollup is not None
    home.store.remove([rollup.path])
    assert home.calls().weekday_hour(ALL_CALLS)["calls"].to_list() == [6]
    assert home.compaction.run(OCTOBER) is not None
    assert home.ledger.listed(OCTOBER).rollup != rollup


def test_growth_is_what_came_since(home: Home) -> None:
    home.part(*some_calls(6))
    home.compaction.run(OCTOBER)
    home.part(*some_calls(3, claim=2))
    home.exclude(1)
    home.part(*some_calls(2), competence=SEPTEMBER)
    assert [(g.competence, g.calls, g.new_calls, g.new_parts, g.new_exclusions) for g in home.ledger.growth()] == [
        (SEPTEMBER, 0, 2, 1, 0),
        (OCTOBER, 6, 3, 1, 1),
    ]


# --- Rollups answer as the calls do --------------------------------------------------------------------------------

CLASSES, PLACES, CONTRACTS = ("LOCAL", "VC1", "LDI"), ("", "11", "+351"), ("10", "2", "30")
LINES = ("1933224455", "1133224455")
CALLED = ("33221100", "1933221100", "0211933221100", "19332211009", "+5519933221100", "33221100*", "190")
NUMBERS = ("", "190", "1933221100", "33221100", "1933221", "0211933221100", "1933224455")
drawn_calls = st.builds(
    lambda contract, claim, kind, place, day, hour, duration, line, called: a_call(
        "c",
        contract,
        claim=claim,
        line=line,
        called=called,
        destination=place,
        local_day=date(2026, 10, day),
        weekday=date(2026, 10, day).weekday(),
        hour=hour,
        duration=duration,
        amount=duration * 10_001,
        **{"class": kind},
    ),
    st.sampled_from(CONTRACTS),
    st.integers(1, 4),
    st.sampled_from(CLASSES),
    st.sampled_from(PLACES),
    st.integers(1, 31),
    st.integers(0, 23),
    st.integers(0, 4_000),
    st.sampled_from(LINES),
    st.sampled_from(CALLED),
)
parts = st.tuples(st.just("part"), st.sampled_from(MONTHS), st.lists(drawn_calls, min_size=1, max_size=8))
excludes = st.tuples(st.sampled_from(["reversed", "refused"]), st.sampled_from(MONTHS), st.integers(1, 4))
compacts = st.tuples(st.just("compact"), st.sampled_from(MONTHS), st.none())


def some(*values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """None of ``values``, which does not restrict, or some of them."""
    return st.lists(st.sampled_from(values), unique=True, max_size=2).map(tuple)


filters = st.builds(
    CallFilter,
    classes=some(*CLASSES),
    contracts=some(*CONTRACTS),
    destinations=some(*PLACES),
    weekdays=some(*range(7)),
    hours=some(*range(24)),
)
queries = st.builds(
    CallQuery,
    since=st.none() | st.dates(date(2026, 10, 1), date(2026, 10, 31)),
    contracts=some(*CONTRACTS),
    classes=some(*CLASSES),
    destinations=some(*PLACES),
    weekdays=some(*range(7)),
    least_duration=st.none() | st.integers(0, 4_000),
    late=st.none() | st.booleans(),
)
searches = st.builds(
    CallQuery,
    line=st.sampled_from(("", *LINES)),
    called=st.sampled_from(NUMBERS),
    search=st.sampled_from(NUMBERS),
    contracts=some(*CONTRACTS),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(st.one_of(parts, parts, excludes, compacts), max_size=8),
    chosen=filters,
    query=queries | searches,
    order=st.fixed_dictionaries({"sort": st.sampled_from(COLUMNS), "descending": st.booleans()}),
)
def test_rollups_answer_as_the_calls_do(
    home: Home,
    tmp_path_factory: pytest.TempPathFactory,
    acts: list[Any],
    chosen: CallFilter,
    query: CallQuery,
    order: dict[str, Any],
) -> None:
    home = Home(tmp_path_factory.mktemp("home"), home.database)
    with home.database.write() as connection:
        for table in (schema.parts, schema.rollups, schema.exclusions):
            connection.execute(sa.delete(table))
    excluded: set[int] = set()
    for kind, month, what in acts:
        # A claim belongs to one month.
        own = MONTHS.index(month) * 10
        if kind == "part":
            home.part(*(call | {"claim": call["claim"] + own} for call in what), competence=month)
        elif kind == "compact":
            home.compaction.run(month)
        elif what + own not in excluded:
            home.exclude(what + own, cause=kind, competence=month)
            excluded.add(what + own)
    answers = home.calls(), home.raw()
    for one, other in [
        [calls.revenue_by_month(chosen) for calls in answers],
        [calls.weekday_hour(chosen) for calls in answers],
        [calls.top_contracts(2, chosen) for calls in answers],
        [calls.top_destinations(2, chosen) for calls in answers],
        [calls.by_day(query) for calls in answers],
    ]:
        assert one.equals(other)
    pages = [calls.page(replace(query, sort="duration", limit=None)) for calls in answers]
    assert pages[0].totals == pages[1].totals
    assert pages[0].table["duration"] == pages[1].table["duration"]
    assert pages[0].table.num_rows == pages[0].total
    # A page is that piece of the whole, whatever it is sorted by; repeats of a call may change places.
    told = [order["sort"], "contract", "started_at", "call_id"]
    whole = home.calls().page(replace(query, **order, limit=None)).table.select(told)
    page = home.calls().page(replace(query, **order, offset=1, limit=2))
    assert page.totals == pages[1].totals
    assert page.table.select(told).equals(whole.slice(1, 2))
    streamed = list(home.calls().stream(query, rows=3))
    contracts = [contract for table in streamed for contract in table["contract"].to_pylist()]
    assert contracts == sorted(contracts)
    assert all(table.num_rows <= 3 or len(set(table["contract"].to_pylist())) == 1 for table in streamed)
    found = [call for table in streamed for call in table.to_pylist()]
    assert sorted(found, key=str) == sorted(pages[0].table.to_pylist(), key=str)


PAGES = [
    CallQuery(limit=100),
    CallQuery(limit=50, offset=450),
    CallQuery(limit=100, sort="duration"),
    CallQuery(limit=100, sort="duration", descending=False, classes=("VC1",)),
    CallQuery(limit=100, sort="issue"),
    CallQuery(limit=100, sort="contract", classes=("VC1", "LDI")),
    CallQuery(limit=100, least_duration=10),
    CallQuery(limit=100, offset=30, least_duration=10, sort="duration"),
    CallQuery(limit=100, divergent=True, sort="issue", contracts=tuple(map(str, range(300)))),
]


def test_a_page_of_many_calls_is_that_piece_of_the_whole(home: Home) -> None:
    """Enough calls that it is worth to see first where the page ends; many are equal in what it is sorted by."""
    calls = [
        a_call(
            f"c{n}",
            str(n % 317),
            claim=n % 317,
            started_at=NOON + timedelta(seconds=n * 7 % 700),
            duration=n * 13 % 40,
            issue="CTR-DIV" if n % 3 == 0 else None,
            **{"class": CLASSES[n % len(CLASSES)]},
        )
        for n in range(3_000)
    ]
    home.part(*calls[:1_000])
    home.part(*calls[1_000:])
    home.compaction.run(OCTOBER)
    home.exclude(5)
    home.exclude(17)
    for query in PAGES:
        whole = home.raw().page(replace(query, offset=0, limit=None))
        page = home.calls().page(query)
        assert page.totals == whole.totals
        assert page.table.equals(whole.table.slice(query.offset, query.limit))
