"""One event loop for the asynchronous work of many threads."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager

import pytest

from stfc.adapters.executors import SharedLoop


class Things:
    """Makes things, and notes which were made and ended."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.ended: list[int] = []

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[int]:
        self.made.append(len(self.made) + 1)
        await asyncio.sleep(0)
        yield self.made[-1]
        self.ended.append(self.made[-1])


async def _itself(thing: int) -> int:
    return thing


async def _for_ever(thing: int) -> None:
    await asyncio.Event().wait()


def test_what_runs_shares_one_thing_until_it_is_closed() -> None:
    things = Things()
    loop = SharedLoop(things)
    assert [future.result() for future in [loop.submit(_itself) for _ in range(5)]] == [1] * 5
    loop.close()
    assert (things.made, things.ended) == ([1], [1])


def test_after_closing_it_starts_anew() -> None:
    loop = SharedLoop(Things())
    loop.submit(_itself).result()
    loop.close()
    loop.close()
    assert loop.submit(_itself).result() == 2
    loop.close()


def test_closing_cancels_what_is_under_way() -> None:
    things = Things()
    loop = SharedLoop(things)
    future = loop.submit(_for_ever)
    loop.submit(_itself).result()
    loop.close()
    with pytest.raises(CancelledError):
        future.result()
    assert things.ended == [1]


def test_an_error_of_making_the_thing_comes_out_and_the_next_one_tries_again() -> None:
    calls = []

    def make() -> object:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return Things()()

    loop: SharedLoop[int] = SharedLoop(make)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        loop.submit(_itself).result()
    assert loop.submit(_itself).result() == 1
    loop.close()
