"""Counts and sums over the items of a batch, kept in step with the ledger.

Screens ask for them after every settled chunk, so of a batch that moves only the items that changed are read: to sum up
20,000 of them each time would cost more than the rest of the page.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.sets import among
from stfc.domain.outcome import ItemOutcome

items = schema.items

_SETTLED = (ItemOutcome.CHARGED, ItemOutcome.ZERO)
_FOLLOWED = 4
"""Of so many batches each item is kept: those that run now, and those that somebody looks at."""
_OF_FORECAST = 4
"""Where the facts of the forecast begin among an item's figures."""

Figures = tuple[int, ...]
"""Of an item, or summed up: items, centavos, calls, reversed; then, over those with a forecast: how many, how many
settled, what was expected of these, what they came to, how many of them came within their range."""


@dataclass(frozen=True)
class Tally:
    """What the items of a batch add up to, by outcome."""

    by_outcome: Mapping[str, Figures]

    @property
    def outcomes(self) -> dict[str, int]:
        """How many items have which outcome; every ``ItemOutcome`` is a key."""
        return {one.value: self._of(one)[0] for one in ItemOutcome}

    @property
    def live(self) -> dict[str, int]:
        """The same without those reversed."""
        return {one.value: self._of(one)[0] - self._of(one)[3] for one in ItemOutcome}

    @property
    def whole(self) -> Figures:
        """The figures of all of them."""
        return tuple(map(sum, zip(*self.by_outcome.values(), _NOTHING, strict=True)))

    @property
    def against_forecast(self) -> Figures:
        """What ``domain.forecast.BatchForecast`` asks for."""
        return self.whole[_OF_FORECAST:]

    def _of(self, outcome: ItemOutcome) -> Figures:
        return self.by_outcome.get(outcome.value, _NOTHING)


@dataclass
class _Kept:
    revision: int
    tally: Tally
    items: dict[int, tuple[str, Figures]] | None = None


class Tallies:
    """The tallies of the batches asked for; safe from any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, connection: Connection, batches: Mapping[int, int]) -> dict[int, Tally]:
        """The tallies of ``batches``, each with the revision of its month, as ``connection`` sees them."""
        with self._lock:
            unknown = [batch for batch, revision in batches.items() if not self._is_usable(batch, revision)]
            for batch, by_outcome in _summed_up(connection, unknown).items():
                self._kept[batch] = _Kept(batches[batch], Tally(by_outcome))
            for batch, revision in batches.items():
                if self._kept[batch].revision < revision:
                    self._follow(connection, batch, revision)
            return {batch: self._kept[batch].tally for batch in batches}

    def _is_usable(self, batch: int, revision: int) -> bool:
        """Whether what is kept is true, or was; one ahead of the ledger is neither: a copy was restored."""
        return batch in self._kept and self._kept[batch].revision <= revision

    def _follow(self, connection: Connection, batch: int, revision: int) -> None:
        kept = self._kept[batch]
        sums: dict[str, list[int]] = {}
        figures: dict[int, tuple[str, Figures]] = {}
        since = 0
        if kept.items is not None:
            sums = {name: list(one) for name, one in kept.tally.by_outcome.items()}
            figures, since = kept.items, kept.revision
        for item, outcome, *numbers in connection.execute(_CHANGED, {"batch": batch, "since": since}):
            if item in figures:
                _add(sums, *figures[item], sign=-1)
            figures[item] = outcome, tuple(map(int, numbers))
            _add(sums, *figures[item], sign=1)
        self._kept[batch] = _Kept(revision, Tally({name: tuple(one) for name, one in sums.items()}), figures)
        self._kept.move_to_end(batch)
        followed = [one for one in self._kept.values() if one.items is not None]
        for one in followed[:-_FOLLOWED]:
            one.items = None


def _add(sums: dict[str, list[int]], outcome: str, figures: Figures, *, sign: int) -> None:
    to = sums.setdefault(outcome, [0] * len(figures))
    for place, figure in enumerate(figures):
        to[place] += sign * figure


def _figures() -> list[sa.ColumnElement[Any]]:
    """An item's ``Figures``."""
    live = sa.case((items.c.reversed, 0), else_=1)
    foreseen = items.c.expected.is_not(None)
    settled = sa.and_(foreseen, ~items.c.reversed, items.c.outcome.in_(_SETTLED))
    amount, calls = (sa.func.coalesce(column, 0) for column in (items.c.amount, items.c.calls))
    within = sa.and_(settled, amount.between(items.c.expected_low, items.c.expected_high))
    compared = ((foreseen, 1), (settled, 1), (settled, items.c.expected), (settled, amount), (within, 1))
    against_forecast = (sa.case((which, what), else_=0) for which, what in compared)
    return [sa.literal(1), amount * live, calls * live, 1 - live, *against_forecast]


_NOTHING: Figures = (0,) * len(_figures())
_MONTH = sa.select(schema.batches.c.competence).where(schema.batches.c.batch == sa.bindparam("batch"))
# By its month too, of which an index knows what changed.
_CHANGED = sa.select(items.c.item, items.c.outcome, *_figures()).where(
    items.c.batch == sa.bindparam("batch"),
    items.c.competence == _MONTH.scalar_subquery(),
    items.c.revision > sa.bindparam("since"),
)


def _summed_up(connection: Connection, batches: Sequence[int]) -> dict[int, dict[str, Figures]]:
    """The figures of all items by batch and outcome, added up where they lie."""
    found: dict[int, dict[str, Figures]] = {batch: {} for batch in batches}
    if batches:
        query = sa.select(items.c.batch, items.c.outcome, *map(sa.func.sum, _figures()))
        query = query.where(among(items.c.batch, batches)).group_by(items.c.batch, items.c.outcome)
        for batch, outcome, *figures in connection.execute(query):
            found[batch][outcome] = tuple(map(int, figures))
    return found
