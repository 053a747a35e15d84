"""The price of a call, in ``Decimal``, with the steps that led to it: the definition of our rating (PRODUCT 6, PLANS).

Slow and plain on purpose; ``columns`` must agree with it on every call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from stfc.domain.area_codes import utc_offset_hours
from stfc.domain.call import CallClass, CallRecord
from stfc.domain.holidays import holiday
from stfc.domain.money import Centavos, centavos_from_decimal
from stfc.domain.numbers import area_of, normalise
from stfc.domain.plan import Allowance, Band, Cadence, Plan, PlanVersion, Scope, Tariff

_CENTAVO = Decimal("0.01")
_FIRST_HOUR, _END_HOUR = 7, 21
_SUNDAY = 6


@dataclass(frozen=True)
class AllowanceUse:
    """Billed seconds of a call that an allowance took; ``allowance`` is None where it is not known which one."""

    allowance: Allowance | None
    seconds: int


@dataclass(frozen=True)
class PriceSteps:
    """How the price of one call came to be, in the order of the steps; ``text.price_steps`` says them.

    ``dialled`` is what the file says, ``number`` canonical (``numbers.Destination``), ``local_start`` naive, by the
    clock of the line's CN, ``holiday`` the name of that day's national one. ``version`` is None where the plan has none
    on that day, and then nothing after it is known. ``tariff`` is None where the version has no price for the call;
    ``price`` is None where an answered call has none.
    """

    call_class: CallClass
    dialled: str
    number: str
    local_start: datetime
    holiday: str | None
    band: Band
    version: PlanVersion | None
    cadence: Cadence
    duration: int
    billed_seconds: int
    uses: tuple[AllowanceUse, ...]
    tariff: Tariff | None
    price: Centavos | None

    @property
    def allowance_seconds(self) -> int:
        """Billed seconds that allowances took."""
        return sum(use.seconds for use in self.uses)

    @property
    def priced_seconds(self) -> int:
        """Billed seconds that are paid for."""
        return self.billed_seconds - self.allowance_seconds

    @property
    def pays_connection(self) -> bool:
        """Whether the connection is paid: wholly, unless nothing of the call is."""
        return self.priced_seconds > 0

    @property
    def lacks_tariff(self) -> bool:
        """Whether the call was answered and has no price (TAR-SEM)."""
        return self.price is None and self.duration > 0

    @property
    def exact(self) -> Decimal | None:
        """The price in reais before its fraction of a centavo is cut; None where there is no tariff."""
        return None if self.tariff is None else _exact(self.tariff, self.priced_seconds)


def billed_seconds(duration: int, cadence: Cadence) -> int:
    """Seconds to bill for one call (PRODUCT 6).

    Args:
        duration: conversation in whole seconds; 0 means unanswered, which is never billed.
        cadence: minimum, increment and tolerance, in seconds.
    """
    if duration <= cadence.tolerance:
        return 0
    steps = -(-duration // cadence.increment)
    return max(cadence.minimum, steps * cadence.increment)


def time_band(local_start: datetime) -> Band:
    """The band of a call that starts then by the clock of its line: normal from Monday to Saturday, 07:00 to 21:00,
    but on national holidays (PRODUCT 6)."""
    is_rest = local_start.weekday() == _SUNDAY or holiday(local_start.date()) is not None
    return Band.REDUCED if is_rest or not _FIRST_HOUR <= local_start.hour < _END_HOUR else Band.NORMAL


def local_start(call: CallRecord) -> datetime:
    """When the call started by the clock of its line's CN (naive)."""
    offset = timedelta(hours=utc_offset_hours(area_of(call.line)))
    instant = call.started_at
    return (instant - (instant.utcoffset() or timedelta())).replace(tzinfo=None) + offset


def rate(calls: Sequence[CallRecord], plan: Plan, period_from: date) -> list[PriceSteps]:
    """The steps to the price of each of ``calls``, in their order.

    Args:
        calls: all kept calls of one contract's file: allowances are consumed over them by start, then call id.
        plan: the contract's plan; a call is priced by the version of its day in the line's time zone.
        period_from: the first day of the file's period, whose version gives the allowances of the whole competence.
    """
    of_period = plan.on(period_from)
    allowances = _Allowances(of_period.allowances_in_order() if of_period else [])
    steps: dict[int, PriceSteps] = {}
    for index in sorted(range(len(calls)), key=lambda one: (calls[one].started_at, calls[one].call_id)):
        call = calls[index]
        steps[index] = _step(call, plan.on(local_start(call).date()), allowances)
    return [steps[index] for index in range(len(calls))]


def price_again(call: CallRecord, version: PlanVersion, uses: tuple[AllowanceUse, ...] = ()) -> PriceSteps:
    """The steps to the price of one call, from the version that priced it and what allowances took of it."""
    return _priced(_unpriced(call, version), uses)


class _Allowances:
    """What is left of the allowances of a competence, in the order in which calls consume them."""

    def __init__(self, allowances: Sequence[Allowance]) -> None:
        self._allowances = allowances
        self._used: dict[tuple[int, str], int] = {}

    def take(self, call_class: CallClass, line: str, seconds: int) -> tuple[AllowanceUse, ...]:
        """Up to ``seconds`` of every allowance that covers the class, until nothing is left to cover."""
        uses = []
        for place, allowance in enumerate(self._allowances):
            if call_class not in allowance.classes:
                continue
            pool = place, line if allowance.scope is Scope.LINE else ""
            taken = min(seconds, allowance.seconds - self._used.get(pool, 0))
            if taken > 0:
                self._used[pool] = self._used.get(pool, 0) + taken
                seconds -= taken
                uses.append(AllowanceUse(allowance, taken))
        return tuple(uses)


def _step(call: CallRecord, version: PlanVersion | None, allowances: _Allowances) -> PriceSteps:
    steps = _unpriced(call, version)
    # What costs nothing by class consumes nothing, and what has no price cannot.
    if steps.tariff is None or steps.tariff.is_free:
        return _priced(steps, ())
    return _priced(steps, allowances.take(steps.call_class, call.line, steps.billed_seconds))


def _unpriced(call: CallRecord, version: PlanVersion | None) -> PriceSteps:
    """Every step up to the tariff."""
    destination = normalise(call.called, call.line)
    started = local_start(call)
    band = time_band(started)
    cadence = version.cadence_of(destination.call_class) if version else Cadence()
    return PriceSteps(
        call_class=destination.call_class,
        dialled=call.called,
        number=destination.number,
        local_start=started,
        holiday=holiday(started.date()),
        band=band,
        version=version,
        cadence=cadence,
        duration=call.duration,
        billed_seconds=billed_seconds(call.duration, cadence) if version else 0,
        uses=(),
        tariff=version.tariff(destination.call_class, destination.number, band) if version else None,
        price=None,
    )


def _priced(steps: PriceSteps, uses: tuple[AllowanceUse, ...]) -> PriceSteps:
    used = replace(steps, uses=uses)
    if steps.version is None:
        return used
    if steps.duration == 0:
        return replace(used, price=Centavos(0))
    if steps.tariff is None:
        return used
    # Cut, not rounded: no customer pays a fraction of a centavo.
    cut = _exact(steps.tariff, used.priced_seconds).quantize(_CENTAVO, ROUND_DOWN)
    return replace(used, price=centavos_from_decimal(cut))


def _exact(tariff: Tariff, seconds: int) -> Decimal:
    # The division may be endless. Of 28 digits at most 13 stand before the point, and what is no whole centavo is at
    # least 1/60e6 centavo away from one, so that no rounding of the last digit reaches it.
    return tariff.price * seconds / 60 + tariff.connection if seconds else Decimal(0)
