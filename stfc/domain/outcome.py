"""What billing one contract in one competence came to (PRODUCT 5, *Outcome of one contract in a batch*)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stfc.domain.eligibility import Rule
from stfc.domain.money import Centavos


class ItemOutcome(StrEnum):
    """Where a batch item stands. The first two are still on their way."""

    WAITING = "waiting"
    RUNNING = "running"
    WAITING_FILE = "waiting_file"
    CHARGED = "charged"
    ZERO = "zero"
    HELD = "held"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


DONE_OUTCOMES = frozenset({ItemOutcome.CHARGED, ItemOutcome.ZERO, ItemOutcome.HELD})
"""What an item came to when its file was charged, at zero or held too."""
LIVE_OUTCOMES = frozenset(
    {
        ItemOutcome.WAITING,
        ItemOutcome.RUNNING,
        ItemOutcome.WAITING_FILE,
        ItemOutcome.CHARGED,
        ItemOutcome.ZERO,
        ItemOutcome.HELD,
    }
)
"""Outcomes that keep the contract out of the list while not reversed (PRODUCT 5, rule 6)."""

OPEN_OUTCOMES = frozenset({ItemOutcome.WAITING, ItemOutcome.RUNNING})
"""Outcomes that a batch waits for."""

CODES_IN_ORDER = (
    "SUM-404",
    "SUM-401",
    "SUM-429",
    "SUM-5XX",
    "SUM-TMO",
    "SUM-NET",
    "SUM-SUB",
    "ARQ-FMT",
    "ARQ-SHA",
    "ARQ-TOT",
    "CTR-LIN",
    "CTR-DIV",
    "TAR-DIF",
    "CON-ANO",
    "TAR-SEM",
    "REG-ELG",
    "STF-000",
)
"""The table of PRODUCT 10, in its order: of several codes an item shows the first. A defect of ours comes last."""


PLATFORM_DOWN = ("SUM-NET", "SUM-TMO", "SUM-5XX")
"""Codes that, when nothing else comes back, say that the platform as a whole is down (PRODUCT 10)."""

STORAGE_REFUSES = "ARM-ESC"
"""The code of a pause for want of a disk that can be written."""

LIFTED_BY_ITSELF = frozenset({*PLATFORM_DOWN, "SUM-429", STORAGE_REFUSES})
"""Codes of a pause that ends without anybody's act; any other waits for a person (SUM-401)."""


def first_code(codes: set[str]) -> str:
    """The one of ``codes`` that an item shows (PRODUCT 10)."""
    return min(codes, key=CODES_IN_ORDER.index)


@dataclass(frozen=True)
class Finding:
    """A reason to hold a charge: a code of PRODUCT 10 and the facts of its sentence."""

    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Charged:
    """The contract is to be charged ``amount``; ``calls`` records are kept, ``dropped`` were seen before."""

    amount: Centavos
    calls: int
    dropped: int
    source_sha256: str


@dataclass(frozen=True)
class Zero:
    """The amount is 0.00 after the cut: an event instead of a charge."""

    calls: int
    dropped: int
    source_sha256: str


@dataclass(frozen=True)
class Held:
    """As charged, but the value waits for a manager; ``findings`` say why."""

    amount: Centavos
    calls: int
    dropped: int
    source_sha256: str
    findings: tuple[Finding, ...]

    @property
    def code(self) -> str:
        """The code that the item shows."""
        return first_code({finding.code for finding in self.findings})


@dataclass(frozen=True)
class NotAvailable:
    """The platform has no file yet; the item waits for it."""


@dataclass(frozen=True)
class Refused:
    """Not eligible any more; ``rule`` is the first that fails."""

    rule: Rule


@dataclass(frozen=True)
class Failed:
    """No charge, and why. ``is_transient`` says whether a bounded retry follows by itself."""

    code: str
    facts: dict[str, Any]
    is_transient: bool = False
    retry_after: float | None = None


@dataclass(frozen=True)
class Unfinished:
    """The file did not arrive before the chunk closed: handed back, no attempt spent."""


@dataclass(frozen=True)
class Postponed:
    """The platform as a whole wants to be left alone for ``seconds``: handed back, no attempt spent (``code``)."""

    code: str
    seconds: float


Outcome = Charged | Zero | Held | NotAvailable | Refused | Failed | Unfinished | Postponed
