"""Requests to the platform and whole answers back, or an error of the ``PlatformError`` family (ENGINE 2)."""

import asyncio
import ipaddress
import ssl
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from stfc.adapters.summit.unpacking import BrokenBodyError, Unpacker
from stfc.errors import (
    ConnectionBrokenError,
    CredentialsRefusedError,
    PlatformTimeoutError,
    ServerFaultError,
    SettingsError,
    ThrottledError,
)

_CONNECTIONS_A_CLIENT = 4
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_REDIRECTS = 3
_LONGEST_WAIT = 86_400.0
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Answer:
    """A whole answer: ``body`` is decoded, ``content_type`` lower case without parameters, ``date`` as sent."""

    status: int
    content_type: str
    body: bytes
    date: str | None = None


class Exchange:
    """Talks to one platform over a bounded number of connections; use inside one event loop.

    The pool of httpx looks at each of its connections for every request, so that one large client is slower than
    several small ones: hence clients of four connections, and a queue of free places that is semaphore and round robin.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        connections: int,
        whole_seconds: float,
        size_limit: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._base = _checked_address(base_url)
        self._headers = {"accept-encoding": "gzip"}
        if _checked_token(token):
            self._headers["authorization"] = f"Bearer {token}"
        self._connections = connections
        self._whole_seconds = whole_seconds
        self._size_limit = size_limit
        self._now = now
        self._clients: list[httpx.AsyncClient] = []
        self._free: asyncio.Queue[httpx.AsyncClient] = asyncio.Queue()

    async def open(self) -> None:
        """Make the clients; connections follow when needed."""
        self._free = asyncio.Queue()
        self._clients = [self._client() for _ in range(-(-self._connections // _CONNECTIONS_A_CLIENT))]
        for place in range(self._connections):
            self._free.put_nowait(self._clients[place % len(self._clients)])

    async def close(self) -> None:
        """Close every connection."""
        clients, self._clients = self._clients, []
        await asyncio.gather(*(client.aclose() for client in clients), return_exceptions=True)

    def address(self, href: str) -> str:
        """The absolute address of a path or link of the platform; one on another host is refused."""
        try:
            found = urljoin(self._base, href)
            is_ours = _origin(found) == _origin(self._base)
        except ValueError as cause:
            raise ServerFaultError(cause="address") from cause
        if not is_ours:
            raise ServerFaultError(cause="other_host")
        return found

    async def ask(self, method: str, path: str, *, query: dict[str, str] | None = None, body: Any = None) -> Answer:
        """The answer to a request, redirects on the same host followed.

        Gives answers of 2xx, 404 and 422; any other status is an error:

        Raises:
            CredentialsRefusedError: 401 or 403.
            ThrottledError: 429, with the seconds of ``Retry-After``.
            ServerFaultError: 5xx, any other status, a redirect elsewhere, too large or broken content.
            PlatformTimeoutError: no connection, no data, or not all of it in time.
            ConnectionBrokenError: no connection, or one that broke off.
        """
        address = self.address(path)
        for _ in range(_REDIRECTS + 1):
            answer, location = await self._once(method, address, query, body)
            if location is None:
                return answer
            if method != "GET":
                break
            address, query = self.address(urljoin(address, location)), None
        raise ServerFaultError(status=answer.status, cause="redirect")

    async def _once(
        self, method: str, address: str, query: dict[str, str] | None, body: Any
    ) -> tuple[Answer, str | None]:
        client = await self._free.get()
        try:
            with _translated(self._whole_seconds):
                async with asyncio.timeout(self._whole_seconds):
                    return await self._streamed(client, method, address, query, body)
        finally:
            self._free.put_nowait(client)

    async def _streamed(
        self, client: httpx.AsyncClient, method: str, address: str, query: dict[str, str] | None, body: Any
    ) -> tuple[Answer, str | None]:
        headers = {"x-request-id": uuid.uuid4().hex}
        async with client.stream(method, address, params=query, json=body, headers=headers) as response:
            if response.is_redirect:
                return Answer(response.status_code, "", b""), response.headers.get("location", "")
            if response.status_code not in (404, 422) and not response.is_success:
                raise self._refusal(response)
            whole = await self._whole(response)
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, content_type, whole, response.headers.get("date")), None

    async def _whole(self, response: httpx.Response) -> bytes:
        """The body, unpacked here and not by httpx, which would unpack any amount before it says how much."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise ServerFaultError(status=response.status_code, cause="encoding")
        unpacker = Unpacker(self._size_limit, is_packed=encoding != "identity")
        try:
            async for piece in response.aiter_raw():
                unpacker.feed(piece)
            return unpacker.body()
        except BrokenBodyError as cause:
            raise ServerFaultError(status=response.status_code, cause=cause.cause) from cause

    def _refusal(self, response: httpx.Response) -> Exception:
        status = response.status_code
        if status in (401, 403):
            return CredentialsRefusedError(status=status)
        wait = retry_after(response.headers.get("retry-after"), self._now())
        if status == 429:
            return ThrottledError(retry_after=wait)
        return ServerFaultError(status=status, cause="status", retry_after=wait)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=_CONNECTIONS_A_CLIENT, max_keepalive_connections=_CONNECTIONS_A_CLIENT),
            verify=_ssl_context(),
            follow_redirects=False,
            # A proxy of the environment is for the outside; this machine is reached directly.
            trust_env=not _is_loopback(self._base),
        )


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait that ``Retry-After`` asks for, as seconds or as a date; None when it says nothing clear."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    moment = http_date(text)
    return min(max(0.0, (moment - now).total_seconds()), _LONGEST_WAIT) if moment else None


def http_date(value: str | None) -> datetime | None:
    """The instant that a header such as ``Date`` gives; None when it gives none."""
    try:
        moment = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def _translated(whole_seconds: float) -> Iterator[None]:
    """Errors of httpx as our own; none of them carries an address, a header or a body."""
    try:
        yield
    except TimeoutError as cause:
        raise PlatformTimeoutError(phase="whole", seconds=whole_seconds) from cause
    except httpx.ConnectTimeout as cause:
        raise PlatformTimeoutError(phase="connect", seconds=_CONNECT_SECONDS) from cause
    except httpx.TimeoutException as cause:
        raise PlatformTimeoutError(phase="read", seconds=_READ_SECONDS) from cause
    except httpx.ConnectError as cause:
        raise ConnectionBrokenError(cause="connect") from cause
    except httpx.RemoteProtocolError as cause:
        raise ConnectionBrokenError(cause="cut") from cause
    except httpx.NetworkError as cause:
        raise ConnectionBrokenError(cause="reset") from cause
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as cause:
        raise ServerFaultError(cause="address") from cause
    except httpx.HTTPError as cause:
        raise ConnectionBrokenError(cause="protocol") from cause


@cache
def _ssl_context() -> ssl.SSLContext:
    # Loading the certificates takes tens of milliseconds: once a process, not once a client.
    return httpx.create_ssl_context()


def _checked_address(base_url: str) -> str:
    try:
        parts = urlsplit(base_url.strip())
        is_right = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or parts.query or parts.fragment or parts.username:
        raise SettingsError(setting="STFC_SUMMIT_URL", cause="address")
    return base_url.strip().rstrip("/") + "/"


def _checked_token(token: str) -> str:
    if not token.isascii() or not token.isprintable() or token != token.strip():
        raise SettingsError(setting="STFC_SUMMIT_TOKEN", cause="token")
    return token


def _origin(address: str) -> tuple[str, str, int]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
