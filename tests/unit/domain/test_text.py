"""Every code has a sentence, every word of the glossary has its Portuguese."""

import pytest

from stfc import errors
from stfc.domain import contract, outcome, text
from stfc.domain.call import CallClass
from stfc.domain.eligibility import Caution, Rule
from stfc.domain.role import Role


def _all(kind: type[errors.StfcError]) -> set[type[errors.StfcError]]:
    return {kind} | {found for child in kind.__subclasses__() for found in _all(child)}


@pytest.mark.parametrize("code", outcome.CODES_IN_ORDER)
def test_every_code_says_what_it_is_and_what_to_do(code: str) -> None:
    assert text.CODES[code]
    assert text.REMEDIES[code]
    assert text.sentence(code, {"line": 87, "cause": next(iter(text.FILE_CAUSES))})


@pytest.mark.parametrize("kind", sorted(_all(errors.PlatformError) - {errors.PlatformError}, key=lambda k: k.code))
def test_a_platform_error_is_a_sentence_that_ends_with_its_code(kind: type[errors.StfcError]) -> None:
    facts = {
        "contract": "4711",
        "competence": "2026-10",
        "status": 401,
        "cause": "html",
        "phase": "read",
        "seconds": 30,
    }
    said = text.error(kind(**facts))
    assert said.endswith(f"({kind.code})")
    assert "{" not in said


@pytest.mark.parametrize(
    ("words", "table"),
    [
        (contract.ContractStage, text.STAGES),
        (contract.ContractStatus, text.STATUSES),
        (contract.Integration, text.INTEGRATIONS),
        (contract.InvoiceStatus, text.INVOICE_STATUSES),
        (outcome.ItemOutcome, text.OUTCOMES),
        (CallClass, text.CLASSES),
        (Caution, text.CAUTIONS),
        (Caution, text.CAUTION_EFFECTS),
        (Role, text.ROLES),
    ],
)
def test_every_word_has_its_portuguese(words: type[object], table: dict[str, str]) -> None:
    assert set(table) == {word.value for word in words}


def test_every_rule_has_a_name_and_a_way_out() -> None:
    keys = {rule.key for rule in Rule}
    assert set(text.RULES) == keys
    assert set(text.WAYS_OUT) == keys


def test_an_amount_reads_as_reais() -> None:
    assert text.reais("1234567.5") == "R$ 1.234.567,50"
    assert text.reais("0.1105") == "R$ 0,1105"
