"""How values are written in Portuguese, by Babel on the server; nothing depends on the browser (SCREENS, *Formats*)."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_month_names
from babel.numbers import format_currency, format_decimal

from stfc.domain.area_codes import AREA_CODES
from stfc.domain.competence import Competence
from stfc.domain.money import reais_of_micros
from stfc.domain.numbers import region_of

LOCALE = "pt_BR"
ZONE = ZoneInfo("America/Sao_Paulo")
NOTHING = "—"
MINUS = "\N{MINUS SIGN}"
_REAL = "R$\N{NO-BREAK SPACE}"
_MONTHS = [get_month_names("abbreviated", locale=LOCALE)[number].rstrip(".") for number in range(1, 13)]
_DAYS = ("seg", "ter", "qua", "qui", "sex", "sáb", "dom")


def money(centavos: int | None) -> str:
    """``R$ 1.234,56`` from centavos; ``—`` from None."""
    if centavos is None:
        return NOTHING
    # Written by hand, as Babel would (a test compares them): a page of a table has hundreds of amounts.
    whole, cents = divmod(abs(centavos), 100)
    return f"{MINUS if centavos < 0 else ''}{_REAL}{_grouped(whole)},{cents:02d}"


def money_of_micros(micros: int | None) -> str:
    """``R$ 0,1105`` from micros: all decimals that the amount has, at least two; ``—`` from None."""
    if micros is None:
        return NOTHING
    exact = reais_of_micros(micros)
    places = max(2, -int(exact.as_tuple().exponent))
    return _currency(exact, f"¤ #,##0.{'0' * places}")


def money_cut(micros: int | None) -> str:
    """``R$ 1.234,56`` from micros, whole centavos, the fraction cut; ``—`` from None."""
    return NOTHING if micros is None else money(micros // 10_000)


def money_whole(centavos: int | None) -> str:
    """``R$ 104.872`` for large figures where centavos only distract, rounded half up; ``—`` from None."""
    if centavos is None:
        return NOTHING
    return _currency(Decimal((abs(centavos) + 50) // 100 * (1 if centavos >= 0 else -1)), "¤ #,##0")


def count(number: int | None) -> str:
    """``1.204``; ``—`` from None."""
    return NOTHING if number is None else _grouped(number)


def counted(number: int, one: str, many: str) -> str:
    """``1 contrato`` or ``1.204 contratos``."""
    return f"{count(number)} {one if number == 1 else many}"


def decimal(number: float | Decimal, places: int = 1) -> str:
    """``2,4``: a number with ``places`` decimals."""
    return format_decimal(number, format=f"#,##0.{'0' * places}" if places else "#,##0", locale=LOCALE)


def percent(part: float, whole: float = 1.0, places: int = 0) -> str:
    """``53%`` of ``part`` in ``whole``; ``—`` when the whole is nothing."""
    return NOTHING if not whole else decimal(100 * part / whole, places) + "%"


def signed(number: int | float | None, places: int = 0, unit: str = "") -> str:
    """``+1.204``, ``−8,4%`` (U+2212) or ``0``: a change, with its sign; ``—`` from None."""
    if number is None:
        return NOTHING
    sign = "+" if number > 0 else MINUS if number < 0 else ""
    return f"{sign}{decimal(abs(number), places)}{unit}"


def signed_money(centavos: int | None) -> str:
    """``+R$ 1.904,20``; ``—`` from None."""
    if centavos is None:
        return NOTHING
    sign = "+" if centavos > 0 else MINUS if centavos < 0 else ""
    return sign + money(abs(centavos))


def month(competence: Competence) -> str:
    """``out/2026``."""
    return f"{_MONTHS[competence.month - 1]}/{competence.year}"


def month_short(competence: Competence) -> str:
    """``out/26``, for axes and narrow places."""
    return f"{_MONTHS[competence.month - 1]}/{competence.year % 100:02d}"


def weekday(number: int) -> str:
    """``seg`` for 0 to ``dom`` for 6."""
    return _DAYS[number]


def day(value: date | None) -> str:
    """``12/10/2026``; ``—`` from None."""
    return NOTHING if value is None else f"{value:%d/%m/%Y}"


def moment(value: datetime | None, *, seconds: bool = False) -> str:
    """``12/10/2026 14:03`` (or with ``:27``), in America/Sao_Paulo, from an aware instant; ``—`` from None."""
    if value is None:
        return NOTHING
    return value.astimezone(ZONE).strftime("%d/%m/%Y %H:%M:%S" if seconds else "%d/%m/%Y %H:%M")


def clock(value: datetime | None, *, seconds: bool = False, millis: bool = False) -> str:
    """``14:32``, ``14:32:07`` or ``14:32:07,118``, in America/Sao_Paulo; ``—`` from None."""
    if value is None:
        return NOTHING
    local = value.astimezone(ZONE)
    if seconds:
        return f"{local:%H:%M:%S}"
    return f"{local:%H:%M:%S},{local.microsecond // 1000:03d}" if millis else f"{local:%H:%M}"


def duration(seconds: float | None) -> str:
    """``1 h 02 min 10 s``, ``31 min 08 s``, ``4 s``; ``—`` from None."""
    if seconds is None:
        return NOTHING
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{count(hours)} h {minutes:02d} min {left:02d} s"
    return f"{minutes} min {left:02d} s" if minutes else f"{left} s"


def span(seconds: float) -> str:
    """``menos de 1 min``, ``6 min``, ``1 h 20 min``: a duration where seconds only distract."""
    hours, minutes_left = divmod(int(seconds) // 60, 60)
    if hours:
        return f"{count(hours)} h {minutes_left:02d} min"
    return f"{minutes_left} min" if minutes_left else "menos de 1 min"


def elapsed(milliseconds: int | None) -> str:
    """``12 ms``, ``1,2 s``, ``30,0 s``, ``2 min 05 s``: how long a step took; ``—`` from None."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{decimal(milliseconds / 1000)} s" if milliseconds < 60_000 else duration(milliseconds / 1000)


def minutes(seconds: int | None) -> str:
    """``91.240``: whole minutes of call time, cut; ``—`` from None."""
    return NOTHING if seconds is None else count(seconds // 60)


def age(value: datetime | None, now: datetime) -> str:
    """``agora``, ``há 12 min``, ``há 2 h``, ``há 3 dias``; ``nunca`` from None."""
    if value is None:
        return "nunca"
    seconds = max(0, int((now - value).total_seconds()))
    if seconds < 60:
        return "agora"
    if seconds < 3600:
        return f"há {seconds // 60} min"
    if seconds < 48 * 3600:
        return f"há {seconds // 3600} h"
    return f"há {count(seconds // 86400)} dias"


def size(octets: int) -> str:
    """``48,2 KB``, ``3,1 MB``: thousands of 1,000."""
    if octets < 1000:
        return f"{octets} B"
    return f"{decimal(octets / 1000)} KB" if octets < 1_000_000 else f"{decimal(octets / 1_000_000)} MB"


def phone(number: str | None) -> str:
    """``(11) 3322-4455``, ``(11) 98765-4321``; other forms (0800, 190, international) as they are; ``—`` from None."""
    if not number:
        return NOTHING
    if len(number) in (10, 11) and number.isdigit() and not number.startswith("0"):
        return f"({number[:2]}) {number[2:-4]}-{number[-4:]}"
    return number


def document(digits: str | None) -> str:
    """``529.982.247-25`` or ``12.345.678/0001-95``: a CPF or CNPJ (letters too) with its marks; others as they are."""
    if not digits:
        return NOTHING
    if len(digits) == 11:
        return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"
    if len(digits) == 14:
        return f"{digits[:2]}.{digits[2:5]}.{digits[5:8]}/{digits[8:12]}-{digits[12:]}"
    return digits


@cache
def place(destination: str) -> str:
    """``São Paulo, SP (11)`` of a CN, ``Portugal (351)`` of ``+351``; services and odd numbers have no place."""
    if destination in AREA_CODES:
        area = AREA_CODES[destination]
        return f"{area.city}, {area.state} ({area.code})"
    if not destination.startswith("+"):
        return "Serviços e outros"
    country = destination[1:]
    region = region_of(country)
    name = Locale.parse(LOCALE).territories.get(region, "") if region else ""
    return f"{name} ({country})" if name else f"Internacional ({country})"


def plain(text: object) -> str:
    """Data made safe for a place that reads Markdown: every mark escaped, line ends made blanks, amounts kept whole."""
    return _escaped(whole(str(text)))


def whole(text: str) -> str:
    """A sentence whose amounts do not break between sign and figure."""
    return text.replace("R$ ", _REAL)


@lru_cache(maxsize=20_000)
def _escaped(text: str) -> str:
    marks = str.maketrans({mark: f"\\{mark}" for mark in r"\`*_{}[]()<>#+-.!|~$:"} | {"\n": " ", "\r": " "})
    return text.translate(marks)


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def _currency(amount: Decimal, pattern: str = "¤ #,##0.00") -> str:
    text = format_currency(amount, "BRL", format=pattern, locale=LOCALE, currency_digits=False)
    return whole(text).replace("-", MINUS)
