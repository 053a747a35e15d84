"""The platform's side of a run, told by the simulator's traffic itself: which files there are and what stands in them.

The files are read by a parser of twenty lines that shares nothing with the product's two.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from stfc.domain.competence import Competence
from stfc.simulator.platform import AVAILABLE, UNKNOWN, Platform
from stfc.simulator.traffic import Traffic, TrafficOptions
from stfc.simulator.universe import from_folder

AS_OF = date(2026, 11, 12)
"""The day that it is on the platform in every run."""

Call = tuple[str, str, str, int, int, int]
"""Id, line, called, start (microseconds since 1970), duration (s), amount (micros)."""


@dataclass
class Month:
    """One competence on the platform: calls by contract that has a file, who has none, whom it does not know."""

    calls: dict[str, list[Call]] = field(default_factory=dict)
    without_file: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def centavos(self, contract: str) -> int:
        """What the contract's calls come to: the sum with all decimals, the fraction of a centavo cut once."""
        return sum(call[-1] for call in self.calls[contract]) // 10_000


class PlatformFiles:
    """Everything that the platform of an ERP dump would serve if nothing ever went wrong."""

    def __init__(self, erp: Path, options: TrafficOptions) -> None:
        self._traffic = Traffic(from_folder(erp, options.seed), options)
        self._platform = Platform(self._traffic)

    def month(self, competence: str) -> Month:
        """The files of ``competence``; within a contract's file a record that came before is left out."""
        month = Competence.parse(competence)
        contracts = self._traffic.universe.contracts
        states = [self._platform.state(contract, month, AS_OF) for contract in contracts]
        there = [row for row, state in enumerate(states) if state == AVAILABLE]
        files = self._traffic.files(there, month)
        found = Month()
        for place, row in enumerate(there):
            found.calls[contracts[row]] = list(_once(files.body(place)))
        found.unknown = {contracts[row] for row, state in enumerate(states) if state == UNKNOWN}
        found.without_file = set(contracts) - found.unknown - set(found.calls)
        return found


def _once(body: bytes) -> Iterator[Call]:
    ids: set[str] = set()
    events: set[tuple[str, str, int, int]] = set()
    for text in body.decode().splitlines():
        fields = text.split(";")
        if fields[0] != "D":
            continue
        start = round(datetime.fromisoformat(fields[5]).timestamp() * 1_000_000)
        event = (fields[2], fields[4], start, int(fields[6]))
        if fields[1] not in ids and event not in events:
            yield fields[1], *event, int(Decimal(fields[10]) * 1_000_000)
        ids.add(fields[1])
        events.add(event)
