"""Requests to the platform and whole answers back, or an error of the ``PlatformError`` family (ENGINE 2)."""

import asyncio
import ipaddress
import json
import ssl
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import httpcore
import httpx

from stfc.adapters.summit import throttle
from stfc.adapters.summit.unpacking import BrokenBodyError, Unpacker
from stfc.errors import (
    ConnectionBrokenError,
    CredentialsRefusedError,
    PlatformTimeoutError,
    ServerFaultError,
    SettingsError,
    ThrottledError,
)

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_REDIRECTS = 3
_REST_IN_PLACE = 5.0
"""Seconds that a request waits for a platform that wants a rest; for longer ones it is refused at once."""
_TIMEOUTS = {"timeout": {"connect": _CONNECT_SECONDS, "read": _READ_SECONDS, "write": _READ_SECONDS}}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Answer:
    """A whole answer: ``body`` is decoded, ``content_type`` lower case without parameters, ``date`` as sent."""

    status: int
    content_type: str
    body: bytes
    date: str | None = None


class _Place:
    """Room for one request at a time: a connection that is kept, and made anew when it is gone."""

    def __init__(self, address: str, proxy: str | None) -> None:
        self._address = address
        self._proxy = proxy
        self._connection: httpcore.AsyncHTTPConnection | httpcore.AsyncHTTPProxy | None = None

    async def send(self, request: httpcore.Request) -> httpcore.Response:
        """The answer's status and headers; its body follows from its stream."""
        found = self._connection
        if isinstance(found, httpcore.AsyncHTTPConnection) and (found.is_closed() or found.has_expired()):
            await self.close()
        if self._connection is None:
            self._connection = self._made()
        return await self._connection.handle_async_request(request)

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    def _made(self) -> httpcore.AsyncHTTPConnection | httpcore.AsyncHTTPProxy:
        if self._proxy is None:
            return httpcore.AsyncHTTPConnection(httpcore.URL(self._address).origin, ssl_context=_ssl_context())
        parts = urlsplit(self._proxy)
        return httpcore.AsyncHTTPProxy(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            proxy_auth=(unquote(parts.username), unquote(parts.password or "")) if parts.username else None,
            ssl_context=_ssl_context(),
            max_connections=1,
        )


class Exchange:
    """Talks to one platform over a bounded number of connections; use inside one event loop.

    The pool of httpx looks at each of its connections for every request, and its client costs more than the request
    itself. So each place has a connection of httpcore, the engine below httpx, and the queue of free places is the
    pool.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        connections: int,
        whole_seconds: float,
        size_limit: int,
        longest_rest: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._base = _checked_address(base_url)
        self._headers = [(b"host", urlsplit(self._base).netloc.encode()), (b"accept-encoding", b"gzip")]
        if _checked_token(token):
            self._headers.append((b"authorization", b"Bearer " + token.encode()))
        self._connections = connections
        self._whole_seconds = whole_seconds
        self._size_limit = size_limit
        self._longest_rest = longest_rest
        self._now = now
        self.throttle = throttle.of_platform(self._base)
        self._places: list[_Place] = []
        self._free: asyncio.Queue[_Place] = asyncio.Queue()

    async def open(self) -> None:
        """Make the places; connections follow when needed."""
        # The one used last comes first: few requests keep few connections.
        self._free = asyncio.LifoQueue()
        proxy = _proxy(self._base)
        self._places = [_Place(self._base, proxy) for _ in range(self._connections)]
        for place in self._places:
            self._free.put_nowait(place)

    async def close(self) -> None:
        """Close every connection."""
        places, self._places = self._places, []
        await asyncio.gather(*(place.close() for place in places), return_exceptions=True)

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
            ThrottledError: 429, with the seconds of ``Retry-After``; or nothing was sent, for the platform has told
                somebody in this process so and the time is not over.
            ServerFaultError: 5xx, any other status, a redirect elsewhere, too large or broken content.
            PlatformTimeoutError: no connection, no data, or not all of it in time.
            ConnectionBrokenError: no connection, or one that broke off.
        """
        address = self.address(path)
        for _ in range(_REDIRECTS + 1):
            await self._rest()
            answer, location = await self._once(method, address, query, body)
            if location is None:
                return answer
            if method != "GET":
                break
            address, query = self.address(urljoin(address, location)), None
        raise ServerFaultError(status=answer.status, cause="redirect")

    async def _rest(self) -> None:
        while (wait := self.throttle.resting()) > 0:
            if wait > _REST_IN_PLACE:
                raise ThrottledError(retry_after=wait)
            await asyncio.sleep(wait)

    async def _once(
        self, method: str, address: str, query: dict[str, str] | None, body: Any
    ) -> tuple[Answer, str | None]:
        place = await self._free.get()
        try:
            with _translated(self._whole_seconds):
                async with asyncio.timeout(self._whole_seconds):
                    return await self._streamed(place, self._request(method, address, query, body))
        finally:
            self._free.put_nowait(place)

    def _request(self, method: str, address: str, query: dict[str, str] | None, body: Any) -> httpcore.Request:
        url = httpcore.URL(f"{address}?{urlencode(query)}" if query else address)
        headers = [*self._headers, (b"x-request-id", uuid.uuid4().hex.encode())]
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        return httpcore.Request(method, url, headers=headers, content=content, extensions=_TIMEOUTS)

    async def _streamed(self, place: _Place, request: httpcore.Request) -> tuple[Answer, str | None]:
        sent_at = self.throttle.moment()
        response = await place.send(request)
        try:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status == 429:
                raise self._throttled(headers, sent_at)
            self.throttle.passed(sent_at)
            if 300 <= response.status < 400:
                return Answer(response.status, "", b""), headers.get("location", "")
            if response.status not in (404, 422) and not 200 <= response.status < 300:
                raise self._refusal(response.status, headers)
            whole = await self._whole(response, headers)
        finally:
            await response.aclose()
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status, content_type, whole, headers.get("date")), None

    async def _whole(self, response: httpcore.Response, headers: Mapping[str, str]) -> bytes:
        """The body, unpacked piece by piece: never more of it than the limit."""
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise ServerFaultError(status=response.status, cause="encoding")
        unpacker = Unpacker(self._size_limit, is_packed=encoding != "identity")
        try:
            async for piece in response.aiter_stream():
                unpacker.feed(piece)
            return unpacker.body()
        except BrokenBodyError as cause:
            raise ServerFaultError(status=response.status, cause=cause.cause) from cause

    def _refusal(self, status: int, headers: Mapping[str, str]) -> Exception:
        if status in (401, 403):
            return CredentialsRefusedError(status=status)
        return ServerFaultError(status=status, cause="status", retry_after=self._wish(headers))

    def _throttled(self, headers: Mapping[str, str], sent_at: float) -> ThrottledError:
        wish = self._wish(headers)
        self.throttle.close(sent_at, wish)
        return ThrottledError(retry_after=wish)

    def _wish(self, headers: Mapping[str, str]) -> float | None:
        return retry_after(headers.get("retry-after"), self._now(), self._longest_rest)


def retry_after(value: str | None, now: datetime, longest: float) -> float | None:
    """Seconds to wait that ``Retry-After`` asks for, as seconds or as a date, at most ``longest``; None when it says
    nothing clear."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), longest)
    moment = http_date(text)
    return min(max(0.0, (moment - now).total_seconds()), longest) if moment else None


def http_date(value: str | None) -> datetime | None:
    """The instant that a header such as ``Date`` gives; None when it gives none."""
    try:
        moment = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def _translated(whole_seconds: float) -> Iterator[None]:
    """Errors of httpcore as our own; none of them carries an address, a header or a body."""
    try:
        yield
    except TimeoutError as cause:
        raise PlatformTimeoutError(phase="whole", seconds=whole_seconds) from cause
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
    except httpcore.UnsupportedProtocol as cause:
        raise ServerFaultError(cause="address") from cause
    except (httpcore.ProtocolError, httpcore.ConnectionNotAvailable) as cause:
        raise ConnectionBrokenError(cause="protocol") from cause


def _proxy(base_url: str) -> str | None:
    """The proxy that the environment names for the address; this machine is reached directly."""
    parts = urlsplit(base_url)
    if _is_loopback(base_url) or urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


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
