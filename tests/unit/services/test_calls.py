"""Searching calls masked, and revealing them to those who may (PRODUCT 9)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.competence import Competence
from stfc.domain.masking import mask_number
from stfc.errors import NotAllowedError, NotPossibleError, StorageError
from stfc.services.calls import CallSearch, masked, masked_numbers
from stfc.services.ports import Actor, Page
from stfc.services.queries import CallQuery, ReadModel

OCTOBER = Competence(2026, 10)
NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
ONE = CallQuery(contracts=("4711",))


class Records:
    """A read model of two calls that notes what it was asked."""

    def __init__(self, happened: list[str]) -> None:
        self._happened = happened

    def view(self, competence: Competence) -> "Records":
        return self

    def calls(self, query: CallQuery) -> Page:
        self._happened.append("counted" if query.limit == 1 else "read")
        table = pa.table({"contract": ["4711", "4711"], "called": ["11987654321", "190"]})
        return Page(2, 0, table, {"calls": 2})

    def call_stream(self, query: CallQuery) -> Iterator[pa.Table]:
        self._happened.append("streamed")
        yield self.calls(query).table


class Trail:
    """An audit trail that may be out of order."""

    def __init__(self, happened: list[str], *, broken: bool = False) -> None:
        self._happened = happened
        self._broken = broken
        self.lines: list[tuple[str, str, str]] = []
        self.facts: list[Mapping[str, Any]] = []

    def append(
        self, actor: Actor, now: datetime, action: str, target: str, *, reason: str, facts: Mapping[str, Any]
    ) -> None:
        if self._broken:
            raise StorageError(place="ledger", cause="full")
        assert now == NOW
        self._happened.append("audited")
        self.facts.append(facts)
        self.lines.append((action, target, reason))


def a_search(happened: list[str], *, broken: bool = False) -> tuple[CallSearch, Trail]:
    trail = Trail(happened, broken=broken)
    return CallSearch(cast(ReadModel, Records(happened)), trail, lambda: NOW), trail


def actor(role: str) -> Actor:
    return Actor("ana", role, "tela")


def test_search_masks_called_numbers_and_keeps_the_rest() -> None:
    search, trail = a_search([])
    page = search.find(OCTOBER, ONE)
    assert page.table.to_pydict() == {"contract": ["4711", "4711"], "called": ["(11) 9****-4321", "190"]}
    assert (page.total, page.totals, trail.lines) == (2, {"calls": 2}, [])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_masking_takes_every_form_of_text_and_leaves_nulls(kind: pa.DataType) -> None:
    numbers = pa.array(["1133224455", None, "1133224455"], pa.string()).cast(kind)
    assert masked(pa.table({"called": numbers}))["called"].to_pylist() == ["(11) ****-4455", None, "(11) ****-4455"]


def test_masking_takes_no_calls_at_all() -> None:
    assert masked(pa.table({"called": pa.array([], pa.string())})).num_rows == 0


@given(st.lists(st.none() | st.text(max_size=12) | st.from_regex(r"\A(\+|0|00|90|55|0[358]0)?[0-9*٣]{0,14}\Z")))
def test_a_column_is_masked_as_each_of_its_numbers(numbers: list[str | None]) -> None:
    expected = [None if number is None else mask_number(number) for number in numbers]
    assert masked_numbers(pa.array(numbers, pa.string())).to_pylist() == expected


def test_audit_line_with_the_count_stands_before_anything_is_shown() -> None:
    happened: list[str] = []
    search, trail = a_search(happened)
    page = search.reveal(OCTOBER, ONE, actor("operator"), reason=" contestação ")
    assert happened == ["counted", "audited", "read"]
    assert page.table["called"].to_pylist() == ["11987654321", "190"]
    assert trail.lines == [("calls.reveal", "calls 2026-10, contract 4711", "contestação")]


def test_nothing_is_shown_when_the_audit_line_cannot_be_written() -> None:
    happened: list[str] = []
    search, _ = a_search(happened, broken=True)
    with pytest.raises(StorageError):
        search.reveal(OCTOBER, ONE, actor("manager"), reason="x")
    assert happened == ["counted"]


def test_the_audit_line_tells_count_and_filter_but_no_number() -> None:
    search, trail = a_search([])
    query = CallQuery(contracts=("4711", "4712"), called="11987654321", classes=("VC1",), limit=None)
    search.reveal(OCTOBER, query, actor("manager"), reason="ofício")
    chosen = {"contracts": ["4711", "4712"], "called": True, "classes": ["VC1"]}
    assert trail.facts == [{"calls": 2, "limit": None, "filter": chosen}]


@pytest.mark.parametrize(
    ("role", "contracts", "allowed"),
    [
        ("supervisor", ("4711",), False),
        ("operator", ("4711",), True),
        ("operator", (), False),
        ("operator", ("4711", "4712"), False),
        ("manager", (), True),
        ("manager", ("4711", "4712"), True),
    ],
)
def test_operator_reveals_one_contract_and_manager_many(role: str, contracts: tuple[str, ...], allowed: bool) -> None:
    search, trail = a_search([])
    query = CallQuery(contracts=contracts)
    if allowed:
        search.reveal(OCTOBER, query, actor(role), reason="x")
    else:
        with pytest.raises(NotAllowedError):
            search.reveal(OCTOBER, query, actor(role), reason="x")
    assert len(trail.lines) == int(allowed)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_reveal_needs_a_reason(reason: str) -> None:
    search, trail = a_search([])
    with pytest.raises(NotPossibleError):
        search.reveal(OCTOBER, ONE, actor("manager"), reason=reason)
    assert trail.lines == []


def test_a_file_in_full_is_read_only_after_its_audit_line() -> None:
    happened: list[str] = []
    search, trail = a_search(happened)
    found = search.reveal_all(OCTOBER, CallQuery(called="11987654321", limit=50), actor("manager"), reason=" ofício ")
    assert (found.calls, happened) == (2, ["counted", "audited"])
    assert [one["called"].to_pylist() for one in found.stream()] == [["11987654321", "190"]]
    assert trail.lines == [("calls.reveal_all", "calls 2026-10, all contracts", "ofício")]
    assert trail.facts == [{"calls": 2, "limit": None, "filter": {"called": True}}]


def test_no_file_in_full_without_its_audit_line() -> None:
    happened: list[str] = []
    search, _ = a_search(happened, broken=True)
    with pytest.raises(StorageError):
        search.reveal_all(OCTOBER, ONE, actor("manager"), reason="x")
    assert happened == ["counted"]


@pytest.mark.parametrize("role", ["supervisor", "operator", ""])
def test_a_file_in_full_is_for_managers_even_of_one_contract(role: str) -> None:
    search, trail = a_search([])
    with pytest.raises(NotAllowedError):
        search.reveal_all(OCTOBER, ONE, actor(role), reason="x")
    with pytest.raises(NotPossibleError):
        search.reveal_all(OCTOBER, ONE, actor("manager"), reason=" ")
    assert trail.lines == []
