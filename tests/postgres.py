"""A PostgreSQL of the tests' own: a temporary cluster, made once per process, and an empty database for each test.

It never touches a server that the machine already runs: the cluster listens on a socket in its own folder and on no
port. Its sort order is Portuguese where PostgreSQL can (15 and newer), so that a text column which relies on the
order of bytes and forgot to say so shows in a test.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

_SUPERUSER = "stfc"
_FIRST_WITH_ICU_CLUSTERS = 15
_SECONDS_TO_START = 60
_NOT_THERE = "PostgreSQL is not installed (no initdb on the PATH nor under /usr/lib/postgresql)"


@dataclass(frozen=True)
class PostgresCluster:
    """A running cluster: where its binaries, its data and its socket are, and who owns its processes."""

    binaries: Path
    folder: Path
    owner: str | None

    @property
    def data(self) -> Path:
        """The data folder that ``initdb`` makes."""
        return self.folder / "data"

    def url(self, database: str) -> str:
        """The SQLAlchemy address of ``database``; fit for ``STFC_LEDGER_URL``."""
        return f"postgresql+psycopg://{_SUPERUSER}@/{database}?host={quote(str(self.folder), safe='')}"

    def run(self, program: str, *arguments: str) -> str:
        """Run one of the cluster's programs as its owner; gives its output, raises with it on failure."""
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [self.binaries / program, *arguments],
                cwd=self.folder,
                env={"PATH": os.defpath, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"},
                user=self.owner,
                group=None if self.owner is None else _group_of(self.owner),
                extra_groups=None if self.owner is None else [],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
            output.seek(0)
            said = output.read().decode(errors="replace")
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {said}")
        return said

    def execute(self, statement: sql.Composed) -> None:
        """Run one statement outside a transaction, in the maintenance database."""
        with psycopg.connect(host=str(self.folder), user=_SUPERUSER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """A temporary cluster for the whole run, stopped and removed at its end; skips where there is no PostgreSQL."""
    if not is_installed():
        pytest.skip(_NOT_THERE)
    with cluster(durable=False) as found:
        yield found


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    """The SQLAlchemy address of an empty database that only this test uses; it is dropped afterwards."""
    with database(postgres_cluster) as url:
        yield url


def is_installed() -> bool:
    """Whether this machine has PostgreSQL's programs."""
    return _find_binaries() is not None


@contextmanager
def cluster(*, durable: bool = True) -> Iterator[PostgresCluster]:
    """A temporary cluster, stopped and removed in the end; ``RuntimeError`` where there is no PostgreSQL.

    One that is not ``durable`` never waits for the disk: for tests that kill clients, never the server.
    """
    binaries = _find_binaries()
    if binaries is None:
        raise RuntimeError(_NOT_THERE)
    with _temporary_folder() as (folder, owner), _running(PostgresCluster(binaries, folder, owner), durable) as found:
        yield found


@contextmanager
def database(cluster: PostgresCluster) -> Iterator[str]:
    """The SQLAlchemy address of an empty database of ``cluster``, dropped in the end."""
    name = f"t_{uuid4().hex}"
    cluster.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield cluster.url(name)
    # FORCE: a worker that a test has killed may have left a connection.
    cluster.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _find_binaries() -> Path | None:
    """The newest PostgreSQL's folder of programs, Debian's place first; None when there is none."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def _temporary_folder() -> Iterator[tuple[Path, str | None]]:
    """A folder with a path short enough for a socket, and the user who owns it (None: we do)."""
    # PostgreSQL refuses to run as root.
    owner = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="stfc-pg-", ignore_cleanup_errors=True) as name:
        if owner:
            shutil.chown(name, owner, _group_of(owner))
        yield Path(name), owner


@contextmanager
def _running(cluster: PostgresCluster, durable: bool) -> Iterator[PostgresCluster]:
    cluster.run(
        "initdb",
        "--no-sync",
        "-D",
        str(cluster.data),
        "-U",
        _SUPERUSER,
        "--auth=trust",
        "-E",
        "UTF8",
        *_locale(cluster),
    )
    options = f"-c listen_addresses='' -c unix_socket_directories='{cluster.folder}' -c shared_buffers=32MB"
    if not durable:
        options += " -c fsync=off -c full_page_writes=off"
    server = ("-D", str(cluster.data), "-l", str(cluster.folder / "log"), "-w", "-t", str(_SECONDS_TO_START))
    cluster.run("pg_ctl", "start", *server, "-o", options)
    try:
        yield cluster
    finally:
        cluster.run("pg_ctl", "stop", "-D", str(cluster.data), "-w", "-m", "immediate")


def _locale(cluster: PostgresCluster) -> list[str]:
    version = re.search(r"(\d+)", cluster.run("initdb", "--version"))
    if version and int(version[1]) >= _FIRST_WITH_ICU_CLUSTERS:
        return ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=pt-BR"]
    return ["--locale=C.UTF-8"]


def _group_of(user: str) -> int:
    return pwd.getpwnam(user).pw_gid
