"""*Reenviar integração* on stand-ins."""

import asyncio

import pytest

from stfc.errors import NotAllowedError, ProvisioningRefusedError
from stfc.services.ports import Actor, Subscriber
from stfc.services.provisioning import Provisioning, ProvisioningService
from tests.fakes import NOW, FakeGateway, clock

ANA = Actor("ana", "operator", "tela")


class Kept:
    """Results in memory."""

    def __init__(self) -> None:
        self.results: list[Provisioning] = []

    def record(self, provisioning: Provisioning, actor: Actor) -> None:
        self.results.append(provisioning)

    def history(self, contract: str) -> list[Provisioning]:
        return [one for one in reversed(self.results) if one.contract == contract]


def _service(kept: Kept, gateway: FakeGateway) -> ProvisioningService:
    def subscriber(contract: str) -> Subscriber:
        return Subscriber(contract, "C", "11222333000181", 20, (), None)

    return ProvisioningService(subscriber, lambda: gateway, kept, clock)


def test_what_was_sent_is_kept() -> None:
    kept = Kept()
    service = _service(kept, FakeGateway())
    sent = asyncio.run(service.send("1", ANA))
    assert sent == Provisioning("1", NOW, "ana", True, None, {})
    assert service.history("1") == [sent]


def test_a_refusal_is_a_result_and_is_kept_too() -> None:
    kept = Kept()
    refusal = ProvisioningRefusedError(contract="1", reason="lines")
    sent = asyncio.run(_service(kept, FakeGateway(faults={"1": refusal})).send("1", ANA))
    assert (sent.ok, sent.code, sent.facts) == (False, "SUM-422", {"contract": "1", "reason": "lines"})
    assert kept.results == [sent]


def test_a_supervisor_sends_nothing() -> None:
    kept, gateway = Kept(), FakeGateway()
    with pytest.raises(NotAllowedError):
        asyncio.run(_service(kept, gateway).send("1", Actor("eva", "supervisor", "tela")))
    assert (kept.results, gateway.asked) == ([], [])
