"""Builders: each test says only what matters to it, the rest is a contract that may be billed.

``a_contract(status=ContractStatus.SUSPENDED)`` makes values of the domain; ``a_dump(folder, …)`` writes an ERP dump
whose rows are dictionaries of text, as ``contract_row()`` and its like give them.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.domain.competence import Competence
from stfc.domain.contract import (
    Contract,
    ContractStage,
    ContractStatus,
    EventualValue,
    Integration,
    Invoice,
    InvoiceStatus,
    Line,
    SummitService,
    ValueKind,
    ZeroBillingEvent,
)
from stfc.domain.eligibility import ContractFacts
from stfc.domain.money import Centavos
from stfc.services.ports import LedgerState, MonthImage, Part

OCTOBER = Competence(2026, 10)
"""The competence that tests speak of unless they say another."""

NOON = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)
"""Noon of 10 November 2026 in São Paulo, after every cut day of October."""

Row = dict[str, str]


# --- Values of the domain ------------------------------------------------------------------------------------------


def a_contract(contract: str = "4711", **changes: Any) -> Contract:
    """An approved contract in normal status, inside its billing window."""
    values: dict[str, Any] = {
        "contract": contract,
        "customer": "Padaria São João",
        "document": "11222333000181",
        "city": "Campinas",
        "state": "SP",
        "stage": ContractStage.APPROVED,
        "status": ContractStatus.NORMAL,
        "deleted": False,
        "bill_from": date(2025, 1, 1),
        "bill_until": None,
        "cut_day": 20,
        "due_day": 10,
        "plan": "empresarial-500",
        "approved_on": date(2024, 12, 20),
    }
    return Contract(**values | changes)


def a_service(service: str = "S1", **changes: Any) -> SummitService:
    """An active Summit service, integrated."""
    values: dict[str, Any] = {
        "service": service,
        "title": "Telefonia fixa",
        "active": True,
        "deleted": False,
        "monthly_fee": Centavos(4990),
        "integration": Integration.INTEGRATED,
        "integrated_on": date(2025, 1, 2),
        "integration_error": None,
    }
    return SummitService(**values | changes)


def a_line(number: str = "1933224455", **changes: Any) -> Line:
    """A line of service S1 since January 2025, still valid."""
    values: dict[str, Any] = {"number": number, "service": "S1", "since": date(2025, 1, 2), "until": None}
    return Line(**values | changes)


def an_invoice(invoice: str = "F1", **changes: Any) -> Invoice:
    """A closed invoice of October."""
    values: dict[str, Any] = {
        "invoice": invoice,
        "competence": OCTOBER,
        "issued_on": date(2026, 10, 25),
        "due_on": date(2026, 11, 10),
        "amount": Centavos(9990),
        "status": InvoiceStatus.CLOSED,
    }
    return Invoice(**values | changes)


def a_value(value_id: str = "V1", **changes: Any) -> EventualValue:
    """A live addition of October on service S1."""
    values: dict[str, Any] = {
        "value_id": value_id,
        "service": "S1",
        "competence": OCTOBER,
        "kind": ValueKind.ADDITION,
        "amount": Centavos(1234),
        "invoiced": False,
        "deleted": False,
        "reason": None,
    }
    return EventualValue(**values | changes)


def an_event(event: str = "E1", **changes: Any) -> ZeroBillingEvent:
    """An unreversed zero-billing event of October."""
    values: dict[str, Any] = {"event": event, "competence": OCTOBER, "at": date(2026, 10, 21), "reversed": False}
    return ZeroBillingEvent(**values | changes)


def some_facts(**changes: Any) -> ContractFacts:
    """A contract that all eight rules let through, without a warning."""
    values: dict[str, Any] = {
        "contract": a_contract(),
        "services": (a_service(),),
        "lines": (a_line(),),
        "plan_known": True,
    }
    return ContractFacts(**values | changes)


# --- Dumps of the ERP ----------------------------------------------------------------------------------------------


def contract_row(contract: str = "4711", **changes: str) -> Row:
    """A row of ``contracts`` for :func:`a_contract`."""
    return _contract_cells(a_contract(contract)) | changes


def service_row(service: str = "S1", contract: str = "4711", **changes: str) -> Row:
    """A row of ``services`` for :func:`a_service`."""
    return _service_cells(a_service(service), contract) | changes


def line_row(number: str = "1933224455", service: str = "S1", **changes: str) -> Row:
    """A row of ``lines`` for :func:`a_line`."""
    return _line_cells(a_line(number, service=service)) | changes


def invoice_row(invoice: str = "F1", contract: str = "4711", **changes: str) -> Row:
    """A row of ``invoices`` for :func:`an_invoice`."""
    return _invoice_cells(an_invoice(invoice), contract) | changes


def value_row(value_id: str = "V1", contract: str = "4711", **changes: str) -> Row:
    """A row of ``eventual_values`` for :func:`a_value`."""
    return _value_cells(a_value(value_id), contract) | changes


def event_row(event: str = "E1", contract: str = "4711", **changes: str) -> Row:
    """A row of ``events`` for :func:`an_event`."""
    return _event_cells(an_event(event), contract) | changes


def a_dump(folder: Path, **tables: list[Row]) -> Path:
    """Write the tables as CSV into ``folder`` and give it; by default one contract, its service and its line.

    Tables given replace the default ones; a table given as an empty list has its header only.
    """
    chosen: dict[str, list[Row]] = {"contracts": [contract_row()], "services": [service_row()], "lines": [line_row()]}
    return write_tables(folder, chosen | tables)


def write_tables(folder: Path, tables: Mapping[str, list[Row]]) -> Path:
    """Write exactly these tables as CSV into ``folder`` and give it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0] if rows else _HEADERS[name]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def rows_of(facts: Iterable[ContractFacts]) -> dict[str, list[Row]]:
    """The six tables of an ERP that knows exactly these facts."""
    tables: dict[str, list[Row]] = {name: [] for name in _HEADERS}
    for one in facts:
        contract = one.contract.contract
        tables["contracts"].append(_contract_cells(one.contract))
        tables["services"] += [_service_cells(service, contract) for service in one.services]
        tables["lines"] += [_line_cells(line) for line in one.lines]
        tables["invoices"] += [_invoice_cells(invoice, contract) for invoice in one.invoices]
        tables["eventual_values"] += [_value_cells(value, contract) for value in one.values]
        tables["events"] += [_event_cells(event, contract) for event in one.events]
    return tables


def _cells(**values: Any) -> Row:
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def _reais(centavos: int) -> str:
    return f"{centavos // 100}.{centavos % 100:02d}"


def _contract_cells(contract: Contract) -> Row:
    return _cells(**vars(contract))


def _service_cells(service: SummitService, contract: str) -> Row:
    cells = vars(service) | {"monthly_fee": _reais(service.monthly_fee)}
    return _cells(**cells, contract=contract, integrator="summit", kind="telephony")


def _line_cells(line: Line) -> Row:
    return _cells(**vars(line))


def _invoice_cells(invoice: Invoice, contract: str) -> Row:
    return _cells(**vars(invoice) | {"amount": _reais(invoice.amount)}, contract=contract)


def _value_cells(value: EventualValue, contract: str) -> Row:
    return _cells(**vars(value) | {"amount": _reais(value.amount)}, contract=contract)


def _event_cells(event: ZeroBillingEvent, contract: str) -> Row:
    return _cells(**vars(event), contract=contract, kind="zero_billing")


_HEADERS: dict[str, Row] = {
    "contracts": contract_row(),
    "services": service_row(),
    "lines": line_row(),
    "invoices": invoice_row(),
    "eventual_values": value_row(),
    "events": event_row(),
}


# --- What the ledger shows -----------------------------------------------------------------------------------------

_ITEMS = pa.schema(
    [
        ("item", pa.int64()),
        ("contract", pa.string()),
        ("batch", pa.int64()),
        ("outcome", pa.string()),
        ("code", pa.string()),
        ("rule", pa.string()),
        ("amount", pa.int64()),
        ("calls", pa.int64()),
        ("reversed", pa.bool_()),
        ("late", pa.bool_()),
        ("period_from", pa.date32()),
        ("period_until", pa.date32()),
    ]
)
_VALUES = pa.schema(
    [
        ("value_id", pa.string()),
        ("contract", pa.string()),
        ("service", pa.string()),
        ("kind", pa.string()),
        ("amount", pa.int64()),
        ("deleted", pa.bool_()),
        ("held", pa.bool_()),
    ]
)
_EVENTS = pa.schema([("event", pa.string()), ("contract", pa.string()), ("at", pa.date32()), ("reversed", pa.bool_())])
_PROVISIONING = pa.schema(
    [("contract", pa.string()), ("at", pa.timestamp("us", "UTC")), ("ok", pa.bool_()), ("code", pa.string())]
)


def an_item(item: int, contract: str = "4711", **changes: Any) -> dict[str, Any]:
    """A row of a month image's items: charged R$ 12,34 for 10 calls in batch 1."""
    return {
        "item": item,
        "contract": contract,
        "batch": 1,
        "outcome": "charged",
        "code": None,
        "rule": None,
        "amount": 1234,
        "calls": 10,
        "reversed": False,
        "late": False,
        "period_from": None,
        "period_until": None,
    } | changes


def own_value(value_id: str, contract: str = "4711", **changes: Any) -> dict[str, Any]:
    """A row of a month image's values: a live addition on service S1."""
    return {
        "value_id": value_id,
        "contract": contract,
        "service": "S1",
        "kind": "addition",
        "amount": 1234,
        "deleted": False,
        "held": False,
    } | changes


def own_event(event: str, contract: str = "4711", **changes: Any) -> dict[str, Any]:
    """A row of a month image's events: an unreversed zero-billing event."""
    return {"event": event, "contract": contract, "at": date(2026, 11, 1), "reversed": False} | changes


def a_provisioning(contract: str = "4711", **changes: Any) -> dict[str, Any]:
    """A row of the ledger's last provisioning results: a success at noon."""
    return {"contract": contract, "at": NOON, "ok": True, "code": None} | changes


@dataclass
class Month:
    """What a :class:`LedgerInMemory` knows of one competence."""

    items: list[dict[str, Any]] = field(default_factory=list)
    values: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    parts: tuple[Part, ...] = ()
    excluded: frozenset[int] = frozenset()


class LedgerInMemory:
    """A ``ports.LedgerReader`` whose months are set by the test; every ``put`` is one transaction."""

    def __init__(self, snapshot: int | None = 1) -> None:
        self.snapshot = snapshot
        self.provisioning: list[dict[str, Any]] = []
        self.plans = dict.fromkeys(["empresarial-500", "gold", "silver", "a", "b"], date(2026, 1, 1))
        self.revision = 1
        self._months: dict[Competence, tuple[int, Month]] = {}

    def put(self, competence: Competence, month: Month) -> None:
        """Replace what is known of ``competence``."""
        self.revision += 1
        self._months[competence] = self.revision, month

    def state(self) -> LedgerState:
        """Revision, snapshot and months."""
        return LedgerState(
            revision=self.revision,
            snapshot=self.snapshot,
            imported_at=None if self.snapshot is None else NOON,
            months={competence: revision for competence, (revision, _) in self._months.items()},
            provisioning=pa.Table.from_pylist(self.provisioning, schema=_PROVISIONING),
            plans=self.plans,
        )

    def images(
        self, competences: Iterable[Competence], known: Mapping[Competence, MonthImage]
    ) -> tuple[LedgerState, dict[Competence, MonthImage]]:
        """State and images; a ``known`` one is given back while its month stands."""
        images = {}
        for competence in competences:
            revision, month = self._months.get(competence, (0, Month()))
            kept = known.get(competence)
            same = kept if kept and kept.revision == revision else None
            images[competence] = same or _image(competence, revision, month)
        return self.state(), images


def _image(competence: Competence, revision: int, month: Month) -> MonthImage:
    return MonthImage(
        competence=competence,
        revision=revision,
        items=pa.Table.from_pylist(month.items, schema=_ITEMS),
        values=pa.Table.from_pylist(month.values, schema=_VALUES),
        events=pa.Table.from_pylist(month.events, schema=_EVENTS),
        parts=month.parts,
        excluded=month.excluded,
    )


# --- Calls ---------------------------------------------------------------------------------------------------------


def a_call(call_id: str, contract: str = "4711", **changes: Any) -> dict[str, Any]:
    """A row of a part of calls: a minute to a mobile of the same CN on Monday 12 October 2026, 10:00, R$ 0,79."""
    return {
        "contract": contract,
        "claim": 1,
        "call_id": call_id,
        "line": "1933224455",
        "caller": "1933224455",
        "called": "19987654321",
        "started_at": datetime(2026, 10, 12, 13, 0, tzinfo=UTC),
        "offset_minutes": -180,
        "duration": 60,
        "platform_class": "VC1",
        "carrier": "",
        "csp": "",
        "amount": 790_000,
        "class": "VC1",
        "destination": "19",
        "local_day": date(2026, 10, 12),
        "hour": 10,
        "weekday": 0,
        "late": False,
        "issue": None,
    } | changes


def calls_table(calls: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows of :func:`a_call` as a part holds them: by contract, then start."""
    rows = sorted(calls, key=lambda call: (call["contract"], call["started_at"]))
    return pa.Table.from_pylist(rows, schema=PART_SCHEMA)
