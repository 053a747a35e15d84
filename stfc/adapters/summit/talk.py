"""Connections for the platform's own words (listings, descriptors, subscribers, invoices): by httpx."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

from stfc.adapters.summit.connection import Patience, Reply, Request
from stfc.errors import ConnectionBrokenError, PlatformTimeoutError


class TalkConnections:
    """``connection.Connections`` by httpx, up to ``limit`` of them, over ``proxy`` if there is one."""

    def __init__(self, limit: int, proxy: str | None, context: ssl.SSLContext, patience: Patience) -> None:
        self._patience = patience
        self._client = httpx.AsyncClient(
            verify=context,
            proxy=proxy,
            trust_env=False,
            limits=httpx.Limits(max_connections=limit, keepalive_expiry=patience.idle),
            # Whoever asks waits for a place and limits the whole.
            timeout=httpx.Timeout(patience.read, connect=patience.connect, pool=None),
        )
        self._client.headers.clear()

    @asynccontextmanager
    async def ask(self, request: Request) -> AsyncIterator[Reply]:
        """Send a request and give its answer."""
        with _translated(self._patience):
            sent = self._client.build_request(
                request.method, request.address, headers=request.headers, content=request.content
            )
            response = await self._client.send(sent, stream=True)
        try:
            yield Reply(response.status_code, response.headers, _pieces(response, self._patience))
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close them all."""
        await self._client.aclose()


async def _pieces(response: httpx.Response, patience: Patience) -> AsyncIterator[bytes]:
    with _translated(patience):
        async for piece in response.aiter_raw():
            yield piece


@contextmanager
def _translated(patience: Patience) -> Iterator[None]:
    """Errors of httpx as our own; none of them carries an address, a header or a body."""
    try:
        yield
    except httpx.ConnectTimeout as cause:
        raise PlatformTimeoutError(phase="connect", seconds=patience.connect) from cause
    except httpx.TimeoutException as cause:
        raise PlatformTimeoutError(phase="read", seconds=patience.read) from cause
    except (httpx.ConnectError, httpx.ProxyError) as cause:
        raise ConnectionBrokenError(cause="connect") from cause
    except httpx.RemoteProtocolError as cause:
        raise ConnectionBrokenError(cause="cut") from cause
    except httpx.NetworkError as cause:
        raise ConnectionBrokenError(cause="reset") from cause
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise ConnectionBrokenError(cause="protocol") from cause
