"""Chance without a sequence: every number is a hash of what it is for, so that order never matters.

A value is ``draw(key, field)``: one column or one element give the same. Only integer arithmetic decides what ends in
a file, so the bytes are the same on every machine.
"""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_LADDER_BITS = 12
_PARTS = 1 << 32


def mix(words: Words) -> Words:
    """The finaliser of splitmix64: every bit of the result depends on every bit of the word."""
    out = words ^ (words >> np.uint64(30))
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(27)
    out *= np.uint64(0x94D049BB133111EB)
    out ^= out >> np.uint64(31)
    return out


def draw(keys: Words, field: int) -> Words:
    """64 random bits per key for the field number ``field``; other fields of the same key are independent."""
    return mix(keys + np.uint64((field + 1) * _GOLDEN & _MASK))


def spread(keys: Words, indices: Ints) -> Words:
    """A key of its own for element ``indices[i]`` of what ``keys[i]`` stands for."""
    return mix(keys + indices.astype(np.uint64) * np.uint64(0xD1342543DE82EF95))


def below(words: Words, bound: int | Ints) -> Ints:
    """Integers in ``[0, bound)`` from the upper 32 bits; ``bound`` (below 2**31) may differ by element."""
    limit = np.uint64(bound) if isinstance(bound, int) else bound.astype(np.uint64)
    return ((words >> np.uint64(32)) * limit >> np.uint64(32)).astype(np.int64)


def happens(words: Words, rate: float) -> NDArray[np.bool_]:
    """True in ``rate`` of the cases."""
    return (words >> np.uint64(32)) < np.uint64(round(rate * _PARTS))


def ladder(points: Sequence[tuple[float, int]]) -> Ints:
    """A table for ``climb``: integers between ``(share, value)`` points, straight lines, shares from 0 to 1."""
    steps = 1 << _LADDER_BITS
    table = np.empty(steps, dtype=np.int64)
    for (low, first), (high, last) in pairwise(points):
        start, end = round(low * steps), round(high * steps)
        table[start:end] = first + (last - first) * np.arange(end - start) // (end - start)
    return table


def climb(words: Words, table: Ints) -> Ints:
    """Values of a ``ladder`` in its distribution."""
    return table[(words >> np.uint64(64 - _LADDER_BITS)).astype(np.int64)]


def wheel(weights: dict[int, int], slots: int = 1000) -> Ints:
    """A table of ``slots`` entries for ``spin``: each key stands in it by its weight, at least once if it has any."""
    total = sum(weights.values())
    counts = {key: max(1, weight * slots // total) for key, weight in weights.items() if weight}
    heaviest = max(counts, key=lambda key: counts[key])
    counts[heaviest] += slots - sum(counts.values())
    return np.repeat(np.array(list(counts), dtype=np.int64), list(counts.values()))


def spin(words: Words, table: Ints) -> Ints:
    """Keys of a ``wheel`` by their weight."""
    return table[below(words, len(table))]


def key_of(text: str, seed: int) -> int:
    """The 64 bits that stand for ``text`` in the universe of ``seed``; stable across versions and machines."""
    salt = (seed & _MASK).to_bytes(8, "little")
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=salt).digest(), "little")


def keys_of(texts: Sequence[str], seed: int) -> Words:
    """``key_of`` for many."""
    return np.fromiter((key_of(text, seed) for text in texts), dtype=np.uint64, count=len(texts))


def word_of(keys: Words, number: int) -> Words:
    """Keys narrowed to one number (a month, a kind), to draw from."""
    return mix(keys ^ np.uint64((number + 1) * 0xA24BAED4963EE407 & _MASK))


def ladder_rows(words: Words, tables: Ints, rows: Ints) -> Ints:
    """``climb`` where each word has the ladder ``tables[row]`` of its own."""
    return tables[rows, (words >> np.uint64(64 - _LADDER_BITS)).astype(np.int64)]
