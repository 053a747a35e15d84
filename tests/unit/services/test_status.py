"""Since when a disk refuses, and how often it is asked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from stfc.services.ports import DiskState
from stfc.services.status import DiskTrouble, DiskWatch

NOW = datetime(2026, 11, 24, 17, 21, tzinfo=UTC)
HOME, CALLS = Path("home"), Path("calls")


class Disk:
    """``ports.DiskProbe`` whose ``full`` folders refuse; ``asked`` counts."""

    def __init__(self) -> None:
        self.full: set[Path] = set()
        self.asked = 0

    def look(self, folder: Path) -> DiskState:
        self.asked += 1
        return DiskState(folder, 0, "No space left on device" if folder in self.full else None)


def test_a_full_disk_is_told_with_its_folder_since_it_was_first_seen_until_it_takes_files_again() -> None:
    disk = Disk()
    watch = DiskWatch(disk, (HOME, CALLS))
    assert watch.look(NOW) is None
    disk.full = {CALLS}
    first = NOW + timedelta(seconds=20)
    assert watch.look(first) == DiskTrouble(CALLS, "No space left on device", first)
    assert watch.look(first + timedelta(minutes=5)) == DiskTrouble(CALLS, "No space left on device", first)
    disk.full = set()
    assert watch.look(first + timedelta(minutes=6)) is None


def test_the_disk_is_asked_no_more_often_than_every_ten_seconds() -> None:
    disk = Disk()
    watch = DiskWatch(disk, (HOME,))
    for seconds in range(30):
        watch.look(NOW + timedelta(seconds=seconds))
    assert disk.asked == 3
