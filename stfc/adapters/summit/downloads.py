"""Connections for the billing files, a thousand a second of them: by aiohttp.

Of the CPU that a contract costs, httpx takes 0.72 ms for its file, httpcore below it 0.36, aiohttp 0.1 (decision 4).
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from yarl import URL

from stfc.adapters.summit.connection import Patience, Reply, Request
from stfc.errors import ConnectionBrokenError, PlatformTimeoutError

_NOT_SENT = ("accept", "user-agent", "content-type")


class DownloadConnections:
    """``connection.Connections`` by aiohttp, up to ``limit`` of them, over ``proxy`` if there is one."""

    def __init__(self, limit: int, proxy: str | None, context: ssl.SSLContext, patience: Patience) -> None:
        self._patience = patience
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=patience.idle, ssl=context),
            # Whoever asks limits the whole.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=patience.connect, sock_read=patience.read),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NOT_SENT,
            proxy=proxy,
        )

    @asynccontextmanager
    async def ask(self, request: Request) -> AsyncIterator[Reply]:
        """Send a request and give its answer."""
        with _translated(self._patience):
            response = await self._session.request(
                request.method,
                URL(request.address, encoded=True),
                headers=request.headers,
                data=request.content,
                allow_redirects=False,
            )
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield Reply(response.status, headers, _pieces(response.content, self._patience))
        finally:
            # One that was read to its end has handed its connection back by itself.
            response.close()

    async def close(self) -> None:
        """Close them all."""
        await self._session.close()


async def _pieces(content: aiohttp.StreamReader, patience: Patience) -> AsyncIterator[bytes]:
    with _translated(patience):
        async for piece in content.iter_any():
            yield piece


@contextmanager
def _translated(patience: Patience) -> Iterator[None]:
    """Errors of aiohttp as our own; none of them carries an address, a header or a body."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as cause:
        raise PlatformTimeoutError(phase="connect", seconds=patience.connect) from cause
    except aiohttp.ServerTimeoutError as cause:
        raise PlatformTimeoutError(phase="read", seconds=patience.read) from cause
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as cause:
        raise ConnectionBrokenError(cause="connect") from cause
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError) as cause:
        raise ConnectionBrokenError(cause="cut") from cause
    except aiohttp.ClientOSError as cause:
        raise ConnectionBrokenError(cause="reset") from cause
    except aiohttp.ClientError as cause:
        raise ConnectionBrokenError(cause="protocol") from cause
