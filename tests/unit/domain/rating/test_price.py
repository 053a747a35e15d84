"""The price of a call and its steps (PRODUCT 6, PLANS)."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain import text
from stfc.domain.call import CallClass, CallRecord
from stfc.domain.money import Micros, cut
from stfc.domain.plan import Band, Cadence, Plan, plans_of
from stfc.domain.plan_file import parse
from stfc.domain.rating.price import PriceSteps, billed_seconds, price_again, rate, time_band

SAMPLE = Path(__file__).parents[4] / "data" / "plans" / "exemplo.toml"
PERIOD_FROM = date(2026, 9, 21)
OLD_RULE = Cadence(30, 6, 3)


def a_plan(body: str = "", *, price: str = 'LOCAL = "0.10"\nVC1 = "0.79"', head: str = "") -> Plan:
    """A plan from 2026 on, of the default cadence; ``body`` is TOML behind its prices, ``head`` before them."""
    text = f'[[plan]]\ncode = "p"\nname = "P"\nvalid_from = 2026-01-01\n{head}\n[plan.price]\n{price}\n{body}'
    return plans_of(parse(text.encode()))["p"]


def a_call(called: str = "32224455", *, duration: int = 60, **changes: str) -> CallRecord:
    """A call of Monday 5 October 2026, 10:00, from a line in São Paulo."""
    started_at = datetime.fromisoformat(changes.get("started_at", "2026-10-05T10:00:00-03:00"))
    line = changes.get("line", "1133224455")
    call_id = changes.get("call_id", "c-1")
    return CallRecord(call_id, line, line, called, started_at, duration, "", "", "", Micros(0))


def priced(plan: Plan, *calls: CallRecord) -> list[PriceSteps]:
    return rate(calls, plan, PERIOD_FROM)


@pytest.mark.parametrize(
    ("duration", "seconds", "centavos"), [(0, 0, 0), (3, 0, 0), (4, 30, 5), (30, 30, 5), (31, 36, 6), (61, 66, 11)]
)
def test_cadence_of_the_old_rule(duration: int, seconds: int, centavos: int) -> None:
    plan = a_plan(head="cadence = { minimum = 30, increment = 6, tolerance = 3 }")
    (steps,) = priced(plan, a_call(duration=duration))
    assert (steps.billed_seconds, steps.price) == (seconds, centavos)
    assert billed_seconds(duration, OLD_RULE) == seconds


def test_without_tolerance_one_second_is_billed() -> None:
    assert billed_seconds(1, Cadence()) == 30


def test_fraction_of_a_centavo_is_cut() -> None:
    (steps,) = priced(a_plan(), a_call("987654321", duration=42))
    assert steps.exact == Decimal("0.553")
    assert steps.price == 55


@pytest.mark.parametrize(
    ("start", "band"),
    [
        ("2026-10-05 06:59:59", Band.REDUCED),
        ("2026-10-05 07:00:00", Band.NORMAL),
        ("2026-10-05 20:59:59", Band.NORMAL),
        ("2026-10-05 21:00:00", Band.REDUCED),
        ("2026-10-10 12:00:00", Band.NORMAL),
        ("2026-10-11 12:00:00", Band.REDUCED),
        ("2026-10-12 12:00:00", Band.REDUCED),
        ("2026-11-20 12:00:00", Band.REDUCED),
        ("2026-06-04 12:00:00", Band.NORMAL),
    ],
    ids=["early", "seven", "before nine", "nine", "Saturday", "Sunday", "Aparecida", "Zumbi", "Corpus Christi"],
)
def test_band_is_normal_on_working_days_and_saturdays_from_seven_to_nine(start: str, band: Band) -> None:
    assert time_band(datetime.fromisoformat(start)) is band


@pytest.mark.parametrize(("line", "band"), [("1133224455", Band.NORMAL), ("9232224455", Band.REDUCED)])
def test_band_goes_by_the_clock_of_the_line(line: str, band: Band) -> None:
    (steps,) = priced(a_plan(), a_call(line=line, started_at="2026-10-05T07:30:00-03:00"))
    assert steps.band is band


def test_price_is_that_of_the_version_of_the_day_in_the_lines_zone() -> None:
    text = b"".join(
        b'[[plan]]\ncode = "p"\nname = "P"\nvalid_from = %s\n[plan.price]\nLOCAL = "%s"\n' % pair
        for pair in ((b"2026-10-05", b"2.00"), (b"2026-01-01", b"1.00"))
    )
    plan = plans_of(parse(text))["p"]
    midnight = "2026-10-05T00:00:00-03:00"
    calls = [a_call(started_at=midnight), a_call(started_at=midnight, line="6832224455")]
    assert [steps.price for steps in priced(plan, *calls)] == [200, 100]


def test_call_before_the_first_version_has_no_price() -> None:
    (steps,) = priced(a_plan(), a_call(started_at="2025-12-31T10:00:00-03:00"))
    assert steps.version is None
    assert steps.lacks_tariff


@pytest.mark.parametrize(
    ("called", "duration", "lacks"), [("*144", 10, True), ("*144", 0, False), ("0800123456", 5, True)]
)
def test_answered_call_without_a_price_lacks_a_tariff(called: str, duration: int, lacks: bool) -> None:
    (steps,) = priced(a_plan(), a_call(called, duration=duration))
    assert steps.lacks_tariff is lacks
    assert steps.price == (None if lacks else 0)


def test_longest_prefix_gives_the_price_and_the_class_the_rest() -> None:
    plan = plans_of(parse(SAMPLE.read_bytes()))["exemplo-500"]
    abroad = ["0015" + number for number in ("12125550123", "18095550123", "351212345678", "81312345678")]
    found = priced(plan, *(a_call(number, call_id=number) for number in abroad))
    assert [steps.price for steps in found] == [140, 235, 148, 370]
    assert [steps.tariff.country.name if steps.tariff and steps.tariff.country else "" for steps in found] == [
        "EUA e Canadá",
        "República Dominicana",
        "Portugal",
        "",
    ]


# --- Allowances ----------------------------------------------------------------------------------------------------

ONE_MINUTE = '[[plan.allowance]]\nclasses = ["LOCAL"]\nminutes = 1\n'
FEE = '[plan.connection]\nLOCAL = "0.50"\n'


def test_allowance_goes_by_start_and_splits_the_call_that_crosses_its_end() -> None:
    second = a_call(duration=42, call_id="b", started_at="2026-10-06T10:00:00-03:00")
    first = a_call(duration=30, call_id="a")
    third = a_call(duration=30, call_id="c", started_at="2026-10-07T10:00:00-03:00")
    found = priced(a_plan(ONE_MINUTE), second, first, third)
    assert [steps.allowance_seconds for steps in found] == [30, 30, 0]
    # 12 of 42 seconds are left to pay: 0.10 * 12 / 60 = 0.02.
    assert [steps.price for steps in found] == [2, 0, 5]


def test_calls_of_one_instant_go_by_their_id() -> None:
    found = priced(a_plan(ONE_MINUTE), a_call(call_id="b"), a_call(call_id="a"))
    assert [steps.price for steps in found] == [10, 0]


def test_call_inside_the_allowance_pays_no_connection_and_a_split_one_pays_it_whole() -> None:
    inside, split, after = (a_call(duration=36, call_id=name) for name in "abc")
    found = priced(a_plan(FEE + ONE_MINUTE), inside, split, after)
    assert [steps.price for steps in found] == [0, 52, 56]
    assert [steps.pays_connection for steps in found] == [False, True, True]


def test_each_line_has_its_own_allowance() -> None:
    lines = "1133224455", "1133224456"
    calls = [a_call(line=line, call_id=f"{line}{turn}") for turn in "ab" for line in lines]
    found = priced(a_plan(ONE_MINUTE + 'scope = "line"'), *calls)
    assert [steps.price for steps in found] == [0, 0, 10, 10]


def test_own_allowance_goes_before_a_shared_one_wherever_it_stands_in_the_file() -> None:
    plan = a_plan(ONE_MINUTE + ONE_MINUTE + 'scope = "line"')
    (steps,) = priced(plan, a_call(duration=90))
    assert [(use.allowance.scope.value, use.seconds) for use in steps.uses] == [("line", 60), ("contract", 30)]


def test_calls_that_cost_nothing_by_class_consume_nothing() -> None:
    plan = a_plan(
        '[[plan.allowance]]\nclasses = ["LOCAL", "TOLL_FREE"]\nminutes = 1', price='LOCAL = "0.10"\nTOLL_FREE = "0"'
    )
    found = priced(plan, a_call("08001234567", call_id="a"), a_call(call_id="b"))
    assert [steps.allowance_seconds for steps in found] == [0, 60]


def test_allowances_are_those_of_the_version_in_force_when_the_period_begins() -> None:
    old = f'[[plan]]\ncode = "p"\nname = "P"\nvalid_from = 2026-01-01\n[plan.price]\nLOCAL = "1"\n{ONE_MINUTE}'
    new = '[[plan]]\ncode = "p"\nname = "P"\nvalid_from = 2026-10-01\n[plan.price]\nLOCAL = "2"\n'
    plan = plans_of(parse((old + new).encode()))["p"]
    (steps,) = priced(plan, a_call(duration=90))
    assert (steps.allowance_seconds, steps.price) == (60, 100)
    assert rate([a_call(duration=90)], plan, date(2026, 10, 1))[0].price == 300


# --- Proof ---------------------------------------------------------------------------------------------------------

prices = st.decimals(0, 1_000, places=8)


@given(prices, prices, st.integers(1, 999_999_999))
def test_price_is_the_whole_centavos_of_the_exact_fraction(price: Decimal, fee: Decimal, duration: int) -> None:
    plan = a_plan(f'[plan.connection]\nLOCAL = "{fee:f}"', price=f'LOCAL = "{price:f}"')
    (steps,) = priced(plan, a_call(duration=duration))
    e8 = 100_000_000
    assert steps.price == (int(price * e8) * steps.billed_seconds + 60 * int(fee * e8)) // 60_000_000


@given(st.integers(0, 200), st.sampled_from(["32224455", "987654321", "0015351212345678", "*144"]), st.integers(0, 23))
def test_steps_can_be_had_again_from_version_and_call(duration: int, called: str, hour: int) -> None:
    zone = timezone(timedelta(hours=-3))
    start = datetime(2026, 10, 5, hour, tzinfo=zone).isoformat()
    plan = plans_of(parse(SAMPLE.read_bytes()))["exemplo-500"]
    (steps,) = priced(plan, a_call(called, duration=duration, started_at=start))
    assert steps.version
    assert price_again(a_call(called, duration=duration, started_at=start), steps.version, steps.uses) == steps


def test_steps_hold_every_fact_of_the_price() -> None:
    (steps,) = priced(a_plan(ONE_MINUTE + FEE), a_call("90901132224455", duration=67))
    assert (steps.call_class, steps.number) == (CallClass.LOCAL, "1132224455")
    assert (steps.duration, steps.billed_seconds, steps.allowance_seconds, steps.priced_seconds) == (67, 72, 60, 12)
    assert steps.exact == Decimal("0.52")
    assert cut(520_000) == steps.price == 52


def test_steps_read_in_portuguese() -> None:
    plan = plans_of(parse(SAMPLE.read_bytes()))["exemplo-500"]
    mobile = [
        a_call("987654321", duration=1_750, call_id="a", started_at="2026-10-12T22:14:05-03:00"),
        a_call("987654321", duration=67, call_id="b", started_at="2026-10-13T22:14:05-03:00"),
    ]
    assert text.price_steps(priced(plan, *mobile)[1]) == [
        ("Número", "discado 9****-4321, lido como (11) 9****-4321"),
        ("Classe", "VC1"),
        ("Horário", "13/10/2026 às 22:14:05 no fuso da linha: horário reduzido"),
        ("Plano", "exemplo-500, versão de 01/01/2026"),
        ("Cadência", "67 s; mínimo de 30 s, de 6 em 6 s: 72 s tarifados"),
        ("Franquia", "30 min da linha (VC1): 48 s sem custo, restam 24 s"),
        ("Tarifa", "R$ 0,38 por minuto"),
        ("Valor exato", "R$ 0,38 × 24 s ÷ 60 = R$ 0,152"),
        ("Preço", "R$ 0,15, sem a fração de centavo"),
    ]
    assert text.price_steps(priced(plan, a_call("0015351212345678"))[0])[-3:] == [
        ("Conexão", "R$ 0,50 por ligação"),
        ("Valor exato", "R$ 0,98 × 60 s ÷ 60 + R$ 0,50 = R$ 1,48"),
        ("Preço", "R$ 1,48"),
    ]


@pytest.mark.parametrize(
    ("called", "duration", "last"),
    [
        ("32224455", 0, "Não atendida: nada é cobrado"),
        ("32224455", 60, "Nada fica por pagar: R$ 0,00"),
        ("08001234567", 60, "O plano não tem preço para esta ligação"),
    ],
)
def test_steps_end_where_nothing_is_to_be_paid(called: str, duration: int, last: str) -> None:
    (steps,) = priced(a_plan(ONE_MINUTE), a_call(called, duration=duration))
    assert text.price_steps(steps)[-1][1] == last


def test_steps_of_a_day_before_the_plan_say_so() -> None:
    (steps,) = priced(a_plan(), a_call(started_at="2025-12-25T10:00:00-03:00"))
    said = text.price_steps(steps)
    assert said[2:] == [
        ("Horário", "25/12/2025 às 10:00:00 no fuso da linha, feriado nacional (Natal): horário reduzido"),
        ("Plano", "Nenhuma versão do plano vale nesse dia: sem preço"),
    ]
