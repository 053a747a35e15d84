"""Large downloads: a file is written aside while the screen shows how far it is, and stays until it is taken or nobody
is there any more (PRODUCT 8).

Each download has one thread, and a file without a name: whatever ends them, the process included, leaves nothing.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

import pyarrow as pa
import structlog

from stfc.errors import StfcError
from stfc.services.ports import ExportFormat, Scratch, ScratchFile, TableSource, TableWriter

_AT_ONCE = 2
"""Files that are written at a time; the others wait their turn."""
_STEPS = {ExportFormat.CSV: 50_000, ExportFormat.PARQUET: 50_000, ExportFormat.XLSX: 2_000}
"""Rows between two looks at whether to go on: some tenths of a second."""
_PAUSE = 1.0
_GRACE = 15.0
"""Seconds that a screen may be away: a broken connection is back by then, a closed tab is not."""
_KEPT = 3_600.0
"""Seconds that a finished file is kept for a screen that stays open."""
log = structlog.get_logger("stfc.downloads")


class DownloadState(StrEnum):
    """Where a download stands. ``GONE`` is one that was cancelled, discarded, left alone or kept long enough."""

    WRITING = "writing"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


class _StoppedError(Exception):
    """Nobody wants the file any more."""


class Download:
    """A file on its way. What it says of itself may be read from any thread.

    ``token`` names it in its address and cannot be guessed; ``rows`` of ``total`` are written, of a bundle those of its
    first table; ``size`` in bytes, and ``error`` (None for a defect of ours, which the log has), are known at its end.
    """

    def __init__(self, name: str, form: ExportFormat, total: int, *, is_bundle: bool = False) -> None:
        self.token = secrets.token_urlsafe(24)
        self.name = name
        self.form = form
        self.total = total
        self.is_bundle = is_bundle
        self.rows = 0
        self.size = 0
        self._state = DownloadState.WRITING
        self.error: StfcError | None = None
        self._stop = threading.Event()
        self._file: ScratchFile | None = None
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> DownloadState:
        """Where it stands."""
        return DownloadState.GONE if self._stop.is_set() else self._state

    @property
    def file_name(self) -> str:
        """``registros.csv``, of a bundle ``contabilidade.zip``."""
        return f"{self.name}.{'zip' if self.is_bundle else self.form}"

    def discard(self) -> None:
        """Stop writing, or let the file go; at once for who looks, at the next step for thread and disk."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait until its thread has ended; whether it has."""
        if self._thread:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()


class Downloads:
    """The use case *download a large table*, for every role; what is in it, the screen has masked."""

    def __init__(
        self,
        writer: TableWriter,
        scratch: Scratch,
        *,
        pause: float = _PAUSE,
        grace: float = _GRACE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``pause`` is the time between two looks at a finished file, ``now`` a clock of seconds."""
        self._writer = writer
        self._scratch = scratch
        self._pause = pause
        self._grace = grace
        self._now = now
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._live: dict[str, Download] = {}

    def start(
        self,
        name: str,
        make: Callable[[], TableSource],
        form: ExportFormat,
        *,
        total: int,
        is_wanted: Callable[[], bool],
    ) -> Download:
        """Begin to write the ``total`` rows that ``make`` gives, to ``name`` as ``form``.

        ``is_wanted`` says whether the screen that asked is still there; both are called from another thread.
        """
        return self._begin(Download(name, form, total), lambda: [make()], is_wanted)

    def start_bundle(
        self,
        name: str,
        make: Callable[[], Sequence[TableSource]],
        form: ExportFormat,
        *,
        total: int,
        is_wanted: Callable[[], bool],
    ) -> Download:
        """As ``start``, of several tables as the files of one ZIP; ``total`` is of the first one's rows."""
        return self._begin(Download(name, form, total, is_bundle=True), make, is_wanted)

    def _begin(
        self, download: Download, make: Callable[[], Sequence[TableSource]], is_wanted: Callable[[], bool]
    ) -> Download:
        self._live[download.token] = download
        keeper = _Keeper(download, is_wanted, self._grace, self._now)
        work = threading.Thread(target=self._run, args=(download, make, keeper), name="stfc-download", daemon=True)
        download._thread = work
        work.start()
        return download

    def taken(self, token: str) -> tuple[Download, Iterator[bytes]] | None:
        """A finished file by its token: what it is, and its bytes; None when there is none (any more).

        Who has begun to take it gets it whole, even when it is discarded meanwhile.
        """
        download = self._live.get(token)
        if download is None or download.state is not DownloadState.READY or download._file is None:
            return None
        try:
            return download, download._file.chunks()
        except ValueError:
            # Closed since the look above.
            return None

    def close(self, seconds: float = 2.0) -> None:
        """Let everything go, for the end of the process."""
        for download in list(self._live.values()):
            download.discard()
        for download in list(self._live.values()):
            download.join(seconds)

    def _run(self, download: Download, make: Callable[[], Sequence[TableSource]], keeper: "_Keeper") -> None:
        try:
            while not self._slots.acquire(timeout=self._pause):
                keeper.check()
            try:
                file = self._write(download, make, keeper)
            finally:
                self._slots.release()
            with file:
                self._keep(download, file, keeper)
        except _StoppedError:
            download._state = DownloadState.GONE
        except StfcError as error:
            log.warning("download failed", code=error.code, form=str(download.form))
            download.error, download._state = error, DownloadState.FAILED
        except Exception:
            # The edge of a thread: nobody above could say it.
            log.exception("download failed", form=str(download.form))
            download._state = DownloadState.FAILED
        finally:
            del self._live[download.token]

    def _write(self, download: Download, make: Callable[[], Sequence[TableSource]], keeper: "_Keeper") -> ScratchFile:
        keeper.check()
        first, *others = make()
        file = self._scratch.open()
        try:
            counted = replace(first, batches=_counted(download, first.batches, keeper))
            if download.is_bundle:
                self._writer.bundle(file.sink, [counted, *others], download.form)
            else:
                self._writer.stream(file.sink, counted, download.form)
            download.size = file.size
        except BaseException:
            file.close()
            raise
        return file

    def _keep(self, download: Download, file: ScratchFile, keeper: "_Keeper") -> None:
        download._file = file
        keeper.check()
        download._state = DownloadState.READY
        until = self._now() + _KEPT
        while self._now() < until:
            download._stop.wait(self._pause)
            keeper.check()
        download._state = DownloadState.GONE


class _Keeper:
    """Knows whether anybody wants a download still."""

    def __init__(
        self, download: Download, is_wanted: Callable[[], bool], grace: float, now: Callable[[], float]
    ) -> None:
        self._download = download
        self._is_wanted = is_wanted
        self._grace = grace
        self._now = now
        self._seen = now()

    def check(self) -> None:
        """Raise ``_StoppedError`` when it was discarded, or its screen has been away too long."""
        now = self._now()
        if self._is_wanted():
            self._seen = now
        if self._download._stop.is_set() or now - self._seen > self._grace:
            raise _StoppedError


def _counted(download: Download, batches: Iterable[pa.Table], keeper: _Keeper) -> Iterator[pa.Table]:
    step = _STEPS[download.form]
    for batch in batches:
        for start in range(0, max(1, batch.num_rows), step):
            keeper.check()
            piece = batch.slice(start, step)
            yield piece
            download.rows += piece.num_rows
    keeper.check()
