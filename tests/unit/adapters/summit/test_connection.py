"""Both clients against a peer of a few lines on loopback: what is kept, what is made anew, what is an error."""

import asyncio
import socket
import ssl
from collections.abc import Sequence

import pytest

from stfc.adapters.summit.connection import Connections, Patience, Request
from stfc.adapters.summit.downloads import DownloadConnections
from stfc.adapters.summit.talk import TalkConnections
from stfc.errors import ConnectionBrokenError, PlatformTimeoutError

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nay!\r\n0\r\n\r\n"
GOODBYE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Peer:
    """Answers each request with the next of ``answers`` in pieces of ``step`` bytes; None hangs up instead."""

    def __init__(self, answers: Sequence[bytes | None], *, step: int = 1 << 16, farewell: bytes | None = None) -> None:
        self.answers = list(answers)
        self.heads: list[bytes] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._step = step
        self._farewell = farewell

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; with a farewell it ends after one answer."""
        self.connections += 1
        self.writers.append(writer)
        while self.answers:
            try:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError:
                break
            answer = self.answers.pop(0)
            if answer is None:
                break
            for start in range(0, len(answer), self._step):
                writer.write(answer[start : start + self._step])
                await writer.drain()
            if self._farewell is not None:
                writer.write(self._farewell)
                break
        writer.close()


Client = type[TalkConnections] | type[DownloadConnections]
Found = tuple[int, str | None, bytes]


@pytest.fixture(params=[TalkConnections, DownloadConnections])
def client(request: pytest.FixtureRequest) -> Client:
    """Each client of the port."""
    chosen: Client = request.param
    return chosen


async def _ask(connections: Connections, address: str) -> Found:
    async with connections.ask(Request("GET", address, {"accept-encoding": "gzip"})) as reply:
        body = b"".join([piece async for piece in reply.pieces])
        return reply.status, reply.headers.get("transfer-encoding"), body


def asked(
    client: Client, peer: Peer, count: int, *, proxied: bool = False, patience: Patience | None = None
) -> list[Found]:
    """Status, one header and body of ``count`` answers over one connection."""

    async def run() -> list[Found]:
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        here = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        base = "http://summit.test" if proxied else here
        connections = client(1, here if proxied else None, ssl.create_default_context(), patience or Patience())
        found = []
        async with server:
            try:
                for number in range(count):
                    found.append(await _ask(connections, f"{base}/v1/files/{number}?a=b%2Fc"))
                    # Some turns of the loop: enough for a goodbye to arrive.
                    for _ in range(10):
                        await asyncio.sleep(0)
            finally:
                await connections.close()
                for writer in peer.writers:
                    writer.close()
        return found

    return asyncio.run(run())


def test_one_connection_serves_many_requests(client: Client) -> None:
    peer = Peer([OK, CHUNKED, OK])
    assert [body for *_, body in asked(client, peer, 3)] == [b"ok", b"okay!", b"ok"]
    assert peer.connections == 1
    assert peer.heads[0].startswith(b"GET /v1/files/0?a=b%2Fc HTTP/1.1\r\n")


def test_an_answer_may_come_byte_by_byte_and_after_others_that_only_inform(client: Client) -> None:
    peer = Peer([b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + CHUNKED], step=1)
    (found,) = asked(client, peer, 1)
    assert found == (200, "chunked", b"okay!")


@pytest.mark.parametrize("farewell", [b"", GOODBYE], ids=["an end", "a word and an end"])
def test_a_connection_that_the_peer_gave_up_meanwhile_is_made_anew(client: Client, farewell: bytes) -> None:
    peer = Peer([OK, OK], farewell=farewell)
    assert [status for status, *_ in asked(client, peer, 2)] == [200, 200]
    assert peer.connections == 2


def test_a_connection_that_the_peer_wants_closed_is_closed(client: Client) -> None:
    peer = Peer([OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), OK])
    assert [body for *_, body in asked(client, peer, 2)] == [b"ok", b"ok"]
    assert peer.connections == 2


@pytest.mark.parametrize("answer", [None, OK[:-1], OK[:20], b"SMTP ready\r\n\r\n"])
def test_an_answer_that_ends_too_early_or_is_none_is_a_broken_connection(client: Client, answer: bytes | None) -> None:
    # Twice: a client may ask again by itself.
    with pytest.raises(ConnectionBrokenError) as caught:
        asked(client, Peer([answer, answer], farewell=b""), 1)
    assert caught.value.facts["cause"] in ("cut", "protocol")


def _tried(client: Client, address: str, patience: Patience) -> Found:
    async def run() -> Found:
        connections = client(1, None, ssl.create_default_context(), patience)
        try:
            return await _ask(connections, address)
        finally:
            await connections.close()

    return asyncio.run(run())


def test_nobody_there_is_a_broken_connection(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionBrokenError) as caught:
        _tried(client, f"http://127.0.0.1:{port}/", Patience())
    assert caught.value.facts == {"cause": "connect"}


def test_a_door_that_does_not_open_is_a_timeout_of_connecting(client: Client) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        socket.socket() as first,
        socket.socket() as next_,
    ):
        # Linux takes one more than the queue holds, and lets the others knock.
        for one in (first, next_):
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        with pytest.raises(PlatformTimeoutError) as caught:
            _tried(client, f"http://127.0.0.1:{server.getsockname()[1]}/", Patience(connect=0.05))
    assert (caught.value.facts["phase"], caught.value.facts["seconds"]) == ("connect", 0.05)


@pytest.mark.parametrize("began", [b"", OK[:-1]], ids=["no answer", "half an answer"])
def test_a_peer_that_falls_silent_is_a_timeout_of_reading(client: Client, began: bytes) -> None:
    peer = Peer([began, OK])
    with pytest.raises(PlatformTimeoutError) as caught:
        asked(client, peer, 1, patience=Patience(read=0.05))
    assert caught.value.facts == {"phase": "read", "seconds": 0.05}


def test_a_proxy_is_asked_for_the_absolute_address(client: Client) -> None:
    peer = Peer([OK, OK])
    assert [body for *_, body in asked(client, peer, 2, proxied=True)] == [b"ok", b"ok"]
    assert peer.heads[0].startswith(b"GET http://summit.test/v1/files/0?a=b%2Fc HTTP/1.1\r\n")
