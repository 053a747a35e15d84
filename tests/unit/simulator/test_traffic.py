"""The simulated traffic: deterministic to the byte, right by the reference parser, and like an ISP's."""

import hashlib
from collections import Counter
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain import billing_file, numbers
from stfc.domain.area_codes import utc_offset_hours
from stfc.domain.billing_file import BillingFile
from stfc.domain.call import CallClass, CallRecord
from stfc.domain.competence import Competence
from stfc.errors import InvalidInputError
from stfc.simulator import erp_dump
from stfc.simulator.traffic import MOST_CALLS, MonthFiles, Traffic, TrafficOptions
from stfc.simulator.universe import Profile, Universe, from_frames

UNTIL = Competence(2026, 10)
SEED = 7


@cache
def universe(contracts: int = 1_500, *, clean: bool = False, seed: int = SEED) -> Universe:
    made = erp_dump.tables(contracts, seed, until=UNTIL, clean=clean)
    return from_frames(made["contracts"], made["services"], made["lines"], seed)


@cache
def traffic() -> Traffic:
    return Traffic(universe(), TrafficOptions(SEED))


@cache
def month(competence: Competence = UNTIL, *, clean: bool = False) -> MonthFiles:
    subscribers = universe(clean=clean)
    return Traffic(subscribers, TrafficOptions(SEED, clean=clean)).files(range(len(subscribers.contracts)), competence)


@cache
def parsed(*, clean: bool = False) -> list[BillingFile]:
    files = month(clean=clean)
    return [billing_file.parse(files.body(p), files.contracts[p], UNTIL) for p in range(len(files))]


def records(*, clean: bool = False) -> list[CallRecord]:
    return [record for file in parsed(clean=clean) for record in file.records]


# --- Deterministic -------------------------------------------------------------------------------------------------


@given(st.integers(0, 1_400))
def test_one_contract_alone_gives_the_bytes_of_the_whole_month(row: int) -> None:
    assert traffic().files([row], UNTIL).body(0) == month().body(row)


def test_the_order_of_contracts_changes_no_byte() -> None:
    rows = [400, 3, 77, 1_200, 3]

    files = traffic().files(rows, UNTIL)

    assert [files.body(place) for place in range(5)] == [month().body(row) for row in rows]


def test_a_smaller_universe_is_the_beginning_of_a_larger() -> None:
    small = universe(200)

    files = Traffic(small, TrafficOptions(SEED)).files(range(len(small.contracts)), UNTIL)

    assert all(files.body(row) == month().body(row) for row in range(len(files)))


def test_the_bytes_of_a_seed_never_change() -> None:
    # A golden value: whoever changes it changes what demonstrations and benches compare with.
    whole = hashlib.sha256(b"".join(month().body(row) for row in range(len(month()))))

    assert whole.hexdigest() == "059029ee999d230ea22f03604c1ba5b0b7d57e4f6cafc2a1574d390b8cad12e6"


def test_another_seed_or_month_gives_other_calls() -> None:
    other_seed = Traffic(universe(50, seed=8), TrafficOptions(8)).files([1], UNTIL).body(0)
    other_month = traffic().files([1], UNTIL.plus(-1)).body(0)

    assert len({month().body(1), other_seed, other_month}) == 3


# --- Right ---------------------------------------------------------------------------------------------------------


def test_every_clean_file_declares_what_its_records_come_to() -> None:
    for file in parsed(clean=True):
        assert file.declared == billing_file.totals(file.records)


def test_the_charge_is_the_sum_of_the_records_to_the_centavo() -> None:
    for charge, file in zip(month().charge, parsed(), strict=True):
        assert charge * 10_000 == sum(record.amount for record in file.records)


def test_no_record_is_a_repeat_of_another() -> None:
    for file in parsed():
        assert billing_file.deduplicate(file.records)[1] == []
    assert len({record.call_id for record in records()}) == len(records())


def test_the_platforms_class_is_the_one_of_the_dial_plan() -> None:
    for record in records():
        assert record.platform_class in ("", numbers.call_class(record.called, record.line))


def test_every_class_of_the_dial_plan_occurs() -> None:
    classes = {numbers.call_class(record.called, record.line) for record in records()}

    assert classes == set(CallClass) - {CallClass.UNKNOWN}


def test_a_period_runs_from_the_day_after_one_cut_day_to_the_next() -> None:
    subscribers = universe()
    for place, file in enumerate(parsed()):
        cut_day = int(subscribers.cut_day[place])
        assert file.period_until == UNTIL.day(cut_day)
        assert file.period_from == UNTIL.plus(-1).day(cut_day) + timedelta(days=1)


def test_clean_calls_lie_in_the_period_on_a_line_of_the_contract_valid_that_day() -> None:
    subscribers = universe(clean=True)
    for place, file in enumerate(parsed(clean=True)):
        start, end = subscribers.line_starts[place : place + 2].tolist()
        held = {
            subscribers.numbers[line]: (int(subscribers.since[line]), int(subscribers.until[line]))
            for line in range(start, end)
        }
        for record in file.records:
            day = record.started_at.date()
            assert file.period_from <= day <= file.period_until
            since, until = held[record.line]
            assert since <= day.toordinal() < until


def test_times_carry_the_offset_of_the_lines_area() -> None:
    for record in records():
        assert record.started_at.utcoffset() == timedelta(hours=utc_offset_hours(record.line[:2]))


@pytest.mark.parametrize("calls", [0, 1, 50])
def test_a_forced_number_of_calls_is_kept(calls: int) -> None:
    options = TrafficOptions(SEED, clean=True, calls_per_contract=calls)

    assert set(Traffic(universe(clean=True), options).files(range(100), UNTIL).records) == {calls}


def test_more_calls_than_a_file_holds_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        Traffic(universe(), TrafficOptions(calls_per_contract=MOST_CALLS + 1))


def test_nothing_asked_for_gives_nothing() -> None:
    assert len(traffic().files([], UNTIL)) == 0


@pytest.mark.parametrize("competence", ["2024-02", "2025-12", "2026-01", "2026-03", "2099-12", "2000-02"])
def test_any_month_can_be_made(competence: str) -> None:
    which = Competence.parse(competence)
    files = Traffic(universe(clean=True), TrafficOptions(SEED)).files(range(20), which)

    for place, contract in enumerate(files.contracts):
        billing_file.parse(files.body(place), contract, which)


# --- Like an ISP's -------------------------------------------------------------------------------------------------


def test_traffic_has_a_heavy_tail() -> None:
    counts = np.array(month().records)
    residential = counts[universe().profile == Profile.RESIDENTIAL]

    assert 0.70 < len(residential) / len(counts) < 0.80
    assert np.median(counts) < counts.mean() / 2
    assert counts.max() > 1_500


def test_businesses_call_on_working_days_in_working_hours() -> None:
    subscribers = universe()
    hours: Counter[int] = Counter()
    weekdays: Counter[int] = Counter()
    for place, file in enumerate(parsed()):
        if subscribers.profile[place] == Profile.PBX:
            hours.update(record.started_at.hour for record in file.records)
            weekdays.update(record.started_at.weekday() for record in file.records)

    assert sum(hours[hour] for hour in range(8, 18)) > 0.75 * hours.total()
    assert weekdays[6] < weekdays[0] / 5


def test_a_national_holiday_is_quiet_in_business() -> None:
    days: Counter[date] = Counter()
    for place, file in enumerate(parsed()):
        if universe().profile[place] == Profile.PBX:
            days.update(record.started_at.date() for record in file.records)

    # 12 October 2026, a Monday, is Nossa Senhora Aparecida.
    assert days[date(2026, 10, 12)] < days[date(2026, 10, 5)] / 4


def test_all_area_codes_have_subscribers() -> None:
    assert len(set(universe().line_area.tolist())) == 67


def test_planted_cases_occur_and_clean_has_none() -> None:
    divergent = [file for file in parsed() if file.declared != billing_file.totals(file.records)]
    late = [record for file in parsed() for record in file.records if record.started_at.date() < file.period_from]
    known = set(universe().numbers)
    strays = [record for record in records() if record.line not in known]

    assert 1 <= len(divergent) <= 25
    assert strays
    assert late
    assert traffic().unknown.any()
    assert not Traffic(universe(clean=True), TrafficOptions(SEED, clean=True)).unknown.any()


def test_some_months_have_no_charge_though_there_are_calls() -> None:
    assert any(count and not charge for count, charge in zip(month().records, month().charge, strict=True))
    assert 0 in month().records
