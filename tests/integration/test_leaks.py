"""A hunt for leaks: no full called number, no CPF or CNPJ and no token in what the product says or keeps of its acts.

A month of a faulty platform is billed for real, every command answers, and all that came out is searched (PRODUCT 9).
"""

import csv
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.domain.competence import Competence
from stfc.simulator import erp_dump
from tests.integration.conftest import ROOT
from tests.terminal import Terminal

MONTH = "2026-10"
OF_MONTH = ("--competence", MONTH)
TOKEN = "t0k3n-that-nobody-may-see"
FAULTS = ("bad-line=0.15", "wrong-totals=0.1", "wrong-contract=0.1", "wrong-sha=0.1", "html=0.05", "500=0.05")
MANAGER = {"STFC_ROLE": "manager"}
_SHORTEST = 8
_HASH = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_RUN = re.compile(rf"\d{{{_SHORTEST},}}")
_WRITTEN = re.compile(r"\d(?:[\s().-]{0,2}\d){9,}", re.ASCII)


class Secrets:
    """What must not be seen: numbers and documents by their length in digits, and texts."""

    def __init__(self, digits: set[str], texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._by_length: dict[int, set[str]] = {}
        for one in digits:
            self._by_length.setdefault(len(one), set()).add(one)

    def seen_in(self, text: str) -> set[str]:
        """The secrets that stand in ``text``, inside of longer digits and with punctuation too."""
        text = _HASH.sub("", text)
        runs = set(_RUN.findall(text)) | {re.sub(r"\D", "", run) for run in _WRITTEN.findall(text)}
        found = {secret for secret in self._texts if secret in text}
        for run in runs:
            for length, known in self._by_length.items():
                windows = (run[at : at + length] for at in range(len(run) - length + 1))
                found.update(window for window in windows if window in known)
        return found


@dataclass(frozen=True)
class Hunt:
    """What came out of the run, by where: everything that is text."""

    secrets: Secrets
    revealed: str
    said: Mapping[str, str]
    logs: Mapping[str, str]
    files: Mapping[str, str]
    rows: Mapping[str, str]


@pytest.fixture(scope="module")
def hunt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hunt]:
    """A month billed over a platform that spoils files, and every command asked once."""
    folder = tmp_path_factory.mktemp("leaks")
    erp_dump.dump(folder / "erp", 40, seed=5, until=Competence.parse(MONTH), months=2)
    command = [sys.executable, "-m", "stfc.simulator", "--port", "0", "--token", TOKEN, "--erp", str(folder / "erp")]
    options = [*(f"--fault={fault}" for fault in FAULTS), "--as-of", "2026-11-24", "--calls-per-contract", "12"]
    process = subprocess.Popen([*command, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        address = process.stderr.readline().split()[-1]
        settings = {"STFC_SUMMIT_URL": address, "STFC_SUMMIT_TOKEN": TOKEN, "STFC_USER": "ana"}
        quick = {"STFC_RETRY_FIRST": "0.01", "STFC_RETRY_MOST": "0.02", "STFC_RETRY_TRIES": "3"}
        yield _run(Terminal(folder / "home", settings | quick), folder)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _run(terminal: Terminal, folder: Path) -> Hunt:
    with (folder / "erp" / "contracts.csv").open() as file:
        contracts = {row["contract"]: row["document"] for row in csv.DictReader(file)}
    said, logs = {}, {}

    def ask(*arguments: str | Path) -> None:
        for form in ((), ("--json",)):
            answer = terminal.run(*arguments, *form, **MANAGER)
            name = " ".join(map(str, (*arguments, *form)))
            said[name], logs[name] = answer.out, answer.err

    ask("import", folder / "erp")
    ask("plans", "import", ROOT / "data" / "plans" / "demonstracao.toml")
    ask("bill", *OF_MONTH, "--all", "--preview")
    ask("bill", *OF_MONTH, "--all", "--wait")
    revealed = terminal.run("calls", *OF_MONTH, "--reveal", "--reason", "conferência", **MANAGER).out
    for contract in list(contracts)[:6]:
        ask("contracts", "explain", contract, *OF_MONTH)
        ask("provision", contract)
    for call in ("contracts list", "indicators", "calls", "compact"):
        ask(*call.split(), *OF_MONTH)
    for form in ("csv", "parquet", "xlsx"):
        ask("export", folder / "out", *OF_MONTH, "--format", form)
    for call in ("plans list", "batches list", "batches show 1", "holds list", "competence list", "doctor --all"):
        ask(*call.split())
    ask("backup", folder / "copy.tar")
    ask("audit", "verify")
    ask("audit", "list")
    ask("batches", "reverse", "1", "--reason", "fim")
    return Hunt(_secrets(terminal.home, folder, contracts), revealed, said, logs, _files(folder), _rows(terminal.home))


def _secrets(home: Path, folder: Path, contracts: Mapping[str, str]) -> Secrets:
    called = pl.read_parquet(home / "calls" / "competence=*" / "*.parquet")["called"].unique().drop_nulls()
    with (folder / "erp" / "lines.csv").open() as file:
        # Whose call it was is shown: a customer who calls another one is seen from the other side.
        ours = {row["number"] for row in csv.DictReader(file)}
    digits = {re.sub(r"\D", "", one) for one in called}
    numbers = {one[-10:] if len(one) > 11 else one for one in digits if len(one) >= _SHORTEST and one[-10:] not in ours}
    return Secrets(numbers | {re.sub(r"\D", "", document) for document in contracts.values()}, (TOKEN,))


def _files(folder: Path) -> dict[str, str]:
    exported = {}
    for file in sorted((folder / "out").iterdir()):
        match file.suffix:
            case ".xlsx":
                exported[file.name] = _sheet_text(file)
            case ".parquet":
                exported[file.name] = pl.read_parquet(file).write_csv()
            case _:
                exported[file.name] = file.read_text()
    return exported


def _sheet_text(file: Path) -> str:
    with zipfile.ZipFile(file) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml"))


def _rows(home: Path) -> dict[str, str]:
    database = Database(f"sqlite:///{home / 'ledger.db'}")
    try:
        with database.read() as connection:
            return {
                table.name: "\n".join(
                    "\t".join(value for value in row if isinstance(value, str))
                    for row in connection.execute(sa.select(table))
                )
                for table in schema.metadata.sorted_tables
            }
    finally:
        database.dispose()


def test_the_hunt_finds_what_is_there(hunt: Hunt) -> None:
    assert len(hunt.secrets.seen_in(hunt.revealed)) > 50
    assert hunt.secrets.seen_in(f"Bearer {TOKEN}") == {TOKEN}
    assert not hunt.secrets.seen_in("9" * 64 + " 2026-10-31T23:59:59 1.234,56")


def test_the_run_was_worth_hunting_in(hunt: Hunt) -> None:
    shown = hunt.said["batches show 1 --json"]
    assert all(code in shown for code in ("ARQ-FMT", "ARQ-TOT"))
    assert '"ok": true' in hunt.said["audit verify --json"]
    assert "calls.reveal" in hunt.rows["audit"]
    assert {"calls.csv", "calls.parquet", "calls.xlsx"} <= hunt.files.keys()
    assert hunt.logs


@pytest.mark.parametrize("where", ["said", "logs", "files", "rows"])
def test_no_number_no_document_and_no_token_is_seen(hunt: Hunt, where: str) -> None:
    found = {name: hunt.secrets.seen_in(text) for name, text in getattr(hunt, where).items()}
    assert {name: sorted(seen)[:3] for name, seen in found.items() if seen} == {}
