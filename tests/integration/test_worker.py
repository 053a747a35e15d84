"""Workers of the real product over the real simulator: what platform, disk and others do to a batch (PRODUCT 10).

Each test has a home of its own; ledgers are SQLite, and PostgreSQL where processes meet in them.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.bootstrap import Application
from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.correction import Change, Remedy
from stfc.domain.outcome import PLATFORM_DOWN
from stfc.domain.parameter import Parameter
from stfc.domain.role import Role
from stfc.errors import ApprovalRequestedError, NotAllowedError, NotPossibleError
from stfc.services.ports import Actor, BatchSummary, ItemRow
from stfc.services.queries import CallQuery
from stfc.settings import Settings
from stfc.simulator import erp_dump
from stfc.simulator.server import SimulatorOptions, running
from stfc.simulator.traffic import TrafficOptions

MONTH = Competence(2026, 10)
CONTRACTS = 60
ANA = Actor("ana", Role.OPERATOR, "tela")
BEFORE, AFTER = date(2026, 10, 1), date(2027, 1, 24)
"""Days before the month's files are there, but of the first cut day, and when all are."""
DONE = {"charged", "zero", "held"}


@pytest.fixture(scope="session")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of contracts of which every one can be charged."""
    folder = tmp_path_factory.mktemp("worker-erp")
    erp_dump.dump(folder, CONTRACTS, seed=7, until=MONTH, clean=True)
    return folder


class House:
    """A home, and a platform that can be exchanged for another while the home lives on."""

    def __init__(self, home: Path, erp: Path, ledger_url: str) -> None:
        self.home, self.erp, self.ledger_url = home, erp, ledger_url
        self.clock = lambda: datetime.now(UTC)
        self._stack = ExitStack()
        self.url = ""
        self._apps: list[Application] = []

    def platform(self, *faults: str, as_of: date | None = None) -> None:
        """Replace the platform by one with ``faults``, at another address. Given a day, months close when they do."""
        self._stack.close()
        traffic = TrafficOptions(seed=7, clean=as_of is None, calls_per_contract=3)
        options = SimulatorOptions(port=0, erp=self.erp, traffic=traffic, faults=faults, as_of=as_of, token="t")
        self.url = self._stack.enter_context(running(options))

    def down(self) -> None:
        """Nobody answers at the address any more."""
        self._stack.close()

    def app(self, **settings: Any) -> Application:
        """The product on this home, as another process would open it."""
        quick = {
            "retry_first": 0.01,
            "retry_most": 0.05,
            "patience": 0.5,
            "file_timeout": 1.0,
            "chunk_contracts": 20,
            "lease": 30.0,
        }
        values = {"home": self.home, "summit_url": self.url, "summit_token": "t", "ledger_url": self.ledger_url}
        self._apps.append(Application(Settings(**{**values, **quick, **settings}), clock=self.clock))
        return self._apps[-1]

    def close(self) -> None:
        """End the platform and what was opened."""
        self._stack.close()
        for app in self._apps:
            app.database.dispose()


@pytest.fixture
def house(tmp_path: Path, erp: Path, ledger_url: str) -> Iterator[House]:
    """A home with the dump imported, on either store, and a platform without faults."""
    house = House(tmp_path / "home", erp, ledger_url)
    house.platform()
    house.app().importing.run(erp, ANA)
    yield house
    house.close()


@pytest.fixture
def plain(tmp_path: Path, erp: Path) -> Iterator[House]:
    """The same on SQLite alone, for what the store has no part in."""
    house = House(tmp_path / "home", erp, f"sqlite:///{tmp_path / 'ledger.db'}")
    house.platform()
    house.app().importing.run(erp, ANA)
    yield house
    house.close()


def opened(app: Application, contracts: list[str] | None = None) -> int:
    batch = app.billing.open(MONTH, contracts, ANA).batch
    assert batch is not None
    return batch


def ended(app: Application, batch: int) -> tuple[BatchSummary, list[ItemRow]]:
    return app.batches.show(batch), app.batches.items(batch)[1]


def sound(app: Application) -> None:
    """Nothing twice, nothing lost, every sum right."""
    aside = ("platform", "settings", "clock")
    found = [seen for seen in app.doctor.examine().findings if seen.check not in aside]
    assert found == []


@contextmanager
def at_work(*workers: Any, **options: Any) -> Iterator[None]:
    threads = [threading.Thread(target=worker.run, kwargs=options) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what another thread brings about."""
    tick, deadline = threading.Event(), datetime.now(UTC) + timedelta(seconds=seconds)
    while not condition():
        assert datetime.now(UTC) < deadline, "it did not come about"
        tick.wait(0.02)


def run_to_the_end(app: Application, batch: int) -> None:
    """Work until the batch is done; on a busy machine health may be late, which pauses and ends by itself."""
    for _ in range(5):
        app.worker().run(until_idle=True)
        if app.batches.show(batch).status == "done":
            return


# --- Many at once


def test_three_workers_and_one_for_the_batch_alone_charge_everybody_once(house: House) -> None:
    app = house.app()
    batch = opened(app)
    others = [house.app(chunk_contracts=5).worker() for _ in range(2)]
    with at_work(*others):
        house.app(chunk_contracts=7).worker().run(until_idle=True, batch=batch)
        wait_until(lambda: app.batches.show(batch).status == "done")
    summary, items = ended(app, batch)
    assert summary.outcomes["charged"] + summary.outcomes["zero"] == len(items) == CONTRACTS
    sound(app)


def test_a_worker_that_is_stopped_hands_back_at_once_and_another_goes_on(house: House) -> None:
    house.platform("stall=1@file")
    app = house.app(file_timeout=60.0)
    batch = opened(app)
    worker = app.worker()
    with at_work(worker):
        wait_until(lambda: app.batches.show(batch).outcomes["running"] > 0)
    assert app.batches.show(batch).outcomes["running"] == 0
    assert app.work.workers(app.clock()) == []
    house.platform()
    house.app().worker().run(until_idle=True)
    _, items = ended(app, batch)
    assert {item.outcome for item in items} <= DONE
    assert all(item.attempts == 1 for item in items)
    sound(app)


def test_the_lease_of_a_worker_that_is_stuck_runs_out_and_its_late_result_counts_for_nothing(house: House) -> None:
    app = house.app()
    batch = opened(app)
    long_ago = app.clock() - timedelta(minutes=1)
    app.work.heartbeat("stuck", host="h", pid=1, now=long_ago, lease_until=long_ago + timedelta(seconds=10))
    stuck = app.work.claim("stuck", now=long_ago + timedelta(minutes=2), limit=10, batch=batch, slow=False)
    assert stuck is not None
    house.app().worker().run(until_idle=True)
    summary, items = ended(app, batch)
    assert {item.outcome for item in items} <= DONE
    assert summary.outcomes["running"] == 0
    sound(app)


def test_an_import_in_the_middle_of_a_batch_refuses_who_is_not_eligible_any_more(house: House, tmp_path: Path) -> None:
    app = house.app()
    batch = opened(app)
    changed = shutil.copytree(house.erp, tmp_path / "changed")
    table = changed / "contracts.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    status = lines[0].split(";" if ";" in lines[0] else ",").index("status")
    separator = ";" if ";" in lines[0] else ","
    first = lines[1].split(separator)
    first[status] = "suspended"
    table.write_text("\n".join([lines[0], separator.join(first), *lines[2:]]) + "\n", encoding="utf-8")
    app.importing.run(changed, ANA)
    house.app().worker().run(until_idle=True)
    _, items = ended(app, batch)
    refused = {item.contract: item.rule for item in items if item.outcome == "refused"}
    assert list(refused.values()) == ["normal_status"]
    sound(app)


def test_a_reversal_while_others_are_billed_touches_only_its_own(house: House) -> None:
    app = house.app()
    contracts = app.views.eligible(MONTH)
    first = opened(app, contracts[:10])
    house.app().worker().run(until_idle=True)
    second = opened(app, contracts[10:])
    with at_work(house.app(chunk_contracts=5).worker()):
        gone = app.billing.reverse(first, ANA, reason="engano", contracts=[contracts[0]])
        wait_until(lambda: app.batches.show(second).status == "done")
    assert gone == 1
    assert app.views.eligible(MONTH) == [contracts[0]]
    sound(app)


# --- What the platform does


@pytest.mark.parametrize(
    "fault", ["429=0.1@file", "429-date=0.1", "503=0.3@file", "reset=0.3@file", "wrong-sha=0.3", "cut=0.3@file"]
)
def test_passing_faults_lose_nothing(plain: House, fault: str) -> None:
    plain.platform(fault)
    app = plain.app(retry_tries=40)
    batch = opened(app, app.views.eligible(MONTH)[:20])
    run_to_the_end(app, batch)
    assert {item.outcome for item in ended(app, batch)[1]} <= DONE
    sound(app)


def test_files_that_always_fail_while_health_answers_end_after_bounded_tries(plain: House) -> None:
    plain.platform("503=1@file")
    app = plain.app(retry_tries=3)
    batch = opened(app)
    run_to_the_end(app, batch)
    summary, items = ended(app, batch)
    assert (summary.status, summary.outcomes["failed"]) == ("done", CONTRACTS)
    assert {item.attempts for item in items} == {3}
    assert {item.code for item in items} <= set(PLATFORM_DOWN)


def test_files_that_always_stall_end_after_bounded_tries(plain: House) -> None:
    plain.platform("stall=1@file")
    app = plain.app(retry_tries=1, file_timeout=0.2, patience=0.1)
    batch = opened(app, app.views.eligible(MONTH)[:3])
    app.worker().run(until_idle=True)
    assert {(item.outcome, item.code) for item in ended(app, batch)[1]} == {("failed", "SUM-TMO")}


def test_a_platform_that_is_gone_pauses_every_batch_and_all_go_on_when_it_is_back(house: House) -> None:
    app = house.app()
    contracts = app.views.eligible(MONTH)
    batches = [opened(app, contracts[:20]), opened(app, contracts[20:])]
    house.down()
    app.worker().run(until_idle=True)
    shown = [app.batches.show(batch) for batch in batches]
    assert {(one.status, one.pause_code) for one in shown} == {("paused", "SUM-NET")}
    state = app.work.platform()
    assert state is not None
    assert (state.up, state.code) == (False, "SUM-NET")
    house.platform()
    house.app().worker().run(until_idle=True)
    items = [item for batch in batches for item in ended(app, batch)[1]]
    assert {item.outcome for item in items} <= DONE
    assert {item.attempts for item in items} == {1}
    sound(app)


def test_refused_credentials_pause_every_batch_until_somebody_goes_on(house: House) -> None:
    app = house.app()
    contracts = app.views.eligible(MONTH)
    first, second = opened(app, contracts[:20]), opened(app, contracts[20:])
    house.app(summit_token="wrong").worker().run(until_idle=True)
    assert {app.batches.show(batch).pause_code for batch in (first, second)} == {"SUM-401"}
    house.app().worker().run(until_idle=True)
    assert app.batches.show(first).status == "paused", "health answers, and lifts nothing"
    app.billing.retry(first, ANA)
    house.app().worker().run(until_idle=True)
    items = [item for batch in (first, second) for item in ended(app, batch)[1]]
    assert {item.outcome for item in items} <= DONE
    assert {item.attempts for item in items} == {1}


def test_a_rest_that_the_platform_asked_for_outlives_a_restart(plain: House) -> None:
    app = plain.app()
    batch = opened(app)
    app.work.throttle(app.clock() + timedelta(minutes=5), now=app.clock())
    worker = plain.app().worker()
    with at_work(worker):
        wait_until(lambda: bool(app.work.workers(app.clock())))
        assert app.batches.show(batch).outcomes["running"] == 0
    assert app.batches.show(batch).outcomes["waiting"] == CONTRACTS
    plain.clock = lambda: datetime.now(UTC) + timedelta(minutes=6)
    plain.app().worker().run(until_idle=True)
    assert {item.outcome for item in ended(app, batch)[1]} <= DONE


# --- Late files


def test_a_file_that_comes_late_is_charged_by_itself_after_a_restart_with_one_listing(house: House) -> None:
    house.platform(as_of=BEFORE)
    app = house.app()
    batch = opened(app)
    app.worker().run(until_idle=True)
    summary, _ = ended(app, batch)
    late = summary.outcomes["waiting_file"]
    assert summary.status == "done"
    assert late > CONTRACTS / 2
    house.platform(as_of=AFTER)
    # The first look is only set; when it is due, a worker that knows nothing of the one before makes it.
    house.app().worker().run(until_idle=True)
    shown = app.batches.show(batch)
    assert shown.next_look_at is not None
    assert shown.outcomes["waiting_file"] == late
    due = shown.next_look_at + timedelta(seconds=1)
    late_by = due - datetime.now(UTC)
    house.clock = lambda: datetime.now(UTC) + late_by
    house.app().worker().run(until_idle=True)
    summary, _ = ended(app, batch)
    assert summary.outcomes["waiting_file"] == summary.outcomes["waiting"] == 0
    assert summary.next_look_at is None
    events = [line.event for lines in app.batches.logs(batch).values() for line in lines]
    assert events.count("file_arrived") == late
    assert summary.spent(due) < late_by, "the time that it lay done is no working time"
    sound(app)


def test_what_the_listing_lacks_is_not_asked_for_alone(plain: House) -> None:
    plain.platform(as_of=BEFORE)
    app = plain.app(look_first=0.01, look_most=0.01)
    batch = opened(app)
    app.worker().run(until_idle=True)
    before = [line for item in ended(app, batch)[1] for line in app.batches.log(item.item)]
    for _ in range(2):
        plain.app(look_first=0.01, look_most=0.01).worker().run(until_idle=True)
    assert _looks(app) == 1
    after = [line for item in ended(app, batch)[1] for line in app.batches.log(item.item)]
    assert before == after


def _looks(app: Application) -> int:
    with app.database.read() as connection:
        return int(connection.execute(sa.select(schema.batches.c.looks)).scalar_one())


# --- The disk


def test_a_disk_that_refuses_pauses_and_ends_by_itself(plain: House) -> None:
    app = plain.app()
    batch = opened(app)
    (plain.home / "calls").write_text("in the way")
    app.worker().run(until_idle=True)
    shown = app.batches.show(batch)
    assert (shown.status, shown.pause_code, shown.outcomes["waiting"]) == ("paused", "ARM-ESC", CONTRACTS)
    (plain.home / "calls").unlink()
    plain.app().worker().run(until_idle=True)
    items = ended(app, batch)[1]
    assert {item.outcome for item in items} <= DONE
    assert {item.attempts for item in items} == {1}
    sound(app)


# --- Files that the platform corrects


def test_a_file_corrected_after_its_charge_is_noticed_and_changes_nothing(plain: House) -> None:
    app = plain.app()
    batch = opened(app)
    app.worker().run(until_idle=True)
    before = ended(app, batch)
    assert app.corrected_files.check(MONTH, ANA).noticed == 0
    plain.platform("corrected=0.2")
    later = plain.app()
    checked = later.corrected_files.check(MONTH, ANA)
    assert 0 < checked.noticed == len(checked.pending) < checked.listed
    assert {one.announced - one.charged for one in checked.pending if one.announced is not None} == {100}
    assert later.corrected_files.check(MONTH, ANA).noticed == 0
    assert ended(later, batch) == before
    sound(later)


# --- Corrected files


def test_a_corrected_file_is_shown_by_call_and_charged_again_once(plain: House) -> None:
    app = plain.app()
    chosen = app.views.eligible(MONTH)[:3]
    batch = opened(app, chosen)
    app.worker().run(until_idle=True)
    before = {one.contract: one for one in ended(app, batch)[1]}
    plain.platform("corrected=1")
    app = plain.app()
    gil = Actor("gil", Role.MANAGER, "tela")
    first, *others = app.corrected_files.check(MONTH, ANA).pending
    found = app.corrected_files.difference(first.correction)
    # The platform's corrected version has one call that costs R$ 1,00 more.
    assert [(one.change, one.after.amount - one.before.amount) for one in found.difference.calls if one.before] == [
        (Change.CHANGED, 1_000_000)
    ]
    assert (found.charged, found.change) == (before[first.contract].amount, 100)
    assert found.remedies == (Remedy.CHARGE_AGAIN, Remedy.DISMISS)
    with pytest.raises(NotAllowedError):
        app.corrected_files.settle(first.correction, Remedy.CHARGE_AGAIN, ANA, reason="nova versão")
    with pytest.raises(NotPossibleError):
        app.corrected_files.settle(first.correction, Remedy.COMPLEMENT, gil, reason="nova versão")
    done = app.corrected_files.settle(first.correction, Remedy.CHARGE_AGAIN, gil, reason="nova versão")
    app.worker().run(until_idle=True)
    assert done.batch is not None
    (after,) = ended(app, done.batch)[1]
    assert (after.amount, after.calls) == (found.amount, before[first.contract].calls)
    assert [one.correction for one in app.corrected_files.pending()] == [one.correction for one in others]
    seen = app.views.view(MONTH).calls_by_day(CallQuery(contracts=(first.contract,)))
    assert sum(seen["calls"].to_pylist()) == after.calls, "counted once"
    # To charge again is to reverse: where that asks for a second person, this does.
    app.parameters.change(Parameter.SECOND_PERSON_REVERSAL, 1, gil, reason="regra da casa")
    with pytest.raises(ApprovalRequestedError) as asked:
        app.corrected_files.settle(others[0].correction, Remedy.CHARGE_AGAIN, gil, reason="nova versão")
    assert len(app.corrected_files.pending()) == len(others)
    assert (
        f"cobrar de novo pelo arquivo corrigido (1 cobrança, {text.reais(Decimal(others[0].charged) / 100)})"
        in text.error(asked.value)
    )
    with pytest.raises(NotPossibleError):
        app.approvals.approve(asked.value.facts["approval"], gil)
    app.approvals.approve(asked.value.facts["approval"], Actor("eva", Role.MANAGER, "tela"))
    assert len(app.corrected_files.pending()) == len(others) - 1
    app.worker().run(until_idle=True)
    assert [one.decision.remedy for one in app.corrected_files.settled()] == [Remedy.CHARGE_AGAIN] * 2
    sound(app)
