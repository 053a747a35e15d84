"""Numbers and documents with their telling digits hidden (PRODUCT 9)."""

import re
from functools import lru_cache

from stfc.domain.numbers import country_of

_AREA = r"(?P<area>\d{2})"
_MOBILE = r"(?P<nine>9)\d{4}(?P<last>\d{4})"
_FIXED = r"\d{4}(?P<last>\d{4})"
_CARRIER_PREFIX = r"(?P<prefix>0[1-9]\d|90[1-9]\d|9090|\+?55)"
_NATIONAL_MOBILE = re.compile(rf"{_CARRIER_PREFIX}?{_AREA}{_MOBILE}", re.ASCII)
_NATIONAL_FIXED = re.compile(rf"{_CARRIER_PREFIX}?{_AREA}[2-8]\d{{3}}(?P<last>\d{{4}})", re.ASCII)
_LOCAL_MOBILE = re.compile(rf"(?P<prefix>9090)?{_MOBILE}", re.ASCII)
_LOCAL_FIXED = re.compile(rf"(?P<prefix>9090)?{_FIXED}", re.ASCII)
_ABROAD = re.compile(r"(?P<prefix>00[1-9]\d|\+)(?P<rest>[1-9]\d{6,14})", re.ASCII)
_SERVICE = re.compile(r"(?P<prefix>0[3589]0[03])(?P<rest>\d{6,7})", re.ASCII)
_PUBLIC = re.compile(r"\d{3}", re.ASCII)
SHOWN = 4
"""Last digits of a number that a mask leaves."""

END = 7
"""Last digits that no mask of a fixed or mobile number looks at."""

_HIDDEN = "*"
_BULLET = "•"
_LOOKS_LIKE_NUMBER = re.compile(r"\d(?:[\s().-]{0,2}\d){6,}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)", re.ASCII)


def mask_number(number: str) -> str:
    """A phone number or dialled string with the middle hidden: ``(11) 9****-4321``.

    Prefix, area or country and the last four digits stay; a public-utility number of three digits is no secret and
    stays whole. Of a string that no form fits, at most the last four characters stay, and never more than a third.
    """
    end = number[-END:]
    if len(end) == END and end.isascii() and end.isdecimal() and (start := start_of_subscriber(number[:-END])):
        return start + end[-SHOWN:]
    return _masked(number)


@lru_cache(maxsize=16_384)
def start_of_subscriber(start: str) -> str:
    """What masks ``start`` and the next three digits, when any seven digits after ``start`` (``END``) make it a fixed
    or mobile number, of which the last four (``SHOWN``) follow; empty otherwise. Millions of numbers have few starts.
    """
    masked = _masked(start + "0" * END)
    return masked[:-SHOWN] if masked.endswith("****-0000") else ""


def _masked(number: str) -> str:
    if _PUBLIC.fullmatch(number):
        return number
    if found := _NATIONAL_MOBILE.fullmatch(number):
        return f"{_prefix(found)}({found['area']}) 9****-{found['last']}"
    if found := _NATIONAL_FIXED.fullmatch(number):
        return f"{_prefix(found)}({found['area']}) ****-{found['last']}"
    if found := _LOCAL_MOBILE.fullmatch(number):
        return f"{_prefix(found)}9****-{found['last']}"
    if found := _LOCAL_FIXED.fullmatch(number):
        return f"{_prefix(found)}****-{found['last']}"
    if found := _SERVICE.fullmatch(number):
        return f"{found['prefix']} {_half(found['rest'])}"
    if (found := _ABROAD.fullmatch(number)) and (country := country_of(found["rest"])):
        dialled = found["prefix"].removesuffix("+")
        return f"{dialled} +{country} {_half(found['rest'][len(country) :])}".lstrip()
    return _tail(number, min(SHOWN, len(number) // 3))


def mask_document(document: str) -> str:
    """A CPF or CNPJ with most of it hidden: ``••.•••.412/0001-••``, ``•••.•••.412-••``; punctuation given is ignored.

    A text of another length is hidden whole.
    """
    plain = re.sub(r"[^0-9A-Za-z]", "", document)
    if len(plain) == 14:
        return f"••.•••.{plain[5:8]}/{plain[8:12]}-••"
    if len(plain) == 11:
        return f"•••.•••.{plain[6:9]}-••"
    return _BULLET * len(plain)


def without_numbers(text: str) -> str:
    """``text`` with all that looks like a phone number or a document (seven digits and more) masked; ISO days stay."""
    kept, at = [], 0
    for day in _DAY.finditer(text):
        kept += [_masked_runs(text[at : day.start()]), day[0]]
        at = day.end()
    return "".join([*kept, _masked_runs(text[at:])])


def _masked_runs(text: str) -> str:
    return _LOOKS_LIKE_NUMBER.sub(lambda run: mask_number(re.sub(r"\D", "", run[0])), text)


def _prefix(found: re.Match[str]) -> str:
    return f"{found['prefix']} " if found["prefix"] else ""


def _half(text: str) -> str:
    return _tail(text, min(SHOWN, len(text) // 2))


def _tail(text: str, shown: int) -> str:
    return _HIDDEN * (len(text) - shown) + text[len(text) - shown :]
