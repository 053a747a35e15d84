"""The platform's JSON, read with suspicion: values of the domain, or ``ServerFaultError`` (SUMMIT_API)."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.money import MICROS_PER_CENTAVO, Centavos, Micros, micros_from_text
from stfc.errors import InvalidInputError, ServerFaultError
from stfc.services.ports import PlatformInvoice

_SHA256 = re.compile(r"[0-9a-f]{64}")
_Value = TypeVar("_Value")


def document(body: bytes) -> dict[str, Any]:
    """The JSON object that ``body`` holds."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise ServerFaultError(cause="json") from cause
    if not isinstance(found, dict):
        raise ServerFaultError(cause="json")
    return found


def problem_code(body: bytes) -> str | None:
    """The member ``code`` of a problem document; None when the body is none."""
    try:
        code = document(body).get("code")
    except ServerFaultError:
        return None
    return code if isinstance(code, str) else None


def items(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects in ``items``."""
    found = answer.get("items")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ServerFaultError(cause="form")
    return found


def next_cursor(page: Mapping[str, Any]) -> str | None:
    """Where the listing goes on, None at its end."""
    return _optional(page, "next_cursor", _text)


def descriptor(raw: Mapping[str, Any], competence: Competence, contract: str | None = None) -> Descriptor:
    """The descriptor of ``competence`` that ``raw`` holds, and of ``contract`` when one was asked for."""
    period = {} if raw.get("period") is None else raw["period"]
    status = _needed(raw, "status", _text)
    if not isinstance(period, dict) or status not in ("available", "processing"):
        raise ServerFaultError(cause="form")
    found = Descriptor(
        contract=_needed(raw, "contract", _text),
        competence=_needed(raw, "competence", _competence),
        available=status == "available",
        href=_optional(raw, "href", _text) or "",
        closed_at=_optional(raw, "closed_at", _instant),
        period_from=_optional(period, "from", _day),
        period_until=_optional(period, "until", _day),
        records=_optional(raw, "records", _count),
        billed_seconds=_optional(raw, "billed_seconds", _count),
        amount=_optional(raw, "amount", _micros),
        sha256=_optional(raw, "sha256", _sha256),
    )
    if found.competence != competence or contract not in (None, found.contract) or (found.available and not found.href):
        raise ServerFaultError(cause="other_file")
    return found


def invoice(raw: Mapping[str, Any]) -> PlatformInvoice:
    """A bill of the platform."""
    return PlatformInvoice(
        number=_needed(raw, "number", _text),
        competence=_needed(raw, "competence", _competence),
        issued_on=_needed(raw, "issued_on", _day),
        due_on=_needed(raw, "due_on", _day),
        amount=_needed(raw, "amount", _centavos),
        status=_needed(raw, "status", _text),
        items=tuple((_needed(item, "description", _text), _needed(item, "amount", _centavos)) for item in items(raw)),
    )


def status(raw: Mapping[str, Any]) -> str:
    """The member ``status``."""
    return _needed(raw, "status", _text)


def version(raw: Mapping[str, Any]) -> str:
    """The member ``version``."""
    return _needed(raw, "version", _text)


def _needed(raw: Mapping[str, Any], name: str, read: Callable[[Any], _Value]) -> _Value:
    try:
        return read(raw.get(name))
    except (ValueError, InvalidInputError) as cause:
        raise ServerFaultError(cause="form", field=name) from cause


def _optional(raw: Mapping[str, Any], name: str, read: Callable[[Any], _Value]) -> _Value | None:
    return None if raw.get(name) is None else _needed(raw, name, read)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("text")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("count")
    return value


def _sha256(value: Any) -> str:
    lowered = _text(value).lower()
    if not _SHA256.fullmatch(lowered):
        raise ValueError("sha256")
    return lowered


def _micros(value: Any) -> Micros:
    return micros_from_text(_text(value))


def _centavos(value: Any) -> Centavos:
    micros = _micros(value)
    if micros % MICROS_PER_CENTAVO:
        raise ValueError("centavos")
    return Centavos(micros // MICROS_PER_CENTAVO)


def _competence(value: Any) -> Competence:
    return Competence.parse(_text(value))


def _day(value: Any) -> date:
    return date.fromisoformat(_text(value))


def _instant(value: Any) -> datetime:
    found = datetime.fromisoformat(_text(value))
    if found.tzinfo is None:
        raise ValueError("offset")
    return found
