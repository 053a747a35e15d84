"""The hash that stands for chance: same input, same output; flat enough; never out of bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.simulator import chance

KEYS = chance.mix(np.arange(100_000, dtype=np.uint64))


def test_a_text_has_the_same_key_for_ever() -> None:
    # A golden value: another one would change every file of every seed.
    assert chance.key_of("10001", 7) == 10_002_255_343_348_706_975
    drawn = chance.draw(np.array([1, 2], dtype=np.uint64), 3)
    assert drawn.tolist() == [8_196_980_753_821_780_235, 14_119_491_246_550_939_236]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20), st.integers(0, 500))
def test_one_element_is_drawn_as_the_whole_column_is(words: list[int], field: int) -> None:
    column = np.array(words, dtype=np.uint64)

    drawn = chance.draw(column, field)

    assert drawn.tolist() == [int(chance.draw(column[place : place + 1], field)[0]) for place in range(len(words))]


def test_fields_of_one_key_are_independent() -> None:
    first, second = (chance.below(chance.draw(KEYS, field), 10) for field in (1, 2))

    counts = np.bincount(first * 10 + second, minlength=100)
    assert counts.min() > 850
    assert counts.max() < 1150


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**31 - 1))
def test_below_stays_below(word: int, bound: int) -> None:
    assert 0 <= int(chance.below(np.array([word], dtype=np.uint64), bound)[0]) < bound


@pytest.mark.parametrize(("rate", "least", "most"), [(0.0, 0, 0), (1.0, 100_000, 100_000), (0.01, 850, 1150)])
def test_things_happen_at_their_rate(rate: float, least: int, most: int) -> None:
    assert least <= int(chance.happens(KEYS, rate).sum()) <= most


def test_a_ladder_climbs_from_its_first_to_its_last_value() -> None:
    table = chance.ladder([(0, 5), (0.25, 12), (1, 81)])

    assert (table[0], table.max()) == (5, 80)
    assert (np.diff(table) >= 0).all()
    assert set(chance.climb(KEYS, table).tolist()) == set(range(5, 81))


def test_a_wheel_holds_every_key_that_has_weight() -> None:
    assert set(chance.wheel({1: 1_000_000, 2: 1, 3: 0}).tolist()) == {1, 2}
