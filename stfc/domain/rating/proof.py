"""How one stored call was priced, told again from its plan version: the proof of its price (PRODUCT 6).

Of the rating only what cannot be had again is stored with a call: the version that priced it, and the seconds that
allowances took, which depend on the calls before it. All other steps follow from those and the call.
"""

from dataclasses import dataclass

from stfc.domain.call import CallClass, CallRecord
from stfc.domain.money import MICROS_PER_CENTAVO, Micros
from stfc.domain.plan import Allowance, Plan
from stfc.domain.rating.price import AllowanceUse, PriceSteps, price_again


@dataclass(frozen=True)
class PriceProof:
    """The steps to a call's price beside what was stored as ``ours`` (None: no price) and what the platform asks."""

    steps: PriceSteps
    ours: Micros | None
    platform: Micros

    @property
    def holds(self) -> bool:
        """Whether the steps lead to the very price that is stored."""
        price = self.steps.price
        return self.ours == (None if price is None else price * MICROS_PER_CENTAVO)

    @property
    def difference(self) -> int | None:
        """Ours less the platform's, in micros; None where we have no price."""
        return None if self.ours is None else self.ours - self.platform


def proof(
    call: CallRecord, plan: Plan, *, version: str, allowance_seconds: int, ours: Micros | None
) -> PriceProof | None:
    """The proof of a stored call's price; None where ``plan`` does not have its version.

    Args:
        call: as the file had it.
        plan: all versions of the plan that priced it.
        version: the key of the one that did (``PlanVersion.key``).
        allowance_seconds: billed seconds of the call that allowances took.
        ours: the price that is stored.
    """
    used = next((one for one in plan.versions if one.key == version), None)
    if used is None:
        return None
    steps = price_again(call, used)
    if allowance_seconds:
        uses = (AllowanceUse(_only_allowance(plan, steps.call_class), allowance_seconds),)
        steps = price_again(call, used, uses)
    return PriceProof(steps, ours, call.amount)


def _only_allowance(plan: Plan, call_class: CallClass) -> Allowance | None:
    """The one that covers the class in all versions: which of several it was, and of which version, is not stored."""
    found = {one for version in plan.versions for one in version.allowances if call_class in one.classes}
    return found.pop() if len(found) == 1 else None
