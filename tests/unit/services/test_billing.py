"""*Gerar Cobrança*: roles, preview, opening and reversing on stand-ins (PRODUCT 3, 5)."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from stfc.domain.eligibility import Rule
from stfc.domain.forecast import Forecast
from stfc.domain.money import Centavos
from stfc.errors import ConnectionBrokenError, NotAllowedError, NotFoundError, NotPossibleError
from stfc.services.billing import Billing
from stfc.services.ports import Actor, OpenedBatch
from tests.fakes import OCTOBER, FakeBatches, FakeGateway, FakeReadModel, FakeSnapshots, a_descriptor, clock

ANA = Actor("ana", "operator", "tela")
EVA = Actor("eva", "supervisor", "tela")


def _billing(**changes: Any) -> tuple[Billing, FakeBatches]:
    batches = changes.pop("batches", FakeBatches())
    gateway = changes.pop("gateway", FakeGateway())
    parts: dict[str, Any] = {"read_model": FakeReadModel(), "snapshots": FakeSnapshots()} | changes
    return Billing(batches=batches, gateway=lambda: gateway, clock=clock, **parts), batches


@pytest.mark.parametrize(
    "act",
    [
        lambda billing, who: billing.open(OCTOBER, None, who),
        lambda billing, who: billing.retry(1, who),
        lambda billing, who: billing.cancel(1, who),
        lambda billing, who: billing.reverse(1, who, reason="x"),
    ],
)
def test_a_supervisor_launches_nothing(act: Callable[[Billing, Actor], object]) -> None:
    billing, batches = _billing()
    with pytest.raises(NotAllowedError):
        act(billing, EVA)
    assert batches.calls == []
    act(billing, ANA)
    act(billing, Actor("ivo", "manager", "tela"))
    assert len(batches.calls) == 2


def test_all_in_the_list_are_opened() -> None:
    billing, batches = _billing(read_model=FakeReadModel(failed={"2": Rule.NORMAL}))
    assert billing.open(OCTOBER, None, ANA, request_key="k") == OpenedBatch(1, 2, {})
    assert batches.calls[0][1]["contracts"] == ["1", "3"]
    assert batches.calls[0][1]["request_key"] == "k"


def test_a_chosen_contract_that_is_not_in_the_list_is_refused_with_its_rule() -> None:
    billing, _ = _billing(read_model=FakeReadModel(failed={"2": Rule.NORMAL}))
    assert billing.open(OCTOBER, ["2", "1", "1"], ANA) == OpenedBatch(1, 1, {"2": "normal_status"})


def test_an_unknown_contract_opens_nothing() -> None:
    billing, batches = _billing()
    with pytest.raises(NotFoundError):
        billing.open(OCTOBER, ["1", "77"], ANA)
    assert batches.calls == []


def test_without_an_import_nothing_can_be_billed() -> None:
    billing, _ = _billing(snapshots=FakeSnapshots(number=None))
    with pytest.raises(NotPossibleError):
        billing.open(OCTOBER, None, ANA)


def test_an_import_that_comes_between_makes_it_judge_again() -> None:
    billing, batches = _billing(batches=FakeBatches(stale=2))
    assert billing.open(OCTOBER, ["1"], ANA).items == 1
    assert billing.reverse(1, ANA, reason=" motivo ") == 1
    assert [name for name, _ in batches.calls] == ["open", "open", "open", "reverse"]
    facts = batches.calls[-1][1]
    assert (facts["reason"], facts["invoiced"], facts["snapshot"]) == ("motivo", {"STFC-9"}, 1)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reversal_needs_a_reason(reason: str) -> None:
    billing, batches = _billing()
    with pytest.raises(NotPossibleError):
        billing.reverse(1, ANA, reason=reason)
    assert batches.calls == []


def _usual(contract: str, amount: int | None, *cautions: str) -> SimpleNamespace:
    foreseen = None if amount is None else Forecast(Centavos(amount), Centavos(amount - 20), Centavos(amount + 20))
    return SimpleNamespace(
        contract=contract, customer="C", calls=5, amount=amount, cautions=cautions, forecast=foreseen
    )


def test_a_preview_takes_the_platforms_word_first_then_history() -> None:
    usual = [_usual("1", 100, "no_plan"), _usual("2", 300, "no_plan"), _usual("3", None)]
    gateway = FakeGateway(
        descriptors={
            "1": a_descriptor("1", amount=9_999_999, records=8),
            "2": a_descriptor("2", available=False),
            "3": a_descriptor("3", amount=None),
        }
    )
    billing, batches = _billing(read_model=FakeReadModel(usual=usual), gateway=gateway)
    preview = billing.preview(OCTOBER, ["1", "2", "3"])
    assert (preview.contracts, preview.from_platform, preview.from_history) == (3, 1, 1)
    assert (preview.expected_calls, preview.expected_amount) == (8 + 5, 999 + 300)
    assert preview.warnings == {"no_plan": 2}
    assert (preview.expected_low, preview.expected_high) == (999 + 280, 999 + 320)
    assert [(s.contract, s.expected, s.usual, s.is_outside) for s in preview.surprises] == [("1", 999, 100, True)]
    assert batches.calls == []


def test_a_preview_of_many_asks_for_the_listing_once_and_says_when_the_platform_is_down() -> None:
    usual = [_usual(str(n), 100) for n in range(21)]
    gateway = FakeGateway(down=ConnectionBrokenError(cause="x"))
    billing, _ = _billing(read_model=FakeReadModel(usual=usual), gateway=gateway)
    preview = billing.preview(OCTOBER, [str(n) for n in range(21)])
    assert (preview.platform_code, preview.from_history, preview.expected_amount) == ("SUM-NET", 21, 2100)
    assert gateway.asked == ["month"]


def test_surprises_are_the_ten_largest_differences_from_the_forecast_in_order() -> None:
    usual = [_usual(str(n), 100) for n in range(12)]
    descriptors = {str(n): a_descriptor(str(n), amount=(100 + n * (-1) ** n) * 10_000) for n in range(12)}
    billing, _ = _billing(read_model=FakeReadModel(usual=usual), gateway=FakeGateway(descriptors=descriptors))
    preview = billing.preview(OCTOBER, [str(n) for n in range(12)])
    assert [s.contract for s in preview.surprises] == ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2"]
    assert not any(s.is_outside for s in preview.surprises)


def test_a_batch_keeps_what_the_preview_said_and_else_what_history_says() -> None:
    gateway = FakeGateway(descriptors={"1": a_descriptor("1", amount=9_990_000)})
    billing, batches = _billing(read_model=FakeReadModel(usual=[_usual("1", 100)]), gateway=gateway)
    seen = billing.preview(OCTOBER, ["1"])
    billing.open(OCTOBER, ["1"], ANA, preview=seen)
    billing.open(OCTOBER, ["1"], ANA)
    billing.open(OCTOBER.plus(1), ["1"], ANA, preview=seen)
    assert [facts["forecasts"]["1"].value for _, facts in batches.calls] == [999, 10, 10]  # type: ignore[index]
