"""What is stored where, for the screen *Configurações e auditoria*: disks, calls, snapshots, the last backup."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stfc.services.ports import AuditFilter, AuditLine, AuditTrail, DiskProbe, DiskState, SnapshotCatalogue
from stfc.services.retention import Retention, RetentionPreview


@dataclass(frozen=True)
class Stored:
    """What is on disk; ``backup`` is the audit line of the last one, None when there was none."""

    disks: tuple[DiskState, ...]
    snapshots: int
    retention: RetentionPreview
    backup: AuditLine | None


class Storage:
    """The use case *look at what is stored*; changes nothing."""

    def __init__(
        self,
        *,
        probe: DiskProbe,
        places: Sequence[Path],
        snapshots: SnapshotCatalogue,
        retention: Retention,
        trail: AuditTrail,
    ) -> None:
        self._probe = probe
        self._places = places
        self._snapshots = snapshots
        self._retention = retention
        self._trail = trail

    def look(self) -> Stored:
        """Everything at this moment."""
        _, backups = self._trail.page(chosen=AuditFilter(action="home.backup"), limit=1)
        return Stored(
            disks=tuple(self._probe.look(place) for place in self._places),
            snapshots=len(self._snapshots.kept()),
            retention=self._retention.preview(),
            backup=backups[0] if backups else None,
        )
