"""Both gateways keep one contract (ports.SummitGateway); the HTTP one survives every fault of the simulator."""

import asyncio
import gzip
import hashlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stfc.adapters.summit.folder import FolderSummitGateway
from stfc.adapters.summit.http import HttpSummitGateway
from stfc.domain import billing_file, text
from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.errors import (
    ChecksumError,
    ConnectionBrokenError,
    CredentialsRefusedError,
    FileFormatError,
    FileNotAvailableError,
    NoPlatformError,
    PlatformError,
    PlatformTimeoutError,
    ProvisioningRefusedError,
    ServerFaultError,
    StfcError,
    SubscriberUnknownError,
    ThrottledError,
)
from stfc.services.ports import Subscriber, SummitGateway
from stfc.simulator.faults import KINDS
from stfc.simulator.server import SimulatorOptions, running
from stfc.simulator.traffic import Traffic, TrafficOptions
from stfc.simulator.universe import from_folder
from tests.integration.conftest import Simulator

MONTH = Competence(2026, 9)
NEVER = Competence(2035, 1)


def ask(gateway: SummitGateway, act: Callable[[SummitGateway], Awaitable[Any]]) -> Any:
    """What ``act`` gives on the opened gateway."""

    async def opened() -> Any:
        async with gateway:
            return await act(gateway)

    return asyncio.run(opened())


def fails(kind: type[StfcError], gateway: SummitGateway, act: Callable[[SummitGateway], Awaitable[Any]]) -> StfcError:
    """The error that ``act`` ends with; it has a sentence and says nothing that must not be said."""
    with pytest.raises(kind) as caught:
        ask(gateway, act)
    sentence = text.error(caught.value)
    assert "{" not in sentence
    assert "None" not in sentence
    assert "test-token" not in str(caught.value)
    return caught.value


# --- The contract --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def delivered(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the simulator serves for ``MONTH``, as a delivery to a folder, every third file packed."""
    root = tmp_path_factory.mktemp("delivered")
    traffic = Traffic(from_folder(simulator.erp, simulator.seed), TrafficOptions(simulator.seed))
    known = [row for row in range(len(traffic.universe.contracts)) if not traffic.unknown[row]]
    files = traffic.files(known, MONTH)
    (root / str(MONTH)).mkdir()
    for place, contract in enumerate(files.contracts):
        path = root / str(MONTH) / f"{contract}.csv"
        if place % 3:
            path.write_bytes(files.body(place))
        else:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(files.body(place)))
    return root


@pytest.fixture(params=["http", "folder"])
def gateway(request: pytest.FixtureRequest, simulator: Simulator, delivered: Path) -> SummitGateway:
    """Each adapter of the port over the same month."""
    if request.param == "folder":
        return FolderSummitGateway(delivered)
    return HttpSummitGateway(simulator.base_url, simulator.token, connections=6)


def test_both_gateways_list_the_same_contracts(gateway: SummitGateway, delivered: Path) -> None:
    month = ask(gateway, lambda g: g.month(MONTH))

    names = {path.name.removesuffix(".gz").removesuffix(".csv") for path in (delivered / str(MONTH)).iterdir()}
    assert set(month) == names
    assert all(descriptor.available and descriptor.competence == MONTH for descriptor in month.values())


def test_a_month_without_files_lists_nothing(gateway: SummitGateway) -> None:
    assert ask(gateway, lambda g: g.month(NEVER)) == {}


def test_every_listed_file_can_be_fetched_and_is_what_the_parser_expects(gateway: SummitGateway) -> None:
    async def act(g: SummitGateway) -> dict[str, bytes]:
        month = await g.month(MONTH)
        bodies = await asyncio.gather(*(g.fetch(descriptor) for descriptor in month.values()))
        return dict(zip(month, bodies, strict=True))

    bodies = ask(gateway, act)

    assert len(bodies) > 250
    for contract, body in bodies.items():
        assert billing_file.parse(body, contract, MONTH).contract == contract


def test_a_descriptor_asked_for_alone_is_the_one_of_the_listing(gateway: SummitGateway) -> None:
    async def act(g: SummitGateway) -> tuple[Descriptor, Descriptor]:
        return (await g.month(MONTH))["10002"], await g.descriptor("10002", MONTH)

    listed, alone = ask(gateway, act)

    assert listed == alone


def test_a_month_not_closed_is_told_as_not_available(gateway: SummitGateway) -> None:
    error = fails(FileNotAvailableError, gateway, lambda g: g.descriptor("10002", NEVER))

    assert error.facts == {"contract": "10002", "competence": "2035-01"}


@pytest.mark.parametrize("contract", ["../../etc/passwd", "..", "", "a/b", "10001\0", ".hidden", "x" * 300])
def test_a_contract_that_is_no_contract_reaches_nothing(gateway: SummitGateway, contract: str) -> None:
    fails(PlatformError, gateway, lambda g: g.descriptor(contract, MONTH))


def test_health_tells_a_version(gateway: SummitGateway) -> None:
    health = ask(gateway, lambda g: g.health())

    assert health.version == "1"
    assert health.latency_ms >= 0


# --- HTTP alone ----------------------------------------------------------------------------------------------------


@pytest.fixture
def http(simulator: Simulator) -> HttpSummitGateway:
    """The HTTP gateway to the simulator process."""
    return HttpSummitGateway(simulator.base_url, simulator.token, connections=6)


def test_announced_figures_and_checksum_are_those_of_the_file(http: HttpSummitGateway) -> None:
    async def act(g: SummitGateway) -> tuple[Descriptor, bytes]:
        descriptor = await g.descriptor("10002", MONTH)
        return descriptor, await g.fetch(descriptor)

    descriptor, body = ask(http, act)

    parsed = billing_file.parse(body, "10002", MONTH)
    assert descriptor.sha256 == hashlib.sha256(body).hexdigest()
    announced = (descriptor.records, descriptor.billed_seconds, descriptor.amount)
    assert announced == (parsed.declared.records, parsed.declared.seconds, parsed.declared.amount)
    assert (descriptor.period_from, descriptor.period_until) == (parsed.period_from, parsed.period_until)


def test_a_subscriber_that_the_platform_does_not_know_is_told_apart(http: HttpSummitGateway) -> None:
    error = fails(SubscriberUnknownError, http, lambda g: g.descriptor("77777", MONTH))

    assert error.facts == {"contract": "77777"}


def test_a_processing_month_is_listed_as_not_available(simulator: Simulator, http: HttpSummitGateway) -> None:
    month = ask(http, lambda g: g.month(Competence(2026, 11)))

    processing = [descriptor for descriptor in month.values() if not descriptor.available]
    assert processing
    fails(FileNotAvailableError, http, lambda g: g.fetch(processing[0]))


def test_a_wrong_token_is_refused(simulator: Simulator) -> None:
    wrong = HttpSummitGateway(simulator.base_url, "another", connections=2)

    assert fails(CredentialsRefusedError, wrong, lambda g: g.month(MONTH)).facts == {"status": 401}


def test_health_needs_no_token(simulator: Simulator) -> None:
    assert ask(HttpSummitGateway(simulator.base_url, ""), lambda g: g.health()).version == "1"


def test_provisioning_twice_says_the_same(http: HttpSummitGateway) -> None:
    wish = Subscriber("90001", "Ana Lima", "11144477735", 10, ("1159000001",), "empresarial-500")

    assert [ask(http, lambda g: g.provision(wish)) for _ in range(2)] == ["active", "active"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"document": "11144477734"}, "invalid_document"),
        ({"document": "12ABC34501DE36"}, "invalid_document"),
        ({"plan": "no-such-plan"}, "plan_unknown"),
    ],
)
def test_a_refused_subscriber_is_told_with_the_platforms_reason(
    http: HttpSummitGateway, change: dict[str, Any], reason: str
) -> None:
    wish = replace(Subscriber("90002", "Ana Lima", "12ABC34501DE35", 10, (), None), **change)

    error = fails(ProvisioningRefusedError, http, lambda g: g.provision(wish))

    assert error.facts == {"contract": "90002", "reason": reason}


def test_a_line_of_another_subscriber_is_refused(simulator: Simulator, http: HttpSummitGateway) -> None:
    number = from_folder(simulator.erp, simulator.seed).numbers[0]
    wish = Subscriber("90003", "Ana Lima", "11144477735", 10, (number,), None)

    assert fails(ProvisioningRefusedError, http, lambda g: g.provision(wish)).facts["reason"] == "line_taken"


def test_the_platforms_bills_add_up_to_the_calls(http: HttpSummitGateway) -> None:
    async def act(g: SummitGateway) -> tuple[Any, list[bytes]]:
        bills = await g.invoices("10002", MONTH.plus(-2), MONTH)
        return bills, [await g.fetch(await g.descriptor("10002", bill.competence)) for bill in bills]

    bills, bodies = ask(http, act)

    assert [bill.competence for bill in bills] == [MONTH.plus(-2), MONTH.plus(-1), MONTH]
    for bill, body in zip(bills, bodies, strict=True):
        records = billing_file.parse(body, "10002", bill.competence).records
        assert bill.amount * 10_000 == sum(record.amount for record in records)
        assert bill.amount == sum(amount for _, amount in bill.items)


def test_bills_of_an_unknown_subscriber_are_an_error(http: HttpSummitGateway) -> None:
    fails(SubscriberUnknownError, http, lambda g: g.invoices("77777", MONTH, MONTH))


def test_a_file_changed_since_its_descriptor_fails_its_checksum(http: HttpSummitGateway) -> None:
    async def act(g: SummitGateway) -> bytes:
        return await g.fetch(replace(await g.descriptor("10002", MONTH), sha256="0" * 64))

    error = fails(ChecksumError, http, act)

    assert error.facts["announced"] == "0" * 64
    assert len(error.facts["computed"]) == 64


def test_a_file_without_announced_checksum_is_taken(http: HttpSummitGateway) -> None:
    async def act(g: SummitGateway) -> bytes:
        return await g.fetch(replace(await g.descriptor("10002", MONTH), sha256=None))

    assert ask(http, act).startswith(b"H;1;10002;2026-09;")


@pytest.mark.parametrize(
    "href", ["http://elsewhere.invalid/f", "//elsewhere.invalid/f", "ftp://127.0.0.1/f", "http://["]
)
def test_a_link_to_another_host_is_not_followed_and_no_token_goes_there(http: HttpSummitGateway, href: str) -> None:
    error = fails(ServerFaultError, http, lambda g: g.fetch(Descriptor("1", MONTH, available=True, href=href)))

    assert error.facts["cause"] in ("other_host", "address")


def test_a_link_to_nothing_is_a_fault_of_the_platform(http: HttpSummitGateway) -> None:
    lost = Descriptor("1", MONTH, available=True, href="/v1/nothing")

    assert fails(ServerFaultError, http, lambda g: g.fetch(lost)).facts["status"] == 404


def test_more_requests_than_connections_all_end(http: HttpSummitGateway) -> None:
    async def act(g: SummitGateway) -> list[Descriptor]:
        return await asyncio.gather(*(g.descriptor("10002", MONTH) for _ in range(200)))

    assert len(set(ask(http, act))) == 1


def test_a_cancelled_request_gives_its_place_back(http: HttpSummitGateway) -> None:
    async def act(g: SummitGateway) -> Descriptor:
        for _ in range(30):
            task = asyncio.create_task(g.descriptor("10002", MONTH))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return await g.descriptor("10002", MONTH)

    assert ask(http, act).contract == "10002"


def test_nobody_at_the_address_is_a_broken_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    error = fails(ConnectionBrokenError, HttpSummitGateway(f"http://127.0.0.1:{port}", "t"), lambda g: g.health())

    assert error.facts == {"cause": "connect"}


# --- Faults --------------------------------------------------------------------------------------------------------

FEW = TrafficOptions(seed=7, clean=True)


def troubled(*faults: str) -> Any:
    """A simulator with faults on a thread of this process."""
    options = SimulatorOptions(port=0, contracts=12, until=MONTH, traffic=FEW, faults=faults)
    return running(options)


async def _fetch_one(g: SummitGateway) -> bytes:
    return await g.fetch(await g.descriptor("10001", MONTH))


_ANSWERS: list[tuple[str, type[StfcError], dict[str, Any]]] = [
    ("429", ThrottledError, {"retry_after": 1.0}),
    ("500", ServerFaultError, {"status": 500, "cause": "status", "retry_after": None}),
    ("502", ServerFaultError, {"status": 502, "cause": "status", "retry_after": None}),
    ("503", ServerFaultError, {"status": 503, "cause": "status", "retry_after": None}),
    ("401", CredentialsRefusedError, {"status": 401}),
    ("reset", ConnectionBrokenError, {"cause": "reset"}),
    ("cut", ConnectionBrokenError, {"cause": "cut"}),
    ("html", ServerFaultError, {"status": 200, "cause": "html"}),
    ("redirect", ServerFaultError, {"cause": "other_host"}),
    ("stall", PlatformTimeoutError, {"phase": "whole", "seconds": 0.5}),
    ("slow", PlatformTimeoutError, {"phase": "whole", "seconds": 0.5}),
    ("gzip-bomb", ServerFaultError, {"status": 200, "cause": "too_large"}),
]


@pytest.mark.parametrize(("kind", "error", "facts"), _ANSWERS, ids=[kind for kind, _, _ in _ANSWERS])
def test_a_troubled_file_ends_as_its_error(kind: str, error: type[StfcError], facts: dict[str, Any]) -> None:
    with troubled(f"{kind}=1@file") as address:
        gateway = HttpSummitGateway(address, "test-token", file_timeout=facts.get("seconds", 30.0))

        assert fails(error, gateway, _fetch_one).facts == facts


@pytest.mark.parametrize(("kind", "error"), [(kind, error) for kind, error, _ in _ANSWERS if "health" in KINDS[kind]])
def test_a_troubled_platform_fails_its_health(kind: str, error: type[StfcError]) -> None:
    with troubled(f"{kind}=1") as address:
        fails(error, HttpSummitGateway(address, "test-token", file_timeout=0.5), lambda g: g.health())


def test_a_date_to_retry_after_becomes_seconds() -> None:
    with troubled("429-date=1") as address:
        error = fails(ThrottledError, HttpSummitGateway(address, "test-token"), lambda g: g.month(MONTH))

    assert 0 <= error.facts["retry_after"] <= 2


def test_a_file_altered_on_the_way_fails_its_checksum() -> None:
    with troubled("wrong-sha=1") as address:
        fails(ChecksumError, HttpSummitGateway(address, "test-token"), _fetch_one)


@pytest.mark.parametrize(
    ("kind", "cause"), [("bad-line", "duration"), ("wrong-contract", "other_contract"), ("wrong-totals", None)]
)
def test_a_file_spoilt_inside_keeps_its_checksum(kind: str, cause: str | None) -> None:
    with troubled(f"{kind}=1") as address:
        gateway = HttpSummitGateway(address, "test-token")
        body, listed = ask(gateway, _fetch_one), ask(gateway, lambda g: g.month(MONTH))["10001"]

    assert listed.sha256 == hashlib.sha256(body).hexdigest()
    if cause is None:
        parsed = billing_file.parse(body, "10001", MONTH)
        assert parsed.declared.amount == listed.amount == sum(r.amount for r in parsed.records) + 1_000_000
    else:
        with pytest.raises(FileFormatError) as caught:
            billing_file.parse(body, "10001", MONTH)
        assert caught.value.facts["cause"] == cause


def test_a_listing_that_repeats_a_page_ends_with_what_there_is() -> None:
    with troubled("repeat-page=1") as address:
        month = ask(HttpSummitGateway(address, "test-token", page=5), lambda g: g.month(MONTH))

    assert list(month) == ["10001", "10002", "10003", "10004", "10005"]


def test_a_listing_of_several_pages_is_put_together() -> None:
    with troubled() as address:
        assert len(ask(HttpSummitGateway(address, "test-token", page=5), lambda g: g.month(MONTH))) == 12


def test_a_stalled_file_does_not_hold_the_others() -> None:
    with troubled("stall=0.3@file") as address:

        async def act(g: SummitGateway) -> list[bytes | BaseException]:
            month = await g.month(MONTH)
            return await asyncio.gather(*(g.fetch(d) for d in month.values()), return_exceptions=True)

        ends = ask(HttpSummitGateway(address, "test-token", file_timeout=1.0, connections=12), act)

    assert {type(end) for end in ends} == {bytes, PlatformTimeoutError}


def test_every_kind_of_fault_is_tried_here() -> None:
    tried = {kind for kind, _, _ in _ANSWERS} | {"429-date", "wrong-sha", "repeat-page"}

    assert tried | {"bad-line", "wrong-totals", "wrong-contract", "corrected"} == set(KINDS)


# --- Odd answers ---------------------------------------------------------------------------------------------------


@pytest.fixture
def odd() -> Iterator[Callable[[bytes], str]]:
    """Starts servers that answer every request with the given bytes; gives their address."""
    servers: list[socket.socket] = []

    def start(answer: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def answer_all() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65_536)
                    peer.sendall(answer)

        threading.Thread(target=answer_all, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _answer(body: bytes, *, kind: str = "application/json", status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (_answer(b"{"), "json"),
        (_answer(b"[]"), "json"),
        (_answer(b"[" * 100_000), "json"),
        (_answer(b"<html>", kind="text/html"), "html"),
        (_answer(b"{}", kind="text/plain"), "json"),
        (_answer(b'{"items":{}}'), "form"),
        (_answer(b'{"items":[1]}'), "form"),
        (_answer(b'{"items":[{"contract":"1"}],"next_cursor":7}'), "form"),
        (_answer(b"{}", status="418 I'm a teapot"), "status"),
        (_answer(b"", status="204 No Content"), "status"),
        (_answer(b"{}", more="Content-Encoding: br\r\n"), "encoding"),
        (_answer(b"no gzip", more="Content-Encoding: gzip\r\n"), "gzip"),
        (_answer(gzip.compress(b'{"items":[]}', mtime=0)[:-6], more="Content-Encoding: gzip\r\n"), "gzip_cut"),
        (_answer(b"", status="302 Found", more="Location: /v1/billing-files\r\n"), "redirect"),
    ],
)
def test_an_odd_listing_is_a_fault_of_the_platform(odd: Callable[[bytes], str], answer: bytes, cause: str) -> None:
    gateway = HttpSummitGateway(odd(answer), "test-token")

    assert fails(ServerFaultError, gateway, lambda g: g.month(MONTH)).facts["cause"] == cause


def test_an_answer_that_is_no_http_is_a_broken_connection(odd: Callable[[bytes], str]) -> None:
    gateway = HttpSummitGateway(odd(b"SSH-2.0-OpenSSH\r\n\r\n"), "test-token")

    fails(ConnectionBrokenError, gateway, lambda g: g.health())


def test_a_listing_that_never_ends_is_left(odd: Callable[[bytes], str]) -> None:
    gateway = HttpSummitGateway(odd(_answer(b'{"items":[],"next_cursor":"again"}')), "test-token")

    assert ask(gateway, lambda g: g.month(MONTH)) == {}


def test_one_odd_descriptor_does_not_cost_the_others(odd: Callable[[bytes], str]) -> None:
    good = b'{"contract":"1","competence":"2026-09","status":"available","href":"/f","amount":"0,000001"}'
    bad = b'{"contract":"2","competence":"2026-09","status":"available","href":"/f","amount":12.3}'
    gateway = HttpSummitGateway(odd(_answer(b'{"items":[%s,%s],"next_cursor":null}' % (good, bad))), "test-token")

    month = ask(gateway, lambda g: g.month(MONTH))

    assert {contract: descriptor.amount for contract, descriptor in month.items()} == {"1": 1}


def test_a_404_without_a_code_is_no_unknown_subscriber(odd: Callable[[bytes], str]) -> None:
    gateway = HttpSummitGateway(odd(_answer(b"<h1>Not found</h1>", kind="text/html", status="404 Not Found")), "t")

    assert fails(ServerFaultError, gateway, lambda g: g.descriptor("1", MONTH)).facts["status"] == 404


# --- Folder alone --------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A delivery folder with one empty month."""
    (tmp_path / str(MONTH)).mkdir()
    return tmp_path


def test_a_folder_announces_nothing(root: Path) -> None:
    (root / str(MONTH) / "4711.csv").write_bytes(b"anything")

    expected = Descriptor("4711", MONTH, available=True, href="2026-09/4711.csv")
    assert ask(FolderSummitGateway(root), lambda g: g.month(MONTH)) == {"4711": expected}


def test_of_a_plain_and_a_packed_file_the_plain_one_counts(root: Path) -> None:
    (root / str(MONTH) / "4711.csv.gz").write_bytes(gzip.compress(b"packed"))
    (root / str(MONTH) / "4711.csv").write_bytes(b"plain")
    gateway = FolderSummitGateway(root)

    assert ask(gateway, lambda g: g.month(MONTH))["4711"].href == "2026-09/4711.csv"
    assert ask(gateway, lambda g: g.fetch(Descriptor("4711", MONTH, True, "2026-09/4711.csv"))) == b"plain"


def test_files_of_other_names_are_nobodys(root: Path) -> None:
    for name in (".4711.csv", "4711.csv.part", "notes.txt", "a b.csv"):
        (root / str(MONTH) / name).write_bytes(b"")

    assert ask(FolderSummitGateway(root), lambda g: g.month(MONTH)) == {}


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"no gzip", "gzip"),
        (gzip.compress(b"x" * 999, mtime=0)[:-9], "gzip_cut"),
        (gzip.compress(bytes(4097), mtime=0), "too_large"),
    ],
    ids=["plain", "cut", "too large"],
)
def test_a_packed_file_that_cannot_be_read_is_of_no_form(root: Path, content: bytes, cause: str) -> None:
    (root / str(MONTH) / "4711.csv.gz").write_bytes(content)
    gateway = FolderSummitGateway(root, size_limit=4096)

    error = fails(FileFormatError, gateway, lambda g: g.fetch(Descriptor("4711", MONTH, available=True, href="")))

    assert error.facts == {"line": 1, "cause": cause, "value": "4711.csv.gz"}


def test_a_file_beyond_the_limit_is_refused(root: Path) -> None:
    (root / str(MONTH) / "4711.csv").write_bytes(bytes(4097))
    gateway = FolderSummitGateway(root, size_limit=4096)

    fails(FileFormatError, gateway, lambda g: g.fetch(Descriptor("4711", MONTH, available=True, href="")))


def test_a_link_out_of_the_folder_is_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_bytes(b"secret")
    (root / str(MONTH) / "4711.csv").symlink_to(secret)

    fails(SubscriberUnknownError, FolderSummitGateway(root), lambda g: g.descriptor("4711", MONTH))


def test_a_folder_that_is_not_there_is_a_broken_connection(root: Path) -> None:
    gateway = FolderSummitGateway(root / "missing")

    for act in (lambda g: g.month(MONTH), lambda g: g.descriptor("1", MONTH), lambda g: g.health()):
        assert fails(ConnectionBrokenError, gateway, act).facts == {"cause": "folder"}


def test_a_folder_takes_no_subscribers_and_issues_no_bills(root: Path) -> None:
    wish = Subscriber("1", "Ana", "11144477735", 1, (), None)

    fails(NoPlatformError, FolderSummitGateway(root), lambda g: g.provision(wish))
    fails(NoPlatformError, FolderSummitGateway(root), lambda g: g.invoices("1", MONTH, MONTH))
