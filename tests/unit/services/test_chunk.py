"""``process_chunk``: what each way of fetching comes to (PRODUCT 5, 10)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from stfc.domain.outcome import Charged, Failed, NotAvailable, Outcome, Postponed, Unfinished
from stfc.errors import (
    CredentialsRefusedError,
    FileNotAvailableError,
    ServerFaultError,
    StorageError,
    SubscriberUnknownError,
    ThrottledError,
)
from stfc.services import chunk
from stfc.services.ports import ChunkResult, ChunkSpec, ClaimedItem, LiveCalls
from tests.fakes import OCTOBER, FakeAssessor, FakeCallStore, FakeGateway, a_descriptor, clock


def _run(
    gateway: FakeGateway, *contracts: str, store: FakeCallStore | None = None, places: int = 8, **outcomes: Outcome
) -> ChunkResult:
    items = tuple(ClaimedItem(n, n * 10, contract, 0) for n, contract in enumerate(contracts, start=1))
    spec = ChunkSpec(1, OCTOBER, items, Path("snapshot"), LiveCalls(1, (), frozenset()))
    fetched = asyncio.run(_fetched(spec, gateway, places))
    return chunk.finish(spec, fetched, FakeAssessor(outcomes), store or FakeCallStore())


async def _fetched(spec: ChunkSpec, gateway: FakeGateway, places: int) -> chunk.Haul:
    return await chunk.fetch(spec, chunk.Lane(gateway, places=places, patience=0.05), clock)


def test_a_result_for_every_item_in_order_and_a_part_for_what_is_charged() -> None:
    store = FakeCallStore()
    result = _run(FakeGateway(), "1", "2", store=store)
    assert [(one.item, one.claim, one.contract) for one in result.results] == [(1, 10, "1"), (2, 20, "2")]
    assert all(isinstance(one.outcome, Charged) for one in result.results)
    assert result.part is not None
    assert len(store.written) == 1
    assert [line.event for line in result.results[0].log] == ["asked", "described", "fetched"]


def test_without_calls_there_is_no_part() -> None:
    store = FakeCallStore()
    assert _run(FakeGateway(descriptors={"1": a_descriptor("1", available=False)}), "1", store=store).part is None
    assert store.written == []


def test_a_stalled_file_is_handed_back_and_does_not_hold_the_others() -> None:
    result = _run(FakeGateway(stalls=frozenset({"2"})), "1", "2", "3")
    assert [type(one.outcome) for one in result.results] == [Charged, Unfinished, Charged]
    assert result.results[1].log[-1].event == "unfinished"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (FileNotAvailableError(contract="1"), NotAvailable()),
        (ServerFaultError(status=503), Failed("SUM-5XX", {"status": 503}, True, None)),
        (ThrottledError(retry_after=9.0), Failed("SUM-429", {"retry_after": 9.0}, True, 9.0)),
        (SubscriberUnknownError(contract="1"), Failed("SUM-SUB", {"contract": "1"}, False, None)),
    ],
)
def test_what_the_platform_does_to_us_is_an_outcome_of_that_contract_alone(fault: Exception, outcome: Outcome) -> None:
    result = _run(FakeGateway(faults={"1": fault}), "1", "2")  # type: ignore[dict-item]
    assert result.results[0].outcome == outcome
    assert isinstance(result.results[1].outcome, Charged)


def test_a_month_that_is_not_closed_is_not_fetched() -> None:
    gateway = FakeGateway(descriptors={"1": a_descriptor("1", available=False)})
    assert _run(gateway, "1").results[0].outcome == NotAvailable()
    assert gateway.asked == ["descriptor 1"]


def test_what_the_file_says_stands() -> None:
    outcome = Failed("ARQ-FMT", {"line": 3})
    assert _run(FakeGateway(), "1", **{"1": outcome}).results[0].outcome == outcome


def test_a_part_that_cannot_be_written_ends_the_chunk() -> None:
    with pytest.raises(StorageError):
        _run(FakeGateway(), "1", store=FakeCallStore(error=StorageError(place="x", cause="full")))


# --- The platform wants a rest, or nobody at all


def test_a_short_rest_is_waited_out_and_the_file_asked_for_again() -> None:
    gateway = FakeGateway(faults={"1": ThrottledError(retry_after=0.0)}, spent=1)
    assert isinstance(_run(gateway, "1").results[0].outcome, Charged)
    assert gateway.asked == ["descriptor 1", "descriptor 1", "fetch 1"]


def test_a_long_rest_sends_nothing_and_is_told() -> None:
    gateway = FakeGateway(rest=90.0)
    result = _run(gateway, "1", "2")
    assert [one.outcome for one in result.results] == [Postponed("SUM-429", 90.0)] * 2
    assert gateway.asked == []
    assert result.not_before == clock() + timedelta(seconds=90)


def test_after_refused_credentials_nobody_else_is_asked_for() -> None:
    gateway = FakeGateway(faults={c: CredentialsRefusedError(status=401) for c in "123456789"})
    result = _run(gateway, *"123456789", places=1)
    assert [getattr(one.outcome, "code", None) for one in result.results] == ["SUM-401"] * 9
    assert len(gateway.asked) == 1


@pytest.mark.parametrize(
    ("times", "least", "most"),
    [
        ([0.01] * 300, 0.2, 0.2),
        ([0.3] * 300, 0.6, 0.61),
        ([0.1, 0.9] * 150, 1.5, 2.5),
    ],
    ids=["never less than a moment", "twice the usual of a steady platform", "more for one of moods"],
)
def test_patience_follows_what_files_lately_take(times: list[float], least: float, most: float) -> None:
    lane = chunk.Lane(FakeGateway(), places=1, patience=2.0)
    item = ClaimedItem(1, 10, "1", 0)
    assert lane.patience(item) == pytest.approx(2.0)
    for seconds in times:
        lane.took(seconds)
    assert least <= round(lane.patience(item), 3) <= most
