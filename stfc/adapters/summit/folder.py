"""The platform Summit as a folder: files delivered by SFTP or by hand (SUMMIT_API, folder adapter)."""

import asyncio
import os
import re
import time
from pathlib import Path

from stfc.adapters.summit.unpacking import BrokenBodyError, Unpacker, unpacked
from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.errors import (
    ConnectionBrokenError,
    FileFormatError,
    FileNotAvailableError,
    NoPlatformError,
    SubscriberUnknownError,
)
from stfc.services.ports import PlatformHealth, PlatformInvoice, Subscriber

_CONTRACT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)
_ENDINGS = (".csv", ".csv.gz")
_VERSION = "1"
_DECODED_LIMIT = 64 * 1024 * 1024


class FolderSummitGateway:
    """``ports.SummitGateway`` over ``{competence}/{contract}.csv`` or ``.csv.gz`` under ``root``.

    There is nobody to announce totals or a checksum, and nobody to tell a subscriber unknown from a file that has not
    arrived: descriptors carry neither, and what is not there is not available. Of both endings, ``.csv`` counts.
    """

    def __init__(self, root: Path, *, size_limit: int = _DECODED_LIMIT) -> None:
        self._root = root
        self._size_limit = size_limit

    async def __aenter__(self) -> "FolderSummitGateway":
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    def resting(self) -> float:
        """A folder may always be read."""
        return 0.0

    async def health(self) -> PlatformHealth:
        """Whether the folder can be read."""
        started = time.perf_counter()
        await asyncio.to_thread(self._names, self._root)
        return PlatformHealth(_VERSION, (time.perf_counter() - started) * 1000)

    async def month(self, competence: Competence) -> dict[str, Descriptor]:
        """A descriptor per file in the competence's folder; files of other names are nobody's."""
        return await asyncio.to_thread(self._month, competence)

    async def descriptor(self, contract: str, competence: Competence) -> Descriptor:
        """The descriptor of a file that is there; ``FileNotAvailableError`` else."""
        path = await asyncio.to_thread(self._path, contract, competence)
        return _descriptor(contract, competence, path.name)

    async def fetch(self, descriptor: Descriptor) -> bytes:
        """The file's bytes, unpacked when it is a ``.gz``; ``FileFormatError`` when that cannot be done."""
        return await asyncio.to_thread(self._read, descriptor.contract, descriptor.competence)

    async def provision(self, subscriber: Subscriber) -> str:
        """A folder takes no subscribers: ``NoPlatformError``."""
        raise NoPlatformError()

    async def invoices(self, contract: str, since: Competence, until: Competence) -> list[PlatformInvoice]:
        """A folder issues no bills: ``NoPlatformError``."""
        raise NoPlatformError()

    def _names(self, folder: Path) -> list[str]:
        try:
            return os.listdir(folder)
        except OSError as cause:
            raise ConnectionBrokenError(cause="folder") from cause

    def _month(self, competence: Competence) -> dict[str, Descriptor]:
        # Before the first delivery of a month its folder need not be there.
        names = self._names(self._root / str(competence)) if str(competence) in self._names(self._root) else []
        found = {}
        for name in sorted(names, reverse=True):
            contract = next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), None)
            if contract is not None and _CONTRACT.fullmatch(contract):
                found[contract] = _descriptor(contract, competence, name)
        return dict(sorted(found.items()))

    def _path(self, contract: str, competence: Competence) -> Path:
        if not _CONTRACT.fullmatch(contract):
            raise SubscriberUnknownError(contract=contract)
        self._names(self._root)
        try:
            for ending in _ENDINGS:
                path = self._root / str(competence) / f"{contract}{ending}"
                if path.is_file():
                    return self._inside(path, contract)
        except OSError as cause:
            raise ConnectionBrokenError(cause="folder") from cause
        raise FileNotAvailableError(contract=contract, competence=str(competence))

    def _inside(self, path: Path, contract: str) -> Path:
        """The path itself; a link that leads out of the root is nobody's file."""
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise SubscriberUnknownError(contract=contract)
        return path

    def _read(self, contract: str, competence: Competence) -> bytes:
        path = self._path(contract, competence)
        try:
            # One byte more than may be: enough to tell that there is too much.
            with path.open("rb") as file:
                content = file.read(self._size_limit + 1)
        except OSError as cause:
            raise ConnectionBrokenError(cause="folder") from cause
        try:
            if path.suffix == ".gz":
                return unpacked(content, self._size_limit)
            whole = Unpacker(self._size_limit, is_packed=False)
            whole.feed(content)
            return whole.body()
        except BrokenBodyError as cause:
            raise FileFormatError(line=1, cause=cause.cause, value=path.name) from cause


def _descriptor(contract: str, competence: Competence, name: str) -> Descriptor:
    return Descriptor(contract=contract, competence=competence, available=True, href=f"{competence}/{name}")
