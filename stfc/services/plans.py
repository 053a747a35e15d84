"""Tariff plans: import whole or not at all, and list (PLANS)."""

from stfc.domain.plan import PlanVersion
from stfc.domain.plan_file import parse
from stfc.domain.role import Role
from stfc.services import access
from stfc.services.ports import Actor, Clock, PlanLedger, PlanRow


class Plans:
    """The use cases of tariff plans; importing is an operator's act."""

    def __init__(self, ledger: PlanLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def import_(self, content: bytes, actor: Actor) -> list[PlanVersion]:
        """Keep the versions that a TOML file holds, and give them. The same file again changes nothing.

        Raises:
            NotAllowedError: the actor is no operator.
            PlansRefusedError: with every problem; nothing changed.
        """
        access.require(actor, Role.OPERATOR, "import_plans")
        versions = parse(content)
        self._ledger.store(versions, actor, now=self._clock())
        return versions

    def rows(self) -> list[PlanRow]:
        """Every version of every plan, by code and first day."""
        return self._ledger.rows()
