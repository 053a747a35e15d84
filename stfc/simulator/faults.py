"""What goes wrong on purpose: kinds of faults, each with a rate, decided by a hash (SUMMIT_API, limits)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stfc.errors import InvalidInputError
from stfc.simulator import chance

SCOPES = ("health", "listing", "descriptor", "file", "invoices", "subscriber")
"""Parts of the interface that a fault can be kept to, ``KIND=RATE@SCOPE``."""

_ALL = frozenset(SCOPES)
_TOKEN = _ALL - {"health"}
_FILE = frozenset({"file"})

KINDS: dict[str, frozenset[str]] = {
    "429": _ALL,
    "429-date": _ALL,
    "500": _ALL,
    "502": _ALL,
    "503": _ALL,
    "reset": _ALL,
    "stall": _ALL,
    "slow": _ALL,
    "cut": _ALL,
    "html": _ALL,
    "redirect": _ALL,
    "401": _TOKEN,
    "gzip-bomb": _FILE,
    "wrong-sha": _FILE,
    "repeat-page": frozenset({"listing"}),
    "bad-line": _FILE,
    "wrong-totals": _FILE,
    "wrong-contract": _FILE,
    "corrected": _FILE,
}
"""Every kind with the scopes where it can happen.

Most are of one answer: the next attempt may fare better. The last four are in the file itself: the same for every
attempt, and the descriptor's checksum is of the spoilt file, as a platform that is wrong would announce it. The very
last is nothing wrong, but a later version of what the same seed gives without it: its first call costs R$ 1,00 more.
"""

CONTENT_KINDS = frozenset({"bad-line", "wrong-totals", "wrong-contract", "corrected"})


@dataclass(frozen=True)
class Rule:
    """One kind in ``rate`` of the answers of ``scopes``."""

    kind: str
    rate: float
    scopes: frozenset[str]


def rule(text: str) -> Rule:
    """The rule that ``KIND=RATE`` or ``KIND=RATE@SCOPE`` writes; the rate lies in [0, 1].

    Raises:
        InvalidInputError: an unknown kind or scope, or no rate (``choices`` lists what there is).
    """
    kind, separator, rest = text.partition("=")
    rate_text, at, scope = rest.partition("@")
    if kind not in KINDS:
        raise InvalidInputError(field="fault", value=kind, cause="fault", choices=", ".join(KINDS))
    possible = KINDS[kind]
    if at and scope not in possible:
        raise InvalidInputError(
            field="fault", value=text, cause="fault", choices=f"{kind} @ {', '.join(sorted(possible))}"
        )
    try:
        rate = float(rate_text) if separator else -1.0
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise InvalidInputError(field="fault", value=text, cause="fault", choices=", ".join(KINDS))
    return Rule(kind, rate, frozenset({scope}) if at else possible)


class Faults:
    """Decides what goes wrong: a pure function of seed, path and the number of the attempt on that path."""

    def __init__(self, rules: Sequence[Rule], seed: int = 0) -> None:
        self._rules = [one for one in rules if one.kind not in CONTENT_KINDS]
        self._content = [one for one in rules if one.kind in CONTENT_KINDS]
        self._seed = seed
        self._attempts: Counter[str] = Counter()

    @classmethod
    def parse(cls, texts: Sequence[str], seed: int = 0) -> "Faults":
        """The faults that the texts name, see ``rule``."""
        return cls([rule(text) for text in texts], seed)

    def answer(self, scope: str, path: str) -> str | None:
        """The kind of fault for the next attempt on ``path`` (with its query), or None. Counts the attempt."""
        if not self._rules:
            return None
        self._attempts[path] += 1
        return self._chosen(self._rules, scope, f"{path} {self._attempts[path]}")

    def content(self, path: str) -> str | None:
        """The kind of fault inside the file at ``path``, the same each time."""
        return self._chosen(self._content, "file", f"{path} content") if self._content else None

    def _chosen(self, rules: list[Rule], scope: str, what: str) -> str | None:
        share = chance.key_of(what, self._seed) / 2**64
        for one in rules:
            if scope in one.scopes:
                share -= one.rate
                if share < 0:
                    return one.kind
        return None


def spoilt(body: bytes, kind: str) -> bytes:
    """The billing file with a content fault in it."""
    lines = body.split(b"\n")
    if kind == "wrong-contract":
        fields = lines[0].split(b";")
        fields[2] = b"9" + fields[2]
        lines[0] = b";".join(fields)
    elif kind == "wrong-totals":
        lines[-2] = _a_real_more(lines[-2])
    elif kind == "corrected":
        if len(lines) > 3:
            lines[1], lines[-2] = _a_real_more(lines[1]), _a_real_more(lines[-2])
    elif len(lines) > 3:
        middle = len(lines) // 2 - 1
        fields = lines[max(1, middle)].split(b";")
        fields[6] = b"abc"
        lines[max(1, middle)] = b";".join(fields)
    else:
        lines.insert(1, b"D;abc")
    return b"\n".join(lines)


def _a_real_more(line: bytes) -> bytes:
    """A line whose last field, its amount, is R$ 1,00 higher."""
    head, _, amount = line.rpartition(b";")
    reais, _, cents = amount.partition(b".")
    return b"%s;%d.%s" % (head, int(reais) + 1, cents)
