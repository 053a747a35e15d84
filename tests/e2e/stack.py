"""The product as real processes on free ports: simulator, worker and app over one temporary home."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from tests.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "token-of-the-browser-tests"
_READY_WITHIN = 60.0


@dataclass
class Process:
    """A child whose output is kept in ``log``; ``ready`` is its ready line's last word, an address or a path."""

    name: str
    child: subprocess.Popen[str]
    log: Path
    ready: str = ""
    _seen: Event = field(default_factory=Event)

    @classmethod
    def start(cls, name: str, arguments: list[str], environment: dict[str, str], log: Path) -> "Process":
        """Start ``stfc`` with ``arguments`` and wait for its ready line."""
        child = subprocess.Popen(
            [sys.executable, "-m", "stfc.cli", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        process = cls(name, child, log)
        Thread(target=process._read, daemon=True).start()
        if not process._seen.wait(_READY_WITHIN) or not process.ready:
            process.stop()
            raise AssertionError(f"{name} did not get ready:\n{log.read_text(encoding='utf-8')[-4000:]}")
        return process

    def _read(self) -> None:
        assert self.child.stdout is not None
        with self.child.stdout as lines, self.log.open("a", encoding="utf-8") as out:
            for line in lines:
                out.write(line)
                out.flush()
                if not self.ready and line.startswith(f"{self.name} ready "):
                    self.ready = line.split()[-1]
                    self._seen.set()
        self._seen.set()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and all that it started."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, how)
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()


class Stack:
    """One home with an imported ERP dump, and the processes over it. ``url`` is the app's address."""

    def __init__(
        self,
        folder: Path,
        *,
        contracts: int = 150,
        months: int = 4,
        simulator: tuple[str, ...] = (),
        settings: Mapping[str, str] | None = None,
        port: int = 0,
        platform: bool = True,
    ) -> None:
        self.folder = folder
        self._port = port
        self._has_platform = platform
        self.erp = folder / "erp"
        self._contracts = contracts
        self._months = months
        self._simulator_options = simulator
        self._running: dict[str, Process] = {}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("STFC_")}
        self.environment |= {
            "STFC_HOME": str(folder / "home"),
            "STFC_SUMMIT_TOKEN": TOKEN,
            "STFC_USER": "ana.lima",
            "PYTHONUNBUFFERED": "1",
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        """Where the app answers."""
        return self._running["app"].ready

    def start(self) -> "Stack":
        """Dump, import, start simulator, worker and app: side by side what does not need each other.

        Without a platform the app is alone.
        """
        options = ["--contracts", str(self._contracts), "--months", str(self._months), "--seed", "7"]
        self.run("simulator", "dump", str(self.erp), *options)
        platform = self._simulator("0", *self._simulator_options)
        with ThreadPoolExecutor() as side_by_side:
            launched = side_by_side.submit(self.launch, *platform) if self._has_platform else None
            self.run("import", str(self.erp))
            self.run("plans", "import", str(ROOT / "data" / "plans" / "demonstracao.toml"))
            last = [("app", "--port", str(self._port))]
            if launched:
                self.environment["STFC_SUMMIT_URL"] = launched.result().ready
                last.append(("worker",))
            for one in [side_by_side.submit(self.launch, *one) for one in last]:
                one.result()
        return self

    def _simulator(self, port: str, *options: str) -> tuple[str, ...]:
        return ("simulator", "--port", port, "--erp", str(self.erp), "--token", TOKEN, *options)

    def exchange_platform(self, *options: str) -> None:
        """Put a simulator with other ``options`` at the platform's address."""
        port = self._running["simulator"].ready.rpartition(":")[2].strip("/")
        self.halt("simulator")
        self.launch(*self._simulator(port, *options))

    def launch(self, name: str, *arguments: str) -> Process:
        """Start one of the long-running commands, e.g. another worker after ``halt``."""
        log = self.folder / f"{name}.log"
        self._running[name] = Process.start(name, [name, *arguments], self.environment, log)
        return self._running[name]

    def halt(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop one of the processes."""
        self._running.pop(name).stop(how)

    def run(self, *arguments: str) -> dict[str, Any]:
        """A command to its end with ``--json``, in this process; gives its document."""
        settings = {name: value for name, value in self.environment.items() if name.startswith("STFC_")}
        terminal = Terminal(self.folder / "home", settings)
        # A thread of its own: Playwright's event loop occupies this one, and a command may need one too.
        with ThreadPoolExecutor(1) as aside:
            document: dict[str, Any] = aside.submit(terminal.ask, *arguments).result()
        return document

    def log(self, name: str) -> str:
        """What a process has written so far."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def stop(self) -> None:
        """End every process and remove the home."""
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(self.halt, list(self._running)))
        shutil.rmtree(self.folder / "home", ignore_errors=True)
