"""Disks as the doctor looks at them (ports.DiskProbe), and room on them for what does not last (ports.Scratch)."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Self

from stfc.errors import StorageError
from stfc.services.ports import DiskState

_CHUNK = 1024 * 1024


class LocalDisk:
    """``ports.DiskProbe`` over the local file system."""

    def look(self, folder: Path) -> DiskState:
        """Free bytes below ``folder``, and whether a file can be written, synced and removed there."""
        existing = next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), Path("/"))
        free = shutil.disk_usage(existing).free
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as probe:
                probe.write(b"0" * 4096)
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as cause:
            return DiskState(folder, free, cause.strerror or str(cause))
        return DiskState(folder, free, None)


class LocalScratch:
    """``ports.Scratch`` in a folder, which is made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> "LocalScratchFile":
        """A new file; ``StorageError`` when the disk refuses."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return LocalScratchFile(tempfile.TemporaryFile(dir=self._folder))
        except OSError as cause:
            raise StorageError(place=str(self._folder), cause=cause.strerror or str(cause)) from cause


class LocalScratchFile:
    """``ports.ScratchFile``: the system frees it with its last descriptor."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    @property
    def sink(self) -> BinaryIO:
        """Where it is written."""
        return self._file

    @property
    def size(self) -> int:
        """Its bytes on disk."""
        return os.fstat(self._file.fileno()).st_size

    def chunks(self) -> Iterator[bytes]:
        """All its bytes; the descriptor is the reader's own, from this call on."""
        return _chunks(os.fdopen(os.dup(self._file.fileno()), "rb", buffering=0))

    def close(self) -> None:
        """Let it go."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _chunks(own: FileIO) -> Iterator[bytes]:
    with own:
        at = 0
        # By place, not by position: descriptors that were doubled share that.
        while chunk := os.pread(own.fileno(), _CHUNK, at):
            yield chunk
            at += len(chunk)
