"""Real neighbours for integration tests: a simulator process over its own ERP dump."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from stfc.domain.competence import Competence
from stfc.simulator import erp_dump

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Simulator:
    """A running simulator: where it answers, the dump that its subscribers come from, and its parameters."""

    base_url: str
    token: str
    erp: Path
    seed: int
    until: Competence
    as_of: date


@pytest.fixture
def plain_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawned process runs its parent's main script again; Streamlit's tests leave one of theirs there."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A simulator process of 300 subscribers with every planted case, on a free port."""
    erp, until, as_of = tmp_path_factory.mktemp("erp"), Competence(2026, 10), date(2026, 11, 24)
    erp_dump.dump(erp, 300, seed=7, until=until)
    command = [sys.executable, "-m", "stfc.simulator", "--port", "0", "--token", "test-token", "--seed", "7"]
    process = subprocess.Popen(
        [*command, "--erp", str(erp), "--as-of", as_of.isoformat()], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        ready = process.stderr.readline()
        assert ready.startswith("simulator ready http://"), ready
        yield Simulator(ready.split()[-1], "test-token", erp, 7, until, as_of)
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "")
