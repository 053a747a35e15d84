"""What a contract's month should come to, from its own past, before it is billed (PRODUCT 3, preview).

Money in whole centavos, weekday values in thousandths: integers only, so that the columnar twin
(``adapters.read_model.forecast``) gives the same figures to the centavo.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stfc.domain.competence import Competence
from stfc.domain.money import Centavos

MONTHS = 6
"""How many charged months, the latest, a forecast looks at."""
LEAST_MONTHS = 2
"""With fewer there is no telling how far a contract's months lie apart: *sem histórico*."""
SPREADS = 3
"""The range reaches so many usual deviations (MAD) to each side."""
LEAST_SPREAD = 20
"""The deviation counts as at least one part in so many of the value: months that agree by chance are no certainty."""

Profile = tuple[int, int, int, int, int, int, int]
"""What a day of each weekday, Monday first, is worth beside the others: thousandths of the average day."""
EVEN: Profile = (1000,) * 7
"""Every day is worth the same: only the length of the month counts."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected, and the inclusive range in which it would surprise nobody; centavos."""

    value: Centavos
    low: Centavos
    high: Centavos

    @classmethod
    def announced(cls, amount: Centavos) -> "Forecast":
        """The platform's own word: no range."""
        return cls(amount, amount, amount)

    def holds(self, amount: int) -> bool:
        """Whether ``amount`` lies within the range."""
        return self.low <= amount <= self.high


@dataclass(frozen=True)
class PastMonth:
    """A charged month: its amount and what its weekdays weigh (``month_weight``)."""

    amount: Centavos
    weight: int


@dataclass(frozen=True)
class BatchForecast:
    """What a batch was expected to bring when it was opened, beside what it brought; centavos.

    ``value``, ``low`` and ``high`` are of the ``contracts`` that had a forecast. Of these, ``settled`` are charged or
    zero by now and not reversed: ``settled_expected`` was expected of them, ``settled_amount`` is what they came to,
    and ``within`` of them came within their own range.
    """

    value: Centavos
    low: Centavos
    high: Centavos
    contracts: int
    settled: int
    settled_expected: Centavos
    settled_amount: Centavos
    within: int

    @property
    def difference(self) -> Centavos:
        """What the settled contracts brought above (or, negative, below) what was expected of them."""
        return Centavos(self.settled_amount - self.settled_expected)


def weekday_counts(competence: Competence) -> tuple[int, ...]:
    """How often each weekday, Monday first, is in the month: four or five times."""
    first, days = competence.first_day.weekday(), competence.last_day.day
    return tuple(4 + ((weekday - first) % 7 < days - 28) for weekday in range(7))


def profile(months: Sequence[tuple[Competence, Mapping[int, int]]]) -> Profile:
    """The value of each weekday over ``months``, each with its sums by weekday (0 Monday; any one unit).

    A day's value is the weekday's sum by its number in those months. ``EVEN`` where nothing was ever worth anything.
    """
    days = [sum(weekday_counts(month)[weekday] for month, _ in months) or 1 for weekday in range(7)]
    values = [10**6 * sum(sums.get(weekday, 0) for _, sums in months) // days[weekday] for weekday in range(7)]
    total = sum(values)
    if total <= 0 or min(values) < 0:
        return EVEN
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = (7000 * value // total for value in values)
    return monday, tuesday, wednesday, thursday, friday, saturday, sunday


def month_weight(competence: Competence, weekdays: Profile = EVEN) -> int:
    """What the month's days weigh together, in thousandths of an average day; never 0."""
    return sum(count * value for count, value in zip(weekday_counts(competence), weekdays, strict=True))


def forecast(past: Sequence[PastMonth], weight: int) -> Forecast | None:
    """What a month of ``weight`` should come to; None without ``LEAST_MONTHS`` charged months.

    Each of the latest ``MONTHS`` (``past``, oldest first) is scaled to the weekdays of the month that is asked for. The
    value is their median; the range its ``SPREADS`` deviations to each side, the deviation being the median distance
    from it (MAD) but at least a ``LEAST_SPREAD``th of it. Fractions of a centavo are cut; no range begins below 0.
    """
    scaled = [month.amount * weight // month.weight for month in past[-MONTHS:]]
    if len(scaled) < LEAST_MONTHS:
        return None
    value = _middle(scaled)
    spread = SPREADS * max(_middle([abs(amount - value) for amount in scaled]), value // LEAST_SPREAD)
    return Forecast(Centavos(value), Centavos(max(0, value - spread)), Centavos(value + spread))


def _middle(values: Sequence[int]) -> int:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2
