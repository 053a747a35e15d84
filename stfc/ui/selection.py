"""Which contracts are chosen, by id: pure functions that grids, pages and tests share.

A grid keeps selected *positions*; after a filter the same positions would mean other contracts. So positions live only
as long as the very rows they were made on, and what is kept is ids.
"""

import re
from collections.abc import Iterable, Sequence

Ids = frozenset[str]

_WORD = re.compile(r"[^\s,;|]+")
_PASTE_LIMIT = 200_000


def merge(selected: Ids, page: Sequence[str], rows: Iterable[int]) -> Ids:
    """``selected`` with this page's part replaced by ``rows``, positions in ``page`` (those outside it are ignored)."""
    marked = {page[row] for row in rows if 0 <= row < len(page)}
    return (selected - frozenset(page)) | marked


def rows_of(selected: Ids, page: Sequence[str]) -> list[int]:
    """The positions in ``page`` that are selected, ascending."""
    return [row for row, key in enumerate(page) if key in selected]


def pasted(text: str) -> tuple[str, ...]:
    """The ids in a pasted list, each once, in its order: blanks, commas, semicolons, tabs and line ends part them."""
    words = _WORD.findall(text)[:_PASTE_LIMIT]
    return tuple(dict.fromkeys(word.strip("\"'") for word in words if word.strip("\"'")))


def split(wanted: Iterable[str], known: Iterable[str]) -> tuple[Ids, tuple[str, ...]]:
    """``wanted`` that are known, and those that are not, in their order."""
    existing = frozenset(known)
    ordered = tuple(wanted)
    return frozenset(ordered) & existing, tuple(one for one in ordered if one not in existing)
