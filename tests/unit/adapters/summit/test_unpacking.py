"""Bodies unpacked piece by piece, up to a limit."""

import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.adapters.summit.unpacking import BrokenBodyError, Unpacker, unpacked


@given(st.binary(max_size=5_000), st.integers(1, 700))
def test_any_body_comes_back_whole_whatever_the_pieces(body: bytes, size: int) -> None:
    packed = gzip.compress(body, mtime=0)
    unpacker = Unpacker(5_000, is_packed=True)
    for start in range(0, len(packed), size):
        unpacker.feed(packed[start : start + size])

    assert unpacker.body() == body


def test_members_one_after_the_other_are_one_body() -> None:
    assert unpacked(gzip.compress(b"one ", mtime=0) + gzip.compress(b"two", mtime=0), 100) == b"one two"


def test_exactly_the_limit_is_taken() -> None:
    assert unpacked(gzip.compress(bytes(100)), 100) == bytes(100)


@pytest.mark.parametrize(
    ("packed", "cause"),
    [
        (gzip.compress(bytes(101), mtime=0), "too_large"),
        (gzip.compress(b"abc", mtime=0)[:-1], "gzip_cut"),
        (b"", "gzip_cut"),
        (b"plain text", "gzip"),
        (gzip.compress(b"abc", mtime=0) + b"rest", "gzip"),
        (gzip.compress(b"abc", mtime=0)[:-8] + bytes(8), "gzip"),
    ],
    ids=["too large", "cut", "empty", "plain text", "rest", "wrong sum"],
)
def test_a_broken_body_is_told_by_its_cause(packed: bytes, cause: str) -> None:
    with pytest.raises(BrokenBodyError) as caught:
        unpacked(packed, 100)

    assert caught.value.cause == cause


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    with pytest.raises(BrokenBodyError):
        unpacked(bomb, 1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 4 << 20


def test_a_plain_body_has_the_same_limit() -> None:
    unpacker = Unpacker(10, is_packed=False)
    unpacker.feed(b"0123456789")
    assert unpacker.body() == b"0123456789"
    with pytest.raises(BrokenBodyError):
        unpacker.feed(b"x")
