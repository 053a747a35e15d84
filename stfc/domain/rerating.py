"""Pricing a charged month again under corrected plan versions: what each contract comes to, and what changes by it."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from stfc.domain.competence import Competence
from stfc.domain.money import Centavos
from stfc.domain.outcome import Charged, Finding, Held, ItemOutcome, Zero
from stfc.domain.plan import Mode

FROM_THE_FILE = frozenset({"ARQ-TOT", "CTR-LIN", "CTR-DIV"})
"""Codes of findings that no price has a part in: rated again, a charge keeps them."""


class Effect(StrEnum):
    """What re-rating does to a charge. Only ``CHANGED`` ones are reversed and charged anew."""

    CHANGED = "changed"
    PRICES_ONLY = "prices_only"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True)
class Repriced:
    """One charged contract, rated again.

    ``charged`` is what it is charged now, ``was`` its outcome, ``outcome`` what both would be. ``mode`` is None without
    a plan. ``changed_calls`` have another price, band, seconds or version than stored; ``before`` and ``after`` are the
    keys of the plan versions that priced its calls and that price them now. ``refusal`` is ``invoiced`` or the key of
    the rule that keeps it from being charged anew; None where nothing does.
    """

    contract: str
    mode: Mode | None
    charged: Centavos
    was: ItemOutcome
    outcome: Charged | Zero | Held
    changed_calls: int
    before: frozenset[str]
    after: frozenset[str]
    refusal: str | None = None

    @property
    def amount(self) -> Centavos:
        """What it would be charged."""
        return Centavos(0) if isinstance(self.outcome, Zero) else self.outcome.amount

    @property
    def becomes(self) -> ItemOutcome:
        """The outcome that it would have."""
        match self.outcome:
            case Charged():
                return ItemOutcome.CHARGED
            case Held():
                return ItemOutcome.HELD
            case Zero():
                return ItemOutcome.ZERO

    @property
    def difference(self) -> Centavos:
        """What it would be charged more; less where negative."""
        return Centavos(self.amount - self.charged)

    @property
    def effect(self) -> Effect:
        """What re-rating does to it. A price that the charge does not hang on changes nothing: it is only shown."""
        if self.difference or self.becomes is not self.was:
            return Effect.REFUSED if self.refusal else Effect.CHANGED
        return Effect.PRICES_ONLY if self.changed_calls else Effect.UNCHANGED


@dataclass(frozen=True)
class RerateTotals:
    """Sums over some contracts, in centavos; ``difference`` is ``amount - charged`` of each, added up."""

    contracts: int
    calls: int
    charged: Centavos
    amount: Centavos

    @property
    def difference(self) -> Centavos:
        """What all would be charged more; less where negative."""
        return Centavos(self.amount - self.charged)


def totals(some: Iterable[Repriced]) -> RerateTotals:
    """The sums of ``some``; ``calls`` are those whose price changes."""
    rows = list(some)
    return RerateTotals(
        contracts=len(rows),
        calls=sum(one.changed_calls for one in rows),
        charged=Centavos(sum(one.charged for one in rows)),
        amount=Centavos(sum(one.amount for one in rows)),
    )


def standing(findings: Collection[Finding], accepted: Collection[Finding]) -> tuple[Finding, ...]:
    """Those of ``findings`` that are not ``accepted``: what a manager released stays so while it says the same."""
    known = {_said(one) for one in accepted}
    return tuple(one for one in findings if _said(one) not in known)


def _said(finding: Finding) -> str:
    return json.dumps([finding.code, finding.facts], sort_keys=True, default=str)


def usual_period(competence: Competence, cut_day: int) -> tuple[date, date]:
    """The days, both inclusive, that a file of the competence covers where the platform closes on ``cut_day``: for
    charges of which the file's own period was not kept."""
    before = competence.plus(-1).day(cut_day)
    return before + timedelta(days=1), competence.day(cut_day)
