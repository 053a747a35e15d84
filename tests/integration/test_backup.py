"""Backups of a home at work, and what restoring them brings back (ARCHITECTURE, command line, *backup*, *restore*)."""

import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from stfc import bootstrap
from stfc.adapters.backup import LocalHome, TarArchive
from stfc.adapters.ledger import schema
from stfc.adapters.ledger.copies import SqliteCopies
from stfc.bootstrap import Application
from stfc.domain import text
from stfc.errors import HomeVersionError, NotPossibleError, StfcError, StorageError
from stfc.services.backup import Backup
from stfc.services.ports import LedgerCopy
from tests.builders import a_dump, contract_row
from tests.house import ANA, NOW, House, house_at

CALLS = [{"amount": 10_000}]


@dataclass(frozen=True)
class Place:
    """Where homes are made; each has a platform in a folder of its own, so that the doctor has nothing to say."""

    folder: Path

    def settings(self, name: str, **more: Any) -> Any:
        platform = self.folder / "platform"
        platform.mkdir(exist_ok=True)
        return bootstrap.settings(home=self.folder / name, summit_dir=platform, **more)

    def open(self, name: str, **more: Any) -> Application:
        return bootstrap.build(self.settings(name, **more))

    def restore(self, file: Path, name: str, **more: Any) -> Application:
        bootstrap.restoring(self.settings(name, **more)).run(file, ANA)
        return self.open(name, **more)


def house_of(application: Application) -> House:
    return house_at(application.database, application.settings.calls_root)


def billed_at(place: Place, name: str = "home") -> Application:
    application = place.open(name)
    erp = a_dump(place.folder / "erp", contracts=[contract_row(str(number)) for number in range(4711, 4714)])
    application.importing.run(erp, ANA)
    house = house_of(application)
    house.reverse(house.bill({"4711": CALLS, "4712": []}), "4711")
    house.bill({"4711": CALLS, "4713": CALLS}, held=["4713"])
    return application


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def application(place: Place) -> Iterator[Application]:
    """A home in which things happened."""
    made = billed_at(place)
    yield made
    made.database.dispose()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of such a home, to be broken; copy it."""
    folder = tmp_path_factory.mktemp("archive")
    application = billed_at(Place(folder))
    application.backup.make(folder / "backup.tar", ANA)
    application.database.dispose()
    return folder / "backup.tar"


def said(application: Application) -> dict[str, list[sa.Row[Any]]]:
    """The ledger's tables, without what a backup and a restore write themselves."""
    own = {"state", "audit", "workers"}
    with application.database.read() as connection:
        return {
            table.name: list(connection.execute(sa.select(table).order_by(*table.primary_key.columns)))
            for table in schema.metadata.sorted_tables
            if table.name not in own
        }


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def is_refused(call: Callable[[], object]) -> str:
    with pytest.raises(NotPossibleError) as refused:
        call()
    assert text.error(refused.value)
    return str(refused.value.facts["cause"])


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# --- Whole --------------------------------------------------------------------------------------------------------


def test_restored_home_is_the_home_that_was_backed_up(application: Application, place: Place) -> None:
    application.compaction.run_all()
    before = said(application)
    done = application.backup.make(place.folder / "backup.tar", ANA)
    again = place.restore(place.folder / "backup.tar", "again")
    assert said(again) == before
    assert files(again.settings.snapshots_root) == files(application.settings.snapshots_root)
    live = application.reader.live_calls()
    assert again.calls.scan(again.reader.live_calls()).collect().equals(application.calls.scan(live).collect())
    assert again.doctor.examine(None).findings == ()
    assert again.doctor.examine(None).notes == ()
    assert [one.competence for one in again.compaction.run_all()] == []
    assert done.copy.parts == live.parts


def test_backup_has_the_parts_that_the_ledger_lists_and_no_others(application: Application, place: Place) -> None:
    application.compaction.run_all()
    (application.settings.calls_root / "competence=2026-10" / "part-lost.parquet").write_bytes(b"lost")
    application.backup.make(place.folder / "backup.tar", ANA)
    with tarfile.open(place.folder / "backup.tar") as tar:
        names = {name.removeprefix("calls/") for name in tar.getnames() if "part-" in name}
    assert names == {part.path for part in application.reader.live_calls().parts}


def test_both_leave_a_line_in_the_audit_trail(application: Application, place: Place) -> None:
    done = application.backup.make(place.folder / "backup.tar", ANA)
    again = place.restore(place.folder / "backup.tar", "again")
    last = sa.select(schema.audit.c.action, schema.audit.c.target).order_by(schema.audit.c.seq.desc())
    with application.database.read() as connection:
        assert connection.execute(last).first() == ("home.backup", "backup.tar")
    with again.database.read() as connection:
        assert connection.execute(last).first() == ("home.restore", "backup.tar")
    assert done.archived.size == (place.folder / "backup.tar").stat().st_size


def test_what_workers_held_at_that_moment_waits_again(application: Application, place: Place) -> None:
    house = house_of(application)
    opened = application.batches.open(
        bootstrap.Competence(2026, 9), ["4712"], snapshot=1, actor=ANA, now=NOW, request_key=None
    )
    lease = application.database.clock().replace(year=2100)
    house.work.heartbeat("w", host="h", pid=1, now=NOW, lease_until=lease)
    assert house.work.claim("w", now=NOW, limit=10, batch=opened.batch, slow=False)
    application.backup.make(place.folder / "backup.tar", ANA)
    again = place.restore(place.folder / "backup.tar", "again")
    assert again.work.workers(NOW) == []
    assert opened.batch
    assert again.batches.show(opened.batch).outcomes["waiting"] == 1
    assert application.batches.show(opened.batch).outcomes["running"] == 1


def test_calls_and_ledger_may_stand_elsewhere(application: Application, place: Place) -> None:
    application.backup.make(place.folder / "backup.tar", ANA)
    elsewhere = {
        "calls_path": place.folder / "far" / "calls",
        "ledger_url": f"sqlite:///{place.folder / 'db' / 'stfc.db'}",
    }
    again = place.restore(place.folder / "backup.tar", "again", **elsewhere)
    assert again.doctor.examine().ok
    assert left_in(place.folder / "far") == ["calls"]
    assert sorted(left_in(place.folder / "again")) == ["format", "snapshots"]


def test_backups_of_a_home_at_work_are_each_of_one_moment(application: Application, place: Place) -> None:
    house, stop = house_of(application), threading.Event()
    billed: list[int] = []

    def work() -> None:
        while not stop.is_set():
            billed.append(house.bill({f"c-{len(billed)}": CALLS}))
            if len(billed) % 3 == 0:
                application.compaction.run_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(3):
            seen = len(billed)
            application.backup.make(place.folder / f"{number}.tar", ANA)
            while len(billed) < seen + 2 and worker.is_alive():
                stop.wait(0.01)
    finally:
        stop.set()
        worker.join()
    for number in range(3):
        again = place.restore(place.folder / f"{number}.tar", f"again-{number}")
        # What was being billed at that moment waits, and nobody is there yet to do it.
        assert {one.code for one in again.doctor.examine(None).findings} <= {"DOC-TRB"}
        again.database.dispose()
    assert len(billed) >= 6


# --- Refused ------------------------------------------------------------------------------------------------------


def test_part_that_is_not_what_the_ledger_says_is_in_no_backup(application: Application, place: Place) -> None:
    (place.folder / "backup.tar").write_bytes(b"yesterday's")
    part = next(application.settings.calls_root.rglob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    assert is_refused(lambda: application.backup.make(place.folder / "backup.tar", ANA)) == "backup_damaged"
    assert (place.folder / "backup.tar").read_bytes() == b"yesterday's"
    assert left_in(place.folder) == ["backup.tar", "erp", "home", "platform"]


@pytest.mark.parametrize("what", ["part", "snapshot"])
def test_backup_without_something_that_the_ledger_lists_is_refused(
    application: Application, place: Place, what: str
) -> None:
    root = application.settings.calls_root if what == "part" else application.settings.snapshots_root
    next(root.rglob("*.parquet")).unlink()
    if what == "snapshot":
        for path in (root / "000001").iterdir():
            path.unlink()
        (root / "000001").rmdir()
    with pytest.raises(StorageError):
        application.backup.make(place.folder / "backup.tar", ANA)
    assert left_in(place.folder) == ["erp", "home", "platform"]


def test_snapshot_that_an_import_discards_meanwhile_makes_a_new_copy(application: Application, place: Place) -> None:
    application.importing.run(place.folder / "erp", ANA)
    application.importing.run(place.folder / "erp", ANA)

    class Interrupted(SqliteCopies):
        """An import comes between the first copy and the archive."""

        def copy(self, target: Path) -> LedgerCopy:
            copy = super().copy(target)
            application.snapshots.discard(application.snapshot_ledger.discard_old(1))
            return copy

    settings = application.settings
    home = LocalHome(settings.home, ledger=Path(application.database.place), calls=settings.calls_root)
    backup = Backup(
        copies=Interrupted(application.database),
        archive=TarArchive(),
        home=home,
        audit=application.audit,
        clock=application.clock,
    )
    # Snapshot 1 stays, for batches name it; 2 goes; 3 is the current one.
    assert backup.make(place.folder / "backup.tar", ANA).copy.snapshots == (1, 3)
    assert place.restore(place.folder / "backup.tar", "again").doctor.examine().ok


def test_folder_that_is_not_there_is_named(application: Application, place: Place) -> None:
    with pytest.raises(StorageError):
        application.backup.make(place.folder / "nowhere" / "backup.tar", ANA)


@pytest.mark.parametrize("taken", ["again/ledger.db", "again/notes.txt", "again/calls/competence=2026-10/part.parquet"])
def test_home_that_is_not_empty_is_left_alone(archive: Path, place: Place, taken: str) -> None:
    (place.folder / taken).parent.mkdir(parents=True)
    (place.folder / taken).write_text("mine")
    assert is_refused(lambda: place.restore(archive, "again")) == "restore_occupied"
    assert [path.read_text() for path in (place.folder / "again").rglob("*") if path.is_file()] == ["mine"]


def test_settings_and_what_a_killed_restore_left_are_in_nobodys_way(archive: Path, place: Place) -> None:
    (place.folder / "again" / ".restore-0").mkdir(parents=True)
    (place.folder / "again" / ".restore-0" / "ledger.db").write_bytes(b"half")
    (place.folder / "again" / "stfc.toml").write_text("chunks = 3\n")
    assert place.restore(archive, "again").doctor.examine().ok
    assert {"stfc.toml", "ledger.db"} <= set(left_in(place.folder / "again"))
    assert ".restore-0" not in left_in(place.folder / "again")


def test_postgres_has_tools_of_its_own(application: Application, place: Place) -> None:
    postgres = "postgresql+psycopg://nobody@localhost:1/nothing"
    assert is_refused(lambda: bootstrap.restoring(place.settings("again", ledger_url=postgres))) == "restore_postgres"
    copies = SqliteCopies(bootstrap.Database(postgres))
    assert is_refused(lambda: copies.copy(place.folder / "copy")) == "backup_postgres"
    assert not (place.folder / "copy").exists()


# --- Broken -------------------------------------------------------------------------------------------------------


def rewritten(archive: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """The archive with each member as ``change`` gives it, None to leave it out; the manifest as it was."""
    with tarfile.open(archive) as old, tarfile.open(target, "w") as new:
        for info in old:
            content = old.extractfile(info)
            assert content
            changed = change(info.name, content.read())
            if changed is not None:
                info.name, data = changed
                info.size = len(data)
                new.addfile(info, io.BytesIO(data))
    return target


BROKEN: dict[str, Callable[[str, bytes], tuple[str, bytes] | None]] = {
    "ledger missing": lambda name, data: None if name == "ledger.db" else (name, data),
    "part missing": lambda name, data: None if "part-" in name else (name, data),
    "snapshot missing": lambda name, data: None if name.startswith("snapshots/") else (name, data),
    "manifest missing": lambda name, data: None if name == "manifest.json" else (name, data),
    "other content": lambda name, data: (name, data[:-1] + b"X" if name.endswith("lines.parquet") else data),
    "shorter content": lambda name, data: (name, data[:-1] if name == "ledger.db" else data),
    "a name above the home": lambda name, data: ("../format" if name == "format" else name, data),
    "an absolute name": lambda name, data: ("/tmp/format" if name == "format" else name, data),
    "a name twice": lambda name, data: ("ledger.db" if name == "format" else name, data),
    "manifest of another form": lambda name, data: (name, b"[]" if name == "manifest.json" else data),
}


@pytest.mark.parametrize("how", BROKEN)
def test_archive_that_is_not_whole_is_refused_and_leaves_nothing(archive: Path, place: Place, how: str) -> None:
    broken = rewritten(archive, place.folder / "broken.tar", BROKEN[how])
    assert is_refused(lambda: place.restore(broken, "again")) == "restore_broken"
    assert left_in(place.folder / "again") == []
    assert left_in(place.folder) in (["again", "broken.tar", "platform"], ["broken.tar", "platform"])


def test_link_in_an_archive_is_refused(archive: Path, place: Place) -> None:
    with tarfile.open(place.folder / "broken.tar", "w") as tar:
        info = tarfile.TarInfo("ledger.db")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    assert is_refused(lambda: place.restore(place.folder / "broken.tar", "again")) == "restore_broken"


@pytest.mark.parametrize("content", [b"", b"no archive at all" * 100])
def test_file_that_is_no_archive_is_refused(place: Place, content: bytes) -> None:
    (place.folder / "backup.tar").write_bytes(content)
    assert is_refused(lambda: place.restore(place.folder / "backup.tar", "again")) == "restore_broken"


def test_file_that_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(StorageError):
        place.restore(place.folder / "backup.tar", "again")


def test_backup_of_another_version_is_refused(archive: Path, place: Place) -> None:
    """Said by the home's format, as everywhere; the manifest is made to agree."""
    from hashlib import sha256

    was, now = (sha256(one).hexdigest().encode() for one in (b"1", b"9"))

    def newer(name: str, data: bytes) -> tuple[str, bytes]:
        return (name, b"9" if name == "format" else data.replace(was, now) if name == "manifest.json" else data)

    with pytest.raises(HomeVersionError):
        place.restore(rewritten(archive, place.folder / "newer.tar", newer), "again")
    assert left_in(place.folder / "again") == []


@settings(max_examples=25)
@given(at=st.floats(0, 1, exclude_max=True), cut=st.booleans())
def test_archive_with_a_flipped_byte_or_a_lost_end_is_refused_or_gives_the_same(
    archive: Path, tmp_path_factory: pytest.TempPathFactory, at: float, cut: bool
) -> None:
    place, content = Place(tmp_path_factory.mktemp("flip")), archive.read_bytes()
    position = int(at * len(content))
    flipped = content[:position] + (b"" if cut else bytes([content[position] ^ 0x5A]) + content[position + 1 :])
    (place.folder / "broken.tar").write_bytes(flipped)
    try:
        again = place.restore(place.folder / "broken.tar", "again")
    except StfcError:
        again = None
    if again is None:
        assert left_in(place.folder / "again") == []
        return
    whole = place.restore(archive, "whole")
    assert said(again) == said(whole)
    assert files(again.settings.home) == files(whole.settings.home)
    again.database.dispose()
    whole.database.dispose()
