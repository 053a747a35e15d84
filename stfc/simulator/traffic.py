"""Billing files of a month, made as columns: the traffic of an ISP's subscribers, deterministic (SUMMIT_API).

Everything of a call derives from (seed, contract, competence, place of the call, field) by a hash, never from the call
before, so that one contract alone and a whole month give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from functools import cached_property

import holidays
import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from stfc.domain.competence import Competence
from stfc.errors import InvalidInputError
from stfc.simulator import chance, dialling
from stfc.simulator.chance import Ints, Words
from stfc.simulator.dialling import Target
from stfc.simulator.universe import AREAS, STRAY_PER_AREA, Universe, offset_hours, stray_numbers

_SECONDS_A_DAY = 86_400
_LAST_SECOND = 86_099
"""No call starts in a day's last five minutes, so that moving one by a second never changes its day."""

_CENTAVO_TEXTS = 40_000
_TIME_BITS, _CALL_BITS = 24, 20
MOST_CALLS = (1 << _CALL_BITS) - 1
"""The most calls that one file can hold."""

_BASE_CALLS = np.stack(
    [
        chance.ladder([(0, 5), (0.25, 12), (0.6, 22), (0.85, 40), (1, 81)]),
        chance.ladder([(0, 15), (0.5, 45), (0.9, 110), (1, 200)]),
        chance.ladder([(0, 120), (0.5, 280), (0.9, 700), (1, 1200)]),
        chance.ladder([(0, 1500), (0.5, 2600), (0.9, 5000), (1, 8000)]),
    ]
)
_SEASON = np.array([92, 90, 100, 99, 101, 100, 96, 101, 102, 104, 106, 103], dtype=np.int64)
_DURATIONS = chance.ladder(
    [(0, 2), (0.1, 14), (0.3, 38), (0.5, 78), (0.7, 150), (0.85, 300), (0.95, 720), (0.99, 1800), (1, 5400)]
)
_FRAUD_DURATIONS = chance.ladder([(0, 200), (0.5, 900), (1, 2700)])
_FAVOURITES = np.stack(
    [
        chance.ladder([(0, 0), (0.3, 2), (0.6, 6), (0.85, 15), (1, 40)]),
        chance.ladder([(0, 0), (0.3, 8), (0.6, 25), (0.85, 60), (1, 150)]),
        chance.ladder([(0, 0), (0.3, 30), (0.6, 100), (0.85, 250), (1, 800)]),
        chance.ladder([(0, 0), (0.1, 200), (0.5, 3000), (1, 20000)]),
    ]
)

# The shapes of days and hours: at home, in business, in a call centre. Monday first; the last is a holiday.
_HOME, _BUSINESS, _CENTRE = range(3)
_SHAPE = np.array([_HOME, _BUSINESS, _BUSINESS, _CENTRE], dtype=np.int64)
_DAY_WEIGHTS = (
    (90, 90, 90, 92, 100, 112, 96, 100),
    (100, 102, 101, 100, 95, 24, 3, 3),
    (100, 100, 100, 100, 98, 60, 8, 8),
)
_HOUR_WEIGHTS = (
    (6, 3, 2, 1, 1, 3, 10, 28, 46, 58, 62, 62, 58, 50, 48, 50, 54, 66, 82, 92, 88, 62, 34, 14),
    (1, 1, 1, 1, 1, 2, 8, 34, 88, 116, 120, 102, 58, 74, 112, 116, 108, 74, 26, 10, 6, 4, 2, 1),
    (1, 1, 1, 1, 1, 1, 2, 10, 96, 110, 112, 106, 92, 98, 110, 112, 108, 100, 84, 70, 30, 4, 1, 1),
)
_HOUR_WHEELS = np.stack([chance.wheel(dict(enumerate(weights))) for weights in _HOUR_WEIGHTS])


class Pattern(IntEnum):
    """Further calls of a month that no customer made, as fraud makes them; a contract has at most one in a month."""

    NONE = 0
    FRAUD = 1
    """Expensive countries in one night: what the universe has of itself."""
    ABROAD = 2
    NIGHT = 3
    WEEKEND = 4
    PARALLEL = 5
    COUNTRY = 6
    OVERDUE = 7


_PATTERN_CALLS = np.array([(0, 1), (60, 160), (60, 60), (80, 60), (140, 80), (60, 60), (8, 8), (2, 2)], dtype=np.int64)
"""How many calls each pattern has at least, and how many more it may have."""
_OVERDUE_DAYS = 100
_PATTERN_PARTS = 1_000_000


@dataclass(frozen=True)
class TrafficOptions:
    """How the traffic is made.

    Args:
        seed: another seed, another universe.
        clean: nothing planted: no divergent totals, no stray lines, no unknown contracts, no late calls, no bursts.
        scale: factor on every contract's number of calls.
        calls_per_contract: exactly so many calls in every file with a line, whatever its profile (for benches).
        unknown: share of the contracts that the platform does not know though the ERP has them; none where clean.
        patterns: further patterns to plant, each in its share of all months of all contracts, clean or not.
    """

    seed: int = 1
    clean: bool = False
    scale: float = 1.0
    calls_per_contract: int | None = None
    unknown: float = 0.005
    patterns: tuple[tuple[Pattern, float], ...] = ()


@dataclass(frozen=True)
class MonthFiles:
    """The files of some contracts in one competence, one per place. ``until`` is inclusive.

    ``records``, ``seconds`` and ``centavos`` are T's three figures as the platform announces them; ``charge`` is the
    true sum of the calls' amounts in centavos, which differs from ``centavos`` only in planted divergences.
    """

    competence: Competence
    contracts: list[str]
    period_from: list[date]
    period_until: list[date]
    records: list[int]
    seconds: list[int]
    centavos: list[int]
    charge: list[int]
    _data: memoryview
    _bounds: list[int]

    def __len__(self) -> int:
        return len(self.contracts)

    @property
    def size(self) -> int:
        """Bytes of all calls' lines."""
        return len(self._data)

    def closed_at(self, place: int) -> str:
        """When the platform closes the month: the end of the cut day."""
        return f"{self.period_until[place].isoformat()}T23:59:59-03:00"

    def body(self, place: int) -> bytes:
        """The file's bytes."""
        head = (
            f"H;1;{self.contracts[place]};{self.competence};{self.period_from[place].isoformat()};"
            f"{self.period_until[place].isoformat()};{self.closed_at(place)}\n"
        )
        tail = f"T;{self.records[place]};{self.seconds[place]};{plain(self.centavos[place])}\n"
        return b"".join((head.encode(), self._data[self._bounds[place] : self._bounds[place + 1]], tail.encode()))


@dataclass(frozen=True)
class _Subscribers:
    """The chosen contracts in one competence, a row each; days are ordinals, ``calls`` include ``burst``."""

    rows: Ints
    key: Words
    profile: Ints
    day_from: Ints
    day_until: Ints
    lines: Ints
    line_starts: Ints
    line_counts: Ints
    calls: Ints
    burst: Ints
    pattern: Ints
    only_free: NDArray[np.bool_]
    has_stray: NDArray[np.bool_]


@dataclass(frozen=True)
class _Calls:
    """The calls of a month in file order, a row each, before they are written. ``seg`` is the subscriber's place."""

    seg: Ints
    line: Ints
    day: Ints
    second: Ints
    kind: Ints
    area: Ints
    csp: Ints
    country: Ints
    carrier: Ints
    suffix: Ints
    duration: Ints
    centavos: Ints
    named_class: Ints


class Traffic:
    """Makes the files of a universe. Holds tables only, nothing that a call changes; safe to share between threads.

    Raises:
        InvalidInputError: more calls for each contract than a file can hold.
    """

    def __init__(self, universe: Universe, options: TrafficOptions) -> None:
        if options.calls_per_contract is not None and not 0 <= options.calls_per_contract <= MOST_CALLS:
            value = str(options.calls_per_contract)
            raise InvalidInputError(field="calls_per_contract", value=value, cause="calls", most=MOST_CALLS)
        self.universe = universe
        self.options = options
        self._neighbours = dialling.neighbours()

    def files(self, rows: Sequence[int] | Ints, competence: Competence) -> MonthFiles:
        """The files of the contracts in ``rows`` of the universe, in that order."""
        subscribers = self._subscribers(np.asarray(rows, dtype=np.int64), competence)
        calls = self._calls(subscribers, _Calendar.around(subscribers))
        return self._written(subscribers, calls, competence)

    @cached_property
    def unknown(self) -> NDArray[np.bool_]:
        """Which contracts the platform does not know, though the ERP has them."""
        rate = 0.0 if self.options.clean else self.options.unknown
        return chance.happens(chance.draw(self.universe.keys, 11), rate)

    def period(self, row: int, competence: Competence) -> tuple[date, date]:
        """First and last day of the contract's file: the day after the last cut day, and this month's cut day."""
        cut_day = int(self.universe.cut_day[row])
        return date.fromordinal(_period_start(competence, cut_day)), competence.day(cut_day)

    # --- Subscribers of the month -------------------------------------------------------------------------------

    def _subscribers(self, rows: Ints, competence: Competence) -> _Subscribers:
        universe = self.universe
        starts = np.array([_period_start(competence, day) for day in range(1, 32)], dtype=np.int64)
        ends = np.array([competence.day(day).toordinal() for day in range(1, 32)], dtype=np.int64)
        cut = universe.cut_day[rows] - 1
        day_from, day_until = starts[cut], ends[cut]
        lines, counts = self._lines(rows, day_from, day_until)
        key = chance.word_of(universe.keys[rows], month_number(competence))
        calls, pattern, only_free = self._volume(rows, key, competence)
        least, more = _PATTERN_CALLS[pattern].T
        burst = least + chance.below(chance.draw(key, 25), more)
        has_line = counts > 0
        return _Subscribers(
            rows=rows,
            key=key,
            profile=universe.profile[rows],
            day_from=day_from,
            day_until=day_until,
            lines=lines,
            line_starts=np.cumsum(counts) - counts,
            line_counts=counts,
            calls=np.where(has_line, calls + burst, 0),
            burst=np.where(has_line, burst, 0),
            pattern=np.where(has_line, pattern, Pattern.NONE),
            only_free=only_free,
            has_stray=self._planted(key, 31, 0.004),
        )

    def _lines(self, rows: Ints, day_from: Ints, day_until: Ints) -> tuple[Ints, Ints]:
        """The lines valid on some day of the period, grouped by row, and how many each row has."""
        universe = self.universe
        first = universe.line_starts[rows]
        counts = universe.line_starts[rows + 1] - first
        owner = np.repeat(np.arange(len(rows)), counts)
        lines = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
        valid = (universe.since[lines] <= day_until[owner]) & (universe.until[lines] > day_from[owner])
        return lines[valid], np.bincount(owner[valid], minlength=len(rows)).astype(np.int64)

    def _volume(self, rows: Ints, key: Words, competence: Competence) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Calls, the pattern planted beside them, and whether the month has calls free of charge only."""
        nothing = np.zeros(len(rows), dtype=np.int64)
        planted = self._patterns(key)
        if self.options.calls_per_contract is not None:
            return nothing + self.options.calls_per_contract, planted, nothing.astype(np.bool_)
        keys, profile = self.universe.keys[rows], self.universe.profile[rows]
        base = chance.ladder_rows(chance.draw(keys, 20), _BASE_CALLS, profile)
        calls = base * (85 + chance.below(chance.draw(key, 21), 31)) * _SEASON[competence.month - 1] // 10_000
        if self.options.scale != 1.0:
            calls = np.minimum(np.rint(calls * self.options.scale), MOST_CALLS // 2).astype(np.int64)
        is_idle = chance.happens(chance.draw(keys, 22), 0.015) & chance.happens(chance.draw(key, 23), 0.6)
        is_silent = chance.happens(chance.draw(key, 24), 0.5)
        calls = np.where(is_idle & is_silent, 0, calls)
        is_fraud = self._planted(key, 26, 0.0005) | ((profile > 0) & self._planted(key, 27, 0.003))
        pattern = np.where(is_fraud & ~is_idle, Pattern.FRAUD, Pattern.NONE)
        return calls, np.where(planted > 0, planted, pattern), is_idle & ~is_silent

    def patterns(self, rows: Sequence[int] | Ints, competence: Competence) -> Ints:
        """The ``Pattern`` that the month of each contract in ``rows`` has: the truth that detectors are held to."""
        return self._subscribers(np.asarray(rows, dtype=np.int64), competence).pattern

    def _patterns(self, key: Words) -> Ints:
        share = chance.below(chance.draw(key, 60), _PATTERN_PARTS)
        found = np.zeros(len(key), dtype=np.int64)
        limit = 0
        for pattern, rate in self.options.patterns:
            before, limit = limit, limit + round(rate * _PATTERN_PARTS)
            found = np.where((share >= before) & (share < limit), int(pattern), found)
        return found

    def _planted(self, key: Words, field: int, rate: float) -> NDArray[np.bool_]:
        return chance.happens(chance.draw(key, field), 0.0 if self.options.clean else rate)

    # --- Calls --------------------------------------------------------------------------------------------------

    def _calls(self, of: _Subscribers, calendar: "_Calendar") -> _Calls:
        seg = np.repeat(np.arange(len(of.rows)), of.calls)
        index = np.arange(len(seg)) - np.repeat(np.cumsum(of.calls) - of.calls, of.calls)
        key = chance.spread(of.key[seg], index)
        time = self._times(of, seg, index, key, calendar)
        # Sorting what carries its own origin spares gathering every column: the rest derives from it.
        order = np.sort((((seg << _TIME_BITS) | time) << _CALL_BITS) | index)
        seg, index = order >> (_TIME_BITS + _CALL_BITS), order & MOST_CALLS
        moment = order >> _CALL_BITS
        place = np.arange(len(order))
        # No two calls of a contract start in the same second, so that none is a repeat of another.
        moment = np.maximum.accumulate(moment - place) + place - (seg << _TIME_BITS)
        key = chance.spread(of.key[seg], index)
        return self._described(of, seg, index, key, calendar.first + moment // _SECONDS_A_DAY, moment % _SECONDS_A_DAY)

    def _line(self, of: _Subscribers, seg: Ints, key: Words) -> Ints:
        chosen: Ints = of.lines[of.line_starts[seg] + chance.below(chance.draw(key, 40), of.line_counts[seg])]
        return chosen

    def _times(self, of: _Subscribers, seg: Ints, index: Ints, key: Words, calendar: "_Calendar") -> Ints:
        """Seconds from the calendar's first midnight to each call's start, local time."""
        universe = self.universe
        line = self._line(of, seg, key)
        first = np.maximum(universe.since[line], of.day_from[seg])
        last = np.minimum(universe.until[line] - 1, of.day_until[seg])
        shape = _SHAPE[of.profile[seg]]
        day = calendar.pick(shape, first, last, chance.draw(key, 41))
        if not self.options.clean and self.options.calls_per_contract is None:
            late = of.day_from[seg] - 1 - chance.below(chance.draw(key, 42), 3)
            is_late = chance.happens(chance.draw(key, 43), 0.0005) & (late >= universe.since[line])
            day = np.where(is_late, late, day)
        clock = chance.draw(key, 44)
        slots = _HOUR_WHEELS.shape[1]
        hour = _HOUR_WHEELS[shape, chance.below(clock, slots)]
        second = hour * 3600 + (clock & np.uint64(0xFFFFFFFF)).astype(np.int64) % 3600
        is_burst = index >= (of.calls - of.burst)[seg]
        if is_burst.any():
            day, second = _patterned(
                np.where(is_burst, of.pattern[seg], Pattern.NONE), of, seg, day, second, first, last
            )
        seconds: Ints = (day - calendar.first) * _SECONDS_A_DAY + np.minimum(second, _LAST_SECOND)
        return seconds

    def _described(self, of: _Subscribers, seg: Ints, index: Ints, key: Words, day: Ints, second: Ints) -> _Calls:
        profile = of.profile[seg]
        is_burst = index >= (of.calls - of.burst)[seg]
        kind = dialling.KIND_WHEELS[profile, chance.below(chance.draw(key, 50), dialling.KIND_WHEELS.shape[1])]
        kind = np.where(of.only_free[seg], dialling.FREE[chance.below(chance.draw(key, 51), len(dialling.FREE))], kind)
        pattern = np.where(is_burst, of.pattern[seg], Pattern.NONE)
        kind = np.where(np.isin(pattern, (Pattern.FRAUD, Pattern.ABROAD, Pattern.COUNTRY)), dialling.ABROAD, kind)
        line = self._strayed(of, seg, index, key, self._line(of, seg, key))
        friend = self._friends(of, seg, kind, profile, key)
        home = self._line_areas[line]
        area = self._neighbours[dialling.KIND_WHERE[kind], home, chance.below(friend, 64)]
        country = np.where(
            np.isin(pattern, (Pattern.FRAUD, Pattern.COUNTRY)),
            chance.spin(np.where(pattern == Pattern.COUNTRY, of.key[seg], friend), dialling.FRAUD_WHEEL),
            chance.spin(friend, dialling.COUNTRY_WHEEL),
        )
        duration = np.where(
            chance.happens(chance.draw(key, 53), 0.12), 0, chance.climb(chance.draw(key, 54), _DURATIONS)
        )
        is_long = np.isin(pattern, (Pattern.FRAUD, Pattern.ABROAD, Pattern.PARALLEL, Pattern.COUNTRY))
        duration = np.where(is_long, chance.climb(chance.draw(key, 55), _FRAUD_DURATIONS), duration)
        call_class = dialling.KIND_CLASS[kind]
        carrier = np.where(
            dialling.KIND_HAS_CARRIER[kind],
            chance.spin(chance.draw(friend, 0), dialling.CARRIER_WHEEL),
            dialling.NO_CARRIER,
        )
        return _Calls(
            seg=seg,
            line=line,
            day=day,
            second=second,
            kind=kind,
            area=area,
            csp=self._csp(of, seg, kind, key),
            country=country,
            carrier=carrier,
            suffix=_suffix(kind, country, friend, key),
            duration=duration,
            centavos=_price(call_class, country, duration, day, second),
            named_class=np.where(chance.happens(chance.draw(key, 57), 0.03), len(dialling.CLASSES), call_class),
        )

    def _friends(self, of: _Subscribers, seg: Ints, kind: Ints, profile: Ints, key: Words) -> Words:
        """64 bits that stand for who is called: the same few over and over, services the same for everyone."""
        chosen = chance.ladder_rows(chance.draw(key, 52), _FAVOURITES, profile)
        target = dialling.KIND_TARGET[kind]
        is_shared = (target == Target.SERVICE) | (target == Target.SPECIAL)
        whose = np.where(is_shared, np.uint64(0), self.universe.keys[of.rows][seg])
        return chance.mix(chance.spread(whose, chosen) ^ (kind + 1).astype(np.uint64))

    def _csp(self, of: _Subscribers, seg: Ints, kind: Ints, key: Words) -> Ints:
        usual = chance.spin(chance.draw(self.universe.keys[of.rows], 28), dialling.CSP_WHEEL)[seg]
        other = chance.draw(key, 56)
        csp = np.where(chance.happens(other, 0.12), chance.spin(chance.mix(other), dialling.CSP_WHEEL), usual)
        return np.where(dialling.KIND_HAS_CSP[kind], csp, dialling.NO_CSP)

    def _strayed(self, of: _Subscribers, seg: Ints, index: Ints, key: Words, line: Ints) -> Ints:
        """Lines, some of them put on a number that is another contract's, or nobody's (places after the universe's)."""
        if not of.has_stray.any():
            return line
        universe = self.universe
        strays = of.has_stray[seg] & ((index == 0) | chance.happens(chance.draw(key, 58), 0.03))
        home = universe.line_area[line]
        nobody = (
            len(universe.numbers) + home * STRAY_PER_AREA + chance.below(chance.draw(of.key, 32)[seg], STRAY_PER_AREA)
        )
        # The third contract before: the one just before may have given its number away to this one.
        other = of.rows - 3
        other_line = universe.line_starts[other]
        is_foreign = (
            (other >= 0) & (universe.line_starts[other + 1] > other_line) & chance.happens(chance.draw(of.key, 33), 0.5)
        )
        return np.where(strays, np.where(is_foreign[seg], other_line[seg], nobody), line)

    # --- Text ---------------------------------------------------------------------------------------------------

    def _written(self, of: _Subscribers, calls: _Calls, competence: Competence) -> MonthFiles:
        data, ends = self._lines_of_text(of, calls, competence)
        bounds = np.concatenate([[0], np.cumsum(of.calls)])
        records = of.calls.copy()
        seconds = _sums(calls.duration, bounds)
        charge = _sums(calls.centavos, bounds)
        declared = charge.copy()
        wrong = self._planted(of.key, 34, 0.005) & (of.calls > 0)
        what = chance.below(chance.draw(of.key, 35), 5)
        slip = 1 + chance.below(chance.draw(of.key, 36), 500)
        declared += np.where(wrong & (what < 3), slip, 0)
        seconds += np.where(wrong & (what == 3), slip, 0)
        records += np.where(wrong & (what == 4), 1, 0)
        return MonthFiles(
            competence=competence,
            contracts=[self.universe.contracts[row] for row in of.rows],
            period_from=[date.fromordinal(day) for day in of.day_from.tolist()],
            period_until=[date.fromordinal(day) for day in of.day_until.tolist()],
            records=records.tolist(),
            seconds=seconds.tolist(),
            centavos=declared.tolist(),
            charge=charge.tolist(),
            _data=data,
            _bounds=ends[bounds].tolist(),
        )

    def _lines_of_text(self, of: _Subscribers, calls: _Calls, competence: Competence) -> tuple[memoryview, Ints]:
        """All D lines joined, and where each ends (one more than lines)."""
        number = np.arange(len(calls.seg)) - np.repeat(np.cumsum(of.calls) - of.calls, of.calls) + 1
        month = f"{competence.year % 100:02d}{competence.month:02d}"
        ids = pl.Series([f"D;c{self.universe.contracts[row]}-{month}-" for row in of.rows], dtype=pl.String)
        if not len(number):
            return memoryview(b""), np.zeros(1, dtype=np.int64)
        first, last = int(calls.day.min()), int(calls.day.max())
        days = pl.Series([f";{date.fromordinal(day).isoformat()}" for day in range(first, last + 1)], dtype=pl.String)
        prefix = dialling.prefix_place(calls.kind, calls.area, calls.csp, calls.country)
        tail = (calls.named_class * len(dialling.CARRIERS) + calls.carrier) * len(dialling.CSPS) + calls.csp
        columns = [
            ids.gather(calls.seg),
            pl.Series(number).cast(pl.String),
            self._line_texts.gather(calls.line),
            _PREFIX_TEXTS.gather(prefix),
            pl.Series(calls.suffix).cast(pl.String),
            days.gather(calls.day - first),
            _SECOND_TEXTS.gather(calls.second),
            self._offset_texts.gather(self._line_areas[calls.line]),
            _DURATION_TEXTS.gather(calls.duration),
            _TAIL_TEXTS.gather(tail),
            _CENTAVO_SERIES.gather(calls.centavos),
        ]
        frame = pl.DataFrame({str(place): column for place, column in enumerate(columns)})
        text = frame.select(pl.concat_str(pl.all())).to_series()
        return _joined(text)

    @cached_property
    def _line_texts(self) -> pl.Series:
        return pl.Series(
            [f";{number};{number};" for number in (*self.universe.numbers, *stray_numbers())], dtype=pl.String
        )

    @cached_property
    def _line_areas(self) -> Ints:
        return np.concatenate([self.universe.line_area, np.repeat(np.arange(len(AREAS)), STRAY_PER_AREA)])

    @cached_property
    def _offset_texts(self) -> pl.Series:
        return pl.Series([f"{hours:+03d}:00;" for hours in offset_hours().tolist()], dtype=pl.String)


@dataclass(frozen=True)
class _Calendar:
    """Days around a competence, each in a table as often as its weight says; ``starts`` per shape and day."""

    first: int
    table: Ints
    starts: Ints

    @classmethod
    def around(cls, of: _Subscribers) -> "_Calendar":
        margin = _OVERDUE_DAYS + 4 if (of.pattern == Pattern.OVERDUE).any() else 4
        first = int(of.day_from.min()) - margin if len(of.rows) else 1
        count = int(of.day_until.max()) - first + 2 if len(of.rows) else 1
        days = np.arange(first, first + count)
        kinds = np.where(_holidays(days), 7, (days + 6) % 7)
        weights = np.array(_DAY_WEIGHTS, dtype=np.int64)[:, kinds]
        ends = np.cumsum(weights.ravel()).reshape(weights.shape)
        starts = np.concatenate([ends - weights, ends[:, -1:]], axis=1)
        return cls(first, np.repeat(np.tile(days, len(weights)), weights.ravel()), starts)

    def pick(self, shape: Ints, first: Ints, last: Ints, words: Words) -> Ints:
        """A day of ``[first, last]`` for each word, by the weights of ``shape``."""
        low = self.starts[shape, first - self.first]
        high = self.starts[shape, last - self.first + 1]
        days: Ints = self.table[low + chance.below(words, high - low)]
        return days


def _patterned(
    pattern: Ints, of: _Subscribers, seg: Ints, day: Ints, second: Ints, first: Ints, last: Ints
) -> tuple[Ints, Ints]:
    """Days and local seconds where the calls of a pattern stand when their pattern says so."""
    chosen = first + chance.below(chance.draw(of.key, 45)[seg], last - first + 1)
    saturday = (first + last) // 2
    saturday = saturday - (saturday + 6) % 7 + 5
    places = {
        Pattern.FRAUD: (chosen, 3_600 + second % 12_600),
        Pattern.ABROAD: (chosen, 36_000 + second % 28_800),
        Pattern.NIGHT: (chosen, 3_600 + second % 12_600),
        Pattern.WEEKEND: (np.clip(saturday + second % 2, first, last), 32_400 + second % 36_000),
        Pattern.PARALLEL: (chosen, 39_600 + second % 300),
        Pattern.OVERDUE: (of.day_from[seg] - _OVERDUE_DAYS, second),
    }
    for kind, (days, seconds) in places.items():
        day = np.where(pattern == kind, days, day)
        second = np.where(pattern == kind, seconds, second)
    return day, second


def plain(centavos: int) -> str:
    """``12.30``: an amount as the file writes it."""
    return f"{centavos // 100}.{centavos % 100:02d}"


def month_number(competence: Competence) -> int:
    """Months since the year 0: what a month's keys are narrowed by."""
    return competence.year * 12 + competence.month


def _period_start(competence: Competence, cut_day: int) -> int:
    return competence.plus(-1).day(cut_day).toordinal() + 1


def _holidays(days: Ints) -> NDArray[np.bool_]:
    """Which ordinals are national holidays."""
    years = range(date.fromordinal(int(days[0])).year, date.fromordinal(int(days[-1])).year + 1)
    national = {day.toordinal() for year in years for day in _national_holidays(year)}
    return np.isin(days, list(national))


def _national_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("BR", years=year))


def _price(call_class: Ints, country: Ints, duration: Ints, day: Ints, second: Ints) -> Ints:
    """Centavos of each call: cadence 30/6, fraction cut once, after the connection fee (PRODUCT 6)."""
    price = dialling.CLASS_PRICE[call_class]
    if len(day):
        days = np.arange(day.min(), day.max() + 1)
        is_rest = ((days + 6) % 7 == 6) | _holidays(days)
        is_normal = (second >= 7 * 3600) & (second < 21 * 3600) & ~is_rest[day - days[0]]
        price = np.where((call_class == dialling.VC1) & ~is_normal, dialling.VC1_REDUCED, price)
    is_abroad = call_class == dialling.LDI
    price = np.where(is_abroad, dialling.COUNTRY_PRICE[country], price)
    connection = np.where(is_abroad, dialling.ABROAD_CONNECTION, 0)
    billed = np.maximum(30, -(-duration // 6) * 6)
    return np.where(duration == 0, 0, (price * billed + connection * 60) // 6_000)


def _suffix(kind: Ints, country: Ints, friend: Words, key: Words) -> Ints:
    """The number behind the prefix, without a leading zero."""
    target = dialling.KIND_TARGET[kind]
    # Never 58 and 59: what is called is never one of the lines that nobody knows.
    suffix = 20_000_000 + chance.below(friend, 38_000_000)
    suffix = np.where(target == Target.MOBILE, 960_000_000 + chance.below(friend, 39_999_999), suffix)
    suffix = np.where(target == Target.SPECIAL, 40_030_000 + chance.below(friend, 20_000), suffix)
    suffix = np.where(target == Target.SERVICE, 1_000_000 + chance.below(friend, 8_999_999), suffix)
    scale = dialling.COUNTRY_SCALE[country]
    abroad = 2 * scale + ((friend >> np.uint64(8)) % (7 * scale).astype(np.uint64)).astype(np.int64)
    suffix = np.where(target == Target.ABROAD, abroad, suffix)
    return np.where(target == Target.UTILITY, chance.spin(chance.draw(key, 59), dialling.UTILITY_WHEEL), suffix)


def _sums(values: Ints, bounds: Ints) -> Ints:
    running = np.concatenate([[0], np.cumsum(values)])
    sums: Ints = running[bounds[1:]] - running[bounds[:-1]]
    return sums


def _joined(text: pl.Series) -> tuple[memoryview, Ints]:
    """All strings in a row as bytes, and where each begins, and the end."""
    array = text.to_arrow().cast(pa.large_string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    buffers = array.buffers()
    offsets = np.frombuffer(buffers[1], dtype=np.int64, count=len(array) + 1, offset=array.offset * 8)
    data = memoryview(buffers[2])[int(offsets[0]) : int(offsets[-1])]
    return data, offsets - offsets[0]


_PREFIX_TEXTS = pl.Series(dialling.PREFIXES, dtype=pl.String)
_SECOND_TEXTS = pl.Series(
    [f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(_SECONDS_A_DAY)], dtype=pl.String
)
_DURATION_TEXTS = pl.Series([f"{seconds};" for seconds in range(5_401)], dtype=pl.String)
_TAIL_TEXTS = pl.Series(
    [
        f"{name};{carrier};{csp};"
        for name in (*dialling.CLASSES, "")
        for carrier in dialling.CARRIERS
        for csp in dialling.CSPS
    ],
    dtype=pl.String,
)
_CENTAVO_SERIES = pl.Series([f"{plain(centavos)}\n" for centavos in range(_CENTAVO_TEXTS)], dtype=pl.String)
