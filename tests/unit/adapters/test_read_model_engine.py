"""What the read model keeps, and what it lets go."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import pytest

from stfc.adapters.read_model.engine import Cache, weight


@dataclass
class _Pair:
    left: pl.DataFrame
    right: pl.DataFrame


@pytest.fixture
def made() -> list[str]:
    return []


def _maker(made: list[str], key: str) -> Callable[[], str]:
    def make() -> str:
        made.append(key)
        return key * 10

    return make


def _ask(cache: Cache[str, str], made: list[str], keys: str) -> str:
    """Which of ``keys`` had to be made, asked for in turn."""
    made.clear()
    for key in keys:
        assert cache.get(key, _maker(made, key)) == key * 10
    return "".join(made)


def test_the_most_recently_used_are_kept(made: list[str]) -> None:
    cache: Cache[str, str] = Cache(2)
    assert _ask(cache, made, "abab") == "ab"
    assert _ask(cache, made, "cba") == "ca"


def test_values_that_are_too_heavy_together_go_the_oldest_first(made: list[str]) -> None:
    cache: Cache[str, str] = Cache(9, most=20, weigh=len)
    assert _ask(cache, made, "abab") == "ab"
    assert _ask(cache, made, "cbca") == "ca"


def test_one_that_is_too_heavy_by_itself_is_kept_until_the_next(made: list[str]) -> None:
    cache: Cache[str, str] = Cache(9, most=5, weigh=len)
    assert _ask(cache, made, "aabba") == "aba"


def test_frames_weigh_what_they_hold() -> None:
    frame = pl.DataFrame({"n": list(range(1_000))})
    assert weight(frame) == 8_000
    assert weight(_Pair(frame, frame)) == 16_000
    assert weight("text") == 0
