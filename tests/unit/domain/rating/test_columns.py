"""Columns price every call as the definition does: by property, and over a hundred thousand calls of everything."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from stfc.adapters.calls.classification import derive
from stfc.domain.call import CallClass, CallRecord
from stfc.domain.money import MOST_PRICE, Micros
from stfc.domain.plan import Allowance, Band, Cadence, Country, Mode, Plan, PlanVersion, Scope, plans_of
from stfc.domain.plan_file import MOST_MINUTES, MOST_SECONDS
from stfc.domain.rating import columns
from stfc.domain.rating.columns import RATED, RatedUnder
from stfc.domain.rating.price import PriceSteps, rate

PRICED = [one for one in CallClass if one is not CallClass.UNKNOWN]
LINES = ["1133224455", "1133224456", "9232224455", "6832224455", "6532224455", "123"]
PREFIXES = ["1", "1809", "351", "3519", "44", "7", "598"]
DIALLED = [
    "32224455",
    "1132224455",
    "2132224455",
    "987654321",
    "11987654321",
    "01519987654321",
    "21987654321",
    "9232221100",
    "90901132224455",
    "08001234567",
    "03001234567",
    "190",
    "40031234",
    "0015351912345678",
    "+351212345678",
    "0021180912345678",
    "002112125550123",
    "+442071234567",
    "00155982123456",
    "*144",
    "123456789012345678901234",
]
FIRST_DAY = date(2026, 9, 21)
START = datetime(2026, 9, 18, tzinfo=UTC)
SECONDS = 34 * 86_400
LONGEST = 999_999_999

amounts = st.decimals(0, MOST_PRICE, places=8) | st.sampled_from([Decimal(0), Decimal("0.08"), Decimal("0.79")])
cadences = st.builds(
    Cadence,
    minimum=st.sampled_from([0, 1, 30, 60, MOST_SECONDS]),
    increment=st.sampled_from([1, 6, 7, 60, MOST_SECONDS]),
    tolerance=st.sampled_from([0, 3, 5]),
)
allowances = st.builds(
    Allowance,
    classes=st.frozensets(st.sampled_from(PRICED), min_size=1),
    minutes=st.sampled_from([0, 1, 2, 5, 30, MOST_MINUTES]),
    scope=st.sampled_from(Scope),
)
versions = st.builds(
    PlanVersion,
    code=st.sampled_from(["a", "b"]),
    name=st.just("A"),
    valid_from=st.sampled_from([date(2020, 1, 1), FIRST_DAY, date(2026, 10, 5), date(2026, 10, 12), date(2027, 1, 1)]),
    mode=st.just(Mode.CHECK),
    cadence=cadences,
    tolerance=st.just(Decimal(0)),
    prices=st.dictionaries(st.sampled_from(PRICED), st.fixed_dictionaries(dict.fromkeys(Band, amounts))),
    cadences=st.dictionaries(st.sampled_from(PRICED), cadences),
    connections=st.dictionaries(st.sampled_from(PRICED), amounts),
    allowances=st.lists(allowances, max_size=3).map(tuple),
    countries=st.lists(st.sampled_from(PREFIXES), unique=True).flatmap(
        lambda found: st.tuples(
            *(st.builds(Country, prefix=st.just(one), name=st.just(one), price=amounts) for one in found)
        )
    ),
)
calls = st.builds(
    CallRecord,
    call_id=st.text("abc", min_size=1, max_size=3),
    line=st.sampled_from(LINES),
    caller=st.just("1133224455"),
    called=st.sampled_from(DIALLED),
    started_at=st.integers(0, SECONDS).map(lambda seconds: START + timedelta(seconds=seconds // 1_000 * 1_000)),
    duration=st.sampled_from([0, 1, 3, 4, 30, 31, 61, 600]) | st.integers(0, LONGEST),
    platform_class=st.just(""),
    carrier=st.just(""),
    csp=st.just(""),
    amount=st.just(Micros(0)),
)


def frame(files: Sequence[Sequence[CallRecord]]) -> pl.DataFrame:
    """The calls of some files as the engine takes them."""
    rows = [
        (file, call.call_id, call.line, call.called, call.started_at, call.duration)
        for file, records in enumerate(files)
        for call in records
    ]
    schema = {
        "file": pl.UInt32(),
        "call_id": pl.String(),
        "line": pl.String(),
        "called": pl.String(),
        "started_at": pl.Datetime("us", "UTC"),
        "duration": pl.Int32(),
    }
    return derive(pl.DataFrame(rows, schema=schema, orient="row"))


def said(steps: PriceSteps) -> tuple[object, ...]:
    """What the columns must say of a call, in the order of ``RATED``."""
    if steps.version is None:
        return (None,) * len(RATED)
    price = None if steps.price is None else steps.price * 10_000
    return price, steps.band.value, steps.billed_seconds, steps.allowance_seconds, steps.version.key


def compared(
    files: Sequence[Sequence[CallRecord]], plans: Sequence[Plan | None]
) -> tuple[pl.DataFrame, list[tuple[object, ...]]]:
    """What the columns say of the calls of some files, and what the definition says."""
    found = columns.rate(frame(files), {file: RatedUnder(plan, FIRST_DAY) for file, plan in enumerate(plans) if plan})
    expected: list[tuple[object, ...]] = []
    for records, plan in zip(files, plans, strict=True):
        expected += map(said, rate(records, plan, FIRST_DAY)) if plan else [(None,) * len(RATED)] * len(records)
    return found, expected


@settings(max_examples=100)
@given(st.lists(versions, min_size=1, max_size=4), st.lists(st.lists(calls, max_size=20), max_size=3), st.data())
def test_columns_agree_with_the_definition(
    some: list[PlanVersion], files: list[list[CallRecord]], data: st.DataObject
) -> None:
    plans = list(plans_of({version.key: version for version in some}.values()).values())
    chosen = [data.draw(st.sampled_from([*plans, None])) for _ in files]
    found, expected = compared(files, chosen)
    assert found.schema == RATED
    assert found.rows() == expected


# --- A hundred thousand calls --------------------------------------------------------------------------------------


def random_plan(chance: random.Random, code: str) -> Plan:
    """A plan with every feature, of two versions; some of its classes have no price."""
    some = [random_version(chance, code, day) for day in (date(2026, 1, 1), date(2026, 10, 5))]
    return plans_of(some)[code]


def random_version(chance: random.Random, code: str, day: date) -> PlanVersion:
    def price() -> Decimal:
        return Decimal(chance.randrange(10 ** chance.randint(1, 9))).scaleb(-chance.randint(2, 8))

    def cadence() -> Cadence:
        return Cadence(chance.choice([0, 1, 30, 60]), chance.choice([1, 6, 7, 60]), chance.choice([0, 3, 5]))

    classes = {one: chance.random() for one in PRICED}
    banded = {one: {Band.NORMAL: price(), Band.REDUCED: price()} for one, roll in classes.items() if roll > 0.15}
    free = dict.fromkeys(Band, Decimal(0))
    return PlanVersion(
        code=code,
        name=code,
        valid_from=day,
        mode=Mode.CHECK,
        cadence=cadence(),
        tolerance=Decimal(0),
        prices=banded | {one: free for one, roll in classes.items() if roll > 0.85},
        cadences={one: cadence() for one in chance.sample(PRICED, 3)},
        connections={one: price() for one in chance.sample(PRICED, 3)},
        allowances=tuple(
            Allowance(frozenset(chance.sample(PRICED, 4)), chance.choice([0, 50, 500]), chance.choice([*Scope]))
            for _ in range(chance.randint(0, 3))
        ),
        countries=tuple(Country(one, one, price()) for one in chance.sample(PREFIXES, 4)),
    )


def random_call(chance: random.Random, number: int) -> CallRecord:
    return CallRecord(
        call_id=f"c{number}",
        line=chance.choice(LINES),
        caller="",
        called=chance.choice(DIALLED),
        started_at=START + timedelta(seconds=chance.randrange(SECONDS)),
        duration=chance.choice([0, chance.randrange(10), chance.randrange(200), chance.randrange(5_400)]),
        platform_class="",
        carrier="",
        csp="",
        amount=Micros(0),
    )


def test_a_hundred_thousand_calls_of_every_kind_agree() -> None:
    chance = random.Random(6)
    plans = [random_plan(chance, f"plan-{place}") for place in range(20)]
    files = [[random_call(chance, number) for number in range(1_000)] for _ in range(100)]
    found, expected = compared(files, [plans[file % len(plans)] for file in range(100)])
    assert [pair for pair in zip(found.rows(), expected, strict=True) if pair[0] != pair[1]] == []
    # Nothing was left out: every class has a price in both bands, calls without one, inside an allowance and split.
    every = found.with_columns(frame(files)["class"])
    priced = every.filter(pl.col("our_price") > 0)
    assert set(every["class"]) == set(CallClass)
    assert set(priced.select("class", "band").rows()) == {(one, band) for one in PRICED for band in Band}
    assert every.filter(pl.col("our_price").is_null()).height > 1_000
    assert every.filter((pl.col("allowance_seconds") > 0) & (pl.col("our_price") == 0)).height > 1_000
    assert priced.filter(pl.col("allowance_seconds") > 0).height > 20


def test_the_dearest_call_stays_within_an_int64() -> None:
    dearest = dict.fromkeys(Band, Decimal(MOST_PRICE))
    chance = random.Random(1)
    version = replace(
        random_version(chance, "dear", date(2026, 1, 1)),
        prices={CallClass.LOCAL: dearest},
        connections={CallClass.LOCAL: Decimal(MOST_PRICE)},
        cadence=Cadence(MOST_SECONDS, MOST_SECONDS, 0),
        cadences={},
        allowances=(),
    )
    call = replace(random_call(chance, 1), called="32224455", line=LINES[0], duration=LONGEST)
    found, expected = compared([[call]], [plans_of([version])["dear"]])
    assert found.rows() == expected
    assert expected[0][0] == 1_666_800_100_000 * 10_000
