"""The command line over a real home and a real platform: shapes, exit codes, refusals (ARCHITECTURE, command line)."""

import csv
import errno
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_dump, contract_row, line_row, service_row
from tests.integration.conftest import ROOT, Simulator
from tests.terminal import Terminal

MONTH = "2026-10"
OF_MONTH = ("--competence", MONTH)
OUTCOMES = {"charged", "zero", "held", "waiting_file", "refused", "failed", "cancelled", "waiting", "running"}
AMOUNT = re.compile(r"\d+\.\d\d+")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?-03:00")


def platform(simulator: Simulator) -> dict[str, str]:
    return {"STFC_SUMMIT_URL": simulator.base_url, "STFC_SUMMIT_TOKEN": simulator.token, "STFC_USER": "ana"}


@pytest.fixture(scope="module")
def imported_home(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the simulator's ERP imported and nothing billed; copy it."""
    home = tmp_path_factory.mktemp("imported") / "home"
    Terminal(home, platform(simulator)).ask("import", simulator.erp)
    return home


@pytest.fixture(scope="module")
def billed_answer(
    imported_home: Path, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """A home with the whole month billed, and what ``bill`` answered; copy it."""
    home = shutil.copytree(imported_home, tmp_path_factory.mktemp("billed") / "home")
    return home, Terminal(home, platform(simulator)).ask("bill", *OF_MONTH, "--all", "--wait")


@pytest.fixture
def fresh(tmp_path: Path, simulator: Simulator) -> Terminal:
    """A terminal whose home does not exist yet."""
    return Terminal(tmp_path / "home", platform(simulator))


@pytest.fixture
def terminal(imported_home: Path, tmp_path: Path, simulator: Simulator) -> Terminal:
    """A terminal with data of the ERP and nothing billed."""
    return Terminal(shutil.copytree(imported_home, tmp_path / "home"), platform(simulator))


@pytest.fixture
def billed(billed_answer: tuple[Path, Any], tmp_path: Path, simulator: Simulator) -> Terminal:
    """A terminal with the month billed."""
    return Terminal(shutil.copytree(billed_answer[0], tmp_path / "home"), platform(simulator))


def eligible(terminal: Terminal, competence: str = MONTH) -> list[str]:
    listed = terminal.ask("contracts", "list", "--competence", competence, "--eligible")
    return [row["contract"] for row in listed["contracts"]]


def by_outcome(shown: Any, outcome: str) -> list[str]:
    return [item["contract"] for item in shown["items"] if item["outcome"] == outcome]


# --- Import --------------------------------------------------------------------------------------------------------


def test_import_answers_snapshot_rows_and_seconds(fresh: Terminal, simulator: Simulator) -> None:
    first, second = fresh.ask("import", simulator.erp), fresh.ask("import", simulator.erp)
    assert (first["snapshot"], second["snapshot"]) == (1, 2)
    assert set(first["rows"]) == {"contracts", "services", "lines", "invoices", "eventual_values", "events"}
    assert first["rows"]["contracts"] == 300
    assert isinstance(first["seconds"], float)


def test_refused_import_names_every_problem_and_changes_nothing(fresh: Terminal, tmp_path: Path) -> None:
    good = a_dump(tmp_path / "good", contracts=[contract_row()], services=[service_row()], lines=[line_row()])
    fresh.ask("import", good)
    before = fresh.ask("contracts", "list", *OF_MONTH)
    bad = a_dump(
        tmp_path / "bad",
        contracts=[contract_row(stage="unheard_of"), contract_row("4712", bill_from="31/10/2026")],
        services=[service_row()],
        lines=[line_row()],
    )
    answer = fresh.run("import", bad, "--json")
    assert answer.status == 1
    error = answer.document["error"]
    assert (error["code"], set(error)) == ("IMP-REC", {"code", "message", "problems"})
    assert [(p["file"].split(".")[0], p["line"], p["column"]) for p in error["problems"]] == [
        ("contracts", 2, "stage"),
        ("contracts", 3, "bill_from"),
    ]
    assert all(problem["cause"] for problem in error["problems"])
    assert fresh.ask("contracts", "list", *OF_MONTH) == before


def test_import_of_a_folder_that_does_not_exist_is_refused(fresh: Terminal, tmp_path: Path) -> None:
    answer = fresh.run("import", tmp_path / "nowhere", "--json")
    assert (answer.status, answer.document["error"]["code"]) == (1, "IMP-REC")


def test_billing_before_any_import_is_refused(fresh: Terminal) -> None:
    assert fresh.refuse("bill", *OF_MONTH, "--all") == "USO-EST"
    assert fresh.ask("contracts", "list", *OF_MONTH) == {"competence": MONTH, "total": 0, "contracts": []}


# --- Contracts and indicators --------------------------------------------------------------------------------------


def test_contracts_are_listed_in_order_with_their_state(terminal: Terminal) -> None:
    listed = terminal.ask("contracts", "list", *OF_MONTH)
    assert set(listed) == {"competence", "total", "contracts"}
    assert (listed["competence"], listed["total"]) == (MONTH, len(listed["contracts"]))
    assert {frozenset(row) for row in listed["contracts"]} == {
        frozenset({"contract", "customer", "stage", "status", "eligible", "warnings"})
    }
    numbers = [row["contract"] for row in listed["contracts"]]
    assert numbers == sorted(numbers)
    assert eligible(terminal) == [row["contract"] for row in listed["contracts"] if row["eligible"]]


def test_search_finds_one_contract_by_its_number(terminal: Terminal) -> None:
    number = eligible(terminal)[0]
    found = terminal.ask("contracts", "list", *OF_MONTH, "--search", number)
    assert number in [row["contract"] for row in found["contracts"]]
    assert found["total"] < 20


def test_explanation_has_eight_rules_with_reason_and_evidence(terminal: Terminal) -> None:
    listed = terminal.ask("contracts", "list", *OF_MONTH)["contracts"]
    for row in (listed[0], next(row for row in listed if not row["eligible"])):
        told = terminal.ask("contracts", "explain", row["contract"], *OF_MONTH)
        assert set(told) == {"contract", "competence", "eligible", "rules", "warnings"}
        assert [rule["number"] for rule in told["rules"]] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert {frozenset(rule) for rule in told["rules"]} == {
            frozenset({"number", "name", "holds", "reason", "evidence"})
        }
        assert all(rule["reason"] and isinstance(rule["evidence"], dict) for rule in told["rules"])
        assert told["eligible"] == row["eligible"] == all(rule["holds"] for rule in told["rules"])


def test_explanation_of_a_contract_that_does_not_exist_is_refused(terminal: Terminal) -> None:
    assert terminal.refuse("contracts", "explain", "999999", *OF_MONTH) == "USO-NAO"


def test_not_invoiced_is_the_list_plus_what_each_rule_keeps_out(terminal: Terminal) -> None:
    figures = terminal.ask("indicators", *OF_MONTH)
    assert set(figures) == {"new_subscribers", "integration_errors", "not_invoiced", "eligible", "not_invoiced_by_rule"}
    assert len(figures["not_invoiced_by_rule"]) == 8
    assert figures["not_invoiced"] == figures["eligible"] + sum(figures["not_invoiced_by_rule"].values())
    assert figures["eligible"] == len(eligible(terminal))


# --- Billing -------------------------------------------------------------------------------------------------------


def test_preview_opens_nothing(terminal: Terminal) -> None:
    told = terminal.ask("bill", *OF_MONTH, "--all", "--preview")
    names = {"competence", "contracts", "expected_calls", "expected_amount", "from_platform", "from_history"}
    assert set(told) == names | {"expected_low", "expected_high", "warnings", "surprises"}
    assert told["contracts"] == len(eligible(terminal))
    assert AMOUNT.fullmatch(told["expected_amount"])
    assert told["from_platform"] > 0
    assert terminal.ask("batches", "list") == {"batches": []}


def test_bill_opens_a_batch_and_returns_at_once(terminal: Terminal) -> None:
    count = len(eligible(terminal))
    assert terminal.ask("bill", *OF_MONTH, "--all") == {"batch": 1, "items": count, "refused": []}
    shown = terminal.ask("batches", "show", "1")
    assert (shown["status"], shown["outcomes"]["waiting"]) == ("waiting", count)
    assert eligible(terminal) == []


def test_bill_and_wait_answers_what_show_says(billed: Terminal, billed_answer: tuple[Path, Any]) -> None:
    _, answer = billed_answer
    shown = billed.ask("batches", "show", "1")
    assert answer == {**shown, "refused": []}
    assert set(shown) == {
        "batch",
        "competence",
        "snapshot",
        "status",
        "outcomes",
        "amount",
        "calls",
        "seconds",
        "forecast",
        "items",
    }
    assert (shown["status"], set(shown["outcomes"])) == ("done", OUTCOMES)
    assert sum(shown["outcomes"].values()) == len(shown["items"])
    assert {name for name, count in shown["outcomes"].items() if count} >= {"charged", "zero", "held", "failed"}
    fields = {"contract", "outcome", "amount", "calls", "code", "message", "attempts", "reversed", "log"}
    fields |= {"expected", "expected_low", "expected_high"}
    assert {frozenset(item) for item in shown["items"]} == {frozenset(fields)}
    lines = [line for item in shown["items"] for line in item["log"]]
    assert {frozenset(line) for line in lines} == {frozenset({"at", "step", "message"})}
    assert all(INSTANT.fullmatch(line["at"]) for line in lines)
    assert all(item["message"] and item["log"] for item in shown["items"])


def test_charges_are_to_the_centavo_what_the_platform_says(billed: Terminal, simulator: Simulator) -> None:
    announced = descriptors(simulator)
    shown = billed.ask("batches", "show", "1")
    charged = [item for item in shown["items"] if item["outcome"] == "charged"]
    assert len(charged) > 200
    assert {item["contract"]: item["amount"] for item in charged} == {
        item["contract"]: announced[item["contract"]]["amount"] for item in charged
    }
    live = [item for item in shown["items"] if item["outcome"] in ("charged", "held", "zero")]
    assert sum(Decimal(item["amount"]) for item in live) == Decimal(shown["amount"])
    assert sum(item["calls"] for item in live) == shown["calls"]


def descriptors(simulator: Simulator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    cursor = ""
    while cursor is not None:
        query = f"competence={MONTH}&limit=1000" + (f"&cursor={cursor}" if cursor else "")
        request = urllib.request.Request(f"{simulator.base_url}/v1/billing-files?{query}")
        request.add_header("Authorization", f"Bearer {simulator.token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            page = json.load(answer)
        found |= {item["contract"]: item for item in page["items"]}
        cursor = page["next_cursor"]
    return found


def test_billing_again_bills_nothing_that_is_billed(billed: Terminal) -> None:
    left = eligible(billed)
    failed = by_outcome(billed.ask("batches", "show", "1"), "failed")
    assert left == failed
    again = billed.ask("bill", *OF_MONTH, "--all")
    assert again["items"] == len(failed)
    assert billed.ask("bill", *OF_MONTH, "--all") == {"batch": None, "items": 0, "refused": []}


def test_contract_that_is_billed_is_refused_with_the_rule(billed: Terminal) -> None:
    charged = by_outcome(billed.ask("batches", "show", "1"), "charged")[:2]
    answer = billed.ask("bill", *OF_MONTH, "--contract", charged[0], "--contract", charged[1])
    refused = [{"contract": contract, "rule": "no_charge"} for contract in charged]
    assert answer == {"batch": None, "items": 0, "refused": refused}


def test_chosen_contracts_of_a_file_are_billed(terminal: Terminal, tmp_path: Path) -> None:
    some = eligible(terminal)[:3]
    chosen = tmp_path / "chosen.txt"
    chosen.write_text(f"\ufeff{some[0]}\r\n\n  {some[1]}  \n{some[2]}", encoding="utf-8")
    answer = terminal.ask("bill", *OF_MONTH, "--contracts", chosen, "--wait")
    assert [item["contract"] for item in answer["items"]] == some


def test_file_with_an_unknown_contract_opens_nothing(terminal: Terminal, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text(f"{eligible(terminal)[0]}\n999999\n")
    answer = terminal.run("bill", *OF_MONTH, "--contracts", chosen, "--json")
    assert (answer.status, answer.error) == (1, "USO-NAO")
    assert "999999" in answer.document["error"]["message"]
    assert terminal.ask("batches", "list") == {"batches": []}


@pytest.mark.parametrize("content", [None, b"", b"\n \n", b"\xff\xfe\xff"])
def test_file_without_contracts_is_wrong_usage(terminal: Terminal, tmp_path: Path, content: bytes | None) -> None:
    chosen = tmp_path / "chosen.txt"
    if content is not None:
        chosen.write_bytes(content)
    assert terminal.refuse("bill", *OF_MONTH, "--contracts", chosen, status=2) == "USO-INV"


def test_supervisor_bills_nothing(terminal: Terminal) -> None:
    assert terminal.refuse("bill", *OF_MONTH, "--all", STFC_ROLE="supervisor") == "USO-PER"
    assert terminal.ask("batches", "list") == {"batches": []}


# --- Batches -------------------------------------------------------------------------------------------------------


def test_batches_are_listed_newest_first_without_items(billed: Terminal) -> None:
    billed.ask("bill", *OF_MONTH, "--all")
    listed = billed.ask("batches", "list")["batches"]
    assert [batch["batch"] for batch in listed] == [2, 1]
    shown = billed.ask("batches", "show", "1")
    assert listed[1] == {name: value for name, value in shown.items() if name != "items"}


def test_batch_that_does_not_exist_is_refused(terminal: Terminal) -> None:
    for command in (["show"], ["retry"], ["cancel"], ["reverse", "--reason", "x"]):
        assert terminal.refuse("batches", command[0], "7", *command[1:]) == "USO-NAO"


def test_retry_takes_up_what_failed_and_what_waits_for_its_file(billed: Terminal) -> None:
    before = billed.ask("batches", "show", "1")
    again = by_outcome(before, "failed") + by_outcome(before, "waiting_file")
    assert billed.ask("batches", "retry", "1") == {"batch": 1, "retried": len(again)}
    assert sorted(by_outcome(billed.ask("batches", "show", "1"), "waiting")) == sorted(again)
    assert billed.run("worker", "--until-idle").status == 0
    after = billed.ask("batches", "show", "1")
    assert (after["status"], after["amount"], after["outcomes"]) == ("done", before["amount"], before["outcomes"])


def test_cancel_ends_what_has_not_started(terminal: Terminal) -> None:
    some = eligible(terminal)[:2]
    terminal.ask("bill", *OF_MONTH, "--contract", some[0], "--contract", some[1])
    assert terminal.ask("batches", "cancel", "1") == {"batch": 1, "cancelled": 2}
    shown = terminal.ask("batches", "show", "1")
    assert (shown["status"], shown["outcomes"]["cancelled"]) == ("cancelled", 2)
    assert set(some) <= set(eligible(terminal))


def test_reversal_returns_the_contract_to_the_list_and_its_calls_are_gone(billed: Terminal) -> None:
    before = billed.ask("batches", "show", "1")
    item = next(item for item in before["items"] if item["outcome"] == "charged")
    contract = item["contract"]
    answer = billed.ask("batches", "reverse", "1", "--contract", contract, "--reason", "engano")
    assert answer == {"batch": 1, "reversed": 1}
    after = billed.ask("batches", "show", "1")
    (reversed_item,) = [one for one in after["items"] if one["contract"] == contract]
    assert (reversed_item["reversed"], reversed_item["outcome"]) == (True, "charged")
    assert Decimal(before["amount"]) - Decimal(after["amount"]) == Decimal(item["amount"])
    assert contract in eligible(billed)
    assert billed.ask("calls", *OF_MONTH, "--contract", contract)["total"] == 0
    assert billed.ask("bill", *OF_MONTH, "--contract", contract, "--wait")["amount"] == item["amount"]
    assert billed.ask("calls", *OF_MONTH, "--contract", contract)["total"] == item["calls"]


def test_reversal_of_everything_takes_all_amounts_back(billed: Terminal) -> None:
    outcomes = billed.ask("batches", "show", "1")["outcomes"]
    done = outcomes["charged"] + outcomes["held"] + outcomes["zero"]
    reverse = ("batches", "reverse", "1", "--reason", "engano")
    assert billed.refuse(*reverse) == "USO-EST"  # some are held, and those are a manager's
    assert billed.ask(*reverse, STFC_ROLE="manager") == {"batch": 1, "reversed": done}
    after = billed.ask("batches", "show", "1")
    assert (after["amount"], after["calls"], after["outcomes"]) == ("0.00", 0, outcomes)
    assert billed.ask("calls", *OF_MONTH)["total"] == 0
    assert billed.ask("doctor")["ok"]


def test_reversal_without_a_reason_or_of_nothing_is_refused(billed: Terminal) -> None:
    assert billed.refuse("batches", "reverse", "1", status=2) == "USO-CLI"
    assert billed.refuse("batches", "reverse", "1", "--reason", "  ") == "USO-EST"
    failed = by_outcome(billed.ask("batches", "show", "1"), "failed")[0]
    assert billed.refuse("batches", "reverse", "1", "--contract", failed, "--reason", "engano") == "USO-EST"


# --- Held charges --------------------------------------------------------------------------------------------------

REASON = ("--reason", "conferido com a Summit")
MANAGER = {"STFC_ROLE": "manager"}


def holds(terminal: Terminal, **settings: str) -> list[dict[str, Any]]:
    document = terminal.ask("holds", "list", **settings)
    assert set(document) == {"holds"}
    rows: list[dict[str, Any]] = document["holds"]
    return rows


def test_holds_are_listed_to_everybody_by_money_at_risk_with_the_reason(billed: Terminal) -> None:
    rows = holds(billed, STFC_ROLE="supervisor")
    shown = {item["contract"]: item for item in billed.ask("batches", "show", "1")["items"]}
    assert {frozenset(row) for row in rows} == {
        frozenset({"id", "contract", "competence", "batch", "amount", "code", "reason"})
    }
    assert sorted(row["contract"] for row in rows) == sorted(c for c in shown if shown[c]["outcome"] == "held")
    assert len(rows) > 2
    amounts = [Decimal(row["amount"]) for row in rows]
    assert amounts == sorted(amounts, reverse=True)
    for row in rows:
        item = shown[row["contract"]]
        assert (row["amount"], row["code"], row["batch"], row["competence"]) == (item["amount"], item["code"], 1, MONTH)
        assert row["reason"] in item["message"]
    told = billed.run("holds", "list").out
    assert f"{len(rows)} cobranças retidas" in told
    assert all(row["reason"] in told for row in rows)


def test_released_holds_go_back_to_the_erp_and_rejected_ones_to_the_list(billed: Terminal, tmp_path: Path) -> None:
    one, two, *rest = holds(billed)
    before = billed.ask("batches", "show", "1")
    released = billed.ask("holds", "release", str(one["id"]), *REASON, **MANAGER)
    assert released == {"released": [one["id"]], "holds": [two, *rest]}
    rejected = billed.ask("holds", "reject", str(two["id"]), *REASON, **MANAGER)
    assert rejected == {"rejected": [two["id"]], "holds": rest}
    after = billed.ask("batches", "show", "1")
    items = {item["contract"]: item for item in after["items"]}
    first, second = items[one["contract"]], items[two["contract"]]
    assert (first["outcome"], first["reversed"], first["code"]) == ("charged", False, one["code"])
    assert (second["outcome"], second["reversed"]) == ("held", True)
    assert "Liberado por ana: conferido com a Summit" in first["log"][-1]["message"]
    assert one["reason"] in first["message"]
    assert Decimal(before["amount"]) - Decimal(after["amount"]) == Decimal(two["amount"])
    assert two["contract"] in eligible(billed)
    assert one["contract"] not in eligible(billed)
    assert billed.ask("calls", *OF_MONTH, "--contract", two["contract"])["total"] == 0
    assert billed.ask("doctor")["ok"]
    answers = [billed.ask("export", tmp_path / name, *OF_MONTH) for name in ("1", "2")]
    assert answers[0]["files"] == answers[1]["files"]
    values = (tmp_path / "1" / "eventual_values.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in values].count(one["contract"]) == 1
    assert two["contract"] not in [line.split(",")[1] for line in values]
    charges = [line.split(",") for line in (tmp_path / "1" / "charges.csv").read_text().splitlines()]
    status = charges[0].index("status")
    assert {row[1]: row[status] for row in charges[1:] if row[1] in (one["contract"], two["contract"])} == {
        one["contract"]: "live",
        two["contract"]: "rejected",
    }
    again = billed.ask("bill", *OF_MONTH, "--contract", two["contract"], "--wait")
    assert again["outcomes"]["held"] == 1
    assert again["amount"] == two["amount"]


def test_holds_are_decided_all_or_none_by_a_manager_with_a_reason(billed: Terminal) -> None:
    one, two, *_ = (str(row["id"]) for row in holds(billed))
    before = holds(billed)
    for decision in ("release", "reject"):
        refused = billed.run("holds", decision, one, *REASON, "--json")
        assert (refused.status, refused.error) == (1, "USO-PER")
        assert "gestor" in refused.document["error"]["message"]
        assert billed.refuse("holds", decision, one, "--reason", " ", **MANAGER) == "USO-EST"
        assert billed.refuse("holds", decision, one, status=2, **MANAGER) == "USO-CLI"
        assert billed.refuse("holds", decision, *REASON, status=2, **MANAGER) == "USO-CLI"
        assert billed.refuse("holds", decision, one, "999999", *REASON, **MANAGER) == "USO-NAO"
    assert holds(billed) == before
    billed.ask("holds", "release", one, *REASON, **MANAGER)
    again = billed.run("holds", "reject", two, one, *REASON, "--json", **MANAGER)
    assert (again.status, again.error) == (1, "USO-EST")
    assert one in again.document["error"]["message"]
    assert two in [str(row["id"]) for row in holds(billed)]


# --- The platform --------------------------------------------------------------------------------------------------


def test_without_a_platform_nothing_is_opened(terminal: Terminal) -> None:
    nowhere = {"STFC_SUMMIT_URL": ""}
    assert terminal.refuse("bill", *OF_MONTH, "--all", **nowhere) == "SUM-CFG"
    worker = terminal.run("worker", "--until-idle", **nowhere)
    assert (worker.status, worker.err[-10:]) == (1, "(SUM-CFG)\n")
    assert terminal.ask("batches", "list", **nowhere) == {"batches": []}
    told = terminal.run("doctor", "--json", **nowhere)
    assert (told.status, [one["code"] for one in told.document["findings"]]) == (1, ["SUM-CFG"])


def test_preview_without_a_platform_still_answers(terminal: Terminal) -> None:
    assert terminal.ask("bill", *OF_MONTH, "--all", "--preview", STFC_SUMMIT_URL="")["from_platform"] == 0


def test_wrong_token_pauses_the_batch_and_charges_nothing(terminal: Terminal) -> None:
    count = len(eligible(terminal))
    answer = terminal.run("bill", *OF_MONTH, "--all", "--wait", "--json", STFC_SUMMIT_TOKEN="wrong")
    assert answer.status == 1
    document = answer.document
    assert (document["status"], document["error"]["code"]) == ("paused", "USO-EST")
    assert "SUM-401" in document["error"]["message"]
    assert (document["outcomes"]["waiting"], document["amount"]) == (count, "0.00")
    assert {item["attempts"] for item in document["items"]} == {0}
    assert "wrong" not in answer.out + answer.err


def test_retry_takes_codes_and_contracts(billed: Terminal) -> None:
    failed = {i["contract"]: i["code"] for i in billed.ask("batches", "show", "1")["items"] if i["outcome"] == "failed"}
    contract, code = next(iter(failed.items()))
    another = next(c for c in ("SUM-TMO", "SUM-SUB", "ARQ-FMT") if c != code)
    retried = {"batch": 1, "retried": 0}
    assert billed.ask("batches", "retry", "1", "--contract", contract, "--code", another) == retried
    assert billed.refuse("batches", "retry", "1", "--contract", "nobody") == "USO-NAO"
    assert billed.ask("batches", "retry", "1", "--code", code)["retried"] == list(failed.values()).count(code)
    assert billed.ask("batches", "retry", "1", "--contract", contract)["retried"] == 0


def test_paused_batch_goes_on_by_retry_with_the_right_token(terminal: Terminal) -> None:
    some = eligible(terminal)[:2]
    chosen = ("--contract", some[0], "--contract", some[1])
    assert terminal.run("bill", *OF_MONTH, *chosen, "--wait", STFC_SUMMIT_TOKEN="wrong").status == 1
    terminal.ask("batches", "retry", "1")
    assert terminal.run("worker", "--until-idle").status == 0
    assert terminal.ask("batches", "show", "1")["status"] == "done"


def test_platform_that_does_not_answer_pauses_the_batch(terminal: Terminal) -> None:
    contract = eligible(terminal)[0]
    closed = "http://127.0.0.1:9"
    answer = terminal.run("bill", *OF_MONTH, "--contract", contract, "--wait", "--json", STFC_SUMMIT_URL=closed)
    assert answer.status == 1
    assert (answer.document["status"], answer.document["items"][0]["attempts"]) == ("paused", 0)
    assert "SUM-NET" in answer.document["error"]["message"]
    assert "Traceback" not in answer.err


def test_provisioning_sends_a_subscriber(terminal: Terminal) -> None:
    contract = eligible(terminal)[0]
    told = terminal.ask("provision", contract)
    assert (told["contract"], told["ok"], told["code"]) == (contract, True, None)
    assert INSTANT.fullmatch(told["at"])
    assert terminal.refuse("provision", "999999") == "USO-NAO"
    assert terminal.refuse("provision", contract, STFC_ROLE="supervisor") == "USO-PER"


# --- Tariff plans --------------------------------------------------------------------------------------------------

SAMPLE = ROOT / "data" / "plans" / "demonstracao.toml"


def of_plan(terminal: Terminal, simulator: Simulator, code: str, count: int) -> list[str]:
    """Some contracts of the list that name the plan."""
    with (simulator.erp / "contracts.csv").open(encoding="utf-8") as rows:
        named = {row["contract"] for row in csv.DictReader(rows) if row["plan"] == code}
    return [contract for contract in eligible(terminal) if contract in named][:count]


def test_plan_is_a_caution_until_it_is_imported(terminal: Terminal, simulator: Simulator) -> None:
    (contract,) = of_plan(terminal, simulator, "empresarial-500", 1)
    explained = ("contracts", "explain", contract, *OF_MONTH)
    assert "no_plan" in terminal.ask(*explained)["warnings"]
    terminal.ask("plans", "import", SAMPLE)
    assert "no_plan" not in terminal.ask(*explained)["warnings"]


def test_rating_holds_what_differs_and_charges_ours_where_the_plan_says_so(
    terminal: Terminal, simulator: Simulator, tmp_path: Path
) -> None:
    dearer = tmp_path / "dearer.toml"
    dearer.write_text(SAMPLE.read_text("utf-8").replace('LOCAL = "0.08"', 'LOCAL = "0.09"'), "utf-8")
    terminal.ask("plans", "import", dearer)
    checked = of_plan(terminal, simulator, "empresarial-500", 4)
    rerated = of_plan(terminal, simulator, "corporativo", 1)
    shown = [f"--contract={contract}" for contract in (*checked, *rerated)]
    items = {item["contract"]: item for item in terminal.ask("bill", *OF_MONTH, *shown, "--wait")["items"]}
    assert {item["outcome"] for item in items.values()} == {"held"}
    assert {items[contract]["code"] for contract in checked} <= {"TAR-DIF", "ARQ-TOT", "CTR-LIN", "CTR-DIV"}
    assert all("além da tolerância" in hold["reason"] for hold in terminal.ask("holds", "list")["holds"])
    (contract,) = rerated
    calls = terminal.ask("calls", *OF_MONTH, "--contract", contract)["calls"]
    assert sum(Decimal(call["our_price"]) for call in calls) == Decimal(items[contract]["amount"])
    assert terminal.ask("doctor")["findings"] == []
    assert terminal.refuse("plans", "import", SAMPLE) == "PLA-REC"


# --- Calls ---------------------------------------------------------------------------------------------------------


def test_calls_are_records_as_stored_with_masked_numbers(billed: Terminal) -> None:
    batch = billed.ask("batches", "show", "1")
    found = billed.ask("calls", *OF_MONTH)
    assert found["total"] == len(found["calls"]) == batch["calls"]
    first = found["calls"][0]
    assert set(first) == {
        *("competence", "contract", "call_id", "line", "caller", "called", "started_at", "offset_minutes", "duration"),
        *("platform_class", "carrier", "csp", "amount", "class", "destination", "local_day", "hour", "weekday"),
        *("late", "issue", "our_price", "band", "billed_seconds", "allowance_seconds", "plan_version"),
    }
    assert first["competence"] == MONTH
    assert all(AMOUNT.fullmatch(call["amount"]) and INSTANT.fullmatch(call["started_at"]) for call in found["calls"])
    assert not [call for call in found["calls"] if re.search(r"\d{7}", call["called"])]
    starts = [(call["contract"], call["started_at"]) for call in found["calls"]]
    assert starts == sorted(starts)


def test_calls_are_filtered_and_limited_but_counted_whole(billed: Terminal) -> None:
    everything = billed.ask("calls", *OF_MONTH)["calls"]
    contract, line = everything[0]["contract"], everything[-1]["line"]
    of_class = [call for call in everything if call["class"] == "VC1"]
    found = billed.ask("calls", *OF_MONTH, "--class", "VC1", "--limit", "3")
    assert (found["total"], found["calls"]) == (len(of_class), of_class[:3])
    assert billed.ask("calls", *OF_MONTH, "--contract", contract)["calls"] == [
        call for call in everything if call["contract"] == contract
    ]
    assert {call["line"] for call in billed.ask("calls", *OF_MONTH, "--line", line)["calls"]} == {line}
    assert billed.ask("calls", "--competence", "2020-01") == {"total": 0, "calls": []}


def test_operator_reveals_one_contract_and_leaves_an_audit_line(billed: Terminal) -> None:
    contract = billed.ask("calls", *OF_MONTH, "--limit", "1")["calls"][0]["contract"]
    chosen = ("calls", *OF_MONTH, "--contract", contract, "--reveal")
    assert billed.refuse(*chosen) == "USO-EST"
    assert billed.refuse(*chosen, "--reason", "x", STFC_ROLE="supervisor") == "USO-PER"
    assert audited(billed, "calls.reveal") == []
    revealed = billed.ask(*chosen, "--reason", "contestação 12")["calls"]
    masked = billed.ask("calls", *OF_MONTH, "--contract", contract)["calls"]
    assert [call["call_id"] for call in revealed] == [call["call_id"] for call in masked]
    assert [call for call in revealed if re.search(r"\d{8}", call["called"])]
    assert audited(billed, "calls.reveal") == [
        ("ana", "operator", "calls 2026-10, contract " + contract, "contestação 12")
    ]


def test_only_a_manager_reveals_in_bulk(billed: Terminal) -> None:
    bulk = ("calls", *OF_MONTH, "--limit", "5", "--reveal", "--reason", "auditoria")
    assert billed.refuse(*bulk) == "USO-PER"
    assert len(billed.ask(*bulk, STFC_ROLE="manager")["calls"]) == 5
    assert [line[1:3] for line in audited(billed, "calls.reveal")] == [("manager", "calls 2026-10, all contracts")]


def audited(terminal: Terminal, action: str) -> list[tuple[str, ...]]:
    with sqlite3.connect(terminal.home / "ledger.db") as connection:
        return connection.execute(
            "SELECT who, role, target, reason FROM audit WHERE action = ? ORDER BY seq", (action,)
        ).fetchall()


# --- Export --------------------------------------------------------------------------------------------------------

TABLES = ("charges", "eventual_values", "zero_billing_events", "batch_items", "fiscal", "calls")


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_export_twice_gives_the_same_bytes(billed: Terminal, tmp_path: Path, form: str) -> None:
    answers = [billed.ask("export", tmp_path / name, *OF_MONTH, "--format", form) for name in ("1", "2")]
    assert answers[0]["folder"] == str(tmp_path / "1")
    assert answers[0]["files"] == answers[1]["files"]
    assert set(answers[0]["files"]) == {f"{name}.{form}" for name in TABLES}
    assert {frozenset(file) for file in answers[0]["files"].values()} == {frozenset({"rows", "sha256"})}
    for name in answers[0]["files"]:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    shown = billed.ask("batches", "show", "1")
    rows = {name.split(".")[0]: file["rows"] for name, file in answers[0]["files"].items()}
    assert (rows["batch_items"], rows["calls"]) == (len(shown["items"]), shown["calls"])
    assert rows["eventual_values"] == shown["outcomes"]["charged"]
    assert rows["charges"] == shown["outcomes"]["charged"] + shown["outcomes"]["held"]
    assert rows["zero_billing_events"] == shown["outcomes"]["zero"]


def test_export_into_a_file_is_refused(billed: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert billed.refuse("export", tmp_path / "file", *OF_MONTH) == "ARM-ESC"
    assert (tmp_path / "file").read_text() == "mine"


def test_exported_values_come_back_from_the_erp_as_our_own(billed: Terminal, tmp_path: Path) -> None:
    """The ERP keeps our ``value_id``: once it says ``invoiced``, the charge cannot be reversed any more."""
    billed.ask("export", tmp_path / "out", *OF_MONTH)
    values = (tmp_path / "out" / "eventual_values.csv").read_text().splitlines()
    head, first = values[0].split(",")[:9], values[1].split(",")[:9]
    contract = first[1]
    back = tmp_path / "back"
    back.mkdir()
    row = dict(zip(head, first, strict=True)) | {"invoiced": "1"}
    (back / "eventual_values.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    billed.ask("import", back)
    reverse = ("batches", "reverse", "1", "--contract", contract, "--reason", "engano")
    assert billed.refuse(*reverse) == "USO-EST"
    billed.ask("export", tmp_path / "again", *OF_MONTH)
    assert (tmp_path / "again" / "eventual_values.csv").read_text().splitlines()[1].split(",")[6] == "1"


# --- Compaction ----------------------------------------------------------------------------------------------------


def test_compaction_changes_no_call_and_has_nothing_to_do_twice(billed: Terminal) -> None:
    before = billed.ask("calls", *OF_MONTH, "--limit", "1000")
    (done,) = billed.ask("compact")["compacted"]
    assert (done["competence"], done["calls"], done["after"]) == ("2026-10", before["total"], 1)
    assert billed.ask("calls", *OF_MONTH, "--limit", "1000") == before
    assert billed.ask("compact", *OF_MONTH) == {"compacted": []}
    assert billed.ask("doctor") == {"ok": True, "findings": [], "notes": []}


# --- Doctor --------------------------------------------------------------------------------------------------------


def test_doctor_finds_nothing_after_the_month_is_billed(billed: Terminal) -> None:
    assert billed.ask("doctor") == {"ok": True, "findings": [], "notes": []}


def test_doctor_names_what_is_wrong(billed: Terminal) -> None:
    next((billed.home / "calls").rglob("*.parquet")).unlink()
    answer = billed.run("doctor", "--json")
    assert (answer.status, answer.document["ok"]) == (1, False)
    (finding,) = answer.document["findings"]
    assert set(finding) == {"check", "code", "message", "repair"}
    assert (finding["check"], finding["code"], finding["repair"]["action"]) == ("parts", "DOC-PRT", None)
    assert finding["repair"]["message"]


def test_doctor_repairs_what_is_safe_says_so_and_ends_by_what_is_left(billed: Terminal) -> None:
    shutil.copytree(billed.home / "snapshots" / "000001", billed.home / "snapshots" / "000002")
    os.utime(billed.home / "snapshots" / "000002", (0, 0))
    found = billed.run("doctor", "--json").document["findings"]
    assert [(one["code"], one["repair"]["action"]) for one in found] == [("DOC-RES", "remove_leftovers")]
    done = billed.ask("doctor", "--repair", "--all")
    assert (done["ok"], done["findings"], done["notes"]) == (True, [], [])
    assert [(one["action"], one["count"]) for one in done["repaired"]] == [("remove_leftovers", 1)]
    assert billed.ask("doctor", "--repair") == {"ok": True, "findings": [], "notes": [], "repaired": []}
    assert billed.run("doctor", "--repair").out == "Nada a reparar.\nTudo certo.\n"


def test_doctor_tells_of_settings_that_contradict_each_other_or_do_not_exist(billed: Terminal) -> None:
    told = billed.run("doctor", "--json", STFC_HEARTBEAT="9", STFC_HOEM="x").document
    assert [(one["check"], one["code"]) for one in told["findings"]] == [("settings", "CFG-INV")]
    assert [(one["check"], one["code"]) for one in told["notes"]] == [("settings", "DOC-DES")]
    assert "STFC_HOEM" in told["notes"][0]["message"]


def test_doctor_finds_a_token_that_the_platform_refuses(billed: Terminal) -> None:
    told = billed.run("doctor", "--json", STFC_SUMMIT_TOKEN="other")
    assert [one["code"] for one in told.document["findings"]] == ["SUM-401"]


def test_import_goes_on_after_a_killed_one_and_the_doctor_removes_its_folder(
    terminal: Terminal, simulator: Simulator
) -> None:
    left = shutil.copytree(terminal.home / "snapshots" / "000001", terminal.home / "snapshots" / "000002")
    half = terminal.home / "snapshots" / f".000003-{'a' * 32}"
    half.mkdir()
    assert terminal.ask("import", simulator.erp)["snapshot"] == 2
    told = terminal.run("doctor", "--json").document
    assert [one["code"] for one in told["notes"]] == ["DOC-REN"]
    os.utime(half, (0, 0))
    assert [one["count"] for one in terminal.ask("doctor", "--repair")["repaired"]] == [1]
    assert left.is_dir()
    assert terminal.ask("import", simulator.erp)["snapshot"] == 3
    assert terminal.ask("doctor")["ok"]


def test_doctor_finds_a_queue_without_a_worker(terminal: Terminal) -> None:
    terminal.ask("bill", *OF_MONTH, "--all")
    assert [one["code"] for one in terminal.run("doctor", "--json").document["findings"]] == ["DOC-TRB"]


# --- Backup and restore --------------------------------------------------------------------------------------------


def test_backup_comes_back_in_an_empty_home_and_nowhere_else(
    billed: Terminal, tmp_path: Path, simulator: Simulator
) -> None:
    file = tmp_path / "backup.tar"
    done = billed.ask("backup", file)
    assert set(done) == {"file", "bytes", "sha256", "revision", "snapshots", "parts", "seconds"}
    assert (done["file"], done["bytes"], done["snapshots"]) == (str(file), file.stat().st_size, 1)
    again = Terminal(tmp_path / "again", platform(simulator))
    came = again.ask("restore", file)
    assert came == {"home": str(again.home), "seconds": came["seconds"]} | {
        name: done[name] for name in ("revision", "snapshots", "parts")
    }
    assert again.ask("doctor", "--all") == {"ok": True, "findings": [], "notes": []}
    assert again.ask("batches", "show", "1") == billed.ask("batches", "show", "1")
    assert again.ask("calls", *OF_MONTH) == billed.ask("calls", *OF_MONTH)
    assert again.refuse("restore", file) == "USO-EST"
    told = billed.run("backup", file)
    assert (told.status, told.err) == (0, "")
    assert told.out.endswith(f"em {file}.\n")


# --- Homes, settings, usage ----------------------------------------------------------------------------------------


def test_home_of_another_version_is_refused_and_left_alone(terminal: Terminal) -> None:
    (terminal.home / "format").write_text("99")
    before = (terminal.home / "ledger.db").read_bytes()
    assert terminal.refuse("batches", "list") == "CFG-VER"
    assert (terminal.home / "ledger.db").read_bytes() == before
    told = terminal.run("doctor", "--json")
    assert (told.status, [one["code"] for one in told.document["findings"]]) == (1, ["CFG-VER"])


def test_ledger_of_a_newer_version_is_refused(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.home / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert terminal.refuse("batches", "list") == "CFG-VER"


def test_ledger_that_is_no_ledger_is_refused(terminal: Terminal) -> None:
    for path in terminal.home.glob("ledger.db*"):
        path.unlink()
    (terminal.home / "ledger.db").write_bytes(b"this is no database" * 100)
    assert terminal.refuse("batches", "list") == "ARM-ESC"


@pytest.mark.parametrize(
    "content", ["summit_url = ", "colour = 'blue'", "chunks = 'many'", "chunks = 0", b"\xff\xff", "role = 'king'"]
)
def test_broken_settings_are_refused_by_name(terminal: Terminal, content: str | bytes) -> None:
    body = content if isinstance(content, bytes) else content.encode()
    (terminal.home / "stfc.toml").write_bytes(body)
    assert terminal.refuse("batches", "list") == "CFG-INV"
    told = terminal.run("doctor", "--json")
    assert (told.status, told.document["findings"][0]["check"]) == (1, "settings")


def test_settings_of_the_home_count_and_the_environment_wins(terminal: Terminal) -> None:
    (terminal.home / "stfc.toml").write_text('role = "supervisor"\n')
    assert terminal.refuse("bill", *OF_MONTH, "--all") == "USO-PER"
    assert terminal.ask("bill", *OF_MONTH, "--all", STFC_ROLE="operator")["batch"] == 1


def test_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Terminal(tmp_path / "file" / "home", {}).refuse("batches", "list") == "ARM-ESC"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["bill", "--competence", "2026-13", "--all"], "USO-INV"),
        (["contracts", "list", "--competence", "outubro"], "USO-INV"),
        (["export", "out", "--competence", ""], "USO-INV"),
        (["bill", *OF_MONTH], "USO-CLI"),
        (["bill", *OF_MONTH, "--all", "--contract", "1"], "USO-CLI"),
        (["bill", "--all"], "USO-CLI"),
        (["calls", *OF_MONTH, "--class", "VC9"], "USO-CLI"),
        (["calls", *OF_MONTH, "--limit", "0"], "USO-CLI"),
        (["export", "out", *OF_MONTH, "--format", "pdf"], "USO-CLI"),
        (["batches", "show", "twelve"], "USO-CLI"),
        (["charge"], "USO-CLI"),
    ],
)
def test_wrong_usage_ends_with_two(terminal: Terminal, arguments: list[str], code: str) -> None:
    assert terminal.refuse(*arguments, status=2) == code


@pytest.mark.parametrize("arguments", [[], ["contracts"], ["batches"]])
def test_call_without_a_command_shows_help_and_ends_with_two(terminal: Terminal, arguments: list[str]) -> None:
    answer = terminal.run(*arguments)
    assert answer.status == 2
    assert "Usage" in answer.out + answer.err


def test_without_json_the_answer_is_for_people_and_errors_go_to_stderr(billed: Terminal) -> None:
    calls = [
        ("contracts", "list", *OF_MONTH, "--eligible"),
        ("indicators", *OF_MONTH),
        ("batches", "list"),
        ("batches", "show", "1"),
        ("calls", *OF_MONTH, "--limit", "2"),
        ("doctor",),
    ]
    for arguments in calls:
        answer = billed.run(*arguments)
        assert (answer.status, answer.err) == (0, "")
        assert answer.out.strip()
        assert not answer.out.startswith("{")
    refused = billed.run("batches", "show", "99")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == "O lote 99 não existe. (USO-NAO)\n"


class FullDisk(StringIO):
    """A stream onto a disk that has no room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_cannot_be_written_stops_no_billing(terminal: Terminal) -> None:
    contract = eligible(terminal)[0]
    answer = terminal.run("bill", *OF_MONTH, "--contract", contract, "--wait", "--json", err=FullDisk())
    assert (answer.status, answer.document["status"]) == (0, "done")


# --- Real processes ------------------------------------------------------------------------------------------------


@pytest.fixture
def process(terminal: Terminal) -> Iterator[Any]:
    """Start ``stfc ARGUMENTS`` as a process of its own; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []
    environment = {**os.environ, **terminal.settings, "STFC_HOME": str(terminal.home)}

    def start(*arguments: str, **settings: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "stfc.cli", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, env=environment | settings, cwd=ROOT, **pipes))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def test_process_prints_one_document_and_logs_on_stderr(terminal: Terminal, process: Any) -> None:
    contract = eligible(terminal)[0]
    run = process("bill", *OF_MONTH, "--contract", contract, "--wait", "--json")
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0
    assert json.loads(out)["items"][0]["contract"] == contract
    assert "event=chunk_settled" in err
    assert "Traceback" not in err


def test_worker_says_that_it_is_ready_bills_and_ends_well_on_sigterm(terminal: Terminal, process: Any) -> None:
    worker = process("worker")
    assert worker.stderr.readline().startswith("worker ready ")
    if sys.platform == "linux":
        assert os.getpriority(os.PRIO_PROCESS, worker.pid) >= 10, "screens on this machine go first"
    some = eligible(terminal)[:30]
    arguments = [word for contract in some for word in ("--contract", contract)]
    answer = terminal.ask("bill", *OF_MONTH, *arguments, "--wait")
    assert (answer["status"], len(answer["items"])) == ("done", 30)
    worker.send_signal(signal.SIGTERM)
    out, err = worker.communicate(timeout=60)
    assert (worker.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert terminal.ask("doctor")["notes"] == []


def test_interrupted_wait_hands_back_what_it_holds(terminal: Terminal, process: Any) -> None:
    run = process("bill", *OF_MONTH, "--all", "--wait", STFC_CHUNK_CONTRACTS="1", STFC_CHUNKS="1")
    assert "event=chunk_settled" in run.stderr.readline()
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in err
    shown = terminal.ask("batches", "show", "1")
    assert shown["outcomes"]["running"] == 0 < shown["outcomes"]["waiting"]
    assert [one["code"] for one in terminal.run("doctor", "--json").document["findings"]] == ["DOC-TRB"]


def test_console_script_is_the_command_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"stfc": "stfc.cli:main"}


# --- Audit ---------------------------------------------------------------------------------------------------------


def test_the_trail_is_verified_and_a_line_bent_from_outside_is_named(billed: Terminal) -> None:
    whole = billed.ask("audit", "verify")
    assert (set(whole), whole["ok"]) == ({"ok", "lines", "hash"}, True)
    with sqlite3.connect(billed.home / "ledger.db") as ledger:
        ledger.execute("DROP TRIGGER audit_no_update")
        ledger.execute("UPDATE audit SET who = 'eva' WHERE seq = 2")
    answer = billed.run("audit", "verify", "--json")
    assert (answer.status, answer.document["ok"], answer.document["broken"]["line"]) == (1, False, 2)
    assert "linha 2 foi alterada" in answer.document["broken"]["message"]


def test_managers_list_the_trail_and_nobody_else_does(billed: Terminal) -> None:
    assert billed.refuse("audit", "list") == "USO-PER"
    answer = billed.run("audit", "list", "--search", "BATCH", "--json", STFC_ROLE="manager")
    (line,) = answer.document["lines"]
    assert (answer.document["total"], line["seq"], line["who"], line["action"]) == (1, 2, "ana", "batch.open")
    assert INSTANT.fullmatch(line["at"])


# --- Parameters, retention, the second person ----------------------------------------------------------------------

EVA = {"STFC_ROLE": "manager", "STFC_USER": "eva"}
MANAGER = {"STFC_ROLE": "manager"}


def test_a_parameter_is_listed_and_set_by_a_manager_within_its_range(fresh: Terminal) -> None:
    change = ("parameters", "set", "retention_months", "12", "--reason", "jurídico")
    assert fresh.refuse(*change) == "USO-PER"
    assert fresh.ask(*change, **MANAGER) == {"name": "retention_months", "value": 12}
    rows = {row["name"]: row for row in fresh.ask("parameters", "list")["parameters"]}
    row = rows["retention_months"]
    assert (row["value"], row["default"], row["unit"], row["changed_by"]) == (12, 60, "months", "ana")
    assert INSTANT.fullmatch(row["changed_at"])
    assert rows["approval_hours"]["changed_by"] is None
    assert "12 meses" in fresh.run("parameters", "list").out
    assert fresh.refuse("parameters", "set", "retention_months", "0", "--reason", "x", **MANAGER, status=2) == "USO-INV"
    assert fresh.refuse("parameters", "set", "retention_months", "9", "--reason", " ", **MANAGER) == "USO-EST"


def test_retention_preview_tells_what_would_go_and_changes_nothing(billed: Terminal) -> None:
    assert billed.ask("retention", "preview")["due"] == []
    billed.ask("parameters", "set", "retention_months", "1", "--reason", "teste", **MANAGER)
    before = billed.ask("calls", *OF_MONTH, "--limit", "1")["total"]
    found = billed.ask("retention", "preview")
    assert (found["months"], found["due"]) == (1, [])
    assert [one["competence"] for one in found["blocked"]] in ([], [MONTH])
    assert "Retenção de 1 mês" in billed.run("retention", "preview").out
    assert billed.ask("calls", *OF_MONTH, "--limit", "1")["total"] == before


def test_to_turn_the_second_person_off_waits_for_another_manager(fresh: Terminal) -> None:
    def switch(value: str) -> tuple[str, ...]:
        return ("parameters", "set", "second_person_reversal", value, "--reason", "regra")

    fresh.ask(*switch("1"), **MANAGER)
    assert fresh.refuse(*switch("0"), **MANAGER) == "USO-SEG"
    (asked,) = fresh.ask("approvals", "list")["approvals"]
    assert (asked["id"], asked["action"], asked["value"], asked["status"]) == (1, "parameter.set", 0, "pending")
    assert "“Segunda pessoa para estornar” de sim para não" in fresh.run("approvals", "list").out
    assert fresh.refuse("approvals", "approve", "1") == "USO-PER"
    assert fresh.refuse("approvals", "approve", "1", **MANAGER) == "USO-EST"
    assert fresh.ask("approvals", "deny", "1", "--reason", "fica", **EVA)["status"] == "denied"
    assert fresh.refuse("approvals", "approve", "1", **EVA) == "USO-EST"
    assert fresh.refuse(*switch("0"), **MANAGER) == "USO-SEG"
    assert fresh.ask("approvals", "approve", "2", **EVA)["decided_by"] == "eva"
    assert fresh.ask("approvals", "list") == {"approvals": []}
    assert [one["status"] for one in fresh.ask("approvals", "list", "--all")["approvals"]] == ["approved", "denied"]
    rows = {row["name"]: row["value"] for row in fresh.ask("parameters", "list")["parameters"]}
    assert rows["second_person_reversal"] == 0
    assert fresh.refuse("approvals", "deny", "9", "--reason", "x", **EVA) == "USO-NAO"


# --- The life of a month -------------------------------------------------------------------------------------------


def test_a_month_is_listed_closed_and_reopened(billed: Terminal) -> None:
    manager = {"STFC_ROLE": "manager"}
    (month,) = billed.ask("competence", "list")["competences"]
    assert (month["competence"], month["state"], month["checksum"]) == (MONTH, "partly_billed", None)
    assert billed.refuse("competence", "close", MONTH) == "USO-PER"
    busy = billed.run("competence", "close", MONTH, "--json", **manager)
    assert (busy.status, busy.error) == (1, "USO-EST")
    billed.ask("batches", "cancel", "1")
    held = [str(hold["id"]) for hold in billed.ask("holds", "list")["holds"]]
    assert billed.run("holds", "release", *held, "--reason", "conferido", **manager).status == 0
    closed = billed.run("competence", "close", MONTH, "--json", **manager).document
    assert (closed["state"], len(closed["checksum"])) == ("closed", 64)
    assert closed["report"]["amount"] == closed["amount"]
    assert closed["report"]["holds"]["released"] == len(held)
    assert INSTANT.fullmatch(closed["closed_at"])
    assert billed.refuse("batches", "reverse", "1", "--reason", "engano") == "USO-EST"
    assert billed.refuse("compact", *OF_MONTH) == "USO-EST"
    assert billed.refuse("bill", *OF_MONTH, "--all") == "USO-EST"
    assert billed.run("competence", "reopen", MONTH, "--reason", " ", "--json", **manager).error == "USO-EST"
    again = billed.run("competence", "reopen", MONTH, "--reason", "arquivo corrigido", "--json", **manager).document
    assert (again["state"], again["checksum"], again["amount"]) == ("partly_billed", None, closed["amount"])
