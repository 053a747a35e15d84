"""Builders of billing files (SUMMIT_API): each test says only what matters to it."""

from collections.abc import Sequence

from stfc.domain.money import micros_from_text, plain_micros

HEADER = "H;1;4711;2026-10;2026-09-21;2026-10-20;2026-10-20T03:00:00-03:00"


def a_record(
    call_id: str = "c-000001",
    *,
    line: str = "1133224455",
    caller: str = "1133224455",
    called: str = "11987654321",
    started_at: str = "2026-09-21T08:03:11-03:00",
    duration: str = "67",
    platform_class: str = "VC1",
    carrier: str = "VIVO",
    csp: str = "15",
    amount: str = "0.11",
) -> str:
    """A D line without its end."""
    fields = ("D", call_id, line, caller, called, started_at, duration, platform_class, carrier, csp, amount)
    return ";".join(fields)


def a_file(
    *records: str,
    header: str = HEADER,
    contract: str | None = None,
    trailer: str | None = None,
    end: str = "\n",
) -> bytes:
    """A file of these D lines; without a ``trailer`` its T line agrees with them."""
    if contract:
        header = header.replace(";4711;", f";{contract};")
    return "".join(line + end for line in (header, *records, trailer or a_trailer(records))).encode()


def a_trailer(records: Sequence[str]) -> str:
    """The T line that agrees with ``records``."""
    fields = [record.split(";") for record in records]
    seconds = sum(int(one[6]) for one in fields)
    amount = sum(micros_from_text(one[10]) for one in fields)
    return f"T;{len(records)};{seconds};{plain_micros(amount)}"
