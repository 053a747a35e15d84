"""Exact money: integers inside, decimal text outside, never binary floating point (PRODUCT 6).

Two units, each an ``int``: *centavos* for what is charged and *micros* (1e-6 real) for a call's amount.
"""

import re
from decimal import Decimal
from typing import NewType

from stfc.errors import InvalidInputError

Centavos = NewType("Centavos", int)
Micros = NewType("Micros", int)

MICROS_PER_CENTAVO = 10_000
MICROS_PER_REAL = 1_000_000

PRICE_PLACES = 8
"""Decimals of a price per minute or of a connection (PRODUCT 6)."""
MOST_PRICE = 1_000
"""The highest price a minute, in reais: with a call of 999,999,999 s, the longest a file can write, the columnar
arithmetic stays below a fifth of an int64."""
_AMOUNT = re.compile(r"(\d{1,9})(?:[.,](\d{1,6}))?", re.ASCII)


def micros_from_text(text: str) -> Micros:
    """The amount that ``text`` writes: digits, a dot or a comma, up to 6 decimals, never negative.

    Raises:
        InvalidInputError: the text has another form (SUMMIT_API, the billing file).
    """
    match = _AMOUNT.fullmatch(text)
    if not match:
        raise InvalidInputError(field="amount", value=text, cause="amount")
    return Micros(int(match[1]) * MICROS_PER_REAL + int((match[2] or "").ljust(6, "0")))


def cut(micros: int) -> Centavos:
    """Whole centavos; the fraction is cut, not rounded: no customer pays a fraction of a centavo."""
    return Centavos(micros // MICROS_PER_CENTAVO)


def centavos_from_decimal(amount: Decimal) -> Centavos:
    """Centavos of a decimal amount in reais that has no fraction of a centavo.

    Raises:
        InvalidInputError: the amount has more than two decimals.
    """
    scaled = amount * 100
    if scaled != scaled.to_integral_value():
        raise InvalidInputError(field="amount", value=str(amount), cause="amount")
    return Centavos(int(scaled))


def price_units(price: Decimal) -> int:
    """A price or fee of at most 8 places as an integer of 1e-8 real."""
    return int(price.scaleb(PRICE_PLACES))


def reais(centavos: int) -> Decimal:
    """The amount in reais, two decimals."""
    return Decimal(centavos).scaleb(-2)


def reais_of_micros(micros: int) -> Decimal:
    """The amount in reais with all its decimals, up to six, at least two."""
    exact = Decimal(micros).scaleb(-6)
    trimmed = exact.normalize()
    exponent = trimmed.as_tuple().exponent
    return exact.quantize(Decimal("0.01")) if isinstance(exponent, int) and exponent > -2 else trimmed


def plain(centavos: int) -> str:
    """``123.45``: how JSON and exports write an amount."""
    return f"{reais(centavos):.2f}"


def plain_micros(micros: int) -> str:
    """``0.110500``'s shortest exact form with at least two decimals, ``0.1105``."""
    return f"{reais_of_micros(micros):f}"
