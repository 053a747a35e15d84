"""``process_chunk``: fetch, verify, parse, deduplicate, classify, write the part (ARCHITECTURE, worker).

It touches no ledger; the ledger's transaction afterwards makes a chunk done twice harmless.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from stfc.domain.billing_file import Descriptor
from stfc.domain.outcome import Failed, NotAvailable, Outcome, Unfinished
from stfc.errors import BillingFileError, FileNotAvailableError, PlatformError
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


@dataclass
class _Fetched:
    """What fetching one item came to: a file, or an outcome that needs none."""

    log: list[LogLine] = field(default_factory=list)
    arrived: Arrived | None = None
    outcome: Outcome | None = None


async def process(
    spec: ChunkSpec, gateway: SummitGateway, assessor: CallAssessor, store: CallStore, clock: Clock
) -> ChunkResult:
    """Outcomes for every item of the chunk, and the part with the calls of those that may be charged.

    The chunk closes when every file has arrived, or when none has for ``spec.patience`` seconds: what is still under
    way is then handed back as ``Unfinished``, so that one stalled file does not hold the others.

    Raises:
        StorageError: the part cannot be written; nothing of the chunk counts then.
    """
    async with gateway:
        fetched = await _fetch_all(spec, gateway, clock)
    arrived = {item: one.arrived for item, one in fetched.items() if one.arrived}
    assessment = await asyncio.to_thread(assessor.assess, spec, arrived)
    part = store.write(spec.competence, assessment.calls) if assessment.calls.num_rows else None
    results = []
    for item in spec.items:
        one = fetched[item.item]
        outcome = one.outcome or assessment.outcomes[item.item]
        log = (*one.log, *assessment.log.get(item.item, ()))
        results.append(ItemResult(item.item, item.claim, item.contract, outcome, log))
    return ChunkResult(tuple(results), part)


async def _fetch_all(spec: ChunkSpec, gateway: SummitGateway, clock: Clock) -> dict[int, _Fetched]:
    fetched = {item.item: _Fetched() for item in spec.items}
    tasks = {
        asyncio.create_task(_fetch(item, spec, gateway, clock, fetched[item.item])): item.item for item in spec.items
    }
    pending: set[asyncio.Task[None]] = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, timeout=spec.patience, return_when=asyncio.FIRST_COMPLETED)
        _raise_defects(done)
        if not done:
            break
    for task in pending:
        task.cancel()
        slow = fetched[tasks[task]]
        slow.outcome = Unfinished()
        slow.log.append(LogLine(clock(), "warning", "download", "unfinished", {"seconds": spec.patience}))
    await asyncio.gather(*pending, return_exceptions=True)
    return fetched


def _raise_defects(done: Iterable[asyncio.Task[None]]) -> None:
    for task in done:
        task.result()


async def _fetch(item: ClaimedItem, spec: ChunkSpec, gateway: SummitGateway, clock: Clock, one: _Fetched) -> None:
    try:
        descriptor = item.descriptor or await _described(item, spec, gateway, clock, one)
        if not descriptor.available:
            raise FileNotAvailableError(contract=item.contract, competence=str(spec.competence))
        one.log.append(LogLine(clock(), "ok", "file", "described", _announced(descriptor)))
        started = time.perf_counter()
        body = await gateway.fetch(descriptor)
        one.log.append(LogLine(clock(), "ok", "download", "fetched", {"bytes": len(body)}, _ms(started)))
        one.arrived = Arrived(descriptor, body)
    except FileNotAvailableError:
        one.outcome = NotAvailable()
    except (PlatformError, BillingFileError) as error:
        one.outcome = Failed(error.code, dict(error.facts), error.is_transient, error.facts.get("retry_after"))


async def _described(
    item: ClaimedItem, spec: ChunkSpec, gateway: SummitGateway, clock: Clock, one: _Fetched
) -> Descriptor:
    started = time.perf_counter()
    descriptor = await gateway.descriptor(item.contract, spec.competence)
    one.log.append(LogLine(clock(), "ok", "file", "asked", {}, _ms(started)))
    return descriptor


def _announced(descriptor: Descriptor) -> dict[str, object]:
    return {"records": descriptor.records, "amount_micros": descriptor.amount}


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
