"""What the doctor says: a sentence for every code, no hole in any (ARCHITECTURE, doctor)."""

import ast
from pathlib import Path

import pytest

from stfc import errors
from stfc.domain import text
from stfc.services.ports import Observation

ROOT = Path(__file__).parents[3]
SOURCES = [
    "stfc/services/health.py",
    "stfc/adapters/ledger/health.py",
    "stfc/adapters/ledger/unfinished.py",
    "stfc/adapters/calls/health.py",
    "stfc/adapters/erp/health.py",
    "stfc/bootstrap.py",
]


def _codes_in_use() -> set[str]:
    nodes = (node for source in SOURCES for node in ast.walk(ast.parse((ROOT / source).read_text(encoding="utf-8"))))
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and value.startswith("DOC-")}


def test_every_code_that_the_doctor_uses_has_a_sentence_and_none_is_left_over() -> None:
    assert _codes_in_use() == set(text.DOCTOR)


def test_every_code_has_a_repair_in_words() -> None:
    assert set(text.DOCTOR) <= set(text.DOCTOR_REPAIRS)
    others = set(text.DOCTOR_REPAIRS) - set(text.DOCTOR)
    platform = {kind.code for kind in errors.PlatformError.__subclasses__()} - {"SUM-404", "SUM-SUB", "SUM-422"}
    assert others == platform | {"CFG-INV", "CFG-VER", "ARM-ESC"}


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (
            Observation("never_twice", "DOC-DUP", {"what": "charges", "count": 1, "contracts": ["4711 (2026-10)"]}),
            "1 contrato(s) com mais de uma cobrança viva na mesma competência: 4711 (2026-10).",
        ),
        (Observation("disk", "DOC-ESP", {"place": "/home", "free": 3 << 20}), "Restam 3 MB livres em /home."),
        (
            Observation("platform", "SUM-CFG", {}),
            "A integração STFC - Summit não está habilitada; defina STFC_SUMMIT_URL ou STFC_SUMMIT_DIR.",
        ),
    ],
)
def test_observation_is_said_in_portuguese(seen: Observation, sentence: str) -> None:
    assert text.observation(seen) == sentence
