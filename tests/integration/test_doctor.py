"""The doctor over real ledgers, parts and snapshots: silent while all adds up, precise when something does not."""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from stfc.adapters.calls.compaction import ParquetCallCompactor
from stfc.adapters.calls.health import ParquetCallDoctor
from stfc.adapters.disk import LocalDisk
from stfc.adapters.erp.health import ParquetSnapshotDoctor
from stfc.adapters.erp.snapshots import ParquetSnapshotStore
from stfc.adapters.ledger import schema
from stfc.adapters.ledger.audit import SqlAuditLedger
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.health import SqlLedgerDoctor
from stfc.adapters.ledger.parts import SqlPartLedger
from stfc.adapters.ledger.snapshots import SqlSnapshotLedger
from stfc.adapters.ledger.unfinished import SqlUnfinished
from stfc.domain import text
from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.errors import (
    ConnectionBrokenError,
    CredentialsRefusedError,
    FileNotAvailableError,
    NoPlatformError,
    NotAllowedError,
    SettingsError,
    StorageError,
    SubscriberUnknownError,
)
from stfc.services.compaction import Compaction
from stfc.services.health import ACTIONS, NOTES, SAMPLE, Diagnosis, Doctor, DoctorPolicy
from stfc.services.janitor import Janitor, SnapshotJanitor
from stfc.services.ports import Actor, Depth, Observation, PlatformHealth, SummitGateway
from tests.builders import a_dump, contract_row
from tests.house import ANA, NOW, OCTOBER, House, a_house, house_at

LONG_AGO = NOW - timedelta(minutes=20)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in SQLite with snapshot 1, of three contracts, and nothing billed; copy it."""
    folder = tmp_path_factory.mktemp("template")
    dump = a_dump(folder / "erp", contracts=[contract_row(str(number)) for number in range(4711, 4714)])
    ParquetSnapshotStore(folder / "home" / "snapshots").stage(dump, 1, None)
    a_house(f"sqlite:///{folder / 'home' / 'ledger.db'}", folder / "home" / "calls").database.dispose()
    return folder / "home"


@pytest.fixture
def home(tmp_path: Path, template: Path) -> Iterator[House]:
    """A house in SQLite."""
    folder = shutil.copytree(template, tmp_path / "home")
    made = house_at(Database(f"sqlite:///{folder / 'ledger.db'}"), folder / "calls")
    made.store.root.mkdir()
    yield made
    made.database.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path, template: Path) -> House:
    """A house in each store, for what is asked in SQL."""
    if request.param == "sqlite":
        home: House = request.getfixturevalue("home")
        return home
    made = house_at(request.getfixturevalue("fresh_postgres")(), tmp_path / "home" / "calls")
    shutil.copytree(template / "snapshots", snapshots_of(made).root)
    return made


class Platform(SummitGateway):
    """A platform of which only its health and a contract that nobody knows are asked."""

    def __init__(
        self,
        error: Exception | None = None,
        *,
        token: Exception | None = None,
        latency_ms: float = 1.0,
        clock: datetime | None = NOW,
    ) -> None:
        self._error = error
        self._token = token or SubscriberUnknownError(contract="stfc-doctor")
        self._health = PlatformHealth("1", latency_ms, clock)

    async def __aenter__(self) -> "Platform":
        return self

    async def __aexit__(self, *exc: object) -> None: ...

    async def health(self) -> PlatformHealth:
        if self._error:
            raise self._error
        return self._health

    async def descriptor(self, contract: str, competence: Competence) -> Descriptor:
        raise self._token


def snapshots_of(house: House) -> ParquetSnapshotStore:
    return ParquetSnapshotStore(house.store.root.parent / "snapshots")


def compaction_of(house: House, now: datetime = NOW) -> Compaction:
    return Compaction(SqlPartLedger(house.database), ParquetCallCompactor(house.store), house.store, lambda: now)


def doctor_of(
    house: House,
    *,
    platform: Platform | Exception | None = None,
    places: Sequence[Path] = (),
    now: datetime = NOW,
    ledger_clock: datetime | None = None,
    settings: Sequence[Observation] = (),
    depth: Depth | None = None,
) -> Doctor:
    def gateway() -> Platform:
        if isinstance(platform, SettingsError):
            raise platform
        return platform if isinstance(platform, Platform) else Platform(platform, clock=now)

    snapshots = ParquetSnapshotDoctor(snapshots_of(house))
    unfinished = SqlUnfinished(house.database)
    return Doctor(
        ledger=SqlLedgerDoctor(house.database),
        parts=ParquetCallDoctor(house.store),
        calls=house.store,
        snapshots=snapshots,
        work=house.work,
        disk=LocalDisk(),
        places=places or [house.store.root],
        gateway=gateway,
        settings=lambda: settings,
        ledger_clock=lambda: ledger_clock or now,
        clock=lambda: now,
        audit=SqlAuditLedger(house.database),
        repairs={
            "sweep_orphans": Janitor(SqlPartLedger(house.database), house.store, lambda: now).sweep,
            "remove_leftovers": SnapshotJanitor(SqlSnapshotLedger(house.database), snapshots, lambda: now).sweep,
            "free_leases": lambda: house.work.free(now=now),
            "refresh_batches": lambda: unfinished.refresh_batches(now),
            "rebuild_rollups": compaction_of(house, now).rebuild,
            "bring_forward": lambda: unfinished.bring_forward(now),
        },
        policy=replace(DoctorPolicy(), depth=depth or Depth()),
    )


def examine(
    house: House,
    *,
    platform: Platform | Exception | None = None,
    places: Sequence[Path] = (),
    now: datetime = NOW,
    sample: int | None = SAMPLE,
) -> Diagnosis:
    return doctor_of(house, platform=platform, places=places, now=now).examine(sample)


def mend(house: House, code: str) -> tuple[int, Diagnosis]:
    """See ``code``, do what it proposes, and look again: of how many things something was mended, and what is left."""
    doctor = doctor_of(house)
    seen = doctor.examine()
    assert [one.code for one in (*seen.findings, *seen.notes)] == [code]
    (done,) = doctor.repair(seen, ANA)
    assert (done.action, done.error) == (ACTIONS[code], None)
    return done.count, doctor.examine()


def a_worker(house: House, *, beat: datetime = NOW, noted: datetime | None = None, owner: str = "w") -> None:
    """A worker whose last heartbeat was at ``beat`` by its own clock and at ``noted`` by the ledger's."""
    lease = timedelta(seconds=10)
    row = {"owner": owner, "host": "h", "pid": 7, "started_at": beat, "lease_until": beat + lease, "beat_at": beat}
    house.do(sa.insert(schema.workers).values(**row, noted_at=noted or beat))


def age(path: Path, by: timedelta) -> None:
    """Let ``path`` be last written so long before ``NOW``."""
    written = (NOW - by).timestamp()
    os.utime(path, (written, written))


def codes(observations: Sequence[Observation]) -> list[tuple[str, str]]:
    return [(one.check, one.code) for one in observations]


def some_calls(*amounts: int) -> list[dict[str, object]]:
    return [{"amount": amount} for amount in amounts]


@pytest.fixture
def billed(house: House) -> House:
    """A house in each store in which everything that can happen has happened."""
    return with_all_that_can_happen(house)


@pytest.fixture
def billed_home(home: House) -> House:
    """The same in SQLite alone."""
    return with_all_that_can_happen(home)


def with_all_that_can_happen(house: House) -> House:
    house.reverse(house.bill({"4711": some_calls(10_000), "4712": some_calls(0), "4713": some_calls(20_000)}), "4711")
    house.bill({"4711": some_calls(30_000), "4714": some_calls(40_000)}, held=["4714"])
    house.bill({"4715": [], "4716": []}, unavailable=["4716"])
    house.bill({"4711": some_calls(5)}, competence=OCTOBER.plus(-1))
    return house


def test_all_that_can_happen_adds_up(billed: House) -> None:
    assert examine(billed) == Diagnosis((), ())


# --- Never twice ---------------------------------------------------------------------------------------------------


def test_two_live_charges_of_a_contract_are_found_without_the_index(billed: House) -> None:
    billed.do(sa.text("DROP INDEX one_live_charge"))
    billed.do(sa.update(schema.charges).where(schema.charges.c.status == "reversed").values(status="live"))
    found = examine(billed).findings
    assert ("never_twice", "DOC-DUP") in codes(found)
    (twice,) = [one for one in found if one.code == "DOC-DUP"]
    assert twice.facts == {"what": "charges", "count": 1, "contracts": ["4711 (2026-10)"]}


def test_two_live_items_of_a_contract_are_found_without_the_index(billed: House) -> None:
    billed.do(sa.text("DROP INDEX one_live_item"))
    billed.do(sa.update(schema.items).values(reversed=False))
    twice = [one.facts["what"] for one in examine(billed).findings if one.code == "DOC-DUP"]
    assert twice == ["items"]


def test_two_live_values_or_events_of_a_contract_are_found(billed: House) -> None:
    billed.do(sa.update(schema.eventual_values).values(deleted=False))
    twice = [one.facts["what"] for one in examine(billed).findings if one.code == "DOC-DUP"]
    assert twice == ["values"]


# --- Sums ----------------------------------------------------------------------------------------------------------

MISMATCHES = {
    "amount of a charge": sa.update(schema.charges).where(schema.charges.c.contract == "4713").values(amount=1),
    "calls of a charge": sa.update(schema.charges).where(schema.charges.c.contract == "4713").values(calls=9),
    "amount of a value": sa.update(schema.eventual_values)
    .where(schema.eventual_values.c.contract == "4713")
    .values(amount=1),
    "missing value": sa.delete(schema.eventual_values).where(schema.eventual_values.c.contract == "4713"),
    "missing charge": sa.delete(schema.charges).where(schema.charges.c.contract == "4713"),
    "deleted value of a live charge": sa.update(schema.eventual_values)
    .where(schema.eventual_values.c.contract == "4713")
    .values(deleted=True),
    "missing event": sa.delete(schema.zero_events).where(schema.zero_events.c.contract == "4712"),
    "reversed event of a live item": sa.update(schema.zero_events).values(reversed=True),
    "charge of an item that failed": sa.update(schema.items)
    .where(schema.items.c.contract == "4713")
    .values(outcome="failed"),
}


@pytest.mark.parametrize("mismatch", MISMATCHES)
def test_item_charge_and_value_that_disagree_are_found(billed: House, mismatch: str) -> None:
    billed.do(MISMATCHES[mismatch])
    found = examine(billed).findings
    assert ("amounts", "DOC-VAL") in codes(found)
    assert all("4712" in str(one.facts) or "4713" in str(one.facts) for one in found)


def test_calls_of_another_number_than_charged_are_found(billed: House) -> None:
    charge = schema.charges.c.contract == "4713"
    billed.do(sa.update(schema.charges).where(charge).values(calls=2))
    billed.do(sa.update(schema.items).where(schema.items.c.contract == "4713").values(calls=2))
    (found,) = examine(billed).findings
    assert (found.check, found.code) == ("calls", "DOC-LIG")
    assert found.facts == {"count": 1, "contracts": ["4713 (2026-10)"]}


def test_calls_of_another_amount_than_charged_are_found(billed: House) -> None:
    for table in (schema.charges, schema.items, schema.eventual_values):
        billed.do(sa.update(table).where(table.c.contract == "4713").values(amount=1))
    assert codes(examine(billed).findings) == [("calls", "DOC-SOM")]


def test_calls_of_a_reversed_charge_that_still_show_are_found(billed: House) -> None:
    billed.do(sa.delete(schema.exclusions))
    (found,) = examine(billed).findings
    assert (found.code, found.facts["contracts"]) == ("DOC-LIG", ["4711 (2026-10)"])


# --- Parts ---------------------------------------------------------------------------------------------------------


def test_missing_part_is_found(billed_home: House) -> None:
    part = next(billed_home.store.root.rglob("*.parquet"))
    part.unlink()
    (found,) = examine(billed_home).findings
    assert (found.check, found.code) == ("parts", "DOC-PRT")
    assert part.name in found.facts["path"]


def test_part_of_another_size_is_found(billed_home: House) -> None:
    part = next(billed_home.store.root.rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-1])
    assert codes(examine(billed_home).findings) == [("parts", "DOC-TAM")]


def test_part_of_the_right_size_and_other_content_is_found_by_its_sum(billed_home: House) -> None:
    part = next(billed_home.store.root.rglob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    (found,) = examine(billed_home).findings
    assert (found.check, found.code) == ("parts", "DOC-SHA")
    assert part.name in found.facts["path"]


def test_part_that_cannot_be_read_is_found_without_hashing(billed_home: House) -> None:
    part = next(billed_home.store.root.rglob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    assert codes(examine(billed_home, sample=0).findings) == [("parts", "DOC-PRT")]


def test_sample_hashes_other_parts_at_other_revisions_until_all_were_seen(home: House) -> None:
    for number in range(4):
        home.bill({f"47{number}": some_calls(10_000)})
    part = max(home.store.root.rglob("*.parquet"))
    content = part.read_bytes()
    # The last byte belongs to the magic word, which Polars does not need.
    part.write_bytes(content[:20] + bytes([content[20] ^ 1]) + content[21:])
    assert codes(examine(home, sample=None).findings)[0] == ("parts", "DOC-SHA")
    found = set()
    for _ in range(16):
        found |= {one.code for one in examine(home, sample=1).findings}
        home.do(sa.update(schema.state).values(revision=schema.state.c.revision + 1))
    assert "DOC-SHA" in found


@pytest.mark.parametrize(("since", "kind"), [(timedelta(minutes=5), "notes"), (timedelta(hours=2), "findings")])
def test_file_that_nobody_lists_is_a_note_while_young(billed_home: House, since: timedelta, kind: str) -> None:
    orphan = an_orphan(billed_home, since)
    seen = examine(billed_home)
    assert {"notes": seen.notes, "findings": seen.findings}[kind][0].facts == {
        "count": 1,
        "paths": [f"competence=2026-10/{orphan.name}"],
    }
    assert len(seen.notes) + len(seen.findings) == 1


def test_old_orphan_is_swept_by_repair(billed_home: House) -> None:
    orphan = an_orphan(billed_home, timedelta(hours=2))
    assert mend(billed_home, "DOC-ORF") == (1, Diagnosis((), ()))
    assert not orphan.exists()


def an_orphan(house: House, since: timedelta) -> Path:
    for path in house.store.root.rglob("*.parquet"):
        age(path, timedelta(0))
    orphan = house.store.root / "competence=2026-10" / "part-lost.parquet"
    orphan.write_bytes(b"lost")
    age(orphan, since)
    return orphan


# --- Rollups --------------------------------------------------------------------------------------------------------


def test_rollups_add_up_after_a_compaction_and_what_came_since(home: House) -> None:
    batch = home.bill({"4711": some_calls(10_000), "4712": some_calls(20_000)})
    compaction_of(home).run_all()
    home.reverse(batch, "4711")
    home.bill({"4713": some_calls(30_000)})
    assert examine(home) == Diagnosis((), ())


@pytest.mark.parametrize("name", ["hours", "days", "destinations", "contracts"])
def test_rollup_that_is_gone_is_a_note_and_made_again_by_repair(home: House, name: str) -> None:
    home.bill({"4711": some_calls(10_000)})
    compaction_of(home).run_all()
    next(home.store.root.rglob(f"{name}.parquet")).unlink()
    assert mend(home, "DOC-ROL") == (1, Diagnosis((), ()))


def test_rollup_that_differs_from_the_calls_is_found_and_made_again_by_repair(home: House) -> None:
    home.bill({"4711": some_calls(10_000)})
    compaction_of(home).run_all()
    path = next(home.store.root.rglob("contracts.parquet"))
    old = path.with_name("hours.parquet")
    pl.read_parquet(path).with_columns(pl.col("micros") + 1).write_parquet(path)
    assert [(one.code, one.facts) for one in examine(home).findings] == [("DOC-ROS", {"competences": ["2026-10"]})]
    assert mend(home, "DOC-ROS") == (1, Diagnosis((), ()))
    next(path for path in home.store.root.rglob("hours.parquet") if path != old).write_bytes(b"PAR1 no more")
    assert mend(home, "DOC-ROS") == (1, Diagnosis((), ()))


# --- How much history is read ---------------------------------------------------------------------------------------


def a_history(house: House) -> None:
    """Three months, each with one contract of one call, October billed last."""
    for months_ago in (2, 1, 0):
        house.bill({"4711": some_calls(10_000)}, competence=OCTOBER.plus(-months_ago))


def damage(house: House, competence: Competence) -> None:
    for table in (schema.charges, schema.items, schema.eventual_values):
        house.do(sa.update(table).where(table.c.competence == str(competence)).values(amount=2))


@pytest.mark.parametrize(
    ("depth", "read"),
    [
        (Depth(), 3),
        (Depth(months=1), 2),
        (Depth(calls=2), 3),
        (Depth(calls=1), 2),
        (Depth(calls=0), 2),
    ],
)
def test_months_that_changed_last_are_read_and_one_of_the_others(house: House, depth: Depth, read: int) -> None:
    a_history(house)
    health = SqlLedgerDoctor(house.database).examine(NOW, NOW, depth)
    assert (health.examined, health.months) == (read, 3)
    assert "2026-10" in health.claims["competence"].to_pylist()
    assert len(health.calls.parts) == read


def test_damage_of_old_months_is_found_in_time_and_at_once_when_all_is_asked_for(house: House) -> None:
    a_history(house)
    damage(house, OCTOBER.plus(-2))
    assert codes(examine(house, sample=None).findings) == [("calls", "DOC-SOM")]
    doctor = doctor_of(house, depth=Depth(months=1))
    assert [one.code for one in doctor.examine().notes] == ["DOC-AMO"]
    found = set()
    for _ in range(20):
        found |= {one.code for one in doctor.examine().findings}
        house.do(sa.update(schema.state).values(revision=schema.state.c.revision + 1))
    assert found == {"DOC-SOM"}


def test_without_its_index_all_history_is_searched_for_doubles(house: House) -> None:
    a_history(house)
    house.do(sa.text("DROP INDEX one_live_charge"))
    oldest = str(OCTOBER.plus(-2))
    double = sa.select(*(c for c in schema.charges.c if c.name not in ("charge", "item")), sa.literal(2)).where(
        schema.charges.c.competence == oldest
    )
    names = [c.name for c in schema.charges.c if c.name not in ("charge", "item")]
    house.do(sa.delete(schema.charges).where(schema.charges.c.item == 2))
    house.do(sa.insert(schema.charges).from_select([*names, "item"], double))
    seen = doctor_of(house, depth=Depth(calls=0)).examine()
    doubles = [one.facts for one in seen.findings if one.code == "DOC-DUP"]
    assert doubles == [{"what": "charges", "count": 1, "contracts": [f"4711 ({oldest})"]}]
    assert ("never_twice", "DOC-IDX") in codes(seen.findings)


# --- Workers ---------------------------------------------------------------------------------------------------------


def test_items_that_wait_without_any_worker_are_found(house: House) -> None:
    house.batches.open(OCTOBER, ["4711", "4712"], snapshot=1, actor=ANA, now=NOW, request_key=None)
    assert [(one.code, one.facts) for one in examine(house).findings] == [("DOC-TRB", {"count": 2})]
    a_worker(house)
    assert examine(house).ok


def test_dead_worker_is_a_note_and_repair_hands_back_what_it_held(house: House) -> None:
    house.batches.open(OCTOBER, ["4711", "4712"], snapshot=1, actor=ANA, now=LONG_AGO, request_key=None)
    a_worker(house, beat=LONG_AGO)
    house.work.claim("w", now=LONG_AGO, limit=10, batch=None, slow=False)
    count, after = mend(house, "DOC-LOC")
    assert (count, codes(after.findings), after.notes) == (2, [("worker", "DOC-TRB")], ())


def test_repair_leaves_a_worker_that_is_alive_alone(house: House) -> None:
    house.batches.open(OCTOBER, ["4711"], snapshot=1, actor=ANA, now=NOW, request_key=None)
    a_worker(house)
    a_worker(house, beat=LONG_AGO, owner="dead")
    house.work.claim("w", now=NOW, limit=10, batch=None, slow=False)
    assert mend(house, "DOC-LOC") == (0, Diagnosis((), ()))
    assert [one.running for one in house.work.workers(NOW)] == [1]


def test_paused_batch_is_a_note_and_its_items_do_not_ask_for_a_worker(house: House) -> None:
    opened = house.batches.open(OCTOBER, ["4711"], snapshot=1, actor=ANA, now=NOW, request_key=None)
    assert opened.batch
    house.work.pause(opened.batch, "SUM-401", now=NOW)
    seen = examine(house)
    assert seen.ok
    assert [one.facts for one in seen.notes] == [{"batch": opened.batch, "code": "SUM-401"}]


def test_item_that_runs_in_nobodys_hands_is_found(house: House) -> None:
    house.batches.open(OCTOBER, ["4711"], snapshot=1, actor=ANA, now=NOW, request_key=None)
    house.do(sa.update(schema.items).values(outcome="running", owner="gone"))
    assert codes(examine(house).findings) == [("worker", "DOC-PRE")]
    a_worker(house)
    assert mend(house, "DOC-PRE") == (1, Diagnosis((), ()))


# --- Batches that stand still ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["running", "waiting"])
def test_batch_that_seems_to_run_though_all_is_done_is_mended(house: House, status: str) -> None:
    batch = house.bill({"4711": some_calls(10_000)})
    house.do(sa.update(schema.batches).values(status=status, ended_at=None))
    assert mend(house, "DOC-LOT") == (1, Diagnosis((), ()))
    assert house.batches.show(batch).status == "done"


def test_batch_that_seems_done_though_something_waits_is_mended(house: House) -> None:
    house.batches.open(OCTOBER, ["4711"], snapshot=1, actor=ANA, now=NOW, request_key=None)
    a_worker(house)
    house.do(sa.update(schema.batches).values(status="done", ended_at=NOW))
    assert mend(house, "DOC-LOT") == (1, Diagnosis((), ()))
    assert [one.status for one in house.batches.newest()] == ["waiting"]


def test_try_that_a_wrong_clock_put_far_ahead_is_brought_forward(house: House) -> None:
    house.batches.open(OCTOBER, ["4711", "4712"], snapshot=1, actor=ANA, now=NOW, request_key=None)
    a_worker(house)
    items = schema.items
    house.do(sa.update(items).where(items.c.contract == "4711").values(next_try_at=NOW + timedelta(days=400)))
    house.do(sa.update(items).where(items.c.contract == "4712").values(next_try_at=NOW + timedelta(hours=24)))
    assert mend(house, "DOC-FUT") == (1, Diagnosis((), ()))
    assert house.work.next_due(batch=None) == NOW


@pytest.mark.parametrize("holds", [False, True])
def test_batch_in_which_nothing_moves_though_a_worker_lives_is_found(house: House, holds: bool) -> None:
    opened = house.batches.open(OCTOBER, ["4711"], snapshot=1, actor=ANA, now=LONG_AGO, request_key=None)
    a_worker(house)
    if holds:
        house.work.claim("w", now=LONG_AGO, limit=10, batch=None, slow=False)
    found = [(one.code, one.facts) for one in examine(house).findings]
    assert found == [("DOC-PAR", {"batch": opened.batch, "minutes": 20})]


def test_batch_that_waits_for_its_next_try_is_not_stuck(house: House) -> None:
    house.batches.open(OCTOBER, ["4711"], snapshot=1, actor=ANA, now=LONG_AGO, request_key=None)
    a_worker(house)
    house.do(sa.update(schema.items).values(next_try_at=NOW + timedelta(minutes=1)))
    assert examine(house).ok


# --- Clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [timedelta(seconds=11), timedelta(seconds=-11)])
def test_worker_whose_clock_is_off_by_more_than_its_lease_is_found(house: House, off: timedelta) -> None:
    a_worker(house, beat=NOW + off, noted=NOW)
    assert [(one.code, one.facts) for one in examine(house).findings] == [
        ("DOC-RPR", {"host": "h", "pid": 7, "seconds": 11})
    ]


def test_worker_that_died_with_its_clock_ahead_is_given_up_by_repair(house: House) -> None:
    house.batches.open(OCTOBER, ["4711"], snapshot=1, actor=ANA, now=LONG_AGO, request_key=None)
    a_worker(house, beat=NOW + timedelta(days=1), noted=LONG_AGO)
    house.work.claim("w", now=NOW - timedelta(minutes=1), limit=10, batch=None, slow=False)
    count, after = mend(house, "DOC-LOC")
    assert (count, codes(after.findings)) == (1, [("worker", "DOC-TRB")])


def test_heartbeat_carries_the_workers_clock_beside_the_ledgers(house: House) -> None:
    now = house.database.clock()
    house.work.heartbeat("w", host="h", pid=7, now=now, lease_until=now + timedelta(seconds=10))
    assert "DOC-RPR" not in {one.code for one in examine(house, now=now).findings}
    wrong = now - timedelta(hours=1)
    house.work.heartbeat("w", host="h", pid=7, now=wrong, lease_until=wrong + timedelta(seconds=10))
    assert "DOC-RPR" in {one.code for one in examine(house, now=now).findings}


def test_clock_of_the_ledger_that_is_not_ours_is_found(home: House) -> None:
    seen = doctor_of(home, ledger_clock=NOW + timedelta(seconds=11)).examine()
    assert [(one.check, one.code, one.facts) for one in seen.findings] == [("clock", "DOC-RLV", {"seconds": 11})]
    assert doctor_of(home, ledger_clock=NOW + timedelta(seconds=9)).examine().ok


def test_clock_of_the_platform_that_is_not_ours_is_found(home: House) -> None:
    seen = examine(home, platform=Platform(clock=NOW - timedelta(minutes=6)))
    assert [(one.code, one.facts) for one in seen.findings] == [("DOC-RPL", {"seconds": 360})]
    assert examine(home, platform=Platform(clock=NOW - timedelta(minutes=4))).ok
    assert examine(home, platform=Platform(clock=None)).ok


def test_clock_that_went_back_is_found_and_a_note_once_the_platform_says_that_it_is_right(billed_home: House) -> None:
    yesterday = NOW - timedelta(days=1)
    seen = examine(billed_home, now=yesterday, platform=Platform(clock=None))
    assert [(one.code, one.facts) for one in seen.findings] == [("DOC-RET", {"seconds": 86_400})]
    assert codes(examine(billed_home, now=yesterday).notes) == [("clock", "DOC-ADI")]
    assert examine(billed_home, now=NOW - timedelta(seconds=9)) == Diagnosis((), ())


# --- Platform, disk, settings, snapshots --------------------------------------------------------------------------


def test_settings_that_the_doctor_is_told_of_are_shown(home: House) -> None:
    odd = [Observation("settings", "DOC-DES", {"setting": "STFC_HOEM"})]
    odd.append(Observation("settings", "CFG-INV", {"setting": "STFC_HEARTBEAT", "cause": "heartbeat"}))
    seen = doctor_of(home, settings=odd).examine()
    assert (codes(seen.findings), codes(seen.notes)) == ([("settings", "CFG-INV")], [("settings", "DOC-DES")])


def test_token_that_the_platform_refuses_is_found(home: House) -> None:
    refusing = Platform(token=CredentialsRefusedError(status=401))
    assert codes(examine(home, platform=refusing).findings) == [("platform", "SUM-401")]


@pytest.mark.parametrize(
    "answer", [FileNotAvailableError(contract="x", competence="2026-10"), ConnectionBrokenError(cause="cut")]
)
def test_any_other_answer_says_nothing_against_the_token(home: House, answer: Exception) -> None:
    assert examine(home, platform=Platform(token=answer)).ok


def test_platform_that_takes_its_time_gets_a_note(home: House) -> None:
    seen = examine(home, platform=Platform(latency_ms=2_600.4))
    assert (seen.findings, [one.facts for one in seen.notes]) == ((), [{"milliseconds": 2600}])


def test_address_that_is_none_is_a_matter_of_settings(home: House) -> None:
    wrong = SettingsError(setting="STFC_SUMMIT_URL", cause="address")
    assert codes(examine(home, platform=wrong).findings) == [("settings", "CFG-INV")]


@pytest.mark.parametrize("error", [NoPlatformError(), ConnectionBrokenError(cause="x")])
def test_platform_that_does_not_answer_is_found(home: House, error: NoPlatformError) -> None:
    assert codes(examine(home, platform=error).findings) == [("platform", error.code)]


def test_folder_that_cannot_be_written_is_found(home: House, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = examine(home, places=[tmp_path, tmp_path / "file" / "calls"]).findings
    assert [one.code for one in found] == ["DOC-GRV"]
    assert not list(tmp_path.glob(".doctor-*"))


def test_kept_snapshot_that_is_gone_is_found(home: House) -> None:
    shutil.rmtree(snapshots_of(home).folder(1))
    assert codes(examine(home).findings) == [("snapshot", "DOC-SNP")]


def test_table_of_the_current_snapshot_that_is_gone_or_broken_is_found(home: House) -> None:
    folder = snapshots_of(home).folder(1)
    (folder / "lines.parquet").unlink()
    (folder / "contracts.parquet").write_bytes(b"PAR1 no more")
    found = {one.facts["table"]: one.code for one in examine(home).findings}
    assert found == {"contracts": "DOC-TAB", "lines": "DOC-TAB"}


def test_table_of_the_current_snapshot_that_lost_rows_is_found(home: House) -> None:
    home.do(sa.update(schema.snapshots).values(rows='{"contracts": 4}'))
    (found,) = examine(home).findings
    assert (found.code, found.facts["rows"], found.facts["expected"]) == ("DOC-TLI", 3, 4)


def test_old_data_of_the_erp_get_a_note(home: House) -> None:
    late = NOW + timedelta(days=36)
    seen = examine(home, now=late)
    assert (seen.findings, [one.facts for one in seen.notes]) == ((), [{"snapshot": 1, "days": 36}])
    assert examine(home, now=NOW + timedelta(days=34)) == Diagnosis((), ())


@pytest.mark.parametrize("name", ["000002", ".000002-0123456789abcdef0123456789abcdef"])
def test_folder_of_a_killed_import_is_a_note_while_young_and_removed_when_old(home: House, name: str) -> None:
    root = snapshots_of(home).root
    shutil.copytree(root / "000001", root / name)
    age(root / name, timedelta(minutes=5))
    assert [(one.code, one.facts["paths"]) for one in examine(home).notes] == [("DOC-REN", [name])]
    age(root / name, timedelta(hours=2))
    assert mend(home, "DOC-RES") == (1, Diagnosis((), ()))
    assert [path.name for path in root.iterdir()] == ["000001"]


def test_what_is_not_ours_among_the_snapshots_is_left_alone(home: House) -> None:
    mine = snapshots_of(home).root / "notes"
    mine.mkdir()
    age(mine, timedelta(days=2))
    assert examine(home) == Diagnosis((), ())


def test_home_without_import_gets_a_note(home: House) -> None:
    home.do(sa.update(schema.state).values(snapshot=None))
    assert (examine(home).findings, codes(examine(home).notes)) == ((), [("snapshot", "DOC-IMP")])


# --- Repair ---------------------------------------------------------------------------------------------------------


def test_repair_leaves_a_line_in_the_audit_trail(billed_home: House) -> None:
    an_orphan(billed_home, timedelta(hours=2))
    mend(billed_home, "DOC-ORF")
    with billed_home.database.read() as connection:
        last = connection.execute(sa.select(schema.audit).order_by(schema.audit.c.seq.desc())).first()
    assert last is not None
    assert (last.who, last.action, last.target) == ("ana", "doctor.repair", "sweep_orphans")
    assert last.facts == '{"count": 1}'


def test_repair_of_a_healthy_house_does_nothing(billed_home: House) -> None:
    doctor = doctor_of(billed_home)
    assert doctor.repair(doctor.examine(), ANA) == []


def test_repair_that_fails_keeps_no_other_from_being_done(home: House) -> None:
    def refuse() -> int:
        raise StorageError(place="calls", cause="read-only")

    doctor = doctor_of(home)
    doctor._repairs = {**doctor._repairs, "sweep_orphans": refuse}
    a_worker(home, beat=LONG_AGO)
    seen = Diagnosis((Observation("orphans", "DOC-ORF"),), doctor.examine().notes)
    swept, freed = doctor.repair(seen, ANA)
    assert (swept.action, swept.count, type(swept.error)) == ("sweep_orphans", 0, StorageError)
    assert (freed.action, freed.error) == ("free_leases", None)
    assert examine(home) == Diagnosis((), ())


def test_supervisor_repairs_nothing(home: House) -> None:
    doctor = doctor_of(home)
    with pytest.raises(NotAllowedError):
        doctor.repair(doctor.examine(), Actor("eva", "supervisor", "terminal"))


def test_every_action_is_of_something_seen_and_has_a_sentence() -> None:
    assert set(ACTIONS) | NOTES <= set(text.DOCTOR)
    assert set(ACTIONS.values()) == set(text.REPAIRED)


# --- Sentences -----------------------------------------------------------------------------------------------------


def test_every_observation_has_a_sentence_without_holes(billed: House) -> None:
    """Break everything at once; no sentence may show a dash where a fact should stand."""
    billed.do(sa.text("DROP INDEX one_live_charge"))
    billed.do(sa.text("DROP INDEX one_live_item"))
    billed.do(sa.update(schema.items).values(reversed=False))
    billed.do(sa.update(schema.charges).values(status="live", amount=1))
    billed.do(sa.update(schema.eventual_values).values(deleted=False))
    billed.do(sa.update(schema.zero_events).values(reversed=True))
    seen = examine(billed, platform=NoPlatformError())
    sentences = [text.observation(one) for one in (*seen.findings, *seen.notes)]
    assert len(sentences) > 5
    assert not [one for one in sentences if "—" in one]
    assert {one.check for one in seen.findings} <= set(text.CHECKS)
    assert {one.code for one in seen.findings} <= set(text.DOCTOR_REPAIRS)


def test_row_of_an_item_that_does_not_exist_is_damage_in_sqlite(home: House, tmp_path: Path) -> None:
    home.bill({"4711": some_calls(10_000)})
    with sqlite3.connect(tmp_path / "home" / "ledger.db") as connection:
        connection.execute("UPDATE charges SET item = 99")
    assert ("ledger", "DOC-INT") in codes(examine(home).findings)
