"""Files that the platform did not have: looked for again by themselves (PRODUCT 10, SUM-404).

One listing per competence and look, no request per contract; only those whose file is there go back to the queue.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.errors import PlatformError
from stfc.services.ports import Clock, CorrectionLedger, LateFileLedger, LateFiles

log = structlog.get_logger("stfc.worker")

_CHECK_EVERY = timedelta(seconds=5)
"""How often the ledger is asked whether a look is due."""


@dataclass(frozen=True)
class LookPolicy:
    """When to look again, in seconds: ``first`` after the file was found missing, doubling to ``most``."""

    first: float = 60.0
    most: float = 900.0

    def wait(self, looks: int, jitter: float) -> float:
        """Seconds to the next look after ``looks`` of them; ``jitter`` in [0, 1) spreads several batches."""
        return float(min(self.most, self.first * 2 ** min(looks, 30)) * (0.9 + 0.2 * jitter))


class LateFileWatch:
    """Looks for late files beside a worker's other work; waits for nothing."""

    def __init__(
        self,
        ledger: LateFileLedger,
        ask_month: Callable[[Competence], Future[Mapping[str, Descriptor]]],
        policy: LookPolicy,
        clock: Clock,
        jitter: Callable[[], float],
        corrections: CorrectionLedger,
    ) -> None:
        """``corrections`` remembers what the same listings show to be corrected since it was charged."""
        self._ledger = ledger
        self._ask_month = ask_month
        self._policy = policy
        self._clock = clock
        self._jitter = jitter
        self._corrections = corrections
        self._next_check = datetime.min.replace(tzinfo=UTC)
        self._asked: list[tuple[list[LateFiles], Future[Mapping[str, Descriptor]]]] = []

    @property
    def is_looking(self) -> bool:
        """Whether a listing is under way."""
        return bool(self._asked)

    def step(self, batch: int | None) -> bool:
        """Start the looks that are due (of ``batch`` only, if given) and finish those that were answered; gives whether
        anything went back to the queue."""
        self._start(batch)
        answered = [one for one in self._asked if one[1].done()]
        self._asked = [one for one in self._asked if not one[1].done()]
        return sum(self._finish(looks, listing) for looks, listing in answered) > 0

    def _start(self, batch: int | None) -> None:
        now = self._clock()
        if self._asked or now < self._next_check:
            return
        self._next_check = now + _CHECK_EVERY
        if not self._ledger.is_look_due(now=now, batch=batch):
            return
        by_month: dict[Competence, list[LateFiles]] = {}
        for late in self._ledger.take_looks(now=now, batch=batch, wait=self._wait):
            by_month.setdefault(late.competence, []).append(late)
        self._asked = [(looks, self._ask_month(competence)) for competence, looks in by_month.items()]

    def _wait(self, looks: int) -> float:
        return self._policy.wait(looks, self._jitter())

    def _finish(self, looks: list[LateFiles], answer: Future[Mapping[str, Descriptor]]) -> int:
        try:
            listing = answer.result()
        except PlatformError as error:
            log.warning("late_files_not_listed", competence=str(looks[0].competence), code=error.code)
            return 0
        corrected = self._corrections.note(looks[0].competence, listing, now=self._clock())
        if corrected:
            log.info("files_corrected", competence=str(looks[0].competence), corrected=corrected)
        arrived = 0
        for late in looks:
            there = [c for c in late.contracts if c in listing and listing[c].available]
            count = self._ledger.arrived(late.batch, there, now=self._clock()) if there else 0
            log.info("late_files", batch=late.batch, missing=len(late.contracts), arrived=count)
            arrived += count
        return arrived
