"""The doctor over real ledgers and parts: silent while all adds up, precise when something does not."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from stfc.adapters.calls.health import ParquetCallDoctor
from stfc.adapters.disk import LocalDisk
from stfc.adapters.ledger import schema
from stfc.adapters.ledger.health import SqlLedgerDoctor
from stfc.domain import text
from stfc.errors import ConnectionBrokenError, NoPlatformError
from stfc.services.health import Diagnosis, Doctor
from stfc.services.ports import Observation, PlatformHealth, SummitGateway
from tests.house import ANA, NOW, OCTOBER, House, a_house


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'ledger.db'}" if is_sqlite else request.getfixturevalue("postgres_url")
    made = a_house(url, tmp_path / "calls")
    yield made
    made.database.dispose()


class Platform(SummitGateway):
    """A platform of which only its health is asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def __aenter__(self) -> "Platform":
        return self

    async def __aexit__(self, *exc: object) -> None: ...

    async def health(self) -> PlatformHealth:
        if self._error:
            raise self._error
        return PlatformHealth("1", 1.0)


@dataclass(frozen=True)
class Snapshots:
    """Where snapshots stand."""

    root: Path = field(default_factory=Path.cwd)

    def folder(self, number: int) -> Path:
        return self.root if number == 1 else self.root / "nowhere"


def examine(house: House, *, platform: Exception | None = None, places: Sequence[Path] = ()) -> Diagnosis:
    return Doctor(
        ledger=SqlLedgerDoctor(house.database),
        parts=ParquetCallDoctor(house.store),
        calls=house.store,
        snapshots=Snapshots(),  # type: ignore[arg-type]
        work=house.work,
        disk=LocalDisk(),
        places=places or [house.store.root],
        gateway=lambda: Platform(platform),
        clock=lambda: NOW,
    ).examine()


def codes(observations: Sequence[Observation]) -> list[tuple[str, str]]:
    return [(one.check, one.code) for one in observations]


def some_calls(*amounts: int) -> list[dict[str, object]]:
    return [{"amount": amount} for amount in amounts]


@pytest.fixture
def billed(house: House) -> House:
    """A house in which everything that can happen has happened."""
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


def test_missing_part_is_found(billed: House) -> None:
    part = next(billed.store.root.rglob("*.parquet"))
    part.unlink()
    (found,) = examine(billed).findings
    assert (found.check, found.code) == ("parts", "DOC-PRT")
    assert part.name in found.facts["path"]


def test_part_of_another_size_is_found(billed: House) -> None:
    part = next(billed.store.root.rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-1])
    assert codes(examine(billed).findings) == [("parts", "DOC-TAM")]


def test_part_of_the_right_size_that_cannot_be_read_is_found(billed: House) -> None:
    part = next(billed.store.root.rglob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    assert codes(examine(billed).findings) == [("parts", "DOC-PRT")]


@pytest.mark.parametrize(("age", "kind"), [(timedelta(minutes=5), "notes"), (timedelta(hours=2), "findings")])
def test_file_that_nobody_lists_is_a_note_while_young(billed: House, age: timedelta, kind: str) -> None:
    for path in billed.store.root.rglob("*.parquet"):
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    orphan = billed.store.root / "competence=2026-10" / "part-lost.parquet"
    orphan.write_bytes(b"lost")
    written = (NOW - age).timestamp()
    os.utime(orphan, (written, written))
    seen = examine(billed)
    assert {"notes": seen.notes, "findings": seen.findings}[kind][0].facts == {
        "count": 1,
        "paths": ["competence=2026-10/part-lost.parquet"],
    }
    assert len(seen.notes) + len(seen.findings) == 1


# --- Workers, platform, snapshot, disk -----------------------------------------------------------------------------


def test_items_that_wait_without_any_worker_are_found(house: House) -> None:
    house.batches.open(OCTOBER, ["4711", "4712"], snapshot=1, actor=ANA, now=NOW, request_key=None)
    assert [(one.code, one.facts) for one in examine(house).findings] == [("DOC-TRB", {"count": 2})]
    house.work.heartbeat("w", host="h", pid=1, now=NOW, lease_until=NOW + timedelta(seconds=10))
    assert examine(house).ok


def test_dead_lease_is_a_note(house: House) -> None:
    long_ago = NOW - timedelta(minutes=5)
    house.work.heartbeat("w", host="h", pid=1, now=long_ago, lease_until=long_ago + timedelta(seconds=10))
    seen = examine(house)
    assert (codes(seen.findings), codes(seen.notes)) == ([], [("worker", "DOC-LOC")])


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


@pytest.mark.parametrize("error", [NoPlatformError(), ConnectionBrokenError(cause="x")])
def test_platform_that_does_not_answer_is_found(house: House, error: NoPlatformError) -> None:
    assert codes(examine(house, platform=error).findings) == [("platform", error.code)]


def test_folder_that_cannot_be_written_is_found(house: House, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = examine(house, places=[tmp_path, tmp_path / "file" / "calls"]).findings
    assert [one.code for one in found] == ["DOC-GRV"]
    assert not list(tmp_path.glob(".doctor-*"))


def test_current_snapshot_that_is_gone_is_found(house: House) -> None:
    house.do(sa.update(schema.state).values(snapshot=2))
    assert codes(examine(house).findings) == [("snapshot", "DOC-SNP")]


def test_home_without_import_gets_a_note(house: House) -> None:
    house.do(sa.update(schema.state).values(snapshot=None))
    assert (examine(house).findings, codes(examine(house).notes)) == ((), [("snapshot", "DOC-IMP")])


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


def test_row_of_an_item_that_does_not_exist_is_damage_in_sqlite(tmp_path: Path) -> None:
    house = a_house(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path / "calls")
    house.bill({"4711": some_calls(10_000)})
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE charges SET item = 99")
    assert ("ledger", "DOC-INT") in codes(examine(house).findings)
    house.database.dispose()
