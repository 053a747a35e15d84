"""Backups as tar files, and the folders of a home that they are made of and restored to (ports.Archive, ports.Home).

The members are the home's own files under their own names, and at the end ``manifest.json`` with the size and sha256 of
each. Plain tar: parts and snapshots are compressed already.
"""

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from stfc.errors import NotPossibleError, StorageError
from stfc.services.ports import Archived, ArchiveFile, Member

_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 256 << 20
_CHUNK = 1 << 20
_NAME = re.compile(
    r"format|ledger\.db|snapshots/\d{6,}/[a-z_]+\.parquet"
    r"|calls/(_rollups/)?competence=\d{4}-\d\d/[A-Za-z0-9_-]+(/[a-z]+)?\.parquet"
)
"""Every name that a member may have: nothing outside of the home, nothing hidden, nothing else."""
_TEMPORARY = ".restore-"
_SETTINGS = "stfc.toml"


class TarArchive:
    """``ports.Archive`` as a tar file. Streams: memory does not grow with the home."""

    def write(self, file: Path, members: Iterable[Member]) -> Archived:
        """Write ``members`` and their manifest to ``file``, which appears whole or not at all.

        Raises:
            NotPossibleError: a member's content is not of its announced sha256.
            StorageError: a member cannot be read, or the disk refuses.
        """
        temporary = file.with_name(f".{file.name}-{uuid.uuid4().hex}.tmp")
        place = file
        try:
            with open(temporary, "xb", opener=_private) as raw:
                sink = _HashingSink(raw)
                with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # any writer will do for a stream
                    files: dict[str, ArchiveFile] = {}
                    for member in members:
                        place = member.path
                        files[member.name] = _add(tar, member)
                    place = file
                    _add_manifest(tar, files)
                raw.flush()
                os.fsync(raw.fileno())
            temporary.replace(file)
            _sync_folder(file.absolute().parent)
        except OSError as cause:
            raise _refused(place, cause) from cause
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return Archived(sink.size, sink.digest.hexdigest(), len(files))

    def unpack(self, file: Path, target: Callable[[str], Path]) -> Mapping[str, ArchiveFile]:
        """Unpack every member to where ``target`` says, on disk for good; gives what was unpacked, by name.

        Raises:
            NotPossibleError: it is no backup, not a whole one, or a member is not what its manifest says.
            StorageError: the disk refuses.
        """
        found: dict[str, ArchiveFile] = {}
        try:
            with file.open("rb") as raw, _broken(file), tarfile.open(fileobj=raw, mode="r|") as tar:
                for info in tar:
                    content = tar.extractfile(info) if info.isreg() else None
                    if content is None or info.name in found:
                        raise tarfile.TarError(info.name)
                    if info.name == _MANIFEST:
                        _compare(file, found, content.read(_LARGEST_MANIFEST))
                        return found
                    if not _NAME.fullmatch(info.name):
                        raise tarfile.TarError(info.name)
                    found[info.name] = _extract(content, target(info.name))
        except OSError as cause:
            raise _refused(file, cause) from cause
        raise NotPossibleError(cause="restore_broken", file=str(file), detail=_MANIFEST)


class LocalHome:
    """``ports.Home`` on local disks. What is unpacked stands beside its place until ``settle``, so that putting it in
    place is a rename; the ledger, without which nothing of it counts, comes last."""

    def __init__(self, home: Path, *, ledger: Path, calls: Path) -> None:
        self._home = home.absolute()
        self._ledger = ledger.absolute()
        self._calls = calls.absolute()
        self._mark = f"{_TEMPORARY}{uuid.uuid4().hex}"

    def path(self, name: str) -> Path:
        """Where the home has the member ``name``."""
        first, _, rest = name.partition("/")
        if name == "ledger.db":
            return self._ledger
        return self._calls / rest if first == "calls" else self._home / name

    def scratch(self, file: Path) -> Path:
        """A new name beside ``file``, for what does not last."""
        return file.with_name(f".{file.name}-{uuid.uuid4().hex}.ledger")

    def files(self, folders: Iterable[str]) -> list[str]:
        """The names of the files in ``folders``; ``StorageError`` when one is not there."""
        found = []
        for folder in folders:
            try:
                found += [f"{folder}/{path.name}" for path in sorted(self.path(folder).iterdir())]
            except OSError as cause:
                raise _refused(self.path(folder), cause) from cause
        return found

    def occupied(self) -> str | None:
        """What stands in the way of a restore, by its path; None when nothing does. Settings may be there."""
        if self._ledger.exists():
            return str(self._ledger)
        for folder in (self._home, self._calls):
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                is_harmless = path.name == _SETTINGS or path.name.startswith(_TEMPORARY)
                if not is_harmless and not _is_empty_folder(path):
                    return str(path)
        return None

    def staged(self, name: str) -> Path:
        """Where the member ``name`` is unpacked to."""
        first, _, rest = name.partition("/")
        if name == "ledger.db":
            return self._ledger.parent / self._mark / name
        if first == "calls":
            return self._calls.parent / self._mark / first / rest
        return self._home / self._mark / name

    def settle(self) -> None:
        """Put all that is staged in its place."""
        try:
            for name in ("calls", "snapshots", "format", "ledger.db"):
                source, place = self.staged(name), self.path(name)
                if not source.exists():
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                if place.is_dir():
                    place.rmdir()
                source.rename(place)
                _sync_folder(place.absolute().parent)
        except OSError as cause:
            raise _refused(self._home, cause) from cause
        self.clear()

    def clear(self) -> None:
        """Remove what was staged, now or by a restore that was killed."""
        for folder in {self._home, self._calls.parent, self._ledger.parent}:
            for left in folder.glob(f"{_TEMPORARY}*"):
                shutil.rmtree(left, ignore_errors=True)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _private(path: str, flags: int) -> int:
    """Customers' data are for the product's own account alone."""
    return os.open(path, flags, 0o600)


class _HashingSink:
    """A writer that counts and hashes what passes."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self._raw.write(data)


class _HashingSource:
    """A reader that hashes what passes."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, member: Member) -> ArchiveFile:
    with member.path.open("rb") as raw:
        info = _info(member.name, os.fstat(raw.fileno()).st_size)
        source = _HashingSource(raw)
        tar.addfile(info, source)
    digest = source.digest.hexdigest()
    if member.sha256 not in (None, digest):
        raise NotPossibleError(cause="backup_damaged", path=str(member.path))
    return ArchiveFile(info.size, digest)


def _add_manifest(tar: tarfile.TarFile, files: Mapping[str, ArchiveFile]) -> None:
    content = json.dumps({"files": {name: vars(file) for name, file in files.items()}}, indent=1).encode()
    tar.addfile(_info(_MANIFEST, len(content)), io.BytesIO(content))


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info


def _extract(content: IO[bytes], path: Path) -> ArchiveFile:
    digest, size = hashlib.sha256(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as out:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    _sync_folder(path.parent)
    return ArchiveFile(size, digest.hexdigest())


def _compare(file: Path, found: Mapping[str, ArchiveFile], manifest: bytes) -> None:
    try:
        files: dict[str, Any] = json.loads(manifest)["files"]
        expected = {name: ArchiveFile(**said) for name, said in files.items()}
    except (ValueError, TypeError, KeyError) as cause:
        raise NotPossibleError(cause="restore_broken", file=str(file), detail=_MANIFEST) from cause
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise NotPossibleError(cause="restore_broken", file=str(file), detail=name)


@contextmanager
def _broken(file: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as cause:
        raise NotPossibleError(cause="restore_broken", file=str(file), detail=str(cause)) from cause


def _refused(place: Path, cause: OSError) -> StorageError:
    return StorageError(place=str(place), cause=cause.strerror or str(cause))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
