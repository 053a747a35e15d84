"""The billing file, version 1: its descriptor, its form, and the reference parser (SUMMIT_API).

The parser here is plain and slow on purpose: it decides what a file says, and names line and cause where it says
nothing. The columnar path of ``stfc.adapters.billing_files`` must agree with it, and asks it whenever in doubt.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from stfc.domain.call import CallIdentity, CallRecord
from stfc.domain.competence import Competence
from stfc.domain.masking import without_numbers
from stfc.domain.money import Micros, micros_from_text
from stfc.errors import FileFormatError, InvalidInputError

VERSION = "1"
SEPARATOR = ";"
HEADER_FIELDS, RECORD_FIELDS, TRAILER_FIELDS = 7, 11, 4
LONGEST_TEXT = 255
BOM = b"\xef\xbb\xbf"

LINE_FORM = r"[0-9]{1,20}"
DIALLED_FORM = r"[0-9*#+]{1,40}"
DURATION_FORM = r"[0-9]{1,9}"
INSTANT_FORM = (
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_LINE = re.compile(LINE_FORM)
_DIALLED = re.compile(DIALLED_FORM)
_DURATION = re.compile(DURATION_FORM)
_INSTANT = re.compile(INSTANT_FORM)
_COUNT = re.compile(r"[0-9]{1,15}")
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_COMPETENCE = re.compile(r"[0-9]{4}-[0-9]{2}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SHOWN = 40


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


@dataclass(frozen=True)
class Header:
    """What the H line says beside contract and competence. ``period_until`` is inclusive."""

    period_from: date
    period_until: date
    generated_at: datetime


def parse(body: bytes, contract: str, competence: Competence) -> BillingFile:
    """The file of ``contract`` and ``competence`` that ``body`` writes.

    Raises:
        FileFormatError: the file is not of the agreed form; ``line`` counts from 1, ``cause`` is a key of
            ``text.FILE_CAUSES``, ``field`` and ``value`` (never a whole phone number) say what was found.
    """
    lines = _lines(body)
    header = parse_header(lines[0], contract, competence)
    records: list[CallRecord] = []
    for number, text in enumerate(lines[1:], start=2):
        fields = text.split(SEPARATOR)
        if fields[0] == "D":
            records.append(_record(fields, number))
        elif fields[0] == "T":
            declared = parse_trailer(text, number)
            if number < len(lines):
                raise _error(number + 1, "after_trailer")
            return BillingFile(
                contract,
                competence,
                header.period_from,
                header.period_until,
                header.generated_at,
                tuple(records),
                declared,
            )
        else:
            raise _error(number, "line_kind", value=fields[0])
    raise _error(len(lines), "trailer_missing")


def parse_header(text: str, contract: str, competence: Competence) -> Header:
    """What an H line says; ``FileFormatError`` when it is none, or of another version, contract or competence."""
    fields = text.split(SEPARATOR)
    if fields[0] != "H":
        raise _error(1, "header_missing")
    _count_fields(fields, HEADER_FIELDS, 1)
    _, version, of_contract, of_competence, first, last, generated = fields
    if version != VERSION:
        raise _error(1, "version", value=version)
    if of_contract != contract:
        raise _error(1, "other_contract", value=of_contract)
    if not _COMPETENCE.fullmatch(of_competence):
        raise _error(1, "competence", value=of_competence)
    if of_competence != str(competence):
        raise _error(1, "other_competence", value=of_competence)
    period_from, period_until = _day(first, "period_from"), _day(last, "period_until")
    if period_from > period_until:
        raise _error(1, "period", value=f"{first} > {last}")
    return Header(period_from, period_until, _instant(generated, 1, "generated_at"))


def parse_trailer(text: str, number: int) -> Totals:
    """The totals that a T line, line ``number`` of its file, declares; ``FileFormatError`` when they are none."""
    fields = text.split(SEPARATOR)
    _count_fields(fields, TRAILER_FIELDS, number)
    for field, value in (("records", fields[1]), ("billed_seconds", fields[2])):
        if not _COUNT.fullmatch(value):
            raise _error(number, "count", field=field, value=value)
    return Totals(int(fields[1]), int(fields[2]), _amount(fields[3], number))


def totals(records: Iterable[CallRecord]) -> Totals:
    """What the T line over ``records`` has to say."""
    listed = list(records)
    return Totals(len(listed), sum(one.duration for one in listed), Micros(sum(one.amount for one in listed)))


def deduplicate(
    records: Sequence[CallRecord], earlier: Iterable[CallIdentity] = ()
) -> tuple[list[CallRecord], list[CallRecord]]:
    """The records to keep and those dropped as repeats, each in file order (SUMMIT_API).

    A repeat has the id, or line, called, start and duration together, of a record seen before: one of ``earlier`` (the
    live records of the contract's earlier files) or any before it in this file, dropped ones too.
    """
    known = list(earlier)
    ids = {one.call_id for one in known}
    events = {one.event for one in known}
    kept: list[CallRecord] = []
    dropped: list[CallRecord] = []
    for record in records:
        identity = record.identity
        is_repeat = identity.call_id in ids or identity.event in events
        (dropped if is_repeat else kept).append(record)
        ids.add(identity.call_id)
        events.add(identity.event)
    return kept, dropped


def _lines(body: bytes) -> list[str]:
    text = _text(body.removeprefix(BOM)).replace("\r\n", "\n")
    if not text:
        raise _error(1, "empty_file")
    if found := _CONTROL.search(text):
        raise _error(text.count("\n", 0, found.start()) + 1, "control", value=f"0x{ord(found[0]):02X}")
    return text.removesuffix("\n").split("\n")


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError as cause:
        line = body.count(b"\n", 0, cause.start) + 1
        raise FileFormatError(line=line, cause="encoding", value=f"0x{body[cause.start]:02X}") from cause


def _record(fields: list[str], number: int) -> CallRecord:
    _count_fields(fields, RECORD_FIELDS, number)
    _, call_id, line, caller, called, started, duration, platform_class, carrier, csp, amount = fields
    for field, value in (("call_id", call_id), ("line", line), ("caller", caller), ("called", called)):
        if not value:
            raise _error(number, "empty", field=field)
    for field, value in (("call_id", call_id), ("class", platform_class), ("carrier", carrier), ("csp", csp)):
        if len(value) > LONGEST_TEXT:
            raise _error(number, "too_long", field=field, value=str(len(value)))
    if not _LINE.fullmatch(line):
        raise _error(number, "number", field="line", value=line)
    for field, value in (("caller", caller), ("called", called)):
        if not _DIALLED.fullmatch(value):
            raise _error(number, "number", field=field, value=value)
    if not _DURATION.fullmatch(duration):
        raise _error(number, "duration", field="duration", value=duration)
    started_at = _instant(started, number, "started_at")
    return CallRecord(
        call_id,
        line,
        caller,
        called,
        started_at,
        int(duration),
        platform_class,
        carrier,
        csp,
        _amount(amount, number),
    )


def _count_fields(fields: list[str], expected: int, number: int) -> None:
    if len(fields) != expected:
        raise _error(number, "fields", value=f"{len(fields)} ≠ {expected}")


def _day(text: str, field: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _error(1, "date", field=field, value=text)


def _instant(text: str, number: int, field: str) -> datetime:
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise _error(number, "instant", field=field, value=text)


def _amount(text: str, number: int) -> Micros:
    try:
        return micros_from_text(text)
    except InvalidInputError as cause:
        raise _error(number, "amount", field="amount", value=text) from cause


def _error(line: int, cause: str, *, field: str = "", value: str = "") -> FileFormatError:
    return FileFormatError(line=line, cause=cause, field=field, value=without_numbers(value[:_SHOWN]))
