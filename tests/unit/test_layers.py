"""The import contract (ARCHITECTURE, layers): which room may import which, and which library may stand where.

The tables below are the contract; every rule carries the reason that a failure shows. A room that does not exist yet
breaks nothing, a module that belongs to no room does.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Room:
    """Modules under ``prefixes`` may import from the project only what stands under ``may_import``, and why."""

    name: str
    prefixes: tuple[str, ...]
    may_import: tuple[str, ...]
    reason: str


ROOMS = (
    Room("app.py", ("app",), ("stfc.ui", "stfc.errors"), "it only builds the st.App; the rest lives in stfc/ui"),
    Room("pages/", ("pages",), ("stfc.ui",), "a page guards, filters, queries and renders by parts of stfc/ui"),
    Room(
        "stfc/ui/",
        ("stfc.ui",),
        ("stfc.bootstrap", "stfc.services", "stfc.domain", "stfc.errors"),
        "screens reach adapters only as bootstrap wired them",
    ),
    Room(
        "the terminal (stfc/cli.py, stfc/demo.py)",
        ("stfc.cli", "stfc.demo", "stfc.__main__"),
        ("stfc.bootstrap", "stfc.services", "stfc.domain", "stfc.errors"),
        "the terminal uses the same services as the screens, wired by bootstrap (the simulator too)",
    ),
    Room(
        "stfc/bootstrap.py",
        ("stfc.bootstrap",),
        ("stfc.settings", "stfc.adapters", "stfc.services", "stfc.domain", "stfc.simulator", "stfc.errors"),
        "it wires everything below and knows nothing of screen or terminal",
    ),
    Room(
        "stfc/settings.py",
        ("stfc.settings",),
        ("stfc.domain", "stfc.errors"),
        "settings are values; bootstrap alone reads them",
    ),
    Room(
        "stfc/adapters/",
        ("stfc.adapters",),
        # queries.py holds the read model's port and the values it takes, as ports.py does for the others.
        ("stfc.services.ports", "stfc.services.queries", "stfc.domain", "stfc.errors"),
        "an adapter implements a port; it decides nothing about billing, so it needs no use case",
    ),
    Room(
        "stfc/services/",
        ("stfc.services",),
        ("stfc.domain", "stfc.errors"),
        "a use case sees the outside through ports only, so that tests can hand it fakes",
    ),
    Room("stfc/domain/", ("stfc.domain",), ("stfc.errors",), "the rules depend on nothing that can change under them"),
    Room(
        "stfc/simulator/",
        ("stfc.simulator",),
        ("stfc.domain", "stfc.errors"),
        "the platform is somebody else's program; it shares numbers, money and the file's form, nothing more",
    ),
    Room("stfc/errors.py", ("stfc.errors",), (), "everyone imports it, so it imports no one"),
    Room("stfc/__init__.py", ("stfc",), (), "importing the package opens nothing"),
)

_SCREENS = ("app", "pages", "stfc.ui")
_TERMINAL = ("stfc.cli", "stfc.demo", "stfc.__main__")
_ARROW = ("stfc.adapters", "stfc.services", "stfc.bootstrap", "stfc.simulator", "stfc.ui", *_TERMINAL)
_REFERENCE = ("stfc.domain", "stfc.adapters", "stfc.simulator")


@dataclass(frozen=True)
class Library:
    """Where a third-party library may be imported, the distribution that brings it, and why only there."""

    distribution: str
    rooms: tuple[str, ...]
    reason: str


LIBRARIES = {
    "streamlit": Library("streamlit", _SCREENS, "only screens know the toolkit of the screens"),
    "pandas": Library("streamlit", ("stfc.ui.server",), "never used; Streamlit imports it late, so start-up warms it"),
    "plotly": Library("plotly", _SCREENS, "only screens draw"),
    "sqlalchemy": Library("sqlalchemy", ("stfc.adapters.ledger",), "SQL stands in the ledger's adapter alone"),
    "alembic": Library("alembic", ("stfc.adapters.ledger",), "migrations belong to the ledger's adapter"),
    "psycopg": Library("psycopg", ("stfc.adapters.ledger",), "SQL stands in the ledger's adapter alone"),
    "httpx": Library("httpx", ("stfc.adapters.summit", "stfc.adapters.notices"), "HTTP out: the platform and webhooks"),
    "aiohttp": Library("aiohttp", ("stfc.adapters.summit",), "HTTP out at a fifth of the cost, for the files"),
    "yarl": Library("aiohttp", ("stfc.adapters.summit",), "the addresses of aiohttp"),
    "duckdb": Library("duckdb", ("stfc.adapters",), "the read model's engine is an adapter's technique"),
    "polars": Library(
        "polars",
        ("stfc.adapters", "stfc.domain.rating", "stfc.simulator"),
        "columns are an adapter's technique; in rating they are the arithmetic itself, in the simulator its traffic",
    ),
    "numpy": Library("numpy", ("stfc.adapters", "stfc.simulator"), "columns are an adapter's technique"),
    "pyarrow": Library("pyarrow", _ARROW, "Arrow tables cross the ports; the domain has values"),
    "pydantic_settings": Library(
        "pydantic-settings", ("stfc.settings", "stfc.bootstrap"), "only there settings are read"
    ),
    "pydantic": Library("pydantic-settings", ("stfc.settings", "stfc.bootstrap"), "only there settings are read"),
    "typer": Library("typer", _TERMINAL, "only the terminal has a command line"),
    "rich": Library("rich", _TERMINAL, "only the terminal draws on a terminal"),
    "starlette": Library("starlette", (*_SCREENS, "stfc.simulator"), "HTTP in: the app's own routes and the simulator"),
    "uvicorn": Library("uvicorn", ("stfc.simulator",), "the simulator is the one server that we run ourselves"),
    "babel": Library(
        "babel",
        ("stfc.domain.text", "stfc.ui", "stfc.adapters.documents", *_TERMINAL),
        "Brazilian formats are for those who read: sentences, screens, documents",
    ),
    "phonenumbers": Library("phonenumbers", _REFERENCE, "numbering is a rule of the domain"),
    "holidays": Library("holidays", _REFERENCE, "holidays decide time bands, a rule of the domain"),
    "stdnum": Library("python-stdnum", _REFERENCE, "check digits are a rule of the domain"),
    "structlog": Library(
        "structlog",
        ("stfc.bootstrap", "stfc.adapters", "stfc.services", "stfc.simulator", "stfc.ui", *_TERMINAL),
        "the domain decides and reports; it does not log",
    ),
    "xlsxwriter": Library("xlsxwriter", ("stfc.adapters.documents",), "documents are written in one adapter"),
}

# What would give the domain a disk, a network, a clock or chance of its own.
# fmt: off
_NOT_IN_DOMAIN = frozenset({
    "asyncio", "concurrent", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile",
    "threading", "time", "urllib", "uuid",
})
# fmt: on
_CLOCKS = frozenset({"now", "today", "utcnow"})


def _under(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def _under_any(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(_under(module, prefix) for prefix in prefixes)


def _room_of(module: str) -> Room | None:
    """The room with the longest prefix; ``stfc`` itself is only its ``__init__``."""
    found = [(len(prefix), room) for room in ROOMS for prefix in room.prefixes if _under(module, prefix)]
    if not found:
        return None
    room = max(found, key=lambda pair: pair[0])[1]
    return None if room.name == "stfc/__init__.py" and module != "stfc" else room


def _imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of all that the module imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = len(parts) - node.level + is_package
                base = ".".join([*parts[:kept], *([base] if base else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def breaches(module: str, source: str, is_package: bool = False) -> list[str]:
    """What ``module`` does against the contract: one sentence each, with line, rule and reason."""
    room = _room_of(module)
    if room is None:
        return [f"{module}: stands in no room of the contract; put it in one, or add its room to ROOMS with a reason"]
    tree = ast.parse(source)
    found = []
    for line, name in _imports(tree, module, is_package):
        sentence = _project_breach(room, name) or _library_breach(module, name)
        if sentence:
            found.append(f"{module}:{line}: {sentence}")
    if _under(module, "stfc.domain"):
        found += [f"{module}:{line}: {sentence}" for line, sentence in _impurities(tree, module)]
    if _under(module, "stfc.services"):
        found += [f"{module}:{line}: {sentence}" for line, sentence in _own_clocks(tree)]
    return found


def _project_breach(room: Room, name: str) -> str | None:
    if not _under_any(name, ("stfc", "app", "pages")) or name in ("stfc", "stfc.__version__"):
        return None
    if _under_any(name, room.may_import) or _room_of(name) is room:
        return None
    return f"imports {name}; {room.name} may import {', '.join(room.may_import) or 'nothing of ours'}: {room.reason}"


def _library_breach(module: str, name: str) -> str | None:
    top = name.split(".")[0]
    if top in sys.stdlib_module_names or top in ("stfc", "app", "pages"):
        return None
    library = LIBRARIES.get(top)
    if library is None:
        return f"imports {top}, which no rule names: argue it in docs/decisions and add it to LIBRARIES"
    if _under_any(module, library.rooms):
        return None
    return f"imports {name}; {top} may stand in {', '.join(library.rooms)}: {library.reason}"


def _impurities(tree: ast.Module, module: str) -> Iterator[tuple[int, str]]:
    for line, name in _imports(tree, module, is_package=False):
        if name.split(".")[0] in _NOT_IN_DOMAIN:
            yield line, f"imports {name}; the domain has no I/O, no clock and no chance of its own"
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("open", "print", "input")
        ):
            yield node.lineno, f"calls {node.func.id}; the domain has no I/O"
    yield from _own_clocks(tree)


def _own_clocks(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CLOCKS):
            continue
        owner = node.func.value
        owner_name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if owner_name in ("date", "datetime"):
            yield (
                node.lineno,
                f"calls {owner_name}.{node.func.attr}; time comes in by argument, so that midnight can be tested",
            )


def _modules() -> list[Path]:
    """Every Python file that ships: the app, its pages and the package."""
    files = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "stfc").rglob("*.py")]
    return sorted(path for path in files if path.is_file())


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _name_in_report(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", _modules(), ids=_name_in_report)
def test_module_keeps_the_import_contract(path: Path) -> None:
    found = breaches(_dotted(path), path.read_text(encoding="utf-8"), is_package=path.name == "__init__.py")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "named"),
    [
        ("pages.contracts", "from stfc.services import queries", "stfc.services.queries"),
        ("pages.contracts", "from stfc.errors import StfcError", "stfc.errors.StfcError"),
        ("stfc.ui.tables", "from stfc.adapters.ledger import schema", "stfc.adapters.ledger.schema"),
        ("stfc.ui.tables", "from ..adapters import erp", "stfc.adapters.erp"),
        ("stfc.cli", "def run():\n    import stfc.adapters.erp", "stfc.adapters.erp"),
        ("stfc.services.billing", "from stfc import adapters", "stfc.adapters"),
        ("stfc.adapters.erp.snapshots", "from stfc.services.billing import Billing", "stfc.services.billing.Billing"),
        ("stfc.domain.money", "from stfc.services.ports import Clock", "stfc.services.ports.Clock"),
        ("stfc.simulator.server", "from stfc.adapters.summit import http", "stfc.adapters.summit.http"),
        ("stfc.errors", "from stfc.domain.money import Centavos", "stfc.domain.money.Centavos"),
        ("stfc.services.billing", "import sqlalchemy as sa", "sqlalchemy"),
        ("stfc.adapters.erp.snapshots", "from sqlalchemy import select", "sqlalchemy.select"),
        ("stfc.services.billing", "import streamlit as st", "streamlit"),
        ("stfc.domain.eligibility", "import polars as pl", "polars"),
        ("stfc.services.billing", "import requests", "requests"),
        ("stfc.domain.money", "import os.path", "os.path"),
        ("stfc.domain.money", "text = open('x').read()", "open"),
        ("stfc.domain.competence", "from datetime import date\ntoday = date.today()", "date.today"),
        ("stfc.services.billing", "import datetime\nat = datetime.datetime.now()", "datetime.now"),
        ("stfc.helpers", "", "no room"),
    ],
)
def test_breach_is_found_and_named(module: str, source: str, named: str) -> None:
    found = breaches(module, source)
    assert len(found) == 1, found
    assert named in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app", "import streamlit as st\nfrom stfc.ui import lifespan"),
        ("stfc.ui.session", "from stfc import bootstrap\nfrom stfc.ui import labels\nfrom . import format"),
        ("stfc.cli", "import typer\nfrom stfc import __version__, bootstrap\nfrom stfc.errors import StfcError"),
        ("stfc.adapters.erp.snapshots", "import polars as pl\nfrom stfc.services.ports import SnapshotStore"),
        ("stfc.adapters.read_model.duck", "import duckdb\nfrom stfc.services.queries import ContractQuery"),
        ("stfc.domain.rating", "import polars as pl\nfrom decimal import Decimal"),
        ("stfc.services.billing", "at = self._clock.now()"),
    ],
)
def test_what_the_contract_allows_passes(module: str, source: str) -> None:
    assert breaches(module, source) == []


def test_every_library_of_the_contract_is_declared_as_a_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    names = {re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower() for requirement in declared}
    assert {library.distribution for library in LIBRARIES.values()} <= names


# --- What no file of the project may hold --------------------------------------------------------------------------

# fmt: off
_MADE_BY_TOOLS = frozenset({
    ".git", ".venv", ".venv-lock", ".stfc", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
    "__pycache__", "build", "dist", "node_modules", "out", "test-results",
})
# fmt: on
_REGISTRY = re.compile(
    r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs|debian|proxy|mirror|nexus|artifactory)[\w.-]*"
    r"|\b(?:[\w-]+\.)*(?:pypi|pythonhosted|npmjs)\.(?:org|com|io)\b",
    re.IGNORECASE,
)


def _project_files(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _MADE_BY_TOOLS or path.name.endswith(".egg-info") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _project_files(path)
        else:
            yield path


def test_no_file_names_a_registry_host() -> None:
    """Everybody installs from where they are set up to; an address in the project would overrule that."""
    found = []
    for path in _project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in _REGISTRY.finditer(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "host", ["https://files.python" + "hosted.org/x", "registry.npm" + "js.org", "http://" + "mirror.corp"]
)
def test_registry_host_is_recognised(host: str) -> None:
    assert _REGISTRY.search(f"index = {host}")


def test_lock_pins_every_package_with_hashes_and_names_no_place() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in lock.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    assert [line for line in lines if not re.match(r"[a-z0-9_.-]+==\S+ .*--hash=sha256:", line)] == []
    assert "://" not in lock


def test_every_module_has_a_docstring() -> None:
    others = [path for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*.py")]
    bare = [
        str(path.relative_to(ROOT))
        for path in [*_modules(), *others]
        if (source := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(source))
    ]
    assert not bare, f"without a docstring: {', '.join(bare)}"
