"""``ports.BatchLedger`` over SQLite and PostgreSQL: opening, steering and reading batches (PRODUCT 5)."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from stfc.adapters.ledger import schema
from stfc.domain.eligibility import Rule
from stfc.domain.outcome import NotAvailable, Unfinished
from stfc.errors import NotFoundError, NotPossibleError, StaleSnapshotError
from stfc.services.ports import OpenedBatch, RecentWork
from tests.ledgers import ANA, NOVEMBER, NOW, OCTOBER, Ledger, charged, final, held, transient, zero

LATER = NOW.replace(hour=18)


def _open(ledger: Ledger, *contracts: str, key: str | None = None, snapshot: int = 1) -> OpenedBatch:
    return ledger.batches.open(OCTOBER, contracts, snapshot=snapshot, actor=ANA, now=NOW, request_key=key)


def _reverse(ledger: Ledger, batch: int, *contracts: str, invoiced: tuple[str, ...] = (), **more: Any) -> int:
    chosen = contracts or None
    return ledger.batches.reverse(
        batch, contracts=chosen, invoiced=invoiced, reason="valor errado", actor=ANA, now=LATER, **more
    )


def _retry(ledger: Ledger, batch: int, *, items: tuple[int, ...] | None = None, codes: tuple[str, ...] = ()) -> int:
    return ledger.batches.retry(batch, items=items, codes=codes, actor=ANA, now=LATER)


# --- Opening


def test_a_batch_has_an_item_for_each_contract_once_and_in_order(ledger: Ledger) -> None:
    opened = _open(ledger, "20", "100", "20", "3")
    assert opened == OpenedBatch(1, 3, {})
    total, items = ledger.batches.items(1)
    assert total == 3
    assert [(item.contract, item.outcome, item.attempts) for item in items] == [
        ("100", "waiting", 0),
        ("20", "waiting", 0),
        ("3", "waiting", 0),
    ]
    summary = ledger.batches.show(1)
    assert (summary.competence, summary.snapshot, summary.status, summary.created_by) == (OCTOBER, 1, "waiting", "ana")
    assert (summary.items, summary.open_items, summary.created_at, summary.ended_at) == (3, 3, NOW, None)


def test_the_same_request_key_gives_the_same_batch_whatever_it_asks(ledger: Ledger) -> None:
    assert _open(ledger, "1", "2", key="tab-1") == OpenedBatch(1, 2, {})
    assert _open(ledger, "1", "2", key="tab-1") == OpenedBatch(1, 2, {})
    assert len(ledger.batches.newest()) == 1


def test_the_same_request_key_gives_the_same_batch_even_after_another_import(ledger: Ledger) -> None:
    first = _open(ledger, "1", key="tab-1")
    ledger.import_next()
    assert _open(ledger, "1", key="tab-1") == first


def test_a_batch_evaluated_on_an_older_import_is_not_opened(ledger: Ledger) -> None:
    ledger.import_next()
    before = ledger.dump()
    with pytest.raises(StaleSnapshotError) as caught:
        _open(ledger, "1")
    assert caught.value.facts == {"evaluated": 1, "current": 2}
    assert ledger.dump() == before


@pytest.mark.parametrize("outcome", [charged(), held(), zero(), NotAvailable(), transient(), Unfinished()])
def test_a_contract_with_a_live_item_is_refused_by_rule_6_the_first_that_fails(ledger: Ledger, outcome: Any) -> None:
    ledger.bill({"1": outcome})
    assert _open(ledger, "1", "2") == OpenedBatch(2, 1, {"1": "no_charge"})


@pytest.mark.parametrize(("table", "rule"), [("values", "no_eventual_value"), ("events", "no_zero_billing_event")])
def test_a_live_value_or_event_alone_refuses_too(ledger: Ledger, table: str, rule: str) -> None:
    batch = ledger.bill({"1": charged() if table == "values" else zero()})
    item = ledger.items(batch)["1"].item
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.items).where(schema.items.c.item == item).values(reversed=True))
    assert _open(ledger, "1", "2").refused == {"1": rule}
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.items).where(schema.items.c.item == item).values(reversed=False))


def test_a_value_without_a_service_keeps_nobody_out(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged()})
    _reverse(ledger, batch)
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.eventual_values).values(deleted=False, service=None))
    assert _open(ledger, "1") == OpenedBatch(2, 1, {})
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.eventual_values).values(deleted=True, service="S-1"))


def test_a_contract_that_failed_was_refused_or_cancelled_may_be_opened_again(ledger: Ledger) -> None:
    batch = ledger.open("1", "2", "3")
    ledger.settle(ledger.claim(limit=2), {"1": final()}, failed={"2": Rule.NORMAL})
    ledger.batches.cancel(batch, actor=ANA, now=NOW)
    assert [item.outcome for item in ledger.items(batch).values()] == ["failed", "refused", "cancelled"]
    assert _open(ledger, "1", "2", "3") == OpenedBatch(2, 3, {})


def test_another_competence_is_another_matter(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    assert ledger.open("1", competence=NOVEMBER) == 2


def test_nothing_to_bill_opens_nothing_and_changes_nothing(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    before = ledger.dump()
    assert _open(ledger, "1", key="again") == OpenedBatch(None, 0, {"1": "no_charge"})
    assert _open(ledger) == OpenedBatch(None, 0, {})
    assert ledger.dump() == before


def test_a_batch_takes_more_contracts_than_a_statement_takes_values(ledger: Ledger) -> None:
    contracts = [f"{number:06d}" for number in range(70_000)]
    assert _open(ledger, *contracts).items == 70_000
    ids = tuple(item.item for item in ledger.batches.items(1)[1])
    assert ledger.batches.cancel(1, actor=ANA, now=NOW) == 70_000
    assert _retry(ledger, 1, items=ids) == 0
    with pytest.raises(NotPossibleError):
        _reverse(ledger, 1, *contracts)


# --- What the store itself holds


@pytest.mark.parametrize("outcome", ["waiting", "running", "waiting_file", "charged", "zero", "held"])
def test_the_store_refuses_a_second_live_item(ledger: Ledger, outcome: str) -> None:
    batch = ledger.open("1")
    other = ledger.open("2")
    row = {"batch": other, "competence": str(OCTOBER), "contract": "1", "outcome": outcome}
    with pytest.raises(IntegrityError), ledger.database.write() as connection:
        connection.execute(sa.insert(schema.items).values(**row))
    assert list(ledger.items(batch)) == ["1"]


@pytest.mark.parametrize("changes", [{"outcome": "failed"}, {"outcome": "cancelled"}, {"outcome": "refused"}])
def test_the_store_takes_any_number_of_items_that_are_not_live(ledger: Ledger, changes: dict[str, str]) -> None:
    ledger.open("1")
    row = {"batch": ledger.open("2"), "competence": str(OCTOBER), "contract": "1"} | changes
    with ledger.database.write() as connection:
        connection.execute(sa.insert(schema.items).values(**row))


@pytest.mark.parametrize("status", ["live", "held"])
def test_the_store_refuses_a_second_live_charge(ledger: Ledger, status: str) -> None:
    ledger.bill({"1": charged()})
    ledger.bill({"2": final()})
    row = ledger.rows(schema.charges)[0]._asdict() | {"status": status, "item": 2}
    del row["charge"]
    with pytest.raises(IntegrityError), ledger.database.write() as connection:
        connection.execute(sa.insert(schema.charges).values(**row))


def test_the_store_refuses_a_contract_twice_in_one_batch(ledger: Ledger) -> None:
    batch = ledger.bill({"1": final()})
    row = {"batch": batch, "competence": str(OCTOBER), "contract": "1", "outcome": "failed"}
    with pytest.raises(IntegrityError), ledger.database.write() as connection:
        connection.execute(sa.insert(schema.items).values(**row))


def test_the_store_refuses_a_request_key_twice(ledger: Ledger) -> None:
    _open(ledger, "1", key="tab-1")
    row = ledger.rows(schema.batches)[0]._asdict()
    del row["batch"]
    with pytest.raises(IntegrityError), ledger.database.write() as connection:
        connection.execute(sa.insert(schema.batches).values(**row))


# --- Retrying


def test_retry_takes_what_failed_and_what_waits_for_a_file(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(), "2": final(), "3": NotAvailable(), "4": zero(), "5": held()})
    assert _retry(ledger, batch) == 2
    items = ledger.items(batch)
    assert {contract: item.outcome for contract, item in items.items()} == {
        "1": "charged",
        "2": "waiting",
        "3": "waiting",
        "4": "zero",
        "5": "held",
    }
    assert (items["2"].attempts, items["2"].next_try_at, items["2"].ended_at) == (0, None, None)
    summary = ledger.batches.show(batch)
    assert (summary.status, summary.ended_at) == ("running", None)
    assert ledger.events(items["2"])[-1] == "retried"
    assert [item.contract for item in ledger.claim(now=LATER).items] == ["2", "3"]
    ledger.work.leave("w1", now=LATER)


def test_retry_takes_the_chosen_items_alone(ledger: Ledger) -> None:
    batch = ledger.bill({"1": final(), "2": final()})
    assert _retry(ledger, batch, items=(ledger.items(batch)["2"].item,)) == 1
    assert [ledger.items(batch)[c].outcome for c in ("1", "2")] == ["failed", "waiting"]


def test_retry_of_no_item_takes_none(ledger: Ledger) -> None:
    batch = ledger.bill({"1": final()})
    before = ledger.dump()
    assert _retry(ledger, batch, items=()) == 0
    assert ledger.dump() == before


def test_retry_takes_the_items_with_a_code(ledger: Ledger) -> None:
    batch = ledger.bill({"1": final("SUM-SUB"), "2": final("ARQ-FMT"), "3": NotAvailable()})
    assert _retry(ledger, batch, codes=("ARQ-FMT", "SUM-404")) == 2
    assert ledger.items(batch)["1"].outcome == "failed"


def test_retry_leaves_a_contract_that_another_batch_is_billing_by_now(ledger: Ledger) -> None:
    batch = ledger.bill({"1": final(), "2": final()})
    ledger.open("1")
    assert _retry(ledger, batch) == 1
    assert ledger.items(batch)["1"].outcome == "failed"


def test_retry_lifts_a_pause(ledger: Ledger) -> None:
    batch = ledger.open("1")
    ledger.work.pause(batch, "SUM-401", now=NOW)
    assert _retry(ledger, batch) == 0
    summary = ledger.batches.show(batch)
    assert (summary.status, summary.pause_code, summary.paused_at) == ("waiting", None, None)


# --- Cancelling


def test_cancel_takes_what_no_worker_holds_and_what_is_not_done(ledger: Ledger) -> None:
    batch = ledger.open("1", "2", "3", "4")
    ledger.settle(ledger.claim(limit=2), {"1": charged(), "2": NotAvailable()})
    running = ledger.claim(limit=1)
    assert ledger.batches.cancel(batch, actor=ANA, now=LATER) == 2
    items = ledger.items(batch)
    assert [items[c].outcome for c in "1234"] == ["charged", "cancelled", "running", "cancelled"]
    assert items["4"].ended_at == LATER
    assert ledger.events(items["4"]) == ["cancelled"]
    assert ledger.batches.show(batch).status == "running"
    ledger.settle(running)
    assert ledger.batches.show(batch).status == "done"
    assert ledger.open("2", "4") == 2


def test_a_batch_with_nothing_but_cancelled_items_is_cancelled(ledger: Ledger) -> None:
    batch = ledger.open("1", "2")
    ledger.work.pause(batch, "SUM-NET", now=NOW)
    ledger.batches.cancel(batch, actor=ANA, now=LATER)
    summary = ledger.batches.show(batch)
    assert (summary.status, summary.ended_at, summary.pause_code) == ("cancelled", LATER, None)
    before = ledger.dump()
    assert ledger.batches.cancel(batch, actor=ANA, now=LATER) == 0
    assert ledger.dump() == before


# --- Reversing


def test_a_reversed_charge_leaves_its_history_and_the_contract_is_listed_again(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(1000), "2": zero(calls=2), "3": held(500), "4": final()})
    assert _reverse(ledger, batch) == 3
    assert [value.deleted for value in ledger.rows(schema.eventual_values)] == [True, True]
    assert [event.reversed for event in ledger.rows(schema.zero_events)] == [True]
    assert [charge.status for charge in ledger.rows(schema.charges)] == ["reversed", "reversed"]
    assert {row.cause for row in ledger.rows(schema.exclusions)} == {"reversed"}
    assert len(ledger.reader.live_calls().excluded) == 3
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.reversed, item.amount) == ("charged", True, 1000)
    assert ledger.batches.log(item.item)[-1].facts == {"who": "ana", "reason": "valor errado"}
    summary = ledger.batches.show(batch)
    assert (summary.amount, summary.calls, summary.reversed, summary.status) == (0, 0, 3, "done")
    assert _open(ledger, "1", "2", "3") == OpenedBatch(2, 3, {})


def test_a_contract_may_be_charged_and_reversed_any_number_of_times(ledger: Ledger) -> None:
    for amount in (100, 200, 300):
        batch = ledger.bill({"1": charged(amount)})
        assert ledger.batches.show(batch).amount == amount
        _reverse(ledger, batch)
    assert [charge.status for charge in ledger.rows(schema.charges)] == ["reversed"] * 3


def test_only_the_chosen_contracts_are_reversed(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(), "2": charged()})
    assert _reverse(ledger, batch, "2") == 1
    assert [ledger.items(batch)[c].reversed for c in ("1", "2")] == [False, True]


def test_one_invoiced_value_keeps_all_from_being_reversed(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(), "2": charged()})
    before = ledger.dump()
    with pytest.raises(NotPossibleError) as caught:
        _reverse(ledger, batch, invoiced=("STFC-2", "ERP-77"))
    assert caught.value.facts == {"cause": "invoiced", "contracts": ["2"]}
    assert ledger.dump() == before
    assert _reverse(ledger, batch, "1", invoiced=("STFC-2",)) == 1


@pytest.mark.parametrize("chosen", [("1", "9"), ("1", "2")])
def test_a_contract_without_anything_to_reverse_keeps_all_from_being_reversed(
    ledger: Ledger, chosen: tuple[str, str]
) -> None:
    batch = ledger.bill({"1": charged(), "2": final()})
    before = ledger.dump()
    with pytest.raises(NotPossibleError) as caught:
        _reverse(ledger, batch, *chosen)
    assert caught.value.facts == {"cause": "nothing_to_reverse", "contracts": [chosen[1]]}
    assert ledger.dump() == before


def test_nothing_is_reversed_twice(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged()})
    assert _reverse(ledger, batch) == 1
    before = ledger.dump()
    assert _reverse(ledger, batch) == 0
    assert ledger.dump() == before


def test_a_reversal_judged_on_an_older_import_is_not_carried_out(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged()})
    ledger.import_next()
    before = ledger.dump()
    with pytest.raises(StaleSnapshotError):
        _reverse(ledger, batch, snapshot=1)
    assert ledger.dump() == before
    assert _reverse(ledger, batch, snapshot=2) == 1


# --- Reading


def test_what_does_not_exist_is_said_to_be_missing(ledger: Ledger) -> None:
    for act in (ledger.batches.show, ledger.batches.items, ledger.items):
        with pytest.raises(NotFoundError):
            act(7)
    for steer in (_retry, _reverse):
        with pytest.raises(NotFoundError):
            steer(ledger, 7)
    with pytest.raises(NotFoundError):
        ledger.batches.cancel(7, actor=ANA, now=NOW)


def test_a_summary_counts_every_outcome_and_leaves_out_what_was_reversed(ledger: Ledger) -> None:
    outcomes = {"1": charged(1000, calls=7), "2": charged(50, calls=1), "3": held(5), "4": zero(), "5": NotAvailable()}
    batch = ledger.bill(outcomes | {"6": final(), "7": transient()})
    _reverse(ledger, batch, "2")
    summary = ledger.batches.show(batch)
    expected = dict.fromkeys(("refused", "cancelled", "running"), 0)
    expected |= {"charged": 2, "held": 1, "zero": 1, "waiting_file": 1, "failed": 1, "waiting": 1}
    assert summary.outcomes == expected
    assert (summary.amount, summary.calls, summary.reversed) == (1005, 10, 1)


def test_a_summary_is_never_older_than_the_last_change(ledger: Ledger) -> None:
    batch = ledger.open("1", "2")
    other = ledger.open("1", competence=NOVEMBER)
    seen = [ledger.batches.show(batch).status]
    claim = ledger.claim(batch=batch)
    seen.append(ledger.batches.show(batch).status)
    ledger.work.pause(batch, "SUM-NET", now=NOW)
    seen.append(ledger.batches.show(batch).status)
    ledger.work.resume(["SUM-NET"], now=NOW)
    seen.append(ledger.batches.show(batch).status)
    ledger.settle(claim)
    seen.append(ledger.batches.show(batch).status)
    assert seen == ["waiting", "running", "paused", "running", "done"]
    assert ledger.batches.show(batch).amount == 2 * 1234
    assert [b.batch for b in ledger.batches.active()] == [other]


def test_batches_come_newest_first_and_by_competence(ledger: Ledger) -> None:
    ledger.open("1")
    ledger.open("1", competence=NOVEMBER)
    ledger.open("2")
    assert [batch.batch for batch in ledger.batches.newest()] == [3, 2, 1]
    assert [batch.batch for batch in ledger.batches.newest(competence=OCTOBER, limit=1)] == [3]


def test_items_are_filtered_and_paged_by_contract(ledger: Ledger) -> None:
    outcomes = {f"A{n:02d}": charged() if n % 2 else final() for n in range(10)}
    batch = ledger.bill(outcomes | {"b_%": final("ARQ-FMT")})
    page = ledger.batches.items(batch, offset=2, limit=3)
    assert (page[0], [item.contract for item in page[1]]) == (11, ["A02", "A03", "A04"])
    assert ledger.batches.items(batch, outcomes=["charged"], limit=1)[0] == 5
    assert ledger.batches.items(batch, codes=["ARQ-FMT"])[0] == 1
    assert [item.contract for item in ledger.batches.items(batch, search="a0", limit=2)[1]] == ["A00", "A01"]
    assert [item.contract for item in ledger.batches.items(batch, search="_%")[1]] == ["b_%"]
    assert ledger.batches.items(batch, offset=20) == (11, [])


def test_contracts_are_ordered_by_bytes_in_both_stores(ledger: Ledger) -> None:
    contracts = ["b", "A", "a", "B", "10", "9", "é", "-1"]
    batch = ledger.open(*contracts)
    assert [item.contract for item in ledger.batches.items(batch)[1]] == sorted(contracts)


def test_all_that_was_sent_comes_newest_batch_first(ledger: Ledger) -> None:
    ledger.bill({"1": charged(), "2": final()})
    ledger.bill({"1": charged()}, competence=NOVEMBER)
    everything = {"competence": None, "search": "", "outcomes": (), "offset": 0, "limit": 10}
    total, items = ledger.batches.sent(**everything)
    assert (total, [(item.batch, item.contract) for item in items]) == (3, [(2, "1"), (1, "1"), (1, "2")])
    assert ledger.batches.sent(**everything | {"competence": OCTOBER, "outcomes": ("failed",)})[0] == 1
    assert ledger.batches.sent(**everything | {"search": "2"})[0] == 1
    assert [item.batch for item in ledger.batches.of_contract("1")] == [2, 1]


def test_causes_are_counted_by_code_and_outcome(ledger: Ledger) -> None:
    batch = ledger.bill({"1": final(), "2": final(), "3": held(), "4": NotAvailable(), "5": charged()})
    assert ledger.batches.causes(batch) == [
        ("SUM-SUB", "failed", 2),
        ("ARQ-TOT", "held", 1),
        ("SUM-404", "waiting_file", 1),
    ]


def test_recent_work_leaves_out_what_is_older_cancelled_or_on_its_way(ledger: Ledger) -> None:
    batch = ledger.open("1", "2", "3", "4")
    first = ledger.claim(limit=1)
    ledger.settle(first)
    ledger.settle(ledger.claim(limit=2, now=NOW + timedelta(minutes=4)), {"3": transient()}, now=LATER)
    ledger.batches.cancel(batch, actor=ANA, now=LATER)
    assert ledger.batches.recent(batch, NOW) == RecentWork(2, NOW)
    assert ledger.batches.recent(batch, LATER) == RecentWork(1, NOW + timedelta(minutes=4))
    assert ledger.batches.recent(batch, LATER + timedelta(seconds=1)) is None


def test_next_tries_are_the_earliest_of_each_code_that_waits(ledger: Ledger) -> None:
    batch = ledger.open("1", "2", "3", "4")
    failures = {"1": transient(retry_after=40), "2": transient(retry_after=9), "3": transient("SUM-TMO"), "4": final()}
    ledger.settle(ledger.claim(), failures)
    assert ledger.batches.next_tries(batch) == {
        "SUM-5XX": NOW + timedelta(seconds=9),
        "SUM-TMO": NOW + timedelta(seconds=1),
    }


def test_logs_are_read_by_item_and_by_batch(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(), "2": final()})
    one, two = ledger.items(batch).values()
    assert ledger.batches.logs(batch) == {
        one.item: ledger.batches.log(one.item),
        two.item: ledger.batches.log(two.item),
    }
    first = ledger.batches.log(one.item)[0]
    assert (first.at, first.level, first.step, first.event) == (NOW, "ok", "download", "fetched")
    assert (first.facts, first.duration_ms) == ({"bytes": 10}, 5)
    assert ledger.batches.log(99) == []


def test_every_act_leaves_a_line_in_the_audit(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(1000), "2": final()})
    _retry(ledger, batch)
    ledger.batches.cancel(batch, actor=ANA, now=LATER)
    _reverse(ledger, batch)
    lines = [(row.action, row.target, row.who, row.role, row.surface, row.reason) for row in ledger.rows(schema.audit)]
    assert lines[1:] == [
        ("batch.open", "batch 1", "ana", "operator", "tela", None),
        ("batch.retry", "batch 1", "ana", "operator", "tela", None),
        ("batch.cancel", "batch 1", "ana", "operator", "tela", None),
        ("batch.reverse", "batch 1", "ana", "operator", "tela", "valor errado"),
    ]
