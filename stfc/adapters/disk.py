"""Disks as the doctor looks at them (ports.DiskProbe)."""

import os
import shutil
import tempfile
from pathlib import Path

from stfc.services.ports import DiskState


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
