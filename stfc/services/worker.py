"""The worker: claims chunks under a lease, hands them to an executor, commits results (ARCHITECTURE, worker).

It may be killed at any moment and started again anywhere: what is not committed is done again, what is committed stays.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.outcome import Failed
from stfc.errors import PlatformError, StaleSnapshotError, StfcError, StorageError
from stfc.services.compaction import Compacted
from stfc.services.ports import (
    ChunkResult,
    ChunkSpec,
    Claim,
    Clock,
    Evaluation,
    PlatformState,
    RetryPolicy,
    SnapshotLedger,
    SnapshotStore,
    SummitGateway,
    WorkLedger,
)

log = structlog.get_logger("stfc.worker")

PLATFORM_DOWN = ("SUM-NET", "SUM-TMO", "SUM-5XX")
"""Codes that, when nothing else comes back, say that the platform as a whole is down (PRODUCT 10)."""
_LISTING_WORTH = 20
"""From this many waiting contracts on, the month's listing costs less than a descriptor for each."""
_HEALTH_FIRST, _HEALTH_MOST = 1.0, 60.0
_SWEEP_EVERY = timedelta(minutes=10)
_POLL, _LEAST_POLL = 0.5, 0.02


class Evaluator(Protocol):
    """The snapshot's share of the rules, set by set; the read model gives it."""

    def evaluate(self, snapshot: int, competence: Competence, contracts: list[str]) -> Evaluation:
        """First failing rule and charged service of each of ``contracts``."""
        ...


@dataclass(frozen=True)
class WorkerPolicy:
    """How much a worker takes at once and how long things may last, in seconds."""

    owner: str
    host: str
    pid: int
    contracts: int = 200
    chunks: int = 2
    patience: float = 2.0
    file_timeout: float = 60.0
    lease: float = 10.0
    heartbeat: float = 3.0
    storage_pause: float = 5.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)


class Worker:
    """One worker process. ``run`` works until it is told to stop, or until nothing is left to do."""

    def __init__(
        self,
        *,
        ledger: WorkLedger,
        snapshots: SnapshotLedger,
        store: SnapshotStore,
        evaluator: Evaluator,
        gateway: Callable[[], SummitGateway],
        executor: Executor,
        process_chunk: Callable[[ChunkSpec], ChunkResult],
        sweep: Callable[[], int],
        compact: Callable[[Callable[[], bool]], list[Compacted]],
        policy: WorkerPolicy,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._snapshots = snapshots
        self._store = store
        self._evaluator = evaluator
        self._gateway = gateway
        self._executor = executor
        self._process_chunk = process_chunk
        self._sweep = sweep
        self._compact = compact
        self._policy = policy
        self._clock = clock
        self._next_sweep = self._next_compaction = datetime.min.replace(tzinfo=UTC)
        self._running: dict[Future[ChunkResult], Claim] = {}
        self._listings: dict[int, Mapping[str, Descriptor]] = {}
        self._stop = threading.Event()
        self._health_wait = _HEALTH_FIRST
        self._next_health = datetime.min.replace(tzinfo=UTC)

    def stop(self) -> None:
        """Take nothing new, hand back what runs, and return from ``run`` soon. Safe from a signal handler."""
        self._stop.set()

    def run(self, *, until_idle: bool = False, batch: int | None = None) -> None:
        """Work on every batch, or on ``batch`` only.

        Args:
            until_idle: return when nothing waits, runs or is to be tried again, or when all that does is paused.
            batch: the only batch to work on.

        Raises:
            StorageError: the disk is full or the ledger away, and ``until_idle``; else the worker waits for them.
        """
        beat = threading.Thread(target=self._keep_alive, name="heartbeat", daemon=True)
        self._heartbeat()
        beat.start()
        try:
            while not self._stop.is_set():
                try:
                    if self._turn(batch):
                        continue
                    if until_idle and self._is_idle(batch):
                        return
                    self._stop.wait(self._pause(batch))
                except StorageError as error:
                    if until_idle:
                        raise
                    self._outlive(error)
        finally:
            self._stop.set()
            beat.join()
            for future in self._running:
                future.cancel()
            self._ledger.leave(self._policy.owner, now=self._clock())

    def _turn(self, batch: int | None) -> bool:
        """Take and settle what there is; when that is nothing, tidy up. Tells whether there is more to do at once."""
        self._look_at_platform()
        took = self._take(batch)
        settled = self._settle_finished(block=not took)
        if took or settled or self._running:
            return True
        self._tidy()
        if batch is None:
            self._compact_due()
        return False

    def _outlive(self, error: StorageError) -> None:
        """Hand everything back and go on once the disk, or the ledger's server, lets us: nothing of it was written."""
        log.error("storage_failed", code=error.code, **error.facts)
        for future in self._running:
            future.cancel()
        self._running.clear()
        while not self._stop.wait(self._policy.storage_pause):
            try:
                self._ledger.leave(self._policy.owner, now=self._clock())
                self._heartbeat()
            except StorageError:
                continue
            return

    # --- Taking work

    def _take(self, batch: int | None) -> bool:
        took = False
        # Looking is free; a claim takes the write lock, which an idle worker must not hold up others for.
        while len(self._running) < self._policy.chunks and self._is_due(batch):
            claim = self._claim(batch)
            if claim is None:
                break
            took = True
            self._running[self._executor.submit(self._process_chunk, self._spec(claim))] = claim
        return took

    def _claim(self, batch: int | None) -> Claim | None:
        for slow in (False, True):
            claim = self._ledger.claim(
                self._policy.owner, now=self._clock(), limit=self._policy.contracts, batch=batch, slow=slow
            )
            if claim:
                return replace(claim, slow=slow)
        return None

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
            patience=self._policy.file_timeout if claim.slow else self._policy.patience,
        )

    def _listing(self, claim: Claim) -> Mapping[str, Descriptor]:
        """The month's listing, asked for once per batch; empty where asking contract by contract is cheaper."""
        if claim.batch in self._listings:
            return self._listings[claim.batch]
        if claim.waiting + len(claim.items) < _LISTING_WORTH:
            return {}
        try:
            listing = asyncio.run(self._month(claim.competence))
        except PlatformError as error:
            log.warning("listing_failed", batch=claim.batch, code=error.code)
            return {}
        self._listings = {claim.batch: listing}
        return listing

    async def _month(self, competence: Competence) -> Mapping[str, Descriptor]:
        async with self._gateway() as gateway:
            return await gateway.month(competence)

    # --- Settling

    def _settle_finished(self, *, block: bool) -> bool:
        if not self._running:
            return False
        full = block or len(self._running) >= self._policy.chunks
        done, _ = wait(self._running, timeout=_POLL if full else 0, return_when=FIRST_COMPLETED)
        for future in done:
            self._settle(self._running.pop(future), future.result())
        return bool(done)

    def _settle(self, claim: Claim, result: ChunkResult) -> None:
        down = _platform_down(result)
        if down and not self._is_healthy():
            # Nothing is spent: the items go back untouched and the batch waits for the platform (PRODUCT 10).
            self._ledger.pause(claim.batch, down, now=self._clock())
            self._ledger.release(self._policy.owner, [item.item for item in claim.items], now=self._clock())
            log.warning("batch_paused", batch=claim.batch, code=down)
            return
        counts = self._commit(claim, result)
        log.info("chunk_settled", batch=claim.batch, **counts)
        if any(isinstance(one.outcome, Failed) and one.outcome.code == "SUM-401" for one in result.results):
            self._ledger.pause(claim.batch, "SUM-401", now=self._clock())
            log.warning("batch_paused", batch=claim.batch, code="SUM-401")

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
                    jitter=random.random,
                )
            except StaleSnapshotError:
                log.info("snapshot_changed", batch=claim.batch)

    # --- The platform as a whole

    def _is_healthy(self) -> bool:
        return asyncio.run(self._health())

    async def _health(self) -> bool:
        now = self._clock()
        try:
            async with self._gateway() as gateway:
                health = await gateway.health()
        except PlatformError as error:
            self._health_wait = min(_HEALTH_MOST, self._health_wait * 2)
            self._next_health = now + timedelta(seconds=self._health_wait)
            self._ledger.set_platform(PlatformState(False, error.code, now, None, now, self._next_health))
            return False
        self._health_wait = _HEALTH_FIRST
        self._next_health = now + timedelta(seconds=_HEALTH_MOST)
        self._ledger.set_platform(PlatformState(True, None, now, round(health.latency_ms), now, self._next_health))
        return True

    def _look_at_platform(self) -> None:
        if self._clock() >= self._next_health and self._is_healthy():
            for batch in self._ledger.resume(PLATFORM_DOWN, now=self._clock()):
                log.info("batch_resumed", batch=batch)

    def _tidy(self) -> None:
        """Sweep orphans now and then, while nothing of our own is under way."""
        now = self._clock()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_EVERY
            if swept := self._sweep():
                log.info("orphans_swept", files=swept)

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
            except StfcError as error:
                log.error("heartbeat_failed", code=error.code)

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
        return self._ledger.next_due(batch=batch) is None and not self._ledger.is_running(batch=batch)

    def _is_due(self, batch: int | None) -> bool:
        due = self._ledger.next_due(batch=batch)
        return due is not None and due <= self._clock()

    def _pause(self, batch: int | None) -> float:
        due = self._ledger.next_due(batch=batch)
        if due is None:
            return _POLL
        return min(_POLL, max(_LEAST_POLL, (due - self._clock()).total_seconds()))


def _platform_down(result: ChunkResult) -> str | None:
    """The code with which every item of the chunk failed for want of a platform; None as soon as one did not."""
    codes = {one.outcome.code if isinstance(one.outcome, Failed) else "" for one in result.results}
    return min(codes, key=PLATFORM_DOWN.index) if codes and codes <= set(PLATFORM_DOWN) else None
