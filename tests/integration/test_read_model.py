"""What screens ask of the read model: contracts, indicators, coverage, calls and invoices of one moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.erp.snapshots import ParquetSnapshotStore
from stfc.adapters.read_model.model import DuckReadModel
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.errors import InvalidInputError, NotFoundError, StorageError
from stfc.services.ports import Part
from stfc.services.queries import (
    CallFilter,
    CallQuery,
    ContractQuery,
    Coverage,
    Expectation,
    InvoiceQuery,
)
from tests.builders import (
    NOON,
    OCTOBER,
    LedgerInMemory,
    Month,
    Row,
    a_call,
    a_dump,
    a_provisioning,
    an_item,
    calls_table,
    contract_row,
    invoice_row,
    line_row,
    own_value,
    service_row,
    value_row,
)

SEPTEMBER, AUGUST = Competence(2026, 9), Competence(2026, 8)


class World:
    """A home on disk and a ledger in memory, with the read model over them."""

    def __init__(self, folder: Path) -> None:
        self.snapshots = ParquetSnapshotStore(folder / "snapshots")
        self.calls = ParquetCallStore(folder / "calls")
        self.ledger = LedgerInMemory(None)
        self.model = DuckReadModel(self.ledger, self.snapshots, folder / "calls", lambda: NOON)
        self._folder = folder

    def imports(self, **tables: list[Row]) -> None:
        number = (self.ledger.snapshot or 0) + 1
        source = a_dump(self._folder / f"erp-{number}", **tables)
        self.snapshots.stage(source, number, self.ledger.snapshot)
        self.ledger.snapshot = number
        self.ledger.revision += 1

    def part(self, competence: Competence, *calls: dict[str, Any]) -> Part:
        return self.calls.write(competence, calls_table(calls))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def many(*contracts: str, **changes: list[str]) -> dict[str, list[Row]]:
    """Tables of contracts that each have a service S-number and no line; ``changes`` gives a column's value of each."""
    rows = [contract_row(contract) for contract in contracts]
    for column, values in changes.items():
        for row, value in zip(rows, values, strict=True):
            row[column] = value
    return {"contracts": rows, "services": [service_row(f"S{c}", c) for c in contracts], "lines": []}


# --- Contracts -----------------------------------------------------------------------------------------------------


def test_before_the_first_import_everything_is_empty(world: World) -> None:
    view = world.model.view(OCTOBER)
    assert view.snapshot is None
    assert view.contracts(ContractQuery()).total == 0
    assert view.indicators()["not_invoiced"] == 0
    assert view.coverage().total == 0
    assert view.calls(CallQuery()).total == 0
    assert view.invoices(InvoiceQuery()).total == 0
    assert view.indicator_history().num_rows == 12
    assert world.model.eligible(OCTOBER) == []
    with pytest.raises(NotFoundError):
        view.explain("4711")


def test_a_row_shows_contract_state_history_and_expectation(world: World) -> None:
    world.imports()
    for months_ago, amount in ((1, 900), (2, 100), (3, 500), (4, 7000)):
        world.ledger.put(
            OCTOBER.plus(-months_ago), Month(items=[an_item(months_ago, amount=amount, calls=amount // 100)])
        )
    row = world.model.view(OCTOBER).contracts(ContractQuery()).table.to_pylist()[0]
    assert row == {
        "contract": "4711",
        "customer": "Padaria São João",
        "document": "11222333000181",
        "city": "Campinas",
        "state": "SP",
        "lines": 1,
        "plan": "empresarial-500",
        "stage": "approved",
        "status": "normal",
        "deleted": False,
        "integration": "integrated",
        "integration_error": None,
        "integrated_on": date(2025, 1, 2),
        "cut_day": 20,
        "eligible": True,
        "first_failed": None,
        "cautions": [],
        "outcome": None,
        "coverage": "to_bill",
        "last_competence": "2026-09",
        "last_amount": 900,
        "expected_calls": 5,
        "expected_amount": 500,
        "charged_months": 3,
    }


@pytest.mark.parametrize(
    ("amounts", "expected"), [([7], 7), ([7, 8], 7), ([10, 0], 5), ([1, 100, 3], 3), ([5, 5, 1, 900], 5)]
)
def test_a_usual_month_is_the_median_of_the_last_three_charged_ones(
    world: World, amounts: list[int], expected: int
) -> None:
    world.imports()
    for index, amount in enumerate(amounts):
        # Every other month only: months without a charge are passed over.
        world.ledger.put(OCTOBER.plus(-1 - 2 * index), Month(items=[an_item(index + 1, amount=amount)]))
    (found,) = world.model.expectations(OCTOBER, ["4711", "unknown"])
    # What is foretold is another matter: see test_forecast.
    assert replace(found, forecast=None) == Expectation("4711", "Padaria São João", 10, expected, ())


def test_what_is_foretold_is_of_the_contracts_asked_for_and_follows_their_past(world: World) -> None:
    world.imports()

    def charged(competence: Competence, amount: int) -> None:
        first = 10 * competence.month
        world.ledger.put(
            competence, Month(items=[an_item(first, amount=amount), an_item(first + 1, contract="4712", amount=9)])
        )

    charged(SEPTEMBER, 1000)
    charged(AUGUST, 1000)
    before = world.model.forecasts(OCTOBER, ["4711", "unknown"])
    assert set(before) == {"4711"}
    charged(AUGUST, 9000)
    (found,) = world.model.expectations(OCTOBER, ["4711"])
    assert found.forecast == world.model.forecasts(OCTOBER, ["4711"])["4711"]
    assert found.forecast != before["4711"]
    assert world.model.forecasts(AUGUST, ["4711"]) == {}


def test_reversed_held_and_own_month_charges_are_no_history(world: World) -> None:
    world.imports()
    world.ledger.put(SEPTEMBER, Month(items=[an_item(1, reversed=True)]))
    world.ledger.put(AUGUST, Month(items=[an_item(2, outcome="held")]))
    world.ledger.put(OCTOBER, Month(items=[an_item(3, amount=55)]))
    row = world.model.view(OCTOBER).contracts(ContractQuery()).table.to_pylist()[0]
    assert (row["expected_amount"], row["charged_months"]) == (None, 0)
    assert (row["last_competence"], row["last_amount"]) == ("2026-10", 55)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["1", "2"]),
        ("joao", ["1"]),
        ("JOÃO padaria", ["1"]),
        ("acougue", ["2"]),
        ("padaria acougue", []),
        ("11.222.333/0001-81", ["1"]),
        ("(19) 3322-4455", ["1"]),
        ("33224455", ["1"]),
        ("12abc345", ["2"]),
        ("%", []),
        (".*", []),
    ],
)
def test_search_knows_no_accents_case_or_punctuation(world: World, search: str, found: list[str]) -> None:
    tables = many("1", "2", customer=["Padaria São João", "Açougue Boi D'Água"])
    tables["contracts"][1]["document"] = "12ABC34501DE35"
    world.imports(**tables | {"lines": [line_row(service="S1")]})
    assert world.model.view(OCTOBER).contract_ids(ContractQuery(search=search)) == found


def test_search_finds_a_contract_by_a_line_it_had_once(world: World) -> None:
    world.imports(lines=[line_row(until="2025-06-01")])
    assert world.model.view(OCTOBER).contract_ids(ContractQuery(search="1933224455")) == ["4711"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (ContractQuery(eligible=True), ["1"]),
        (ContractQuery(eligible=False), ["2", "3"]),
        (ContractQuery(rules=("normal_status",)), ["2"]),
        (ContractQuery(statuses=("demo", "normal")), ["1", "2", "3"]),
        (ContractQuery(stages=("rejected",)), ["3"]),
        (ContractQuery(states=("PR",)), ["2"]),
        (ContractQuery(plans=("",)), ["3"]),
        (ContractQuery(plans=("", "gold")), ["1", "3"]),
        (ContractQuery(cut_days=(5, 6)), ["1", "2"]),
        (ContractQuery(cautions=("no_plan",)), ["3"]),
        (ContractQuery(cautions=("no_plan", "no_line")), ["1", "2", "3"]),
        (ContractQuery(has_cautions=False), []),
        (ContractQuery(contracts=("3", "1", "9")), ["1", "3"]),
        (ContractQuery(contracts=()), []),
        (ContractQuery(not_invoiced=True), ["1", "2", "3"]),
        (ContractQuery(least_expected=100), ["1"]),
        (ContractQuery(most_expected=99), ["2"]),
        (ContractQuery(least_last=100), ["1"]),
        (ContractQuery(most_last=99), ["2"]),
        (ContractQuery(sort="expected_amount", descending=True), ["1", "2", "3"]),
        (ContractQuery(sort="customer"), ["2", "3", "1"]),
        (ContractQuery(descending=True), ["3", "2", "1"]),
    ],
)
def test_filters_and_order_of_contracts(world: World, query: ContractQuery, found: list[str]) -> None:
    world.imports(
        **many(
            "1",
            "2",
            "3",
            status=["normal", "demo", "normal"],
            stage=["approved", "approved", "rejected"],
            state=["SP", "PR", "SP"],
            plan=["gold", "silver", ""],
            cut_day=["5", "6", "7"],
            customer=["Zélia", "Álvaro", "bruno"],
        )
    )
    world.ledger.put(SEPTEMBER, Month(items=[an_item(1, "1", amount=100), an_item(2, "2", amount=99)]))
    view = world.model.view(OCTOBER)
    assert view.contract_ids(query) == found
    assert view.contracts(query).total == len(found)
    assert sum(view.counts_by_rule(query).values()) == len(found)


def test_the_cautions_filter_takes_the_empty_text_for_none(world: World) -> None:
    world.imports(**many("1", "2", plan=["a", ""]) | {"lines": [line_row(service="S1"), line_row("1933220000", "S2")]})
    view = world.model.view(OCTOBER)
    assert view.contract_ids(ContractQuery(cautions=("",))) == ["1"]
    assert view.contract_ids(ContractQuery(cautions=("", "no_plan"))) == ["1", "2"]
    assert view.contract_ids(ContractQuery(has_cautions=False)) == ["1"]


def test_pages_are_cut_from_the_whole_order(world: World) -> None:
    world.imports(**many(*[f"{number:03d}" for number in range(250)]))
    page = world.model.view(OCTOBER).contracts(ContractQuery(offset=240, limit=100))
    assert (page.total, page.offset, page.table.num_rows) == (250, 240, 10)
    assert page.table["contract"].to_pylist()[0] == "240"
    assert world.model.view(OCTOBER).contracts(ContractQuery(limit=None)).table.num_rows == 250


def test_an_unknown_column_to_sort_by_is_refused(world: World) -> None:
    world.imports()
    with pytest.raises(InvalidInputError):
        world.model.view(OCTOBER).contracts(ContractQuery(sort="contract; DROP TABLE"))
    with pytest.raises(InvalidInputError):
        world.model.view(OCTOBER).calls(CallQuery(sort='"'))


def test_contracts_without_a_live_summit_service_show_by_filter_only(world: World) -> None:
    tables = many("1", "2", "3")
    tables["services"] = [
        service_row("S1", "1"),
        service_row("S2", "2", deleted="1"),
        service_row("S3", "3", kind="other"),
    ]
    world.imports(**tables)
    view = world.model.view(OCTOBER)
    assert view.contract_ids(ContractQuery()) == ["1"]
    assert view.contract_ids(ContractQuery(include_deleted=True)) == ["1", "2"]
    assert view.explain("3").first_failed is Rule.ACTIVE_SERVICE


def test_totals_of_a_selection(world: World) -> None:
    world.imports(**many("1", "2", "3", plan=["", "a", "a"]))
    world.ledger.put(
        SEPTEMBER, Month(items=[an_item(1, "1", amount=100, calls=7), an_item(2, "2", amount=50, calls=1)])
    )
    totals = world.model.view(OCTOBER).contract_totals(["1", "2", "3", "9"])
    assert (totals.count, totals.with_history, totals.expected_calls, totals.expected_amount) == (3, 2, 8, 150)
    assert (totals.with_cautions, totals.cautions) == (3, {"no_line": 3, "no_plan": 1})


def test_choices_are_the_values_that_occur(world: World) -> None:
    world.imports(**many("1", "2", "3", plan=["b", "a", ""], state=["SP", "PR", "SP"]))
    choices = world.model.view(OCTOBER).choices()
    assert choices["plans"] == ["a", "b"]
    assert choices["states"] == ["PR", "SP"]


# --- One contract --------------------------------------------------------------------------------------------------


def test_our_result_lies_over_the_erps_copy_and_the_erp_says_what_is_invoiced(world: World) -> None:
    world.imports(
        eventual_values=[value_row("STFC-1", deleted="0", invoiced="1"), value_row("V1", competence="2026-09")]
    )
    assert world.model.view(OCTOBER).explain("4711").first_failed is Rule.NO_EVENTUAL_VALUE
    world.ledger.put(OCTOBER, Month(values=[own_value("STFC-1", deleted=True), own_value("STFC-2", held=True)]))
    rows = {row["value_id"]: row for row in world.model.view(OCTOBER).values("4711").to_pylist()}
    assert {key: (row["deleted"], row["invoiced"], row["own"], row["held"]) for key, row in rows.items()} == {
        "V1": (False, False, False, False),
        "STFC-1": (True, True, True, False),
        "STFC-2": (False, False, True, True),
    }
    evidence = world.model.view(OCTOBER).explain("4711").rules[6].evidence
    assert evidence == {"eventual_values": ["STFC-2"]}
    assert world.model.invoiced_values() == {"STFC-1"}


def test_details_of_a_contract(world: World) -> None:
    world.imports(
        lines=[line_row(until="2026-01-01"), line_row("1933220000", since="2026-01-01")],
        services=[service_row(), service_row("S2", kind="internet")],
    )
    world.ledger.put(SEPTEMBER, Month(items=[an_item(1, outcome="failed", code="SUM-TMO", amount=None)]))
    world.ledger.put(OCTOBER, Month(items=[an_item(2), an_item(3, "other")]))
    view = world.model.view(OCTOBER)
    assert view.lines("4711")["number"].to_pylist() == ["1933220000", "1933224455"]
    assert view.services("4711")["service"].to_pylist() == ["S1"]
    assert [(row["competence"], row["item"]) for row in view.items("4711").to_pylist()] == [
        ("2026-10", 2),
        ("2026-09", 1),
    ]
    assert view.events("4711").num_rows == 0
    for read in (view.lines, view.services, view.values, view.events):
        with pytest.raises(NotFoundError):
            read("9999")


def test_provisioning_shows_in_list_and_detail_until_the_erp_knows_better(world: World) -> None:
    world.imports(services=[service_row(integration="error", integrated_on="2026-11-10", integration_error="old")])

    def integration() -> tuple[str, str, str | None]:
        view = world.model.view(OCTOBER)
        row = view.contracts(ContractQuery()).table.to_pylist()[0]
        detail = view.services("4711").to_pylist()[0]
        assert (detail["integration"], detail["integration_error"]) == (row["integration"], row["integration_error"])
        return row["integration"], ",".join(row["cautions"]), row["integration_error"]

    assert integration() == ("error", "integration_error", "old")
    world.ledger.provisioning = [a_provisioning(at=datetime(2026, 11, 10, 3, 0, tzinfo=UTC))]
    assert integration() == ("integrated", "", None)
    world.ledger.provisioning = [a_provisioning(ok=False, code="SUM-422")]
    assert integration() == ("error", "integration_error", "SUM-422")
    # A minute before local midnight: the day before.
    world.ledger.provisioning = [a_provisioning(at=datetime(2026, 11, 10, 2, 59, tzinfo=UTC))]
    assert integration() == ("error", "integration_error", "old")


def test_a_subscriber_has_the_lines_that_are_valid_today(world: World) -> None:
    world.imports(
        services=[service_row(), service_row("S2", deleted="1")],
        lines=[
            line_row(until="2026-11-10"),
            line_row("1933220001", until="2026-11-11"),
            line_row("1933220002", since="2026-11-11"),
            line_row("1933220003", since="2026-11-10"),
            line_row("1933220004", service="S2"),
        ],
    )
    subscriber = world.model.subscriber("4711")
    assert subscriber.lines == ("1933220001", "1933220003")
    assert (subscriber.name, subscriber.closing_day) == ("Padaria São João", 20)
    with pytest.raises(NotFoundError):
        world.model.subscriber("9")


# --- Moments -------------------------------------------------------------------------------------------------------


def test_a_view_keeps_its_moment_while_the_ledger_and_the_snapshot_go_on(world: World) -> None:
    world.imports()
    before = world.model.view(OCTOBER)
    world.ledger.put(OCTOBER, Month(items=[an_item(1)]))
    world.imports(contracts=[contract_row(status="demo")])
    after = world.model.view(OCTOBER)
    assert (before.indicators()["eligible"], before.coverage().parts["to_bill"]) == (1, 1)
    assert (after.indicators()["eligible"], after.coverage().parts["charged"]) == (0, 1)
    assert before.revision < after.revision
    assert (before.snapshot, after.snapshot) == (1, 2)


def test_a_change_in_one_month_shows_at_once_and_only_there(world: World) -> None:
    world.imports()
    assert world.model.eligible(OCTOBER) == ["4711"]
    world.ledger.put(OCTOBER, Month(items=[an_item(1)]))
    assert world.model.eligible(OCTOBER) == []
    assert world.model.eligible(SEPTEMBER) == ["4711"]
    world.ledger.put(OCTOBER, Month(items=[an_item(1, reversed=True)]))
    assert world.model.eligible(OCTOBER) == ["4711"]
    assert world.model.view(OCTOBER).contract_ids(ContractQuery(outcomes=("reversed",))) == ["4711"]


def test_an_older_snapshot_can_still_be_evaluated(world: World) -> None:
    world.imports()
    world.imports(contracts=[contract_row(stage="rejected")])
    assert world.model.evaluate(1, OCTOBER, ["4711"]).failed == {"4711": None}
    assert world.model.evaluate(2, OCTOBER, ["4711"]).failed == {"4711": Rule.APPROVED}


def test_a_snapshot_that_is_gone_from_the_disk_is_a_storage_error(world: World) -> None:
    world.imports()
    world.snapshots.discard([1])
    with pytest.raises(StorageError):
        world.model.view(OCTOBER).contracts(ContractQuery())


# --- Coverage ------------------------------------------------------------------------------------------------------


def test_each_contract_is_in_one_part_of_the_coverage(world: World) -> None:
    outcomes = ["charged", "zero", "held", "waiting_file", "failed", "waiting", "running", "refused", "cancelled"]
    numbers = [f"{index:02d}" for index in range(len(outcomes))]
    world.imports(**many(*numbers, "50", "51", status=["normal"] * 10 + ["demo"]))
    items = [an_item(index + 1, contract, outcome=outcomes[index]) for index, contract in enumerate(numbers)]
    # A contract that the ERP no longer has is still charged.
    world.ledger.put(OCTOBER, Month(items=[*items, an_item(90, "99")]))
    coverage = world.model.view(OCTOBER).coverage()
    assert coverage.parts == {
        Coverage.CHARGED: 2,
        Coverage.ZERO: 1,
        Coverage.HELD: 1,
        Coverage.WAITING_FILE: 1,
        Coverage.FAILED: 1,
        Coverage.QUEUED: 2,
        Coverage.TO_BILL: 3,
        Coverage.KEPT_OUT: 1,
    }
    assert coverage.total == 12
    assert coverage.by_rule["normal_status"] == 1


def test_a_live_item_counts_though_a_later_one_was_reversed(world: World) -> None:
    world.imports()
    world.ledger.put(OCTOBER, Month(items=[an_item(5), an_item(9, reversed=True)]))
    row = world.model.view(OCTOBER).contracts(ContractQuery()).table.to_pylist()[0]
    assert (row["outcome"], row["coverage"], row["first_failed"]) == ("charged", "charged", "no_charge")


def test_a_later_success_clears_the_integration_error_of_a_failed_item(world: World) -> None:
    world.imports()
    world.ledger.put(OCTOBER, Month(items=[an_item(1, outcome="failed", code="SUM-TMO")]))
    assert world.model.view(OCTOBER).indicators()["integration_errors"] == 1
    world.ledger.put(OCTOBER, Month(items=[an_item(1, outcome="failed"), an_item(2)]))
    assert world.model.view(OCTOBER).indicators()["integration_errors"] == 0


def test_what_is_charged_by_month_leaves_out_reversals(world: World) -> None:
    world.imports()
    world.ledger.put(SEPTEMBER, Month(items=[an_item(1, amount=500), an_item(2, "5", amount=7, reversed=True)]))
    world.ledger.put(OCTOBER, Month(items=[an_item(3, outcome="held", amount=900), an_item(4, "6", amount=1, calls=2)]))
    months = world.model.view(OCTOBER).charged(2).to_pylist()
    assert months == [
        {"competence": "2026-09", "contracts": 1, "amount": 500, "calls": 10, "held": 0, "held_amount": 0},
        {"competence": "2026-10", "contracts": 1, "amount": 1, "calls": 12, "held": 1, "held_amount": 900},
    ]


# --- Calls ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_calls(world: World) -> World:
    world.imports(**many("1", "2"))
    world.ledger.put(SEPTEMBER, Month(parts=(world.part(SEPTEMBER, a_call("s1", "1", claim=7, amount=100)),)))
    first = world.part(
        OCTOBER,
        a_call("a", "1", claim=1),
        a_call("b", "1", claim=1, called="02111987654321", duration=0, amount=0, destination="11", hour=22, weekday=6),
        a_call("c", "2", claim=2, late=True, local_day=date(2026, 9, 3), **{"class": "LDI"}, destination="+351"),
    )
    second = world.part(
        OCTOBER,
        a_call("d", "2", claim=3, issue="CTR-DIV", line="1100000000", amount=3_000_000, duration=61),
        a_call("x", "1", claim=4),
    )
    world.part(OCTOBER, a_call("orphan", "1", claim=9))
    world.ledger.put(OCTOBER, Month(parts=(first, second), excluded=frozenset({4, 1000})))
    return world


def ids(world: World, query: CallQuery) -> list[str]:
    return sorted(world.model.view(OCTOBER).calls(query).table["call_id"].to_pylist())


def test_only_live_parts_without_excluded_claims_are_read(with_calls: World) -> None:
    page = with_calls.model.view(OCTOBER).calls(CallQuery())
    assert sorted(page.table["call_id"].to_pylist()) == ["a", "b", "c", "d"]
    assert page.totals == {"calls": 4, "seconds": 181, "micros": 4_580_000}
    row = page.table.slice(0, 1).to_pylist()[0]
    assert row["competence"] == "2026-10"
    assert row["started_at"] == datetime(2026, 10, 12, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (CallQuery(contracts=("1",)), ["a", "b"]),
        (CallQuery(contracts=("3",)), []),
        (CallQuery(line="1100000000"), ["d"]),
        (CallQuery(called="1998"), ["a", "c", "d"]),
        (CallQuery(called="11987654321"), ["b"]),
        (CallQuery(called="321"), []),
        (CallQuery(search="1100000000"), ["d"]),
        (CallQuery(search="1998"), ["a", "c", "d"]),
        (CallQuery(search="11987654321"), ["b"]),
        (CallQuery(search="321"), []),
        (CallQuery(call_id="c"), ["c"]),
        (CallQuery(contracts=("1", "3", "2"), call_id="a"), ["a"]),
        (CallQuery(classes=("LDI", "LDN")), ["c"]),
        (CallQuery(destinations=("11",)), ["b"]),
        (CallQuery(weekdays=(6,), hours=(22, 23)), ["b"]),
        (CallQuery(least_duration=61), ["d"]),
        (CallQuery(most_duration=0), ["b"]),
        (CallQuery(least_amount=1, most_amount=790_000), ["a", "c"]),
        (CallQuery(late=True), ["c"]),
        (CallQuery(late=False), ["a", "b", "d"]),
        (CallQuery(divergent=True), ["d"]),
        (CallQuery(divergent=False), ["a", "b", "c"]),
        (CallQuery(competences=(SEPTEMBER,)), ["s1"]),
        (CallQuery(competences=(SEPTEMBER, OCTOBER)), ["a", "b", "c", "d", "s1"]),
        (CallQuery(competences=(Competence(2020, 1),)), []),
        (CallQuery(since=date(2026, 9, 3), until=date(2026, 9, 3)), ["c"]),
        (CallQuery(since=date(2026, 10, 12)), ["a", "b", "d", "s1"]),
    ],
)
def test_filters_of_calls(with_calls: World, query: CallQuery, found: list[str]) -> None:
    assert ids(with_calls, query) == found


def test_a_number_is_found_however_it_was_dialled(world: World) -> None:
    near, far = "1933224455", "1133224455"
    part = world.part(
        OCTOBER,
        a_call("local", line=near, called="33221100"),
        a_call("national", line=far, called="1933221100"),
        a_call("carrier", line=far, called="0211933221100"),
        a_call("other area", line=far, called="33221100"),
    )
    world.imports(**many("4711"))
    world.ledger.put(OCTOBER, Month(parts=(part,)))
    assert ids(world, CallQuery(search="1933221100")) == ["carrier", "local", "national"]


def test_calls_are_sorted_and_cut_over_all_that_match(with_calls: World) -> None:
    view = with_calls.model.view(OCTOBER)
    page = view.calls(CallQuery(sort="amount", descending=True, offset=1, limit=2))
    assert (page.total, page.table["call_id"].to_pylist()) == (4, ["a", "c"])
    assert view.calls(CallQuery(sort="call_id", descending=False, limit=None)).table.num_rows == 4


def test_months_beyond_the_views_window_can_be_searched(with_calls: World) -> None:
    old = Competence(2024, 1)
    with_calls.ledger.put(old, Month(parts=(with_calls.part(old, a_call("old", "1")),)))
    assert ids(with_calls, CallQuery(competences=(old,))) == ["old"]


def test_charts_follow_what_was_clicked(with_calls: World) -> None:
    view = with_calls.model.view(OCTOBER)
    months = view.revenue_by_month(2).to_pylist()
    assert [(row["competence"], row["class"], row["calls"], row["micros"]) for row in months] == [
        ("2026-09", "VC1", 1, 100),
        ("2026-10", "LDI", 1, 790_000),
        ("2026-10", "VC1", 3, 3_790_000),
    ]
    assert [row["calls"] for row in view.weekday_hour().to_pylist()] == [3, 1]
    assert view.weekday_hour(CallFilter(classes=("LDI",))).to_pylist() == [
        {"weekday": 0, "hour": 10, "calls": 1, "seconds": 60, "micros": 790_000}
    ]
    top = view.top_contracts(5).to_pylist()
    assert [(row["contract"], row["micros"], row["previous_micros"]) for row in top] == [
        ("2", 3_790_000, 0),
        ("1", 790_000, 100),
    ]
    assert top[0]["customer"] == "Padaria São João"
    assert [row["destination"] for row in view.top_destinations(2).to_pylist()] == ["19", "+351"]
    assert view.top_destinations(9, CallFilter(contracts=("1",))).num_rows == 2
    assert view.calls_by_day(CallQuery()).to_pylist()[0] == {
        "local_day": date(2026, 9, 3),
        "calls": 1,
        "seconds": 60,
        "micros": 790_000,
    }


def test_a_reversal_takes_the_calls_out_of_every_figure(with_calls: World) -> None:
    view = with_calls.model.view(OCTOBER)
    assert view.top_contracts(5).num_rows == 2
    image = with_calls.ledger.images([OCTOBER], {})[1][OCTOBER]
    with_calls.ledger.put(OCTOBER, Month(parts=image.parts, excluded=image.excluded | {2, 3}))
    after = with_calls.model.view(OCTOBER)
    assert after.top_contracts(5)["contract"].to_pylist() == ["1"]
    assert ids(with_calls, CallQuery()) == ["a", "b"]
    assert view.calls(CallQuery()).total == 4


def test_a_part_that_is_gone_from_the_disk_is_a_storage_error(world: World) -> None:
    world.imports()
    part = world.part(OCTOBER, a_call("a"))
    world.calls.remove([part.path])
    world.ledger.put(OCTOBER, Month(parts=(part,)))
    with pytest.raises(StorageError):
        world.model.view(OCTOBER).calls(CallQuery())


def test_text_of_a_person_is_never_sql(with_calls: World) -> None:
    hostile = "' OR 1=1 --"
    view = with_calls.model.view(OCTOBER)
    assert view.calls(CallQuery(line=hostile, called=hostile, contracts=(hostile,))).total == 0
    assert view.contract_ids(ContractQuery(search=hostile, states=(hostile,))) == []
    with pytest.raises(NotFoundError):
        view.facts(hostile)


# --- Invoices ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (InvoiceQuery(), ["F3", "F1"]),
        (InvoiceQuery(statuses=()), ["F3", "F1", "F2"]),
        (InvoiceQuery(statuses=("open",)), ["F2"]),
        (InvoiceQuery(competences=(SEPTEMBER,)), ["F3"]),
        (InvoiceQuery(contracts=("1",), statuses=()), ["F1", "F2"]),
        (InvoiceQuery(search="alvaro"), ["F3"]),
        (InvoiceQuery(invoice="F2", statuses=()), ["F2"]),
        (InvoiceQuery(invoice="F", statuses=()), []),
        (InvoiceQuery(least_amount=9990, most_amount=9990), ["F1"]),
        (InvoiceQuery(due_since=date(2026, 12, 1)), ["F3"]),
        (InvoiceQuery(due_until=date(2026, 11, 30)), ["F1"]),
        (InvoiceQuery(sort="customer", descending=False, statuses=()), ["F3", "F1", "F2"]),
        (InvoiceQuery(offset=1, limit=1), ["F1"]),
    ],
)
def test_filters_of_invoices(world: World, query: InvoiceQuery, found: list[str]) -> None:
    tables = many("1", "2", "3", customer=["Zélia", "Álvaro", "sem telefonia"])
    tables["services"].pop()
    invoices = [
        invoice_row("F1", "1"),
        invoice_row("F2", "1", status="open", due_on="2026-11-05"),
        invoice_row("F3", "2", status="paid", competence="2026-09", amount="10.00", due_on="2026-12-10"),
        invoice_row("F4", "3"),
    ]
    world.imports(**tables, invoices=invoices)
    page = world.model.view(OCTOBER).invoices(query)
    assert page.table["invoice"].to_pylist() == found
    if query.limit == 100:
        amounts = {"F1": 9990, "F2": 9990, "F3": 1000}
        assert page.totals == {"amount": sum(amounts[invoice] for invoice in found)}


def test_answers_can_be_asked_from_many_threads(with_calls: World) -> None:
    asks: list[Callable[[], Any]] = [
        lambda: with_calls.model.view(OCTOBER).contracts(ContractQuery()).total,
        lambda: with_calls.model.view(OCTOBER).calls(CallQuery()).total,
        lambda: with_calls.model.view(SEPTEMBER).weekday_hour().num_rows,
        lambda: with_calls.model.view(OCTOBER).explain("1").eligible,
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda ask: ask(), asks * 20))
    assert answers == [2, 4, 1, True] * 20


# --- Completeness ----------------------------------------------------------------------------------------------------


def test_a_contract_whose_calls_stopped_is_silent(world: World) -> None:
    world.imports(**many("1", "2", "3", "4"))
    before = [("1", 30), ("2", 30), ("3", 30), ("4", 0)]
    for back in (1, 2, 3):
        items = [
            an_item(10 * back + int(contract), contract, calls=calls)
            for contract, calls in before
            if contract != "3" or back == 1
        ]
        world.ledger.put(OCTOBER.plus(-back), Month(items=items))
    quiet = [an_item(100 + int(contract), contract, outcome="zero", calls=0) for contract in ("1", "3", "4")]
    world.ledger.put(OCTOBER, Month(items=[*quiet, an_item(102, "2", calls=1)]))
    assert world.model.view(OCTOBER).silent_contracts().to_pylist() == [
        {"contract": "1", "months": 3, "usual_calls": 30, "last": "2026-09", "customer": "Padaria São João"}
    ]
    assert world.model.view(SEPTEMBER).silent_contracts().num_rows == 0


@pytest.mark.parametrize(
    ("since", "uncovered"),
    [
        (date(2026, 9, 20), []),
        (date(2026, 9, 21), []),
        (date(2026, 9, 22), [(date(2026, 9, 21), date(2026, 9, 21), 1)]),
        (date(2026, 10, 1), [(date(2026, 9, 21), date(2026, 9, 30), 10)]),
    ],
)
def test_days_between_two_files_that_neither_covers_are_told(
    world: World, since: date, uncovered: list[tuple[date, date, int]]
) -> None:
    world.imports(**many("1", "2", "3"))
    before = {"period_from": date(2026, 8, 21), "period_until": date(2026, 9, 20)}
    voided = {"period_from": date(2026, 9, 1), "period_until": date(2026, 9, 5), "reversed": True}
    world.ledger.put(AUGUST, Month(items=[an_item(1, "1", **before)]))
    world.ledger.put(SEPTEMBER, Month(items=[an_item(2, "1", **voided), an_item(3, "3")]))
    now = {"period_from": since, "period_until": date(2026, 10, 20)}
    world.ledger.put(OCTOBER, Month(items=[an_item(10 + int(contract), contract, **now) for contract in "123"]))
    found = world.model.view(OCTOBER).uncovered_days().to_pylist()
    assert [(row["since"], row["until"], row["days"]) for row in found] == uncovered
    assert {row["contract"] for row in found} <= {"1"}


def test_a_line_that_passes_to_another_contract_is_told_in_the_month_in_which_it_does(world: World) -> None:
    tables = many("1", "2")
    tables["lines"] = [
        line_row("1933220001", "S1", until="2026-10-15"),
        line_row("1933220001", "S2", since="2026-10-15"),
        line_row("1933220002", "S1", until="2026-09-01"),
        line_row("1933220002", "S2", since="2026-09-01"),
    ]
    world.imports(**tables)
    assert world.model.view(OCTOBER).passed_lines().to_pylist() == [
        {"number": "1933220001", "contracts": 2, "named": ["1", "2"]}
    ]
    assert world.model.view(SEPTEMBER).passed_lines().num_rows == 0
