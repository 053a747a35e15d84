"""The demonstration: simulator, worker and app as real processes over one home (ARCHITECTURE, command line)."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import typer

from stfc import bootstrap
from stfc.domain.competence import SAO_PAULO, Competence, last_months
from stfc.domain.login import LOOPBACK
from stfc.errors import NotPossibleError, SettingsError, StorageError
from stfc.services.ports import Actor

ROOT = Path(__file__).resolve().parent.parent
_SEED = 1
_SIMULATOR_PORT = 8600
_TOKEN = "demonstracao"
_ACTOR = Actor("demonstração", "operator", "terminal")
_READY_SECONDS = 60


def run(home: Path, *, port: int, contracts: int, months: int) -> None:
    """Run the demonstration until Ctrl-C; the first start makes a home, later ones keep everything.

    The older months go to the worker at once, the last one is left for the visitor to bill.

    Raises:
        NotPossibleError: the home holds data that is not the demonstration's.
        SettingsError: the port is taken.
    """
    if not _is_free(port):
        raise SettingsError(setting="--port", cause=f"a porta {port} está em uso")
    simulator_port = _SIMULATOR_PORT if _is_free(_SIMULATOR_PORT) else _free_port()
    home = home.absolute()
    is_new = _prepare(home, simulator_port, contracts, months)
    environment = os.environ | {"STFC_HOME": str(home)}
    children = _Children(environment)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        simulator = ["simulator", "--port", str(simulator_port), "--seed", str(_SEED), "--erp", str(home / "erp")]
        # A few contracts that the platform lacks, so that there are failures to look into.
        simulator += ["--unknown", "0.004"]
        children.start("o simulador", simulator)
        children.start("a aplicação", ["app", "--port", str(port)])
        if is_new:
            _first_data(home)
        _await(f"http://127.0.0.1:{simulator_port}/v1/health", children)
        children.start("o processador", ["worker"])
        _await(f"http://127.0.0.1:{port}/api/healthz", children)
        typer.echo(f"Dashboard STFC: http://127.0.0.1:{port}  (Ctrl-C encerra)", err=True)
        if is_new and months > 1:
            typer.echo(f"Acompanhe os meses anteriores: http://127.0.0.1:{port}/acompanhamento", err=True)
        children.wait()
    except KeyboardInterrupt:
        typer.echo("Encerrando…", err=True)
    finally:
        children.stop()


def serve_app(home: Path, *, port: int, address: str, has_login: bool = False) -> int:
    """Serve the screens until told to stop; gives the exit code. Without a login it listens on loopback only."""
    if address not in LOOPBACK and not has_login:
        raise SettingsError(setting="--address", cause="login_address")
    chosen = port or _free_port()
    if not _is_free(chosen):
        raise SettingsError(setting="--port", cause=f"a porta {chosen} está em uso")
    arguments = ["--server.port", str(chosen), "--server.address", address, "--server.headless", "true"]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *arguments]
    # Streamlit reads .streamlit/config.toml from the working directory; the home must not move with it.
    environment = os.environ | {"STFC_HOME": str(home.absolute())}
    children = _Children(environment)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        process = children.spawn("a aplicação", command)
        _await(f"http://{_reached(address)}:{chosen}/api/healthz", children)
        typer.echo(f"app ready http://{address}:{chosen}", err=True)
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        children.stop()


def _reached(address: str) -> str:
    """How this machine itself reaches what listens at ``address``."""
    return "127.0.0.1" if address in ("0.0.0.0", "::") else f"[{address}]" if ":" in address else address


class _Children:
    """Processes that live and end together."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, arguments: Sequence[str]) -> None:
        self.spawn(name, [sys.executable, "-m", "stfc.cli", *arguments], cwd=None)

    def spawn(self, name: str, command: Sequence[str], cwd: Path | None = ROOT) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches the parent alone, which then ends the others in order.
        process = subprocess.Popen(command, env=self._environment, cwd=cwd, start_new_session=True)
        self._processes.append((name, process))
        return process

    def check(self) -> None:
        for name, process in self._processes:
            if process.poll() is not None:
                raise NotPossibleError(cause="child_ended", name=name, status=process.returncode)

    def wait(self) -> None:
        while True:
            self.check()
            time.sleep(0.5)

    def stop(self) -> None:
        for _, process in reversed(self._processes):
            process.terminate()
        for _, process in reversed(self._processes):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _prepare(home: Path, simulator_port: int, contracts: int, months: int) -> bool:
    """Write the demonstration's settings into the home; tells whether its data are still to be made or completed."""
    marker = home / "demo.json"
    if not marker.exists() and (home / "ledger.db").exists():
        raise NotPossibleError(cause="home_exists", home=str(home))
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not marker.exists():
            last = Competence.of(datetime.now(SAO_PAULO).date()).plus(-1)
            bootstrap.dump_erp(home / "erp", contracts=contracts, seed=_SEED, months=months, until=last)
            _remember(marker, {"contracts": contracts, "months": months, "until": str(last), "ready": False})
        settings = home / "stfc.toml"
        settings.touch(mode=0o600)
        settings.chmod(0o600)
        settings.write_text(f'summit_url = "http://127.0.0.1:{simulator_port}"\nsummit_token = "{_TOKEN}"\n')
        return not json.loads(marker.read_text())["ready"]
    except OSError as cause:
        raise StorageError(place=str(home), cause=cause.strerror or str(cause)) from cause


def _first_data(home: Path) -> None:
    """Import the dump and open a batch for each month but the last, oldest first.

    Begun again after a break it goes on where it stopped: each batch has a request key of its own.
    """
    marker = home / "demo.json"
    about = json.loads(marker.read_text())
    application = bootstrap.from_environment(home=home)
    if application.snapshot_ledger.current() is None:
        application.importing.run(home / "erp", _ACTOR)
        application.plans.import_((ROOT / "data" / "plans" / "demonstracao.toml").read_bytes(), _ACTOR)
    last = Competence.parse(about["until"])
    for competence in last_months(last.plus(-1), about["months"] - 1):
        application.billing.open(competence, None, _ACTOR, request_key=f"demo {competence}")
    application.database.dispose()
    _remember(marker, about | {"ready": True})


def _remember(marker: Path, about: dict[str, object]) -> None:
    fresh = marker.with_suffix(".new")
    fresh.write_text(json.dumps(about))
    fresh.replace(marker)


def _await(url: str, children: _Children) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        children.check()
        with suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise NotPossibleError(cause="child_silent", url=url)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
