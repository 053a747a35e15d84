"""The set-based query and the explanation of one contract agree, whatever the contract (PRODUCT 5)."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stfc.adapters.erp.snapshots import ParquetSnapshotStore
from stfc.adapters.read_model.model import DuckReadModel
from stfc.domain.competence import Competence, local_day
from stfc.domain.contract import (
    ContractStage,
    ContractStatus,
    EventualValue,
    Integration,
    InvoiceStatus,
    SummitService,
    ValueKind,
    ZeroBillingEvent,
)
from stfc.domain.eligibility import ContractFacts, LiveItem, Policy, Rule, Verdicts, explain
from stfc.domain.money import Centavos
from stfc.domain.outcome import LIVE_OUTCOMES, ItemOutcome
from stfc.services.queries import ContractQuery
from tests.builders import (
    OCTOBER,
    LedgerInMemory,
    Month,
    Row,
    a_contract,
    a_line,
    a_provisioning,
    a_service,
    a_value,
    an_event,
    an_invoice,
    an_item,
    event_row,
    own_event,
    own_value,
    rows_of,
    service_row,
    write_tables,
)

SEPTEMBER, NOVEMBER = Competence(2026, 9), Competence(2026, 11)
# A quarter past noon of 20 October in São Paulo: cut days 19, 20 and 21 stand on both sides.
NOW = datetime(2026, 10, 20, 15, 15, tzinfo=UTC)
# Across the ends of October, in days, and around the local midnight that UTC has three hours later.
EDGES = [date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 31), date(2026, 11, 1)]
CONTRACTS = 600


@dataclass
class World:
    """An ERP, a ledger, and what the rules should see of each contract, put together by plain Python."""

    erp: list[ContractFacts] = field(default_factory=list)
    more: dict[str, list[Row]] = field(default_factory=lambda: {"services": [], "events": []})
    ledger: LedgerInMemory = field(default_factory=LedgerInMemory)
    expected: dict[str, ContractFacts] = field(default_factory=dict)
    erp_share: dict[str, ContractFacts] = field(default_factory=dict)


class Dice:
    """Random contracts across the boundaries of every rule, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._serial = 0

    def world(self) -> World:
        world = World()
        months = {month: Month() for month in (SEPTEMBER, OCTOBER)}
        for number in range(CONTRACTS):
            self._add(world, months, f"{10001 + number}")
        for month, known in months.items():
            world.ledger.put(month, known)
        return world

    def _add(self, world: World, months: Mapping[Competence, Month], contract: str) -> None:
        erp = self._facts(contract)
        other = self._key("O")
        if self._chance(0.3):
            integrator, kind = self._one([("other", "telephony"), ("summit", "internet"), ("other", "other")])
            world.more["services"].append(service_row(other, contract, integrator=integrator, kind=kind))
            erp = replace(erp, values=(*erp.values, a_value(self._key("V"), service=other)))
        if self._chance(0.1):
            world.more["events"].append(event_row(self._key("E"), contract, kind="other"))
        own_values, own_events = self._own(months, contract, erp)
        echoes = [replace(v, deleted=self._chance(0.5)) for v in own_values if self._chance(0.5)]
        shadows = [replace(e, reversed=self._chance(0.5)) for e in own_events if self._chance(0.5)]
        known = replace(erp, values=(*erp.values, *echoes), events=(*erp.events, *shadows))
        world.erp.append(known)
        result = self._provisioning(world, contract)
        services = tuple(_after(service, result) for service in erp.services)
        world.erp_share[contract] = replace(erp, services=services)
        world.expected[contract] = replace(
            erp,
            services=services,
            values=(*erp.values, *own_values),
            events=(*erp.events, *own_events),
            live_items=tuple(self._items(months, contract)),
            plan_known=erp.contract.plan == "empresarial-500",
        )

    def _facts(self, contract: str) -> ContractFacts:
        services = tuple(self._service() for _ in range(self._one([0, 1, 1, 1, 1, 2, 3])))
        keys = [service.service for service in services]
        return ContractFacts(
            contract=a_contract(
                contract,
                stage=self._mostly(ContractStage.APPROVED, list(ContractStage)),
                status=self._mostly(ContractStatus.NORMAL, list(ContractStatus)),
                deleted=self._chance(0.05),
                bill_from=self._mostly(date(2025, 1, 1), EDGES),
                bill_until=self._mostly(None, EDGES),
                cut_day=self._one([1, 19, 20, 21, 31]),
                plan=self._mostly("empresarial-500", [None, "retirado"]),
            ),
            services=services,
            lines=tuple(self._line(key) for key in keys for _ in range(self._one([0, 1, 1, 2]))),
            invoices=tuple(
                an_invoice(self._key("F"), competence=self._month(), status=self._one(list(InvoiceStatus)))
                for _ in range(self._one([0, 0, 0, 0, 1, 2]))
            ),
            values=tuple(
                a_value(
                    self._key("V"),
                    service=self._one([*keys, None]),
                    competence=self._month(),
                    kind=self._one(list(ValueKind)),
                    deleted=self._chance(0.4),
                    invoiced=self._chance(0.3),
                )
                for _ in range(self._one([0, 0, 0, 0, 1, 2]))
            ),
            events=tuple(
                an_event(
                    self._key("E"),
                    competence=self._one([None, self._month()]),
                    at=self._one(EDGES),
                    reversed=self._chance(0.4),
                )
                for _ in range(self._one([0, 0, 0, 0, 1]))
            ),
        )

    def _service(self) -> SummitService:
        return a_service(
            self._key("S"),
            active=not self._chance(0.15),
            deleted=self._chance(0.15),
            integration=self._mostly(Integration.INTEGRATED, list(Integration)),
            integrated_on=self._one([None, *EDGES]),
        )

    def _line(self, service: str) -> Any:
        since = self._mostly(date(2025, 1, 2), EDGES)
        until = self._mostly(None, [day for day in EDGES if day > since] or [None])
        self._serial += 1
        return a_line(f"1930{self._serial:06d}", service=service, since=since, until=until)

    def _own(
        self, months: Mapping[Competence, Month], contract: str, erp: ContractFacts
    ) -> tuple[list[EventualValue], list[ZeroBillingEvent]]:
        values, events = [], []
        for month, known in months.items():
            if self._chance(0.15) and erp.services:
                row = own_value(
                    self._key("STFC-"),
                    contract,
                    service=self._one([None, *[s.service for s in erp.services]]),
                    deleted=self._chance(0.5),
                )
                known.values.append(row)
                values.append(_value(row, month))
            if self._chance(0.1):
                event = own_event(self._key("STFC-Z"), contract, at=self._one(EDGES), reversed=self._chance(0.5))
                known.events.append(event)
                events.append(ZeroBillingEvent(event["event"], month, event["at"], event["reversed"]))
        return values, events

    def _items(self, months: Mapping[Competence, Month], contract: str) -> list[LiveItem]:
        live: list[LiveItem] = []
        for month, known in months.items():
            has_live = False
            for _ in range(self._one([0, 0, 0, 1, 2])):
                outcome, undone = self._one(list(ItemOutcome)), self._chance(0.4)
                counts = outcome in LIVE_OUTCOMES and not undone
                if counts and has_live:
                    continue
                has_live = has_live or counts
                self._serial += 1
                known.items.append(an_item(self._serial, contract, outcome=outcome.value, reversed=undone))
                if counts and month == OCTOBER:
                    live.append(LiveItem(batch=1, outcome=outcome.value))
        return live

    def _provisioning(self, world: World, contract: str) -> dict[str, Any] | None:
        if not self._chance(0.2):
            return None
        midnight = datetime.combine(self._one(EDGES), datetime.min.time(), UTC) + timedelta(hours=3)
        row = a_provisioning(contract, at=midnight + timedelta(hours=self._one([-1, 0, 12])), ok=self._chance(0.5))
        row["code"] = None if row["ok"] else "SUM-422"
        world.ledger.provisioning.append(row)
        return row

    def _month(self) -> Competence:
        return self._one([SEPTEMBER, OCTOBER, OCTOBER, NOVEMBER])

    def _key(self, prefix: str) -> str:
        self._serial += 1
        return f"{prefix}{self._serial}"

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _one(self, values: list[Any]) -> Any:
        return self._random.choice(values)

    def _mostly(self, usual: Any, others: list[Any]) -> Any:
        return usual if self._chance(0.85) else self._one(others)


def _value(row: dict[str, Any], month: Competence) -> EventualValue:
    return EventualValue(
        row["value_id"], row["service"], month, ValueKind.ADDITION, Centavos(row["amount"]), False, row["deleted"]
    )


def _after(service: SummitService, result: dict[str, Any] | None) -> SummitService:
    """The service after our own provisioning: the later result counts."""
    if result is None or service.deleted:
        return service
    if service.integrated_on and service.integrated_on > local_day(result["at"]):
        return service
    state = Integration.INTEGRATED if result["ok"] else Integration.ERROR
    return replace(service, integration=state, integration_error=result["code"])


@pytest.fixture(scope="module", params=range(5))
def world(request: pytest.FixtureRequest) -> World:
    return Dice(request.param).world()


@pytest.fixture(scope="module")
def snapshots(world: World, tmp_path_factory: pytest.TempPathFactory) -> ParquetSnapshotStore:
    folder = tmp_path_factory.mktemp("world")
    tables = rows_of(world.erp)
    for name, rows in world.more.items():
        tables[name] += rows
    store = ParquetSnapshotStore(folder / "snapshots")
    store.stage(write_tables(folder / "erp", tables), 1, None)
    return store


@pytest.fixture(scope="module", params=[False, True], ids=["", "strict"])
def policy(request: pytest.FixtureRequest) -> Policy:
    return Policy(awaiting_note_excludes=request.param)


@pytest.fixture(scope="module")
def model(world: World, snapshots: ParquetSnapshotStore, policy: Policy, tmp_path_factory: Any) -> DuckReadModel:
    calls: Path = tmp_path_factory.mktemp("calls")
    return DuckReadModel(world.ledger, snapshots, calls, lambda: NOW, policy=policy)


@pytest.fixture(scope="module")
def verdicts(world: World, policy: Policy) -> dict[str, Verdicts]:
    return {
        contract: explain(facts, OCTOBER, today=local_day(NOW), policy=policy)
        for contract, facts in world.expected.items()
    }


def test_the_set_and_the_explanation_agree_on_every_rule_and_warning(
    world: World, model: DuckReadModel, verdicts: dict[str, Verdicts]
) -> None:
    frame = model.view(OCTOBER).frame
    rows = {row["contract"]: row for row in frame.iter_rows(named=True)}
    for contract, facts in world.expected.items():
        if not facts.services and contract not in rows:
            continue
        row, expected = rows[contract], verdicts[contract]
        holds = [row[f"r{rule.number}"] for rule in Rule]
        assert holds == [verdict.holds for verdict in expected.rules], (contract, facts)
        assert row["first_failed"] == (expected.first_failed.key if expected.first_failed else None)
        assert row["eligible"] == expected.eligible
        assert row["cautions"] == [caution.value for caution in expected.warnings], (contract, facts)


def test_every_rule_and_warning_occurs_on_both_sides(verdicts: dict[str, Verdicts]) -> None:
    first = Counter(found.first_failed for found in verdicts.values())
    assert set(first) == {*Rule, None}
    assert len({caution for found in verdicts.values() for caution in found.warnings}) == 5


def test_the_list_holds_exactly_the_contracts_that_the_explanation_lists(
    model: DuckReadModel, verdicts: dict[str, Verdicts]
) -> None:
    listed = [contract for contract, found in verdicts.items() if found.eligible]
    assert listed
    assert model.eligible(OCTOBER) == sorted(listed)


def test_facts_read_for_one_contract_are_explained_alike(
    world: World, model: DuckReadModel, verdicts: dict[str, Verdicts]
) -> None:
    view = model.view(OCTOBER)
    for contract in list(world.expected)[::12]:
        found, expected = view.explain(contract), verdicts[contract]
        assert found.rules == expected.rules
        assert found.warnings == expected.warnings


def test_the_evaluation_of_a_snapshot_leaves_to_the_ledger_what_is_the_ledgers(
    world: World, model: DuckReadModel, policy: Policy
) -> None:
    evaluation = model.evaluate(1, OCTOBER, [*world.expected, "unknown"])
    assert set(evaluation.failed) == set(world.expected)
    for contract, facts in world.erp_share.items():
        expected = explain(facts, OCTOBER, today=local_day(NOW), policy=policy)
        assert evaluation.failed[contract] == expected.first_failed
        live = [service.service for service in facts.services if service.active and not service.deleted]
        assert evaluation.services.get(contract) == min(live, default=None)


def test_not_invoiced_is_the_list_plus_what_each_rule_keeps_out(
    model: DuckReadModel, verdicts: dict[str, Verdicts]
) -> None:
    figures = model.view(OCTOBER).indicators()
    unbilled = [found for found in verdicts.values() if all(found.rules[index].holds for index in (2, 3, 4))]
    assert figures["not_invoiced"] == len(unbilled)
    assert figures["eligible"] == sum(found.eligible for found in unbilled)
    kept_out = Counter(found.first_failed.key for found in unbilled if found.first_failed)
    assert figures["not_invoiced_by_rule"] == {rule.key: kept_out[rule.key] for rule in Rule}
    assert figures["not_invoiced"] == figures["eligible"] + sum(figures["not_invoiced_by_rule"].values())


def test_new_subscribers_and_integration_errors_are_counted_as_defined(world: World, model: DuckReadModel) -> None:
    view = model.view(OCTOBER)
    subscribed = [c for c, facts in world.expected.items() if any(_integrated(s) for s in facts.services)]
    outcomes = _last_outcomes(world)
    wrong = [
        contract
        for contract, facts in world.expected.items()
        if outcomes.get(contract) == "failed"
        or any(s.integration is Integration.ERROR and not s.deleted for s in facts.services)
    ]
    assert view.indicators()["new_subscribers"] == len(subscribed)
    assert view.indicators()["integration_errors"] == len(wrong)
    assert view.contract_ids(ContractQuery(new_subscribers=True)) == sorted(subscribed)
    assert view.contract_ids(ContractQuery(integration_errors=True)) == sorted(wrong)
    history = view.indicator_history().to_pylist()
    assert len(history) == 12
    current = view.indicators()
    assert history[-1] == {
        "competence": "2026-10",
        "new_subscribers": current["new_subscribers"],
        "integration_errors": current["integration_errors"],
        "not_invoiced": current["not_invoiced"],
    }
    september = model.view(SEPTEMBER).indicators()
    assert [history[-2][name] for name in ("new_subscribers", "not_invoiced")] == [
        september["new_subscribers"],
        september["not_invoiced"],
    ]
    assert history[-2]["integration_errors"] == september["integration_errors"]


def _integrated(service: SummitService) -> bool:
    return service.integrated_on is not None and service.integrated_on in OCTOBER


def _last_outcomes(world: World) -> dict[str, str]:
    image = world.ledger.images([OCTOBER], {})[1][OCTOBER]
    last: dict[str, str] = {}
    live: dict[str, str] = {}
    for row in image.items.to_pylist():
        last[row["contract"]] = "reversed" if row["reversed"] else row["outcome"]
        if row["outcome"] in LIVE_OUTCOMES and not row["reversed"]:
            live[row["contract"]] = row["outcome"]
    return last | live


def test_the_parts_of_the_coverage_add_up_and_lead_to_their_lists(model: DuckReadModel) -> None:
    view = model.view(OCTOBER)
    coverage = view.coverage()
    assert coverage.total == view.contracts(ContractQuery(coverage=tuple(coverage.parts))).total
    assert sum(coverage.by_rule.values()) == coverage.parts["kept_out"]
    for part, contracts in coverage.parts.items():
        assert contracts == view.contracts(ContractQuery(coverage=(part,))).total
