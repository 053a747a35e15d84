"""``ports.WorkLedger`` over SQLite and PostgreSQL: claims, leases, pauses and the platform's state."""

from datetime import timedelta

import pytest

from stfc.adapters.ledger import schema
from stfc.domain.outcome import NotAvailable, Unfinished
from stfc.services.ports import PlatformState, WorkerRow
from tests.ledgers import ANA, LEASE, NOVEMBER, NOW, OCTOBER, Ledger, charged, final, transient

SOON = NOW + timedelta(seconds=3)
PAST_LEASE = NOW + LEASE + timedelta(microseconds=1)


def _contracts(ledger: Ledger, **asked: object) -> list[str]:
    return [item.contract for item in ledger.claim(**asked).items]  # type: ignore[arg-type]


# --- Claims


def test_a_claim_takes_contracts_in_order_up_to_the_limit(ledger: Ledger) -> None:
    batch = ledger.open("3", "1", "20", "2")
    claim = ledger.claim(limit=3)
    assert (claim.batch, claim.competence, claim.snapshot, claim.waiting) == (batch, OCTOBER, 1, 1)
    assert [(item.contract, item.tries) for item in claim.items] == [("1", 0), ("2", 0), ("20", 0)]
    assert [item.outcome for item in ledger.items(batch).values()] == ["running", "running", "running", "waiting"]
    assert ledger.items(batch)["1"].started_at == NOW
    summary = ledger.batches.show(batch)
    assert (summary.status, summary.started_at) == ("running", NOW)


def test_nobody_claims_what_another_holds(ledger: Ledger) -> None:
    ledger.open("1", "2", "3")
    assert _contracts(ledger, owner="w1", limit=2) == ["1", "2"]
    assert _contracts(ledger, owner="w2", limit=2) == ["3"]
    assert ledger.claims_nothing("w3")


def test_the_oldest_batch_with_something_due_comes_first(ledger: Ledger) -> None:
    ledger.open("5")
    ledger.open("1", competence=NOVEMBER)
    assert [ledger.claim().batch, ledger.claim().batch] == [1, 2]


def test_a_claim_never_mixes_batches(ledger: Ledger) -> None:
    ledger.open("5")
    ledger.open("1")
    assert _contracts(ledger) == ["5"]


def test_a_worker_may_ask_for_one_batch_alone(ledger: Ledger) -> None:
    ledger.open("1")
    ledger.open("2")
    assert _contracts(ledger, batch=2) == ["2"]
    assert ledger.work.claim("w1", now=NOW, limit=9, batch=2, slow=False) is None


def test_an_item_is_not_claimed_before_it_is_due(ledger: Ledger) -> None:
    ledger.bill({"1": transient(retry_after=7.0)})
    assert ledger.claims_nothing(now=NOW + timedelta(seconds=6.999999))
    assert ledger.work.next_due(batch=None) == NOW + timedelta(seconds=7)
    assert _contracts(ledger, now=NOW + timedelta(seconds=7)) == ["1"]


def test_slow_items_are_claimed_apart(ledger: Ledger) -> None:
    batch = ledger.open("1", "2")
    ledger.settle(ledger.claim(limit=1), {"1": Unfinished()})
    assert _contracts(ledger) == ["2"]
    assert ledger.claims_nothing()
    assert _contracts(ledger, slow=True) == ["1"]
    assert ledger.batches.show(batch).outcomes["running"] == 2


@pytest.mark.parametrize("code", ["SUM-401", "SUM-NET"])
def test_nothing_is_claimed_from_a_paused_batch(ledger: Ledger, code: str) -> None:
    ledger.open("1")
    ledger.open("2")
    ledger.work.pause(1, code, now=NOW)
    assert ledger.claim().batch == 2
    assert ledger.claims_nothing()
    assert ledger.work.next_due(batch=None) is None


def test_a_contract_that_is_being_billed_for_another_month_waits(ledger: Ledger) -> None:
    october = ledger.open("1", "2")
    november = ledger.open("1", "2", "3", competence=NOVEMBER)
    first = ledger.claim(batch=october, limit=1)
    assert _contracts(ledger, owner="w2", batch=november) == ["2", "3"]
    ledger.settle(first)
    assert _contracts(ledger, owner="w2", batch=november) == ["1"]


def test_a_second_month_sees_the_calls_of_the_first(ledger: Ledger) -> None:
    ledger.bill({"1": charged(), "2": charged()})
    (part,) = ledger.rows(schema.parts)
    ledger.open("2", "3", competence=NOVEMBER)
    claim = ledger.claim()
    assert [listed.path for listed in claim.calls.parts] == [part.path]
    assert not claim.calls.excluded


def test_a_claim_brings_the_calls_that_concern_its_contracts_and_no_others(ledger: Ledger) -> None:
    far = ledger.bill({"1": charged(), "3": charged()})
    near = ledger.bill({"5": charged(), "7": charged()})
    for batch in (far, near):
        ledger.batches.reverse(batch, contracts=None, invoiced=(), reason="x", actor=ANA, now=NOW)
    ledger.open("6", "8", competence=NOVEMBER)
    claim = ledger.claim()
    assert [(part.contract_first, part.contract_last) for part in claim.calls.parts] == [("5", "7")]
    excluded = {row.claim for row in ledger.rows(schema.exclusions) if row.contract == "7"}
    assert claim.calls.excluded == excluded
    assert claim.calls.revision == ledger.reader.state().revision


def test_a_slow_claim_brings_the_calls_of_all_its_contracts(ledger: Ledger) -> None:
    reversed_batch = ledger.bill({"1": charged(), "3": charged()})
    ledger.batches.reverse(reversed_batch, contracts=None, invoiced=(), reason="x", actor=ANA, now=NOW)
    ledger.open("1", "2", "3", competence=NOVEMBER)
    ledger.settle(ledger.claim(), dict.fromkeys("123", Unfinished()))
    ledger.work.release("w1", [ledger.claim(slow=True, limit=1).items[0].item], now=NOW)
    claim = ledger.claim(slow=True)
    assert [item.contract for item in claim.items] == ["2", "3", "1"]
    assert claim.calls.excluded == {row.claim for row in ledger.rows(schema.exclusions)}
    assert len(claim.calls.excluded) == 2


def test_an_item_that_failed_before_says_how_often(ledger: Ledger) -> None:
    ledger.bill({"1": transient()})
    claim = ledger.claim(now=NOW + timedelta(minutes=1))
    assert [item.tries for item in claim.items] == [1]


def test_every_attempt_has_a_claim_of_its_own(ledger: Ledger) -> None:
    ledger.open("1", "2")
    first = ledger.claim()
    ledger.work.leave("w1", now=NOW)
    second = ledger.claim("w2")
    claims = [item.claim for item in (*first.items, *second.items)]
    assert len(set(claims)) == 4


def test_next_due_is_the_opening_for_what_was_never_tried(ledger: Ledger) -> None:
    assert ledger.work.next_due(batch=None) is None
    ledger.open("1", "2")
    assert ledger.work.next_due(batch=None) == NOW
    assert ledger.work.next_due(batch=1) == NOW
    assert ledger.work.next_due(batch=2) is None
    ledger.settle(ledger.claim(), {"1": transient(retry_after=5.0), "2": NotAvailable()})
    assert ledger.work.next_due(batch=1) == NOW + timedelta(seconds=5)


def test_is_running_tells_of_one_batch_or_of_any(ledger: Ledger) -> None:
    ledger.open("1")
    ledger.open("2")
    assert not ledger.work.is_running(batch=None)
    claim = ledger.claim()
    assert [ledger.work.is_running(batch=batch) for batch in (None, 1, 2)] == [True, True, False]
    ledger.settle(claim)
    assert not ledger.work.is_running(batch=None)


# --- Leases


def test_a_worker_is_known_while_its_lease_runs(ledger: Ledger) -> None:
    ledger.open("1", "2")
    ledger.beat("w1")
    ledger.claim("w1")
    expected = WorkerRow("w1", "host", 1, NOW, NOW + LEASE, running=2)
    assert ledger.work.workers(NOW + LEASE) == [expected]
    assert ledger.work.workers(PAST_LEASE) == []


def test_a_heartbeat_renews_the_lease(ledger: Ledger) -> None:
    ledger.beat("w1")
    ledger.beat("w1", now=SOON)
    (worker,) = ledger.work.workers(PAST_LEASE)
    assert (worker.started_at, worker.lease_until) == (NOW, SOON + LEASE)


def test_what_a_dead_worker_held_goes_back_to_the_queue(ledger: Ledger) -> None:
    batch = ledger.open("1", "2")
    ledger.beat("w1")
    ledger.settle(ledger.claim("w1", limit=1))
    ledger.claim("w1")
    ledger.beat("w2", now=NOW + LEASE)
    assert ledger.items(batch)["2"].outcome == "running"
    ledger.beat("w2", now=PAST_LEASE)
    items = ledger.items(batch)
    assert [(item.outcome, item.attempts) for item in items.values()] == [("charged", 1), ("waiting", 0)]
    assert ledger.events(items["2"]) == ["lease_expired"]
    assert [worker.owner for worker in ledger.work.workers(NOW)] == ["w2"]
    assert _contracts(ledger, owner="w2", now=PAST_LEASE) == ["2"]


def test_a_worker_given_up_that_claims_again_and_dies_holds_nothing_for_ever(ledger: Ledger) -> None:
    batch = ledger.open("1", "2")
    ledger.beat("w1")
    ledger.beat("w2", now=PAST_LEASE)
    ledger.claim("w1", now=PAST_LEASE)  # woken, before its own heartbeat
    ledger.beat("w2", now=PAST_LEASE + timedelta(seconds=1))
    assert [item.outcome for item in ledger.items(batch).values()] == ["waiting", "waiting"]


def test_a_worker_that_leaves_hands_everything_back_at_once(ledger: Ledger) -> None:
    batch = ledger.open("1", "2", "3")
    ledger.beat("w1")
    ledger.beat("w2")
    ledger.claim("w1", limit=2)
    ledger.claim("w2", limit=1)
    ledger.work.leave("w1", now=NOW)
    assert [item.outcome for item in ledger.items(batch).values()] == ["waiting", "waiting", "running"]
    assert ledger.events(ledger.items(batch)["1"]) == ["worker_stopped"]
    assert [worker.owner for worker in ledger.work.workers(NOW)] == ["w2"]


def test_a_worker_hands_back_some_of_what_it_holds_and_nothing_of_others(ledger: Ledger) -> None:
    batch = ledger.open("1", "2", "3")
    mine, other = ledger.claim("w1", limit=2), ledger.claim("w2")
    ledger.work.release("w1", [mine.items[0].item, other.items[0].item], now=NOW)
    items = ledger.items(batch)
    assert [item.outcome for item in items.values()] == ["waiting", "running", "running"]
    assert (ledger.events(items["1"]), items["1"].attempts) == (["released"], 0)


# --- Pauses


def test_a_pause_names_its_code_and_is_lifted_by_it(ledger: Ledger) -> None:
    for contract in ("1", "2", "3"):
        ledger.open(contract)
    ledger.claim(batch=1)
    ledger.work.pause(1, "SUM-NET", now=NOW)
    ledger.work.pause(2, "SUM-TMO", now=NOW)
    ledger.work.pause(3, "SUM-401", now=NOW)
    paused = ledger.batches.show(2)
    assert (paused.status, paused.pause_code, paused.paused_at) == ("paused", "SUM-TMO", NOW)
    assert ledger.work.resume(["SUM-NET", "SUM-TMO", "SUM-5XX"], now=SOON) == [1, 2]
    assert [ledger.batches.show(batch).status for batch in (1, 2, 3)] == ["running", "waiting", "paused"]
    assert ledger.work.resume(["SUM-NET"], now=SOON) == []


def test_the_first_pause_stands(ledger: Ledger) -> None:
    ledger.open("1")
    ledger.work.pause(1, "SUM-401", now=NOW)
    ledger.work.pause(1, "SUM-NET", now=SOON)
    summary = ledger.batches.show(1)
    assert (summary.pause_code, summary.paused_at) == ("SUM-401", NOW)


def test_a_batch_that_is_done_is_not_paused(ledger: Ledger) -> None:
    batch = ledger.bill({"1": final()})
    ledger.work.pause(batch, "SUM-401", now=NOW)
    assert ledger.batches.show(batch).status == "done"


def test_a_paused_batch_ends_when_the_last_of_what_ran_does(ledger: Ledger) -> None:
    batch = ledger.open("1")
    claim = ledger.claim()
    ledger.work.pause(batch, "SUM-401", now=NOW)
    ledger.settle(claim)
    summary = ledger.batches.show(batch)
    assert (summary.status, summary.pause_code, summary.paused_at) == ("done", None, None)


# --- The platform


def test_nothing_is_known_of_the_platform_before_the_first_contact(ledger: Ledger) -> None:
    assert ledger.work.platform() is None


def test_since_stands_while_the_platform_stays_up_or_down(ledger: Ledger) -> None:
    def contact(up: bool, minute: int) -> PlatformState | None:
        at = NOW + timedelta(minutes=minute)
        code, latency = (None, 12) if up else ("SUM-NET", None)
        ledger.work.set_platform(PlatformState(up, code, at, latency, at, at + timedelta(seconds=1)))
        return ledger.work.platform()

    states = [contact(up, minute) for minute, up in enumerate((True, True, False, False, True))]
    assert [(s.up, (s.since - NOW).seconds // 60, (s.checked_at - NOW).seconds // 60) for s in states if s] == [
        (True, 0, 0),
        (True, 0, 1),
        (False, 2, 2),
        (False, 2, 3),
        (True, 4, 4),
    ]
    last = states[-1]
    assert last is not None
    assert (last.code, last.latency_ms, last.next_check_at) == (None, 12, last.checked_at + timedelta(seconds=1))
