"""Requests to the platform and whole answers back, or an error of the ``PlatformError`` family (ENGINE 2)."""

import asyncio
import ipaddress
import json
import ssl
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx

from stfc.adapters.summit import throttle
from stfc.adapters.summit.connection import Connections, Patience, Reply, Request
from stfc.adapters.summit.downloads import DownloadConnections
from stfc.adapters.summit.talk import TalkConnections
from stfc.adapters.summit.unpacking import BrokenBodyError, Unpacker
from stfc.errors import (
    CredentialsRefusedError,
    PlatformTimeoutError,
    ServerFaultError,
    SettingsError,
    ThrottledError,
)

_REDIRECTS = 3
_REST_IN_PLACE = 5.0
"""Seconds that a request waits for a platform that wants a rest; for longer ones it is refused at once."""
_IN_LINKS = "%/:?#[]@!$&'()*+,;=~"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Answer:
    """A whole answer: ``body`` is decoded, ``content_type`` lower case without parameters, ``date`` as sent."""

    status: int
    content_type: str
    body: bytes
    date: str | None = None


class Exchange:
    """Talks to one platform over a bounded number of connections; use inside one event loop."""

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
        self._origin = _origin(self._base)
        self._headers = {"accept-encoding": "gzip"}
        if _checked_token(token):
            self._headers["authorization"] = f"Bearer {token}"
        self._limit = connections
        self._whole_seconds = whole_seconds
        self._size_limit = size_limit
        self._longest_rest = longest_rest
        self._now = now
        self.throttle = throttle.of_platform(self._base)
        self._places = asyncio.Semaphore(connections)
        self._talk: Connections | None = None
        self._downloads: Connections | None = None

    async def open(self) -> None:
        """Make room for the connections, which follow when needed."""
        proxy, context, patience = _proxy(self._base), _ssl_context(), Patience()
        self._talk = TalkConnections(self._limit, proxy, context, patience)
        self._downloads = DownloadConnections(self._limit, proxy, context, patience)

    async def close(self) -> None:
        """Close every connection."""
        for connections in (self._talk, self._downloads):
            if connections:
                await connections.close()

    def address(self, href: str) -> str:
        """The absolute address of a path or link of the platform; one on another host is refused."""
        try:
            found = urljoin(self._base, href)
            is_ours = _origin(found) == self._origin
        except ValueError as cause:
            raise ServerFaultError(cause="address") from cause
        if not is_ours:
            raise ServerFaultError(cause="other_host")
        # What a link may not hold as it is: blanks, controls, letters with accents.
        return quote(found, safe=_IN_LINKS)

    async def ask(self, method: str, path: str, *, query: dict[str, str] | None = None, body: Any = None) -> Answer:
        """The answer to a request of few bytes, redirects on the same host followed.

        Gives answers of 2xx, 404 and 422; any other status is an error:

        Raises:
            CredentialsRefusedError: 401 or 403.
            ThrottledError: 429, with the seconds of ``Retry-After``; or nothing was sent, for the platform has told
                somebody in this process so and the time is not over.
            ServerFaultError: 5xx, any other status, a redirect elsewhere, too large or broken content.
            PlatformTimeoutError: no connection, no data, or not all of it in time.
            ConnectionBrokenError: no connection, or one that broke off.
        """
        assert self._talk is not None, "open() came before"
        return await self._followed(self._talk, self._request(method, self.address(path), query, body))

    async def download(self, path: str) -> Answer:
        """The same for a file, of which there are many."""
        assert self._downloads is not None, "open() came before"
        return await self._followed(self._downloads, self._request("GET", self.address(path), None, None))

    async def _followed(self, connections: Connections, request: Request) -> Answer:
        for _ in range(_REDIRECTS + 1):
            await self._rest()
            answer, location = await self._once(connections, request)
            if location is None:
                return answer
            if request.method != "GET":
                break
            request = replace(request, address=self.address(urljoin(request.address, location)))
        raise ServerFaultError(status=answer.status, cause="redirect")

    async def _rest(self) -> None:
        while (wait := self.throttle.resting()) > 0:
            if wait > _REST_IN_PLACE:
                raise ThrottledError(retry_after=wait)
            await asyncio.sleep(wait)

    async def _once(self, connections: Connections, request: Request) -> tuple[Answer, str | None]:
        # Its time begins when a connection is its own.
        async with self._places:
            try:
                async with asyncio.timeout(self._whole_seconds):
                    return await self._streamed(connections, request)
            except TimeoutError as cause:
                raise PlatformTimeoutError(phase="whole", seconds=self._whole_seconds) from cause

    def _request(self, method: str, address: str, query: dict[str, str] | None, body: Any) -> Request:
        headers = self._headers | {"x-request-id": uuid.uuid4().hex}
        whole = f"{address}?{urlencode(query)}" if query else address
        if body is None:
            return Request(method, whole, headers)
        return Request(method, whole, headers | {"content-type": "application/json"}, json.dumps(body).encode())

    async def _streamed(self, connections: Connections, request: Request) -> tuple[Answer, str | None]:
        sent_at = self.throttle.moment()
        async with connections.ask(request) as reply:
            if reply.status == 429:
                raise self._throttled(reply.headers, sent_at)
            self.throttle.passed(sent_at)
            if 300 <= reply.status < 400:
                return Answer(reply.status, "", b""), reply.headers.get("location", "")
            if reply.status not in (404, 422) and not 200 <= reply.status < 300:
                raise self._refusal(reply.status, reply.headers)
            whole = await self._whole(reply)
        content_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(reply.status, content_type, whole, reply.headers.get("date")), None

    async def _whole(self, reply: Reply) -> bytes:
        """The body, unpacked piece by piece: never more of it than the limit."""
        encoding = reply.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise ServerFaultError(status=reply.status, cause="encoding")
        unpacker = Unpacker(self._size_limit, is_packed=encoding != "identity")
        try:
            async for piece in reply.pieces:
                unpacker.feed(piece)
            return unpacker.body()
        except BrokenBodyError as cause:
            raise ServerFaultError(status=reply.status, cause=cause.cause) from cause

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
