"""Where the asynchronous work of many threads runs: one event loop on a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

Shared = TypeVar("Shared")
Answer = TypeVar("Answer")


class SharedLoop(Generic[Shared]):
    """Runs coroutines of any thread in one event loop, around one thing that they share, such as a gateway.

    Loop and thing are made for whoever comes first, and end when closed, so that chunks that follow each other keep
    their connections. The thread does not keep the process alive.
    """

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[Shared]]) -> None:
        """``make`` gives the thing as a context, which the loop enters and leaves."""
        self._make = make
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opening: asyncio.Lock | None = None
        self._context: AbstractAsyncContextManager[Shared] | None = None
        self._shared: Shared | None = None

    def submit(self, act: Callable[[Shared], Coroutine[Any, Any, Answer]]) -> Future[Answer]:
        """Start ``act``; the future gives its answer or its error, also that of making the thing. Cancelling it,
        or closing, cancels it."""
        with self._lock:
            loop = self._loop or self._start()
        return asyncio.run_coroutine_threadsafe(self._acted(act), loop)

    def close(self) -> None:
        """Cancel all that is under way, leave the context, end the thread; submitting starts anew."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        # As asyncio.run does: threads that to_thread started end with their loop.
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop, self._opening = asyncio.new_event_loop(), asyncio.Lock()
        self._thread = threading.Thread(target=self._loop.run_forever, name="platform", daemon=True)
        self._thread.start()
        return self._loop

    async def _acted(self, act: Callable[[Shared], Coroutine[Any, Any, Answer]]) -> Answer:
        assert self._opening is not None
        async with self._opening:
            if self._shared is None:
                context = self._make()
                self._shared = await context.__aenter__()
                self._context = context
            shared = self._shared
        return await act(shared)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        context, self._context, self._shared = self._context, None, None
        if context is not None:
            await context.__aexit__(None, None, None)
