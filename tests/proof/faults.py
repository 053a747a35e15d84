"""Which faults a run's platform has: every kind comes up in some run, at 2 to 20 percent of its answers."""

import random

from stfc.simulator.faults import KINDS

_IN_THE_FILE = ("bad-line", "wrong-totals", "wrong-contract")
_RATES: dict[str, tuple[float, float]] = {
    # Each of these costs seconds of somebody's waiting, or half a GiB of unpacking: often enough at a few percent.
    "429": (0.02, 0.03),
    "429-date": (0.02, 0.03),
    "stall": (0.02, 0.03),
    "slow": (0.02, 0.03),
    "gzip-bomb": (0.02, 0.04),
    **dict.fromkeys(_IN_THE_FILE, (0.02, 0.03)),
    # A listing has few pages.
    "repeat-page": (0.2, 0.2),
}
_USUAL = (0.02, 0.12)
_ONLY = {"401": "@descriptor"}
"""Refused credentials pause a whole batch until somebody retries it: on each file, nothing would ever move."""


def mixes(rounds: int, chance: random.Random) -> list[tuple[str, ...]]:
    """The faults of each of ``rounds`` runs, as the simulator takes them; together they name every kind."""
    # A corrected file is no fault, and would change with each restart what its contract should be charged.
    kinds = sorted(set(KINDS) - {"corrected"})
    chance.shuffle(kinds)
    # Kinds go around, so that even of many runs none is without faults, and one alone has them all.
    per_round = max(-(-len(kinds) // rounds), 5)
    endless = kinds * (rounds * per_round // len(kinds) + 1)
    chosen = [endless[place * per_round : (place + 1) * per_round] for place in range(rounds)]
    return [tuple(_fault(kind, chance) for kind in dict.fromkeys(some)) for some in chosen]


def _fault(kind: str, chance: random.Random) -> str:
    least, most = _RATES.get(kind, _USUAL)
    return f"{kind}={chance.uniform(least, most):.3f}{_ONLY.get(kind, '')}"
