"""The worker on a scripted queue: pausing, resuming, judging again (PRODUCT 10; ARCHITECTURE, worker)."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from typing import Any

import pytest

from stfc.domain.outcome import Failed, Outcome
from stfc.errors import ConnectionBrokenError, StaleSnapshotError, StorageError
from stfc.services.ports import (
    ChunkResult,
    ChunkSpec,
    Claim,
    ClaimedItem,
    ItemResult,
    LiveCalls,
    PlatformState,
)
from stfc.services.worker import Worker, WorkerPolicy
from tests.fakes import NOW, OCTOBER, FakeGateway, FakeReadModel, FakeSnapshots

DOWN = Failed("SUM-NET", {"cause": "x"}, True)


class AtOnce(Executor):
    """Runs what is submitted before it answers."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except StorageError as error:
            future.set_exception(error)
        return future


class FakeQueue:
    """A queue with one batch of ``items`` contracts; ``stale`` settlements find another import first."""

    def __init__(self, items: int = 2, *, stale: int = 0) -> None:
        self.waiting, self.stale = [str(n + 1) for n in range(items)], stale
        self.held: list[str] = []
        self.settled: list[tuple[int, list[Outcome]]] = []
        self.paused: str | None = None
        self.acts: list[str] = []

    def heartbeat(self, owner: str, **_: object) -> None:
        self.acts.append("heartbeat")

    def leave(self, owner: str, **_: object) -> None:
        self.acts.append("leave")
        self.waiting, self.held = self.held + self.waiting, []

    def claim(self, owner: str, *, slow: bool, limit: int, **_: object) -> Claim | None:
        if slow or self.paused or not self.waiting:
            return None
        self.held, self.waiting = self.waiting[:limit], self.waiting[limit:]
        items = tuple(ClaimedItem(int(c), int(c) * 10, c, 0) for c in self.held)
        return Claim(1, OCTOBER, 1, items, len(self.waiting), LiveCalls(1, (), frozenset()))

    def release(self, owner: str, items: Sequence[int], **_: object) -> None:
        self.acts.append("release")
        self.waiting, self.held = self.held + self.waiting, []

    def settle(
        self, owner: str, competence: object, result: ChunkResult, evaluation: Any, **_: object
    ) -> dict[str, int]:
        if self.stale:
            self.stale -= 1
            raise StaleSnapshotError(evaluated=1, current=2)
        self.settled.append((evaluation.snapshot, [one.outcome for one in result.results]))
        self.held = []
        return {}

    def pause(self, batch: int, code: str, **_: object) -> None:
        self.acts.append(f"pause {code}")
        self.paused = code

    def resume(self, codes: Sequence[str], **_: object) -> list[int]:
        if self.paused not in codes:
            return []
        self.acts.append("resume")
        self.paused = None
        return [1]

    def next_due(self, **_: object) -> datetime | None:
        return NOW if self.waiting and not self.paused else None

    def is_running(self, **_: object) -> bool:
        return bool(self.held)

    def set_platform(self, state: PlatformState) -> None:
        self.acts.append("up" if state.up else "down")


FULL = StorageError(place="/calls", cause="No space left on device")


def _worker(
    queue: FakeQueue, gateway: FakeGateway, outcomes: Sequence[Outcome | StorageError], clock: Any = None
) -> Worker:
    script = list(outcomes)

    def process(spec: ChunkSpec) -> ChunkResult:
        outcome = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(outcome, StorageError):
            raise outcome
        if outcome is DOWN:
            gateway.down = ConnectionBrokenError(cause="x")
        return ChunkResult(tuple(ItemResult(i.item, i.claim, i.contract, outcome, ()) for i in spec.items), None)

    snapshots = FakeSnapshots()
    return Worker(
        ledger=queue,  # type: ignore[arg-type]
        snapshots=snapshots,  # type: ignore[arg-type]
        store=snapshots,  # type: ignore[arg-type]
        evaluator=FakeReadModel(),  # type: ignore[arg-type]
        gateway=lambda: gateway,
        executor=AtOnce(),
        process_chunk=process,
        sweep=lambda: 0,
        compact=lambda keep_going: [],
        policy=WorkerPolicy("w1", "host", 1, chunks=1, storage_pause=0),
        clock=clock or (lambda: NOW),
    )


FINAL = Failed("SUM-SUB", {"contract": "1"})


def test_until_idle_settles_everything_and_says_goodbye() -> None:
    queue = FakeQueue(3)
    _worker(queue, FakeGateway(), [FINAL]).run(until_idle=True)
    assert queue.settled == [(1, [FINAL] * 3)]
    assert queue.acts[0] == "heartbeat"
    assert queue.acts[-1] == "leave"


def test_a_platform_that_is_down_pauses_the_batch_and_spends_nothing() -> None:
    queue = FakeQueue()
    _worker(queue, FakeGateway(), [DOWN]).run(until_idle=True)
    assert queue.settled == []
    assert (queue.paused, queue.waiting) == ("SUM-NET", ["1", "2"])
    assert [act for act in queue.acts if act in ("pause SUM-NET", "release", "resume")] == ["pause SUM-NET", "release"]


def test_a_platform_that_answers_health_is_not_down_and_the_tries_count() -> None:
    queue = FakeQueue()
    failed = Failed("SUM-NET", {"cause": "x"}, True)
    _worker(queue, FakeGateway(), [failed]).run(until_idle=True)
    assert queue.settled == [(1, [failed] * 2)]
    assert queue.paused is None


def test_a_paused_batch_goes_on_by_itself_when_the_platform_answers() -> None:
    queue, gateway, ticks = FakeQueue(), FakeGateway(), [NOW]

    def clock() -> datetime:
        # Each look at the clock is two seconds later; the platform is back once the batch has been paused.
        ticks[0] += timedelta(seconds=2)
        if queue.paused:
            gateway.down = None
        return ticks[0]

    worker = _worker(queue, gateway, [DOWN, FINAL], clock)
    _stop_after_settling(worker, queue)
    worker.run()
    assert queue.settled == [(1, [FINAL] * 2)]
    assert "resume" in queue.acts


def _stop_after_settling(worker: Worker, queue: FakeQueue) -> None:
    settle = queue.settle

    def settle_and_stop(*args: Any, **facts: Any) -> dict[str, int]:
        worker.stop()
        return settle(*args, **facts)

    queue.settle = settle_and_stop  # type: ignore[method-assign]


def test_a_worker_outlives_a_full_disk_and_hands_back_what_it_held() -> None:
    queue = FakeQueue()
    worker = _worker(queue, FakeGateway(), [FULL, FULL, FINAL])
    _stop_after_settling(worker, queue)
    worker.run()
    assert queue.settled == [(1, [FINAL] * 2)]
    assert queue.acts.count("leave") == 3
    assert queue.acts.count("heartbeat") >= 3


def test_who_waits_for_the_end_hears_of_a_full_disk() -> None:
    queue = FakeQueue()
    with pytest.raises(StorageError):
        _worker(queue, FakeGateway(), [FULL]).run(until_idle=True)
    assert queue.waiting == ["1", "2"]


def test_refused_credentials_pause_the_batch() -> None:
    queue = FakeQueue()
    _worker(queue, FakeGateway(), [Failed("SUM-401", {"status": 401})]).run(until_idle=True)
    assert queue.paused == "SUM-401"


def test_an_import_that_comes_between_makes_it_judge_again() -> None:
    queue = FakeQueue(stale=2)
    _worker(queue, FakeGateway(), [FINAL]).run(until_idle=True)
    assert (queue.stale, len(queue.settled)) == (0, 1)
