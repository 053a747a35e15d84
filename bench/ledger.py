"""How fast the ledger is over 100,000 contracts: opening, claiming, settling, reading (ENGINE 3).

Prints milliseconds, the median of several turns. ``python bench/ledger.py [URL]``; a SQLite file in a temporary
folder when no URL is given. The ledger at URL has to be empty.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from stfc.adapters.ledger.batches import SqlBatchLedger
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.images import SqlLedgerReader
from stfc.adapters.ledger.snapshots import SqlSnapshotLedger
from stfc.adapters.ledger.work import SqlWorkLedger
from stfc.domain.competence import Competence
from stfc.domain.money import Centavos
from stfc.domain.outcome import Charged
from stfc.services.ports import Actor, ChunkResult, Claim, Evaluation, ItemResult, LogLine, Part, RetryPolicy

CONTRACTS, CHUNK, TURNS = 100_000, 200, 30
MONTH = Competence(2026, 10)
NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
ACTOR = Actor("bench", "operator", "terminal")


def timed(name: str, act: Callable[[], Any]) -> Any:
    """Run once, print how long it took."""
    started = time.perf_counter()
    answer = act()
    print(f"{name:<44}{(time.perf_counter() - started) * 1000:>10.1f} ms")
    return answer


def charged(claim: Claim, turn: int) -> tuple[ChunkResult, Evaluation]:
    """What a chunk comes to in which every contract is charged, with four log lines each."""
    log = tuple(LogLine(NOW, "ok", "file", "described", {"records": 50}, 3) for _ in range(3))
    results = tuple(
        ItemResult(i.item, i.claim, i.contract, Charged(Centavos(1234), 50, 0, "ab" * 32), log) for i in claim.items
    )
    first, last = claim.items[0].contract, claim.items[-1].contract
    part = Part(f"part-{claim.competence}-{turn}", claim.competence, 10_000, 150_000, "cd" * 32, first, last)
    services = {i.contract: f"S{i.contract}" for i in claim.items}
    evaluation = Evaluation(1, dict.fromkeys(services), services)
    return ChunkResult(results, part), evaluation


def main() -> None:
    """Measure one ledger."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/ledger.db")
        timed("upgrade of an empty ledger", database.upgrade)
        timed("upgrade of one that is up to date", database.upgrade)
        batches, work, reader = SqlBatchLedger(database), SqlWorkLedger(database), SqlLedgerReader(database)
        SqlSnapshotLedger(database).switch(1, previous=None, rows={}, actor=ACTOR, now=NOW)
        contracts = [f"{n:06d}" for n in range(CONTRACTS)]
        opening = {"snapshot": 1, "actor": ACTOR, "now": NOW, "request_key": None}
        paused = timed("open 100,000", lambda: batches.open(MONTH.plus(-1), contracts, **opening)).batch
        work.pause(paused, "SUM-401", now=NOW)
        opened = timed("open 100,000, the month before paused", lambda: batches.open(MONTH, contracts, **opening))
        timed("open again, all refused", lambda: batches.open(MONTH, contracts, **opening))
        beat = {"host": "h", "pid": 1, "now": NOW, "lease_until": NOW + timedelta(seconds=10)}
        work.heartbeat("w", **beat)
        claims, settles, beats = [], [], []
        for turn in range(TURNS):
            started = time.perf_counter()
            claim = work.claim("w", now=NOW, limit=CHUNK, batch=None, slow=False)
            claims.append(time.perf_counter() - started)
            assert claim is not None
            assert len(claim.items) == CHUNK
            result, evaluation = charged(claim, turn)
            started = time.perf_counter()
            work.settle("w", MONTH, result, evaluation, now=NOW, retry=RetryPolicy(), jitter=lambda: 0.5)
            settles.append(time.perf_counter() - started)
            started = time.perf_counter()
            work.heartbeat("w", **beat)
            beats.append(time.perf_counter() - started)
        for name, times in (("claim of 200", claims), ("settle of 200", settles), ("heartbeat", beats)):
            most = max(times) * 1000
            print(f"{name + ', median':<44}{statistics.median(times) * 1000:>10.1f} ms   most {most:.1f} ms")
        timed("claim, only slow ones (none)", lambda: work.claim("w", now=NOW, limit=CHUNK, batch=None, slow=True))
        timed("next due", lambda: work.next_due(batch=None))
        timed("state", reader.state)
        timed("image of the month", lambda: reader.images([MONTH], {}))
        timed("newest batches", batches.newest)
        timed("newest batches again", batches.newest)
        timed("a page of a batch's items", lambda: batches.items(opened.batch, offset=5_000, limit=100))
        sent = {"competence": None, "search": "", "outcomes": (), "offset": 0, "limit": 100}
        timed("first page of all sent", lambda: batches.sent(**sent))
        timed("causes", lambda: batches.causes(opened.batch))
        timed(
            "reverse 6,000",
            lambda: batches.reverse(opened.batch, contracts=None, invoiced=(), reason="bench", actor=ACTOR, now=NOW),
        )
        timed("cancel 94,000", lambda: batches.cancel(opened.batch, actor=ACTOR, now=NOW))
        database.dispose()


if __name__ == "__main__":
    main()
