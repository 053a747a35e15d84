"""One run's world: an ERP dump, a home, and simulator, workers, app and commands as processes over it."""

import json
import os
import random
import shutil
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from stfc import bootstrap
from stfc.domain.competence import Competence, last_months
from stfc.settings import Settings
from stfc.simulator.traffic import TrafficOptions
from tests.proof import ledger
from tests.proof.disk import Disk
from tests.proof.platform import AS_OF
from tests.proof.processes import Child, free_port

_LAST = Competence(2026, 10)
LEASE = 2.0
_LONGEST_ANSWER = 300.0
_TOKEN = "token-of-the-proof"
_SETTINGS = {
    "STFC_SUMMIT_TOKEN": _TOKEN,
    "STFC_USER": "prova",
    "STFC_LEASE": str(LEASE),
    "STFC_HEARTBEAT": "0.4",
    "STFC_CHUNK_CONTRACTS": "40",
    "STFC_CONNECTIONS": "8",
    "STFC_PATIENCE": "0.7",
    "STFC_FILE_TIMEOUT": "3",
    "STFC_RETRY_FIRST": "0.1",
    "STFC_RETRY_MOST": "1",
    "PYTHONUNBUFFERED": "1",
}
"""Small chunks and short times: more moments to die in."""


class World:
    """The product over one home, and the platform beside it."""

    def __init__(
        self, folder: Path, *, contracts: int, months: int, seed: int, ledger_url: str | None, workers: int = 2
    ) -> None:
        self.folder = folder
        self.competences = tuple(str(one) for one in last_months(_LAST, months))
        self.home = folder / "home"
        self.erp, self.next_erp = folder / "erp", folder / "erp-next"
        self.current_erp = self.erp
        self.clock = folder / "clock"
        self.url = ledger_url or f"sqlite:///{self.home / 'ledger.db'}"
        self.traffic = TrafficOptions(seed=seed % 1000, scale=0.25)
        self.chance = random.Random(seed)
        self.disk = Disk(folder / "calls")
        self._contracts = contracts
        self._number = count(1)
        self._port = free_port()
        self.app_address = f"127.0.0.1:{free_port()}"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("STFC_")}
        self.environment |= _SETTINGS | {
            "STFC_HOME": str(self.home),
            "STFC_CALLS_PATH": str(self.disk.folder),
            "STFC_SUMMIT_URL": f"http://127.0.0.1:{self._port}",
            "STFC_LEDGER_URL": self.url,
            "STFC_ROLE": "operator",
        }
        self._imports: list[Child] = []
        self.simulator = self._child("simulator", "stfc.simulator.__main__")
        self.workers = [self._worker(place) for place in range(workers)]
        self.app = self._child("app", "stfc.cli", "app", "--port", self.app_address.partition(":")[2])

    # --- The cast

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        return Child(name, module, arguments, self.environment, self.folder / f"{name}.log")

    def _worker(self, place: int) -> Child:
        """Every second worker has a clock that moves."""
        if place % 2:
            return self._child(f"worker-{place}", "tests.proof.moved_clock", str(self.clock))
        return self._child(f"worker-{place}", "stfc.cli", "worker")

    def prepare(self) -> None:
        """Make the ERP's dump and import it."""
        self.folder.mkdir(parents=True)
        self.clock.write_text("0", encoding="ascii")
        self.disk.open()
        bootstrap.dump_erp(
            self.erp,
            contracts=self._contracts,
            seed=self.traffic.seed,
            months=4,
            until=_LAST,
        )
        self.ask("import", str(self.erp))

    def start(self, faults: tuple[str, ...], *, with_app: bool) -> None:
        """Start everybody."""
        self.start_simulator(faults)
        if with_app:
            self.app.start()
        for worker in self.workers:
            worker.fork()

    def start_simulator(self, faults: tuple[str, ...]) -> None:
        """Start the platform with ``faults``, other answers of it wrong each time."""
        options = ["--port", str(self._port), "--erp", str(self.erp), "--token", _TOKEN, "--as-of", str(AS_OF)]
        options += ["--seed", str(self.traffic.seed), "--scale", str(self.traffic.scale)]
        options += ["--fault-seed", str(self.chance.randrange(1 << 20)), "--fault-log", str(self.folder / "faults")]
        self.simulator.arguments = [*options, *(word for fault in faults for word in ("--fault", fault))]
        self.simulator.fork()

    def stop(self) -> None:
        """End everybody."""
        for child in (self.app, *self.workers, self.simulator):
            if child.process is not None:
                child.thaw()
                child.stop()
        self.disk.close()

    # --- Operators

    def application(self) -> bootstrap.Application:
        """The services as a page has them, in this process."""
        ours = {name: value for name, value in self.environment.items() if name.startswith("STFC_")}
        return bootstrap.build(Settings(**{name.removeprefix("STFC_").lower(): ours[name] for name in ours}))

    def command(self, name: str, *arguments: str) -> Child:
        """A command of the terminal, started and not waited for."""
        started = self._child(name, "stfc.cli", *arguments, "--json").fork()
        self._imports = [one for one in (*self._imports, started) if one.is_alive and "import" in one.arguments]
        return started

    @property
    def is_importing(self) -> bool:
        """Whether a command that imports is under way."""
        return any(one.is_alive for one in self._imports)

    def ask(self, *arguments: str, fine: tuple[int, ...] = (0,)) -> Any:
        """A command to its end; gives its document."""
        command = self._child("asked", "stfc.cli", *arguments, "--json")
        command.output = self.folder / f"answer-{next(self._number)}"
        status = command.fork().wait(_LONGEST_ANSWER)
        said = command.output.read_text(encoding="utf-8") if command.output.exists() else ""
        if status not in fine or not said:
            log = command.log.read_text(encoding="utf-8")[-2000:]
            raise RuntimeError(f"stfc {' '.join(arguments)} ended {status}: {said[-800:]}{log}")
        command.output.unlink()
        return json.loads(said)

    # --- Looking

    def platform_answers(self) -> bool:
        """Whether the simulator is there."""
        try:
            with urllib.request.urlopen(f"{self.environment['STFC_SUMMIT_URL']}/v1/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def outcomes(self) -> Counter[str]:
        """How many items stand where."""
        return Counter(dict(ledger.rows(self.url, "SELECT outcome, count(*) FROM items GROUP BY outcome")))

    def parts(self) -> int:
        """How many parts of calls the ledger has listed so far: about one a chunk."""
        return int(ledger.rows(self.url, "SELECT count(*) FROM parts")[0][0])

    def waiting(self) -> int:
        """How many items wait or run."""
        query = "SELECT count(*) FROM items WHERE outcome IN ('waiting', 'running')"
        return int(ledger.rows(self.url, query)[0][0])

    def keep_evidence(self) -> None:
        """Copy ledger and calls to where they outlive the run: ``ledger/TABLE.csv`` and ``calls-kept``."""
        shutil.copytree(self.disk.folder, self.folder / "calls-kept")
        for table in ("batches", "items", "charges", "eventual_values", "zero_events", "parts", "exclusions", "logs"):
            ledger.dump(self.url, table, self.folder / "ledger" / f"{table}.csv")

    def faults_served(self) -> Counter[str]:
        """By kind, how many of the platform's answers went wrong."""
        path = self.folder / "faults"
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        return Counter(line.split()[0] for line in lines)

    def tracebacks(self) -> list[str]:
        """The logs that hold a traceback, with its last line: a defect of ours (ARCHITECTURE, command line)."""
        found = []
        for log in sorted(self.folder.glob("*.log")):
            text = log.read_text(encoding="utf-8", errors="replace")
            if "Traceback (most recent call last)" in text:
                found.append(f"{log.name}: {_last_line(text)}")
        return found

    def wait_for(self, is_done: Callable[[], bool], seconds: float) -> bool:
        """Whether ``is_done`` came true within ``seconds``."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if is_done():
                return True
            time.sleep(0.1)
        return False


def _last_line(text: str) -> str:
    lines = text.split("Traceback (most recent call last)")[1].splitlines()
    return next((line for line in lines[1:] if line and not line.startswith(" ")), "?")
