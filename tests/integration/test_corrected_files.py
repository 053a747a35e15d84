"""Files that the platform replaced after they were charged: noticed once, shown until settled (PRODUCT 5)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.months import SqlMonthLedger
from stfc.domain.billing_file import Descriptor
from stfc.domain.correction import Remedy
from stfc.domain.money import Centavos, Micros
from stfc.domain.outcome import Charged
from stfc.errors import NotPossibleError
from stfc.services.ports import Actor, CorrectionDecision, SettledCorrection
from tests.ledgers import ANA, NOVEMBER, NOW, OCTOBER, Ledger, assert_sound, charged, held, zero

LATER = NOW + timedelta(days=1)
MANAGER = Actor("gil", "manager", "tela")
CHARGED, OTHER, THIRD = "ab" * 32, "cd" * 32, "ef" * 32


def listed(**versions: str | None) -> dict[str, Descriptor]:
    """A listing with these files, ``c1=sha256``."""
    return {
        name[1:]: Descriptor(name[1:], OCTOBER, True, "/f", records=4, amount=Micros(20_500_000), sha256=sha256)
        for name, sha256 in versions.items()
    }


def note(ledger: Ledger, **versions: str | None) -> int:
    return ledger.corrections.note(OCTOBER, listed(**versions), now=LATER)


def noticed(ledger: Ledger) -> list[tuple[str, str]]:
    return [(row.contract, row.sha256) for row in ledger.corrections.pending()]


def test_another_version_of_a_charged_month_is_noticed_once(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(1234), "2": held(500), "3": zero(), "4": charged(), "5": charged()})
    found = listed(c1=OTHER, c2=OTHER, c3=OTHER, c4=CHARGED, c5=None, c9=OTHER)
    assert ledger.corrections.note(OCTOBER, found, now=LATER) == 3
    after = ledger.dump()
    assert ledger.corrections.note(OCTOBER, found, now=LATER + timedelta(days=1)) == 0
    assert ledger.dump() == after, "the same listing again writes nothing"
    rows = ledger.corrections.pending(OCTOBER)
    assert [(r.contract, r.charged, r.is_held) for r in rows] == [("1", 1234, False), ("2", 500, True), ("3", 0, False)]
    assert {(r.batch, r.charged_sha256, r.sha256, r.announced, r.seen_at) for r in rows} == {
        (batch, CHARGED, OTHER, 2050, LATER)
    }
    assert ledger.corrections.pending(OCTOBER.plus(1)) == []
    assert ledger.corrections.charged_months() == [OCTOBER]
    assert_sound(ledger)


def test_what_is_not_charged_is_not_corrected(ledger: Ledger) -> None:
    ledger.open("1")
    assert note(ledger, c1=OTHER) == 0
    assert ledger.rows(schema.corrections) == []


def test_the_newest_version_stands_and_one_taken_back_waits_for_nobody(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    assert note(ledger, c1=THIRD) == 1
    assert noticed(ledger) == [("1", THIRD)]
    assert note(ledger, c1=CHARGED) == 0
    assert noticed(ledger) == []
    assert note(ledger, c1=OTHER) == 1, "it came again"
    assert noticed(ledger) == [("1", OTHER)]
    assert len(ledger.rows(schema.corrections)) == 2, "a version has one row"


def test_a_reversed_charge_has_nothing_to_correct(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    ledger.batches.reverse(batch, contracts=None, invoiced=(), reason="x", actor=ANA, now=LATER)
    assert noticed(ledger) == []
    assert note(ledger, c1=OTHER) == 0
    ledger.bill({"1": charged()})
    assert note(ledger, c1=OTHER) == 1, "charged again from the old file"
    assert noticed(ledger) == [("1", OTHER)]


# --- Settling


def settled(ledger: Ledger, remedy: Remedy, *, invoiced: bool = True, amount: int = 500) -> CorrectionDecision:
    """Settle the only correction there is."""
    (row,) = ledger.rows(schema.corrections)
    facts: dict[str, Any] = {"reason": "nova versão", "actor": MANAGER, "now": LATER}
    if remedy is Remedy.DISMISS:
        return ledger.corrections.dismiss(row.correction, **facts)
    facts |= {"invoiced": {f"STFC-{row.item}"} if invoiced else set(), "snapshot": 1}
    if remedy is Remedy.CHARGE_AGAIN:
        return ledger.corrections.charge_again(row.correction, **facts)
    return ledger.corrections.adjust(
        row.correction, amount=Centavos(amount), settled=Centavos(0), into=NOVEMBER, **facts
    )


def undone(ledger: Ledger, correction: int = 1, *, invoiced: frozenset[str] = frozenset()) -> SettledCorrection:
    return ledger.corrections.undo(
        correction, invoiced=invoiced, snapshot=1, reason="engano", actor=MANAGER, now=LATER + timedelta(days=1)
    )


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(NotPossibleError) as refused:
        act()
    return str(refused.value.facts["cause"])


def test_reverse_and_charge_leaves_one_charge_of_the_new_file(ledger: Ledger) -> None:
    ledger.bill({"1": charged(1234), "2": charged()})
    note(ledger, c1=OTHER)
    done = settled(ledger, Remedy.CHARGE_AGAIN, invoiced=False)
    assert noticed(ledger) == []
    assert [c.status for c in ledger.rows(schema.charges)] == ["reversed", "live"], "nothing is charged meanwhile"
    assert_sound(ledger)
    after = ledger.dump()
    assert refusal(lambda: settled(ledger, Remedy.CHARGE_AGAIN, invoiced=False)) == "correction_decided"
    assert ledger.dump() == after
    assert done.batch is not None
    ledger.settle(ledger.claim(batch=done.batch), {"1": Charged(Centavos(1434), 4, 0, OTHER)})
    assert [(c.contract, c.amount, c.status) for c in ledger.rows(schema.charges)] == [
        ("1", 1234, "reversed"),
        ("2", 1234, "live"),
        ("1", 1434, "live"),
    ]
    assert note(ledger, c1=OTHER) == 0, "charged from that version"
    assert ledger.findings() == []


@pytest.mark.parametrize(("amount", "kind"), [(500, "addition"), (-500, "discount")])
def test_a_complement_or_refund_stands_beside_the_charge_in_a_month_that_can_still_be_billed(
    ledger: Ledger, amount: int, kind: str
) -> None:
    batch = ledger.bill({"1": charged(1234)})
    note(ledger, c1=OTHER)
    done = settled(ledger, Remedy.COMPLEMENT, amount=amount)
    assert (done.amount, done.into) == (500, NOVEMBER)
    value = next(row for row in ledger.rows(schema.eventual_values) if row.value_id == done.value_id)
    assert (value.contract, value.competence, value.kind, value.amount, value.service, value.source_sha256) == (
        "1",
        "2026-11",
        kind,
        500,
        None,
        OTHER,
    )
    assert ledger.audit_lines("file.complement" if amount > 0 else "file.refund")[0].reason == "nova versão"
    after = ledger.dump()
    assert refusal(lambda: settled(ledger, Remedy.COMPLEMENT, amount=amount)) == "correction_decided"
    assert ledger.dump() == after
    # Rule 7 lets the month in; and what a complement hangs on is not reversed below it.
    ledger.bill({"1": charged(700)}, competence=NOVEMBER)
    assert [c.status for c in ledger.rows(schema.charges)] == ["live", "live"]
    reverse = partial(ledger.batches.reverse, batch, contracts=None, invoiced=(), reason="x", actor=ANA, now=LATER)
    assert refusal(reverse) == "correction_adjusted"
    assert ledger.findings() == []
    assert note(ledger, c1=THIRD) == 1
    (row,) = ledger.corrections.pending()
    assert ledger.corrections.source(row.correction).settled == amount


def test_a_remedy_that_does_not_fit_changes_nothing(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    before = ledger.dump()
    assert refusal(lambda: settled(ledger, Remedy.CHARGE_AGAIN, invoiced=True)) == "correction_invoiced"
    assert refusal(lambda: settled(ledger, Remedy.COMPLEMENT, invoiced=False)) == "correction_not_invoiced"
    SqlMonthLedger(ledger.database).close(OCTOBER, coverage={}, actor=MANAGER, now=LATER)
    assert refusal(lambda: settled(ledger, Remedy.CHARGE_AGAIN, invoiced=False)) == "month_closed"
    assert ledger.rows(schema.charges) == before["charges"]
    assert len(noticed(ledger)) == 1


def test_what_was_dismissed_is_not_shown_again(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    settled(ledger, Remedy.DISMISS)
    assert note(ledger, c1=OTHER) == 0
    assert noticed(ledger) == []
    assert refusal(lambda: settled(ledger, Remedy.DISMISS)) == "correction_decided"


def test_a_complement_taken_back_leaves_the_file_waiting_and_the_next_one_has_a_key_of_its_own(
    ledger: Ledger,
) -> None:
    ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    done = settled(ledger, Remedy.COMPLEMENT)
    assert [(one.decision, one.who, one.reason, one.is_over) for one in ledger.corrections.settled(limit=9)] == [
        (done, "gil", "nova versão", False)
    ]
    assert refusal(lambda: undone(ledger, invoiced=frozenset({"STFC-C1"}))) == "correction_undo_invoiced"
    assert undone(ledger).decision == done
    assert (noticed(ledger), ledger.corrections.settled(limit=9)) == ([("1", OTHER)], [])
    assert ledger.corrections.source(1).settled == 0
    assert ledger.audit_lines("file.undo")[0].reason == "engano"
    assert refusal(lambda: undone(ledger)) == "correction_undo_over"
    again = settled(ledger, Remedy.COMPLEMENT, amount=700)
    assert (done.value_id, again.value_id) == ("STFC-C1", "STFC-C1-2")
    assert_sound(ledger)
    assert ledger.findings() == []


def test_a_charge_made_again_is_not_taken_back_and_a_dismissal_is(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    settled(ledger, Remedy.DISMISS)
    undone(ledger)
    assert noticed(ledger) == [("1", OTHER)]
    settled(ledger, Remedy.CHARGE_AGAIN, invoiced=False)
    assert refusal(lambda: undone(ledger)) == "correction_undo_charged"
    (one,) = ledger.corrections.settled(limit=9)
    assert (one.decision.remedy, one.is_over) == (Remedy.CHARGE_AGAIN, False)


def test_what_a_later_version_was_settled_upon_stays(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    settled(ledger, Remedy.COMPLEMENT)
    note(ledger, c1=THIRD)
    (row,) = ledger.corrections.pending()
    facts: dict[str, Any] = {"invoiced": {f"STFC-{row.item}"}, "snapshot": 1, "reason": "x", "actor": MANAGER}
    adjust = partial(ledger.corrections.adjust, row.correction, into=NOVEMBER, now=LATER, **facts)
    assert refusal(lambda: adjust(amount=Centavos(900), settled=Centavos(0))) == "correction_changed"
    adjust(amount=Centavos(400), settled=Centavos(500))
    assert refusal(lambda: undone(ledger, 1)) == "correction_undo_later"
    undone(ledger, row.correction)
    undone(ledger, 1)
    assert noticed(ledger) == [("1", THIRD)], "the older version is replaced, and waits for nobody"


@pytest.mark.parametrize("remedy", [Remedy.CHARGE_AGAIN, Remedy.COMPLEMENT])
def test_of_two_who_settle_at_once_one_does(ledger: Ledger, remedy: Remedy) -> None:
    ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    together = threading.Barrier(2)

    def act() -> str:
        together.wait()
        try:
            settled(ledger, remedy, invoiced=remedy is Remedy.COMPLEMENT)
        except NotPossibleError as error:
            return str(error.facts["cause"])
        return "done"

    with ThreadPoolExecutor(2) as pool:
        said = [future.result() for future in [pool.submit(act), pool.submit(act)]]
    assert sorted(said) == ["correction_decided", "done"]
    assert len(ledger.audit_lines(f"file.{remedy.name.lower()}")) == 1
    assert len(ledger.rows(schema.batches)) == (2 if remedy is Remedy.CHARGE_AGAIN else 1)
    assert len(ledger.rows(schema.eventual_values)) == (1 if remedy is Remedy.CHARGE_AGAIN else 2)
