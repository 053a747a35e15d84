"""The platform's JSON, read with suspicion."""

from typing import Any

import pytest

from stfc.adapters.summit import answers
from stfc.domain.competence import Competence
from stfc.errors import ServerFaultError

MONTH = Competence(2026, 10)
DESCRIPTOR: dict[str, Any] = {
    "contract": "4711",
    "competence": "2026-10",
    "status": "available",
    "closed_at": "2026-10-20T03:00:00-03:00",
    "period": {"from": "2026-09-21", "until": "2026-10-20"},
    "records": 182,
    "billed_seconds": 20430,
    "amount": "37.42",
    "sha256": "AB" * 32,
    "href": "/v1/files/x",
}


def test_the_example_of_the_interface_is_read_whole() -> None:
    found = answers.descriptor(DESCRIPTOR, MONTH, "4711")

    assert (found.records, found.billed_seconds, found.amount) == (182, 20430, 37_420_000)
    assert found.sha256 == "ab" * 32
    assert found.period_from is not None
    assert found.period_from.isoformat() == "2026-09-21"


@pytest.mark.parametrize("name", ["closed_at", "period", "records", "billed_seconds", "amount", "sha256"])
def test_what_is_not_announced_is_absent_and_no_fault(name: str) -> None:
    for changed in ({**DESCRIPTOR, name: None}, {k: v for k, v in DESCRIPTOR.items() if k != name}):
        assert answers.descriptor(changed, MONTH).available


def test_a_processing_month_needs_no_link() -> None:
    found = answers.descriptor({"contract": "1", "competence": "2026-10", "status": "processing"}, MONTH)

    assert not found.available


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contract", 4711),
        ("contract", ""),
        ("contract", "4712"),
        ("competence", "2026-13"),
        ("competence", "2026-09"),
        ("competence", None),
        ("status", "ready"),
        ("status", None),
        ("closed_at", "2026-10-20T03:00:00"),
        ("closed_at", 7),
        ("period", []),
        ("period", {"from": "2026-02-30"}),
        ("records", -1),
        ("records", True),
        ("records", 1.0),
        ("records", "1"),
        ("billed_seconds", 10.5),
        ("amount", 37.42),
        ("amount", "-1.00"),
        ("amount", "1.0000001"),
        ("amount", "١"),
        ("sha256", "short"),
        ("sha256", 7),
        ("href", 7),
        ("href", None),
    ],
)
def test_anything_odd_in_a_descriptor_is_a_fault_of_the_platform(name: str, value: Any) -> None:
    with pytest.raises(ServerFaultError):
        answers.descriptor({**DESCRIPTOR, name: value}, MONTH, "4711")


def test_a_bill_with_a_fraction_of_a_centavo_is_a_fault() -> None:
    bill = {
        "number": "S1",
        "competence": "2026-10",
        "issued_on": "2026-10-21",
        "due_on": "2026-10-31",
        "amount": "37.425",
        "status": "open",
        "items": [],
    }
    with pytest.raises(ServerFaultError):
        answers.invoice(bill)
    assert answers.invoice({**bill, "amount": "37.420"}).amount == 3742


@pytest.mark.parametrize(
    ("body", "code"), [(b'{"code":"x"}', "x"), (b'{"code":7}', None), (b"<html>", None), (b"", None)]
)
def test_a_problem_tells_its_code_if_it_is_one(body: bytes, code: str | None) -> None:
    assert answers.problem_code(body) == code
