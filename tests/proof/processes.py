"""Children of the harness: started, killed with -9, frozen, short of disk, and started again."""

import importlib
import multiprocessing
import multiprocessing.context
import multiprocessing.process
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 20.0


@dataclass
class Child:
    """One process of the product, ``python -m MODULE ARGUMENTS``.

    What it says goes to ``log``, with ``output`` (only when forked) what it writes to stdout to that file instead.
    """

    name: str
    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    output: Path | None = None
    process: "subprocess.Popen[bytes] | multiprocessing.process.BaseProcess | None" = None
    is_killed: bool = False

    def start(self) -> "Child":
        """Start it, or start it again, from nothing."""
        self.is_killed = False
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def fork(self) -> "Child":
        """Start it as a copy of a process that has imported everything: a tenth of the time, so that what a kill meets
        is work and not an import. ``module`` must have a ``main``."""
        self.is_killed = False
        target = (
            self.module,
            list(self.arguments),
            dict(self.environment),
            str(self.log),
            str(self.output or self.log),
        )
        self.process = _nursery().Process(target=_live, args=target)
        self.process.start()
        return self

    @property
    def pid(self) -> int:
        """The process's id; it must have been started."""
        assert self.process is not None
        assert self.process.pid is not None
        return self.process.pid

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        assert self.process is not None
        return self.process.poll() if isinstance(self.process, subprocess.Popen) else self.process.exitcode

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.status is None

    def kill(self) -> None:
        """``kill -9`` of it and of all that it started, and wait for its end."""
        self.is_killed = True
        for pid in (*_descendants(self.pid), self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._wait(None)

    def stop(self) -> None:
        """SIGTERM, as an operator stops it; ``kill`` if it does not listen."""
        if not self.is_alive:
            return
        os.kill(self.pid, signal.SIGTERM)
        self._wait(_PATIENCE)
        if self.is_alive:
            self.kill()

    def wait(self, seconds: float) -> int | None:
        """Its exit status, None if it still runs after ``seconds``."""
        self._wait(seconds)
        return self.status

    def _wait(self, seconds: float | None) -> None:
        if not isinstance(self.process, subprocess.Popen):
            assert self.process is not None
            self.process.join(seconds)
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

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


@cache
def _nursery() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["stfc.bootstrap", "stfc.cli", "stfc.simulator.__main__", "tests.proof.moved_clock"])
    return context


def _live(module: str, arguments: list[str], environment: dict[str, str], log: str, output: str) -> None:
    for number, path in ((1, output), (2, log)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    sys.exit(importlib.import_module(module).main())


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
