"""The columnar path through billing files: many small files joined, read once (ENGINE 1).

It never decides against a file. Whatever is not plainly of the agreed form sends that file alone to the reference
parser (``stfc.domain.billing_file.parse``), whose verdict and rows stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from stfc.domain.billing_file import (
    BOM,
    DIALLED_FORM,
    DURATION_FORM,
    LINE_FORM,
    LONGEST_TEXT,
    RECORD_FIELDS,
    SEPARATOR,
    BillingFile,
    Header,
    Totals,
    parse,
    parse_header,
    parse_trailer,
)
from stfc.domain.call import CallRecord
from stfc.domain.competence import Competence
from stfc.domain.money import MICROS_PER_REAL
from stfc.errors import FileFormatError

RECORDS = pl.Schema(
    {
        "file": pl.UInt32(),
        "call_id": pl.String(),
        "line": pl.String(),
        "caller": pl.String(),
        "called": pl.String(),
        "started_at": pl.Datetime("us", "UTC"),
        "offset_minutes": pl.Int16(),
        "duration": pl.Int32(),
        "platform_class": pl.String(),
        "carrier": pl.String(),
        "csp": pl.String(),
        "amount": pl.Int64(),
    }
)
"""A row per D line, in file order: ``file`` is the index of its file, ``amount`` in micros, ``duration`` in seconds."""

_FIELDS = ["kind", "call_id", "line", "caller", "called", "started", "duration"]
_FIELDS += ["platform_class", "carrier", "csp", "amount"]
_RAW = {name: pl.String() for name in _FIELDS}
_CONTROLS = bytes([*range(10), *range(11, 32), 127])
# Stricter than strptime, which takes a second 60; fractions and Z are left to the reference parser.
_PLAIN_INSTANT = (
    r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][+-](?:0[0-9]|1[0-4]):[0-5][0-9]$"
)
_AMOUNT = r"^[0-9]{1,9}(?:[.,][0-9]{1,6})?$"
_SECONDS_END = 19
_MICROS_PER_MINUTE = 60_000_000


@dataclass(frozen=True)
class FileHead:
    """What a good file says in its H and T lines."""

    header: Header
    declared: Totals


@dataclass(frozen=True)
class ParsedFiles:
    """The good files' records (``RECORDS``, in file order) and heads, and the bad files' errors, by file index.

    ``doubtful`` are the files that the reference parser decided.
    """

    records: pl.DataFrame
    heads: Mapping[int, FileHead]
    failures: Mapping[int, FileFormatError]
    doubtful: frozenset[int]


@dataclass(frozen=True)
class _Body:
    """A file split into its head and the bytes of its D lines, each ended by a line feed."""

    head: FileHead
    records: bytes
    count: int


def parse_files(files: Sequence[tuple[str, bytes]], competence: Competence) -> ParsedFiles:
    """The records of many files, each with the contract that it must be of.

    Verdict and rows are exactly those of the reference parser, file by file.
    """
    bodies: dict[int, _Body] = {}
    for index, (contract, body) in enumerate(files):
        plain = _split(body, contract, competence)
        if plain:
            bodies[index] = plain
    frame = _read(bodies)
    sure = set(frame["file"].unique().to_list()) | {index for index, body in bodies.items() if not body.count}
    heads = {index: bodies[index].head for index in sorted(sure)}
    frames = [frame]
    failures: dict[int, FileFormatError] = {}
    doubtful = frozenset(range(len(files))) - sure
    for index in sorted(doubtful):
        contract, body = files[index]
        try:
            parsed = parse(body, contract, competence)
        except FileFormatError as error:
            failures[index] = error
            continue
        heads[index] = _head_of(parsed)
        frames.append(_frame_of(index, parsed.records))
    records = frame if len(frames) == 1 else pl.concat(frames).sort("file", maintain_order=True)
    return ParsedFiles(records, heads, failures, doubtful)


def _split(body: bytes, contract: str, competence: Competence) -> _Body | None:
    """The file in three pieces; None where only the reference parser can tell."""
    plain = _plain(body.removeprefix(BOM))
    if plain is None:
        return None
    end = len(plain) - 1 if plain.endswith(b"\n") else len(plain)
    first, last = plain.find(b"\n"), plain.rfind(b"\n", 0, end)
    if first < 0:
        return None
    records = plain[first + 1 : last + 1]
    count = records.count(b"\n")
    if records.count(SEPARATOR.encode()) != (RECORD_FIELDS - 1) * count:
        return None
    try:
        header = parse_header(plain[:first].decode(), contract, competence)
        trailer = plain[last + 1 : end].decode()
        declared = parse_trailer(trailer, count + 2) if trailer.startswith("T" + SEPARATOR) else None
    except FileFormatError:
        return None
    return _Body(FileHead(header, declared), records, count) if declared else None


def _plain(body: bytes) -> bytes | None:
    """UTF-8 with line feeds only and no other control character; None when it is not to be had."""
    if not body.isascii():
        try:
            body = _utf8(body)
        except UnicodeDecodeError:
            return None
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
    return body if len(body.translate(None, _CONTROLS)) == len(body) else None


def _utf8(body: bytes) -> bytes:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252").encode()
    return body


def _read(bodies: Mapping[int, _Body]) -> pl.DataFrame:
    """The records of all files of ``bodies`` in which nothing is in doubt."""
    if not any(body.count for body in bodies.values()):
        return RECORDS.to_frame()
    try:
        raw = pl.read_csv(
            b"".join(body.records for body in bodies.values()),
            has_header=False,
            separator=SEPARATOR,
            schema=_RAW,
            quote_char=None,
            empty_string_is_null=False,
            extra_columns="raise",
            infer_schema=False,
        )
    except pl.exceptions.PolarsError:
        return _read_halves(bodies)
    counts = [body.count for body in bodies.values()]
    if raw.height != sum(counts):
        return _read_halves(bodies)
    file = pl.Series("file", np.repeat(np.fromiter(bodies, np.uint32, len(bodies)), counts))
    typed = raw.lazy().select(file, *_typed(), is_sure=_is_sure()).collect()
    # What a cast could not read is null, and a null is a doubt.
    is_sure = typed["is_sure"] & typed["started_at"].is_not_null() & typed["amount"].is_not_null()
    if not is_sure.all():
        doubtful = typed["file"].filter(~is_sure.fill_null(False)).unique()
        typed = typed.filter(~pl.col("file").is_in(doubtful.implode()))
    return typed.select(RECORDS.names())


def _read_halves(bodies: Mapping[int, _Body]) -> pl.DataFrame:
    """The same, after one file has upset the reading of all: it is left out, found by halving."""
    if len(bodies) == 1:
        return RECORDS.to_frame()
    items = list(bodies.items())
    middle = len(items) // 2
    return pl.concat([_read(dict(items[:middle])), _read(dict(items[middle:]))])


def _typed() -> list[pl.Expr]:
    started = pl.col("started")
    local = started.str.slice(0, _SECONDS_END).str.strptime(pl.Datetime("us"), "%Y-%m-%dT%H:%M:%S", strict=False)
    sign = pl.when(started.str.slice(_SECONDS_END, 1) == "-").then(-1).otherwise(1).cast(pl.Int16)
    hours = started.str.slice(_SECONDS_END + 1, 2).cast(pl.Int16, strict=False)
    minutes = started.str.slice(_SECONDS_END + 4, 2).cast(pl.Int16, strict=False)
    offset = sign * (hours * 60 + minutes)
    instant = local.cast(pl.Int64) - offset.cast(pl.Int64) * _MICROS_PER_MINUTE
    # Only what is an amount is multiplied: Polars raises where a wild number leaves the decimal.
    written = pl.when(_is_amount()).then(pl.col("amount"))
    amount = written.str.replace(",", ".", literal=True).str.to_decimal(scale=6) * MICROS_PER_REAL
    return [
        *(pl.col(name) for name in ("call_id", "line", "caller", "called", "platform_class", "carrier", "csp")),
        instant.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("started_at"),
        offset.alias("offset_minutes"),
        pl.col("duration").cast(pl.Int32, strict=False),
        amount.cast(pl.Int64, strict=False).alias("amount"),
    ]


def _is_sure() -> pl.Expr:
    texts = ("call_id", "platform_class", "carrier", "csp")
    return pl.all_horizontal(
        pl.col("kind") == "D",
        pl.col("call_id") != "",
        *(pl.col(name).str.len_bytes() <= LONGEST_TEXT for name in texts),
        pl.col("line").str.contains(f"^{LINE_FORM}$"),
        *(pl.col(name).str.contains(f"^{DIALLED_FORM}$") for name in ("caller", "called")),
        pl.col("started").str.contains(_PLAIN_INSTANT),
        pl.col("duration").str.contains(f"^{DURATION_FORM}$"),
        _is_amount(),
    )


def _is_amount() -> pl.Expr:
    return pl.col("amount").str.contains(_AMOUNT)


def _head_of(file: BillingFile) -> FileHead:
    return FileHead(Header(file.period_from, file.period_until, file.generated_at), file.declared)


def _frame_of(index: int, records: Sequence[CallRecord]) -> pl.DataFrame:
    rows = [
        (
            index,
            one.call_id,
            one.line,
            one.caller,
            one.called,
            one.started_at,
            _offset_minutes(one),
            one.duration,
            one.platform_class,
            one.carrier,
            one.csp,
            one.amount,
        )
        for one in records
    ]
    return pl.DataFrame(rows, schema=RECORDS, orient="row")


def _offset_minutes(record: CallRecord) -> int:
    offset = record.started_at.utcoffset()
    return 0 if offset is None else round(offset.total_seconds() / 60)
