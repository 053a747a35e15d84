"""Tariff plans: import whole or not at all, list, and prove what a call was priced at (PLANS, PRODUCT 6)."""

from collections.abc import Mapping
from typing import Any

from stfc.domain.call import CallRecord
from stfc.domain.plan import PlanVersion, plans_of
from stfc.domain.plan_file import parse
from stfc.domain.rating.proof import PriceProof, proof
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

    def proof(self, call: Mapping[str, Any]) -> PriceProof | None:
        """How our price of a stored call (a row of ``View.calls``) came to be; None where no plan priced it."""
        key = call["plan_version"]
        if key is None:
            return None
        code = key.rpartition("@")[0]
        plan = plans_of(row.version for row in self._ledger.rows()).get(code)
        if plan is None:
            return None
        return proof(
            _record(call),
            plan,
            version=key,
            allowance_seconds=call["allowance_seconds"] or 0,
            ours=call["our_price"],
        )


def _record(call: Mapping[str, Any]) -> CallRecord:
    names = ("call_id", "line", "caller", "called", "started_at", "duration", "platform_class", "carrier", "csp")
    return CallRecord(**{name: call[name] for name in names}, amount=call["amount"])
