"""What the server does beside running the script: warm start, health route, the page's language, faults."""

import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache, wraps
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, ParamSpec
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stfc import bootstrap
from stfc.domain import text
from stfc.domain.login import LOOPBACK
from stfc.errors import SettingsError, StfcError
from stfc.ui import protection, scripts

ENTRY: Final = Path(__file__).with_name("entry.py")
_log = logging.getLogger("stfc.ui")
P = ParamSpec("P")


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Import what the screens need and build the application before the first visitor.

    Streamlit collects garbage after every rerun: what is loaded by now is spared.
    """
    _warm()
    with bootstrap.loaded_spared():
        yield {}
    _close()


def secrets() -> dict[str, Any]:
    """What ``st.login`` needs, from our own settings, held in memory only; nothing where no provider is set.

    Ends the process where other machines would reach screens that ask nobody who they are.
    """
    settings = _settings()
    login = settings.login if settings else None
    if login is None:
        if st.get_option("server.address") not in LOOPBACK:
            sys.exit(text.error(SettingsError(setting="server.address", cause="login_address")))
        return {}
    assert settings is not None
    assert settings.oidc_client_secret is not None
    assert settings.oidc_cookie_secret is not None
    return {
        "auth": {
            "redirect_uri": f"{login.public_url}/oauth2callback",
            "cookie_secret": settings.oidc_cookie_secret.get_secret_value(),
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret.get_secret_value(),
            "server_metadata_url": f"{login.issuer}/.well-known/openid-configuration",
            "client_kwargs": {"scope": "openid profile email", "code_challenge_method": "S256"},
        }
    }


def routes() -> list[Route]:
    """``/api/healthz``: whether this process serves, for supervisors and the demonstration. ``/api/exports/TOKEN``: a
    large download, to whoever knows its token."""
    return [Route("/api/healthz", _healthz), Route("/api/exports/{token}", _export)]


def middleware() -> list[Middleware]:
    """Headers and host first, then what a login opens; and the page says which language it speaks."""
    settings = _settings()
    login = settings.login if settings else None
    public = settings.public_url if settings else None
    hosts = {urlsplit(public or "").hostname or "", st.get_option("server.address") or ""} - {"", "0.0.0.0", "::"}
    return [
        Middleware(protection.Protected, scripts.allowed(), https=(public or "").startswith("https:")),
        Middleware(protection.KnownHost, hosts, public or ""),
        Middleware(protection.Locked, login, bootstrap.clock),
        Middleware(protection.WayBack, login, bootstrap.clock),
        Middleware(PortuguesePage),
    ]


def on_script_error(error: Exception) -> bool:
    """A sentence on the screen for what nobody caught: a fault of ours in a callback, or a defect, with its code."""
    if isinstance(error, StfcError):
        show_fault(error)
        return True
    from stfc.ui import states

    code = f"TELA-{token_hex(3).upper()}"
    # Streamlit has just logged the traceback itself; this line ties it to what the person saw.
    _log.error("defect %s while showing a page: %s", code, type(error).__name__)
    states.defect(code)
    return True


def show_fault(error: StfcError) -> None:
    """The card of an error of ours, with its one line in the log."""
    from stfc.ui import labels, states

    _log.warning("%s while showing a page", error.code)
    states.fault(error, states.Step(labels.TRY_AGAIN))


def fault_shown(part: Callable[P, None]) -> Callable[P, None]:
    """A part that refreshes itself, where a fault of ours is a card and one log line, not a traceback at every turn."""

    @wraps(part)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            part(*args, **kwargs)
        except StfcError as error:
            show_fault(error)

    return shown


class PortuguesePage:
    """Rewrites ``<html lang="en">`` of the served page to ``pt-BR`` (screen readers choose the voice by it)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, pages with their language changed."""
        if scope["type"] != "http" or not _wants_page(scope):
            await self.app(scope, receive, send)
            return
        # A compressed body could not be rewritten.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, _Rewriter(send))


class _Rewriter:
    """Holds a page's head back until its body is known, since the length changes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body" or self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        start, body = self._start, bytes(self._body).replace(b'<html lang="en">', b'<html lang="pt-BR">', 1)
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        await self._send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})


def _wants_page(scope: Scope) -> bool:
    accepts = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] == "GET" and b"text/html" in accepts


@cache
def _settings() -> bootstrap.Settings | None:
    """The settings; None where they cannot be used, which every screen then says."""
    try:
        return bootstrap.settings()
    except StfcError as error:
        _log.warning("%s while starting", error.code)
        return None


async def _healthz(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def _export(request: Request) -> Response:
    from stfc.ui import labels, session

    found = session.application().downloads.taken(request.path_params["token"])
    if found is None:
        return PlainTextResponse(labels.DOWNLOAD_GONE, status_code=404)
    download, chunks = found
    headers = {
        "content-disposition": f'attachment; filename="{download.file_name}"',
        "content-length": str(download.size),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(chunks, media_type="application/octet-stream", headers=headers)


def _close() -> None:
    from stfc.ui import session

    with suppress(StfcError):
        session.application().downloads.close()


def _warm() -> None:
    import plotly.graph_objects  # noqa: F401

    from stfc.ui import charts, filters, header, session, tables  # noqa: F401

    try:
        session.application().warm()
    except StfcError as error:
        # The screens say it; a supervisor restarting the process would not help.
        _log.warning("%s while starting", error.code)
