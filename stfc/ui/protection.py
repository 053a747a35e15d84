"""What stands between the network and the screens: headers, hosts, locked routes, the way back after a login."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stfc.domain.login import LOOPBACK, Login, Standing, person
from stfc.domain.role import Role
from stfc.ui import labels, logins

RETURN_COOKIE: Final = "stfc_return"
REFUSED_COOKIE: Final = "stfc_refused"
_HEALTH: Final = "/api/healthz"
_WAITS: Final = 600
"""How long, in seconds, a login may take until the way back is forgotten."""
_UPLOAD: Final = "/_stcore/upload_file"
_AGENT: Final = "/_stcore/agent/"
_LOCKED: Final = (
    "/media/",
    "/api/exports/",
    "/api/metrics",
    "/_stcore/metrics",
    _UPLOAD,
    _AGENT,
)
_PATHS: Final = frozenset(f"/{page.path}" for pages in labels.MENU.values() for page in pages)
_YEAR: Final = 31_536_000
_REFUSED: Final = PlainTextResponse("403", status_code=403)
Clock = Callable[[], datetime]


def headers(scripts: Iterable[str], *, https: bool) -> list[tuple[bytes, bytes]]:
    """The headers of every answer. ``scripts`` are the only inline scripts that a page may run, letter for letter.

    Streamlit sets its styles by attribute and element, and draws tables from blobs; nothing else is let in, and
    nothing comes from another machine.
    """
    hashes = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts)
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(("'self'", *(f"'sha256-{one}'" for one in hashes))),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "media-src": "'self'",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    said = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        # The way back after a login is the referrer that our own pages send to our own address.
        "referrer-policy": "same-origin",
        "permissions-policy": ", ".join(
            f"{one}=()" for one in ("camera", "geolocation", "microphone", "payment", "usb", "serial", "hid", "midi")
        ),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if https:
        said["strict-transport-security"] = f"max-age={_YEAR}; includeSubDomains"
    return [(name.encode(), value.encode()) for name, value in said.items()]


class Protected:
    """Adds the headers to every answer, and keeps what a person downloads out of every cache."""

    def __init__(self, app: ASGIApp, scripts: Sequence[str], *, https: bool) -> None:
        self.app = app
        self._https = https
        self._headers = headers(scripts, https=https)
        self._ours = {name for name, _ in self._headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [self._secured(*one) for one in message["headers"] if one[0].lower() not in self._ours]
                if scope["path"].startswith(_LOCKED):
                    kept = [one for one in kept if one[0].lower() != b"cache-control"]
                    kept.append((b"cache-control", b"private, no-store"))
                message = {**message, "headers": [*kept, *self._headers]}
            await send(message)

        await self.app(scope, receive, with_headers)

    def _secured(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        is_bare = self._https and name.lower() == b"set-cookie" and b"secure" not in value.lower()
        return (name, value + b"; Secure") if is_bare else (name, value)


class KnownHost:
    """Answers to our own names only: a page elsewhere may lead its own name to this address (DNS rebinding).

    A socket is opened by our own pages only; Streamlit would let in those of every port of this machine.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], public_url: str = "") -> None:
        self.app = app
        self._public_url = public_url.rstrip("/")
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse another name with 421, a socket with 1008; the health route tells nothing and answers anybody."""
        if self._lets_in(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse("421", status_code=421)(scope, receive, send)

    def _lets_in(self, scope: Scope) -> bool:
        match scope["type"]:
            case "http":
                return scope["path"] == _HEALTH or self._is_ours(scope)
            case "websocket":
                return self._is_ours(scope) and self._is_from_ours(scope)
            case _:
                return True

    def _is_ours(self, scope: Scope) -> bool:
        said = Headers(scope=scope).getlist("host")
        if len(said) != 1 or "@" in said[0]:
            return False
        try:
            return (urlsplit(f"//{said[0]}").hostname or "").rstrip(".") in self._hosts
        except ValueError:
            return False

    def _is_from_ours(self, scope: Scope) -> bool:
        said = Headers(scope=scope)
        origin = said.get("origin")
        # A program says none; without one Streamlit reads no login from the cookie.
        return origin is None or origin == self._public_url or origin.partition("://")[2] == said["host"]


class Locked:
    """Files and figures are for whoever is logged in, uploads for managers, who import plans; agents for nobody."""

    def __init__(self, app: ASGIApp, login: Login | None, clock: Clock) -> None:
        self.app = app
        self._login = login
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with 403 what the request's cookie does not open."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(_LOCKED) or self._opens(scope, path):
            await self.app(scope, receive, send)
        elif path.startswith("/media/"):
            await self.app(scope, receive, _ImagesOnly(scope, receive, send))
        else:
            await _REFUSED(scope, receive, send)

    def _opens(self, scope: Scope, path: str) -> bool:
        if path.startswith(_AGENT):
            return False
        if self._login is None:
            return True
        who = person(logins.claims(HTTPConnection(scope).cookies), self._login)
        needed = Role.MANAGER if path.startswith(_UPLOAD) else Role.SUPERVISOR
        if who is None or who.role is None or not who.role.covers(needed):
            return False
        return logins.standing_of(who, self._login, self._clock()) is Standing.CURRENT


class _ImagesOnly:
    """Lets the logo and the page's icon through, which the login page shows too; a table's file ends here.

    By what the answer is: Streamlit finds a file by its number alone, whatever ending the address has.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_refused = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not _is_image(message):
            self._is_refused = True
            await _REFUSED(self._scope, self._receive, self._send)
        if not self._is_refused:
            await self._send(message)


def _is_image(message: Message) -> bool:
    kind: bytes = dict(message["headers"]).get(b"content-type", b"")
    return message["status"] in (200, 304) and kind.startswith(b"image/")


class WayBack:
    """Brings a person who had to log in back to the address they wanted, and notes the login as begun.

    The address is the referrer that the browser sends along to ``/auth/login``; only a screen of ours is kept.
    """

    def __init__(self, app: ASGIApp, login: Login | None, clock: Clock) -> None:
        self.app = app
        self._login = login
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the two ends of a login; everything else passes."""
        if self._login is None or scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == "/auth/login":
            wanted = _screen(Headers(scope=scope).get("referer", ""))
            await self.app(scope, receive, _Adding(send, [_cookie(RETURN_COOKIE, _packed(wanted), _WAITS)]))
        elif scope["path"] == "/oauth2callback":
            await self.app(scope, receive, self._arriving(scope, send))
        else:
            await self.app(scope, receive, send)

    def _arriving(self, scope: Scope, send: Send) -> Send:
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        wanted = _unpacked(HTTPConnection(scope).cookies.get(RETURN_COOKIE, ""))

        async def arrive(message: Message) -> None:
            if message["type"] != "http.response.start" or message["status"] != 302 or "state" not in asked:
                await send(message)
                return
            kept = [one for one in message["headers"] if one[0].lower() != b"location"]
            kept.append((b"location", wanted.encode()))
            if self._begin(kept):
                kept += [_cookie(RETURN_COOKIE, "", 0), _cookie(REFUSED_COOKIE, "", 0)]
            else:
                kept.append(_cookie(REFUSED_COOKIE, "1", 60))
            await send({**message, "headers": kept})

        return arrive

    def _begin(self, answered: Iterable[tuple[bytes, bytes]]) -> bool:
        assert self._login is not None
        jar = SimpleCookie()
        for name, value in answered:
            if name.lower() == b"set-cookie":
                try:
                    jar.load(value.decode("latin-1"))
                except CookieError:
                    continue
        who = person(logins.claims({name: morsel.value for name, morsel in jar.items()}), self._login)
        if who is None:
            return False
        logins.of_process().begin(who.login, self._clock(), self._login.most)
        return True


class _Adding:
    """Adds headers to an answer."""

    def __init__(self, send: Send, more: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._more = more

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *self._more]}
        await self._send(message)


def _screen(address: str) -> str:
    """Path and parameters of a screen of ours; the first screen for every other address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    if parts.path not in _PATHS:
        return "/"
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True))
    return f"{parts.path}?{query}" if query else parts.path


def _packed(address: str) -> str:
    return base64.urlsafe_b64encode(address.encode()).decode()


def _unpacked(value: str) -> str:
    try:
        # A cookie is as good as anything a person types: checked again.
        return _screen(base64.urlsafe_b64decode(value).decode())
    except ValueError:
        return "/"


def _cookie(name: str, value: str, seconds: int) -> tuple[bytes, bytes]:
    return b"set-cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax".encode()
