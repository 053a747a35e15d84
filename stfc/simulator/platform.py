"""The platform's month: which files there are, their descriptors and bytes, kept while they are asked for."""

import base64
import hashlib
import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stfc.domain.competence import Competence
from stfc.errors import InvalidInputError
from stfc.simulator import chance
from stfc.simulator.faults import spoilt
from stfc.simulator.traffic import MonthFiles, Traffic, month_number, plain

UNKNOWN, ABSENT, PROCESSING, AVAILABLE = range(4)
"""How the platform stands to a contract's month: no such subscriber, not closed, being closed, there."""

_BLOCK = 256
_CALLS_A_BLOCK = 100_000
_BYTES_KEPT = 256 * 1024 * 1024
_DESCRIPTOR_BLOCKS_KEPT = 1_024
_SINGLES_KEPT = 64
_STILL_LATE_DAYS = 35


@dataclass(frozen=True)
class File:
    """One file as served: its bytes and their sha256."""

    body: bytes
    sha256: str


@dataclass(frozen=True)
class _Described:
    """A block's descriptors as JSON, and the files' checksums, by place in the block."""

    texts: list[str]
    sha256: list[str]


class Platform:
    """Answers for every contract and month; thread-safe. Nothing in it outlives a request but copies of what can be
    made again."""

    def __init__(self, traffic: Traffic, content_fault: Callable[[str], str | None] = lambda _: None) -> None:
        self.traffic = traffic
        self.universe = traffic.universe
        self._content_fault = content_fault
        calls = traffic.options.calls_per_contract or 1
        self._block_size = max(1, min(_BLOCK, _CALLS_A_BLOCK // max(1, calls)))
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._blocks: OrderedDict[tuple[Competence, int], MonthFiles] = OrderedDict()
        self._bytes = 0
        self._described: OrderedDict[tuple[Competence, int], _Described] = OrderedDict()
        self._singles: OrderedDict[tuple[Competence, int], tuple[File, str]] = OrderedDict()
        self._misses: Counter[tuple[Competence, int]] = Counter()
        self._states = lru_cache(maxsize=64)(self._make_states)

    # --- What there is ------------------------------------------------------------------------------------------

    def state(self, contract: str, competence: Competence, today: date) -> int:
        """``UNKNOWN``, ``ABSENT``, ``PROCESSING`` or ``AVAILABLE``."""
        row = self.universe.rows.get(contract)
        return UNKNOWN if row is None else int(self._states(competence, today)[row])

    def listing(self, competence: Competence, today: date, start: int, limit: int) -> tuple[list[str], int | None]:
        """Descriptors (JSON) of up to ``limit`` contracts from row ``start`` on, and the row to go on from."""
        states = self._states(competence, today)
        rows = np.flatnonzero(states[start:] >= PROCESSING)[: limit + 1] + start
        following = int(rows[limit]) if len(rows) > limit else None
        return [self._listed(int(row), competence, int(states[row])) for row in rows[:limit]], following

    def descriptor(self, contract: str, competence: Competence, today: date) -> str:
        """The descriptor (JSON) of a contract that is ``PROCESSING`` or ``AVAILABLE``."""
        row = self.universe.rows[contract]
        if int(self._states(competence, today)[row]) == PROCESSING:
            return self._processing(row, competence)
        return self._one(row, competence)[1]

    def file(self, contract: str, competence: Competence) -> File:
        """The contract's file, spoilt if a content fault says so."""
        return self._one(self.universe.rows[contract], competence)[0]

    def is_at_hand(self, contract: str, competence: Competence) -> bool:
        """Whether ``file`` and ``descriptor`` answer at once."""
        row = self.universe.rows[contract]
        return (competence, row) in self._singles or (competence, row // self._block_size) in self._blocks

    # --- Making -------------------------------------------------------------------------------------------------

    def _one(self, row: int, competence: Competence) -> tuple[File, str]:
        """A file and its descriptor."""
        with self._lock:
            if (single := self._singles.get((competence, row))) is not None:
                return single
            described = self._described.get((competence, row // self._block_size))
        place, files = self._found(row, competence)
        body = self._spoilt(files.body(place), files.contracts[place], competence)
        if described is not None:
            within = row % self._block_size
            made = File(body, described.sha256[within]), described.texts[within]
        else:
            sha256 = hashlib.sha256(body).hexdigest()
            made = File(body, sha256), self._text(files, place, sha256)
        with self._lock:
            self._singles[competence, row] = made
            if len(self._singles) > _SINGLES_KEPT:
                self._singles.popitem(last=False)
        return made

    def _make_states(self, competence: Competence, today: date) -> NDArray[np.int8]:
        universe, options = self.universe, self.traffic.options
        states = np.full(len(universe.contracts), AVAILABLE, dtype=np.int8)
        if options.clean:
            return states
        ends = np.array([competence.day(day).toordinal() for day in range(1, 32)])[universe.cut_day - 1]
        key = chance.draw(chance.word_of(universe.keys, month_number(competence)), 12)
        is_late = chance.happens(key, 0.03) & (ends > today.toordinal() - _STILL_LATE_DAYS)
        states[is_late] = PROCESSING
        states[is_late & chance.happens(chance.mix(key), 0.5)] = ABSENT
        states[ends > today.toordinal()] = ABSENT
        states[self.traffic.unknown] = UNKNOWN
        return states

    def _listed(self, row: int, competence: Competence, state: int) -> str:
        if state == PROCESSING:
            return self._processing(row, competence)
        return self._descriptors(row // self._block_size, competence).texts[row % self._block_size]

    def _descriptors(self, block: int, competence: Competence) -> _Described:
        with self._lock:
            if (found := self._described.get((competence, block))) is not None:
                self._described.move_to_end((competence, block))
                return found
        files = self._block(block, competence)
        bodies = (self._spoilt(files.body(p), files.contracts[p], competence) for p in range(len(files)))
        sha256 = [hashlib.sha256(body).hexdigest() for body in bodies]
        made = _Described([self._text(files, place, sha) for place, sha in enumerate(sha256)], sha256)
        with self._lock:
            self._described[competence, block] = made
            if len(self._described) > _DESCRIPTOR_BLOCKS_KEPT:
                self._described.popitem(last=False)
        return made

    def _found(self, row: int, competence: Competence) -> tuple[int, MonthFiles]:
        """Where the row's file stands. One alone is made alone; the second of a block brings its neighbours along."""
        block = row // self._block_size
        with self._lock:
            is_first = (competence, block) not in self._blocks and not self._misses[competence, block]
            self._misses[competence, block] += is_first
        if is_first:
            return 0, self.traffic.files([row], competence)
        return row % self._block_size, self._block(block, competence)

    def _block(self, block: int, competence: Competence) -> MonthFiles:
        with self._lock:
            if (found := self._blocks.get((competence, block))) is not None:
                self._blocks.move_to_end((competence, block))
                return found
        # One at a time: whoever waited finds it made. The other lock stays free for what is at hand.
        with self._making:
            with self._lock:
                if (found := self._blocks.get((competence, block))) is not None:
                    return found
            start = block * self._block_size
            rows = range(start, min(start + self._block_size, len(self.universe.contracts)))
            made = self.traffic.files(rows, competence)
            with self._lock:
                self._keep(competence, block, made)
            return made

    def _keep(self, competence: Competence, block: int, made: MonthFiles) -> None:
        self._blocks[competence, block] = made
        self._bytes += made.size
        while self._bytes > _BYTES_KEPT and len(self._blocks) > 1:
            self._bytes -= self._blocks.popitem(last=False)[1].size

    def _spoilt(self, body: bytes, contract: str, competence: Competence) -> bytes:
        kind = self._content_fault(href(contract, competence))
        return spoilt(body, kind) if kind else body

    # --- Text ---------------------------------------------------------------------------------------------------

    def _text(self, files: MonthFiles, place: int, sha256: str) -> str:
        contract, competence = files.contracts[place], files.competence
        address = href(contract, competence)
        fault = self._content_fault(address)
        is_higher = fault == "wrong-totals" or (fault == "corrected" and files.records[place] > 0)
        centavos = files.centavos[place] + 100 * is_higher
        return json.dumps(
            {
                "contract": contract,
                "competence": str(competence),
                "status": "available",
                "closed_at": files.closed_at(place),
                "period": _period(files.period_from[place], files.period_until[place]),
                "records": files.records[place],
                "billed_seconds": files.seconds[place],
                "amount": plain(centavos),
                "sha256": sha256,
                "href": address,
            }
        )

    def _processing(self, row: int, competence: Competence) -> str:
        contract = self.universe.contracts[row]
        nothing = dict.fromkeys(("closed_at", "records", "billed_seconds", "amount", "sha256"))
        known = {"contract": contract, "competence": str(competence), "status": "processing"}
        address = href(contract, competence)
        return json.dumps(
            {**known, "period": _period(*self.traffic.period(row, competence)), **nothing, "href": address}
        )

    # --- Bills --------------------------------------------------------------------------------------------------

    def invoice(self, contract: str, competence: Competence, today: date) -> dict[str, Any] | None:
        """The platform's own bill of a month that is there and not free; its items are the classes called."""
        row = self.universe.rows[contract]
        sums: Counter[str] = Counter()
        for line in self.traffic.files([row], competence).body(0).decode().splitlines()[1:-1]:
            fields = line.split(";")
            sums[fields[7]] += int(fields[10].replace(".", ""))
        amount = sum(sums.values())
        if not amount:
            return None
        until = self.traffic.period(row, competence)[1].toordinal()
        return {
            "number": f"S{contract}{competence.year}{competence.month:02d}",
            "competence": str(competence),
            "issued_on": date.fromordinal(until + 1).isoformat(),
            "due_on": date.fromordinal(until + 11).isoformat(),
            "amount": plain(amount),
            "status": "paid" if until + 11 <= today.toordinal() else "open",
            "items": [
                {"description": _CLASS_WORDS.get(name, name), "amount": plain(part)}
                for name, part in sorted(sums.items())
                if part
            ],
        }


_CLASS_WORDS = {
    "": "Chamadas diversas",
    "LOCAL": "Chamadas locais",
    "LDN": "Longa distância nacional",
    "LDI": "Longa distância internacional",
    "VC1": "Celular VC1",
    "VC2": "Celular VC2",
    "VC3": "Celular VC3",
    "SHARED": "Serviços 0300, 0500 e 0900",
}


def href(contract: str, competence: Competence) -> str:
    """The path of a contract's file."""
    return f"/v1/files/{competence}/{contract}.csv"


def cursor_of(competence: Competence, row: int) -> str:
    """The opaque text that says where a listing goes on."""
    return base64.urlsafe_b64encode(f"{competence} {row}".encode()).decode()


def row_of(cursor: str, competence: Competence) -> int:
    """The row that ``cursor`` stands for in the listing of ``competence``; ``InvalidInputError`` if it is not ours."""
    try:
        month, row = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        if month == str(competence) and 0 <= int(row) < 1 << 31:
            return int(row)
    except ValueError:
        pass
    raise InvalidInputError(field="cursor", value=cursor, cause="cursor")


def _period(first: date, last: date) -> dict[str, str]:
    return {"from": first.isoformat(), "until": last.isoformat()}
