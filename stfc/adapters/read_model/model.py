"""``queries.ReadModel`` over DuckDB and Polars: an answer depends on snapshot, revision, competence and query alone."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from stfc.adapters.read_model.details import ContractDetails
from stfc.adapters.read_model.eligibility import Standing, by_local_day, eligibility, standing
from stfc.adapters.read_model.engine import Cache, Engine, frame_of, weight
from stfc.adapters.read_model.forecast import forecasts, weekday_profile
from stfc.adapters.read_model.history import MONTHS, history
from stfc.adapters.read_model.indicators import indicators
from stfc.adapters.read_model.snapshot import ErpFacts, Snapshot, erp_facts
from stfc.adapters.read_model.view import DuckView, Moment, Workshop
from stfc.domain.competence import Competence, last_months, local_day
from stfc.domain.eligibility import Policy, Rule
from stfc.domain.forecast import Forecast, Profile
from stfc.domain.money import Centavos
from stfc.services.ports import (
    Clock,
    Evaluation,
    LedgerReader,
    LedgerState,
    MonthImage,
    Page,
    SnapshotStore,
    Subscriber,
)
from stfc.services.queries import ContractQuery, Expectation, Indicators

_IMAGES_KEPT = 60
_FRAMES_KEPT = 8
_FRAMES_MOST = 100 << 20
"""Bytes of each kind of them, about four months of 100,000 contracts: people who look at as many months as there are
must not fill the memory of the machine."""
_FORECASTS_KEPT = 2
_ANSWERS_KEPT = 256
_ERP_RULES = tuple(rule for rule in Rule if rule.number <= 5)


class DuckReadModel:
    """``queries.ReadModel``: one in-memory DuckDB per process; any thread may ask.

    Reads the ledger once for a view, and only the months that changed since; keeps frames by exact key, so that
    nothing ever shows old money.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        snapshots: SnapshotStore,
        calls_root: Path,
        clock: Clock,
        *,
        policy: Policy | None = None,
    ) -> None:
        self._ledger = ledger
        self._snapshots = snapshots
        self._clock = clock
        self._policy = policy or Policy()
        self._engine = Engine()
        self._shop = Workshop(
            self._engine, calls_root, self._policy, Cache(_ANSWERS_KEPT), Cache[Hashable, Page](_ANSWERS_KEPT)
        )
        self._images: OrderedDict[Competence, MonthImage] = OrderedDict()
        self._reading = threading.Lock()
        self._erp: Cache[tuple[int | None, Competence], ErpFacts] = _frames_cache()
        self._histories: Cache[Hashable, pl.DataFrame] = _frames_cache()
        self._standing: Cache[Hashable, Standing] = _frames_cache()
        self._profiles: Cache[Hashable, Profile] = Cache(_FRAMES_KEPT)
        self._foreseen: Cache[Hashable, Mapping[str, Forecast]] = Cache(_FORECASTS_KEPT)
        self._frames: Cache[Hashable, pl.DataFrame] = _frames_cache()
        self._counts: Cache[Hashable, Indicators] = Cache(_ANSWERS_KEPT)

    def view(self, competence: Competence) -> DuckView:
        """The competence as it is now: one read of the ledger for all that the view shows."""
        state, images = self._read(last_months(competence, MONTHS + 1))
        moment = Moment(competence, state, images, by_local_day(frame_of(state.provisioning)), self._today())
        files = self._files(state.snapshot)
        return DuckView(
            self._shop, moment, files, lambda: self._frame(moment), lambda: self._counts_of(moment), self._older
        )

    # --- For billing and the worker

    def eligible(self, competence: Competence) -> list[str]:
        """Every contract in the list of the competence, in order."""
        return self.view(competence).contract_ids(ContractQuery(eligible=True))

    def expectations(self, competence: Competence, contracts: Sequence[str]) -> list[Expectation]:
        """The usual month of each of ``contracts`` that has a Summit service, in order."""
        foreseen = self._forecasts(competence)
        chosen = pl.DataFrame({"contract": list(contracts)}, schema={"contract": pl.String})
        # Few columns first: to filter the frame copies all that it has.
        columns = "contract", "customer", "expected_calls", "expected_amount", "cautions"
        found = self.view(competence).frame.select(columns)
        found = found.join(chosen, on="contract", how="semi", maintain_order="left")
        # Many rows have the same few cautions: each list is made once.
        found = found.with_columns(pl.col("cautions").list.join(" "))
        cautions = {words: tuple(words.split()) for words in found["cautions"].unique()}
        return [
            Expectation(
                contract=contract,
                customer=customer,
                calls=calls,
                amount=None if amount is None else Centavos(amount),
                cautions=cautions[words],
                forecast=foreseen.get(contract),
            )
            for contract, customer, calls, amount, words in found.iter_rows()
        ]

    def forecasts(self, competence: Competence, contracts: Sequence[str]) -> dict[str, Forecast]:
        """What each of ``contracts`` should come to by its own past; those with too short a past are absent."""
        every = self._forecasts(competence)
        return {contract: every[contract] for contract in contracts if contract in every}

    def evaluate(self, snapshot: int, competence: Competence, contracts: Sequence[str]) -> Evaluation:
        """Rules 1-5 and the ERP's share of 7 and 8 on ``snapshot``; contracts that it lacks are absent.

        Values and events of the ERP that are copies of our own are the ledger's to decide, and left out here.
        """
        erp = self._erp_facts(snapshot, competence)
        chosen = erp.contracts.filter(pl.col("contract").is_in(list(contracts)))
        valued = erp.values.join(chosen, on="contract", how="semi")
        zeroed = erp.events.join(chosen, on="contract", how="semi")
        if valued.height or zeroed.height:
            image = self._read([competence])[1][competence]
            valued = valued.join(frame_of(image.values), on="value_id", how="anti")
            zeroed = zeroed.join(frame_of(image.events), on="event", how="anti")
        by_values, by_events = set(valued["contract"]), set(zeroed["contract"])
        failed: dict[str, Rule | None] = {}
        services: dict[str, str] = {}
        for contract, service, *holds in chosen.select("contract", "service", "r1", "r2", "r3", "r4", "r5").iter_rows():
            late_rule = Rule.NO_EVENTUAL_VALUE if contract in by_values else None
            late_rule = late_rule or (Rule.NO_ZERO_EVENT if contract in by_events else None)
            early = (rule for rule, held in zip(_ERP_RULES, holds, strict=True) if not held)
            failed[contract] = next(early, late_rule)
            if service is not None:
                services[contract] = service
        return Evaluation(snapshot, failed, services)

    def invoiced_values(self) -> set[str]:
        """Ids of the values that the ERP's current snapshot says are invoiced."""
        files = self._files(self._ledger.state().snapshot)
        return set(self._engine.query(files.sql("SELECT value_id FROM {eventual_values} WHERE invoiced"))["value_id"])

    def subscriber(self, contract: str) -> Subscriber:
        """What provisioning sends: the contract, its cut day and the lines of live Summit services valid today.

        Raises:
            NotFoundError: the ERP does not know the contract.
        """
        state, today = self._ledger.state(), self._today()
        provisioning = by_local_day(frame_of(state.provisioning))
        details = ContractDetails(self._engine, self._files(state.snapshot), (), provisioning)
        master = details.master(contract)
        valid = (pl.col("since") <= today) & (pl.col("until").is_null() | (pl.col("until") > today))
        lines = details.lines(contract).filter(~pl.col("deleted"), valid)
        return Subscriber(
            contract=contract,
            name=master.customer,
            document=master.document,
            closing_day=master.cut_day,
            lines=tuple(lines["number"].unique().sort()),
            plan=master.plan,
        )

    # --- What is kept

    def _forecasts(self, competence: Competence) -> Mapping[str, Forecast]:
        """The forecast of every contract that has one: kept as previews hold it, which share it."""
        images = self._read(last_months(competence, MONTHS + 1)[:-1])[1]
        before = [images[month] for month in sorted(images)]
        root = self._shop.calls_root
        past = tuple((image.competence, image.revision) for image in before)
        weekdays = self._profiles.get(past, lambda: weekday_profile(self._engine, root, before))

        def made() -> Mapping[str, Forecast]:
            rows = forecasts(self._engine, competence, before, weekdays).iter_rows()
            return {contract: Forecast(*map(Centavos, amounts)) for contract, *amounts in rows}

        return self._foreseen.get((competence, past, weekdays), made)

    def _counts_of(self, moment: Moment) -> Indicators:
        """Kept longer than the frames, of which there is room for few months: who lists all months asks for all."""
        key = (_stands(moment), moment.image.revision)
        return self._counts.get(key, lambda: indicators(self._frame(moment)))

    def _frame(self, moment: Moment) -> pl.DataFrame:
        before = moment.months(MONTHS + 1)[:-1]
        past = _revisions(before)
        results = moment.provisioning
        stands = _stands(moment)
        erp = self._erp_facts(moment.state.snapshot, moment.competence)

        def made() -> Standing:
            return standing(
                self._engine,
                erp,
                moment.competence,
                history=self._histories.get(past, lambda: history(self._engine, before)),
                provisioning=results,
                plans=moment.plans,
                today=moment.today,
            )

        return self._frames.get(
            (stands, moment.image.revision),
            lambda: eligibility(self._standing.get(stands, made), erp, moment.image),
        )

    def _erp_facts(self, snapshot: int | None, competence: Competence) -> ErpFacts:
        files = self._files(snapshot)
        return self._erp.get((snapshot, competence), lambda: erp_facts(self._engine, files, competence, self._policy))

    def _files(self, snapshot: int | None) -> Snapshot:
        return Snapshot(None if snapshot is None else self._snapshots.folder(snapshot))

    def _read(self, months: Sequence[Competence]) -> tuple[LedgerState, dict[Competence, MonthImage]]:
        """State and images of one moment; months that did not change are not read again."""
        with self._reading:
            state, images = self._ledger.images(months, self._images)
            for month, image in images.items():
                self._images[month] = image
                self._images.move_to_end(month)
            while len(self._images) > _IMAGES_KEPT:
                self._images.popitem(last=False)
        return state, images

    def _older(self, months: Sequence[Competence]) -> list[MonthImage]:
        return list(self._read(months)[1].values())

    def _today(self) -> date:
        return local_day(self._clock())


def _stands(moment: Moment) -> Hashable:
    """All that a month's eligibility depends on beside its own image."""
    results = moment.provisioning
    return (
        moment.state.snapshot,
        moment.competence,
        _revisions(moment.months(MONTHS + 1)[:-1]),
        (results.height, int(results.hash_rows().sum())),
        moment.plans,
        moment.today,
    )


def _revisions(images: Sequence[MonthImage]) -> Hashable:
    return tuple((image.competence, image.revision) for image in images)


def _frames_cache() -> Cache[Any, Any]:
    return Cache(_FRAMES_KEPT, most=_FRAMES_MOST, weigh=weight)
