"""Telephone numbers as dialled: what they lead to and the class of the call (PRODUCT 6).

The dial plan, by the form of the string (``CN`` two digits of the 67, ``CSP`` two digits):

====================================  ===================================================
3 digits                              public utility
0800 and 6 or 7 digits                toll free
0300, 0303, 0500, 0900 and 6 or 7     shared
400X or 300X and 4 digits             local, in the area of the line
[2-5] and 7 digits                    fixed, in the area of the line
9 and 8 digits                        mobile, in the area of the line
CN and a fixed or mobile number       national, also behind 0 + CSP, 00 + CSP + 55, (+)55
00 + CSP, or +, and 7 to 15 digits    international, by the country's calling code
90 + CSP + CN or 9090 and a number    collect: the number behind the prefix decides
====================================  ===================================================

Anything else is ``UNKNOWN``, also what could be read in two ways (0 + two digits + eight digits: CSP or CN?).
"""

import re
from dataclasses import dataclass
from functools import cache

from stfc.domain.area_codes import AREA_CODES
from stfc.domain.call import CallClass

HOME_COUNTRY = "55"
_LOCAL = re.compile(r"[2-5]\d{7}|9\d{8}", re.ASCII)
_SPECIAL_LOCAL = re.compile(r"[34]00\d{5}", re.ASCII)
_NATIONAL = re.compile(r"([1-9]{2})([2-5]\d{7}|9\d{8})", re.ASCII)
_TOLL_FREE = re.compile(r"0800\d{6,7}", re.ASCII)
_SHARED = re.compile(r"(?:0300|0303|0500|0900)\d{6,7}", re.ASCII)
_UTILITY = re.compile(r"\d{3}", re.ASCII)
_LONG_DISTANCE = re.compile(r"(?:0[1-9]\d|\+?55)(\d{10,11})", re.ASCII)
_INTERNATIONAL = re.compile(r"(?:00[1-9]\d|\+)([1-9]\d{6,14})", re.ASCII)
_LOCAL_COLLECT = re.compile(r"9090(\d{8,9})", re.ASCII)
_NATIONAL_COLLECT = re.compile(r"90[1-9]\d(\d{10,11})", re.ASCII)
_LINE = re.compile(r"(\d{2})[2-9]\d{7,8}", re.ASCII)


@dataclass(frozen=True)
class Destination:
    """Where a call leads, in one canonical form.

    ``number`` is CN and number (``11987654321``), ``+`` and country for abroad, else as dialled;
    ``area`` is the CN called, ``country`` the calling code of another country; each None where it does not apply.
    """

    call_class: CallClass
    number: str
    area: str | None = None
    country: str | None = None

    @property
    def key(self) -> str:
        """What destinations are counted by: ``"11"`` a CN, ``"+351"`` a country, else empty."""
        return f"+{self.country}" if self.country else self.area or ""


def area_of(line: str) -> str | None:
    """The CN of a line of ours, written CN and number; None when it is not of that form."""
    match = _LINE.fullmatch(line)
    return match[1] if match and match[1] in AREA_CODES else None


def normalise(called: str, line: str) -> Destination:
    """Where a call from ``line`` to ``called``, as dialled, leads, and its class (PRODUCT 6).

    Total: what no rule of the dial plan takes is ``UNKNOWN``. The area of ``line`` stands in for a missing CN and is
    what same area, same region and other region are measured against. The local area is the whole CN: what was local
    before a CN's migration depends on municipalities, which a call record does not name.
    """
    home = area_of(line)
    if _UTILITY.fullmatch(called):
        return Destination(CallClass.PUBLIC_UTILITY, called)
    if _TOLL_FREE.fullmatch(called):
        return Destination(CallClass.TOLL_FREE, called)
    if _SHARED.fullmatch(called):
        return Destination(CallClass.SHARED, called)
    behind = _without_collect(called)
    if _LOCAL.fullmatch(behind):
        return _local(behind, home)
    if found := _NATIONAL.fullmatch(behind) or _long_distance(behind):
        return _national(found[1], found[2], home)
    if found := _INTERNATIONAL.fullmatch(called):
        return _international(found[1], home)
    return Destination(CallClass.UNKNOWN, called)


def call_class(called: str, line: str) -> CallClass:
    """The class of a call from ``line`` to ``called``."""
    return normalise(called, line).call_class


@cache
def country_codes() -> frozenset[str]:
    """Every calling code of a country but Brazil, 1 to 3 digits, none the beginning of another."""
    # Imported here: it takes a third of a second, which only those pay who meet a call abroad.
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return frozenset(str(code) for code in COUNTRY_CODE_TO_REGION_CODE) - {HOME_COUNTRY}


def country_of(digits: str) -> str | None:
    """The calling code of another country that ``digits`` begin with; None when no country has one."""
    return next((digits[:length] for length in (1, 2, 3) if digits[:length] in country_codes()), None)


def region_of(country: str) -> str | None:
    """The main region (``"PT"``) of a country's calling code (``"351"``); None where there is no single one."""
    # Imported on use, as in ``country_codes``: the library takes half a second to load.
    from phonenumbers import region_code_for_country_code

    region = region_code_for_country_code(int(country))
    return region if len(region) == 2 and region.isalpha() and region != "ZZ" else None


def _without_collect(called: str) -> str:
    found = _LOCAL_COLLECT.fullmatch(called) or _NATIONAL_COLLECT.fullmatch(called)
    return found[1] if found else called


def _long_distance(called: str) -> re.Match[str] | None:
    found = _LONG_DISTANCE.fullmatch(called)
    return _NATIONAL.fullmatch(found[1]) if found else None


def _local(number: str, home: str | None) -> Destination:
    if home is None:
        return Destination(CallClass.UNKNOWN, number)
    if _SPECIAL_LOCAL.fullmatch(number):
        return Destination(CallClass.LOCAL, number, home)
    return _national(home, number, home)


def _national(area: str, number: str, home: str | None) -> Destination:
    if area not in AREA_CODES:
        return Destination(CallClass.UNKNOWN, area + number)
    if home is None:
        return Destination(CallClass.UNKNOWN, area + number, area)
    return Destination(_national_class(area, home, is_mobile=len(number) == 9), area + number, area)


def _national_class(area: str, home: str, *, is_mobile: bool) -> CallClass:
    if not is_mobile:
        return CallClass.LOCAL if area == home else CallClass.LDN
    if area == home:
        return CallClass.VC1
    return CallClass.VC2 if area[0] == home[0] else CallClass.VC3


def _international(digits: str, home: str | None) -> Destination:
    if country := country_of(digits):
        return Destination(CallClass.LDI, f"+{digits}", country=country)
    if digits.startswith(HOME_COUNTRY) and (found := _NATIONAL.fullmatch(digits[2:])):
        return _national(found[1], found[2], home)
    return Destination(CallClass.UNKNOWN, f"+{digits}")
