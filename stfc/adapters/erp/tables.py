"""The six tables of the ERP, column by column, as ERP_IMPORT gives them: what is read, checked and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from stfc.domain.contract import ContractStage, ContractStatus, Integration, InvoiceStatus, ValueKind

STATES = frozenset(
    {"AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA"}
    | {"PB", "PE", "PI", "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO"}
)
"""The 27 federal units."""

MAX_TEXT = 500
"""The longest text of a cell, in characters."""


class Kind(Enum):
    """The form of a column's values in a dump."""

    TEXT = "text"
    DAY = "day"
    FLAG = "flag"
    CHOICE = "choice"
    INTEGER = "integer"
    AMOUNT = "amount"
    COMPETENCE = "competence"
    DOCUMENT = "document"
    NUMBER = "number"


SECRET_KINDS = frozenset({Kind.DOCUMENT, Kind.NUMBER})
"""Kinds whose values never stand in a message (PRODUCT 9)."""


@dataclass(frozen=True)
class Column:
    """One column: ``choices`` for ``CHOICE``, inclusive ``bounds`` for ``INTEGER``; may be empty if ``optional``."""

    name: str
    kind: Kind = Kind.TEXT
    optional: bool = False
    choices: frozenset[str] = frozenset()
    bounds: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Table:
    """One table: its columns in order, the columns of its key, the order that it is stored in."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    required: bool = False

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Reference:
    """``table.column`` names a row of ``parent``, whose key is one column."""

    table: str
    column: str
    parent: str


def _choice(name: str, words: frozenset[str]) -> Column:
    return Column(name, Kind.CHOICE, choices=words)


def _day_of_month(name: str) -> Column:
    return Column(name, Kind.INTEGER, bounds=(1, 31))


def _words(kind: type[ContractStage | ContractStatus | Integration | InvoiceStatus | ValueKind]) -> frozenset[str]:
    return frozenset(word.value for word in kind)


_ALL = (
    Table(
        "contracts",
        (
            Column("contract"),
            Column("customer"),
            Column("document", Kind.DOCUMENT),
            Column("city"),
            _choice("state", STATES),
            _choice("stage", _words(ContractStage)),
            _choice("status", _words(ContractStatus)),
            Column("deleted", Kind.FLAG),
            Column("bill_from", Kind.DAY),
            Column("bill_until", Kind.DAY, optional=True),
            _day_of_month("cut_day"),
            _day_of_month("due_day"),
            Column("plan", optional=True),
            Column("approved_on", Kind.DAY, optional=True),
        ),
        key=("contract",),
        order=("contract",),
        required=True,
    ),
    Table(
        "services",
        (
            Column("service"),
            Column("contract"),
            Column("title"),
            _choice("integrator", frozenset({"summit", "other"})),
            _choice("kind", frozenset({"telephony", "internet", "other"})),
            Column("active", Kind.FLAG),
            Column("deleted", Kind.FLAG),
            Column("monthly_fee", Kind.AMOUNT),
            _choice("integration", _words(Integration)),
            Column("integrated_on", Kind.DAY, optional=True),
            Column("integration_error", optional=True),
        ),
        key=("service",),
        order=("contract", "service"),
        required=True,
    ),
    Table(
        "lines",
        (
            Column("number", Kind.NUMBER),
            Column("service"),
            Column("since", Kind.DAY),
            Column("until", Kind.DAY, optional=True),
        ),
        key=("number", "since"),
        order=("number", "since"),
        required=True,
    ),
    Table(
        "invoices",
        (
            Column("invoice"),
            Column("contract"),
            Column("competence", Kind.COMPETENCE),
            Column("issued_on", Kind.DAY),
            Column("due_on", Kind.DAY),
            Column("amount", Kind.AMOUNT),
            _choice("status", _words(InvoiceStatus)),
        ),
        key=("invoice",),
        order=("contract", "competence", "invoice"),
    ),
    Table(
        "eventual_values",
        (
            Column("value_id"),
            Column("contract"),
            Column("service", optional=True),
            Column("competence", Kind.COMPETENCE),
            _choice("kind", _words(ValueKind)),
            Column("amount", Kind.AMOUNT),
            Column("invoiced", Kind.FLAG),
            Column("deleted", Kind.FLAG),
            Column("reason", optional=True),
        ),
        key=("value_id",),
        order=("contract", "competence", "value_id"),
    ),
    Table(
        "events",
        (
            Column("event"),
            Column("contract"),
            _choice("kind", frozenset({"zero_billing", "other"})),
            Column("competence", Kind.COMPETENCE, optional=True),
            Column("at", Kind.DAY),
            Column("reversed", Kind.FLAG),
        ),
        key=("event",),
        order=("contract", "event"),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL})
"""The tables by name, parents before children."""

REFERENCES = (
    Reference("services", "contract", "contracts"),
    Reference("lines", "service", "services"),
    Reference("invoices", "contract", "contracts"),
    Reference("eventual_values", "contract", "contracts"),
    Reference("eventual_values", "service", "services"),
    Reference("events", "contract", "contracts"),
)
