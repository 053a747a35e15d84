"""The life of a competence on both stores: closed it is frozen, and only a manager opens it again (PRODUCT 11)."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.health import SqlLedgerDoctor
from stfc.adapters.ledger.months import SqlMonthLedger
from stfc.adapters.ledger.parts import SqlPartLedger
from stfc.domain import text
from stfc.domain.outcome import NotAvailable
from stfc.errors import NotPossibleError
from stfc.services.ports import Actor, MonthRow, Part
from tests.ledgers import ANA, LEASE, NOVEMBER, NOW, OCTOBER, Ledger, charged, final, held, part_of, zero

IVO = Actor("ivo", "manager", "terminal")
COVERAGE = {"eligible": 2}


def close(ledger: Ledger) -> MonthRow:
    return SqlMonthLedger(ledger.database).close(OCTOBER, coverage=COVERAGE, actor=IVO, now=NOW)


def reopen(ledger: Ledger) -> MonthRow:
    return SqlMonthLedger(ledger.database).reopen(OCTOBER, reason="arquivo corrigido", actor=IVO, now=NOW)


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NotPossibleError) as caught:
        act()
    assert "{" not in text.error(caught.value)
    return str(caught.value.facts["cause"])


def frozen(ledger: Ledger) -> dict[str, Any]:
    """All of the ledger but its counters and the trail."""
    return {name: rows for name, rows in ledger.dump().items() if name not in ("state", "workers", "audit")}


def test_a_closed_month_says_what_it_came_to(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(500), "2": zero(), "3": final(), "4": held(900), "5": held(70), "6": charged(30)})
    (four,) = ledger.holds.pending(contracts=["4"])
    (five,) = ledger.holds.pending(contracts=["5"])
    ledger.holds.release([four.hold], reason="visto", actor=IVO, now=NOW)
    ledger.holds.reject([five.hold], reason="visto", actor=IVO, now=NOW)
    ledger.batches.reverse(batch, contracts=["6"], invoiced=(), reason="engano", actor=ANA, now=NOW)
    month = close(ledger)
    assert month.closing is not None
    assert (month.closing.at, month.closing.by, len(month.closing.checksum)) == (NOW, "ivo", 64)
    assert month.closing.report == {
        "contracts": {"charged": 2, "failed": 1, "reversed": 2, "zero": 1},
        "amount": "14.00",
        "calls": 6,
        "files": 1,
        "holds": {"released": 1, "rejected": 1},
        "reversals": {"charges": 1, "amount": "0.30"},
        "coverage": COVERAGE,
    }
    line = ledger.rows(schema.audit)[-1]
    assert (line.action, line.target, line.who) == ("month.close", "competence 2026-10", "ivo")
    assert month.closing.checksum in line.facts
    assert SqlMonthLedger(ledger.database).rows() == [month]


ACTS: dict[str, Callable[[Ledger, int], object]] = {
    "open": lambda ledger, _: ledger.open("9"),
    "retry": lambda ledger, batch: ledger.batches.retry(batch, items=None, codes=(), actor=ANA, now=NOW),
    "cancel": lambda ledger, batch: ledger.batches.cancel(batch, actor=ANA, now=NOW),
    "reverse": lambda ledger, batch: ledger.batches.reverse(
        batch, contracts=None, invoiced=(), reason="engano", actor=ANA, now=NOW
    ),
    "release": lambda ledger, _: ledger.holds.release([1], reason="visto", actor=IVO, now=NOW),
    "reject": lambda ledger, _: ledger.holds.reject([1], reason="visto", actor=IVO, now=NOW),
    "compact": lambda ledger, _: compacted(ledger, [part_of(OCTOBER, ["1", "2"])]),
    "close": lambda ledger, _: close(ledger),
}


def compacted(ledger: Ledger, parts: list[Part] | None = None) -> bool:
    part_ledger = SqlPartLedger(ledger.database)
    source = part_ledger.listed(OCTOBER)
    return part_ledger.swap(source, parts or source.live.parts, "rollups/october", now=NOW)


@pytest.mark.parametrize("act", ACTS)
def test_nothing_changes_in_a_closed_month(ledger: Ledger, act: str) -> None:
    batch = ledger.bill({"1": charged(500), "2": final()})
    close(ledger)
    before = frozen(ledger)
    assert refused(lambda: ACTS[act](ledger, batch)) == "month_closed"
    assert frozen(ledger) == before


def test_other_months_go_on(ledger: Ledger) -> None:
    ledger.bill({"1": charged(500)})
    close(ledger)
    batch = ledger.bill({"1": charged(700)}, competence=NOVEMBER)
    assert ledger.batches.reverse(batch, contracts=None, invoiced=(), reason="engano", actor=ANA, now=NOW) == 1
    assert [(m.competence, m.closing is None) for m in SqlMonthLedger(ledger.database).rows()] == [
        (NOVEMBER, True),
        (OCTOBER, False),
    ]


def test_a_press_that_was_answered_before_is_answered_again(ledger: Ledger) -> None:
    press: dict[str, Any] = {"snapshot": 1, "actor": ANA, "now": NOW, "request_key": "press"}
    opened = ledger.batches.open(OCTOBER, ["1"], **press)
    ledger.settle(ledger.claim())
    close(ledger)
    assert ledger.batches.open(OCTOBER, ["1"], **press).batch == opened.batch


def test_a_late_worker_brings_nothing_into_a_closed_month(ledger: Ledger) -> None:
    ledger.bill({"1": charged(500)})
    batch = ledger.open("2")
    ledger.beat("slow")
    claim = ledger.claim("slow")
    ledger.beat("other", now=NOW + 2 * LEASE)
    assert ledger.batches.cancel(batch, actor=ANA, now=NOW) == 1
    close(ledger)
    before = frozen(ledger)
    assert ledger.settle(claim, owner="slow") == {"lost": 1}
    assert frozen(ledger) == before


@pytest.mark.parametrize("place", ["waiting", "running", "waiting_file", "held"])
def test_a_month_in_which_something_is_not_settled_stays_open(ledger: Ledger, place: str) -> None:
    ledger.bill({"1": charged(500)})
    batch = ledger.open("2")
    ledger.beat("w1")
    if place != "waiting":
        claim = ledger.claim()
        if place != "running":
            ledger.settle(claim, {"2": held() if place == "held" else NotAvailable()})
    assert ledger.items(batch)["2"].outcome == place
    before = frozen(ledger)
    assert refused(lambda: close(ledger)) == "month_busy"
    assert frozen(ledger) == before


def test_a_month_in_which_nothing_was_billed_is_neither_listed_nor_closed(ledger: Ledger) -> None:
    assert refused(lambda: close(ledger)) == "month_empty"
    assert SqlMonthLedger(ledger.database).rows() == []


def test_a_manager_reopens_it_with_a_reason_and_it_changes_again(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(500)})
    assert refused(lambda: reopen(ledger)) == "month_not_closed"
    closed = close(ledger)
    assert closed.closing is not None
    assert reopen(ledger).closing is None
    line = ledger.rows(schema.audit)[-1]
    assert (line.action, line.reason, line.who) == ("month.reopen", "arquivo corrigido", "ivo")
    assert closed.closing.checksum in line.facts
    again = close(ledger)
    assert again.closing is not None
    assert again.closing.checksum == closed.closing.checksum
    reopen(ledger)
    ledger.batches.reverse(batch, contracts=None, invoiced=(), reason="engano", actor=ANA, now=NOW)
    third = close(ledger)
    assert third.closing is not None
    assert third.closing.checksum != closed.closing.checksum


def test_closing_and_reopening_are_shown_at_once(ledger: Ledger) -> None:
    ledger.bill({"1": charged(500)})
    revisions = [ledger.reader.state().months[OCTOBER]]
    for act in (close, reopen):
        act(ledger)
        revisions.append(ledger.reader.state().months[OCTOBER])
    assert revisions == sorted(set(revisions))


def test_sums_of_a_closed_month_can_be_made_anew_but_its_parts_stay(ledger: Ledger) -> None:
    ledger.bill({"1": charged(500)})
    close(ledger)
    (growth,) = SqlPartLedger(ledger.database).growth()
    assert growth.is_closed
    assert SqlPartLedger(ledger.database).listed(OCTOBER).is_closed
    assert compacted(ledger)
    assert ledger.findings() == []


_BEHIND: dict[str, sa.Executable] = {
    "amount": sa.update(schema.charges).values(amount=501),
    "file": sa.update(schema.charges).values(source_sha256="ef" * 32),
    "value": sa.update(schema.eventual_values).values(kind="discount"),
    "calls": sa.update(schema.parts).values(sha256="ef" * 32),
    "part": sa.update(schema.parts).values(live=False),
    "claim": sa.insert(schema.exclusions).values(claim=7, competence="2026-10", contract="1", cause="refused"),
}


@pytest.mark.parametrize("what", _BEHIND)
def test_the_doctor_sees_a_closed_month_that_was_changed_from_outside(ledger: Ledger, what: str) -> None:
    ledger.bill({"1": charged(500)})
    close(ledger)
    with ledger.database.write() as connection:
        connection.execute(_BEHIND[what])
    found = SqlLedgerDoctor(ledger.database).examine(NOW, NOW, None).findings
    assert ("DOC-FEC", {"month": "2026-10"}) in [(one.code, one.facts) for one in found]
    _mend(ledger, what)


def _mend(ledger: Ledger, what: str) -> None:
    """Bring back what ``assert_sound`` looks at when the test is over."""
    with ledger.database.write() as connection:
        if what == "amount":
            connection.execute(sa.update(schema.charges).values(amount=500))
