"""A disk for the calls that can run full: a tmpfs of its own where we may mount one."""

import os
import subprocess
from pathlib import Path

_ROOMY = "4g"


class Disk:
    """The folder of the calls. ``can_fill`` says whether it is a disk of its own, whose size we set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.can_fill = False

    def open(self) -> None:
        """Make the folder, and mount a disk on it if we may."""
        self.folder.mkdir(parents=True)
        self.can_fill = _run("mount", "-t", "tmpfs", "-o", f"size={_ROOMY}", "tmpfs", str(self.folder))

    def fill(self, left: int) -> None:
        """Leave room for ``left`` bytes (rounded up to pages)."""
        space = os.statvfs(self.folder)
        used = (space.f_blocks - space.f_bfree) * space.f_frsize
        # No size at all would mean one without bounds.
        _run("mount", "-o", f"remount,size={max(used + left, space.f_frsize)}", str(self.folder))

    def free(self) -> None:
        """Plenty of room again."""
        if self.can_fill:
            _run("mount", "-o", f"remount,size={_ROOMY}", str(self.folder))

    def close(self) -> None:
        """Give the disk back; what is on it is gone."""
        if self.can_fill:
            _run("umount", "-l", str(self.folder))
            self.can_fill = False


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
