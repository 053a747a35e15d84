"""What the benches of the worker share: a simulated platform as a process of its own, homes, and batches in them."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

import httpx
import structlog

from stfc.bootstrap import Application, build, loaded_spared
from stfc.domain.competence import Competence
from stfc.services.ports import Actor
from stfc.settings import Settings
from stfc.simulator.erp_dump import dump

MONTH = Competence(2026, 10)
AS_OF = date(2026, 12, 1)
TOKEN = "token-of-the-bench"
ACTOR = Actor("bench", "operator", "terminal")
ROOT = Path(__file__).resolve().parents[1]
# Lines of a log between those of a table help nobody.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@dataclass(frozen=True)
class Platform:
    """A simulator that runs: where it answers, and its process."""

    address: str
    pid: int

    def cpu_seconds(self) -> float:
        """What it has computed so far (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def make_erp(folder: Path, contracts: int) -> Path:
    """A dump of ``contracts`` that are all eligible in ``MONTH``; gives its folder."""
    erp = folder / "erp"
    dump(erp, contracts, 1, months=2, until=MONTH, clean=True)
    return erp


@contextmanager
def platform(erp: Path, *, calls: int, latency: int = 0, faults: tuple[str, ...] = ()) -> Iterator["Platform"]:
    """A simulator on loopback, ``calls`` calls in every file."""
    options = ["--erp", str(erp), "--token", TOKEN, "--as-of", AS_OF.isoformat(), "--clean"]
    options += ["--calls-per-contract", str(calls), "--latency", str(latency)]
    options += [word for fault in faults for word in ("--fault", fault)]
    command = [sys.executable, "-m", "stfc.simulator", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        try:
            yield Platform(answering(child.stderr, "simulator ready"), child.pid)
        finally:
            child.terminate()


def answering(said: IO[str], ready: str) -> str:
    """The address behind ``ready`` in what a process says, once it says so; what it says afterwards is let go by."""
    address = next(line.split()[-1] for line in said if line.startswith(ready))
    threading.Thread(target=said.read, daemon=True).start()
    return address


def warm(address: str) -> list[str]:
    """Let the simulator make every file of the month, so that its making is in no figure; gives their addresses."""
    with httpx.Client(base_url=address, headers={"authorization": f"Bearer {TOKEN}"}, timeout=120) as client:
        links: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"competence": str(MONTH), "cursor": cursor}
            page = client.get("/v1/billing-files", params={k: v for k, v in query.items() if v}).json()
            links += [item["href"] for item in page["items"]]
            cursor = page["next_cursor"]
    return links


def make_home(folder: Path, erp: Path, address: str, **settings: Any) -> Application:
    """A fresh home in ``folder`` with the dump imported."""
    app = build(Settings(home=folder, summit_url=address, summit_token=TOKEN, **settings))
    app.importing.run(erp, ACTOR)
    return app


def open_batch(app: Application) -> int:
    """A batch of everything eligible in ``MONTH``."""
    opened = app.billing.open(MONTH, app.views.eligible(MONTH), actor=ACTOR)
    assert opened.batch is not None
    return opened.batch


def work(app: Application, batch: int) -> None:
    """Bill the batch with a worker on this thread, as ``stfc worker`` runs one."""
    app.gateway()
    worker = app.worker()
    with loaded_spared():
        worker.run(until_idle=True, batch=batch)


def environment(app: Application) -> dict[str, str]:
    """What another process needs to work on the same home."""
    settings = app.settings
    own = {"STFC_HOME": str(settings.home), "STFC_SUMMIT_URL": str(settings.summit_url), "STFC_SUMMIT_TOKEN": TOKEN}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STFC_")}
    return kept | own | {"STFC_ROLE": "operator", "STFC_USER": "bench"}
