"""``ports.WorkLedger.settle`` over SQLite and PostgreSQL: every outcome, all or nothing (PRODUCT 5, 10)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from stfc.adapters.ledger import schema
from stfc.domain import text
from stfc.domain.eligibility import Rule
from stfc.domain.outcome import Charged, Failed, NotAvailable, Outcome, Unfinished
from stfc.errors import StaleSnapshotError
from stfc.services.ports import ChunkResult, RetryPolicy
from tests.ledgers import (
    ANA,
    LEASE,
    NOVEMBER,
    NOW,
    Ledger,
    charged,
    evaluation_of,
    final,
    held,
    result_of,
    transient,
    zero,
)

PAST_LEASE = NOW + LEASE + timedelta(seconds=1)


def _settle_again(ledger: Ledger, result: ChunkResult, owner: str = "w1", snapshot: int = 1) -> dict[str, int]:
    evaluation = evaluation_of([one.contract for one in result.results], snapshot=snapshot)
    competence = result.part.competence if result.part else NOVEMBER.plus(-1)
    return ledger.work.settle(owner, competence, result, evaluation, now=NOW, retry=RetryPolicy(), jitter=lambda: 0.5)


# --- Outcomes


def test_a_charge_writes_charge_value_item_log_and_part(ledger: Ledger) -> None:
    batch = ledger.open("1")
    counts = ledger.settle(ledger.claim(), {"1": charged(4321, calls=7, dropped=2)})
    assert counts == {"charged": 1}
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.amount, item.calls, item.attempts, item.code) == ("charged", 4321, 7, 1, None)
    assert (item.started_at, item.ended_at, item.next_try_at) == (NOW, NOW, None)
    (charge,) = ledger.rows(schema.charges)
    assert (charge.service, charge.amount, charge.calls, charge.dropped) == ("S-1", 4321, 7, 2)
    assert (charge.status, charge.competence, charge.source_sha256) == ("live", "2026-10", "ab" * 32)
    (value,) = ledger.rows(schema.eventual_values)
    assert (value.value_id, value.service, value.competence) == (f"STFC-{item.item}", "S-1", "2026-10")
    assert (value.kind, value.amount, value.held, value.deleted) == ("addition", 4321, False, False)
    assert ledger.events(item) == ["fetched", "charged"]
    assert ledger.batches.log(item.item)[1].facts == {"amount": "43.21", "calls": 7, "value_id": f"STFC-{item.item}"}
    assert [part.live for part in ledger.rows(schema.parts)] == [True]
    summary = ledger.batches.show(batch)
    assert (summary.status, summary.ended_at, summary.amount, summary.calls) == ("done", NOW, 4321, 7)


def test_a_zero_month_writes_an_event_and_no_charge(ledger: Ledger) -> None:
    batch = ledger.open("1")
    # 01:30 of 1 December in UTC is still 30 November in São Paulo.
    late_evening = NOW.replace(month=12, day=1, hour=1, minute=30)
    ledger.settle(ledger.claim(), {"1": zero(calls=4)}, now=late_evening)
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.amount, item.calls) == ("zero", 0, 4)
    (event,) = ledger.rows(schema.zero_events)
    assert (event.event, event.contract, event.competence) == (f"STFC-Z{item.item}", "1", "2026-10")
    assert (str(event.at), event.reversed) == ("2026-11-30", False)
    assert not ledger.rows(schema.charges)
    assert not ledger.rows(schema.eventual_values)


def test_a_held_charge_waits_with_the_first_code_of_the_table(ledger: Ledger) -> None:
    batch = ledger.open("1")
    ledger.settle(ledger.claim(), {"1": held(900, "CTR-DIV", "ARQ-TOT")})
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.amount, item.code) == ("held", 900, "ARQ-TOT")
    assert item.facts == {"findings": [{"code": "CTR-DIV", "line": 1}, {"code": "ARQ-TOT", "line": 1}]}
    assert [charge.status for charge in ledger.rows(schema.charges)] == ["held"]
    assert [(value.held, value.deleted) for value in ledger.rows(schema.eventual_values)] == [(True, False)]


def test_a_missing_file_leaves_the_item_waiting_for_it_and_nothing_else(ledger: Ledger) -> None:
    batch = ledger.open("1")
    ledger.settle(ledger.claim(), {"1": NotAvailable()}, part=False)
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.code, item.amount, item.calls) == ("waiting_file", "SUM-404", None, None)
    assert not ledger.rows(schema.charges) + ledger.rows(schema.zero_events) + ledger.rows(schema.parts)
    # It keeps no batch open, but keeps the contract out of other batches.
    assert ledger.batches.show(batch).status == "done"
    assert ledger.claims_nothing(now=NOW + timedelta(days=30))


@pytest.mark.parametrize("outcome", [charged(), zero(calls=1), held(), NotAvailable(), final(), transient()])
def test_a_contract_that_is_not_eligible_any_more_is_refused_whatever_its_file_says(
    ledger: Ledger, outcome: Outcome
) -> None:
    batch = ledger.open("1", "2")
    claim = ledger.claim()
    counts = ledger.settle(claim, {"1": outcome}, failed={"1": Rule.NORMAL})
    assert counts == {"refused": 1, "charged": 1}
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.code, item.rule, item.amount) == ("refused", "REG-ELG", "normal_status", None)
    assert [charge.contract for charge in ledger.rows(schema.charges)] == ["2"]
    assert [(row.claim, row.cause) for row in ledger.rows(schema.exclusions)] == [(claim.items[0].claim, "refused")]
    assert ledger.batches.log(item.item)[-1].facts == {"rule": "normal_status"}


def test_a_contract_that_the_erp_knows_no_more_is_refused(ledger: Ledger) -> None:
    batch = ledger.open("1")
    result = result_of(ledger.claim(), {})
    ledger.work.settle(
        "w1", NOVEMBER.plus(-1), result, evaluation_of([]), now=NOW, retry=RetryPolicy(), jitter=lambda: 0.5
    )
    assert ledger.items(batch)["1"].rule == "approved"


@pytest.mark.parametrize(
    ("outcome", "table", "live", "rule"),
    [
        (charged(), schema.eventual_values, {"deleted": False}, "no_eventual_value"),
        (zero(), schema.zero_events, {"reversed": False}, "no_zero_billing_event"),
    ],
)
def test_an_own_value_or_event_that_came_meanwhile_refuses(
    ledger: Ledger, outcome: Outcome, table: sa.Table, live: dict[str, bool], rule: str
) -> None:
    first = ledger.bill({"1": outcome})
    ledger.batches.reverse(first, contracts=None, invoiced=(), reason="x", actor=ANA, now=NOW)
    second = ledger.open("1")
    claim = ledger.claim()
    with ledger.database.write() as connection:
        connection.execute(sa.update(table).values(**live))
    assert ledger.settle(claim) == {"refused": 1}
    assert ledger.items(second)["1"].rule == rule
    with ledger.database.write() as connection:
        connection.execute(sa.update(table).values(**{name: not is_ for name, is_ in live.items()}))


def test_of_two_rules_that_fail_the_first_is_named(ledger: Ledger) -> None:
    first = ledger.bill({"1": zero()})
    ledger.batches.reverse(first, contracts=None, invoiced=(), reason="x", actor=ANA, now=NOW)
    second = ledger.open("1")
    claim = ledger.claim()
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.zero_events).values(reversed=False))
    ledger.settle(claim, failed={"1": Rule.BILLING_WINDOW})
    assert ledger.items(second)["1"].rule == "within_billing_window"
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.zero_events).values(reversed=True))


def test_a_failure_for_good_ends_the_item_with_its_code_and_facts(ledger: Ledger) -> None:
    batch = ledger.bill({"1": Failed("ARQ-FMT", {"line": 87, "cause": "duration", "value": "abc"})})
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.code, item.attempts) == ("failed", "ARQ-FMT", 1)
    assert item.facts == {"line": 87, "cause": "duration", "value": "abc"}
    assert ledger.events(item) == ["fetched", "failed"]
    assert not ledger.rows(schema.charges)


# --- Trying again


def test_a_passing_failure_waits_longer_each_time_and_ends_at_the_fifth_try(ledger: Ledger) -> None:
    batch = ledger.open("1")
    now, waits = NOW, []
    for attempt in range(1, 5):
        ledger.settle(ledger.claim(now=now), {"1": transient("SUM-TMO")}, now=now)
        item = ledger.items(batch)["1"]
        assert (item.outcome, item.code, item.attempts) == ("waiting", "SUM-TMO", attempt)
        assert item.next_try_at is not None
        waits.append((item.next_try_at - now).total_seconds())
        now = item.next_try_at
    assert waits == [1.0, 2.0, 4.0, 8.0]
    ledger.settle(ledger.claim(now=now), {"1": transient("SUM-TMO")}, now=now)
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.code, item.attempts, item.next_try_at) == ("failed", "SUM-TMO", 5, None)
    assert ledger.events(item).count("retry") == 4


@pytest.mark.parametrize(
    ("tries", "jitter", "retry_after", "seconds"),
    [
        (1, 0.0, None, 0.5),
        (1, 1.0, None, 1.5),
        (9, 0.5, None, 30.0),
        (9, 1.0, None, 45.0),
        (1, 0.5, 90.0, 90.0),
        (3, 0.5, 0.1, 4.0),
    ],
)
def test_the_wait_has_a_jitter_an_upper_bound_and_honours_retry_after(
    ledger: Ledger, tries: int, jitter: float, retry_after: float | None, seconds: float
) -> None:
    batch = ledger.open("1")
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.items).values(tries=tries - 1))
    claim = ledger.claim()
    ledger.work.settle(
        "w1",
        claim.competence,
        result_of(claim, {"1": transient("SUM-429", retry_after=retry_after)}),
        evaluation_of(["1"]),
        now=NOW,
        retry=RetryPolicy(tries=20),
        jitter=lambda: jitter,
    )
    assert ledger.items(batch)["1"].next_try_at == NOW + timedelta(seconds=seconds)


def test_the_log_of_a_timeout_tells_the_wait_and_the_timeout_apart(ledger: Ledger) -> None:
    timeout = Failed("SUM-TMO", {"phase": "read", "seconds": 60}, is_transient=True, retry_after=9.0)
    batch = ledger.bill({"1": timeout})
    line = ledger.batches.log(ledger.items(batch)["1"].item)[-1]
    assert (line.facts["wait"], line.facts["seconds"], line.facts["try"]) == (9, 60, 1)
    assert "espera de 9 s" in text.log(line)


def test_one_try_is_no_retry(ledger: Ledger) -> None:
    batch = ledger.open("1")
    ledger.settle(ledger.claim(), {"1": transient()}, retry=RetryPolicy(tries=1))
    assert ledger.items(batch)["1"].outcome == "failed"


def test_an_unfinished_file_comes_back_as_slow_and_spends_no_try(ledger: Ledger) -> None:
    batch = ledger.bill({"1": transient("SUM-429")})
    later = NOW + timedelta(seconds=5)
    ledger.settle(ledger.claim(now=later), {"1": Unfinished()}, now=later)
    item = ledger.items(batch)["1"]
    # It still says what happened last, with the facts that its sentence needs.
    assert (item.outcome, item.attempts, item.code, item.facts) == ("waiting", 1, "SUM-429", {"status": 503})
    assert text.item(item)
    assert ledger.claims_nothing(now=later)
    assert ledger.claim(now=later, slow=True).items[0].contract == "1"
    ledger.work.leave("w1", now=later)


def test_an_unfinished_file_of_a_contract_that_is_not_eligible_any_more_is_judged_when_it_arrives(
    ledger: Ledger,
) -> None:
    batch = ledger.open("1")
    ledger.settle(ledger.claim(), {"1": Unfinished()}, failed={"1": Rule.NORMAL})
    assert ledger.items(batch)["1"].outcome == "waiting"


def test_refused_credentials_spend_no_try_and_say_so(ledger: Ledger) -> None:
    batch = ledger.bill({"1": Failed("SUM-401", {"status": 401})})
    item = ledger.items(batch)["1"]
    assert (item.outcome, item.code, item.attempts) == ("waiting", "SUM-401", 0)
    line = ledger.batches.log(item.item)[-1]
    assert (line.level, line.event) == ("error", "paused")
    assert "nenhuma tentativa" in text.log(line)


# --- Whose work it is


def test_a_worker_that_lost_its_lease_writes_nothing_and_its_calls_stay_hidden(ledger: Ledger) -> None:
    batch = ledger.open("1", "2")
    ledger.beat("w1")
    stale = ledger.claim("w1")
    ledger.beat("w2", now=PAST_LEASE)
    fresh = ledger.claim("w2", now=PAST_LEASE)
    assert ledger.settle(fresh, {"1": charged(100)}, owner="w2", now=PAST_LEASE) == {"charged": 2}
    assert ledger.settle(stale, {"1": charged(999)}, owner="w1", now=PAST_LEASE) == {"lost": 2}
    assert ledger.items(batch)["1"].amount == 100
    excluded = {row.claim: row.cause for row in ledger.rows(schema.exclusions)}
    assert excluded == {item.claim: "lost" for item in stale.items}
    assert len(ledger.rows(schema.parts)) == 2


def test_a_worker_that_lost_only_some_keeps_the_rest(ledger: Ledger) -> None:
    batch = ledger.open("1", "2", "3")
    claim = ledger.claim("w1")
    ledger.work.release("w1", [claim.items[1].item], now=NOW)
    ledger.claim("w2")
    assert ledger.settle(claim) == {"charged": 2, "lost": 1}
    assert [item.outcome for item in ledger.items(batch).values()] == ["charged", "running", "charged"]
    assert [row.claim for row in ledger.rows(schema.exclusions)] == [claim.items[1].claim]


def test_the_same_owner_under_an_older_attempt_has_lost_too(ledger: Ledger) -> None:
    ledger.open("1")
    old = ledger.claim("w1")
    ledger.work.release("w1", [old.items[0].item], now=NOW)
    new = ledger.claim("w1")
    assert ledger.settle(old, {"1": charged(1)}) == {"lost": 1}
    assert ledger.settle(new, {"1": charged(2)}) == {"charged": 1}
    assert [charge.amount for charge in ledger.rows(schema.charges)] == [2]


def test_nothing_is_settled_that_was_cancelled_meanwhile(ledger: Ledger) -> None:
    batch = ledger.open("1")
    claim = ledger.claim()
    ledger.work.release("w1", [claim.items[0].item], now=NOW)
    ledger.batches.cancel(batch, actor=ANA, now=NOW)
    assert ledger.settle(claim) == {"lost": 1}
    assert ledger.batches.show(batch).status == "cancelled"


def test_without_a_part_there_is_nothing_to_hide(ledger: Ledger) -> None:
    ledger.open("1")
    claim = ledger.claim()
    ledger.work.leave("w1", now=NOW)
    assert ledger.settle(claim, {"1": final()}, part=False) == {"lost": 1}
    assert not ledger.rows(schema.exclusions)


@pytest.mark.parametrize(
    "outcomes",
    [{"1": charged(), "2": charged()}, {"1": zero(calls=1), "2": held()}, {"1": final(), "2": charged()}],
)
def test_a_result_that_was_settled_before_changes_nothing(ledger: Ledger, outcomes: dict[str, Outcome]) -> None:
    ledger.open("1", "2")
    result = result_of(ledger.claim(), outcomes)
    _settle_again(ledger, result)
    before = ledger.dump()
    assert _settle_again(ledger, result) == {"lost": 2}
    assert ledger.dump() == before


def test_a_chunk_done_twice_by_the_executor_shows_its_calls_once(ledger: Ledger) -> None:
    ledger.open("1", "2")
    claim = ledger.claim()
    _settle_again(ledger, result_of(claim, {}))
    before = ledger.dump()
    # The same work again, hence the same claims, but a part of its own.
    assert _settle_again(ledger, result_of(claim, {})) == {"lost": 2}
    assert ledger.dump() == before


def test_a_lost_chunk_done_twice_stays_hidden_both_times(ledger: Ledger) -> None:
    ledger.open("1", "2")
    claim = ledger.claim()
    ledger.work.leave("w1", now=NOW)
    for _ in range(2):
        assert _settle_again(ledger, result_of(claim, {})) == {"lost": 2}
    assert len(ledger.rows(schema.parts)) == 2
    assert {row.claim for row in ledger.rows(schema.exclusions)} == {item.claim for item in claim.items}


def test_a_part_of_refused_contracts_alone_is_not_listed_twice(ledger: Ledger) -> None:
    ledger.open("1")
    result = result_of(ledger.claim(), {"1": final()})
    _settle_again(ledger, result)
    before = ledger.dump()
    assert _settle_again(ledger, result) == {"lost": 1}
    assert ledger.dump() == before


# --- All or nothing


def test_a_chunk_judged_on_an_older_import_is_not_written(ledger: Ledger) -> None:
    batch = ledger.open("1", "2")
    claim = ledger.claim()
    ledger.import_next()
    before = ledger.dump()
    with pytest.raises(StaleSnapshotError) as caught:
        ledger.settle(claim)
    assert caught.value.facts == {"evaluated": 1, "current": 2}
    assert ledger.dump() == before
    assert ledger.settle(claim, snapshot=2) == {"charged": 2}
    assert ledger.batches.show(batch).snapshot == 1


def _block_value(ledger: Ledger, item: int) -> None:
    row = {"value_id": f"STFC-{item}", "item": 0, "batch": 1, "contract": "?", "service": None, "competence": "2020-01"}
    more = {"kind": "addition", "amount": 1, "held": False, "deleted": True, "source_sha256": "", "created_at": NOW}
    with ledger.database.write() as connection:
        connection.execute(sa.insert(schema.eventual_values).values(**row, **more))


def _unblock_value(ledger: Ledger) -> None:
    with ledger.database.write() as connection:
        connection.execute(sa.delete(schema.eventual_values).where(schema.eventual_values.c.contract == "?"))


def test_one_row_that_the_store_refuses_takes_the_whole_chunk_with_it(ledger: Ledger) -> None:
    ledger.open("1", "2", "3")
    claim = ledger.claim()
    _block_value(ledger, claim.items[1].item)
    before = ledger.dump()
    with pytest.raises(IntegrityError):
        ledger.settle(claim, {"1": charged(), "3": zero(calls=1)})
    assert ledger.dump() == before
    _unblock_value(ledger)
    assert ledger.settle(claim, {"3": zero(calls=1)}) == {"charged": 2, "zero": 1}


def test_a_second_live_charge_takes_the_whole_chunk_with_it(ledger: Ledger) -> None:
    first = ledger.bill({"2": charged(calls=0)})
    ledger.batches.reverse(first, contracts=None, invoiced=(), reason="x", actor=ANA, now=NOW)
    ledger.open("1", "2")
    claim = ledger.claim()
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.charges).values(status="live"))
    before = ledger.dump()
    with pytest.raises(IntegrityError):
        ledger.settle(claim)
    assert ledger.dump() == before
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.charges).values(status="reversed"))


def test_a_chunk_with_every_outcome_adds_up(ledger: Ledger) -> None:
    outcomes: dict[str, Any] = {
        "1": charged(100),
        "2": zero(),
        "3": held(7),
        "4": NotAvailable(),
        "5": final(),
        "6": transient(),
        "7": Unfinished(),
        "8": charged(50),
    }
    batch = ledger.open(*outcomes)
    counts = ledger.settle(ledger.claim(), outcomes, failed={"8": Rule.NOT_INVOICED})
    assert counts == {"charged": 1, "zero": 1, "held": 1, "waiting_file": 1, "failed": 1, "waiting": 2, "refused": 1}
    summary = ledger.batches.show(batch)
    assert (summary.amount, summary.status, summary.items) == (107, "running", 8)


def test_amounts_and_counts_beyond_32_bits_are_kept(ledger: Ledger) -> None:
    large = replace(charged(), amount=99_999_999_999, calls=5_000_000_000)
    assert isinstance(large, Charged)
    batch = ledger.bill({"1": large})
    summary = ledger.batches.show(batch)
    assert (summary.amount, summary.calls) == (99_999_999_999, 5_000_000_000)
