"""One connection to the platform at a time, over a transport of httpx.

A client of httpx looks at its whole pool for every request, and merges settings that here are always the same. So each
connection is a transport of its own, with room for one, and whoever asks keeps them in a queue: that is the pool.
"""

import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from stfc.errors import ConnectionBrokenError, PlatformTimeoutError

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_TIMEOUTS = {"timeout": httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS).as_dict()}
_ROOM_FOR_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Request:
    """What to ask: ``address`` is absolute; ``headers`` are all that are sent, but for the length of ``content``."""

    method: str
    address: str
    headers: Headers
    content: bytes | None = None


@dataclass(frozen=True)
class Head:
    """Status and headers of an answer, their names in lower case."""

    status: int
    headers: dict[str, str]


class Connection:
    """Room for one request at a time; connects when first asked, over ``proxy`` if there is one, and again when the
    peer has gone.

    Raises ``PlatformTimeoutError`` and ``ConnectionBrokenError``. Every ``ask`` is followed by a ``rest``.
    """

    def __init__(self, proxy: str | None, context: ssl.SSLContext) -> None:
        self._transport = httpx.AsyncHTTPTransport(
            verify=context, trust_env=False, limits=_ROOM_FOR_ONE, proxy=httpx.Proxy(proxy) if proxy else None
        )
        self._response: httpx.Response | None = None

    async def ask(self, request: Request) -> Head:
        """Send a request and give the head of its answer."""
        with _translated():
            sent = httpx.Request(
                request.method,
                request.address,
                headers=list(request.headers),
                content=request.content,
                extensions=_TIMEOUTS,
            )
            self._response = await self._transport.handle_async_request(sent)
        found = self._response.headers.raw
        return Head(
            self._response.status_code,
            {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in found},
        )

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body of the answer as it comes in, still packed."""
        assert self._response is not None, "an answer was asked for"
        with _translated():
            async for piece in self._response.aiter_raw():
                yield piece

    async def rest(self) -> None:
        """Keep the connection for the next request if the answer was read to its end, else close it."""
        response, self._response = self._response, None
        if response is not None:
            await response.aclose()

    async def close(self) -> None:
        """Close it."""
        await self._transport.aclose()


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of httpx as our own; none of them carries an address, a header or a body."""
    try:
        yield
    except httpx.ConnectTimeout as cause:
        raise PlatformTimeoutError(phase="connect", seconds=_CONNECT_SECONDS) from cause
    except httpx.TimeoutException as cause:
        raise PlatformTimeoutError(phase="read", seconds=_READ_SECONDS) from cause
    except (httpx.ConnectError, httpx.ProxyError) as cause:
        raise ConnectionBrokenError(cause="connect") from cause
    except httpx.RemoteProtocolError as cause:
        raise ConnectionBrokenError(cause="cut") from cause
    except httpx.NetworkError as cause:
        raise ConnectionBrokenError(cause="reset") from cause
    except httpx.HTTPError as cause:
        raise ConnectionBrokenError(cause="protocol") from cause
