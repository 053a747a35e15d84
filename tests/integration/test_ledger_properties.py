"""Whatever is done in whatever order, the ledger stays sound: random sequences of acts on both stores (PRODUCT 5).

The model beside it is the plainest possible: which contracts of which month have something live, and for how much.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.batches import SqlBatchLedger
from stfc.adapters.ledger.database import Database
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.outcome import LIVE_OUTCOMES, NotAvailable, Outcome, Unfinished
from stfc.errors import NotPossibleError
from stfc.services.ports import Actor, Claim
from tests.ledgers import (
    ANA,
    NOVEMBER,
    NOW,
    OCTOBER,
    Ledger,
    assert_sound,
    charged,
    final,
    held,
    transient,
    zero,
)

IVO = Actor("ivo", "manager", "tela")
CONTRACTS = [str(number) for number in range(6)]
contracts = st.lists(st.sampled_from(CONTRACTS), min_size=1, unique=True)
months = st.sampled_from([OCTOBER, NOVEMBER])
owners = st.sampled_from(["w1", "w2"])
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(charged, st.integers(1, 10_000), calls=st.integers(0, 3)),
    st.builds(held, st.integers(1, 10_000)),
    st.builds(zero, calls=st.integers(0, 2)),
    st.sampled_from([NotAvailable(), Unfinished(), transient(), final()]),
)


class LedgerMachine(RuleBasedStateMachine):
    """Operators open, retry, cancel and reverse, a manager decides on holds; two workers claim, stall, die and settle,
    late or twice."""

    fresh: ClassVar[Callable[[], Database]]
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.ledger: Ledger

    @initialize()
    def begin(self) -> None:
        self.ledger = Ledger(self.fresh())

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            assert self.ledger.findings() == []

    # --- Acts

    @rule(competence=months, chosen=contracts, key=st.sampled_from([None, "a", "b"]))
    def open(self, competence: Competence, chosen: list[str], key: str | None) -> None:
        live = self._live(competence)
        known = {row.request_key: row.batch for row in self.ledger.rows(schema.batches)}
        opened = self.ledger.batches.open(competence, chosen, snapshot=1, actor=ANA, now=self.now, request_key=key)
        if key in known and key is not None:
            assert opened.batch == known[key]
            return
        assert opened.items == len(set(chosen) - live)
        assert set(opened.refused) == set(chosen) & live
        assert (opened.batch is None) == (opened.items == 0)

    @rule(target=claims, owner=owners, limit=st.integers(1, 4), slow=st.booleans())
    def claim(self, owner: str, limit: int, slow: bool) -> object:
        self.ledger.beat(owner, now=self.now)
        claim = self.ledger.work.claim(owner, now=self.now, limit=limit, batch=None, slow=slow)
        if claim is None:
            return multiple()
        names = [item.contract for item in claim.items]
        assert names == sorted(names)
        assert len(names) <= limit
        return owner, claim

    @rule(
        held_claim=claims,
        chosen=st.lists(outcomes, min_size=4, max_size=4),
        refused=st.lists(st.sampled_from(CONTRACTS), max_size=1),
        part=st.booleans(),
    )
    def settle(self, held_claim: tuple[str, Claim], chosen: list[Outcome], refused: list[str], part: bool) -> None:
        # The bundle keeps claims: one may be settled twice, or long after its lease has passed to another.
        owner, claim = held_claim
        names = [item.contract for item in claim.items]
        counts = self.ledger.settle(
            claim,
            dict(zip(names, chosen, strict=False)),
            owner=owner,
            failed=dict.fromkeys(refused, Rule.NORMAL),
            now=self.now,
            part=part or any(getattr(outcome, "calls", 0) for outcome in chosen),
        )
        assert sum(counts.values()) == len(claim.items)

    @rule(seconds=st.sampled_from([1, 5, 40]), owner=owners)
    def time_passes(self, seconds: int, owner: str) -> None:
        self.now += timedelta(seconds=seconds)
        self.ledger.beat(owner, now=self.now)
        alive = {worker.owner for worker in self.ledger.work.workers(self.now)}
        assert {row.owner for row in self.ledger.rows(schema.items) if row.owner} <= alive

    @rule(owner=owners)
    def leave(self, owner: str) -> None:
        self.ledger.work.leave(owner, now=self.now)
        assert owner not in {row.owner for row in self.ledger.rows(schema.items)}

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        if batch := self._batch(data):
            self.ledger.batches.retry(batch, items=None, codes=(), actor=ANA, now=self.now)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if batch := self._batch(data):
            self.ledger.batches.cancel(batch, actor=ANA, now=self.now)
            assert self.ledger.batches.show(batch).outcomes["waiting"] == 0

    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        if batch := self._batch(data):
            self.ledger.batches.reverse(batch, contracts=None, invoiced=(), reason="x", actor=ANA, now=self.now)
            summary = self.ledger.batches.show(batch)
            assert (summary.amount, summary.calls) == (0, 0)

    @rule(data=st.data(), decision=st.sampled_from(["release", "reject"]))
    def decide(self, data: st.DataObject, decision: str) -> None:
        waiting = {row.hold: row for row in self.ledger.holds.pending()}
        if not waiting:
            return
        chosen = data.draw(st.lists(st.sampled_from(sorted(waiting)), min_size=1, unique=True))
        decide = getattr(self.ledger.holds, decision)
        assert [row.hold for row in decide(chosen, reason="x", actor=IVO, now=self.now)] == sorted(chosen)
        left = self.ledger.holds.pending()
        assert {row.hold for row in left} == waiting.keys() - set(chosen)
        with pytest.raises(NotPossibleError):
            decide([*chosen, *(row.hold for row in left)], reason="x", actor=IVO, now=self.now)
        assert self.ledger.holds.pending() == left

    @rule(data=st.data())
    def pause(self, data: st.DataObject) -> None:
        if batch := self._batch(data):
            self.ledger.work.pause(batch, "SUM-NET", now=self.now)

    @rule()
    def resume(self) -> None:
        self.ledger.work.resume(["SUM-NET"], now=self.now)

    # --- What always holds

    @invariant()
    def is_sound(self) -> None:
        if hasattr(self, "ledger"):
            assert_sound(self.ledger)

    @invariant()
    def shows_what_it_holds(self) -> None:
        if not hasattr(self, "ledger"):
            return
        state, images = self.ledger.reader.images([OCTOBER, NOVEMBER], {})
        # What changed, laid over what was known, is what a whole reading gives.
        self.known = self.ledger.reader.images([OCTOBER, NOVEMBER], getattr(self, "known", {}))[1]
        assert self.known == images
        # So it is with what batches add up to: this ledger follows its items, a new one sums them up.
        assert self.ledger.batches.newest() == SqlBatchLedger(self.ledger.database).newest()
        live = [v for image in images.values() for v in image.values.to_pylist() if not v["deleted"]]
        assert sum(value["amount"] for value in live) == sum(b.amount for b in self.ledger.batches.newest())
        assert max(state.months.values(), default=0) <= state.revision

    @invariant()
    def lists_what_is_held(self) -> None:
        if not hasattr(self, "ledger"):
            return
        waiting = [row.contract for row in self.ledger.holds.pending()]
        assert len(waiting) == sum(batch.live["held"] for batch in self.ledger.batches.newest())
        every: dict[str, Any] = {"competence": None, "search": "", "offset": 0, "limit": None}
        assert sorted(r.contract for r in self.ledger.batches.sent(outcomes=("held",), **every)[1]) == sorted(waiting)

    def _live(self, competence: Competence) -> set[str]:
        rows = self.ledger.rows(schema.items)
        return {
            row.contract
            for row in rows
            if row.competence == str(competence) and not row.reversed and row.outcome in LIVE_OUTCOMES
        }

    def _batch(self, data: st.DataObject) -> int | None:
        batches = [batch.batch for batch in self.ledger.batches.newest()]
        return data.draw(st.sampled_from(batches)) if batches else None


@pytest.mark.parametrize(("store", "examples"), [("sqlite", 30), ("postgres", 12)])
def test_any_sequence_of_acts_keeps_the_ledger_sound(store: str, examples: int, request: pytest.FixtureRequest) -> None:
    LedgerMachine.fresh = staticmethod(request.getfixturevalue(f"fresh_{store}"))
    run_state_machine_as_test(
        LedgerMachine, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None)
    )
