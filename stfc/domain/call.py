"""Call records (CDRs): one call of one line, and the classes that price it (PRODUCT 6)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stfc.domain.money import Micros


class CallClass(StrEnum):
    """The class of a call by the number called (PRODUCT 6)."""

    LOCAL = "LOCAL"
    LDN = "LDN"
    VC1 = "VC1"
    VC2 = "VC2"
    VC3 = "VC3"
    LDI = "LDI"
    TOLL_FREE = "TOLL_FREE"
    SHARED = "SHARED"
    PUBLIC_UTILITY = "PUBLIC_UTILITY"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class CallIdentity:
    """What tells one call from another (SUMMIT_API): the platform's id, or line, called, start and duration."""

    call_id: str
    line: str
    called: str
    started_at: datetime
    duration: int

    @property
    def event(self) -> tuple[str, str, datetime, int]:
        """Line, called, start (an instant, whatever its offset) and duration."""
        return self.line, self.called, self.started_at, self.duration


@dataclass(frozen=True)
class CallRecord:
    """A D line of a billing file, every field kept as the file has it (SUMMIT_API).

    ``called`` is as dialled; ``started_at`` is aware, with the file's own offset; ``duration`` in whole seconds, 0
    means unanswered; ``platform_class``, ``carrier`` and ``csp`` may be empty.
    """

    call_id: str
    line: str
    caller: str
    called: str
    started_at: datetime
    duration: int
    platform_class: str
    carrier: str
    csp: str
    amount: Micros

    @property
    def identity(self) -> CallIdentity:
        """What repeats of the call are known by."""
        return CallIdentity(self.call_id, self.line, self.called, self.started_at, self.duration)
