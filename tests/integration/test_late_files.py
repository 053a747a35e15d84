"""Looking again for files that were not there, rests that a platform asks for, pauses of all batches (PRODUCT 10)."""

from datetime import datetime, timedelta

from stfc.domain.outcome import NotAvailable, Postponed
from stfc.services.ports import LateFiles, PlatformState
from tests.ledgers import ANA, NOW, OCTOBER, Ledger, charged, transient

LATER = NOW + timedelta(minutes=2)


def take(ledger: Ledger, now: datetime) -> list[LateFiles]:
    return ledger.late_files.take_looks(now=now, batch=None, wait=lambda looks: 60.0 * 2**looks)


def test_a_first_look_is_set_and_the_next_ones_are_taken_and_moved_on(ledger: Ledger) -> None:
    batch = ledger.bill({"1": NotAvailable(), "2": charged(), "3": NotAvailable()})
    assert ledger.late_files.is_look_due(now=NOW, batch=None)
    assert take(ledger, NOW) == []
    assert ledger.batches.show(batch).next_look_at == NOW + timedelta(seconds=60)
    assert not ledger.late_files.is_look_due(now=NOW, batch=None)
    assert take(ledger, LATER) == [LateFiles(batch, OCTOBER, ("1", "3"))]
    assert ledger.batches.show(batch).next_look_at == LATER + timedelta(seconds=120)
    assert take(ledger, LATER) == [], "of several workers one looks"


def test_what_arrived_goes_back_and_the_batch_goes_on(ledger: Ledger) -> None:
    batch = ledger.bill({"1": NotAvailable(), "2": NotAvailable()})
    assert ledger.batches.show(batch).status == "done"
    assert ledger.late_files.arrived(batch, ["1", "9"], now=LATER) == 1
    summary, items = ledger.batches.show(batch), ledger.items(batch)
    assert (summary.status, summary.ended_at) == ("running", None)
    assert {contract: item.outcome for contract, item in items.items()} == {"1": "waiting", "2": "waiting_file"}
    assert ledger.events(items["1"])[-1] == "file_arrived"
    assert ledger.late_files.arrived(batch, ["1"], now=LATER) == 0, "twice is once"
    ledger.settle(ledger.claim(now=LATER), now=LATER)
    assert ledger.batches.show(batch).spent(LATER) == timedelta(), "the time between is no working time"


def test_nothing_is_looked_for_that_was_cancelled_or_waits_in_a_paused_batch(ledger: Ledger) -> None:
    cancelled = ledger.bill({"1": NotAvailable()})
    ledger.batches.cancel(cancelled, actor=ANA, now=NOW)
    paused = ledger.open("2", "3")
    ledger.settle(ledger.claim(limit=1), {"2": NotAvailable()})
    ledger.work.pause(paused, "SUM-401", now=NOW)
    assert not ledger.late_files.is_look_due(now=LATER, batch=None)
    assert take(ledger, LATER) == []


def test_a_look_may_be_kept_to_one_batch(ledger: Ledger) -> None:
    first, second = ledger.bill({"1": NotAvailable()}), ledger.bill({"2": NotAvailable()})
    ledger.late_files.take_looks(now=NOW, batch=first, wait=lambda looks: 60.0)
    assert not ledger.late_files.is_look_due(now=NOW, batch=first)
    assert ledger.late_files.is_look_due(now=NOW, batch=second)


# --- A platform that wants a rest


def test_a_rest_is_remembered_and_never_shortened(ledger: Ledger) -> None:
    ledger.work.throttle(LATER, now=NOW)
    ledger.work.throttle(NOW + timedelta(seconds=1), now=NOW)
    state = ledger.work.platform()
    assert state == PlatformState(True, None, NOW, None, NOW, None, LATER)
    ledger.work.set_platform(PlatformState(True, None, NOW, 3, NOW, None))
    kept = ledger.work.platform()
    assert kept is not None
    assert (kept.not_before, kept.latency_ms) == (LATER, 3)


def test_a_postponed_item_waits_with_the_code_and_spends_nothing(ledger: Ledger) -> None:
    batch = ledger.open("1")
    ledger.settle(ledger.claim(), {"1": transient()})
    ledger.settle(ledger.claim(now=LATER), {"1": Postponed("SUM-429", 30.0)}, now=LATER)
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.code, item.attempts) == ("waiting", "SUM-429", 1)
    assert item.next_try_at == LATER + timedelta(seconds=30)
    assert ledger.claims_nothing(now=LATER)


# --- Pauses of all


def test_a_pause_of_all_spares_what_has_ended(ledger: Ledger) -> None:
    done, first, second = ledger.bill({"1": charged()}), ledger.open("2"), ledger.open("3")
    ledger.work.pause(None, "ARM-ESC", now=NOW)
    assert [ledger.batches.show(batch).pause_code for batch in (done, first, second)] == [None, "ARM-ESC", "ARM-ESC"]
    assert ledger.work.resume(["ARM-ESC"], now=NOW) == [first, second]


def test_refused_credentials_show_behind_a_pause_that_would_end_by_itself(ledger: Ledger) -> None:
    batch = ledger.open("1")
    ledger.work.pause(None, "SUM-NET", now=NOW)
    ledger.work.pause(None, "SUM-401", now=LATER)
    ledger.work.pause(None, "SUM-NET", now=LATER)
    assert ledger.batches.show(batch).pause_code == "SUM-401"


def test_going_on_after_refused_credentials_lifts_every_pause_that_they_made(ledger: Ledger) -> None:
    first, second, third = ledger.open("1"), ledger.open("2"), ledger.open("3")
    ledger.work.pause(third, "ARM-ESC", now=NOW)
    for batch in (first, second):
        ledger.work.pause(batch, "SUM-401", now=NOW)
    ledger.batches.retry(first, items=None, codes=(), actor=ANA, now=LATER)
    assert [ledger.batches.show(batch).pause_code for batch in (first, second, third)] == [None, None, "ARM-ESC"]
