"""What is charged when Summit's amount and our own rating stand side by side (PRODUCT 6, 7; PLANS)."""

from collections.abc import Mapping
from dataclasses import dataclass

from stfc.domain.money import Centavos, reais
from stfc.domain.outcome import Finding
from stfc.domain.plan import Mode, PlanVersion


@dataclass(frozen=True)
class OurRating:
    """What our rating of one contract's file came to.

    ``version`` gives mode and tolerance. ``amount`` is the sum of the prices that we have, ``platform`` Summit's amount
    of those same calls. ``missing`` counts by class the answered calls without a price.
    """

    version: PlanVersion
    amount: Centavos
    platform: Centavos
    missing: Mapping[str, int]

    @property
    def differs(self) -> bool:
        """Whether both amounts of the same calls are farther apart than the plan tolerates."""
        return abs(reais(self.amount - self.platform)) > self.version.tolerance


@dataclass(frozen=True)
class Charging:
    """The amount to charge, what holds it, and what is only worth saying."""

    amount: Centavos
    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def charging(platform: Centavos, rating: OurRating | None) -> Charging:
    """What to charge a contract whose records Summit prices at ``platform``, cut once at the total.

    Without a plan, or under one of mode ``platform``, that is charged and our rating only shown. ``rerate`` charges
    ours, ``check`` Summit's; both hold what differs (TAR-DIF) and what has no price (TAR-SEM).
    """
    if rating is None:
        return Charging(platform)
    match rating.version.mode:
        case Mode.PLATFORM:
            return Charging(platform, warnings=_without_tariff(rating))
        case Mode.CHECK:
            return Charging(platform, (*_difference(rating), *_without_tariff(rating)))
        case Mode.RERATE:
            return Charging(rating.amount, (*_difference(rating), *_without_tariff(rating)))


def _difference(rating: OurRating) -> tuple[Finding, ...]:
    if not rating.differs:
        return ()
    amounts = {"ours": rating.amount, "platform": rating.platform}
    tolerance = f"{rating.version.tolerance:f}"
    return (Finding("TAR-DIF", {"plan": rating.version.key, **amounts, "tolerance": tolerance}),)


def _without_tariff(rating: OurRating) -> tuple[Finding, ...]:
    if not rating.missing:
        return ()
    missing = {"classes": sorted(rating.missing), "calls": sum(rating.missing.values())}
    return (Finding("TAR-SEM", {"plan": rating.version.key, **missing}),)
