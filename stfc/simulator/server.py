"""The platform Summit as a server: all of SUMMIT_API over a universe of subscribers, with faults on demand."""

import asyncio
import gzip
import hmac
import json
import signal
import socket
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from stdnum.br import cnpj, cpf
from uvicorn.protocols.http.h11_impl import H11Protocol

from stfc.domain.competence import Competence
from stfc.errors import InvalidInputError
from stfc.simulator import erp_dump
from stfc.simulator.faults import Faults
from stfc.simulator.platform import AVAILABLE, UNKNOWN, Platform, cursor_of, row_of
from stfc.simulator.traffic import Traffic, TrafficOptions
from stfc.simulator.universe import Universe, from_folder, from_frames

_MOST_ITEMS = 1_000
_MOST_INVOICE_MONTHS = 60
_WORTH_GZIP = 16_384
_STALL_SECONDS = 300
_SLOW_PIECES, _SLOW_PAUSE = 40, 0.25
_BOMB_MEBIBYTES = 512
_CONNECTION = "stfc.connection"
_FAULT = "stfc.fault"
_HTML = b"<!DOCTYPE html><html><head><title>502 Proxy Error</title></head><body><h1>Proxy Error</h1></body></html>"


@dataclass(frozen=True)
class SimulatorOptions:
    """How a simulator runs.

    Args:
        host: the address to listen on; loopback unless told otherwise.
        port: 0 picks a free one, which the ready line names.
        token: what ``Authorization: Bearer`` must carry; None takes any token, but not none.
        erp: a dump's folder (CSV or Parquet) to take the subscribers from; else they are made.
        contracts: how many subscribers to make when there is no ``erp``.
        until: the last month of the made subscribers' ERP; the current one when None.
        as_of: the day it is on the platform: months whose cut day is later are not closed; today when None.
        traffic: seed and shape of the calls.
        latency_ms: added before every answer.
        faults: texts ``KIND=RATE`` or ``KIND=RATE@SCOPE``.
        fault_seed: which of the answers go wrong.
        fault_log: a file that gets a line ``KIND SCOPE`` for each fault served, whatever becomes of this process.
    """

    host: str = "127.0.0.1"
    port: int = 8601
    token: str | None = None
    erp: Path | None = None
    contracts: int = 1_500
    until: Competence | None = None
    as_of: date | None = None
    traffic: TrafficOptions = field(default_factory=TrafficOptions)
    latency_ms: int = 0
    faults: tuple[str, ...] = ()
    fault_seed: int = 0
    fault_log: Path | None = None


def serve(options: SimulatorOptions) -> None:
    """Run until SIGTERM or Ctrl-C; says ``simulator ready http://…`` on stderr once it answers.

    Raises:
        InvalidInputError: a fault that does not exist, a dump that cannot be read, a port that is taken.
    """
    server, listening = _server(
        options, lambda address: print(f"simulator ready {address}", file=sys.stderr, flush=True)
    )
    # Uvicorn raises a caught signal again after its shutdown, which would kill what has ended well.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server.run(sockets=[listening])


@contextmanager
def running(options: SimulatorOptions) -> Iterator[str]:
    """A simulator on a thread of this process, for as long as the context lasts; gives its address."""
    is_ready = threading.Event()
    server, listening = _server(options, lambda _: is_ready.set())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="simulator", daemon=True)
    thread.start()
    is_ready.wait()
    try:
        yield server.address
    finally:
        server.should_exit = True
        thread.join()


def _server(options: SimulatorOptions, ready: Callable[[str], None]) -> tuple["_Server", socket.socket]:
    app = build(options)
    listening = _listen(options.host, options.port)
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
        backlog=1024,
    )
    return _Server(config, f"http://{options.host}:{listening.getsockname()[1]}", ready), listening


def build(options: SimulatorOptions) -> ASGIApp:
    """The simulator as an ASGI application; reset and cut connections need ``serve``.

    Raises:
        InvalidInputError: a fault that does not exist, or a dump that cannot be read.
    """
    faults = Faults.parse(options.faults, options.fault_seed)
    platform = Platform(Traffic(_universe(options), options.traffic), faults.content)
    return _Trouble(_Api(platform, options).app, faults, options.latency_ms / 1000, _Tally(options.fault_log))


def _universe(options: SimulatorOptions) -> Universe:
    seed = options.traffic.seed
    if options.erp is not None:
        return from_folder(options.erp, seed)
    made = erp_dump.tables(
        options.contracts, seed, until=options.until or erp_dump.current_month(), clean=options.traffic.clean
    )
    return from_frames(made["contracts"], made["services"], made["lines"], seed)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as cause:
        raise InvalidInputError(field="port", value=str(port), cause="port_taken") from cause


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready."""

    def __init__(self, config: uvicorn.Config, address: str, ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self.address = address
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready(self.address)


class _Connection(H11Protocol):
    """HTTP/1.1 that lets the application break its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        # asyncio does so by itself only where the listening socket names its protocol. Without it, a body waits some
        # 40 ms for the peer to acknowledge the headers.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inner = self.app

        async def with_connection(scope: Any, receive: Any, send: Any) -> None:
            await inner({**scope, _CONNECTION: transport}, receive, send)

        self.app = with_connection


# --- The interface -------------------------------------------------------------------------------------------------


class _Api:
    """The endpoints of SUMMIT_API."""

    def __init__(self, platform: Platform, options: SimulatorOptions) -> None:
        self._platform = platform
        self._universe = platform.universe
        self._as_of = options.as_of
        self._authorization = None if options.token is None else f"Bearer {options.token}".encode()
        self._subscribers: dict[str, dict[str, Any]] = {}
        contract = "/v1/subscribers/{contract}"
        routes = [
            Route("/v1/health", self.health),
            Route("/v1/billing-files", self._guarded(self.listing)),
            Route("/v1/files/{competence}/{contract}.csv", self._guarded(self.file)),
            Route(contract + "/billing-files/{competence}", self._guarded(self.descriptor)),
            Route(contract + "/invoices", self._guarded(self.invoices)),
            Route(contract, self._guarded(self.subscriber)),
            Route(contract, self._guarded(self.provision), methods=["PUT"]),
        ]
        handlers: Any = {HTTPException: _http_problem, InvalidInputError: _input_problem}
        self.app = Starlette(routes=routes, exception_handlers=handlers)

    def _guarded(self, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def checked(request: Request) -> Response:
            if not self._is_allowed(request.headers.get("authorization", "").encode()):
                return problem(401, "unauthorized", "The token is missing or wrong.")
            answer: Response = await endpoint(request)
            return answer

        return checked

    def _is_allowed(self, given: bytes) -> bool:
        if self._authorization is None:
            return given.startswith(b"Bearer ") and bool(given[7:].strip())
        return hmac.compare_digest(given, self._authorization)

    @property
    def _today(self) -> date:
        return self._as_of or (datetime.now(UTC) - timedelta(hours=3)).date()

    async def health(self, request: Request) -> Response:
        return _json(b'{"status":"ok","version":"1"}')

    async def listing(self, request: Request) -> Response:
        competence = _competence(request.query_params.get("competence", ""))
        limit = _whole(request.query_params.get("limit", str(_MOST_ITEMS)), 1, "limit")
        cursor = request.query_params.get("cursor")
        start = row_of(cursor, competence) if cursor else 0
        if request.scope.get(_FAULT) == "repeat-page":
            start = max(0, start - min(limit, _MOST_ITEMS))
        items, following = await run_in_threadpool(
            self._platform.listing, competence, self._today, start, min(limit, _MOST_ITEMS)
        )
        if request.scope.get(_FAULT) == "repeat-page" and cursor:
            following = row_of(cursor, competence)
        mark = json.dumps(None if following is None else cursor_of(competence, following))
        return _json(f'{{"items":[{",".join(items)}],"next_cursor":{mark}}}'.encode(), request)

    async def descriptor(self, request: Request) -> Response:
        contract, competence = request.path_params["contract"], _competence(request.path_params["competence"])
        if refusal := self._refused(contract, competence, processing_is_there=True):
            return refusal
        return _json((await self._made(self._platform.descriptor, contract, competence, self._today)).encode())

    async def file(self, request: Request) -> Response:
        contract, competence = request.path_params["contract"], _competence(request.path_params["competence"])
        if refusal := self._refused(contract, competence, processing_is_there=False):
            return refusal
        found = await self._made(self._platform.file, contract, competence)
        tag = f'"{found.sha256}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        body = found.body
        if request.scope.get(_FAULT) == "wrong-sha":
            body = body.replace(b";", b"; ", 1)
        return _packed(body, {"content-type": "text/csv; charset=utf-8", "etag": tag}, request)

    async def _made(self, make: Callable[..., Any], contract: str, *rest: Any) -> Any:
        if self._platform.is_at_hand(contract, rest[0]):
            return make(contract, *rest)
        return await run_in_threadpool(make, contract, *rest)

    def _refused(self, contract: str, competence: Competence, *, processing_is_there: bool) -> Response | None:
        state = self._platform.state(contract, competence, self._today)
        if state == UNKNOWN:
            return problem(404, "subscriber_unknown", "There is no such subscriber.")
        if state == AVAILABLE or (processing_is_there and state > UNKNOWN + 1):
            return None
        return problem(404, "file_not_available", "The month of the subscriber is not closed yet.")

    async def invoices(self, request: Request) -> Response:
        contract = request.path_params["contract"]
        first = _competence(request.query_params.get("from", ""))
        last = _competence(request.query_params.get("until", ""))
        count = (last.year - first.year) * 12 + last.month - first.month + 1
        if not 1 <= count <= _MOST_INVOICE_MONTHS:
            raise InvalidInputError(field="until", value=str(last), cause="range")
        if self._platform.state(contract, first, self._today) == UNKNOWN:
            return problem(404, "subscriber_unknown", "There is no such subscriber.")
        months = [first.plus(step) for step in range(count)]
        return _json(json.dumps({"items": await run_in_threadpool(self._bills, contract, months)}).encode(), request)

    def _bills(self, contract: str, months: list[Competence]) -> list[dict[str, Any]]:
        closed = (month for month in months if self._platform.state(contract, month, self._today) == AVAILABLE)
        return [bill for month in closed if (bill := self._platform.invoice(contract, month, self._today))]

    async def subscriber(self, request: Request) -> Response:
        contract = request.path_params["contract"]
        known = self._subscribers.get(contract) or self._of_universe(contract)
        if known is None:
            return problem(404, "subscriber_unknown", "There is no such subscriber.")
        return _json(json.dumps(known).encode())

    async def provision(self, request: Request) -> Response:
        contract = request.path_params["contract"]
        wish = _subscriber_of(await request.body())
        if not (cpf.is_valid(wish["document"]) or cnpj.is_valid(wish["document"])):
            return problem(422, "invalid_document", "The document's check digits are wrong.")
        if any(owners and contract not in owners for owners in map(self._owners, wish["lines"])):
            return problem(422, "line_taken", "A line belongs to another subscriber.")
        if wish["plan"] is not None and wish["plan"] not in self._universe.plans.union(erp_dump.PLANS):
            return problem(422, "plan_unknown", "There is no such plan.")
        known = self._subscribers.get(contract) or self._of_universe(contract)
        answer = {"contract": contract, "status": "active", "since": (known or {}).get("since", str(self._today))}
        self._subscribers[contract] = answer
        return _json(json.dumps(answer).encode(), status=200 if known else 201)

    def _owners(self, number: str) -> set[str]:
        return self._universe.owners.get(number, set())

    def _of_universe(self, contract: str) -> dict[str, Any] | None:
        row = self._universe.rows.get(contract)
        if row is None or self._platform.traffic.unknown[row]:
            return None
        start, end = self._universe.line_starts[row : row + 2].tolist()
        since = date.fromordinal(int(self._universe.since[start:end].min())) if end > start else self._today
        return {"contract": contract, "status": "active", "since": since.isoformat()}


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """An error as RFC 9457 writes it, with the member ``code``."""
    body = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "detail": detail, "code": code}
    return Response(json.dumps(body), status, headers, media_type="application/problem+json")


async def _http_problem(request: Request, error: HTTPException) -> Response:
    codes = {404: "not_found", 405: "method_not_allowed"}
    return problem(error.status_code, codes.get(error.status_code, "invalid_request"), error.detail)


async def _input_problem(request: Request, error: InvalidInputError) -> Response:
    return problem(400, f"invalid_{error.facts['field']}", "The request is not of the agreed form.")


def _json(body: bytes, request: Request | None = None, status: int = 200) -> Response:
    if request is None:
        return Response(body, status, media_type="application/json")
    return _packed(body, {"content-type": "application/json"}, request)


def _packed(body: bytes, headers: dict[str, str], request: Request) -> Response:
    if len(body) >= _WORTH_GZIP and "gzip" in request.headers.get("accept-encoding", ""):
        headers = {**headers, "content-encoding": "gzip", "vary": "Accept-Encoding"}
        body = gzip.compress(body, compresslevel=1, mtime=0)
    return Response(body, headers=headers)


def _competence(text: str) -> Competence:
    return Competence.parse(text)


def _whole(text: str, least: int, name: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least:
        return int(text)
    raise InvalidInputError(field=name, value=text, cause="integer")


def _subscriber_of(body: bytes) -> dict[str, Any]:
    try:
        wish = json.loads(body)
    except ValueError as cause:
        raise InvalidInputError(field="subscriber", value="", cause="json") from cause
    forms: dict[str, Callable[[Any], bool]] = {
        "name": lambda v: isinstance(v, str) and bool(v.strip()),
        "document": lambda v: isinstance(v, str),
        "closing_day": lambda v: type(v) is int and 1 <= v <= 31,
        "lines": lambda v: isinstance(v, list) and all(isinstance(n, str) and n.isdigit() for n in v),
        "plan": lambda v: v is None or isinstance(v, str),
    }
    if not isinstance(wish, dict) or not all(name in wish and form(wish[name]) for name, form in forms.items()):
        raise InvalidInputError(field="subscriber", value="", cause="form")
    return wish


# --- Faults --------------------------------------------------------------------------------------------------------


class _Tally:
    """Writes down the faults served, a line each, at once: a killed process takes none with it."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("ab", buffering=0)

    def add(self, kind: str, scope: str) -> None:
        if self._file:
            self._file.write(f"{kind} {scope}\n".encode())


class _Trouble:
    """Stands in front of the interface: waits, and lets answers go wrong."""

    def __init__(self, app: ASGIApp, faults: Faults, latency: float, tally: _Tally) -> None:
        self._app = app
        self._faults = faults
        self._latency = latency
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._latency:
            await asyncio.sleep(self._latency)
        path = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        part = _scope_of(scope["path"])
        kind = self._faults.answer(part, path)
        if seen := kind or (self._faults.content(path) if part == "file" else None):
            self._tally.add(seen, part)
        if kind is None:
            await self._app(scope, receive, send)
        elif kind in ("wrong-sha", "repeat-page"):
            await self._app({**scope, _FAULT: kind}, receive, send)
        elif answer := _refusal(kind):
            await answer(scope, receive, send)
        elif kind == "reset":
            _reset(scope)
        elif kind == "stall":
            await _gone(receive)
        else:
            await self._disturbed(kind, scope, receive, send)

    async def _disturbed(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Half of the right answer, or all of it a piece at a time."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        await send(messages[0])
        if kind == "cut":
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            scope[_CONNECTION].close()
            await _gone(receive)
            return
        step = max(1, -(-len(body) // _SLOW_PIECES))
        for start in range(0, len(body), step):
            await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
            await asyncio.sleep(_SLOW_PAUSE)
        await send({"type": "http.response.body", "body": b""})


def _scope_of(path: str) -> str:
    if path == "/v1/health":
        return "health"
    if path == "/v1/billing-files":
        return "listing"
    if path.startswith("/v1/files/"):
        return "file"
    if path.endswith("/invoices"):
        return "invoices"
    return "descriptor" if "/billing-files/" in path else "subscriber"


def _refusal(kind: str) -> Response | None:
    """The answer that stands for the right one, for the kinds that have one."""
    match kind:
        case "429":
            return problem(429, "throttled", "Too many requests.", {"retry-after": "1"})
        case "429-date":
            later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            return problem(429, "throttled", "Too many requests.", {"retry-after": later})
        case "500" | "502" | "503":
            return problem(int(kind), "server_error", "The platform is in trouble.")
        case "401":
            return problem(401, "unauthorized", "The token is missing or wrong.")
        case "html":
            return Response(_HTML, media_type="text/html")
        case "redirect":
            return Response(status_code=302, headers={"location": "http://elsewhere.invalid/login"})
        case "gzip-bomb":
            headers = {"content-type": "text/csv; charset=utf-8", "content-encoding": "gzip"}
            return Response(_bomb(), headers=headers)
    return None


@cache
def _bomb() -> bytes:
    """Half a MiB that unpacks to half a GiB: one compressed mebibyte, over and over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (_BOMB_MEBIBYTES - 1) + packer.flush()


def _reset(scope: Scope) -> None:
    """Break the connection so that the peer sees a reset, not an end."""
    transport = scope[_CONNECTION]
    plug = transport.get_extra_info("socket")
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _gone(receive: Receive) -> None:
    """Wait until the peer has gone, for some minutes at most."""

    async def listen() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(listen(), _STALL_SECONDS)
    except TimeoutError:
        return
