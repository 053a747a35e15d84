"""The platform's test, step by step: address, connection, token, listing (PRODUCT 3, screen 8)."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stfc.domain.competence import Competence, local_day
from stfc.errors import CredentialsRefusedError, NoPlatformError, StfcError
from stfc.services.health import NOBODY
from stfc.services.ports import Clock, SummitGateway

STEPS = ("address", "connection", "token", "listing")


@dataclass(frozen=True)
class CheckedStep:
    """A step of ``STEPS``. ``ok`` is None when an earlier one failed, so that it was not tried.

    ``facts`` fill the sentence of what was seen (``text.platform_step``); ``error`` is what failed.
    """

    step: str
    ok: bool | None
    milliseconds: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: StfcError | None = None


class PlatformCheck:
    """Asks the platform itself; changes nothing, on either side. For every role."""

    def __init__(self, address: str | None, gateway: Callable[[], SummitGateway], clock: Clock) -> None:
        """``address`` is what is configured, without any secret; None when no platform is."""
        self._address = address
        self._gateway = gateway
        self._clock = clock

    async def run(self) -> list[CheckedStep]:
        """Every step in order, up to the first that fails; the others are named, but not tried."""
        done: list[CheckedStep] = []
        if self._address is None:
            done.append(CheckedStep("address", False, error=NoPlatformError()))
        else:
            done.append(CheckedStep("address", True, facts={"address": self._address}))
            await self._ask(done)
        return done + [CheckedStep(step, None) for step in STEPS[len(done) :]]

    async def _ask(self, done: list[CheckedStep]) -> None:
        month = Competence.of(local_day(self._clock())).plus(-1)
        async with self._gateway() as gateway:
            asked: tuple[tuple[str, Callable[[], Awaitable[dict[str, Any]]]], ...] = (
                ("connection", lambda: _health(gateway)),
                ("token", lambda: _token(gateway, month)),
                ("listing", lambda: _listing(gateway, month)),
            )
            for step, ask in asked:
                done.append(await _timed(step, ask))
                if not done[-1].ok:
                    return


async def _timed(step: str, ask: Callable[[], Awaitable[dict[str, Any]]]) -> CheckedStep:
    started = time.perf_counter()
    try:
        facts, error = await ask(), None
    except StfcError as cause:
        facts, error = {}, cause
    return CheckedStep(step, error is None, round(1000 * (time.perf_counter() - started)), facts, error)


async def _health(gateway: SummitGateway) -> dict[str, Any]:
    return {"version": (await gateway.health()).version}


async def _token(gateway: SummitGateway, month: Competence) -> dict[str, Any]:
    try:
        await gateway.descriptor(NOBODY, month)
    except CredentialsRefusedError:
        raise
    except StfcError:
        # Unknown or not there, which was to be expected: the token was not refused.
        return {}
    return {}


async def _listing(gateway: SummitGateway, month: Competence) -> dict[str, Any]:
    found = await gateway.month(month)
    return {"competence": month, "files": sum(one.available for one in found.values()), "contracts": len(found)}
