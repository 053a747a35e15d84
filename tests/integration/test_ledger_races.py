"""Several at once on one ledger, threads and processes, SQLite and PostgreSQL: never twice, never lost, never stuck."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from multiprocessing.connection import Connection
from random import Random
from typing import TypeVar

import pytest
import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.domain.outcome import NotAvailable, Unfinished
from stfc.errors import StaleSnapshotError
from stfc.services.ports import OpenedBatch
from tests.ledgers import ANA, LEASE, NOVEMBER, NOW, OCTOBER, Ledger, charged, final, held, transient, zero

_T = TypeVar("_T")
_PATIENCE = 60
"""Seconds after which a race that hangs is a failure."""
_SPAWN = multiprocessing.get_context("spawn")


pytestmark = pytest.mark.usefixtures("plain_main")


def _at_once(acts: Sequence[Callable[[], _T]]) -> list[_T]:
    """What each act gives, all let loose at the same moment in threads of their own."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], _T]) -> _T:
        gate.wait(_PATIENCE)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [future.result(_PATIENCE) for future in [threads.submit(run, act) for act in acts]]


def _open(ledger: Ledger, contracts: Sequence[str], key: str | None = None) -> OpenedBatch:
    return ledger.batches.open(OCTOBER, contracts, snapshot=1, actor=ANA, now=NOW, request_key=key)


# --- Opening


def test_overlapping_openers_bill_each_contract_once(ledger: Ledger) -> None:
    contracts = [f"{number:03d}" for number in range(200)]
    slices = [contracts[start : start + 100] for start in range(0, 101, 20)]
    opened = _at_once([lambda chosen=chosen: _open(ledger, chosen) for chosen in slices])
    assert sum(one.items for one in opened) == 200
    assert sum(one.items + len(one.refused) for one in opened) == 600
    assert {rule for one in opened for rule in one.refused.values()} == {"no_charge"}


def test_a_double_click_opens_one_batch(ledger: Ledger) -> None:
    opened = _at_once([lambda: _open(ledger, ["1", "2"], key="tab-1")] * 8)
    assert opened == [OpenedBatch(1, 2, {})] * 8
    assert len(ledger.batches.newest()) == 1


# --- Working


def _work(url: sa.URL, owner: str) -> list[str]:
    """Claim and charge until nothing is left; gives the contracts."""
    ledger, done = Ledger(Database(url)), []
    ledger.beat(owner)
    while claim := ledger.work.claim(owner, now=NOW, limit=20, batch=None, slow=False):
        done += [item.contract for item in claim.items]
        assert ledger.settle(claim, owner=owner) == {"charged": len(claim.items)}
    ledger.work.leave(owner, now=NOW)
    ledger.database.dispose()
    return done


def test_two_worker_processes_share_the_contracts_and_charge_each_once(ledger: Ledger) -> None:
    contracts = [f"{number:04d}" for number in range(1_000)]
    batch = ledger.open(*contracts)
    with ProcessPoolExecutor(2, mp_context=_SPAWN) as processes:
        futures = [processes.submit(_work, ledger.database.url, owner) for owner in ("w1", "w2")]
        done = [contract for future in futures for contract in future.result(_PATIENCE)]
    assert sorted(done) == contracts
    summary = ledger.batches.show(batch)
    assert (summary.status, summary.amount) == ("done", 1_000 * 1234)


def test_workers_of_one_process_share_the_contracts_too(ledger: Ledger) -> None:
    contracts = [f"{number:04d}" for number in range(300)]
    ledger.open(*contracts[:200])
    ledger.open(*contracts[200:])
    done = _at_once([lambda owner=f"w{n}": _work(ledger.database.url, owner) for n in range(4)])
    assert sorted(contract for of_one in done for contract in of_one) == contracts


def _work_and_tell(url: sa.URL, owner: str, told: Connection) -> None:
    ledger = Ledger(Database(url))
    ledger.beat(owner)
    while claim := ledger.work.claim(owner, now=NOW, limit=5, batch=None, slow=False):
        ledger.settle(claim, owner=owner)
        told.send(len(claim.items))


def test_what_a_killed_worker_left_is_charged_by_another_and_nothing_twice(ledger: Ledger) -> None:
    contracts = [f"{number:04d}" for number in range(600)]
    batch = ledger.open(*contracts)
    here, there = _SPAWN.Pipe(duplex=False)
    victim = _SPAWN.Process(target=_work_and_tell, args=(ledger.database.url, "w1", there))
    victim.start()
    # Ours is closed, so that a victim that dies too early is an error here and not a wait without end.
    there.close()
    for _ in range(3):
        here.recv()
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.join(_PATIENCE)
    ledger.beat("w2", now=NOW + LEASE + timedelta(seconds=1))
    assert not ledger.work.is_running(batch=None)
    already = ledger.batches.show(batch).outcomes["charged"]
    assert already >= 15
    assert already + len(_work(ledger.database.url, "w2")) == 600
    assert ledger.batches.show(batch).amount == 600 * 1234


def test_a_stale_worker_and_the_one_that_took_over_settle_at_once_and_charge_once(ledger: Ledger) -> None:
    contracts = [f"{number:02d}" for number in range(40)]
    batch = ledger.open(*contracts)
    ledger.beat("w1")
    stale = ledger.claim("w1")
    late = NOW + LEASE + timedelta(seconds=1)
    ledger.beat("w2", now=late)
    fresh = ledger.claim("w2", now=late, limit=25)
    counts = _at_once(
        [
            lambda: ledger.settle(stale, dict.fromkeys(contracts, charged(1)), owner="w1", now=late),
            lambda: ledger.settle(fresh, dict.fromkeys(contracts, charged(100)), owner="w2", now=late),
        ]
    )
    assert counts == [{"lost": 40}, {"charged": 25}]
    assert ledger.batches.show(batch).amount == 25 * 100


def test_a_worker_settles_while_its_lease_runs_out_and_the_contract_is_charged_once(ledger: Ledger) -> None:
    late = NOW + LEASE + timedelta(seconds=1)
    for turn in range(10):
        batch = ledger.open(f"{turn}")
        ledger.beat("w1")
        claim = ledger.claim("w1")
        counts, _ = _at_once(
            [
                lambda claim=claim: ledger.settle(claim, owner="w1"),
                lambda: ledger.beat("w2", now=late),
            ]
        )
        if counts == {"lost": 1}:
            ledger.settle(ledger.claim("w2", now=late), owner="w2", now=late)
        assert ledger.batches.show(batch).outcomes["charged"] == 1


# --- Imports


def _started(act: Callable[[], _T], ledger: Ledger) -> "Future[_T]":
    """``act`` in a thread, waiting for the write lock that the caller holds, as far as the store lets us see that."""
    threads = ThreadPoolExecutor(1)
    future = threads.submit(act)
    threads.shutdown(wait=False)
    if not ledger.database.is_sqlite:
        waiting = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        watching = sa.create_engine(ledger.database.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with watching.connect() as connection:
            while not future.done() and not connection.execute(waiting).scalar():
                pass
    return future


def test_a_settlement_that_waited_for_an_import_sees_it(ledger: Ledger) -> None:
    ledger.open("1")
    claim = ledger.claim()
    with ledger.database.write() as connection:
        connection.execute(sa.update(schema.state).values(snapshot=2))
        settling = _started(lambda: ledger.settle(claim), ledger)
    with pytest.raises(StaleSnapshotError):
        settling.result(_PATIENCE)
    assert ledger.settle(claim, snapshot=2) == {"charged": 1}


def test_an_opener_that_waited_for_another_sees_its_batch(ledger: Ledger) -> None:
    row = {"competence": str(OCTOBER), "snapshot": 1, "created_at": NOW, "created_by": "rui", "status": "waiting"}
    item = {"competence": str(OCTOBER), "contract": "1", "outcome": "waiting"}
    with ledger.database.write() as connection:
        batch = connection.execute(sa.insert(schema.batches).values(request_key="tab-1", **row)).inserted_primary_key
        assert batch is not None
        connection.execute(sa.insert(schema.items).values(batch=batch[0], **item))
        connection.execute(sa.insert(schema.months).values(competence=str(OCTOBER), revision=1))
        same_key = _started(lambda: _open(ledger, ["1"], key="tab-1"), ledger)
        other = _started(lambda: _open(ledger, ["1", "2"], key="tab-2"), ledger)
    assert same_key.result(_PATIENCE) == OpenedBatch(batch[0], 1, {})
    assert other.result(_PATIENCE) == OpenedBatch(batch[0] + 1, 1, {"1": "no_charge"})


def test_imports_and_settlements_at_once_charge_everything_once(ledger: Ledger) -> None:
    contracts = [f"{number:03d}" for number in range(100)]
    batch = ledger.open(*contracts)

    def work() -> int:
        stale = 0
        while claim := ledger.work.claim("w1", now=NOW, limit=5, batch=None, slow=False):
            while True:
                snapshot = ledger.snapshots.current()
                assert snapshot is not None
                try:
                    ledger.settle(claim, snapshot=snapshot)
                    break
                except StaleSnapshotError:
                    stale += 1
        return stale

    def imports() -> int:
        return sum(ledger.import_next() > 0 for _ in range(20))

    assert _at_once([work, imports])[1] == 20
    assert ledger.batches.show(batch).outcomes["charged"] == 100


def test_of_imports_that_build_on_the_same_snapshot_one_becomes_current(ledger: Ledger) -> None:
    def switch() -> int | None:
        number = ledger.snapshots.next_number()
        gate.wait(_PATIENCE)
        try:
            ledger.snapshots.switch(number, previous=1, rows={}, actor=ANA, now=NOW)
        except StaleSnapshotError:
            return None
        return number

    gate = threading.Barrier(4)
    numbers = [number for number in _at_once([switch] * 4) if number]
    assert numbers == [ledger.snapshots.current()]


# --- Reading beside it


def test_images_are_of_one_moment_whatever_is_written_meanwhile(ledger: Ledger) -> None:
    ended = threading.Event()

    def write() -> int:
        try:
            for turn in range(15):
                batch = ledger.bill({"1": charged(turn), "2": charged(turn), "3": zero()})
                ledger.bill({"1": charged(turn)}, competence=NOVEMBER)
                for one in (batch, batch + 1):
                    ledger.batches.reverse(one, contracts=None, invoiced=(), reason="x", actor=ANA, now=NOW)
        finally:
            ended.set()
        return 0

    def read() -> int:
        seen = 0
        while not ended.is_set():
            state, images = ledger.reader.images([OCTOBER, NOVEMBER], {})
            for month, image in images.items():
                assert image.revision == state.months.get(month, 0)
                rows = image.items.to_pylist()
                live = {r["item"]: r["amount"] for r in rows if r["outcome"] == "charged" and not r["reversed"]}
                values = [v for v in image.values.to_pylist() if not v["deleted"]]
                assert {int(v["value_id"].removeprefix("STFC-")): v["amount"] for v in values} == live
                assert sum(not e["reversed"] for e in image.events.to_pylist()) == sum(
                    r["outcome"] == "zero" and not r["reversed"] for r in rows
                )
            seen += 1
        return seen

    assert _at_once([write, read, read])[1] > 0


# --- Everything at once


def _storm(ledger: Ledger, seed: int) -> int:
    """Any act in any order, as several people and workers would; gives how many were refused for their state."""
    random, owner = Random(seed), f"w{seed}"
    outcomes = [charged(), zero(calls=1), held(), NotAvailable(), final(), transient(), Unfinished()]

    def work() -> object:
        claim = ledger.work.claim(owner, now=NOW, limit=4, batch=None, slow=random.random() < 0.3)
        chosen = {item.contract: random.choice(outcomes) for item in claim.items} if claim else {}
        return claim and ledger.settle(claim, chosen, owner=owner, snapshot=ledger.snapshots.current() or 0)

    def steer(batch: int) -> object:
        act = random.choice(["retry", "cancel", "reverse", "pause", "resume"])
        if act == "retry":
            return ledger.batches.retry(batch, items=None, codes=(), actor=ANA, now=NOW)
        if act == "cancel":
            return ledger.batches.cancel(batch, actor=ANA, now=NOW)
        if act == "reverse":
            return ledger.batches.reverse(batch, contracts=None, invoiced=(), reason="x", actor=ANA, now=NOW)
        if act == "pause":
            return ledger.work.pause(batch, "SUM-NET", now=NOW)
        return ledger.work.resume(["SUM-NET"], now=NOW)

    def open_() -> object:
        chosen = random.sample([f"{n:02d}" for n in range(30)], 10)
        snapshot = ledger.snapshots.current() or 0
        month = random.choice([OCTOBER, NOVEMBER])
        return ledger.batches.open(month, chosen, snapshot=snapshot, actor=ANA, now=NOW, request_key=None)

    refused = 0
    for _ in range(60):
        ledger.beat(owner, now=NOW + random.choice([timedelta(0), LEASE * 2]))
        batches = [batch.batch for batch in ledger.batches.newest(limit=5)]
        try:
            match random.choice(["open", "work", "work", "work", "steer", "import"]):
                case "open":
                    open_()
                case "work":
                    work()
                case "import":
                    ledger.import_next()
                case "steer" if batches:
                    steer(random.choice(batches))
        except StaleSnapshotError:
            refused += 1
    ledger.work.leave(owner, now=NOW)
    return refused


def test_whatever_is_done_at_once_nothing_locks_up_and_the_ledger_stays_sound(ledger: Ledger) -> None:
    _at_once([lambda seed=seed: _storm(ledger, seed) for seed in range(4)])
    assert not ledger.work.is_running(batch=None)
