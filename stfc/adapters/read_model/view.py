"""One competence at one moment (``queries.View``)."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa

from stfc.adapters.read_model import completeness, contracts, indicators, invoices
from stfc.adapters.read_model.calls import Calls
from stfc.adapters.read_model.details import ContractDetails
from stfc.adapters.read_model.engine import Cache, Engine
from stfc.adapters.read_model.snapshot import Snapshot
from stfc.domain.competence import Competence, last_months
from stfc.domain.eligibility import ContractFacts, Policy, Verdicts, explain
from stfc.services.ports import LedgerState, MonthImage, Page
from stfc.services.queries import (
    ALL_CALLS,
    CallFilter,
    CallQuery,
    ContractQuery,
    ContractTotals,
    CoverageCounts,
    Indicators,
    InvoiceQuery,
)

# Late calls may be this many months older than the file that brings them.
_LATE_MONTHS = 6
_EARLY_MONTHS = 1


@dataclass(frozen=True)
class Moment:
    """What a view stands on: the ledger's state, the images of its competence and of the months before, the day."""

    competence: Competence
    state: LedgerState
    images: Mapping[Competence, MonthImage]
    provisioning: pl.DataFrame
    today: date

    @property
    def image(self) -> MonthImage:
        """The image of the view's own competence."""
        return self.images[self.competence]

    @property
    def plans(self) -> tuple[str, ...]:
        """The codes of the tariff plans that have begun by the end of the competence."""
        end = self.competence.end_day
        return tuple(sorted(code for code, first in self.state.plans.items() if first < end))

    def months(self, count: int) -> list[MonthImage]:
        """The images of the last ``count`` months, its own included, oldest first."""
        return [self.images[month] for month in last_months(self.competence, count) if month in self.images]


@dataclass(frozen=True)
class Workshop:
    """What all views of a process share: the engine, where calls stand, the policy, the cache of small answers."""

    engine: Engine
    calls_root: Path
    policy: Policy
    answers: Cache[Hashable, pl.DataFrame]
    pages: Cache[Hashable, Page]


class DuckView:
    """``queries.View``; made by ``DuckReadModel.view``. ``frame`` gives the eligibility frame and ``counts``
    what it comes to, both cached by the model."""

    def __init__(
        self,
        workshop: Workshop,
        moment: Moment,
        snapshot: Snapshot,
        frame: Callable[[], pl.DataFrame],
        counts: Callable[[], Indicators],
        older: Callable[[Sequence[Competence]], list[MonthImage]],
    ) -> None:
        self._shop = workshop
        self._moment = moment
        self._files = snapshot
        self._make_frame = frame
        self._counts = counts
        self._older = older

    @property
    def competence(self) -> Competence:
        """The month shown."""
        return self._moment.competence

    @property
    def snapshot(self) -> int | None:
        """The ERP snapshot shown."""
        return self._moment.state.snapshot

    @property
    def imported_at(self) -> datetime | None:
        """When that snapshot was imported."""
        return self._moment.state.imported_at

    @property
    def revision(self) -> int:
        """The ledger's revision shown."""
        return self._moment.state.revision

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The eligibility frame (``eligibility.eligibility``)."""
        return self._make_frame()

    # --- Contracts

    def contracts(self, query: ContractQuery) -> Page:
        """A page of contracts."""
        return contracts.page(self.frame, query)

    def contract_ids(self, query: ContractQuery) -> list[str]:
        """The numbers of all contracts that match, in the query's order."""
        return contracts.numbers(self.frame, query)

    def counts_by_rule(self, query: ContractQuery) -> Mapping[str, int]:
        """How many contracts match, by the first rule that fails; the eligible ones under the empty text."""
        return contracts.by_rule(self.frame, query)

    def contract_totals(self, chosen: Sequence[str]) -> ContractTotals:
        """What the chosen contracts usually come to."""
        return contracts.totals(self.frame, chosen)

    def choices(self) -> Mapping[str, Sequence[str]]:
        """The values that occur, for filters."""
        columns = {"states": "state", "plans": "plan", "stages": "stage", "statuses": "status"}
        listed = self.frame.select("listed", *columns.values()).filter("listed")
        return {name: listed[column].drop_nulls().unique().sort().to_list() for name, column in columns.items()}

    # --- One contract

    def facts(self, contract: str) -> ContractFacts:
        """All that the rules look at; ``NotFoundError``."""
        return self._details.facts(contract, self.competence)

    def explain(self, contract: str) -> Verdicts:
        """The eight rules and the warnings; ``NotFoundError``."""
        return explain(self.facts(contract), self.competence, today=self._moment.today, policy=self._shop.policy)

    def lines(self, contract: str) -> pa.Table:
        """All lines ever, latest first."""
        return self._detail(contract, self._details.lines)

    def services(self, contract: str) -> pa.Table:
        """The Summit services."""
        return self._detail(contract, self._details.services)

    def values(self, contract: str) -> pa.Table:
        """Eventual values, the ERP's and our own."""
        return self._detail(contract, self._details.values)

    def events(self, contract: str) -> pa.Table:
        """Zero-billing events, the ERP's and our own."""
        return self._detail(contract, self._details.events)

    def items(self, contract: str) -> pa.Table:
        """Batch items of the view's months, newest first."""
        return self._details.items(contract).to_arrow()

    def _detail(self, contract: str, read: Callable[[str], pl.DataFrame]) -> pa.Table:
        self._details.master(contract)
        return read(contract).to_arrow()

    @property
    def _details(self) -> ContractDetails:
        images = list(self._moment.images.values())
        moment = self._moment
        return ContractDetails(self._shop.engine, self._files, images, moment.provisioning, moment.plans)

    # --- Indicators

    def indicators(self) -> Indicators:
        """The three indicators and the decomposition of *Não Faturados*."""
        return self._counts()

    def indicator_history(self, months: int = 12) -> pa.Table:
        """The indicators of the last ``months``, oldest first."""
        images = self._moment.months(min(months, 12))
        in_error = self.frame.filter("in_error").select("contract")
        key = ("indicators", self.snapshot, self._key(images), frozenset(in_error["contract"]))
        return self._shop.answers.get(
            key,
            lambda: indicators.indicator_history(self._shop.engine, self._files, images, in_error, self._shop.policy),
        ).to_arrow()

    def coverage(self) -> CoverageCounts:
        """The competence's contracts by part."""
        return indicators.coverage(self.frame, self._moment.image)

    def charged(self, months: int = 12) -> pa.Table:
        """What is charged and not reversed by month, oldest first."""
        images = self._moment.months(min(months, 12))
        key = ("charged", self._key(images))
        return self._shop.answers.get(key, lambda: indicators.charged(self._shop.engine, images)).to_arrow()

    # --- Calls

    def calls(self, query: CallQuery) -> Page:
        """A page of records, and the totals of all that match."""
        calls = self._calls(self._searched(query))
        if query.limit is None:
            return calls.page(query)
        return self._shop.pages.get((query, self._key(calls.images)), lambda: calls.page(query))

    def call_stream(self, query: CallQuery) -> Iterator[pa.Table]:
        """All records that match, by contract and start, some at a time."""
        return self._calls(self._searched(query)).stream(query)

    def calls_by_day(self, query: CallQuery) -> pa.Table:
        """local_day, calls, seconds, micros over all that match."""
        return self._answer("by_day", self._searched(query), query, lambda calls: calls.by_day(query))

    def revenue_by_month(self, months: int = 12, chosen: CallFilter = ALL_CALLS) -> pa.Table:
        """competence, class, calls, seconds, micros, oldest first."""
        images = self._moment.months(months)
        return self._answer("revenue", images, chosen, lambda calls: calls.revenue_by_month(chosen))

    def weekday_hour(self, chosen: CallFilter = ALL_CALLS) -> pa.Table:
        """weekday, hour, calls, seconds, micros of the competence."""
        return self._answer("weekday", [self._moment.image], chosen, lambda calls: calls.weekday_hour(chosen))

    def top_contracts(self, count: int = 10, chosen: CallFilter = ALL_CALLS) -> pa.Table:
        """contract, customer, calls, seconds, micros, previous_micros, by micros."""
        top = self._frame_of(
            f"top_contracts {count}", [self._moment.image], chosen, lambda calls: calls.top_contracts(count, chosen)
        )
        numbers = tuple(top["contract"])
        before = CallFilter(**vars(chosen) | {"contracts": numbers or ("",)})
        images = self._moment.months(2)[:-1]
        previous = self._frame_of("top_before", images, before, lambda calls: calls.top_contracts(count, before))
        previous = previous.select("contract", previous_micros="micros")
        joined = self._with_customers(top).join(previous, on="contract", how="left", maintain_order="left")
        columns = ["contract", "customer", "calls", "seconds", "micros", pl.col("previous_micros").fill_null(0)]
        return joined.select(columns).to_arrow()

    def top_destinations(self, count: int = 10, chosen: CallFilter = ALL_CALLS) -> pa.Table:
        """destination, calls, seconds, micros of the competence, by micros, then calls."""
        name = f"top_destinations {count}"
        return self._answer(name, [self._moment.image], chosen, lambda calls: calls.top_destinations(count, chosen))

    def _searched(self, query: CallQuery) -> list[MonthImage]:
        """The images of the months whose files a query looks in."""
        wanted = list(query.competences)
        if not wanted and (query.since or query.until):
            wanted = [month for month in self._moment.state.months if _may_hold(month, query)]
        elif not wanted:
            wanted = [self.competence]
        known = [self._moment.images[month] for month in wanted if month in self._moment.images]
        missing = [month for month in wanted if month not in self._moment.images]
        return sorted([*known, *(self._older(missing) if missing else [])], key=lambda image: image.competence)

    def _answer(
        self, name: str, images: Sequence[MonthImage], query: Hashable, read: Callable[[Calls], pl.DataFrame]
    ) -> pa.Table:
        return self._frame_of(name, images, query, read).to_arrow()

    def _frame_of(
        self, name: str, images: Sequence[MonthImage], query: Hashable, read: Callable[[Calls], pl.DataFrame]
    ) -> pl.DataFrame:
        return self._shop.answers.get((name, query, self._key(images)), lambda: read(self._calls(images)))

    def _calls(self, images: Sequence[MonthImage]) -> Calls:
        return Calls(self._shop.engine, self._shop.calls_root, images)

    @staticmethod
    def _key(images: Sequence[MonthImage]) -> Hashable:
        return tuple((image.competence, image.revision) for image in images)

    # --- Completeness

    def silent_contracts(self) -> pa.Table:
        """Contracts billed without any call, though the months before had some."""
        images, competence = self._moment.months(12), self.competence
        found = self._shop.answers.get(
            ("silent", self._key(images)), lambda: completeness.silent_contracts(self._shop.engine, images, competence)
        )
        return self._with_customers(found).to_arrow()

    def uncovered_days(self) -> pa.Table:
        """Days between the files of a contract that no file covers."""
        images, competence = self._moment.months(12), self.competence
        found = self._shop.answers.get(
            ("uncovered", self._key(images)),
            lambda: completeness.uncovered_days(self._shop.engine, images, competence),
        )
        return self._with_customers(found).to_arrow()

    def passed_lines(self) -> pa.Table:
        """Lines that passed from one contract to another in the competence."""
        key = ("passed_lines", self.snapshot, self.competence)
        return self._shop.answers.get(
            key, lambda: completeness.passed_lines(self._shop.engine, self._files, self.competence)
        ).to_arrow()

    def _with_customers(self, rows: pl.DataFrame) -> pl.DataFrame:
        """``rows``, one a contract, with the ``customer`` of each, in their order."""
        return rows.join(self.frame.select("contract", "customer"), on="contract", how="left", maintain_order="left")

    # --- Invoices

    def invoices(self, query: InvoiceQuery) -> Page:
        """A page of the ERP's invoices."""
        rows = self._shop.answers.get(
            ("invoices", self.snapshot), lambda: invoices.read_invoices(self._shop.engine, self._files)
        )
        return invoices.page(rows, query)


def _may_hold(month: Competence, query: CallQuery) -> bool:
    """Whether the month's files may hold calls of the days asked for, late or too early as a file brings them."""
    starts_before = query.until is None or month.plus(-_LATE_MONTHS).first_day <= query.until
    return starts_before and (query.since is None or month.plus(_EARLY_MONTHS).last_day >= query.since)
