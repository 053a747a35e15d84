"""A chunk: fetch, verify, parse, deduplicate, classify, write the part (ARCHITECTURE, worker).

It touches no ledger; the ledger's transaction afterwards makes a chunk done twice harmless.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stfc.domain.billing_file import Descriptor
from stfc.domain.outcome import Failed, NotAvailable, Outcome, Postponed, Unfinished
from stfc.errors import (
    BillingFileError,
    CredentialsRefusedError,
    FileNotAvailableError,
    PlatformError,
    ThrottledError,
)
from stfc.services.ports import (
    Arrived,
    CallAssessor,
    CallStore,
    ChunkResult,
    ChunkSpec,
    ClaimedItem,
    Clock,
    ItemResult,
    LogLine,
    SummitGateway,
)

_LEAST_PATIENCE = 0.2
_TIMES_USUAL = 2
_DEVIATIONS = 4
"""A file may take so many mean deviations more than files lately take before it has to wait for its second try, as TCP
allows an acknowledgement (RFC 6298), and always some times the usual: a steady platform is given up soon, one of moods
late."""
_WEIGHT = 1 / 16
_SLOW_SHARE = 8
_REST_IN_PLACE = 5.0
"""Seconds that a chunk waits for a platform that wants a rest; for longer ones its items go back to the queue."""
_TURNS = 3
"""How often a file is asked for in one chunk when the platform answers that it is too much."""


@dataclass
class Fetched:
    """What fetching one item came to: a file, or an outcome that needs none."""

    log: list[LogLine] = field(default_factory=list)
    arrived: Arrived | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Haul:
    """What fetching a chunk came to, by item, and until when the platform wants no request (None: it may be asked)."""

    items: Mapping[int, Fetched]
    not_before: datetime | None = None


class Lane:
    """What the chunks of a process share on their way to the platform: its gateway, the places, and how long files
    lately take. Of one event loop.

    A stalled file holds its place only while it takes little more than files lately take; what has been slow before
    gets more time and few places, so that it never holds up the others.
    """

    def __init__(self, gateway: SummitGateway, *, places: int, patience: float) -> None:
        """``places`` is how many files may be under way at a time, ``patience`` the first guess of how long one may
        take, in seconds."""
        self.gateway = gateway
        self._places = asyncio.Semaphore(places)
        self._slow_places = asyncio.Semaphore(max(1, places // _SLOW_SHARE))
        self._least = min(_LEAST_PATIENCE, patience)
        self._usual = patience / (1 + _DEVIATIONS / 2)
        self._deviation = self._usual / 2

    def patience(self, item: ClaimedItem) -> float:
        """Seconds that the item's file may take this time."""
        usual = max(self._least, self._usual * _TIMES_USUAL, self._usual + self._deviation * _DEVIATIONS)
        return usual if not item.unfinished else usual * 2 * 4 ** (item.unfinished - 1)

    @asynccontextmanager
    async def place(self, *, slow: bool) -> AsyncIterator[None]:
        """Room for a request, once it is its turn."""
        async with self._slow_places if slow else nullcontext(), self._places:
            yield

    def took(self, seconds: float) -> None:
        """Learn from a file that arrived, or that was given up after so many seconds."""
        error = seconds - self._usual
        self._deviation += (abs(error) - self._deviation) * _WEIGHT
        self._usual += error * _WEIGHT


async def fetch(spec: ChunkSpec, lane: Lane, clock: Clock) -> Haul:
    """What became of the file of every item.

    A file that is not there within the lane's patience, counted from its request, is handed back as ``Unfinished``;
    what the platform wants to hear of later, as ``Postponed``.
    """
    fetching = _Fetching(spec, lane, clock)
    async with asyncio.TaskGroup() as group:
        for item in spec.items:
            group.create_task(fetching.fetch(item))
    rest = lane.gateway.resting()
    return Haul(fetching.fetched, clock() + timedelta(seconds=rest) if rest else None)


def finish(spec: ChunkSpec, haul: Haul, assessor: CallAssessor, store: CallStore) -> ChunkResult:
    """Outcomes for every item of the chunk, and the part with the calls of those that may be charged.

    Raises:
        StorageError: the part cannot be written, or what the chunk needs cannot be read; nothing of it counts then.
    """
    assessment = assessor.assess(spec, {item: one.arrived for item, one in haul.items.items() if one.arrived})
    part = store.write(spec.competence, assessment.calls) if assessment.calls.num_rows else None
    results = []
    for item in spec.items:
        one = haul.items[item.item]
        outcome = one.outcome or assessment.outcomes[item.item]
        log = (*one.log, *assessment.log.get(item.item, ()))
        plans = assessment.plans.get(item.item, frozenset())
        period = assessment.periods.get(item.item)
        results.append(ItemResult(item.item, item.claim, item.contract, outcome, log, plans, period))
    return ChunkResult(tuple(results), part, haul.not_before)


class _Fetching:
    """Fetches the files of one chunk."""

    def __init__(self, spec: ChunkSpec, lane: Lane, clock: Clock) -> None:
        self.fetched = {item.item: Fetched() for item in spec.items}
        self._spec = spec
        self._lane = lane
        self._clock = clock
        self._refused: Failed | None = None

    async def fetch(self, item: ClaimedItem) -> None:
        """Fetch one item's file; ask again when the platform wants a short rest first."""
        one = self.fetched[item.item]
        for _ in range(_TURNS):
            async with self._lane.place(slow=self._spec.slow):
                one.outcome = await self._come_to_turn() or await self._in_time(item, one)
            if not (isinstance(one.outcome, Failed) and one.outcome.code == ThrottledError.code):
                return

    async def _come_to_turn(self) -> Outcome | None:
        """Wait until the platform may be asked; the outcome of an item that it should not be asked for now."""
        if self._refused:
            # It has refused our token: asking on for the others would only be noise at its door.
            return self._refused
        while (seconds := self._lane.gateway.resting()) > 0:
            if seconds > _REST_IN_PLACE:
                return Postponed(ThrottledError.code, seconds)
            await asyncio.sleep(seconds)
        return None

    async def _in_time(self, item: ClaimedItem, one: Fetched) -> Outcome | None:
        patience, started = self._lane.patience(item), time.perf_counter()
        try:
            async with asyncio.timeout(patience):
                outcome = await self._answered(item, one)
        except TimeoutError:
            self._log(one, "download", "unfinished", {"seconds": round(patience, 1)}, level="warning")
            outcome = Unfinished()
        if one.arrived or isinstance(outcome, Unfinished):
            self._lane.took(time.perf_counter() - started)
        return outcome

    async def _answered(self, item: ClaimedItem, one: Fetched) -> Outcome | None:
        try:
            descriptor = item.descriptor or await self._described(item, one)
            if not descriptor.available:
                return NotAvailable()
            self._log(one, "file", "described", _announced(descriptor))
            started = time.perf_counter()
            body = await self._lane.gateway.fetch(descriptor)
            self._log(one, "download", "fetched", {"bytes": len(body)}, _ms(started))
            one.arrived = Arrived(descriptor, body)
            return None
        except FileNotAvailableError:
            return NotAvailable()
        except (PlatformError, BillingFileError) as error:
            failed = Failed(error.code, dict(error.facts), error.is_transient, error.facts.get("retry_after"))
            if isinstance(error, CredentialsRefusedError):
                self._refused = failed
            return failed

    async def _described(self, item: ClaimedItem, one: Fetched) -> Descriptor:
        started = time.perf_counter()
        descriptor = await self._lane.gateway.descriptor(item.contract, self._spec.competence)
        self._log(one, "file", "asked", {}, _ms(started))
        return descriptor

    def _log(
        self,
        one: Fetched,
        step: str,
        event: str,
        facts: dict[str, object],
        took: int | None = None,
        *,
        level: str = "ok",
    ) -> None:
        one.log.append(LogLine(self._clock(), level, step, event, facts, took))


def _announced(descriptor: Descriptor) -> dict[str, object]:
    return {"records": descriptor.records, "amount_micros": descriptor.amount}


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
