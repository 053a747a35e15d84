"""The platform as a whole, as a worker sees it: up or down, wanting a rest, and its month's listing (PRODUCT 10)."""

from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.outcome import PLATFORM_DOWN
from stfc.errors import PlatformError, PlatformTimeoutError, ThrottledError
from stfc.services.ports import Clock, PlatformState, SummitGateway, WorkLedger

log = structlog.get_logger("stfc.worker")

Ask = Callable[[Callable[[SummitGateway], Coroutine[Any, Any, Any]]], Future[Any]]
"""Runs a coroutine with a gateway to the platform, elsewhere; the future can be cancelled."""

_HEALTH_FIRST, _HEALTH_MOST = 1.0, 60.0
_HEALTH_SECONDS = 10.0
_MANY_REFUSALS = 5
_LISTING_SECONDS = 10.0
_LISTING_AGAIN = timedelta(seconds=60)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class PlatformWatch:
    """Asks the platform how it is, remembers what it said in the ledger, and lifts the pauses that its silence made."""

    def __init__(self, ledger: WorkLedger, ask: Ask, clock: Clock, jitter: Callable[[], float]) -> None:
        self._ledger = ledger
        self._ask = ask
        self._clock = clock
        self._jitter = jitter
        self._health_wait = _HEALTH_FIRST
        self._next_health = _LONG_AGO
        self._refusals = 0
        self._listed: tuple[int, Future[Mapping[str, Descriptor]]] | None = None
        self._no_listing_before = _LONG_AGO

    # --- Health

    def is_healthy(self) -> bool:
        """Whether the platform answers ``health`` now; the answer is remembered. Back-off with jitter while not."""
        now = self._clock()
        answer = self._ask(lambda gateway: gateway.health())
        try:
            health = answer.result(timeout=_HEALTH_SECONDS + self.resting())
        except TimeoutError:
            answer.cancel()
            return self._is_down(PlatformTimeoutError.code, now)
        except ThrottledError as error:
            # Too much for it, but it answers: it is not down, it wants a rest.
            self._refusals += 1
            self._next_health = now + self._backed_off()
            self.rest(now + timedelta(seconds=error.facts["retry_after"] or 0))
            return False
        except PlatformError as error:
            return self._is_down(error.code, now)
        self._health_wait, self._refusals = _HEALTH_FIRST, 0
        self._next_health = now + timedelta(seconds=_HEALTH_MOST)
        self._ledger.set_platform(PlatformState(True, None, now, round(health.latency_ms), now, self._next_health))
        return True

    def look(self) -> None:
        """Ask again when it is time, and lift what waits for the platform alone; refused credentials do not."""
        if self._clock() < self._next_health or self.resting() > 0:
            return
        if not self.is_healthy():
            if self._refusals >= _MANY_REFUSALS:
                # It wants a rest each time that it is asked: whoever waits for a batch should hear of it.
                self._ledger.pause(None, ThrottledError.code, now=self._clock())
            return
        for batch in self._ledger.resume((*PLATFORM_DOWN, ThrottledError.code), now=self._clock()):
            log.info("batch_resumed", batch=batch)

    def _is_down(self, code: str, now: datetime) -> bool:
        self._next_health = now + self._backed_off()
        self._ledger.set_platform(PlatformState(False, code, now, None, now, self._next_health))
        return False

    def _backed_off(self) -> timedelta:
        self._health_wait = min(_HEALTH_MOST, self._health_wait * 2)
        return timedelta(seconds=self._health_wait * (0.5 + self._jitter()))

    # --- Rest

    def resting(self) -> float:
        """Seconds for which the platform wants no request, whoever was told so; 0.0 when it may be asked."""
        state = self._ledger.platform()
        if state is None or state.not_before is None:
            return 0.0
        return max(0.0, (state.not_before - self._clock()).total_seconds())

    def rest(self, until: datetime) -> None:
        """Remember until when the platform wants no request: for other workers, and for after a restart."""
        now = self._clock()
        if until > now:
            self._ledger.throttle(until, now=now)
            self._next_health = until
            log.warning("platform_throttles", code=ThrottledError.code, seconds=round((until - now).total_seconds(), 1))

    # --- The month's listing

    def ask_month(self, competence: Competence) -> Future[Mapping[str, Descriptor]]:
        """The month's listing, under way."""
        return self._ask(lambda gateway: gateway.month(competence))

    def listing(self, batch: int, competence: Competence) -> Mapping[str, Descriptor]:
        """The month's listing, asked for once per batch; empty while there is none, and then a contract's descriptor is
        asked for alone. Waits for a listing under way, but not for long."""
        if self._listed is None or self._listed[0] != batch:
            if self._clock() < self._no_listing_before:
                return {}
            self._listed = (batch, self.ask_month(competence))
            patience = _LISTING_SECONDS
        else:
            patience = 0
        try:
            return self._listed[1].result(timeout=patience)
        except TimeoutError:
            return {}
        except PlatformError as error:
            log.warning("listing_failed", batch=batch, code=error.code)
            self._listed = None
            self._no_listing_before = self._clock() + _LISTING_AGAIN
            return {}

    def has_listing(self, batch: int) -> bool:
        """Whether the listing of the batch was asked for already."""
        return self._listed is not None and self._listed[0] == batch
