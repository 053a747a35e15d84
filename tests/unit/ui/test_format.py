"""How values are written in Portuguese."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from babel.numbers import format_currency, format_decimal
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.competence import Competence
from stfc.ui import format as fmt

NOW = datetime(2026, 10, 12, 17, 3, 27, 118_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (fmt.money(123456), "R$\xa01.234,56"),
        (fmt.money(0), "R$\xa00,00"),
        (fmt.money(-5), "−R$\xa00,05"),
        (fmt.money(None), "—"),
        (fmt.money_of_micros(110_500), "R$\xa00,1105"),
        (fmt.money_of_micros(550_000), "R$\xa00,55"),
        (fmt.money_of_micros(1), "R$\xa00,000001"),
        (fmt.money_cut(119_999), "R$\xa00,11"),
        (fmt.money_whole(10_487_249), "R$\xa0104.872"),
        (fmt.money_whole(10_487_250), "R$\xa0104.873"),
        (fmt.count(1204), "1.204"),
        (fmt.counted(1, "contrato", "contratos"), "1 contrato"),
        (fmt.counted(1204, "contrato", "contratos"), "1.204 contratos"),
        (fmt.percent(760, 1432), "53%"),
        (fmt.percent(0, 0), "—"),
        (fmt.signed(-8.4, 1, "%"), "−8,4%"),
        (fmt.signed(6), "+6"),
        (fmt.signed(0), "0"),
        (fmt.signed_money(190_420), "+R$\xa01.904,20"),
        (fmt.month(Competence(2026, 10)), "out/2026"),
        (fmt.month_short(Competence(2025, 12)), "dez/25"),
        (fmt.month_short(Competence(2005, 1)), "jan/05"),
        (fmt.weekday(0), "seg"),
        (fmt.weekday(6), "dom"),
        (fmt.day(date(2026, 10, 2)), "02/10/2026"),
        (fmt.moment(NOW), "12/10/2026 14:03"),
        (fmt.moment(NOW, seconds=True), "12/10/2026 14:03:27"),
        (fmt.clock(NOW), "14:03"),
        (fmt.clock(NOW, millis=True), "14:03:27,118"),
        (fmt.duration(3730), "1 h 02 min 10 s"),
        (fmt.duration(1868), "31 min 08 s"),
        (fmt.duration(4), "4 s"),
        (fmt.span(59), "menos de 1 min"),
        (fmt.span(380), "6 min"),
        (fmt.span(4800), "1 h 20 min"),
        (fmt.elapsed(12), "12 ms"),
        (fmt.elapsed(30_000), "30,0 s"),
        (fmt.elapsed(125_000), "2 min 05 s"),
        (fmt.minutes(119), "1"),
        (fmt.size(48_200), "48,2 KB"),
        (fmt.phone("1133224455"), "(11) 3322-4455"),
        (fmt.phone("11987654321"), "(11) 98765-4321"),
        (fmt.phone("08001234567"), "08001234567"),
        (fmt.phone("190"), "190"),
        (fmt.document("52998224725"), "529.982.247-25"),
        (fmt.document("12ABC34501DE35"), "12.ABC.345/01DE-35"),
    ],
)
def test_value_is_written_as_people_read_it(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=-3), "agora"),
        (timedelta(seconds=59), "agora"),
        (timedelta(minutes=1), "há 1 min"),
        (timedelta(minutes=59, seconds=59), "há 59 min"),
        (timedelta(hours=47, minutes=59), "há 47 h"),
        (timedelta(hours=48), "há 2 dias"),
    ],
)
def test_age_grows_coarser(ago: timedelta, words: str) -> None:
    assert fmt.age(NOW - ago, NOW) == words


@given(st.integers(min_value=0, max_value=10**15))
def test_money_keeps_every_centavo(centavos: int) -> None:
    digits = fmt.money(centavos).removeprefix("R$\xa0").replace(".", "").replace(",", ".")
    assert Decimal(digits) * 100 == centavos


@given(st.integers(min_value=-(10**13), max_value=10**13))
def test_amounts_and_counts_are_written_as_babel_writes_them(number: int) -> None:
    by_babel = format_currency(Decimal(number).scaleb(-2), "BRL", locale="pt_BR")
    assert fmt.money(number) == by_babel.replace("-", fmt.MINUS)
    assert fmt.count(number) == format_decimal(number, locale="pt_BR")


@given(st.text(max_size=80))
def test_escaped_text_has_no_bare_mark(text: str) -> None:
    written = fmt.plain(text)
    assert "\n" not in written
    for mark in "*_[]`<>:#":
        assert written.count(mark) == written.count(f"\\{mark}")
