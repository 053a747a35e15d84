"""Children of the harness: started, killed with -9, frozen, short of disk, and started again."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 20.0


@dataclass
class Child:
    """One process of the product, ``python -m MODULE ARGUMENTS``; its output goes to ``log``."""

    name: str
    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    is_killed: bool = False

    def start(self) -> "Child":
        """Start it, or start it again."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.is_killed = False
        return self

    @property
    def pid(self) -> int:
        """The process's id; it must have been started."""
        assert self.process is not None
        return self.process.pid

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        assert self.process is not None
        return self.process.poll()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """``kill -9`` of it and of all that it started, and wait for its end."""
        self.is_killed = True
        for pid in (*_descendants(self.pid), self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, as an operator stops it; ``kill`` if it does not listen."""
        if not self.is_alive:
            return
        self.process.terminate()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def freeze(self) -> None:
        """Stop it where it stands, as a machine that swaps does."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def limit_files(self, most: int | None) -> None:
        """Let no file of it grow beyond ``most`` bytes, or (None) any size: a disk that is full, for it alone."""
        with suppress(ProcessLookupError):
            soft = resource.RLIM_INFINITY if most is None else most
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))


def _descendants(pid: int) -> list[int]:
    """What ``pid`` started, and what that started."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    found = [int(word) for word in text.split()]
    return [below for one in found for below in (*_descendants(one), one)]


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
