"""What a hostile person, file or page brings: each case has a clear answer with a code, and the ledger stays as it was.

The cases stand in a table in ``docs/security.md``, by kind; the count there is held here.
"""

import io
import re
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from stfc import bootstrap
from stfc.domain.competence import Competence
from stfc.errors import StfcError
from stfc.services.ports import Actor
from stfc.settings import Settings
from stfc.ui import labels
from tests.billing_files import a_file, a_record
from tests.builders import a_dump, contract_row, line_row, service_row
from tests.integration.conftest import ROOT
from tests.ledgers import Ledger
from tests.terminal import Terminal

MONTH = "2026-10"
OCTOBER = Competence.parse(MONTH)
MANAGER = Actor("gilda", "manager", "tela")
BIDI, NUL, LONG = "\u202e4711", "47\x0011", "9" * 100_000
SQL, TRAVERSAL, MARKUP = "' OR 1=1; DROP TABLE items;--", "../../../etc/passwd", "<script>alert(1)</script>"
NAMES = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", MARKUP)


class Place:
    """A home in which three contracts are billed, one of them held, and a terminal on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.platform = folder / "platform"
        self.home = folder / "home"
        contracts = [str(number) for number in range(1, 1 + len(NAMES))]
        rows = [contract_row(one, customer=name) for one, name in zip(contracts, NAMES, strict=True)]
        dump = a_dump(
            folder / "erp",
            contracts=rows,
            services=[service_row(f"S{one}", one) for one in contracts],
            lines=[line_row(f"193322000{one}", f"S{one}") for one in contracts],
        )
        (self.platform / MONTH).mkdir(parents=True)
        for one in contracts:
            records = [a_record(f"{one}-1", line=f"193322000{one}", caller=f"193322000{one}", amount="1.00")]
            header = f"H;1;{one};{MONTH};{MONTH}-01;{MONTH}-31;{MONTH}-31T03:00:00-03:00"
            wrong = "T;3;201;99.99" if one == "3" else None
            (self.platform / MONTH / f"{one}.csv").write_bytes(a_file(*records, header=header, trailer=wrong))
        self.app = bootstrap.build(Settings(home=self.home, summit_dir=self.platform))
        self.app.importing.run(dump, MANAGER)
        for some in (contracts[:3], contracts[3:]):
            self.app.billing.open(OCTOBER, some, MANAGER)
            self.app.worker().run(until_idle=True)
        self.ledger = Ledger(self.app.database)
        self.terminal = Terminal(self.home, {"STFC_ROLE": "manager", "STFC_SUMMIT_DIR": str(self.platform)})

    def refused(self, *arguments: str | Path, **settings: str) -> str:
        """The code with which a command is refused; 1 or 2 is its status, and no traceback is said."""
        answer = self.terminal.run(*arguments, "--json", **settings)
        assert answer.status in (1, 2), answer
        assert "Traceback" not in answer.err
        return answer.error


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One home for every case: none of them changes it."""
    made = Place(tmp_path_factory.mktemp("hostile"))
    yield made
    made.app.database.dispose()


@pytest.fixture(autouse=True)
def unchanged(place: Place) -> Iterator[None]:
    """Whatever a case does, the ledger is as it was."""
    before = place.ledger.dump()
    yield
    assert place.ledger.dump() == before


# --- Arguments and forged numbers ------------------------------------------------------------------------------------

ARGUMENTS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "competence: month 13": (("bill", "--competence", "2026-13", "--all"), {"USO-INV"}),
    "competence: SQL": (("indicators", "--competence", SQL), {"USO-INV"}),
    "competence: a path": (("calls", "--competence", TRAVERSAL), {"USO-INV"}),
    "competence: digits of another script": (("competence", "close", "２０２６-10"), {"USO-INV"}),
    "competence: a NUL": (("competence", "close", "2026-10\x00"), {"USO-INV"}),
    "competence: huge": (("competence", "close", LONG), {"USO-INV"}),
    "competence: nothing": (("indicators", "--competence", ""), {"USO-INV"}),
    "contract: SQL": (("bill", "--competence", MONTH, "--contract", SQL), {"USO-NAO"}),
    "contract: a path": (("contracts", "explain", TRAVERSAL, "--competence", MONTH), {"USO-NAO"}),
    "contract: markup": (("contracts", "explain", MARKUP, "--competence", MONTH), {"USO-NAO"}),
    "contract: turned writing": (("contracts", "explain", BIDI, "--competence", MONTH), {"USO-NAO"}),
    "contract: a NUL": (("contracts", "explain", NUL, "--competence", MONTH), {"USO-NAO"}),
    "contract: huge": (("bill", "--competence", MONTH, "--contract", LONG), {"USO-NAO"}),
    "contract: a path to the platform": (("provision", TRAVERSAL), {"USO-NAO"}),
    "class: SQL": (("calls", "--competence", MONTH, "--class", SQL), {"USO-CLI"}),
    "limit: negative": (("calls", "--competence", MONTH, "--limit", "-1"), {"USO-CLI"}),
    "batch: none of that number": (("batches", "show", "999"), {"USO-NAO"}),
    "batch: beyond the store's numbers": (("batches", "show", str(2**70)), {"USO-NAO", "USO-CLI", "USO-INV"}),
    "batch: negative": (("batches", "cancel", "--", "-1"), {"USO-NAO", "USO-CLI"}),
    "batch: words": (("batches", "retry", SQL), {"USO-CLI"}),
    "contract of another batch, reversed": (
        ("batches", "reverse", "1", "--contract", "4", "--reason", "x"),
        {"USO-EST"},
    ),
    "contract of another batch, retried": (("batches", "retry", "1", "--contract", "4"), {"USO-NAO"}),
    "hold: none of that number": (("holds", "release", "999", "--reason", "x"), {"USO-NAO"}),
    "hold: zero": (("holds", "release", "0", "--reason", "x"), {"USO-CLI"}),
    "hold: beyond the store's numbers": (("holds", "reject", str(2**70), "--reason", "x"), {"USO-CLI"}),
    "reason: blank": (("holds", "reject", "1", "--reason", " \t\u00a0 "), {"USO-EST"}),
    "month: of another's choosing": (("competence", "reopen", MONTH, "--reason", "x"), {"USO-EST"}),
    "reveal without a reason": (("calls", "--competence", MONTH, "--reveal"), {"USO-EST"}),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_hostile_argument_is_refused_by_its_code(name: str, place: Place) -> None:
    arguments, codes = ARGUMENTS[name]
    assert place.refused(*arguments) in codes


ROLES = ("root", "MANAGER", "manager ", "manager\x00", "gestor", "supervisor,manager")


@pytest.mark.parametrize("role", ROLES)
def test_a_forged_role_opens_nothing(role: str, place: Place) -> None:
    if "\x00" not in role:
        assert place.refused("holds", "release", "1", "--reason", "x", STFC_ROLE=role) == "CFG-INV"
    with pytest.raises(StfcError) as caught:
        place.app.holds.release([1], Actor("eva", role, "tela"), reason="x")
    assert caught.value.code == "USO-PER"


# --- Files -----------------------------------------------------------------------------------------------------------


def _contracts(content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        dump = a_dump(folder / "erp")
        (dump / "contracts.csv").write_bytes(content)
        return dump

    return write


def _changed(**changes: str) -> Callable[[Path], Path]:
    return lambda folder: a_dump(folder / "erp", contracts=[contract_row(**changes)])


def _zipped(bomb: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("contracts.csv", b"0" * bomb)
    return made.getvalue()


def _linked(folder: Path) -> Path:
    dump = a_dump(folder / "erp")
    (dump / "contracts.csv").unlink()
    (dump / "contracts.csv").symlink_to("/etc/passwd")
    return dump


def _folder_for_file(folder: Path) -> Path:
    dump = a_dump(folder / "erp")
    (dump / "contracts.csv").unlink()
    (dump / "contracts.csv").mkdir()
    return dump


def _parquet(folder: Path) -> Path:
    dump = a_dump(folder / "erp")
    (dump / "contracts.csv").unlink()
    (dump / "contracts.parquet").write_bytes(b"PAR1" + b"\xff" * 64 + b"PAR1")
    return dump


DUMPS: dict[str, Callable[[Path], Path]] = {
    "dump: NUL bytes": _contracts(b"\x00" * 5000),
    "dump: a zip bomb by another name": _contracts(_zipped(50_000_000)),
    "dump: another encoding": _contracts("contract,customer\n1,Jos\u00e9\n".encode("utf-16")),
    "dump: one huge line": _contracts(b"contract," + b"x" * 20_000_000),
    "dump: nothing": _contracts(b""),
    "dump: a column twice": _contracts(b"contract,contract\n1,2\n"),
    "dump: a link to another file": _linked,
    "dump: a folder for a file": _folder_for_file,
    "dump: Parquet that is none": _parquet,
    "dump: a path that is none": lambda folder: folder / ".." / "nowhere",
    "dump: an unknown stage": _changed(stage="APPROVED'; --"),
    "dump: a day that does not exist": _changed(bill_from="2026-02-31"),
}


@pytest.mark.parametrize("name", DUMPS)
def test_a_hostile_dump_is_refused_whole(name: str, place: Place, tmp_path: Path) -> None:
    assert place.refused("import", DUMPS[name](tmp_path)) in ("IMP-REC", "USO-NAO", "ARM-ESC")


PLANS: dict[str, bytes] = {
    "plans: NUL bytes": b"\x00" * 100,
    "plans: another encoding": '[[plan]]\nname = "São"'.encode("latin-1"),
    "plans: not TOML": b"[[plan]\ncode = ",
    "plans: nested without end": b"a = " + b"[" * 20_000,
    "plans: a price that is no number": b'[[plan]]\ncode = "a"\nname = "a"\nvalid_from = 2020-01-01\n'
    b'mode = "platform"\n[plan.price]\nLOCAL = "nan"\n',
    "plans: a price without bounds": b'[[plan]]\ncode = "a"\nname = "a"\nvalid_from = 2020-01-01\n'
    b'mode = "platform"\n[plan.price]\nLOCAL = "1e999999"\n',
    "plans: a zip bomb": _zipped(5_000_000),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_hostile_file_of_plans_is_refused_whole(name: str, place: Place, tmp_path: Path) -> None:
    (tmp_path / "plans.toml").write_bytes(PLANS[name])
    assert place.refused("plans", "import", tmp_path / "plans.toml") in ("PLA-REC", "USO-INV")


def _tarred(member: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"x") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        info = tarfile.TarInfo(member)
        info.type, info.size, info.linkname = kind, len(content) if kind == tarfile.REGTYPE else 0, "/etc/passwd"
        archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


BACKUPS: dict[str, bytes] = {
    "backup: a name that leads out": _tarred("../../outside"),
    "backup: an absolute name": _tarred("/tmp/outside"),
    "backup: a link": _tarred("ledger.db", tarfile.SYMTYPE),
    "backup: a device": _tarred("ledger.db", tarfile.CHRTYPE),
    "backup: no archive": b"\x1f\x8b" + b"\x00" * 400,
    "backup: nothing": b"",
}


@pytest.mark.parametrize("name", BACKUPS)
def test_a_hostile_backup_writes_nothing(name: str, place: Place, tmp_path: Path) -> None:
    (tmp_path / "copy.tar").write_bytes(BACKUPS[name])
    elsewhere = tmp_path / "new" / "home"
    code = place.refused("restore", tmp_path / "copy.tar", STFC_HOME=str(elsewhere))
    assert code in ("USO-EST", "USO-INV", "ARM-ESC")
    assert not [path for path in tmp_path.rglob("*") if path.name in ("outside", "ledger.db")]


SETTINGS: dict[str, bytes] = {
    "settings: not TOML": b"role = ",
    "settings: NUL bytes": b"\x00\x00",
    "settings: another encoding": 'user = "Jo\xe3o"'.encode("latin-1"),
    "settings: an unknown name": b'summit_tokn = "x"',
    "settings: nested without end": b"a = " + b"[" * 20_000,
    "settings: a role that is none": b'role = "root"',
    "settings: a table for a number": b"[chunks]\na = 1",
    "settings: a number beyond its bounds": b"connections = 100000",
    "settings: half a login": b'oidc_issuer = "https://id.example"',
    "settings: a group that makes root": b'[oidc_roles]\nx = "root"',
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_hostile_settings_file_is_refused(name: str, place: Place, tmp_path: Path) -> None:
    (tmp_path / "stfc.toml").write_bytes(SETTINGS[name])
    (tmp_path / "stfc.toml").chmod(0o600)
    assert place.refused("batches", "list", STFC_HOME=str(tmp_path), STFC_ROLE="") == "CFG-INV"


# --- What goes out ---------------------------------------------------------------------------------------------------

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@pytest.mark.parametrize("sign", FORMULAS)
def test_no_exported_cell_is_a_formula(sign: str, place: Place, tmp_path: Path) -> None:
    """Every text column of every table, names from the ERP among them; numbers may be negative."""
    place.app.exports.run(tmp_path, OCTOBER, bootstrap_format())
    for file in sorted(tmp_path.glob("*.csv")):
        frame = pl.read_csv(file, infer_schema_length=0)
        for column in frame.columns:
            cells = [cell for cell in frame[column].to_list() if cell and cell.startswith(sign)]
            assert all(re.fullmatch(r"-\d+([.,]\d+)?", cell) for cell in cells), (file.name, column, cells[:3])


def bootstrap_format() -> Any:
    """The form that a spreadsheet opens without asking."""
    from stfc.services.ports import ExportFormat

    return ExportFormat.CSV


# --- Addresses of the screens ----------------------------------------------------------------------------------------

PARAMETERS: dict[str, Mapping[str, str | list[str]]] = {
    "parameters: unknown names": {"papel": "manager", "__proto__": "x", "": "y"},
    "parameters: SQL everywhere": dict.fromkeys(("contrato", "lote", "q", "busca", "ordem", "fatura", "aba"), SQL),
    "parameters: paths everywhere": dict.fromkeys(("contrato", "lote", "q", "retida", "ligacao", "regra"), TRAVERSAL),
    "parameters: markup everywhere": dict.fromkeys(("contrato", "lote", "q", "busca", "causa", "destino"), MARKUP),
    "parameters: numbers beyond the store's": dict.fromkeys(("lote", "pagina", "retida", "parte"), str(2**70)),
    "parameters: negative and fractional": {"lote": "-1", "pagina": "-7", "retida": "1.5", "hora": "99"},
    "parameters: huge": dict.fromkeys(("contrato", "q", "busca", "competencia"), "9" * 20_000),
    "parameters: repeated": {"contrato": ["1", "2"], "lote": ["1", "2"], "pagina": ["1", "x"], "classe": [SQL, "VC1"]},
    "parameters: control characters": dict.fromkeys(("contrato", "q", "busca"), f"{NUL}{BIDI}\x1b[2J"),
    "parameters: days that do not exist": {"competencia": "2026-13", "desde": "2026-02-31", "ate_dia": "32"},
    "parameters: another batch's contract": {"lote": "1", "contrato": "4", "retida": "1"},
}
PAGES = [page for pages in labels.MENU.values() for page in pages]


@pytest.fixture(scope="module")
def screens(place: Place) -> Iterator[None]:
    """The screens over the place, for a manager."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STFC_HOME", str(place.home))
        patch.setenv("STFC_ROLE", "manager")
        patch.setenv("STFC_SUMMIT_DIR", str(place.platform))
        st.cache_resource.clear()
        yield
        st.cache_resource.clear()


@pytest.mark.parametrize("name", PARAMETERS)
def test_forged_parameters_of_every_screen_end_in_a_sentence(name: str, place: Place, screens: None) -> None:
    for page in PAGES:
        app = AppTest.from_file(str(ROOT / "stfc/ui/entry.py"), default_timeout=60)
        app.query_params.update(PARAMETERS[name])
        app.switch_page(f"../../pages/{page.file}.py").run()
        assert not app.exception, page.title
        said = [element.value for kind in (app.title, app.header, app.markdown, app.caption) for element in kind]
        assert said
        assert "TELA-" not in "\n".join(said), page.title


# --- The wire --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(place: Place) -> Iterator[str]:
    """The real app over the place: its address."""
    environment = {"STFC_HOME": str(place.home), "STFC_ROLE": "operator", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "stfc.cli", "app", "--port", "0"]
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stderr is not None
        ready = next(line for line in child.stderr if line.startswith("app ready "))
        yield ready.split()[-1]
    finally:
        child.terminate()
        child.communicate(timeout=20)


def raw(server: str, request: str) -> int:
    """The status of a request written byte by byte, which no client tidies up."""
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as wire:
        wire.sendall(request.replace("\n", "\r\n").encode("latin-1"))
        return int(wire.makefile("rb").readline().split()[1])


HOSTS: dict[str, str] = {
    "host: another name": "GET / HTTP/1.1\nHost: evil.example\nConnection: close\n\n",
    "host: our name as a prefix": "GET / HTTP/1.1\nHost: 127.0.0.1.evil.example\nConnection: close\n\n",
    "host: our name as a user": "GET / HTTP/1.1\nHost: 127.0.0.1@evil.example\nConnection: close\n\n",
    "host: two of them": "GET / HTTP/1.1\nHost: 127.0.0.1\nHost: evil.example\nConnection: close\n\n",
    "host: none": "GET / HTTP/1.1\nConnection: close\n\n",
    "host: of the media route": "GET /media/1.csv HTTP/1.1\nHost: evil.example\nConnection: close\n\n",
}


@pytest.mark.parametrize("name", HOSTS)
def test_another_host_is_not_answered(name: str, server: str) -> None:
    assert raw(server, HOSTS[name]) in (400, 421)


PATHS = {
    "path: out of the app's files": "/app/static/../../../stfc.toml",
    "path: out of them, encoded": "/app/static/..%2f..%2f..%2fpyproject.toml",
    "path: out of them, twice encoded": "/app/static/%252e%252e/%252e%252e/pyproject.toml",
    "path: out of Streamlit's files": "/static/..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "path: with backslashes": "/app/static/..\\..\\stfc.toml",
    "path: out of the exports": "/api/exports/..%2f..%2fstfc.toml",
    "path: out of the media": "/media/..%2f..%2fstfc.toml",
    "path: a component's": "/component/..%2f..%2f..%2fetc/passwd",
}


@pytest.mark.parametrize("name", PATHS)
def test_no_path_leads_out_of_what_is_served(name: str, server: str, place: Place) -> None:
    host = server.removeprefix("http://")
    status = raw(server, f"GET {PATHS[name]} HTTP/1.1\nHost: {host}\nAccept: */*\nConnection: close\n\n")
    answer = httpx.get(server + PATHS[name])
    # What is no file of ours is the page, which says so itself.
    assert status in (200, 400, 403, 404)
    assert not any(words in answer.text for words in ("root:", "[project]", "summit_"))


CLOSED: dict[str, tuple[str, str, int]] = {
    "upload: by PUT": ("PUT", "/_stcore/upload_file/session/file", 403),
    # Uploads are open to managers; Streamlit knows no such method for them.
    "upload: by POST": ("POST", "/_stcore/upload_file", 405),
    "upload: taken away": ("DELETE", "/_stcore/upload_file/session/file", 403),
    "agent: an act": ("POST", "/_stcore/agent/interact", 403),
    "agent: another protocol": ("POST", "/_stcore/agent/mcp", 403),
}


@pytest.mark.parametrize("name", CLOSED)
def test_what_no_screen_uses_is_closed(name: str, server: str) -> None:
    method, path, status = CLOSED[name]
    answer = httpx.request(method, server + path, content=b"x" * 1000)
    assert answer.status_code == status


SOCKETS: dict[str, tuple[str, str]] = {
    "socket: from another site": ("http://evil.example", ""),
    "socket: from another port's page": ("http://127.0.0.1:1", ""),
    "socket: from a file": ("null", ""),
    "socket: from another site under its own name": ("http://evil.example", "evil.example"),
}


@pytest.mark.parametrize("name", SOCKETS)
def test_a_socket_from_elsewhere_is_refused(name: str, server: str) -> None:
    origin, host = SOCKETS[name]
    headers = {"Host": host} if host else {}
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(f"{server.replace('http', 'ws')}/_stcore/stream", origin=origin, additional_headers=headers),
    ):
        pass
    assert caught.value.response.status_code in (400, 403, 421)


HEADERS = ("/", "/contratos", "/_stcore/health", "/api/healthz", "/media/1.csv", "/api/exports/1")


@pytest.mark.parametrize("path", HEADERS)
def test_every_answer_carries_the_security_headers(path: str, server: str) -> None:
    said = httpx.get(server + path).headers
    assert "frame-ancestors 'none'" in said["content-security-policy"]
    script = next(part for part in said["content-security-policy"].split("; ") if part.startswith("script-src"))
    assert "unsafe" not in script
    assert said["x-content-type-options"] == "nosniff"
    assert said["referrer-policy"] == "same-origin"
    assert "camera=()" in said["permissions-policy"]
    assert "strict-transport-security" not in said  # plain http, on this machine


def test_the_app_does_not_listen_to_other_machines_without_a_login(place: Place) -> None:
    answer = place.terminal.run("app", "--address", "0.0.0.0")
    assert answer.status == 1
    assert "(CFG-INV)" in answer.err


KINDS: Sequence[Sequence[str]] = (
    list(ARGUMENTS), ROLES, list(DUMPS), list(PLANS), list(BACKUPS), list(SETTINGS), FORMULAS, list(PARAMETERS),
    list(HOSTS), list(PATHS), list(CLOSED), list(SOCKETS), ["no login"],
)  # fmt: skip


def test_the_table_of_cases_counts_them() -> None:
    said = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| hostile [^|]+\| (\d+) \|", said, re.MULTILINE)
    assert [int(row) for row in rows] == [len(kind) for kind in KINDS]
    assert sum(map(len, KINDS)) >= 60
