"""Held charges on both stores: listed, released and rejected, all or none and each once (PRODUCT 7)."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.domain.money import Centavos
from stfc.domain.outcome import Finding, Held
from stfc.errors import NotFoundError, NotPossibleError
from stfc.services.ports import Actor, FigureDifference
from tests.ledgers import NOVEMBER, NOW, OCTOBER, Ledger, charged, final, held, zero

IVO = Actor("ivo", "manager", "tela")
DECIDE: dict[str, Any] = {"reason": "conferido com a Summit", "actor": IVO, "now": NOW}
TRAILER = {
    "source": "trailer",
    "declared": {"records": 4, "amount_micros": 7},
    "found": {"records": 3, "amount_micros": 5},
}


def release(ledger: Ledger, *holds: int) -> list[int]:
    return [row.hold for row in ledger.holds.release(holds, **DECIDE)]


def reject(ledger: Ledger, *holds: int) -> list[int]:
    return [row.hold for row in ledger.holds.reject(holds, **DECIDE)]


def hold_of(ledger: Ledger, contract: str) -> int:
    (row,) = ledger.holds.pending(contracts=[contract])
    return row.hold


def audited(ledger: Ledger) -> list[tuple[str, str, str, str]]:
    return [(r.action, r.target, r.who, r.reason) for r in ledger.rows(schema.audit) if r.action.startswith("hold.")]


def test_what_waits_is_listed_by_money_at_risk(ledger: Ledger) -> None:
    first = ledger.bill(
        {"1": held(500), "2": held(900, "CTR-LIN", "ARQ-TOT"), "3": charged(), "4": zero(), "5": final()}
    )
    second = ledger.bill({"1": held(700)}, competence=NOVEMBER)
    rows = ledger.holds.pending()
    assert [(r.contract, r.competence, r.batch, r.amount, r.code) for r in rows] == [
        ("2", OCTOBER, first, 900, "ARQ-TOT"),
        ("1", NOVEMBER, second, 700, "ARQ-TOT"),
        ("1", OCTOBER, first, 500, "ARQ-TOT"),
    ]
    assert [finding.code for finding in rows[0].findings] == ["CTR-LIN", "ARQ-TOT"]
    assert (rows[0].calls, rows[0].held_at) == (3, NOW)
    assert [r.batch for r in ledger.holds.pending(competence=NOVEMBER)] == [second]
    assert [r.contract for r in ledger.holds.pending(batch=first)] == ["2", "1"]
    assert [r.competence for r in ledger.holds.pending(contracts=["1"], competence=OCTOBER)] == [OCTOBER]
    assert ledger.holds.pending(contracts=[]) == []


def test_a_hold_says_which_figures_differ(ledger: Ledger) -> None:
    findings = (Finding("ARQ-TOT", TRAILER), Finding("CTR-LIN", {"calls": 1, "lines": ["(11) 3****-0001"]}))
    ledger.bill({"1": Held(Centavos(5), 3, 0, "ab" * 32, findings)})
    (row,) = ledger.holds.pending()
    assert row.findings == findings
    assert row.differences == (
        FigureDifference("trailer", "records", 4, 3),
        FigureDifference("trailer", "amount_micros", 7, 5),
    )


def test_a_released_hold_ends_as_charged_and_keeps_its_findings(ledger: Ledger) -> None:
    batch = ledger.bill({"1": held(500), "2": held(900)})
    revision = ledger.reader.state().revision
    hold = hold_of(ledger, "1")
    assert release(ledger, hold) == [hold]
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.reversed, item.amount, item.code) == ("charged", False, 500, "ARQ-TOT")
    assert item.facts["findings"] == [{"code": "ARQ-TOT", "line": 1}]
    (line,) = [line for line in ledger.batches.log(item.item) if line.event == "hold_released"]
    assert line.facts == {"who": "ivo", "reason": "conferido com a Summit"}
    assert {c.contract: c.status for c in ledger.rows(schema.charges)} == {"1": "live", "2": "held"}
    assert {v.contract: v.held for v in ledger.rows(schema.eventual_values)} == {"1": False, "2": True}
    assert audited(ledger) == [("hold.release", f"charge {hold}", "ivo", "conferido com a Summit")]
    assert [row.contract for row in ledger.holds.pending()] == ["2"]
    state = ledger.reader.state()
    assert state.revision == state.months[OCTOBER] == revision + 1
    summary = ledger.batches.show(batch)
    assert (summary.amount, summary.live["charged"], summary.live["held"]) == (1400, 1, 1)


def test_a_rejected_hold_ends_as_a_reversal_and_waits_for_nobody(ledger: Ledger) -> None:
    batch = ledger.bill({"1": held(500, calls=2), "2": charged(900)})
    revision = ledger.reader.state().revision
    hold = hold_of(ledger, "1")
    assert reject(ledger, hold) == [hold]
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.reversed) == ("held", True)
    assert ledger.events(item)[-1] == "hold_rejected"
    assert {c.contract: c.status for c in ledger.rows(schema.charges)} == {"1": "rejected", "2": "live"}
    (value,) = [v for v in ledger.rows(schema.eventual_values) if v.contract == "1"]
    assert (value.deleted, value.held) == (True, True)
    assert [row.contract for row in ledger.rows(schema.exclusions)] == ["1"]
    assert audited(ledger) == [("hold.reject", f"charge {hold}", "ivo", "conferido com a Summit")]
    assert ledger.reader.state().months[OCTOBER] == revision + 1
    assert ledger.holds.pending() == []
    summary = ledger.batches.show(batch)
    assert (summary.amount, summary.outcomes["held"], summary.live["held"], summary.reversed) == (900, 1, 0, 1)
    assert summary.standing | {"charged": 1, "reversed": 1} == summary.standing
    assert ledger.batches.causes(batch) == []
    assert ledger.batches.items(batch, outcomes=["held"])[0] == ledger.batches.items(batch, codes=["ARQ-TOT"])[0] == 0
    assert [row.contract for row in ledger.batches.items(batch, outcomes=["reversed"])[1]] == ["1"]
    pending = ("waiting_file", "failed", "held")
    assert ledger.batches.sent(competence=None, search="", outcomes=pending, offset=0, limit=None)[0] == 0
    assert ledger.items(ledger.bill({"1": charged(400)}))["1"].outcome == "charged"


def test_decisions_are_told_newest_first_with_who_and_why(ledger: Ledger) -> None:
    ledger.bill({"1": held(500), "2": held(900, "CON-ANO"), "3": charged(100)})
    release(ledger, hold_of(ledger, "1"))
    reject(ledger, hold_of(ledger, "2"))
    told = ledger.holds.decisions(limit=10)
    assert [(one.contract, one.amount, one.code, one.released) for one in told] == [
        ("2", 900, "CON-ANO", False),
        ("1", 500, "ARQ-TOT", True),
    ]
    assert {(one.competence, one.who, one.reason, one.at) for one in told} == {
        (OCTOBER, "ivo", "conferido com a Summit", NOW)
    }
    assert [one.contract for one in ledger.holds.decisions(limit=1)] == ["2"]


def test_what_was_released_is_no_cause_any_more(ledger: Ledger) -> None:
    batch = ledger.bill({"1": held(500), "2": held(900), "3": final()})
    release(ledger, hold_of(ledger, "1"))
    assert ledger.batches.causes(batch) == [("ARQ-TOT", "held", 1), ("SUM-SUB", "failed", 1)]
    assert [row.contract for row in ledger.batches.items(batch, codes=["ARQ-TOT"])[1]] == ["2"]


@pytest.mark.parametrize("decide", [release, reject])
def test_several_are_decided_together_over_batches_and_months(ledger: Ledger, decide: Callable[..., list[int]]) -> None:
    ledger.bill({"1": held(500), "2": held(900)})
    ledger.bill({"1": held(700, calls=0)}, competence=NOVEMBER)
    holds = [row.hold for row in ledger.holds.pending()]
    before = ledger.reader.state()
    assert decide(ledger, *holds, holds[0]) == sorted(holds)
    after = ledger.reader.state()
    assert ledger.holds.pending() == []
    assert len(audited(ledger)) == 3
    assert after.revision == after.months[OCTOBER] == after.months[NOVEMBER] == before.revision + 1
    assert ledger.findings() == []


@pytest.mark.parametrize("decide", [release, reject])
@pytest.mark.parametrize("earlier", [release, reject])
def test_one_that_was_decided_keeps_all_from_being_decided(
    ledger: Ledger, decide: Callable[..., list[int]], earlier: Callable[..., list[int]]
) -> None:
    ledger.bill({"1": held(500), "2": held(900), "3": charged()})
    one, two = hold_of(ledger, "1"), hold_of(ledger, "2")
    earlier(ledger, two)
    (live,) = [c.charge for c in ledger.rows(schema.charges) if c.contract == "3"]
    before = ledger.dump()
    with pytest.raises(NotPossibleError) as caught:
        decide(ledger, live, one, two)
    named = sorted([(two, "2"), (live, "3")])
    assert caught.value.facts["cause"] == "hold_decided"
    assert list(zip(caught.value.facts["holds"], caught.value.facts["contracts"], strict=True)) == named
    with pytest.raises(NotFoundError) as unknown:
        decide(ledger, one, 2**60)
    assert unknown.value.facts == {"kind": "hold", "key": str(2**60)}
    assert ledger.dump() == before
    assert decide(ledger) == []
    assert ledger.dump() == before


def test_a_hold_that_an_operator_reversed_cannot_be_decided_any_more(ledger: Ledger) -> None:
    batch = ledger.bill({"1": held(500)})
    hold = hold_of(ledger, "1")
    ledger.batches.reverse(batch, contracts=None, invoiced=(), reason="x", actor=IVO, now=NOW)
    assert ledger.holds.pending() == []
    with pytest.raises(NotPossibleError):
        release(ledger, hold)
    assert [c.status for c in ledger.rows(schema.charges)] == ["reversed"]


def test_a_released_charge_is_reversed_like_any_other(ledger: Ledger) -> None:
    batch = ledger.bill({"1": held(500)})
    release(ledger, hold_of(ledger, "1"))
    ledger.batches.reverse(batch, contracts=["1"], invoiced=(), reason="x", actor=IVO, now=NOW)
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.reversed) == ("charged", True)
    assert [(v.deleted, v.held) for v in ledger.rows(schema.eventual_values)] == [(True, False)]


@pytest.mark.parametrize(
    "damage",
    [
        sa.update(schema.charges).values(status="live"),
        sa.update(schema.eventual_values).values(held=False),
        sa.update(schema.items).values(outcome="charged"),
    ],
    ids=["charge", "value", "item"],
)
def test_the_doctor_finds_a_hold_that_was_let_through_by_halves(
    tmp_path: Path, damage: sa.Update, sqlite_template: Path
) -> None:
    ledger = Ledger(Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'ledger.db')}"))
    ledger.bill({"1": held(500)})
    assert ledger.findings() == []
    with ledger.database.write() as connection:
        connection.execute(damage)
    assert ledger.findings() == ["DOC-VAL"]
    ledger.database.dispose()
