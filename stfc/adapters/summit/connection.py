"""One connection to the platform at a time, by httpcore, the engine below httpx.

A client of httpx looks at its whole pool for every request, and it and its transports take addresses and headers apart
that here are always of one form: half of what a request costs. So each connection is a pool of httpcore with room for
one, and whoever asks keeps them in a queue.
"""

import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import httpcore

from stfc.errors import ConnectionBrokenError, PlatformTimeoutError

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_IDLE_SECONDS = 5.0
_TIMEOUTS = {"timeout": {"connect": _CONNECT_SECONDS, "read": _READ_SECONDS, "write": _READ_SECONDS}}

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
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=1, keepalive_expiry=_IDLE_SECONDS, proxy=_proxy(proxy)
        )
        self._response: httpcore.Response | None = None

    async def ask(self, request: Request) -> Head:
        """Send a request and give the head of its answer."""
        with _translated():
            length = [(b"content-length", str(len(request.content)).encode())] if request.content else []
            sent = httpcore.Request(
                request.method,
                request.address,
                headers=[*request.headers, *length],
                content=request.content,
                extensions=_TIMEOUTS,
            )
            self._response = await self._pool.handle_async_request(sent)
        found = self._response.headers
        return Head(
            self._response.status, {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in found}
        )

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body of the answer as it comes in, still packed."""
        assert self._response is not None, "an answer was asked for"
        with _translated():
            async for piece in self._response.aiter_stream():
                yield piece

    async def rest(self) -> None:
        """Keep the connection for the next request if the answer was read to its end, else close it."""
        response, self._response = self._response, None
        if response is not None:
            await response.aclose()

    async def close(self) -> None:
        """Close it."""
        await self._pool.aclose()


def _proxy(address: str | None) -> httpcore.Proxy | None:
    if address is None:
        return None
    parts = urlsplit(address)
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore.Proxy(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), auth)


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of httpcore as our own; none of them carries an address, a header or a body."""
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
