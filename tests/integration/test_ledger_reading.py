"""``ports.LedgerReader``, ``SnapshotLedger`` and ``ProvisioningLedger`` over SQLite and PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.outcome import Unfinished
from stfc.errors import StaleSnapshotError
from stfc.services.ports import MonthImage
from stfc.services.provisioning import Provisioning
from tests.ledgers import ANA, LEASE, NOVEMBER, NOW, OCTOBER, Ledger, charged, final, held, transient, zero

DECEMBER = NOVEMBER.plus(1)


def _image(ledger: Ledger, competence: Competence = OCTOBER) -> MonthImage:
    return ledger.reader.images([competence], {})[1][competence]


# --- State


def test_a_ledger_without_an_import_has_no_snapshot(ledger_url: str) -> None:
    fresh = Ledger(Database(ledger_url))
    fresh.database.upgrade()
    state = fresh.reader.state()
    assert (state.revision, state.snapshot, state.imported_at, state.months) == (0, None, None, {})
    assert state.provisioning.num_rows == 0
    assert fresh.snapshots.current() is None
    assert fresh.reader.images([OCTOBER], {})[1][OCTOBER].items.num_rows == 0
    fresh.database.dispose()


def test_the_state_names_snapshot_and_the_months_it_knows(ledger: Ledger) -> None:
    ledger.open("1")
    ledger.open("1", competence=NOVEMBER)
    state = ledger.reader.state()
    assert (state.snapshot, state.imported_at) == (1, NOW)
    assert set(state.months) == {OCTOBER, NOVEMBER}
    assert state.months[NOVEMBER] == state.revision > state.months[OCTOBER]


def _retry(ledger: Ledger) -> None:
    ledger.batches.retry(1, items=None, codes=(), actor=ANA, now=NOW)


def _reverse(ledger: Ledger) -> None:
    ledger.batches.reverse(1, contracts=None, invoiced=(), reason="x", actor=ANA, now=NOW)


VISIBLE: list[tuple[str, Callable[[Ledger], object]]] = [
    ("open", lambda ledger: ledger.open("9")),
    ("claim", lambda ledger: ledger.claim()),
    ("settle", lambda ledger: ledger.settle(ledger.claim())),
    ("unfinished", lambda ledger: ledger.settle(ledger.claim(), {"3": Unfinished(), "4": transient()})),
    ("refused", lambda ledger: ledger.settle(ledger.claim(), failed={"3": Rule.NORMAL, "4": Rule.NORMAL})),
    ("pause", lambda ledger: ledger.work.pause(1, "SUM-NET", now=NOW)),
    ("cancel", lambda ledger: ledger.batches.cancel(1, actor=ANA, now=NOW)),
    ("retry", _retry),
    ("reverse", _reverse),
]


@pytest.mark.parametrize(("name", "act"), VISIBLE)
def test_every_visible_change_moves_the_revision_and_that_of_its_month_alone(
    ledger: Ledger, name: str, act: Callable[[Ledger], object]
) -> None:
    batch = ledger.open("1", "2", "3", "4")
    ledger.settle(ledger.claim(limit=2), {"2": final()})
    ledger.bill({"1": charged()}, competence=NOVEMBER)
    before = ledger.reader.state()
    act(ledger)
    after = ledger.reader.state()
    assert after.revision > before.revision
    assert after.months[OCTOBER] > before.months[OCTOBER]
    assert after.months[OCTOBER] <= after.revision
    assert after.months[NOVEMBER] == before.months[NOVEMBER]
    assert ledger.batches.show(batch)


@pytest.mark.parametrize("event", ["lease_expired", "worker_stopped", "released", "resumed"])
def test_what_goes_back_to_the_queue_moves_the_revision_too(ledger: Ledger, event: str) -> None:
    ledger.open("1", "2")
    ledger.beat("w1")
    claim = ledger.claim("w1", limit=1)
    ledger.work.pause(1, "SUM-NET", now=NOW)
    before = ledger.reader.state()
    if event == "lease_expired":
        ledger.beat("w2", now=NOW + 2 * LEASE)
    elif event == "worker_stopped":
        ledger.work.leave("w1", now=NOW)
    elif event == "released":
        ledger.work.release("w1", [item.item for item in claim.items], now=NOW)
    else:
        ledger.work.resume(["SUM-NET"], now=NOW)
    assert ledger.reader.state().months[OCTOBER] > before.months[OCTOBER]


def test_what_changes_nothing_visible_moves_no_revision(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    before = ledger.reader.state()
    ledger.beat("w1")
    assert ledger.claims_nothing()
    _retry(ledger)
    ledger.batches.cancel(1, actor=ANA, now=NOW)
    ledger.work.resume(["SUM-NET"], now=NOW)
    ledger.work.pause(1, "SUM-NET", now=NOW)
    ledger.work.leave("w1", now=NOW)
    assert ledger.reader.state().revision == before.revision


# --- Images


def test_an_image_holds_all_that_the_ledger_knows_of_a_month(ledger: Ledger) -> None:
    batch = ledger.open("1", "2", "3", "4", "5")
    outcomes = {"1": charged(100), "2": zero(calls=2), "3": held(7), "4": final()}
    claim = ledger.claim()
    ledger.settle(claim, outcomes, failed={"5": Rule.NORMAL})
    ledger.batches.reverse(batch, contracts=["1", "2"], invoiced=(), reason="x", actor=ANA, now=NOW)
    image = _image(ledger)
    assert image.items.select(["contract", "outcome", "code", "rule", "amount", "calls", "reversed"]).to_pylist() == [
        {"contract": c, "outcome": o, "code": code, "rule": rule, "amount": a, "calls": n, "reversed": r}
        for c, o, code, rule, a, n, r in [
            ("1", "charged", None, None, 100, 3, True),
            ("2", "zero", None, None, 0, 2, True),
            ("3", "held", "ARQ-TOT", None, 7, 3, False),
            ("4", "failed", "SUM-SUB", None, None, None, False),
            ("5", "refused", "REG-ELG", "normal_status", None, None, False),
        ]
    ]
    assert image.values.drop_columns(["value_id"]).to_pylist() == [
        {"contract": "1", "service": "S-1", "kind": "addition", "amount": 100, "deleted": True, "held": False},
        {"contract": "3", "service": "S-3", "kind": "addition", "amount": 7, "deleted": False, "held": True},
    ]
    assert image.events.drop_columns(["event"]).to_pylist() == [
        {"contract": "2", "at": date(2026, 11, 10), "reversed": True}
    ]
    assert [(part.rows, part.contract_first, part.contract_last) for part in image.parts] == [(15, "1", "5")]
    assert image.excluded == {item.claim for item in claim.items if item.contract in ("1", "2", "5")}
    assert ledger.reader.live_calls().excluded == image.excluded


def test_an_image_of_a_month_without_anything_has_the_same_columns(ledger: Ledger) -> None:
    ledger.bill({"1": charged(), "2": zero()})
    full, empty = _image(ledger), _image(ledger, DECEMBER)
    for name in ("items", "values", "events"):
        assert getattr(empty, name).schema == getattr(full, name).schema
        assert getattr(empty, name).num_rows == 0
    assert (empty.revision, empty.parts, empty.excluded) == (0, (), frozenset())
    assert full.items.schema.field("reversed").type == pa.bool_()


def test_a_month_that_is_known_as_it_stands_is_not_read_again(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    ledger.bill({"1": charged()}, competence=NOVEMBER)
    months = [OCTOBER, NOVEMBER, DECEMBER]
    state, images = ledger.reader.images(months, {})
    assert set(images) == set(months)
    revisions = {month: image.revision for month, image in images.items()}
    assert revisions == {OCTOBER: state.months[OCTOBER], NOVEMBER: state.months[NOVEMBER], DECEMBER: 0}
    again = ledger.reader.images(months, images)[1]
    assert all(again[month] is images[month] for month in months)
    ledger.open("2", competence=NOVEMBER)
    state, later = ledger.reader.images(months, images)
    assert [month for month in months if later[month] is not images[month]] == [NOVEMBER]
    assert later[NOVEMBER].revision == state.months[NOVEMBER]


def test_an_image_is_the_same_whether_read_as_a_whole_or_by_what_changed(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(), "2": zero(), "3": charged()})
    before = ledger.reader.images([OCTOBER], {})[1]
    reversing = {"contracts": ["1", "2"], "invoiced": (), "reason": "engano", "actor": ANA, "now": NOW}
    ledger.batches.reverse(batch, **reversing)
    ledger.bill({"1": charged(), "4": zero()})
    assert ledger.reader.images([OCTOBER], before)[1] == ledger.reader.images([OCTOBER], {})[1]


def test_an_image_from_before_a_restore_is_read_anew(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    image = _image(ledger)
    ahead = replace(image, revision=image.revision + 100, items=image.items.slice(0, 0))
    assert ledger.reader.images([OCTOBER], {OCTOBER: ahead})[1][OCTOBER] == image


def test_an_import_leaves_the_months_as_they_were(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    known = {OCTOBER: _image(ledger)}
    ledger.import_next()
    state, images = ledger.reader.images([OCTOBER], known)
    assert state.snapshot == 2
    assert images[OCTOBER] is known[OCTOBER]
    assert state.revision > known[OCTOBER].revision


# --- Snapshots


def test_every_import_gets_a_number_of_its_own(ledger: Ledger) -> None:
    assert [ledger.snapshots.next_number() for _ in range(3)] == [2, 3, 4]


def test_a_number_given_back_leaves_no_trace(ledger: Ledger) -> None:
    before = ledger.dump()
    ledger.snapshots.give_back(ledger.snapshots.next_number())
    assert ledger.dump() == before


def test_a_number_is_not_given_back_over_a_later_one(ledger: Ledger) -> None:
    first, second = ledger.snapshots.next_number(), ledger.snapshots.next_number()
    ledger.snapshots.give_back(first)
    assert ledger.snapshots.next_number() == second + 1


def test_an_import_becomes_current_with_its_rows_and_an_audit_line(ledger: Ledger) -> None:
    later = NOW + timedelta(hours=1)
    ledger.snapshots.switch(7, previous=1, rows={"contracts": 3}, actor=ANA, now=later)
    state = ledger.reader.state()
    assert (ledger.snapshots.current(), state.snapshot, state.imported_at) == (7, 7, later)
    line = ledger.rows(schema.audit)[-1]
    assert (line.action, line.target, line.facts) == ("snapshot.import", "snapshot 7", '{"contracts": 3}')


@pytest.mark.parametrize("previous", [None, 2])
def test_an_import_that_built_on_another_is_not_made_current(ledger: Ledger, previous: int | None) -> None:
    before = ledger.dump()
    with pytest.raises(StaleSnapshotError):
        ledger.snapshots.switch(9, previous=previous, rows={}, actor=ANA, now=NOW)
    assert ledger.dump() == before


def test_only_the_newest_snapshots_and_those_of_a_batch_are_kept(ledger: Ledger) -> None:
    for number in range(2, 7):
        if number == 4:
            ledger.batches.open(OCTOBER, ["1"], snapshot=3, actor=ANA, now=NOW, request_key=None)
        assert ledger.import_next() == number
    assert ledger.snapshots.discard_old(2) == [1, 2, 4]
    assert ledger.snapshots.discard_old(2) == []
    ledger.import_next()
    assert ledger.snapshots.discard_old(2) == [5]


def test_nothing_is_discarded_while_there_are_few(ledger: Ledger) -> None:
    ledger.import_next()
    assert ledger.snapshots.discard_old(24) == []


# --- Provisioning


def _sent(contract: str, minute: int, code: str | None = None) -> Provisioning:
    at = datetime(2026, 11, 10, 15, minute, tzinfo=UTC)
    return Provisioning(contract, at, "ana", code is None, code, {"reason": "lines"} if code else {})


def test_results_of_provisioning_are_kept_newest_first(ledger: Ledger) -> None:
    sent = [_sent("1", 0, "SUM-422"), _sent("1", 1), _sent("2", 2)]
    for one in sent:
        ledger.provisionings.record(one, ANA)
    assert ledger.provisionings.history("1") == [sent[1], sent[0]]
    assert ledger.provisionings.history("9") == []
    lines = [(row.action, row.target) for row in ledger.rows(schema.audit)][1:]
    assert lines == [("subscriber.provision", f"contract {one.contract}") for one in sent]


def test_the_state_carries_the_last_result_of_each_contract(ledger: Ledger) -> None:
    ledger.provisionings.record(_sent("1", 5, "SUM-422"), ANA)
    before = ledger.reader.state()
    ledger.provisionings.record(_sent("2", 6, "SUM-NET"), ANA)
    # What was recorded last counts, whatever its clock said.
    ledger.provisionings.record(_sent("1", 1), ANA)
    after = ledger.reader.state()
    assert after.revision > before.revision
    assert before.provisioning.to_pylist() == [
        {"contract": "1", "at": datetime(2026, 11, 10, 15, 5, tzinfo=UTC), "ok": False, "code": "SUM-422"}
    ]
    assert {(row["contract"], row["ok"], row["code"]) for row in after.provisioning.to_pylist()} == {
        ("1", True, None),
        ("2", False, "SUM-NET"),
    }
