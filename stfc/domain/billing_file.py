"""The billing file, version 1: its descriptor, its form, and the reference parser (SUMMIT_API)."""

from dataclasses import dataclass
from datetime import date, datetime

from stfc.domain.call import CallRecord
from stfc.domain.competence import Competence
from stfc.domain.money import Micros


@dataclass(frozen=True)
class Descriptor:
    """What the platform says of one contract's file of one competence.

    ``available`` is false while the month is not closed there. ``records``, ``billed_seconds`` (sum of durations) and
    ``amount`` are the announced totals, ``sha256`` is of the decoded bytes; each is None where the source announces
    nothing (the folder adapter), which is an absent value, not an absent file. ``period_until`` is inclusive.
    """

    contract: str
    competence: Competence
    available: bool
    href: str
    closed_at: datetime | None = None
    period_from: date | None = None
    period_until: date | None = None
    records: int | None = None
    billed_seconds: int | None = None
    amount: Micros | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Totals:
    """Number of records, sum of durations in seconds, sum of amounts."""

    records: int
    seconds: int
    amount: Micros


@dataclass(frozen=True)
class BillingFile:
    """A parsed file: its H line, its D lines in file order, its T line. ``period_until`` is inclusive."""

    contract: str
    competence: Competence
    period_from: date
    period_until: date
    generated_at: datetime
    records: tuple[CallRecord, ...]
    declared: Totals
