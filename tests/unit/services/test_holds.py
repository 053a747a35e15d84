"""Held charges: who may decide, and with what reason, on a stand-in ledger (PRODUCT 1, 7)."""

from collections.abc import Callable
from typing import Any

import pytest

from stfc.errors import NotAllowedError, NotPossibleError
from stfc.services.holds import Holds
from stfc.services.ports import Actor
from tests.fakes import NOW, FakeHolds, clock

IVO = Actor("ivo", "manager", "terminal")
DECISIONS = [Holds.release, Holds.reject]


@pytest.mark.parametrize("decide", DECISIONS)
@pytest.mark.parametrize("role", ["supervisor", "operator"])
def test_only_a_manager_decides(decide: Callable[..., Any], role: str) -> None:
    ledger = FakeHolds()
    with pytest.raises(NotAllowedError) as caught:
        decide(Holds(ledger, clock), [1], Actor("ana", role, "tela"), reason="x")
    assert (caught.value.facts["role"], caught.value.facts["needed"]) == (role, "manager")
    assert ledger.calls == []


@pytest.mark.parametrize("decide", DECISIONS)
@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_decision_needs_a_reason(decide: Callable[..., Any], reason: str) -> None:
    ledger = FakeHolds()
    with pytest.raises(NotPossibleError):
        decide(Holds(ledger, clock), [1], IVO, reason=reason)
    assert ledger.calls == []


def test_decisions_reach_the_ledger_with_who_when_and_why() -> None:
    ledger = FakeHolds()
    holds = Holds(ledger, clock)
    holds.release([1, 2], IVO, reason=" conferido ")
    holds.reject([3], IVO, reason="errado")
    assert ledger.calls == [
        ("release", [1, 2], {"reason": "conferido", "actor": IVO, "now": NOW}),
        ("reject", [3], {"reason": "errado", "actor": IVO, "now": NOW}),
    ]
    assert holds.pending(batch=7) == []
