"""*Reenviar integração*: send a contract's subscriber to the platform again, and keep what it answered."""

from collections.abc import Callable

from stfc.domain.role import Role
from stfc.errors import PlatformError
from stfc.services import access
from stfc.services.ports import Actor, Clock, Provisioning, ProvisioningLedger, Subscriber, SummitGateway


class ProvisioningService:
    """The use case *provision*, for operators."""

    def __init__(
        self,
        subscriber: Callable[[str], Subscriber],
        gateway: Callable[[], SummitGateway],
        ledger: ProvisioningLedger,
        clock: Clock,
    ) -> None:
        self._subscriber = subscriber
        self._gateway = gateway
        self._ledger = ledger
        self._clock = clock

    async def send(self, contract: str, actor: Actor) -> Provisioning:
        """Send the subscriber; idempotent on the platform. A refusal is a result, not an exception.

        Raises:
            NotFoundError: no such contract.
            NotAllowedError: the actor is no operator.
        """
        access.require(actor, Role.OPERATOR, "provision")
        subscriber = self._subscriber(contract)
        code: str | None = None
        facts: dict[str, object] = {}
        try:
            async with self._gateway() as gateway:
                await gateway.provision(subscriber)
        except PlatformError as error:
            code, facts = error.code, dict(error.facts)
        result = Provisioning(contract, self._clock(), actor.name, code is None, code, facts)
        self._ledger.record(result, actor)
        return result

    def history(self, contract: str) -> list[Provisioning]:
        """What was sent before and what came of it, newest first."""
        return self._ledger.history(contract)
