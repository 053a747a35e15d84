"""Backup and restore of a home: ledger, snapshots and calls of one moment, while everybody works (ARCHITECTURE)."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stfc.domain.role import Role
from stfc.errors import NotPossibleError, StorageError
from stfc.services import access
from stfc.services.ports import Actor, Archive, Archived, AuditLedger, Clock, Home, LedgerCopies, LedgerCopy, Member

_TRIES = 3
_LEDGER = "ledger.db"


@dataclass(frozen=True)
class BackedUp:
    """A finished backup: the file, what it holds, and the seconds it took."""

    file: Path
    archived: Archived
    copy: LedgerCopy
    seconds: float


@dataclass(frozen=True)
class Restored:
    """A finished restore: what it brought back, and the seconds it took."""

    copy: LedgerCopy
    seconds: float


class Backup:
    """The use case *backup*.

    The ledger is copied first, at one moment; all that this copy lists is immutable and follows. What is written after
    that moment is no part of the backup.
    """

    def __init__(self, *, copies: LedgerCopies, archive: Archive, home: Home, audit: AuditLedger, clock: Clock) -> None:
        self._copies = copies
        self._archive = archive
        self._home = home
        self._audit = audit
        self._clock = clock

    def make(self, file: Path, actor: Actor) -> BackedUp:
        """Write a backup to ``file``, which appears whole or not at all; an older one of that name is replaced.

        Raises:
            NotAllowedError: the actor is no operator.
            NotPossibleError: the ledger is in PostgreSQL, or a part is not what the ledger says.
            StorageError: something cannot be read or written.
        """
        access.require(actor, Role.OPERATOR, "backup")
        started = time.perf_counter()
        copy, archived = self._written(file)
        facts = {"bytes": archived.size, "sha256": archived.sha256, "revision": copy.revision}
        self._audit.append(actor, self._clock(), "home.backup", file.name, reason="", facts=facts)
        return BackedUp(file, archived, copy, round(time.perf_counter() - started, 3))

    def _written(self, file: Path) -> tuple[LedgerCopy, Archived]:
        """The archive; tried anew, from a new copy, when something that the old one lists has gone meanwhile."""
        tries = 0
        while True:
            tries += 1
            scratch = self._home.scratch(file)
            copy: LedgerCopy | None = None
            try:
                copy = self._copies.copy(scratch)
                return copy, self._archive.write(file, self._members(copy, scratch))
            except StorageError:
                # An import may discard a snapshot that the copy still lists; a newer copy does not list it.
                if tries == _TRIES or copy is None or self._is_complete(copy):
                    raise
            finally:
                scratch.unlink(missing_ok=True)

    def _is_complete(self, copy: LedgerCopy) -> bool:
        names = [*_folders(copy), *(f"calls/{part.path}" for part in copy.parts)]
        return all(self._home.path(name).exists() for name in names)

    def _members(self, copy: LedgerCopy, ledger: Path) -> Iterator[Member]:
        yield Member("format", self._home.path("format"))
        yield Member(_LEDGER, ledger)
        for name in self._home.files(_folders(copy)):
            yield Member(name, self._home.path(name))
        for part in copy.parts:
            yield Member(f"calls/{part.path}", self._home.path(f"calls/{part.path}"), part.sha256)


class Restoring:
    """The use case *restore*, into an empty home."""

    def __init__(
        self, *, copies: LedgerCopies, archive: Archive, home: Home, check_format: Callable[[Path], None], clock: Clock
    ) -> None:
        """``check_format`` refuses (``HomeVersionError``) a folder whose ``format`` is of another version."""
        self._copies = copies
        self._archive = archive
        self._home = home
        self._check_format = check_format
        self._clock = clock

    def run(self, file: Path, actor: Actor) -> Restored:
        """Unpack ``file`` beside the home, verify all of it, and put it in place; the ledger, without which nothing
        counts, comes last.

        Raises:
            NotAllowedError: the actor is no operator.
            NotPossibleError: the home is not empty, or ``file`` is no whole backup; nothing changed.
            HomeVersionError: a newer version of the product made it; nothing changed.
            StorageError: the disk refuses; nothing counts.
        """
        access.require(actor, Role.OPERATOR, "restore")
        started = time.perf_counter()
        if occupied := self._home.occupied():
            raise NotPossibleError(cause="restore_occupied", path=occupied)
        try:
            copy = self._verified(file)
            self._copies.revive(self._home.staged(_LEDGER), actor, self._clock(), source=file.name)
            self._home.settle()
        finally:
            self._home.clear()
        return Restored(copy, round(time.perf_counter() - started, 3))

    def _verified(self, file: Path) -> LedgerCopy:
        found = self._archive.unpack(file, self._home.staged)
        if not {"format", _LEDGER} <= found.keys():
            raise NotPossibleError(cause="restore_broken", file=str(file), detail=_LEDGER)
        self._check_format(self._home.staged("format").parent)
        copy = self._copies.listing(self._home.staged(_LEDGER))
        for part in copy.parts:
            kept = found.get(f"calls/{part.path}")
            if kept is None or kept.sha256 != part.sha256:
                raise NotPossibleError(cause="restore_broken", file=str(file), detail=part.path)
        for folder in _folders(copy):
            if not any(name.startswith(f"{folder}/") for name in found):
                raise NotPossibleError(cause="restore_broken", file=str(file), detail=folder)
        return copy


def _folders(copy: LedgerCopy) -> Iterable[str]:
    """The folders that the ledger names without listing their files."""
    yield from (f"snapshots/{number:06d}" for number in copy.snapshots)
    yield from (f"calls/{path}" for path in copy.rollups)
