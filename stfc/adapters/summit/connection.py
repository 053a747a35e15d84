"""One connection to the platform at a time: HTTP/1.1 by h11 straight over asyncio, or through a proxy by httpcore.

Both ask with the same two calls. The direct way is what a month of files goes through: 0.12 ms of CPU a request, where
a connection of httpcore takes 0.28 and a client of httpx 0.7 (docs/performance.md).
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import h11
import httpcore

from stfc.errors import ConnectionBrokenError, PlatformTimeoutError

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_TIMEOUTS = {"timeout": {"connect": _CONNECT_SECONDS, "read": _READ_SECONDS, "write": _READ_SECONDS}}
_PORTS = {"http": 80, "https": 443}
_LONGEST_HEAD = 100 * 1024
_MOST_PIECES = 16

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Request:
    """What to ask: ``address`` is absolute; ``headers`` are all that are sent, but for the length of ``content``."""

    method: str
    address: str
    headers: Headers
    content: bytes = b""

    @property
    def framed(self) -> list[tuple[bytes, bytes]]:
        """The headers with the length of the content, if there is any."""
        length = [(b"content-length", str(len(self.content)).encode())] if self.content else []
        return [*self.headers, *length]


@dataclass(frozen=True)
class Head:
    """Status and headers of an answer, their names in lower case."""

    status: int
    headers: dict[str, str]


class Connection(Protocol):
    """Room for one request at a time; connects when first asked, and again when the peer has gone.

    Raises ``PlatformTimeoutError`` and ``ConnectionBrokenError``. Every ``ask`` is followed by a ``rest``.
    """

    async def ask(self, request: Request) -> Head:
        """Send a request and give the head of its answer."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The body of the answer, as it comes in."""
        ...

    async def rest(self) -> None:
        """Keep the connection for the next request if the answer was read to its end, else close it."""
        ...

    async def close(self) -> None:
        """Close it at once."""
        ...


def connection(base: str, proxy: str | None, context: ssl.SSLContext) -> Connection:
    """A connection to the host of ``base``, over ``proxy`` if there is one."""
    return ProxiedConnection(proxy, context) if proxy else DirectConnection(base, context)


class DirectConnection:
    """``Connection`` without anybody between."""

    def __init__(self, base: str, context: ssl.SSLContext) -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._context = context if parts.scheme == "https" else None
        self._wire: _Wire | None = None
        self._state = h11.Connection(h11.CLIENT)

    async def ask(self, request: Request) -> Head:
        """Send a request and give the head of its answer."""
        if self._wire is None or not self._wire.is_quiet:
            # What comes unasked, or an end, is the peer's goodbye.
            await self.close()
            self._wire = await self._connected()
            self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        with _broken():
            self._wire.send(self._encoded(request))
        while not isinstance(event := await self._event(), h11.Response):
            if not isinstance(event, h11.InformationalResponse):
                raise ConnectionBrokenError(cause="cut")
        return Head(event.status_code, _named(event.headers.raw_items()))

    def _encoded(self, request: Request) -> bytes:
        parts = urlsplit(request.address)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = [h11.Request(method=request.method, target=target, headers=request.framed)]
        body = [h11.Data(data=request.content)] if request.content else []
        return b"".join(self._state.send(event) or b"" for event in (*sent, *body, h11.EndOfMessage()))

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body of the answer, as it comes in."""
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)

    async def rest(self) -> None:
        """Keep the connection for the next request if the answer was read to its end, else close it."""
        if self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
        else:
            await self.close()

    async def close(self) -> None:
        """Close it at once."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.abort()

    async def _connected(self) -> "_Wire":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS) as limit:
                _, wire = await loop.create_connection(_Wire, self._host, self._port, ssl=self._context)
        except TimeoutError as cause:
            if not limit.expired():
                raise ConnectionBrokenError(cause="connect") from cause
            raise PlatformTimeoutError(phase="connect", seconds=_CONNECT_SECONDS) from cause
        except OSError as cause:
            raise ConnectionBrokenError(cause="connect") from cause
        return wire

    async def _event(self) -> Any:
        assert self._wire is not None
        while True:
            with _broken():
                event = self._state.next_event()
                if event is not h11.NEED_DATA:
                    return event
                self._state.receive_data(await self._wire.read())


class _Wire(asyncio.Protocol):
    """The bytes that come in, piece by piece; the peer is stopped when they are not fetched."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_over = False
        self._is_paused = False
        self._error: Exception | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has come that was not read, not even the end."""
        return not self._pieces and not self._is_over

    def send(self, data: bytes) -> None:
        """Send ``data``, in the background if need be."""
        self._transport.write(data)

    def abort(self) -> None:
        """Close without a word."""
        self._transport.abort()

    async def read(self) -> bytes:
        """The next piece; empty at the end. ``OSError`` or ``PlatformTimeoutError``."""
        if self.is_quiet:
            await self._news()
        if not self._pieces:
            if self._error:
                raise self._error
            return b""
        piece = self._pieces.popleft()
        if self._is_paused and not self._pieces:
            self._is_paused = False
            self._transport.resume_reading()
        return piece

    async def _news(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        # Cheaper than a time-out of asyncio's, which costs a task's cancellation.
        alarm = loop.call_later(_READ_SECONDS, self._too_late)
        try:
            await self._waiter
        finally:
            self._waiter = None
            alarm.cancel()

    def _too_late(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(PlatformTimeoutError(phase="read", seconds=_READ_SECONDS))

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep a piece."""
        self._pieces.append(data)
        if len(self._pieces) >= _MOST_PIECES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Nothing more comes; the transport closes itself."""
        self._is_over = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self._is_over, self._error = True, exc
        self._wake()


class ProxiedConnection:
    """``Connection`` through a proxy, by httpcore: a tunnel for https, an absolute address for http."""

    def __init__(self, proxy: str, context: ssl.SSLContext) -> None:
        parts = urlsplit(proxy)
        self._proxy = httpcore.AsyncHTTPProxy(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            proxy_auth=(unquote(parts.username), unquote(parts.password or "")) if parts.username else None,
            ssl_context=context,
            max_connections=1,
        )
        self._response: httpcore.Response | None = None

    async def ask(self, request: Request) -> Head:
        """Send a request and give the head of its answer."""
        with _broken_at_proxy():
            self._response = await self._proxy.handle_async_request(
                httpcore.Request(
                    request.method,
                    request.address,
                    headers=request.framed,
                    content=request.content,
                    extensions=_TIMEOUTS,
                )
            )
        return Head(self._response.status, _named(self._response.headers))

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body of the answer, as it comes in."""
        assert self._response is not None
        with _broken_at_proxy():
            async for piece in self._response.aiter_stream():
                yield piece

    async def rest(self) -> None:
        """Keep the connection for the next request if the answer was read to its end, else close it."""
        response, self._response = self._response, None
        if response is not None:
            await response.aclose()

    async def close(self) -> None:
        """Close it."""
        await self._proxy.aclose()


def _named(headers: Headers) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


@contextmanager
def _broken() -> Iterator[None]:
    """Errors of the direct way as our own; none of them carries an address, a header or a body."""
    try:
        yield
    except h11.RemoteProtocolError as cause:
        raise ConnectionBrokenError(cause="cut") from cause
    except h11.LocalProtocolError as cause:
        raise ConnectionBrokenError(cause="protocol") from cause
    except OSError as cause:
        raise ConnectionBrokenError(cause="reset") from cause


@contextmanager
def _broken_at_proxy() -> Iterator[None]:
    """Errors of httpcore as our own."""
    try:
        yield
    except httpcore.ConnectTimeout as cause:
        raise PlatformTimeoutError(phase="connect", seconds=_CONNECT_SECONDS) from cause
    except httpcore.TimeoutException as cause:
        raise PlatformTimeoutError(phase="read", seconds=_READ_SECONDS) from cause
    except (httpcore.ConnectError, httpcore.ProxyError) as cause:
        raise ConnectionBrokenError(cause="connect") from cause
    except httpcore.RemoteProtocolError as cause:
        raise ConnectionBrokenError(cause="cut") from cause
    except httpcore.NetworkError as cause:
        raise ConnectionBrokenError(cause="reset") from cause
    except (httpcore.ProtocolError, httpcore.ConnectionNotAvailable) as cause:
        raise ConnectionBrokenError(cause="protocol") from cause
