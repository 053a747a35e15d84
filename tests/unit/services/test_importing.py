"""The use case *import* on stand-ins (ERP_IMPORT)."""

from pathlib import Path

import pytest

from stfc.errors import ImportRefusedError
from stfc.services.importing import Importing
from stfc.services.ports import Actor
from tests.fakes import FakeSnapshots, clock

ANA = Actor("ana", "operator", "terminal")


def _importing(snapshots: FakeSnapshots) -> Importing:
    return Importing(snapshots, snapshots, clock, keep=24)  # type: ignore[arg-type]


def test_a_dump_becomes_the_current_snapshot() -> None:
    snapshots = FakeSnapshots()
    imported = _importing(snapshots).run(Path("dump"), ANA)
    assert (imported.snapshot, imported.rows, snapshots.number) == (2, {"contracts": 1}, 2)
    assert snapshots.staged == [(2, 1)]


def test_a_refused_dump_gives_its_number_back() -> None:
    snapshots = FakeSnapshots(refuses=ImportRefusedError(problems=[]))
    with pytest.raises(ImportRefusedError):
        _importing(snapshots).run(Path("dump"), ANA)
    assert (snapshots.given_back, snapshots.number) == ([2], 1)


def test_an_import_overtaken_by_another_is_staged_again_on_top_of_it() -> None:
    snapshots = FakeSnapshots(moves=1)
    imported = _importing(snapshots).run(Path("dump"), ANA)
    assert snapshots.staged == [(2, 1), (4, 3)]
    assert (imported.snapshot, snapshots.discarded) == (4, [2])
