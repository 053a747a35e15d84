"""Detectors on the simulator's planted patterns: how much they find, and how much of what they find was planted."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict

import polars as pl
import pytest

from stfc.adapters.billing_files import parse_files
from stfc.adapters.calls.classification import derive
from stfc.adapters.calls.traffic import Peaks, first_days, is_overdue, peaks
from stfc.domain.competence import Competence
from stfc.domain.detectors import DEFAULT, Past, Traffic, anomalies
from stfc.domain.money import Centavos
from stfc.simulator import erp_dump
from stfc.simulator.traffic import Pattern, TrafficOptions
from stfc.simulator.traffic import Traffic as SimulatedTraffic
from stfc.simulator.universe import Universe, from_folder

MONTH = Competence(2026, 10)
SEED = 3
PLANTED = tuple((pattern, 0.04) for pattern in Pattern if pattern > Pattern.FRAUD)

FOUND_BY: Mapping[str, frozenset[Pattern]] = {
    "abroad_burst": frozenset({Pattern.ABROAD, Pattern.FRAUD}),
    "night_burst": frozenset({Pattern.NIGHT, Pattern.FRAUD}),
    "weekend_burst": frozenset({Pattern.WEEKEND}),
    "parallel_calls": frozenset({Pattern.PARALLEL}),
    "new_country": frozenset({Pattern.COUNTRY}),
    "overdue_calls": frozenset({Pattern.OVERDUE}),
    # Those that cost: national calls at night and on weekends are cheap.
    "amount_outlier": frozenset({Pattern.ABROAD, Pattern.FRAUD, Pattern.PARALLEL, Pattern.COUNTRY}),
}
"""Which patterns each detector has to find."""


@pytest.fixture(scope="module")
def universe(tmp_path_factory: pytest.TempPathFactory) -> Universe:
    folder = tmp_path_factory.mktemp("erp")
    erp_dump.dump(folder, contracts=700, seed=SEED, months=1, until=MONTH)
    return from_folder(folder, SEED)


def read(traffic: SimulatedTraffic, month: Competence) -> tuple[pl.DataFrame, list[Centavos]]:
    """The month's calls with everything derived, ``file`` being the contract's row, and what each contract costs."""
    rows = range(len(traffic.universe.rows))
    files = traffic.files(rows, month)
    parsed = parse_files([(files.contracts[row], files.body(row)) for row in rows], month)
    contract = pl.Series(files.contracts).gather(parsed.records["file"])
    calls = derive(parsed.records.with_columns(contract=contract))
    days = first_days(calls["file"], {row: head.header.period_from for row, head in parsed.heads.items()})
    return calls.with_columns(is_overdue=is_overdue(days, DEFAULT)), [Centavos(amount) for amount in files.charge]


def pasts(universe: Universe, months: int) -> dict[int, Past]:
    """What was seen of each contract in the months before, in which nothing was planted."""
    clean = SimulatedTraffic(universe, TrafficOptions(SEED))
    read_months = [read(clean, MONTH.plus(-back)) for back in range(1, months + 1)]
    counted = peaks(pl.concat([calls.drop("is_overdue") for calls, _ in read_months]))
    amounts: dict[int, list[Centavos]] = defaultdict(list)
    for _, month in read_months:
        for row, amount in enumerate(month):
            if amount:
                amounts[row].append(amount)
    return {
        row: Past(
            amounts=tuple(amounts[row]),
            months=len(amounts[row]),
            parallel=seen.parallel,
            abroad=seen.abroad,
            night=seen.night,
            weekend=seen.weekend,
            countries=frozenset(seen.countries),
        )
        for row, seen in counted.items()
    }


def test_every_planted_pattern_is_found_and_little_else(universe: Universe) -> None:
    planted = SimulatedTraffic(universe, TrafficOptions(SEED, patterns=PLANTED))
    truth = [Pattern(pattern) for pattern in planted.patterns(range(len(universe.rows)), MONTH).tolist()]
    calls, amounts = read(planted, MONTH)
    before = pasts(universe, 4)
    found: dict[str, set[int]] = defaultdict(set)
    for row, seen in peaks(calls).items():
        for finding in anomalies(Traffic(amount=amounts[row], **asdict(seen)), before.get(row, Past())):
            found[finding.facts["detector"]].add(row)
    for detector, patterns in FOUND_BY.items():
        # Without three months of its own a contract has nothing usual, and no country that is new to it.
        has_past = detector not in ("amount_outlier", "new_country")
        expected = {
            row
            for row, pattern in enumerate(truth)
            if pattern in patterns and (has_past or before.get(row, Past()).months >= DEFAULT.months)
        }
        assert len(expected) > 10, detector
        recall = len(found[detector] & expected) / len(expected)
        precision = sum(truth[row] is not Pattern.NONE for row in found[detector]) / len(found[detector])
        print(f"{detector}: {len(expected)} planted, recall {recall:.3f}, precision {precision:.3f}")
        assert recall >= 0.95, detector
        assert precision >= 0.8, detector


def test_no_calls_have_no_peaks() -> None:
    assert peaks(pl.DataFrame(schema={"file": pl.Int64})) == {}
    assert Peaks().parallel == 0
