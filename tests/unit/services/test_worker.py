"""The worker on a scripted queue: pausing, resuming, judging again (PRODUCT 10; ARCHITECTURE, worker)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from typing import Any

import pytest

from stfc.domain.billing_file import Descriptor
from stfc.domain.outcome import Failed, Outcome, Postponed, Unfinished
from stfc.errors import ConnectionBrokenError, StaleSnapshotError, StfcError, StorageError, ThrottledError
from stfc.services.ports import (
    ChunkResult,
    ChunkSpec,
    Claim,
    ClaimedItem,
    ItemResult,
    LateFiles,
    LiveCalls,
    PlatformState,
)
from stfc.services.worker import Worker, WorkerPolicy
from tests.fakes import NOW, OCTOBER, FakeGateway, FakeReadModel, FakeSnapshots, a_descriptor

DOWN = Failed("SUM-NET", {"cause": "x"}, True)


Script = Outcome | Exception | Callable[[ChunkSpec], Outcome]


class AtOnce(Executor):
    """Runs what is submitted before it answers."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class FakeQueue:
    """A queue with one batch of ``items`` contracts; ``stale`` settlements find another import first.

    ``away`` is how many acts fail before the ledger is there again.
    """

    def __init__(self, items: int = 2, *, stale: int = 0, away: int = 0) -> None:
        self.waiting, self.stale, self.away = [str(n + 1) for n in range(items)], stale, away
        self.slow: list[str] = []
        self.held: list[str] = []
        self.settled: list[tuple[int, list[Outcome]]] = []
        self.paused: str | None = None
        self.acts: list[str] = []
        self.not_before: datetime | None = None
        self.late: list[str] = []
        self.noted: list[list[str]] = []

    def _try(self) -> None:
        if self.away:
            self.away -= 1
            raise StorageError(place="ledger", cause="busy")

    def heartbeat(self, owner: str, **_: object) -> None:
        self.acts.append("heartbeat")

    def leave(self, owner: str, **_: object) -> None:
        self.acts.append("leave")

    def claim(self, owner: str, *, slow: bool, limit: int, **_: object) -> Claim | None:
        lane = self.slow if slow else self.waiting
        if self.paused or not lane:
            return None
        taken = lane[:limit]
        del lane[:limit]
        self.held += taken
        self.acts.append(f"claim {len(taken)}{' slow' if slow else ''}")
        items = tuple(ClaimedItem(int(c), int(c) * 10, c, 0) for c in taken)
        return Claim(1, OCTOBER, 1, items, len(self.waiting), LiveCalls(1, (), frozenset()))

    def release(self, owner: str, items: Sequence[int], *, event: str, **_: object) -> None:
        self.acts.append(event)
        back = [str(item) for item in items]
        self.waiting, self.held = back + self.waiting, [c for c in self.held if c not in back]

    def settle(
        self, owner: str, competence: object, result: ChunkResult, evaluation: Any, **_: object
    ) -> dict[str, int]:
        self._try()
        if self.stale:
            self.stale -= 1
            raise StaleSnapshotError(evaluated=1, current=2)
        self.settled.append((evaluation.snapshot, [one.outcome for one in result.results]))
        self.held = [c for c in self.held if c not in {one.contract for one in result.results}]
        self.waiting += [one.contract for one in result.results if isinstance(one.outcome, Postponed)]
        return {}

    def pause(self, batch: int | None, code: str, **_: object) -> None:
        assert batch is None, "what one batch met, all would"
        self.acts.append(f"pause {code}")
        self.paused = code

    def resume(self, codes: Sequence[str], **_: object) -> list[int]:
        if self.paused not in codes:
            return []
        self.acts.append("resume")
        self.paused = None
        return [1]

    def next_due(self, **_: object) -> datetime | None:
        return NOW if (self.waiting or self.slow) and not self.paused else None

    def is_running(self, **_: object) -> bool:
        return bool(self.held)

    def platform(self) -> PlatformState | None:
        return PlatformState(True, None, NOW, None, NOW, None, self.not_before)

    def set_platform(self, state: PlatformState) -> None:
        self.acts.append("up" if state.up else "down")

    def throttle(self, until: datetime, **_: object) -> None:
        self.not_before = until

    def is_look_due(self, **_: object) -> bool:
        return bool(self.late)

    def take_looks(self, *, wait: Callable[[int], float], **_: object) -> list[LateFiles]:
        self.acts.append(f"look again in {wait(0):.0f} and {wait(1):.0f} and {wait(99):.0f}")
        taken, self.late = tuple(self.late), []
        return [LateFiles(1, OCTOBER, taken)]

    def note(self, competence: object, listing: Mapping[str, Descriptor], **_: object) -> int:
        self.noted.append(sorted(listing))
        return 0

    def arrived(self, batch: int, contracts: Sequence[str], **_: object) -> int:
        self.waiting += contracts
        return len(contracts)


class Ticking:
    """A clock that goes on by ``step`` seconds at each look."""

    def __init__(self, step: float = 2.0) -> None:
        self.now, self.step = NOW, timedelta(seconds=step)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


def _worker(
    queue: FakeQueue,
    gateway: FakeGateway,
    outcomes: Sequence[Script],
    clock: Any = None,
    *,
    writable: Sequence[bool] = (True,),
    rest: float = 0.0,
    contracts: int = 200,
) -> Worker:
    script, probes = list(outcomes), list(writable)

    def process(spec: ChunkSpec) -> ChunkResult:
        step = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(step, Exception):
            raise step
        if step is DOWN:
            gateway.down = ConnectionBrokenError(cause="x")
        results = [
            ItemResult(i.item, i.claim, i.contract, step(spec) if callable(step) else step, ()) for i in spec.items
        ]
        until = worker._clock() + timedelta(seconds=rest) if rest else None
        return ChunkResult(tuple(results), None, until)

    def ask(work: Any) -> Future[Any]:
        return AtOnce().submit(lambda: asyncio.run(work(gateway)))

    snapshots = FakeSnapshots()
    worker = Worker(
        ledger=queue,  # type: ignore[arg-type]
        late_files=queue,
        corrections=queue,  # type: ignore[arg-type]
        snapshots=snapshots,  # type: ignore[arg-type]
        store=snapshots,  # type: ignore[arg-type]
        evaluator=FakeReadModel(),  # type: ignore[arg-type]
        ask=ask,
        executor=AtOnce(),
        process_chunk=process,
        abandon=lambda: queue.acts.append("abandon"),
        is_writable=lambda: probes.pop(0) if len(probes) > 1 else probes[0],
        sweep=lambda: 0,
        compact=lambda keep_going: [],
        policy=WorkerPolicy("w1", "host", 1, chunks=1, contracts=contracts),
        clock=clock or (lambda: NOW),
        jitter=lambda: 0.5,
        nap=lambda stop, seconds: None,
    )
    return worker


FINAL = Failed("SUM-SUB", {"contract": "1"})


def test_until_idle_settles_everything_and_says_goodbye() -> None:
    queue = FakeQueue(3)
    _worker(queue, FakeGateway(), [FINAL]).run(until_idle=True)
    assert queue.settled == [(1, [FINAL] * 3)]
    assert queue.acts[0] == "heartbeat"
    assert queue.acts[-2:] == ["leave", "abandon"]


def test_a_platform_that_is_down_pauses_the_batch_and_spends_nothing() -> None:
    queue = FakeQueue()
    _worker(queue, FakeGateway(), [DOWN]).run(until_idle=True)
    assert queue.settled == []
    assert (queue.paused, queue.waiting) == ("SUM-NET", ["1", "2"])
    assert [act for act in queue.acts if act in ("pause SUM-NET", "released", "resume")] == [
        "pause SUM-NET",
        "released",
    ]


def test_a_file_that_did_not_come_in_time_does_not_hide_that_the_platform_is_down() -> None:
    queue, gateway = FakeQueue(), FakeGateway()
    said = iter([Unfinished(), DOWN, DOWN])

    def mixed(spec: ChunkSpec) -> Outcome:
        gateway.down = ConnectionBrokenError(cause="x")
        return next(said)

    _worker(queue, gateway, [mixed]).run(until_idle=True)
    assert (queue.paused, queue.settled, queue.waiting) == ("SUM-NET", [], ["1", "2"])


def test_a_platform_that_answers_health_is_not_down_and_the_tries_count() -> None:
    queue = FakeQueue()
    failed = Failed("SUM-NET", {"cause": "x"}, True)
    _worker(queue, FakeGateway(), [failed]).run(until_idle=True)
    assert queue.settled == [(1, [failed] * 2)]
    assert queue.paused is None


def _stop_at(queue: FakeQueue, worker: Worker, settlements: int) -> None:
    settle = queue.settle

    def settle_and_stop(*args: Any, **facts: Any) -> dict[str, int]:
        done = settle(*args, **facts)
        if len(queue.settled) == settlements:
            worker.stop()
        return done

    queue.settle = settle_and_stop  # type: ignore[method-assign]


def test_a_paused_batch_goes_on_by_itself_when_the_platform_answers() -> None:
    queue, gateway, ticking = FakeQueue(), FakeGateway(), Ticking()

    def clock() -> datetime:
        # The platform is back once the batch has been paused.
        if queue.paused:
            gateway.down = None
        return ticking()

    worker = _worker(queue, gateway, [DOWN, FINAL], clock)
    _stop_at(queue, worker, 1)
    worker.run()
    assert queue.settled == [(1, [FINAL] * 2)]
    assert "resume" in queue.acts


def test_refused_credentials_pause_the_batch() -> None:
    queue = FakeQueue()
    _worker(queue, FakeGateway(), [Failed("SUM-401", {"status": 401})]).run(until_idle=True)
    assert queue.paused == "SUM-401"


def test_an_import_that_comes_between_makes_it_judge_again() -> None:
    queue = FakeQueue(stale=2)
    _worker(queue, FakeGateway(), [FINAL]).run(until_idle=True)
    assert (queue.stale, len(queue.settled)) == (0, 1)


def test_health_does_not_lift_refused_credentials() -> None:
    queue = FakeQueue()
    _worker(queue, FakeGateway(), [Failed("SUM-401", {"status": 401})], Ticking(40)).run(until_idle=True)
    assert queue.acts.count("up") > 1
    assert (queue.paused, queue.acts.count("resume")) == ("SUM-401", 0)


# --- The platform wants a rest

LATER = Failed("SUM-429", {"retry_after": 1.0}, True, 1.0)


def test_a_throttled_chunk_spends_tries_only_when_the_platform_answers_others() -> None:
    queue = FakeQueue()
    _worker(queue, FakeGateway(), [LATER, FINAL]).run(until_idle=True)
    assert queue.settled[0] == (1, [LATER] * 2)


def test_a_platform_that_throttles_health_too_spends_no_try_and_pauses_in_the_end() -> None:
    queue, gateway = FakeQueue(), FakeGateway()

    def too_much(spec: ChunkSpec) -> Outcome:
        gateway.down = ThrottledError(retry_after=2.0)
        return LATER

    _worker(queue, gateway, [too_much], Ticking(1)).run(until_idle=True)
    assert {type(outcome) for _, outcomes in queue.settled for outcome in outcomes} <= {Postponed}
    assert queue.not_before is not None
    assert queue.paused == "SUM-429"


def test_nothing_is_claimed_before_the_platform_wants_to_hear_again() -> None:
    queue, ticking = FakeQueue(), Ticking(1)
    queue.not_before = NOW + timedelta(seconds=30)
    worker = _worker(queue, FakeGateway(), [FINAL], ticking)
    claim, claimed_at = queue.claim, []

    def noted(*args: Any, **facts: Any) -> Claim | None:
        claimed_at.append(ticking.now)
        return claim(*args, **facts)

    queue.claim = noted  # type: ignore[method-assign]
    worker.run(until_idle=True)
    assert min(claimed_at) >= queue.not_before


def test_a_long_rest_pauses_and_ends_by_itself() -> None:
    queue, ticking = FakeQueue(), Ticking(10)
    worker = _worker(queue, FakeGateway(), [Postponed("SUM-429", 600.0), FINAL], ticking, rest=600.0)
    _stop_at(queue, worker, 1)
    worker.run()
    pausing = [act for act in queue.acts if act in ("pause SUM-429", "released_throttled", "resume")]
    assert pausing == ["pause SUM-429", "released_throttled", "resume"]
    assert queue.settled == [(1, [FINAL] * 2)]


def test_a_long_rest_ends_a_run_that_waits_for_its_end() -> None:
    queue = FakeQueue()
    _worker(queue, FakeGateway(), [Postponed("SUM-429", 600.0)], rest=600.0).run(until_idle=True)
    assert (queue.paused, queue.settled) == ("SUM-429", [])


# --- Chunks that raise


def test_a_disk_that_refuses_pauses_everything_and_spends_nothing() -> None:
    queue = FakeQueue()
    full = StorageError(place="calls", cause="No space left on device")
    _worker(queue, FakeGateway(), [full], writable=[True, False]).run(until_idle=True)
    assert (queue.paused, queue.waiting, queue.settled) == ("ARM-ESC", ["1", "2"], [])
    assert "released_storage" in queue.acts


def test_work_goes_on_by_itself_when_the_disk_can_be_written_again() -> None:
    queue = FakeQueue()
    full = StorageError(place="calls", cause="No space left on device")
    worker = _worker(queue, FakeGateway(), [full, full, FINAL], Ticking(), writable=[True, False, False, True])
    _stop_at(queue, worker, 1)
    worker.run()
    assert queue.settled == [(1, [FINAL] * 2)]
    assert queue.acts.count("resume") == 2


def test_a_contract_that_breaks_the_chunk_fails_alone() -> None:
    def broken(spec: ChunkSpec) -> Outcome:
        if "3" in [item.contract for item in spec.items]:
            raise ZeroDivisionError
        return FINAL

    queue = FakeQueue(7)
    _worker(queue, FakeGateway(), [broken]).run(until_idle=True)
    defect = Failed("STF-000", {"cause": "ZeroDivisionError"}, is_transient=True)
    assert sorted((outcome for _, outcomes in queue.settled for outcome in outcomes), key=str) == [defect, *[FINAL] * 6]
    assert queue.held == []


def test_an_error_of_ours_that_has_a_code_keeps_it() -> None:
    queue = FakeQueue(1)
    _worker(queue, FakeGateway(), [StfcError()]).run(until_idle=True)
    assert queue.settled == [(1, [Failed("STF-000", {"cause": "StfcError"}, is_transient=True)])]


def test_a_ledger_that_is_away_for_a_while_loses_nothing() -> None:
    queue = FakeQueue(away=2)
    _worker(queue, FakeGateway(), [FINAL]).run(until_idle=True)
    assert queue.settled == [(1, [FINAL] * 2)]
    assert queue.acts.count("claim 2") == 1


def test_a_run_that_waits_for_its_end_gives_up_on_a_ledger_that_stays_away() -> None:
    queue = FakeQueue(away=99)
    with pytest.raises(StorageError):
        _worker(queue, FakeGateway(), [FINAL]).run(until_idle=True)
    assert queue.acts[-2:] == ["leave", "abandon"]


# --- Slow files


def test_slow_items_are_taken_beside_the_others_and_few_at_a_time() -> None:
    queue = FakeQueue(2)

    def first_slow(spec: ChunkSpec) -> Outcome:
        if not spec.slow:
            queue.slow += [item.contract for item in spec.items if item.contract not in queue.slow]
            return Unfinished()
        return FINAL

    _worker(queue, FakeGateway(), [first_slow], contracts=10).run(until_idle=True)
    assert [act for act in queue.acts if act.startswith("claim")] == ["claim 2", "claim 1 slow", "claim 1 slow"]


# --- Late files


def test_what_the_listing_has_by_now_goes_back_to_the_queue_with_one_request() -> None:
    gateway = FakeGateway(descriptors={"1": a_descriptor("1"), "2": a_descriptor("2", available=False)})
    queue = FakeQueue(0)
    queue.late = ["1", "2", "3"]
    _worker(queue, gateway, [FINAL]).run(until_idle=True)
    assert queue.settled == [(1, [FINAL])]
    assert gateway.asked.count("month") == 1
    assert not [asked for asked in gateway.asked if asked.startswith("descriptor")]
    assert "look again in 60 and 120 and 900" in queue.acts
    assert queue.noted == [["1", "2"]], "what the same listing shows to be corrected is remembered"


def test_a_listing_that_fails_is_looked_at_another_time() -> None:
    gateway, queue = FakeGateway(down=ConnectionBrokenError(cause="x")), FakeQueue(0)
    queue.late = ["1"]
    _worker(queue, gateway, [FINAL]).run(until_idle=True)
    assert queue.settled == []


def test_a_month_is_listed_once_for_a_large_batch() -> None:
    queue, gateway = FakeQueue(30), FakeGateway()
    _worker(queue, gateway, [FINAL], contracts=10).run(until_idle=True)
    assert (gateway.asked.count("month"), len(queue.settled)) == (1, 3)


def test_a_listing_that_fails_is_not_asked_for_again_by_every_chunk() -> None:
    queue, gateway = FakeQueue(40), FakeGateway(down=ConnectionBrokenError(cause="x"))
    _worker(queue, gateway, [FINAL], contracts=10).run(until_idle=True)
    assert (gateway.asked.count("month"), len(queue.settled)) == (1, 4)
