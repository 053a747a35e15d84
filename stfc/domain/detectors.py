"""Anomalies of one contract's month, each found by a detector: a pure function with parameters (PRODUCT 7).

A detector compares the calls of a file (``Traffic``) with the contract's own past (``Past``) and gives a ``Finding`` of
CON-ANO or None. ``facts["detector"]`` is its name; the other facts fill its sentence, ``text.anomaly``. Thresholds are
the product's defaults, none of them is law: ``docs/detectors.md`` says what they find in planted traffic.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median
from typing import Any

from stfc.domain.money import Centavos
from stfc.domain.outcome import Finding

CODE = "CON-ANO"
_HUNDRED_REAIS = Centavos(10_000)


@dataclass(frozen=True)
class Traffic:
    """What one file holds, after repeats are dropped.

    Args:
        amount: what the contract would be charged.
        parallel: the most calls under way at one moment.
        abroad: the most international calls that start within 24 hours.
        night: the most calls that start in one night, 00:00 to 06:00 local time.
        weekend: the most calls that start in one weekend, Saturday and Sunday local time.
        countries: calls by country called, ``"+351"``.
        overdue: calls older than a file may bring (``Policy.national_days``, ``Policy.abroad_days``).
        calls: all of them.
    """

    amount: Centavos
    parallel: int = 0
    abroad: int = 0
    night: int = 0
    weekend: int = 0
    countries: Mapping[str, int] = field(default_factory=dict)
    overdue: int = 0
    calls: int = 0


@dataclass(frozen=True)
class Past:
    """The contract's own past, the present file not counted.

    ``amounts`` are its charges of up to twelve earlier months; ``months`` how many of them had calls. The others are
    the highest that ``Traffic`` of the same name ever was, and every country ever called.
    """

    amounts: Sequence[Centavos] = ()
    months: int = 0
    parallel: int = 0
    abroad: int = 0
    night: int = 0
    weekend: int = 0
    countries: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policy:
    """When something is an anomaly.

    Args:
        months: how many charged months a past needs before amounts and countries are compared with it.
        deviations: how many times the usual deviation (MAD) an amount may lie above the median.
        least_deviation: the deviation counts as at least this share of the median, in percent.
        floor: an amount that is above the median by less than this never is an outlier, centavos.
        abroad, night, weekend, parallel: so many calls are an anomaly, but only if they also are
        times: so many times what was ever seen of the contract.
        share: where nothing was ever seen, calls abroad, of a night or weekend are an anomaly only if they are at least
            so many percent of all calls: a large contract has many of each in its first month.
        country: so many calls to a country never called before.
        national_days, abroad_days: how much older than the file's period a call may be.
    """

    months: int = 3
    deviations: int = 6
    least_deviation: int = 10
    floor: Centavos = _HUNDRED_REAIS
    abroad: int = 20
    night: int = 30
    weekend: int = 80
    parallel: int = 12
    times: int = 2
    share: int = 10
    country: int = 5
    national_days: int = 90
    abroad_days: int = 150


DEFAULT = Policy()

Detector = Callable[[Traffic, Past, Policy], Finding | None]


def amount_outlier(traffic: Traffic, past: Past, policy: Policy = DEFAULT) -> Finding | None:
    """An amount far above the contract's own: by median and MAD, which single wild months do not move.

    One far below is no anomaly of this kind: it harms no customer, and completeness finds the silent contract.
    """
    if len(past.amounts) < policy.months:
        return None
    usual = median(map(Fraction, past.amounts))
    above = traffic.amount - usual
    if above < policy.floor:
        return None
    spread = median(abs(amount - usual) for amount in past.amounts)
    if above <= policy.deviations * max(spread, usual * policy.least_deviation / 100):
        return None
    return _finding("amount_outlier", amount=traffic.amount, usual=int(usual), months=len(past.amounts))


def abroad_burst(traffic: Traffic, past: Past, policy: Policy = DEFAULT) -> Finding | None:
    """Many international calls within 24 hours: a stolen PBX dials premium numbers for as long as it can."""
    if not _stands_out(traffic.abroad, traffic, past, policy):
        return None
    return _burst("abroad_burst", traffic.abroad, past.abroad, policy.abroad, policy)


def night_burst(traffic: Traffic, past: Past, policy: Policy = DEFAULT) -> Finding | None:
    """Many calls in one night."""
    if not _stands_out(traffic.night, traffic, past, policy):
        return None
    return _burst("night_burst", traffic.night, past.night, policy.night, policy)


def weekend_burst(traffic: Traffic, past: Past, policy: Policy = DEFAULT) -> Finding | None:
    """Many calls in one weekend."""
    if not _stands_out(traffic.weekend, traffic, past, policy):
        return None
    return _burst("weekend_burst", traffic.weekend, past.weekend, policy.weekend, policy)


def parallel_calls(traffic: Traffic, past: Past, policy: Policy = DEFAULT) -> Finding | None:
    """More calls at one moment than the contract's lines ever carried."""
    return _burst("parallel_calls", traffic.parallel, past.parallel, policy.parallel, policy)


def new_country(traffic: Traffic, past: Past, policy: Policy = DEFAULT) -> Finding | None:
    """Several calls to a country that the contract never called; a contract without a past has no such country."""
    if past.months < policy.months:
        return None
    fresh = {
        country: calls
        for country, calls in sorted(traffic.countries.items())
        if calls >= policy.country and country not in past.countries
    }
    return _finding("new_country", countries=list(fresh), calls=sum(fresh.values())) if fresh else None


def overdue_calls(traffic: Traffic, past: Past, policy: Policy = DEFAULT) -> Finding | None:
    """Calls so old that they may not be charged any more [?]."""
    del past
    return _finding("overdue_calls", calls=traffic.overdue) if traffic.overdue else None


DETECTORS: tuple[Detector, ...] = (
    amount_outlier,
    abroad_burst,
    night_burst,
    weekend_burst,
    parallel_calls,
    new_country,
    overdue_calls,
)
"""Every detector whose finding holds a charge, in the order in which findings are named."""


def is_suspect(traffic: Traffic, policy: Policy = DEFAULT) -> bool:
    """Whether calls of the past can matter at all: where this is False, no detector but the one of amounts and that of
    overdue calls finds anything, whatever the past was."""
    return (
        traffic.abroad >= policy.abroad
        or traffic.night >= policy.night
        or traffic.weekend >= policy.weekend
        or traffic.parallel >= policy.parallel
        or any(calls >= policy.country for calls in traffic.countries.values())
    )


def anomalies(traffic: Traffic, past: Past, policy: Policy = DEFAULT) -> tuple[Finding, ...]:
    """All that is odd about one month of one contract."""
    found = (detector(traffic, past, policy) for detector in DETECTORS)
    return tuple(finding for finding in found if finding)


def _stands_out(calls: int, traffic: Traffic, past: Past, policy: Policy) -> bool:
    return past.months > 0 or 100 * calls >= policy.share * traffic.calls


def _burst(name: str, calls: int, before: int, least: int, policy: Policy) -> Finding | None:
    if calls < least or calls < policy.times * before:
        return None
    return _finding(name, calls=calls, before=before)


def _finding(detector: str, **facts: Any) -> Finding:
    return Finding(CODE, {"detector": detector, **facts})
