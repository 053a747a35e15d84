"""Large downloads: written aside, taken by token, gone when nobody wants them (PRODUCT 8)."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from stfc.adapters.disk import LocalScratch
from stfc.adapters.documents.tables import FileTables
from stfc.errors import StorageError
from stfc.services.downloads import Download, Downloads, DownloadState
from stfc.services.ports import ExportFormat, TableSource

TABLE = pa.table({"n": range(10)})
WAIT = 20.0


@pytest.fixture
def downloads(tmp_path: Path) -> Iterator[Downloads]:
    made = Downloads(FileTables(), LocalScratch(tmp_path / "tmp"), pause=0.01, grace=0.0)
    yield made
    made.close(WAIT)
    assert not list((tmp_path / "tmp").glob("*"))
    assert not [one for one in threading.enumerate() if one.name == "stfc-download"]


class Slow:
    """Rows that come when they are let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> TableSource:
        return TableSource("rows", TABLE.schema, self._batches())

    def _batches(self) -> Iterator[pa.Table]:
        yield TABLE
        self.asked.set()
        assert self.go_on.wait(WAIT)
        yield TABLE


def start(
    downloads: Downloads, make: Callable[[], TableSource], *, is_wanted: Callable[[], bool] = lambda: True
) -> Download:
    return downloads.start("rows", make, ExportFormat.CSV, total=20, is_wanted=is_wanted)


def wait_until(holds: Callable[[], bool]) -> None:
    tick, turns = threading.Event(), int(WAIT / 0.01)
    assert any(holds() or tick.wait(0.01) for _ in range(turns))


def ready(downloads: Downloads) -> Download:
    slow = Slow()
    slow.go_on.set()
    download = start(downloads, slow)
    wait_until(lambda: download.state is not DownloadState.WRITING)
    return download


def test_a_download_tells_its_rows_and_is_taken_whole(downloads: Downloads) -> None:
    slow = Slow()
    download = start(downloads, slow)
    assert slow.asked.wait(WAIT)
    assert (download.rows, download.state) == (10, DownloadState.WRITING)
    assert downloads.taken(download.token) is None
    slow.go_on.set()
    wait_until(lambda: download.state is DownloadState.READY)
    found = downloads.taken(download.token)
    assert found is not None
    body = b"".join(found[1])
    assert body.decode().split() == ["n", *map(str, [*range(10), *range(10)])]
    assert (download.rows, download.size, download.file_name) == (20, len(body), "rows.csv")


def test_a_bundle_is_one_zip_of_its_tables_and_the_same_bytes_twice(downloads: Downloads) -> None:
    def make() -> list[TableSource]:
        return [TableSource(name, TABLE.schema, [TABLE]) for name in ("charges", "fiscal")]

    bodies = []
    for _ in range(2):
        download = downloads.start_bundle("month", make, ExportFormat.CSV, total=10, is_wanted=lambda: True)
        wait_until(lambda one=download: one.state is DownloadState.READY)
        assert (download.rows, download.file_name) == (10, "month.zip")
        found = downloads.taken(download.token)
        assert found is not None
        bodies.append(b"".join(found[1]))
    assert bodies[0] == bodies[1]
    with zipfile.ZipFile(io.BytesIO(bodies[0])) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["charges.csv", "fiscal.csv"]
        assert archive.read("fiscal.csv").decode().split() == ["n", *map(str, range(10))]


def test_a_cancelled_download_ends_with_its_thread_and_file(downloads: Downloads) -> None:
    slow = Slow()
    download = start(downloads, slow)
    assert slow.asked.wait(WAIT)
    download.discard()
    slow.go_on.set()
    assert download.join(WAIT)
    assert download.state is DownloadState.GONE
    assert downloads.taken(download.token) is None


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_closed_tab_ends_its_download(downloads: Downloads, is_finished: bool) -> None:
    tab, slow = threading.Event(), Slow()
    download = start(downloads, slow, is_wanted=lambda: not tab.is_set())
    assert slow.asked.wait(WAIT)
    if is_finished:
        slow.go_on.set()
        wait_until(lambda: download.state is DownloadState.READY)
    tab.set()
    slow.go_on.set()
    assert download.join(WAIT)
    assert download.state is DownloadState.GONE


def test_who_has_begun_to_take_a_file_gets_it_whole(downloads: Downloads) -> None:
    download = ready(downloads)
    found = downloads.taken(download.token)
    assert found is not None
    download.discard()
    assert download.join(WAIT)
    assert len(b"".join(found[1])) == download.size


def test_a_download_is_only_had_by_its_own_token(downloads: Downloads) -> None:
    one, other = ready(downloads), ready(downloads)
    assert one.token != other.token
    assert downloads.taken(one.token[:-1]) is None
    one.discard()
    assert downloads.taken(one.token) is None
    found = downloads.taken(other.token)
    assert found is not None
    assert found[0] is other
    assert len(b"".join(found[1])) == other.size


def test_a_download_that_fails_says_why(downloads: Downloads) -> None:
    def broken() -> TableSource:
        raise StorageError(place="calls", cause="gone")

    download = start(downloads, broken)
    assert download.join(WAIT)
    assert download.state is DownloadState.FAILED
    assert isinstance(download.error, StorageError)


def test_of_many_downloads_two_are_written_at_a_time(downloads: Downloads) -> None:
    slow = [Slow() for _ in range(3)]
    begun = [start(downloads, one) for one in slow]
    wait_until(lambda: sum(one.asked.is_set() for one in slow) == 2)
    waits = next(place for place, one in enumerate(slow) if not one.asked.is_set())
    assert begun[waits].rows == 0
    for one in slow:
        one.go_on.set()
    wait_until(lambda: all(one.state is DownloadState.READY for one in begun))
