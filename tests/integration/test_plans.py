"""Tariff plans from a file into the ledger and out again, and what of them never changes (PLANS)."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.plans import SqlPlanLedger
from stfc.domain.plan import PlanVersion
from stfc.domain.plan_file import parse
from stfc.errors import NotAllowedError, PlansRefusedError
from stfc.services.plans import Plans
from stfc.services.ports import Actor, ChunkResult
from tests.integration.conftest import ROOT
from tests.ledgers import ANA, NOW, Ledger, charged, evaluation_of, held, result_of, zero
from tests.terminal import Terminal

SAMPLE = ROOT / "data" / "plans" / "exemplo.toml"
EVE = Actor("eve", "supervisor", "terminal")


def toml(price: str = "0.08", *, code: str = "p", day: str = "2026-01-01") -> bytes:
    return f'[[plan]]\ncode = "{code}"\nname = "P"\nvalid_from = {day}\n[plan.price]\nLOCAL = "{price}"\n'.encode()


@pytest.fixture
def plans(ledger: Ledger) -> Plans:
    return Plans(SqlPlanLedger(ledger.database), lambda: NOW)


def audited(ledger: Ledger) -> list[tuple[str, str, Any]]:
    rows = [row for row in ledger.rows(schema.audit) if row.action == "plan.import"]
    return [(row.target, row.who, json.loads(row.facts)["before"]) for row in rows]


def prices(plans: Plans) -> list[tuple[str, str]]:
    return [(row.version.key, str(row.version.prices["LOCAL"]["normal"])) for row in plans.rows()]  # type: ignore[index]


def refusal(plans: Plans, content: bytes) -> tuple[str, str]:
    with pytest.raises(PlansRefusedError) as refused:
        plans.import_(content, ANA)
    (problem,) = refused.value.facts["problems"]
    return problem.key, problem.cause


def settle(ledger: Ledger, outcomes: dict[str, Any], keys: frozenset[str]) -> None:
    """Bill contracts that come to ``outcomes``, their calls priced by the versions of ``keys``."""
    ledger.open(*outcomes)
    claim = ledger.claim()
    made = result_of(claim, outcomes)
    results = tuple(type(one)(**{**vars(one), "plans": keys}) for one in made.results)
    evaluation = evaluation_of(list(outcomes))
    more: dict[str, Any] = {"retry": None, "jitter": lambda: 0.5}
    ledger.work.settle("w1", claim.competence, ChunkResult(results, made.part), evaluation, now=NOW, **more)


def test_versions_come_back_as_they_went_in(ledger: Ledger, plans: Plans) -> None:
    imported = plans.import_(SAMPLE.read_bytes(), ANA)
    assert [row.version for row in plans.rows()] == imported == parse(SAMPLE.read_bytes())
    assert [(row.used, row.imported_at, row.imported_by) for row in plans.rows()] == [(False, NOW, "ana")] * 2
    assert ledger.reader.state().plans == {"exemplo-500": date(2026, 1, 1)}


def test_same_content_again_changes_nothing(ledger: Ledger, plans: Plans) -> None:
    plans.import_(toml(), ANA)
    before = ledger.dump()
    plans.import_(toml("0.0800"), ANA)
    assert ledger.dump() == before


def test_import_is_audited_with_what_was_there_before(ledger: Ledger, plans: Plans) -> None:
    plans.import_(toml(), ANA)
    plans.import_(toml("0.09") + toml(day="2027-01-01"), ANA)
    found = audited(ledger)
    assert [(target, who) for target, who, _ in found] == [
        ("plan p@2026-01-01", "ana"),
        ("plan p@2026-01-01", "ana"),
        ("plan p@2027-01-01", "ana"),
    ]
    assert [before and before["price"]["LOCAL"]["normal"] for _, _, before in found] == [None, "0.08", None]


@pytest.mark.parametrize("outcome", [charged(), zero(), held()], ids=["charged", "zero", "held"])
def test_version_that_a_charge_used_never_changes(ledger: Ledger, plans: Plans, outcome: Any) -> None:
    plans.import_(toml() + toml(code="q"), ANA)
    settle(ledger, {"1": outcome}, frozenset({"p@2026-01-01"}))
    assert [row.used for row in plans.rows()] == [True, False]
    key, cause = refusal(plans, toml("0.10", code="q") + toml("0.09"))
    assert key == "plan[2]"
    assert cause.startswith("a versão de 01/01/2026 do plano p já foi usada")
    assert prices(plans) == [("p@2026-01-01", "0.08"), ("q@2026-01-01", "0.08")]
    plans.import_(toml("0.09", day="2026-12-01") + toml() + toml("0.10", code="q"), ANA)
    assert [price for _, price in prices(plans)] == ["0.08", "0.09", "0.1"]


def test_version_is_not_replaced_under_a_running_charge(ledger: Ledger, plans: Plans) -> None:
    plans.import_(toml(), ANA)
    ledger.open("1")
    claim = ledger.claim()
    assert [version.key for version in claim.plans] == ["p@2026-01-01"]
    assert "em execução" in refusal(plans, toml("0.09"))[1]
    plans.import_(toml() + toml("0.09", day="2026-12-01"), ANA)
    ledger.settle(claim)
    plans.import_(toml("0.10"), ANA)
    assert prices(plans)[0] == ("p@2026-01-01", "0.1")


def test_refused_file_changes_nothing(ledger: Ledger, plans: Plans) -> None:
    before = ledger.dump()
    assert refusal(plans, toml() + toml("-1", code="q"))[0] == "plan[2].price.LOCAL"
    assert ledger.dump() == before


def test_supervisor_imports_no_plans(plans: Plans) -> None:
    with pytest.raises(NotAllowedError):
        plans.import_(toml(), EVE)


# --- Command line --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a ledger and nothing in it; copy it."""
    home = tmp_path_factory.mktemp("empty") / "home"
    Terminal(home, {}).ask("plans", "list")
    return home


@pytest.fixture
def terminal(empty_home: Path, tmp_path: Path) -> Terminal:
    return Terminal(shutil.copytree(empty_home, tmp_path / "home"), {"STFC_USER": "ana"})


def row(version: PlanVersion) -> dict[str, str]:
    day = version.valid_from.isoformat()
    return {"code": version.code, "name": version.name, "valid_from": day, "mode": version.mode.value}


def test_import_and_list_answer_a_row_per_version(terminal: Terminal) -> None:
    expected = {"plans": [row(version) for version in parse(SAMPLE.read_bytes())]}
    assert terminal.ask("plans", "import", SAMPLE) == expected
    assert terminal.ask("plans", "import", SAMPLE) == expected
    assert terminal.ask("plans", "list") == expected


def test_list_is_for_people_too(terminal: Terminal) -> None:
    assert terminal.run("plans", "list").out == "Nenhum plano importado.\n"
    terminal.ask("plans", "import", SAMPLE)
    first = terminal.run("plans", "list").out.splitlines()[0]
    assert first.split("  ")[0] == "exemplo-500"
    assert "desde 01/01/2026  cobra a Summit, conferida" in first


def test_refused_import_names_every_problem(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "plans.toml"
    path.write_bytes(toml("-1") + toml("0.123456789", code="q") + toml(day='"x"', code="r"))
    answer = terminal.run("plans", "import", path, "--json")
    error = answer.document["error"]
    assert (answer.status, error["code"]) == (1, "PLA-REC")
    assert [problem["key"] for problem in error["problems"]] == [
        "plan[1].price.LOCAL",
        "plan[2].price.LOCAL",
        "plan[3].valid_from",
    ]
    assert all(problem["cause"] for problem in error["problems"])
    said = terminal.run("plans", "import", path)
    assert said.err.splitlines()[0] == "plan[1].price.LOCAL: o valor não pode ser negativo"
    assert "3 problema(s)" in said.err
    assert terminal.ask("plans", "list") == {"plans": []}


def test_file_that_cannot_be_read_is_wrong_usage(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.refuse("plans", "import", tmp_path / "none.toml", status=2) == "USO-INV"
