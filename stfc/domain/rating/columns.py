"""The prices of many calls at once, in integers: the engine of our rating, equal to ``price`` on every call (ENGINE 1).

A price a minute and a fee are integers of 1e-8 real, and ``(price * seconds + 60 * fee) // 60_000_000`` are centavos.
Minutes and the seconds over are multiplied apart: so ``money.MOST_PRICE`` times the longest duration that a file can
write, a billion seconds, is below 2e18, a fifth of an int64.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from stfc.domain.call import CallClass
from stfc.domain.holidays import national_holidays
from stfc.domain.money import MICROS_PER_CENTAVO, price_units
from stfc.domain.plan import Allowance, Band, Country, Plan, PlanVersion, Scope

RATED = pl.Schema(
    {
        "our_price": pl.Int64(),
        "band": pl.String(),
        "billed_seconds": pl.Int32(),
        "allowance_seconds": pl.Int32(),
        "plan_version": pl.String(),
    }
)
"""What rating adds to a call: a price in micros, always whole centavos, null where an answered call has none; all null
where no version of a plan is in force."""

_CLASSES = [*CallClass]
_BANDS = [*Band]
_ABROAD = _CLASSES.index(CallClass.LDI)
_CELLS = len(_CLASSES) * len(_BANDS)
_UNITS_PER_CENTAVO = 1_000_000
_EPOCH = date(1970, 1, 1).toordinal()
# More than any ordinal of a day: plan and day make one number that sorts by both.
_DAYS = 1 << 22
_FIRST_HOUR, _END_HOUR, _SUNDAY = 7, 21, 6
_COVERS = {"limit": pl.Int64(), "is_line": pl.Boolean()}
_COSTS = {name: pl.Int64() for name in ("price", "fee", "minimum", "increment", "tolerance")}


@dataclass(frozen=True)
class RatedUnder:
    """The plan of a file's contract, and the first day of the file's period, whose version gives the allowances."""

    plan: Plan
    period_from: date


def rate(calls: pl.DataFrame, files: Mapping[int, RatedUnder]) -> pl.DataFrame:
    """``RATED``, a row for each of ``calls`` in their order.

    Args:
        calls: all kept calls of the files: ``file``, ``call_id``, ``line``, ``called``, ``started_at``, ``duration``,
            and as derived from them ``class``, ``local_day``, ``hour``, ``weekday``. In any order; quickest by file and
            start.
        files: by ``file``, what it is rated under; the calls of other files stay unrated.
    """
    if not files or calls.is_empty():
        return unrated(calls.height)
    tariffs = _Tariffs({one.plan.code: one.plan for one in files.values()})
    version = tariffs.versions_of(
        _by_file(calls, {file: tariffs.place(one.plan) for file, one in files.items()}), calls
    )
    is_normal = _is_normal(calls)
    kind = calls["class"].cast(pl.Enum([one.value for one in _CLASSES])).to_physical().cast(pl.Int64)
    costs = tariffs.costs.select(pl.all().gather(version * _CELLS + kind * len(_BANDS) + (~is_normal).cast(pl.Int64)))
    work = costs.with_columns(
        _with_countries(costs["price"], calls["called"], version.set(kind != _ABROAD, -1), tariffs.countries),
        calls["duration"].cast(pl.Int64),
        kind.alias("kind"),
        is_normal.alias("is_normal"),
    ).with_columns(billed=_billed())
    work = work.with_columns(used=_allowance_seconds(work, calls, files))
    return work.select(_results()).cast(RATED)


def unrated(count: int) -> pl.DataFrame:
    """``RATED`` for as many calls without a plan."""
    return RATED.to_frame().clear(count)


class _Tariffs:
    """All versions of some plans as a table: for each, by class and band, what a call costs and how it is counted."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._places = {code: place for place, code in enumerate(plans)}
        versions = [version for plan in plans.values() for version in plan.versions]
        self._owners = pl.Series([self._places[one.code] for one in versions], dtype=pl.Int64)
        starts = [self._places[one.code] * _DAYS + one.valid_from.toordinal() for one in versions]
        self._starts = pl.Series(starts, dtype=pl.Int64)
        rows = [row for one in versions for row in _cells(one)] + [(None,) * (len(_COSTS) + 1)] * _CELLS
        self.costs = pl.DataFrame(rows, schema=_COSTS | {"version": pl.String()}, orient="row")
        self.countries = {place: one.countries for place, one in enumerate(versions) if one.countries}

    def place(self, plan: Plan) -> int:
        """The number of a plan."""
        return self._places[plan.code]

    def versions_of(self, plans: pl.Series, calls: pl.DataFrame) -> pl.Series:
        """The number of the version in force on each call's day; one past the last where there is none."""
        days = calls["local_day"].to_physical().cast(pl.Int64) + _EPOCH
        found = self._starts.search_sorted((plans * _DAYS + days).fill_null(-1), side="right").cast(pl.Int64) - 1
        # What begins last before the day may be another plan's.
        is_of_plan = (found >= 0) & (self._owners.gather(found.clip(0)) == plans)
        return found.set(~is_of_plan.fill_null(False), self._starts.len())


def _cells(version: PlanVersion) -> list[tuple[int | str | None, ...]]:
    """A row for every class and band, in their order."""
    rows: list[tuple[int | str | None, ...]] = []
    for call_class in _CLASSES:
        cadence = version.cadence_of(call_class)
        for band in _BANDS:
            price = version.prices.get(call_class, {}).get(band)
            fee = version.connections.get(call_class)
            rows.append(
                (
                    None if price is None else price_units(price),
                    0 if fee is None else price_units(fee),
                    cadence.minimum,
                    cadence.increment,
                    cadence.tolerance,
                    version.key,
                )
            )
    return rows


def _by_file(calls: pl.DataFrame, values: Mapping[int, int]) -> pl.Series:
    """The value of each call's file; null where it has none."""
    last = max(max(values), int(calls["file"].max()))  # type: ignore[arg-type]
    return pl.Series([values.get(file) for file in range(last + 1)], dtype=pl.Int64).gather(calls["file"])


def _is_normal(calls: pl.DataFrame) -> pl.Series:
    years = calls.select(first=pl.col("local_day").dt.year().min(), last=pl.col("local_day").dt.year().max()).row(0)
    holidays = [day for year in range(years[0], years[1] + 1) for day in national_holidays(year)]
    is_rest = (pl.col("weekday") == _SUNDAY) | pl.col("local_day").is_in(holidays)
    return calls.select(pl.col("hour").is_between(_FIRST_HOUR, _END_HOUR - 1) & ~is_rest).to_series()


def _with_countries(
    prices: pl.Series, called: pl.Series, versions: pl.Series, countries: Mapping[int, Sequence[Country]]
) -> pl.Series:
    """``prices``, but for calls abroad (whose ``versions`` are not -1) to a country that their version knows."""
    for version, known in countries.items():
        rows = (versions == version).arg_true()
        digits = called.gather(rows).str.replace(r"^(?:00..|\+)", "")
        found = pl.select(_longest_prefix(digits, known)).to_series()
        hits = found.is_not_null().arg_true()
        prices = prices.scatter(rows.gather(hits), found.gather(hits))
    return prices


def _longest_prefix(digits: pl.Series, countries: Sequence[Country]) -> pl.Expr:
    by_length: dict[int, dict[str, int]] = {}
    for country in countries:
        by_length.setdefault(len(country.prefix), {})[country.prefix] = price_units(country.price)
    return pl.coalesce(
        pl.lit(digits).str.slice(0, length).replace_strict(by_length[length], default=None, return_dtype=pl.Int64)
        for length in sorted(by_length, reverse=True)
    )


def _billed() -> pl.Expr:
    steps = (pl.col("duration") + pl.col("increment") - 1) // pl.col("increment")
    counted = pl.max_horizontal("minimum", steps * pl.col("increment"))
    return pl.when(pl.col("duration") <= pl.col("tolerance")).then(0).otherwise(counted)


def _allowance_seconds(work: pl.DataFrame, calls: pl.DataFrame, files: Mapping[int, RatedUnder]) -> pl.Series:
    """Billed seconds of each call that allowances take.

    Allowance by allowance instead of call by call: all that the first one covers ask it first, so that what each call
    still has to cover is known when the second is asked.
    """
    orders = {file: _in_order(one) for file, one in files.items()}
    distinct = list(dict.fromkeys(orders.values()))
    nothing = pl.Series([0], dtype=pl.Int64).new_from_index(0, calls.height)
    if not any(distinct):
        return nothing
    owners = _by_file(calls, {file: distinct.index(order) for file, order in orders.items()})
    consumers = _consumers(work.with_columns(calls.select("file", "line", "started_at", "call_id"), owner=owners))
    for rank in range(max(map(len, distinct))):
        covers = pl.DataFrame([row for order in distinct for row in _covers(order, rank)], schema=_COVERS, orient="row")
        consumers = consumers.with_columns(covers.select(pl.all().gather(consumers["cell"])))
        consumers = _consumed(consumers, has_lines=bool(covers["is_line"].any()))
    return nothing.scatter(consumers["row"], consumers["billed"] - consumers["left"])


def _in_order(file: RatedUnder) -> tuple[Allowance, ...]:
    version = file.plan.on(file.period_from)
    return tuple(version.allowances_in_order()) if version else ()


def _covers(order: Sequence[Allowance], rank: int) -> list[tuple[int | None, bool]]:
    """For every class the seconds of the allowance at ``rank``, null where it does not cover it, and whose it is."""
    if rank >= len(order):
        return [(None, False)] * len(_CLASSES)
    allowance = order[rank]
    is_line = allowance.scope is Scope.LINE
    return [(allowance.seconds if one in allowance.classes else None, is_line) for one in _CLASSES]


def _consumers(work: pl.DataFrame) -> pl.DataFrame:
    """The calls that may consume an allowance, by start and call id within their file: row, cell (whose allowances,
    which class), billed and left (seconds still to cover)."""
    found = work.with_row_index("row").filter(
        pl.col("owner").is_not_null() & (pl.col("billed") > 0) & (pl.col("price") + pl.col("fee") > 0)
    )
    file, start = pl.col("file"), pl.col("started_at")
    in_order = (file > file.shift()) | ((file == file.shift()) & (start > start.shift()))
    if not found.select(in_order.all()).item():
        found = found.sort("file", "started_at", "call_id")
    cell = pl.col("owner") * len(_CLASSES) + pl.col("kind")
    return found.select("row", "file", "line", "billed", cell.alias("cell"), pl.col("billed").alias("left"))


def _consumed(consumers: pl.DataFrame, *, has_lines: bool) -> pl.DataFrame:
    """``consumers`` with less left: what the allowance of ``limit`` seconds took, in their order."""
    asked = consumers.with_columns(demand=pl.when(pl.col("limit").is_not_null()).then(pl.col("left")).otherwise(0))
    asked_so_far = pl.col("demand").cum_sum()
    until = asked_so_far.over("file")
    if has_lines:
        until = pl.when("is_line").then(asked_so_far.over("file", "line")).otherwise(until)
    rest = pl.max_horizontal(pl.col("limit") - (until - pl.col("demand")), 0)
    return asked.with_columns(left=pl.col("left") - pl.min_horizontal("demand", rest)).drop(
        "limit", "is_line", "demand"
    )


def _results() -> list[pl.Expr]:
    seconds = pl.col("billed") - pl.col("used")
    minutes, over = seconds // 60, seconds % 60
    # Cut, not rounded: no customer pays a fraction of a centavo.
    units = pl.col("price") * minutes + pl.col("price") * over // 60 + pl.col("fee")
    paid = pl.when(seconds == 0).then(pl.col("price") * 0).otherwise(units // _UNITS_PER_CENTAVO * MICROS_PER_CENTAVO)
    is_rated = pl.col("version").is_not_null()
    band = pl.when("is_normal").then(pl.lit(Band.NORMAL.value)).otherwise(pl.lit(Band.REDUCED.value))
    return [
        pl.when(is_rated).then(pl.when(pl.col("duration") == 0).then(0).otherwise(paid)).alias("our_price"),
        pl.when(is_rated).then(band).alias("band"),
        pl.col("billed").alias("billed_seconds"),
        pl.when(is_rated).then("used").alias("allowance_seconds"),
        pl.col("version").alias("plan_version"),
    ]
