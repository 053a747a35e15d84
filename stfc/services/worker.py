"""The worker: claims chunks under a lease, hands them to an executor, commits results (ARCHITECTURE, worker).

It may be killed at any moment and started again anywhere: what is not committed is done again, what is committed stays.
Nothing that a chunk, the disk, the ledger or the platform does ends it.
"""

import random
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.outcome import PLATFORM_DOWN, STORAGE_REFUSES, Failed, Outcome, Postponed, Unfinished
from stfc.errors import StaleSnapshotError, StfcError, StorageError
from stfc.services.compaction import Compacted
from stfc.services.late_files import LateFileWatch, LookPolicy
from stfc.services.platform_watch import Ask, PlatformWatch
from stfc.services.ports import (
    ChunkResult,
    ChunkSpec,
    Claim,
    Clock,
    CorrectionLedger,
    Evaluation,
    ItemResult,
    LateFileLedger,
    RetryPolicy,
    SnapshotLedger,
    SnapshotStore,
    WorkLedger,
)

log = structlog.get_logger("stfc.worker")

_LISTING_WORTH = 20
"""From this many waiting contracts on, the month's listing costs less than a descriptor for each."""
_THROTTLED, _REFUSED = "SUM-429", "SUM-401"
_SHORT_REST, _LONG_REST = 5.0, 60.0
"""Seconds: so long a request waits for a platform that wants a rest; for longer rests than the other a batch pauses."""
_PROBE_FIRST, _PROBE_MOST = 2.0, 60.0
_TROUBLE_MOST = 30.0
_SWEEP_EVERY = timedelta(minutes=10)
_SLOW_SHARE = 10
"""The slow lane's chunks are so many times smaller: none waits long for one that takes its full time."""
_POLL, _LEAST_POLL = 0.5, 0.02


class Evaluator(Protocol):
    """The snapshot's share of the rules, set by set; the read model gives it."""

    def evaluate(self, snapshot: int, competence: Competence, contracts: list[str]) -> Evaluation:
        """First failing rule and charged service of each of ``contracts``."""
        ...


@dataclass(frozen=True)
class WorkerPolicy:
    """How much a worker takes at once and how long things may last, in seconds.

    ``chunks`` of up to ``contracts``, or of ``records`` by the month's listing, run side by side. Items whose file was
    slow run beside them, in one smaller chunk of their own, so that they never take the others' turn.
    """

    owner: str
    host: str
    pid: int
    contracts: int = 200
    records: int = 100_000
    chunks: int = 4
    lease: float = 10.0
    heartbeat: float = 3.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    look: LookPolicy = field(default_factory=LookPolicy)


class Worker:
    """One worker process. ``run`` works until it is told to stop, or until nothing is left to do."""

    def __init__(
        self,
        *,
        ledger: WorkLedger,
        late_files: LateFileLedger,
        corrections: CorrectionLedger,
        snapshots: SnapshotLedger,
        store: SnapshotStore,
        evaluator: Evaluator,
        ask: Ask,
        executor: Executor,
        process_chunk: Callable[[ChunkSpec], ChunkResult],
        abandon: Callable[[], None],
        is_writable: Callable[[], bool],
        sweep: Callable[[], int],
        compact: Callable[[Callable[[], bool]], list[Compacted]],
        policy: WorkerPolicy,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        nap: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        """``ask`` runs a request to the platform elsewhere; ``abandon`` ends what it and the chunks have under way;
        ``is_writable`` tries whether parts can be written; ``jitter`` gives [0, 1); ``nap`` waits."""
        self._ledger = ledger
        self._snapshots = snapshots
        self._store = store
        self._evaluator = evaluator
        self._executor = executor
        self._process_chunk = process_chunk
        self._abandon = abandon
        self._is_writable = is_writable
        self._sweep = sweep
        self._compact = compact
        self._policy = policy
        self._clock = clock
        self._jitter = jitter
        self._nap = nap
        self._platform = PlatformWatch(ledger, ask, clock, jitter)
        self._late = LateFileWatch(late_files, self._platform.ask_month, policy.look, clock, jitter, corrections)
        self._running: dict[Future[ChunkResult], Claim] = {}
        self._adrift: list[Claim] = []
        self._limit = policy.contracts
        self._has_slow = True
        self._fruitless = 0
        self._troubles = 0
        self._seen: set[str] = set()
        self._stop = threading.Event()
        self._next_sweep = self._next_compaction = self._next_probe = datetime.min.replace(tzinfo=UTC)
        self._probe_wait = _PROBE_FIRST

    def stop(self) -> None:
        """Take nothing new, hand back what runs, and return from ``run`` soon. Safe from a signal handler."""
        self._stop.set()

    def run(self, *, until_idle: bool = False, batch: int | None = None) -> None:
        """Work on every batch, or on ``batch`` only.

        Args:
            until_idle: return when nothing waits, runs or is to be tried again, or when all that does is paused.
            batch: the only batch to work on.

        Raises:
            StfcError: with ``until_idle`` only, what keeps the worker from working, time after time.
        """
        beat = threading.Thread(target=self._keep_alive, name="heartbeat", daemon=True)
        self._heartbeat()
        beat.start()
        try:
            while not self._stop.is_set():
                if self._guarded_step(until_idle, batch):
                    return
        finally:
            self._stop.set()
            beat.join()
            self._say_goodbye()

    def _guarded_step(self, until_idle: bool, batch: int | None) -> bool:
        """One step, gives whether all is done. What goes wrong, a ledger that is away for example, is waited out."""
        try:
            is_over = self._step(until_idle, batch)
        except Exception as error:
            self._troubles += 1
            if until_idle and self._troubles >= self._policy.retry.tries:
                raise
            seconds = min(_TROUBLE_MOST, 2.0 ** (self._troubles - 2)) * (0.5 + self._jitter())
            self._report("work_interrupted", error, seconds=round(seconds, 1))
            self._nap(self._stop, seconds)
            return False
        self._troubles = 0
        return is_over

    def _step(self, until_idle: bool, batch: int | None) -> bool:
        self._release_adrift()
        self._platform.look()
        self._probe_storage()
        found = self._late.step(batch)
        took = self._take(batch)
        settled = self._settle_finished(block=not took)
        if found or took or settled or self._running:
            return False
        self._tidy()
        if batch is None:
            self._compact_due()
        if until_idle and self._is_idle(batch):
            return True
        self._nap(self._stop, self._pause(batch))
        return False

    def _say_goodbye(self) -> None:
        for future in self._running:
            future.cancel()
        try:
            self._ledger.leave(self._policy.owner, now=self._clock())
        except StfcError as error:
            # The lease runs out by itself.
            self._report("not_handed_back", error)
        self._abandon()

    # --- Taking work

    def _take(self, batch: int | None) -> bool:
        took = False
        # Looking is free; a claim takes the write lock, which an idle worker must not hold up others for.
        while not self._stop.is_set() and self._is_due(batch) and self._platform.resting() == 0:
            claim = self._claim(batch)
            if claim is None:
                break
            took = True
            self._adrift.append(claim)
            self._submit(self._cut(claim))
            self._adrift.remove(claim)
        return took

    def _claim(self, batch: int | None) -> Claim | None:
        """A chunk of a lane that has room. Slow items are tried for when they are known of, or nothing else is due."""
        slow_running = sum(claim.slow for claim in self._running.values())
        claim = None
        if len(self._running) - slow_running < self._policy.chunks:
            claim = self._claimed(batch, slow=False)
            self._has_slow = self._has_slow or claim is None
        if claim is None and self._has_slow and not slow_running:
            claim = self._claimed(batch, slow=True)
            self._has_slow = claim is not None
        return claim

    def _claimed(self, batch: int | None, *, slow: bool) -> Claim | None:
        limit = max(1, self._limit // _SLOW_SHARE) if slow else self._limit
        claim = self._ledger.claim(self._policy.owner, now=self._clock(), limit=limit, batch=batch, slow=slow)
        return replace(claim, slow=slow) if claim else None

    def _cut(self, claim: Claim) -> Claim:
        """As much of the claim as a chunk may have records by the listing; the rest is handed back."""
        listing, records, kept = self._listing(claim), 0, 0
        for item in claim.items:
            announced = listing.get(item.contract)
            records += (announced.records or 0) if announced else 0
            if kept and records > self._policy.records:
                break
            kept += 1
        if rest := claim.items[kept:]:
            self._release(replace(claim, items=rest), "chunk_full")
        # The next claim is about as large as this one should have been.
        self._limit = min(self._policy.contracts, kept if rest else 2 * self._limit)
        return replace(claim, items=claim.items[:kept], waiting=claim.waiting + len(rest))

    def _submit(self, claim: Claim) -> None:
        self._running[self._executor.submit(self._process_chunk, self._spec(claim))] = claim

    def _spec(self, claim: Claim) -> ChunkSpec:
        listing = self._listing(claim)
        snapshot = self._snapshots.current()
        assert snapshot is not None, "a batch exists only after an import"
        # What failed before asks for its descriptor anew: the listing may be what was wrong.
        items = tuple(
            replace(item, descriptor=listing.get(item.contract) if item.tries == 0 else None) for item in claim.items
        )
        return ChunkSpec(
            batch=claim.batch,
            competence=claim.competence,
            items=items,
            snapshot_folder=self._store.folder(snapshot),
            calls=claim.calls,
            slow=claim.slow,
            plans=claim.plans,
        )

    def _listing(self, claim: Claim) -> Mapping[str, Descriptor]:
        """The month's listing; empty where asking contract by contract is cheaper."""
        is_worth = self._platform.has_listing(claim.batch) or claim.waiting + len(claim.items) >= _LISTING_WORTH
        return self._platform.listing(claim.batch, claim.competence) if is_worth else {}

    def _release_adrift(self) -> None:
        """Hand back what was claimed and never began, for want of a ledger or of an executor."""
        for claim in list(self._adrift):
            self._release(claim, "released")
            self._adrift.remove(claim)

    def _release(self, claim: Claim, event: str) -> None:
        items = [item.item for item in claim.items]
        self._ledger.release(self._policy.owner, items, now=self._clock(), event=event)

    # --- Settling

    def _settle_finished(self, *, block: bool) -> bool:
        if not self._running:
            return False
        done, _ = wait(self._running, timeout=_POLL if block else 0, return_when=FIRST_COMPLETED)
        trouble: Exception | None = None
        for future in done:
            try:
                self._settle(self._running[future], future)
            except Exception as error:
                # It stays where it is and is settled again: settling twice is settling once.
                trouble = error
            else:
                del self._running[future]
        if trouble:
            raise trouble
        return bool(done)

    def _settle(self, claim: Claim, future: Future[ChunkResult]) -> None:
        error = future.exception()
        if isinstance(error, StorageError):
            self._report("storage_refuses", error, batch=claim.batch)
            self._hand_back_all(claim, STORAGE_REFUSES, "released_storage")
            self._next_probe = self._clock() + timedelta(seconds=self._probe_wait * (0.5 + self._jitter()))
            self._probe_wait = min(_PROBE_MOST, self._probe_wait * 2)
        elif error is not None:
            self._take_apart(claim, error)
        else:
            try:
                self._conclude(claim, future.result())
            except StfcError:
                raise
            except Exception as defect:
                self._take_apart(claim, defect)

    def _take_apart(self, claim: Claim, error: BaseException) -> None:
        """A chunk that no outcome came of: halved until the contract that it fails on stands alone and spends a try."""
        self._report("chunk_failed", error, batch=claim.batch, contracts=len(claim.items))
        if len(claim.items) > 1:
            middle = len(claim.items) // 2
            for half in (claim.items[:middle], claim.items[middle:]):
                self._submit(replace(claim, items=half))
            return
        code = error.code if isinstance(error, StfcError) else StfcError.code
        failed = Failed(code, {"cause": type(error).__name__}, is_transient=True)
        results = (ItemResult(one.item, one.claim, one.contract, failed, ()) for one in claim.items)
        self._commit(claim, ChunkResult(tuple(results), None))

    def _conclude(self, claim: Claim, result: ChunkResult) -> None:
        if result.not_before:
            self._platform.rest(result.not_before)
        outcomes = [one.outcome for one in result.results]
        if (down := _platform_down(outcomes)) and not self._platform.is_healthy():
            # Nothing is spent: the items go back untouched and every batch waits for the platform (PRODUCT 10).
            self._hand_back_all(claim, down, "released")
            return
        weighed = self._weighed(result)
        if weighed is None:
            self._hand_back_all(claim, _THROTTLED, "released_throttled")
            return
        counts = self._commit(claim, weighed)
        log.info("chunk_settled", batch=claim.batch, **counts)
        self._has_slow = self._has_slow or any(isinstance(outcome, Unfinished) for outcome in outcomes)
        if result.part:
            self._probe_wait = _PROBE_FIRST
        if any(isinstance(outcome, Failed) and outcome.code == _REFUSED for outcome in outcomes):
            self._ledger.pause(None, _REFUSED, now=self._clock())
            log.warning("batches_paused", batch=claim.batch, code=_REFUSED)

    def _weighed(self, result: ChunkResult) -> ChunkResult | None:
        """The result as it counts: who was refused for everybody's sake spends no try. None when the batches pause."""
        if not _are_throttled([one.outcome for one in result.results]):
            self._fruitless = 0
            return result
        self._fruitless += 1
        rest = self._platform.resting()
        if rest <= _SHORT_REST and self._platform.is_healthy():
            # It has answers for others: these files are what is too much for it, and their tries are bounded.
            return result
        if rest > _LONG_REST or self._fruitless >= self._policy.retry.tries:
            return None
        postponed = Postponed(_THROTTLED, rest)
        return replace(result, results=tuple(replace(one, outcome=postponed) for one in result.results))

    def _hand_back_all(self, claim: Claim, code: str, event: str) -> None:
        """Pause every batch with ``code`` and hand the chunk's items back, no attempt spent."""
        self._ledger.pause(None, code, now=self._clock())
        self._release(claim, event)
        log.warning("batches_paused", batch=claim.batch, code=code)

    def _commit(self, claim: Claim, result: ChunkResult) -> dict[str, int]:
        contracts = [item.contract for item in claim.items]
        while True:
            snapshot = self._snapshots.current()
            assert snapshot is not None, "a batch exists only after an import"
            evaluation = self._evaluator.evaluate(snapshot, claim.competence, contracts)
            try:
                return self._ledger.settle(
                    self._policy.owner,
                    claim.competence,
                    result,
                    evaluation,
                    now=self._clock(),
                    retry=self._policy.retry,
                    jitter=self._jitter,
                )
            except StaleSnapshotError:
                log.info("snapshot_changed", batch=claim.batch)

    # --- Beside the work

    def _probe_storage(self) -> None:
        """Lift the pauses for want of a disk as soon as one can be written again, whichever worker made them."""
        now = self._clock()
        if now < self._next_probe:
            return
        self._next_probe = now + timedelta(seconds=_PROBE_MOST)
        if self._is_writable():
            for batch in self._ledger.resume((STORAGE_REFUSES,), now=now):
                log.info("batch_resumed", batch=batch)
        else:
            self._next_probe = now + timedelta(seconds=self._probe_wait * (0.5 + self._jitter()))
            self._probe_wait = min(_PROBE_MOST, self._probe_wait * 2)

    def _tidy(self) -> None:
        """Sweep orphans now and then, while nothing of our own is under way."""
        now = self._clock()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_EVERY
            if swept := self._sweep():
                log.info("orphans_swept", files=swept)

    def _report(self, event: str, error: BaseException, **facts: object) -> None:
        """One line; with a traceback for a defect of ours, the first time that it shows at its place."""
        if isinstance(error, StfcError):
            log.error(event, code=error.code, **{**error.facts, **facts})
            return
        place = repr((type(error), traceback.extract_tb(error.__traceback__)[-1:]))
        trace = {} if place in self._seen else {"exc_info": error}
        self._seen.add(place)
        log.error(event, code=StfcError.code, cause=type(error).__name__, **facts, **trace)

    def _compact_due(self) -> None:
        """Compact what is worth it, while nothing waits; a month that cannot be read keeps nobody from billing."""
        if self._clock() < self._next_compaction:
            return
        try:
            for done in self._compact(lambda: not self._stop.is_set() and not self._is_due(None)):
                log.info("compacted", competence=str(done.competence), before=done.before, after=done.after)
        except StorageError as error:
            self._next_compaction = self._clock() + _SWEEP_EVERY
            log.error("compaction_failed", code=error.code, **error.facts)

    # --- Being alive, being idle

    def _keep_alive(self) -> None:
        while not self._stop.wait(self._policy.heartbeat):
            try:
                self._heartbeat()
            except Exception as error:
                self._report("heartbeat_failed", error)

    def _heartbeat(self) -> None:
        now = self._clock()
        self._ledger.heartbeat(
            self._policy.owner,
            host=self._policy.host,
            pid=self._policy.pid,
            now=now,
            lease_until=now + timedelta(seconds=self._policy.lease),
        )

    def _is_idle(self, batch: int | None) -> bool:
        if self._late.is_looking or self._adrift:
            return False
        return self._ledger.next_due(batch=batch) is None and not self._ledger.is_running(batch=batch)

    def _is_due(self, batch: int | None) -> bool:
        due = self._ledger.next_due(batch=batch)
        return due is not None and due <= self._clock()

    def _pause(self, batch: int | None) -> float:
        due = self._ledger.next_due(batch=batch)
        if due is None:
            return _POLL
        left = max((due - self._clock()).total_seconds(), self._platform.resting())
        return min(_POLL, max(_LEAST_POLL, left))


def _platform_down(outcomes: list[Outcome]) -> str | None:
    """The code with which every item of a chunk failed for want of a platform; None as soon as one did not. A file that
    did not come in time says nothing."""
    said = [outcome for outcome in outcomes if not isinstance(outcome, Unfinished)]
    codes = {outcome.code if isinstance(outcome, Failed) else "" for outcome in said}
    return min(codes, key=PLATFORM_DOWN.index) if codes and codes <= set(PLATFORM_DOWN) else None


def _are_throttled(outcomes: list[Outcome]) -> bool:
    """Whether all that the platform said to a chunk is that it wants a rest."""
    said = [outcome for outcome in outcomes if not isinstance(outcome, Unfinished)]
    return bool(said) and all(map(_is_throttled, said))


def _is_throttled(outcome: Outcome) -> bool:
    return isinstance(outcome, Postponed) or (isinstance(outcome, Failed) and outcome.code == _THROTTLED)
