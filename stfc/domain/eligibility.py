"""The eight rules of *Gerar Cobrança* (PRODUCT 5), each one named function with its evidence.

``explain`` answers for one contract; the set-based query of the read model answers for all, and a
property test holds the two together. Sentences stand in ``text.rule_reason``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from stfc.domain.competence import Competence
from stfc.domain.contract import (
    Contract,
    ContractStage,
    ContractStatus,
    EventualValue,
    Integration,
    Invoice,
    InvoiceStatus,
    Line,
    SummitService,
    ZeroBillingEvent,
)


class Rule(Enum):
    """The rules in their order; the value is ``(number, name)``, the name is what JSON carries."""

    APPROVED = (1, "approved")
    NORMAL = (2, "normal_status")
    ACTIVE_SERVICE = (3, "active_summit_service")
    BILLING_WINDOW = (4, "within_billing_window")
    NOT_INVOICED = (5, "not_invoiced")
    NO_CHARGE = (6, "no_charge")
    NO_EVENTUAL_VALUE = (7, "no_eventual_value")
    NO_ZERO_EVENT = (8, "no_zero_billing_event")

    @property
    def number(self) -> int:
        """1 to 8, as PRODUCT 5 counts them."""
        return self.value[0]

    @property
    def key(self) -> str:
        """The name in JSON, the ledger and the text tables."""
        return self.value[1]

    @classmethod
    def of(cls, key: str) -> "Rule":
        """The rule that ``key`` names."""
        return next(rule for rule in cls if rule.key == key)


class Caution(Enum):
    """What never excludes a contract but is worth saying (PRODUCT 5)."""

    CUT_DAY_NOT_REACHED = "cut_day_not_reached"
    NO_LINE = "no_line"
    INTEGRATION_ERROR = "integration_error"
    NO_PLAN = "no_plan"
    AWAITING_NOTE = "invoice_awaiting_note"


@dataclass(frozen=True)
class LiveItem:
    """A batch item of the contract and competence that is on its way, done or held, and not reversed (rule 6)."""

    batch: int
    outcome: str


@dataclass(frozen=True)
class Policy:
    """Parameters of the rules that law or vendor may contradict (PRODUCT, legend [?])."""

    awaiting_note_excludes: bool = False


@dataclass(frozen=True)
class ContractFacts:
    """All that the rules look at: one contract, its Summit services and lines, and what ERP and ledger say of it.

    ``invoices``, ``values`` and ``events`` may be of any competence: the rules choose. ``live_items`` are of the
    competence asked for. ``integration_error`` is the open provisioning error, if any, after our own results.
    """

    contract: Contract
    services: tuple[SummitService, ...] = ()
    lines: tuple[Line, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    values: tuple[EventualValue, ...] = ()
    events: tuple[ZeroBillingEvent, ...] = ()
    live_items: tuple[LiveItem, ...] = ()
    plan_known: bool = False


@dataclass(frozen=True)
class Verdict:
    """One rule's answer; ``evidence`` holds JSON values that name what it saw."""

    rule: Rule
    holds: bool
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Verdicts:
    """The eight answers for one contract and competence, in order, and the warnings."""

    contract: str
    competence: Competence
    rules: tuple[Verdict, ...]
    warnings: tuple[Caution, ...]

    @property
    def eligible(self) -> bool:
        """Whether all eight rules hold."""
        return all(verdict.holds for verdict in self.rules)

    @property
    def first_failed(self) -> Rule | None:
        """The first rule that does not hold, under which the contract is counted."""
        return next((verdict.rule for verdict in self.rules if not verdict.holds), None)


_LIVE_INVOICES = frozenset({InvoiceStatus.OPEN, InvoiceStatus.CLOSED, InvoiceStatus.PAID})


def is_approved(facts: ContractFacts, competence: Competence, policy: Policy) -> Verdict:
    """Rule 1: the stage is APPROVED and the contract is not deleted."""
    contract = facts.contract
    holds = contract.stage is ContractStage.APPROVED and not contract.deleted
    evidence = {"stage": contract.stage.value, "deleted": contract.deleted, "approved_on": _iso(contract.approved_on)}
    return Verdict(Rule.APPROVED, holds, evidence)


def is_normal(facts: ContractFacts, competence: Competence, policy: Policy) -> Verdict:
    """Rule 2: the status is NORMAL exactly; demo, courtesy, suspended and blocked do not pass."""
    status = facts.contract.status
    return Verdict(Rule.NORMAL, status is ContractStatus.NORMAL, {"status": status.value})


def has_active_service(facts: ContractFacts, competence: Competence, policy: Policy) -> Verdict:
    """Rule 3: at least one Summit service is active and not deleted."""
    active = sorted(s.service for s in facts.services if s.active and not s.deleted)
    return Verdict(Rule.ACTIVE_SERVICE, bool(active), {"active": active, "services": len(facts.services)})


def is_within_billing_window(facts: ContractFacts, competence: Competence, policy: Policy) -> Verdict:
    """Rule 4: the window ``bill_from .. bill_until`` (inclusive, end may be open) touches the competence."""
    contract = facts.contract
    starts = contract.bill_from < competence.end_day
    lasts = contract.bill_until is None or contract.bill_until >= competence.first_day
    evidence = {"bill_from": _iso(contract.bill_from), "bill_until": _iso(contract.bill_until)}
    return Verdict(Rule.BILLING_WINDOW, starts and lasts, evidence)


def not_invoiced(facts: ContractFacts, competence: Competence, policy: Policy) -> Verdict:
    """Rule 5: no invoice of the competence is OPEN, CLOSED or PAID; AWAITING_NOTE only by parameter."""
    live = sorted(i.invoice for i in facts.invoices if i.competence == competence and _is_live(i, policy))
    return Verdict(Rule.NOT_INVOICED, not live, {"invoices": live})


def has_no_charge(facts: ContractFacts, competence: Competence, policy: Policy) -> Verdict:
    """Rule 6: no batch item of the competence is on its way, done or held, and not reversed."""
    items = [{"batch": item.batch, "outcome": item.outcome} for item in facts.live_items]
    return Verdict(Rule.NO_CHARGE, not items, {"items": items})


def has_no_eventual_value(facts: ContractFacts, competence: Competence, policy: Policy) -> Verdict:
    """Rule 7: no live value of the competence hangs on a Summit service of the contract, deleted or not."""
    services = {service.service for service in facts.services}
    live = sorted(
        value.value_id
        for value in facts.values
        if value.competence == competence and not value.deleted and value.service in services
    )
    return Verdict(Rule.NO_EVENTUAL_VALUE, not live, {"eventual_values": live})


def has_no_zero_event(facts: ContractFacts, competence: Competence, policy: Policy) -> Verdict:
    """Rule 8: no unreversed zero-billing event; one without a competence counts for the month of its ``at``."""
    live = sorted(
        event.event
        for event in facts.events
        if not event.reversed and (event.competence or Competence.of(event.at)) == competence
    )
    return Verdict(Rule.NO_ZERO_EVENT, not live, {"events": live})


RULES: tuple[Callable[[ContractFacts, Competence, Policy], Verdict], ...] = (
    is_approved,
    is_normal,
    has_active_service,
    is_within_billing_window,
    not_invoiced,
    has_no_charge,
    has_no_eventual_value,
    has_no_zero_event,
)


def explain(facts: ContractFacts, competence: Competence, *, today: date, policy: Policy | None = None) -> Verdicts:
    """Why the contract is, or is not, in the list of the competence (PRODUCT 5).

    Args:
        facts: the contract with all that the rules look at.
        competence: the month asked for.
        today: the local day, for the warning about the cut day.
        policy: parameters of the rules; the defaults when None.
    """
    policy = policy or Policy()
    verdicts = tuple(rule(facts, competence, policy) for rule in RULES)
    return Verdicts(facts.contract.contract, competence, verdicts, tuple(warnings(facts, competence, today)))


def warnings(facts: ContractFacts, competence: Competence, today: date) -> list[Caution]:
    """What is worth saying of the contract though it excludes nothing, in the order of ``Caution``."""
    contract = facts.contract
    valid = competence.first_day, competence.end_day
    live_services = {s.service for s in facts.services if not s.deleted}
    has_line = any(
        line.service in live_services and line.since < valid[1] and (line.until is None or line.until > valid[0])
        for line in facts.lines
    )
    in_error = any(s.integration is Integration.ERROR and not s.deleted for s in facts.services)
    awaiting = any(i.competence == competence and i.status is InvoiceStatus.AWAITING_NOTE for i in facts.invoices)
    found = {
        Caution.CUT_DAY_NOT_REACHED: today < competence.day(contract.cut_day),
        Caution.NO_LINE: not has_line,
        Caution.INTEGRATION_ERROR: in_error,
        Caution.NO_PLAN: not facts.plan_known,
        Caution.AWAITING_NOTE: awaiting,
    }
    return [warning for warning, holds in found.items() if holds]


def _is_live(invoice: Invoice, policy: Policy) -> bool:
    if invoice.status is InvoiceStatus.AWAITING_NOTE:
        return policy.awaiting_note_excludes
    return invoice.status in _LIVE_INVOICES


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
