"""Detectors: what they find at their bounds, and what no past and no quiet month can make them find."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain import text
from stfc.domain.detectors import (
    DEFAULT,
    DETECTORS,
    Past,
    Policy,
    Traffic,
    amount_outlier,
    anomalies,
    is_suspect,
    new_country,
    overdue_calls,
)
from stfc.domain.money import Centavos

QUIET = Traffic(amount=Centavos(10_000))
counts = st.integers(0, 300)
traffics = st.builds(
    Traffic,
    amount=st.integers(0, 10**7).map(Centavos),
    parallel=counts,
    abroad=counts,
    night=counts,
    weekend=counts,
    countries=st.dictionaries(st.sampled_from(["+1", "+351", "+53"]), st.integers(1, 50)),
    overdue=st.integers(0, 3),
)
pasts = st.builds(
    Past,
    amounts=st.lists(st.integers(0, 10**6).map(Centavos), max_size=12).map(tuple),
    months=st.integers(0, 12),
    parallel=counts,
    abroad=counts,
    night=counts,
    weekend=counts,
    countries=st.frozensets(st.sampled_from(["+1", "+351", "+53"])),
)


def a_past(*reais: int) -> Past:
    return Past(amounts=tuple(Centavos(100 * amount) for amount in reais), months=len(reais))


def test_a_large_contract_may_have_many_of_each_in_its_first_month() -> None:
    busy = Traffic(amount=Centavos(10_000), night=90, weekend=90, calls=1_000)
    assert anomalies(busy, Past()) == ()
    quiet = Traffic(amount=Centavos(10_000), night=90, weekend=90, calls=900)
    assert [one.facts["detector"] for one in anomalies(quiet, Past())] == ["night_burst", "weekend_burst"]
    assert len(anomalies(busy, Past(months=1))) == 2


@pytest.mark.parametrize(
    ("past", "amount", "is_outlier"),
    [
        ((100, 100), 100_000, False),  # two months are no past
        ((100, 100, 100), 19_999, False),  # 99.99 above: below the floor
        ((100, 100, 100), 20_000, True),
        ((200, 200, 200), 32_000, False),  # exactly six times a tenth of the median
        ((200, 200, 200), 32_001, True),
        ((50, 100, 150), 40_000, False),  # the contract's own months vary by 50: six times that
        ((50, 100, 150), 40_001, True),
        ((100, 100, 100, 9_000), 20_000, True),  # one wild month moves neither median nor deviation
        ((0, 0, 0), 10_001, True),
        ((500, 500, 500), 100, False),  # far below harms nobody
    ],
)
def test_an_amount_is_an_outlier_only_far_above_the_contracts_own(
    past: tuple[int, ...], amount: int, is_outlier: bool
) -> None:
    found = amount_outlier(Traffic(amount=Centavos(amount)), a_past(*past))
    assert (found is not None) == is_outlier


@pytest.mark.parametrize("kind", ["abroad", "night", "weekend", "parallel"])
def test_a_burst_reaches_its_bound_and_twice_what_was_ever_seen(kind: str) -> None:
    least = getattr(DEFAULT, kind)
    for calls, before, is_found in (
        (least - 1, 0, False),
        (least, 0, True),
        (least, least // 2, True),
        (least, least // 2 + 1, False),
    ):
        traffic = Traffic(amount=Centavos(0), **{kind: calls})
        assert bool(anomalies(traffic, Past(**{kind: before}))) == is_found


def test_a_country_is_new_only_to_a_contract_with_a_past() -> None:
    traffic = Traffic(amount=Centavos(0), countries={"+351": 5, "+53": 4})
    assert new_country(traffic, Past(months=2)) is None
    assert new_country(traffic, Past(months=3, countries=frozenset({"+351"}))) is None
    found = new_country(traffic, Past(months=3, countries=frozenset({"+1"})))
    assert found
    assert found.facts == {"detector": "new_country", "countries": ["+351"], "calls": 5}


def test_one_overdue_call_is_enough() -> None:
    assert overdue_calls(QUIET, Past()) is None
    assert overdue_calls(Traffic(amount=Centavos(0), overdue=1), Past())


@given(traffics, pasts)
def test_what_is_not_suspect_has_no_anomaly_that_a_past_of_calls_could_change(traffic: Traffic, past: Past) -> None:
    if not is_suspect(traffic):
        named = {finding.facts["detector"] for finding in anomalies(traffic, past)}
        assert named <= {"amount_outlier", "overdue_calls"}


@given(traffics, pasts)
def test_a_month_like_those_before_is_never_an_anomaly(traffic: Traffic, past: Past) -> None:
    seen = Past(
        amounts=(traffic.amount,) * 3,
        months=3,
        **{f.name: max(1, getattr(traffic, f.name)) for f in fields(Past) if f.name in ("parallel", "abroad")},
        night=max(1, traffic.night),
        weekend=max(1, traffic.weekend),
        countries=frozenset(traffic.countries),
    )
    del past
    named = {finding.facts["detector"] for finding in anomalies(traffic, seen)}
    assert named <= {"overdue_calls"}


@given(traffics, pasts)
def test_every_finding_has_a_sentence_of_its_detector(traffic: Traffic, past: Past) -> None:
    for finding in anomalies(traffic, past, Policy()):
        sentence = text.anomaly(finding.facts)
        assert sentence
        assert "{" not in sentence
    assert set(text.DETECTORS) == {detector.__name__ for detector in DETECTORS}
