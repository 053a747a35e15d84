"""What screens and terminal ask of the read model: frozen query values, and the views that answer them.

All that a view answers is of one moment: one snapshot and one revision of the ledger, for one competence
(ARCHITECTURE, revision). Figures that must agree on one screen come from one view. Money is in centavos, a call's
amount in micros, durations in seconds; tables are Arrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypedDict

from stfc.domain.competence import Competence
from stfc.domain.eligibility import ContractFacts, Verdicts
from stfc.domain.forecast import Forecast
from stfc.domain.money import Centavos
from stfc.services.ports import Evaluation, Page, Subscriber

if TYPE_CHECKING:
    import pyarrow as pa


class Coverage(StrEnum):
    """Where a contract stands in its competence: every contract with a Summit service is in exactly one part."""

    CHARGED = "charged"
    ZERO = "zero"
    HELD = "held"
    WAITING_FILE = "waiting_file"
    FAILED = "failed"
    QUEUED = "queued"
    TO_BILL = "to_bill"
    KEPT_OUT = "kept_out"


# --- Queries -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ContractQuery:
    """Which contracts with a Summit service, in which order, which page. Empty tuples and None do not restrict.

    Args:
        search: in number, customer, document or line; case, accents, punctuation do not count, every word must occur.
        eligible: in the list of *Gerar Cobrança*, or not in it.
        rules: keys of ``Rule``; the first rule that fails is one of them.
        plans: codes; the empty string stands for contracts without a plan.
        integrations: ``pending``, ``integrated``, ``error``.
        cautions: keys of ``Caution``; the contract has any of them. The empty string stands for contracts without any.
            ``has_cautions`` asks for any at all, or none.
        least_expected, most_expected: bounds of ``expected_amount``, centavos, inclusive.
        least_last, most_last: bounds of ``last_amount``, centavos, inclusive.
        new_subscribers, integration_errors, not_invoiced: the list behind that indicator.
        outcomes: of ``ItemOutcome``, or ``reversed``; the item of this competence.
        coverage: parts of ``Coverage``.
        contracts: only these numbers; None for all.
        include_deleted: also contracts whose Summit services are all deleted.
        sort: any column of ``View.contracts``; ties by contract. ``limit`` None gives all from ``offset``.
    """

    search: str = ""
    eligible: bool | None = None
    rules: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    has_cautions: bool | None = None
    cut_days: tuple[int, ...] = ()
    least_expected: int | None = None
    most_expected: int | None = None
    least_last: int | None = None
    most_last: int | None = None
    new_subscribers: bool = False
    integration_errors: bool = False
    not_invoiced: bool = False
    outcomes: tuple[str, ...] = ()
    coverage: tuple[str, ...] = ()
    contracts: tuple[str, ...] | None = None
    include_deleted: bool = False
    sort: str = "contract"
    descending: bool = False
    offset: int = 0
    limit: int | None = 100


@dataclass(frozen=True)
class CallQuery:
    """Which call records, in which order, which page. Empty tuples and None do not restrict, but for the competence.

    Args:
        competences: whose files; empty means the view's own, or with ``since``, ``until`` all that can hold such days.
        since, until: local days of the call, both inclusive.
        contracts: of these contracts only.
        line: the calling line, digits, whole.
        called: digits; the dialled number starts with them, or ends with them when they are a whole number.
        search: digits; the calling line is them, or the number called as with ``called``, or the call was dialled
            without the area that both have.
        call_id: the platform's id of the call.
        classes: of ``CallClass``.
        destinations: a CN (``"11"``) or a country (``"+351"``).
        weekdays, hours: local, 0 is Monday.
        least_duration, most_duration: seconds, inclusive.
        least_amount, most_amount: micros, inclusive.
        late: started before the file's period. ``divergent``: the line is of no contract or of another.
        sort: any column of ``View.calls``; ties by contract, start and call id.
    """

    competences: tuple[Competence, ...] = ()
    since: date | None = None
    until: date | None = None
    contracts: tuple[str, ...] = ()
    line: str = ""
    called: str = ""
    search: str = ""
    call_id: str = ""
    classes: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    least_duration: int | None = None
    most_duration: int | None = None
    least_amount: int | None = None
    most_amount: int | None = None
    late: bool | None = None
    divergent: bool | None = None
    sort: str = "started_at"
    descending: bool = True
    offset: int = 0
    limit: int | None = 100


@dataclass(frozen=True)
class InvoiceQuery:
    """Which of the ERP's invoices of contracts with a Summit service, in which order, which page.

    Args:
        search: in the invoice's number, contract, customer or document. ``invoice``: exactly that number.
        competences: empty means all.
        statuses: of ``InvoiceStatus``; closed and paid ones by default (*Faturas fechadas*), empty means all.
        least_amount, most_amount: centavos, inclusive.
        due_since, due_until: both inclusive.
    """

    search: str = ""
    invoice: str = ""
    competences: tuple[Competence, ...] = ()
    statuses: tuple[str, ...] = ("closed", "paid")
    contracts: tuple[str, ...] = ()
    least_amount: int | None = None
    most_amount: int | None = None
    due_since: date | None = None
    due_until: date | None = None
    sort: str = "due_on"
    descending: bool = True
    offset: int = 0
    limit: int | None = 100


@dataclass(frozen=True)
class CallFilter:
    """What clicked charts leave of a competence's calls; empty tuples do not restrict. ``weekdays``: 0 is Monday."""

    classes: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()


ALL_CALLS = CallFilter()
"""No chart is clicked."""


# --- Answers -------------------------------------------------------------------------------------------------------


class Indicators(TypedDict):
    """The three indicators and the decomposition of *Não Faturados* (PRODUCT 4), as ``stfc indicators`` prints them.

    ``not_invoiced`` = ``eligible`` + the sum of ``not_invoiced_by_rule``, which has all eight rules as keys.
    """

    new_subscribers: int
    integration_errors: int
    not_invoiced: int
    eligible: int
    not_invoiced_by_rule: dict[str, int]


@dataclass(frozen=True)
class CoverageCounts:
    """The contracts of a competence by part; ``parts`` has every ``Coverage``, ``by_rule`` splits ``KEPT_OUT``."""

    parts: Mapping[str, int]
    by_rule: Mapping[str, int]

    @property
    def total(self) -> int:
        """Every contract, each counted once."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class ContractTotals:
    """What a selection usually comes to.

    ``with_history`` of ``count`` contracts have charged months; the expected figures are the sum of those.
    ``cautions`` counts contracts by caution, ``with_cautions`` those that have any.
    """

    count: int
    with_history: int
    expected_calls: int
    expected_amount: Centavos
    with_cautions: int
    cautions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a contract usually comes to: records and amount of a usual month, None without history; ``forecast`` is that
    amount for this very month with its range (``domain.forecast``), None where the past is too short."""

    contract: str
    customer: str
    calls: int | None
    amount: Centavos | None
    cautions: tuple[str, ...]
    forecast: Forecast | None = None


class View(Protocol):
    """One competence at one moment. Cheap to get again while nothing changed; every method may run in any thread."""

    @property
    def competence(self) -> Competence:
        """The month shown."""
        ...

    @property
    def snapshot(self) -> int | None:
        """The ERP snapshot shown; None before the first import, and then there are no contracts."""
        ...

    @property
    def imported_at(self) -> datetime | None:
        """When that snapshot was imported."""
        ...

    @property
    def revision(self) -> int:
        """The ledger's revision shown."""
        ...

    # --- Contracts

    def contracts(self, query: ContractQuery) -> Page:
        """A page of contracts.

        Columns: contract, customer, document, city, state, lines (valid in the competence), plan, stage, status,
        deleted, integration, integration_error, integrated_on, cut_day, eligible, first_failed, cautions (list),
        outcome, coverage, last_competence, last_amount (the last charge within 12 months), expected_calls,
        expected_amount (medians of the last up to 3 charged months before this one), charged_months (0..3)."""
        ...

    def contract_ids(self, query: ContractQuery) -> list[str]:
        """The numbers of all contracts that match, in the query's order; its page is not looked at."""
        ...

    def counts_by_rule(self, query: ContractQuery) -> Mapping[str, int]:
        """How many contracts match, by the first rule that fails; the eligible ones under the empty text. Rules that
        keep nobody out are absent; the query's page is not looked at."""
        ...

    def contract_totals(self, contracts: Sequence[str]) -> ContractTotals:
        """What the chosen contracts usually come to; unknown ones are not counted."""
        ...

    def choices(self) -> Mapping[str, Sequence[str]]:
        """The values that occur, for filters: states, plans, stages, statuses."""
        ...

    # --- One contract; ``NotFoundError`` when the ERP does not know it

    def facts(self, contract: str) -> ContractFacts:
        """All that the rules look at."""
        ...

    def explain(self, contract: str) -> Verdicts:
        """The eight rules and the warnings for the view's competence."""
        ...

    def lines(self, contract: str) -> pa.Table:
        """number, service, title, since, until, deleted (the service): all lines ever, latest first."""
        ...

    def services(self, contract: str) -> pa.Table:
        """The Summit ones: service, title, active, deleted, monthly_fee, integration, integrated_on,
        integration_error."""
        ...

    def values(self, contract: str) -> pa.Table:
        """value_id, service, competence, kind, amount, invoiced, deleted, held, reason, own: the ERP's and our own."""
        ...

    def events(self, contract: str) -> pa.Table:
        """event, competence, at, reversed, own: zero-billing events, the ERP's and our own."""
        ...

    def items(self, contract: str) -> pa.Table:
        """competence, item, batch, outcome, code, rule, amount, calls, reversed, late: of 13 months, newest first."""
        ...

    # --- Indicators

    def indicators(self) -> Indicators:
        """The three indicators and the decomposition of *Não Faturados*."""
        ...

    def indicator_history(self, months: int = 12) -> pa.Table:
        """competence, new_subscribers, integration_errors, not_invoiced: of up to 12 months, oldest first.

        The provisioning errors are those that are open now, in every month; the ERP keeps no history of them."""
        ...

    def coverage(self) -> CoverageCounts:
        """The competence's contracts by part; the parts add up."""
        ...

    def charged(self, months: int = 12) -> pa.Table:
        """competence, contracts, amount, calls, held (contracts), held_amount: of charges that are not reversed, oldest
        first (at most 12). ``amount`` is without what is held; ``calls`` are all records kept."""
        ...

    # --- Calls: exactly those of live parts, without excluded claims

    def calls(self, query: CallQuery) -> Page:
        """A page of records: competence and every column of a part, numbers unmasked.

        ``totals``: calls, seconds, micros over all that match."""
        ...

    def call_stream(self, query: CallQuery) -> Iterator[pa.Table]:
        """All records that match, by contract, start and call id, some at a time, so that memory stays the same
        whatever their number; order and page of the query are not looked at. ``StorageError`` on the way."""
        ...

    def calls_by_day(self, query: CallQuery) -> pa.Table:
        """local_day, calls, seconds, micros over all that match."""
        ...

    def revenue_by_month(self, months: int = 12, chosen: CallFilter = ALL_CALLS) -> pa.Table:
        """competence, class, calls, seconds, micros: the last ``months`` (at most 13), oldest first."""
        ...

    def weekday_hour(self, chosen: CallFilter = ALL_CALLS) -> pa.Table:
        """weekday, hour, calls, seconds, micros of the competence, local time."""
        ...

    def top_contracts(self, count: int = 10, chosen: CallFilter = ALL_CALLS) -> pa.Table:
        """contract, customer, calls, seconds, micros, previous_micros (the month before), by micros."""
        ...

    def top_destinations(self, count: int = 10, chosen: CallFilter = ALL_CALLS) -> pa.Table:
        """destination, calls, seconds, micros of the competence, by micros, then calls."""
        ...

    # --- Completeness (PRODUCT 7)

    def silent_contracts(self) -> pa.Table:
        """contract, months (with calls), usual_calls (median), last (competence), customer: billed in the competence
        without any call though at least two of the eleven months before had some, by usual calls."""
        ...

    def uncovered_days(self) -> pa.Table:
        """contract, since, until (date32, both inclusive), days, customer: of contracts billed in the competence, the
        days that neither its file's period nor that of the last file before covers; by days, most first."""
        ...

    def passed_lines(self) -> pa.Table:
        """number, contracts (how many), named (their numbers, a list): lines that passed from one contract to another
        in the competence. An import refuses a line that two have at the same time."""
        ...

    # --- Invoices

    def invoices(self, query: InvoiceQuery) -> Page:
        """A page of the ERP's invoices: invoice, contract, customer, competence, issued_on, due_on, amount, status.
        ``totals``: amount."""
        ...


class ReadModel(Protocol):
    """Answers over snapshot, calls and ledger; writes nothing."""

    def view(self, competence: Competence) -> View:
        """The competence as it is now."""
        ...

    def eligible(self, competence: Competence) -> list[str]:
        """Every contract in the list of the competence, in order."""
        ...

    def expectations(self, competence: Competence, contracts: Sequence[str]) -> list[Expectation]:
        """The usual month of each of ``contracts`` that exists, in order."""
        ...

    def forecasts(self, competence: Competence, contracts: Sequence[str]) -> dict[str, Forecast]:
        """What each of ``contracts`` should come to by its own past; those with too short a past are absent."""
        ...

    def evaluate(self, snapshot: int, competence: Competence, contracts: Sequence[str]) -> Evaluation:
        """The snapshot's share of the rules: 1-5, and 7 and 8 by the values and events that are not our own; contracts
        that it lacks are absent."""
        ...

    def invoiced_values(self) -> set[str]:
        """Ids of values, our own among them, that the ERP's current snapshot says are invoiced."""
        ...

    def subscriber(self, contract: str) -> Subscriber:
        """What provisioning sends of a contract; ``NotFoundError``."""
        ...
