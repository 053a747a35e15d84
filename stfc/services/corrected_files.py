"""Corrected files: other versions of months already charged, noticed from the platform's listing (PRODUCT 5).

Nothing changes by itself: what is noticed is remembered, once, and shown until somebody settles it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.role import Role
from stfc.services import access
from stfc.services.ports import Actor, Clock, CorrectionLedger, CorrectionRow, SummitGateway


@dataclass(frozen=True)
class CheckedFiles:
    """What a look at a month's listing came to: ``listed`` files there, of which ``noticed`` are newly seen as
    corrected, and all corrections that are open by now."""

    competence: Competence
    listed: int
    noticed: int
    pending: tuple[CorrectionRow, ...]


class CorrectedFiles:
    """Look for corrected files, and list what was found."""

    def __init__(self, ledger: CorrectionLedger, gateway: Callable[[], SummitGateway], clock: Clock) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._clock = clock

    def pending(self, competence: Competence | None = None) -> list[CorrectionRow]:
        """The corrected files that wait for a decision, of one month or of all."""
        return self._ledger.pending(competence)

    def check(self, competence: Competence, actor: Actor) -> CheckedFiles:
        """Ask the platform for the month's listing and remember what it corrects; twice is once.

        Raises:
            NotAllowedError: the actor is no operator.
            PlatformError: the platform does not answer, or is not configured.
        """
        access.require(actor, Role.OPERATOR, "check_files")
        listing = asyncio.run(self._listing(competence))
        noticed = self._ledger.note(competence, listing, now=self._clock())
        listed = sum(one.available for one in listing.values())
        return CheckedFiles(competence, listed, noticed, tuple(self._ledger.pending(competence)))

    async def _listing(self, competence: Competence) -> Mapping[str, Descriptor]:
        async with self._gateway() as gateway:
            return await gateway.month(competence)
