"""One platform's wish to be left alone, honoured by all that talk to it in this process (PRODUCT 10, SUM-429)."""

import random
import threading
import time
from collections.abc import Callable
from functools import cache

_FIRST_SECONDS = 1.0
_MOST_SECONDS = 30.0
_SPREAD = 0.1
"""So much longer than asked for, at most: whoever waits for the same platform should not come back as one."""


class Throttle:
    """When a platform may be asked again; thread-safe. ``jitter`` gives [0, 1), ``seconds`` a clock without jumps."""

    def __init__(
        self, *, jitter: Callable[[], float] = random.random, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._jitter = jitter
        self._seconds = seconds
        self._lock = threading.Lock()
        self._closed_at = self._open_at = seconds()
        self._in_row = 0

    def moment(self) -> float:
        """Now, by this throttle's clock: when a request was sent."""
        return self._seconds()

    def resting(self) -> float:
        """Seconds until the platform may be asked; 0.0 when it may."""
        return max(0.0, self._open_at - self._seconds())

    def hold(self, seconds: float) -> None:
        """Ask nothing for ``seconds``, which somebody else was told."""
        with self._lock:
            self._open_at = max(self._open_at, self._seconds() + seconds)

    def close(self, sent_at: float, wish: float | None) -> None:
        """The platform refused a request that was sent at ``sent_at``, and asks for ``wish`` seconds, if it says so.

        Without a wish each refusal of a request sent after the last one doubles the wait; those that were under way
        already tell nothing new.
        """
        with self._lock:
            if sent_at >= self._closed_at:
                self._in_row += 1
                self._closed_at = self._seconds()
            if wish is None:
                wait = min(_MOST_SECONDS, _FIRST_SECONDS * 2 ** (min(self._in_row, 20) - 1)) * (0.5 + self._jitter())
            else:
                wait = wish * (1 + _SPREAD * self._jitter())
            self._open_at = max(self._open_at, self._seconds() + wait)

    def passed(self, sent_at: float) -> None:
        """The platform answered a request that was sent at ``sent_at``."""
        if self._in_row and sent_at >= self._closed_at:
            with self._lock:
                self._in_row = 0


@cache
def of_platform(address: str) -> Throttle:
    """The one throttle of this process for the platform at ``address``."""
    return Throttle()
