"""The ERP's side of the glossary: contracts, their Summit services, lines, invoices, values, events (PRODUCT 2)."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stfc.domain.competence import Competence
from stfc.domain.money import Centavos


class ContractStage(StrEnum):
    """Etapa: how far the contract has come. Only ``APPROVED`` is billed."""

    PRE_CONTRACT = "pre_contract"
    IN_APPROVAL = "in_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    INTEGRATED = "integrated"


class ContractStatus(StrEnum):
    """Situação: how the contract stands. Only ``NORMAL`` is billed."""

    NORMAL = "normal"
    DEMO = "demo"
    COURTESY = "courtesy"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    FINANCIAL_BLOCK = "financial_block"
    ADMINISTRATIVE_BLOCK = "administrative_block"
    CLOSED = "closed"


class Integration(StrEnum):
    """State of a Summit service's integration with the platform, as the ERP or our own provisioning last saw it."""

    PENDING = "pending"
    INTEGRATED = "integrated"
    ERROR = "error"


class InvoiceStatus(StrEnum):
    """State of an ERP invoice."""

    OPEN = "open"
    AWAITING_NOTE = "awaiting_note"
    CLOSED = "closed"
    PAID = "paid"
    CANCELLED = "cancelled"


class ValueKind(StrEnum):
    """Direction of an eventual value: acréscimo or desconto."""

    ADDITION = "addition"
    DISCOUNT = "discount"


SUMMIT_INTEGRATOR = "summit"
TELEPHONY_KIND = "telephony"


@dataclass(frozen=True)
class Contract:
    """A contract as the ERP's last snapshot has it. ``bill_from`` and ``bill_until`` are both inclusive."""

    contract: str
    customer: str
    document: str
    city: str
    state: str
    stage: ContractStage
    status: ContractStatus
    deleted: bool
    bill_from: date
    bill_until: date | None
    cut_day: int
    due_day: int
    plan: str | None = None
    approved_on: date | None = None


@dataclass(frozen=True)
class SummitService:
    """An item of a contract whose product is telephony integrated with Summit (ERP_IMPORT)."""

    service: str
    title: str
    active: bool
    deleted: bool
    monthly_fee: Centavos
    integration: Integration
    integrated_on: date | None = None
    integration_error: str | None = None


@dataclass(frozen=True)
class Line:
    """A phone number of a service, valid on the days ``[since, until)``."""

    number: str
    service: str
    since: date
    until: date | None


@dataclass(frozen=True)
class Invoice:
    """An ERP invoice of a contract."""

    invoice: str
    competence: Competence
    issued_on: date
    due_on: date
    amount: Centavos
    status: InvoiceStatus


@dataclass(frozen=True)
class EventualValue:
    """A one-off addition or discount, the ERP's or our own. ``service`` is None when it hangs on no service."""

    value_id: str
    service: str | None
    competence: Competence
    kind: ValueKind
    amount: Centavos
    invoiced: bool
    deleted: bool
    reason: str | None = None


@dataclass(frozen=True)
class ZeroBillingEvent:
    """Marks that the billing of a competence came out at zero; without a competence, that of its ``at`` counts."""

    event: str
    competence: Competence | None
    at: date
    reversed: bool
