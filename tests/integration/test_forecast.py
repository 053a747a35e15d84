"""Forecasts from rollups and charges, kept with the batch, and told beside what it charged (PRODUCT 3, 5 and 6)."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from stfc.adapters.calls import rollups
from stfc.adapters.read_model.engine import Engine
from stfc.adapters.read_model.forecast import forecasts, weekday_profile
from stfc.domain import text
from stfc.domain.competence import last_months
from stfc.domain.forecast import EVEN, Forecast, PastMonth, forecast, month_weight
from stfc.domain.money import Centavos
from stfc.services.ports import MonthImage, Rollup
from tests.builders import OCTOBER, LedgerInMemory, Month, an_item
from tests.ledgers import ANA, NOW, Ledger, charged

BEFORE = last_months(OCTOBER.plus(-1), 8)
pasts = st.lists(st.none() | st.integers(0, 10**11), min_size=8, max_size=8)
profiles = st.tuples(*7 * [st.integers(1, 7000)])
ENGINE = Engine()


def _images(past: dict[str, list[int | None]]) -> list[MonthImage]:
    ledger = LedgerInMemory(1)
    for place, month in enumerate(BEFORE):
        rows = [
            an_item(100 * place + n, contract=contract, amount=amounts[place])
            for n, (contract, amounts) in enumerate(past.items())
            if amounts[place] is not None
        ]
        ledger.put(month, Month(items=rows))
    return [image for _, image in sorted(ledger.images(BEFORE, {})[1].items())]


@given(st.dictionaries(st.sampled_from("abcde"), pasts, min_size=1), profiles)
@settings(max_examples=60)
def test_columns_give_what_the_definition_gives(
    past: dict[str, list[int | None]], weekdays: tuple[int, int, int, int, int, int, int]
) -> None:
    weight = month_weight(OCTOBER, weekdays)
    wanted = {}
    for contract, amounts in past.items():
        months = [
            PastMonth(Centavos(amount), month_weight(month, weekdays))
            for month, amount in zip(BEFORE, amounts, strict=True)
            if amount is not None
        ]
        if found := forecast(months, weight):
            wanted[contract] = (found.value, found.low, found.high)
    answer = forecasts(ENGINE, OCTOBER, _images(past), weekdays)
    assert {contract: tuple(rest) for contract, *rest in answer.iter_rows()} == wanted


def test_reversed_charges_are_no_past() -> None:
    ledger = LedgerInMemory(1)
    for place, month in enumerate(BEFORE[:2]):
        rows = [an_item(3 * place, contract="1"), an_item(3 * place + 1, contract="2")]
        ledger.put(month, Month(items=[*rows, an_item(3 * place + 2, contract="3", reversed=True)]))
    images = list(ledger.images(BEFORE[:2], {})[1].values())
    assert sorted(forecasts(ENGINE, OCTOBER, images, EVEN)["contract"]) == ["1", "2"]
    assert forecasts(ENGINE, OCTOBER, [], EVEN).height == 0


def test_the_week_has_the_shape_that_the_rollups_say(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    table = pa.table({"weekday": pa.array(range(5), pa.int8()), "micros": [100] * 5})
    pq.write_table(table, rollups.file(tmp_path / "r", "hours"))
    (image,) = _images({"a": [1] * 8})[-1:]
    with_rollup = MonthImage(**(vars(image) | {"rollup": Rollup("r", frozenset(), frozenset())}))
    shape = weekday_profile(ENGINE, tmp_path, [with_rollup])
    # Five Tuesdays and Wednesdays, four of the others.
    assert shape == (1521, 1217, 1217, 1521, 1521, 0, 0)
    assert weekday_profile(ENGINE, tmp_path, [image]) == EVEN


def test_a_batch_keeps_what_was_expected_and_tells_it_beside_what_it_charged(ledger: Ledger) -> None:
    foreseen = {"1": Forecast(Centavos(1000), Centavos(900), Centavos(1100)), "2": Forecast.announced(Centavos(50))}
    foreseen["9"] = Forecast.announced(Centavos(7))
    opened = ledger.batches.open(
        OCTOBER, ["1", "2", "3"], snapshot=1, actor=ANA, now=NOW, request_key=None, forecasts=foreseen
    )
    assert opened.items == 3
    told = ledger.batches.show(1).forecast
    assert told is not None
    assert (told.value, told.low, told.high, told.contracts, told.settled) == (1050, 950, 1150, 2, 0)
    assert text.hindsight(told, opened.items) == [
        "Previsto na abertura, em 2 de 3 contratos: R$ 10,50 (entre R$ 9,50 e R$ 11,50)"
    ]
    assert {item.contract: item.expected for item in ledger.batches.items(1)[1]} == {"1": 1000, "2": 50, "3": None}
    ledger.settle(ledger.claim(), {"1": charged(1080), "2": charged(60), "3": charged(5)})
    told = ledger.batches.show(1).forecast
    assert told is not None
    assert (told.value, told.settled, told.settled_expected, told.settled_amount, told.within) == (
        1050,
        2,
        1050,
        1140,
        1,
    )
    assert text.hindsight(told, opened.items)[1:] == [
        "em 2 já cobrados: R$ 11,40 de R$ 10,50 previstos",
        "diferença +R$ 0,90",
        "1 de 2 contratos dentro da faixa (50%)",
    ]


def test_a_batch_without_forecasts_says_nothing_of_them(ledger: Ledger) -> None:
    ledger.open("1")
    assert ledger.batches.show(1).forecast is None
