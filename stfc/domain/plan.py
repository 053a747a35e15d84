"""Tariff plans: what a minute costs, by class, time band and day (PLANS)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

from stfc.domain.call import CallClass


class Mode(StrEnum):
    """Whose amount is charged: Summit's, ours, or Summit's as long as ours agrees (PRODUCT 6)."""

    PLATFORM = "platform"
    RERATE = "rerate"
    CHECK = "check"


class Band(StrEnum):
    """The time band of a call, by its start in the line's time zone (PRODUCT 6)."""

    NORMAL = "normal"
    REDUCED = "reduced"


class Scope(StrEnum):
    """Whose an allowance is: shared by all lines of the contract, or each line's own."""

    CONTRACT = "contract"
    LINE = "line"


@dataclass(frozen=True)
class Cadence:
    """How seconds become billed seconds: at least ``minimum``, in steps of ``increment``, none up to ``tolerance``."""

    minimum: int = 30
    increment: int = 6
    tolerance: int = 0


@dataclass(frozen=True)
class Allowance:
    """Minutes of billed time in a competence that cost nothing, for the calls of some classes."""

    classes: frozenset[CallClass]
    minutes: int
    scope: Scope

    @property
    def seconds(self) -> int:
        """The allowance in seconds."""
        return self.minutes * 60


@dataclass(frozen=True)
class Country:
    """The price a minute, in reais, of calls abroad to numbers that begin with ``prefix``."""

    prefix: str
    name: str
    price: Decimal


@dataclass(frozen=True)
class Tariff:
    """What a call costs: reais a minute, reais for the connection, and the country that gave the price, if any."""

    price: Decimal
    connection: Decimal
    country: Country | None = None

    @property
    def is_free(self) -> bool:
        """Whether the call costs nothing by class: it then consumes no allowance."""
        return not (self.price or self.connection)


@dataclass(frozen=True)
class PlanVersion:
    """A plan as it is from ``valid_from`` on, until the next version of the same code. Amounts are in reais.

    ``tolerance`` is how far our rating of a contract may be from Summit's amount. ``cadences`` are those of classes
    that have one of their own. ``allowances`` and ``countries`` are in the order of the file.
    """

    code: str
    name: str
    valid_from: date
    mode: Mode
    cadence: Cadence
    tolerance: Decimal
    prices: Mapping[CallClass, Mapping[Band, Decimal]]
    cadences: Mapping[CallClass, Cadence]
    connections: Mapping[CallClass, Decimal]
    allowances: tuple[Allowance, ...]
    countries: tuple[Country, ...]

    @property
    def key(self) -> str:
        """Code and first day, ``empresarial-500@2026-01-01``: what a call that it priced remembers."""
        return f"{self.code}@{self.valid_from.isoformat()}"

    def cadence_of(self, call_class: CallClass) -> Cadence:
        """The cadence of calls of ``call_class``."""
        return self.cadences.get(call_class, self.cadence)

    def allowances_in_order(self) -> list[Allowance]:
        """The allowances as calls consume them: a line's own before shared ones, then by the order of the file."""
        return sorted(self.allowances, key=lambda one: one.scope is not Scope.LINE)

    def country_of(self, digits: str) -> Country | None:
        """The country with the longest prefix of ``digits``, which begin with a calling code."""
        found = [country for country in self.countries if digits.startswith(country.prefix)]
        return max(found, key=lambda country: len(country.prefix), default=None)

    def tariff(self, call_class: CallClass, number: str, band: Band) -> Tariff | None:
        """What a call costs; None where the plan has no price.

        Args:
            call_class: the class of the call; ``UNKNOWN`` never has a price.
            number: the number called in its canonical form (``numbers.Destination``), ``+12125550123`` abroad, where
                a price by country goes before that of the class.
            band: the time band of the call.
        """
        country = self.country_of(number.removeprefix("+")) if call_class is CallClass.LDI else None
        price = country.price if country else self.prices.get(call_class, {}).get(band)
        if price is None:
            return None
        return Tariff(price, self.connections.get(call_class, Decimal(0)), country)


@dataclass(frozen=True)
class Plan:
    """All versions of one code, the oldest first."""

    code: str
    versions: tuple[PlanVersion, ...]

    def on(self, day: date) -> PlanVersion | None:
        """The version in force on ``day``; None before the first."""
        return next((one for one in reversed(self.versions) if one.valid_from <= day), None)

    def of_period(self, first: date, last: date) -> PlanVersion | None:
        """The version whose mode and tolerance hold for a file of the period ``first`` to ``last``, both inclusive: the
        one in force at its beginning, else the first that begins in it. None where the plan comes later."""
        return self.on(first) or next((one for one in self.versions if one.valid_from <= last), None)


def plans_of(versions: Iterable[PlanVersion]) -> dict[str, Plan]:
    """The plans by code that ``versions``, in any order, make up."""
    by_code = attrgetter("code")
    ordered = sorted(versions, key=attrgetter("code", "valid_from"))
    return {code: Plan(code, tuple(of_code)) for code, of_code in groupby(ordered, key=by_code)}
