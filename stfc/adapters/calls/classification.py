"""Class, destination and local time of many calls at once: ``stfc.domain.numbers`` said in columns (PRODUCT 6)."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from stfc.domain.area_codes import AREA_CODES, utc_offset_hours
from stfc.domain.call import CallClass
from stfc.domain.numbers import HOME_COUNTRY, country_codes, normalise

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

_CLASSES = [*CallClass]
_CODE = {call_class: code for code, call_class in enumerate(_CLASSES)}
_LONGEST = 18  # Digits that int64 holds; the two longest forms of the dial plan, 19 digits, go the plain way.
_POWERS = 10 ** np.arange(_LONGEST + 1, dtype=np.int64)
_LEAD = 7  # How many leading digits the dial plan ever looks at.
_ABROAD = 1_000  # A destination is coded as its CN, or as this plus its country's calling code.
_HOUR_US = 3_600_000_000
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday.


def derive(records: pl.DataFrame) -> pl.DataFrame:
    """``records`` (``line``, ``called``, ``started_at`` and more) with what we derive from them.

    Adds ``class`` and ``destination`` (strings), ``local_day`` (date), ``hour`` and ``weekday`` (0 Monday), the last
    three by the time zone of the line's CN.
    """
    homes = _homes(records["line"])
    classes, destinations = _classify(records["line"], records["called"], homes)
    local = records["started_at"].to_physical().to_numpy() // _HOUR_US + _offsets()[homes]
    days = local // 24
    return records.with_columns(
        _words([str(one) for one in _CLASSES], classes).alias("class"),
        _destination_words(destinations).alias("destination"),
        pl.Series("local_day", days.astype(np.int32)).cast(pl.Date),
        pl.Series("hour", (local % 24).astype(np.int8)),
        pl.Series("weekday", ((days + _EPOCH_WEEKDAY) % 7).astype(np.int8)),
    )


@dataclass(frozen=True)
class _Digits:
    """Strings of digits as numbers: value and length, for leading zeros count."""

    value: _Ints
    length: _Ints

    @cached_property
    def _first(self) -> _Ints:
        """The first seven digits, zeros behind; other leads come off it by a constant division, which is fast."""
        shorter = self.value * _POWERS[np.maximum(_LEAD - self.length, 0)]
        return shorter // _POWERS[np.maximum(self.length - _LEAD, 0)]

    def lead(self, count: int) -> _Ints:
        """The first ``count`` digits (7 at most) as a number, filled with zeros behind where there are fewer."""
        lead: _Ints = self._first // 10 ** (_LEAD - count)
        return lead

    def without(self, count: int, where: _Bools) -> "_Digits":
        """The digits after the first ``count``, in the rows of ``where`` (which have more than ``count``)."""
        rest = np.where(where, self.length - count, self.length)
        return _Digits(np.where(where, self.value % _POWERS[np.maximum(rest, 0)], self.value), rest)

    def has_length(self, *lengths: int) -> _Bools:
        """Where the length is one of ``lengths``."""
        found: _Bools = self.length == lengths[0]
        for length in lengths[1:]:
            found |= self.length == length
        return found


def _homes(lines: pl.Series) -> _Ints:
    """The CN of each line, 0 where it is not of the form of a line of ours."""
    number = _digits(lines)
    is_line = number.has_length(10, 11) & (number.lead(3) % 10 >= 2)
    area = number.lead(2)
    return np.where(is_line & _is_area()[area], area, 0)


def _classify(lines: pl.Series, called: pl.Series, homes: _Ints) -> tuple[_Ints, _Ints]:
    """Codes of class and destination, a row each."""
    odd = (called.str.contains("[*#+]") | (called.str.len_bytes() > _LONGEST)).to_numpy()
    classes, destinations = _classify_digits(_digits(called.set(pl.Series(odd), "0") if odd.any() else called), homes)
    for row in np.flatnonzero(odd):
        found = normalise(called[int(row)], lines[int(row)])
        classes[row] = _CODE[found.call_class]
        destinations[row] = _ABROAD + int(found.country) if found.country else int(found.area or 0)
    return classes, destinations


def _classify_digits(dialled: _Digits, homes: _Ints) -> tuple[_Ints, _Ints]:
    behind = _without_prefixes(dialled)
    is_local = (behind.has_length(8) & _is_fixed(behind.lead(1))) | (behind.has_length(9) & (behind.lead(1) == 9))
    is_special = behind.has_length(8) & np.isin(behind.lead(3), (300, 400))
    area = np.where(is_local, homes, np.where(behind.has_length(10, 11), behind.lead(2), 0))
    third = behind.lead(3) % 10
    is_national = (behind.has_length(10) & _is_fixed(third)) | (behind.has_length(11) & (third == 9))
    area = np.where((is_local | is_national) & _is_area()[area], area, 0)
    is_mobile = behind.has_length(9, 11)
    country = _countries(dialled)
    is_service = dialled.has_length(10, 11)
    prefix = dialled.lead(4)
    known = (area > 0) & (homes > 0)
    choices: list[tuple[_Bools, CallClass]] = [
        (dialled.has_length(3), CallClass.PUBLIC_UTILITY),
        (is_service & (prefix == 800), CallClass.TOLL_FREE),
        (is_service & np.isin(prefix, (300, 303, 500, 900)), CallClass.SHARED),
        (country > 0, CallClass.LDI),
        (~known, CallClass.UNKNOWN),
        (is_special, CallClass.LOCAL),
        (~is_mobile & (area == homes), CallClass.LOCAL),
        (~is_mobile, CallClass.LDN),
        (area == homes, CallClass.VC1),
        (area // 10 == homes // 10, CallClass.VC2),
    ]
    classes = np.select([where for where, _ in choices], [_CODE[one] for _, one in choices], _CODE[CallClass.VC3])
    return classes, np.where(country > 0, _ABROAD + country, area)


def _without_prefixes(dialled: _Digits) -> _Digits:
    """The number behind collect, long-distance and country prefixes."""
    lead2, lead3 = dialled.lead(2), dialled.lead(3)
    local_collect = dialled.has_length(12, 13) & (dialled.lead(4) == 9090)
    collect = dialled.has_length(14, 15) & (lead2 == 90) & (lead3 % 10 >= 1)
    long_distance = dialled.has_length(13, 14) & (lead2 >= 1) & (lead2 <= 9)
    from_abroad = dialled.has_length(12, 13) & (lead2 == int(HOME_COUNTRY))
    round_trip = dialled.has_length(16, 17) & (lead2 == 0) & (lead3 >= 1) & (dialled.lead(6) % 100 == int(HOME_COUNTRY))
    behind = dialled
    for count, where in ((4, local_collect | collect), (3, long_distance), (2, from_abroad), (6, round_trip)):
        if where.any():
            behind = behind.without(count, where)
    return behind


def _countries(dialled: _Digits) -> _Ints:
    """The calling code of another country behind 00 and CSP, 0 where there is none."""
    has_prefix = (dialled.length >= 11) & (dialled.lead(2) == 0) & (dialled.lead(3) >= 1)
    if not has_prefix.any():
        return np.zeros_like(dialled.value)
    first = np.where(has_prefix, dialled.lead(7) % 1_000, 0)
    return _country_by_three_digits()[first]


def _digits(texts: pl.Series) -> _Digits:
    value = texts.cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    return _Digits(value, texts.str.len_bytes().cast(pl.Int64).to_numpy())


def _is_fixed(first: _Ints) -> _Bools:
    return (first >= 2) & (first <= 5)


@cache
def _is_area() -> _Bools:
    return np.array([f"{code:02d}" in AREA_CODES for code in range(100)])


@cache
def _offsets() -> _Ints:
    return np.array([utc_offset_hours(f"{code:02d}") for code in range(100)], dtype=np.int64)


@cache
def _country_by_three_digits() -> _Ints:
    """For every three leading digits the calling code that they begin with, 0 for none."""
    table = np.zeros(1_000, dtype=np.int64)
    for code in country_codes():
        size = 10 ** (3 - len(code))
        table[int(code) * size : (int(code) + 1) * size] = int(code)
    return table


def _destination_words(codes: _Ints) -> pl.Series:
    used = np.unique(codes)
    words = {int(code): _destination_word(int(code)) for code in used}
    return _words(list(words.values()), np.searchsorted(used, codes))


def _destination_word(code: int) -> str:
    if code == 0:
        return ""
    return f"+{code - _ABROAD}" if code > _ABROAD else f"{code:02d}"


def _words(words: list[str], codes: _Ints) -> pl.Series:
    return pl.Series(words, dtype=pl.String).gather(codes)
