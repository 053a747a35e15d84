"""A connection against a peer of a few lines on loopback: what is kept, what is made anew, what is an error."""

import asyncio
import ssl
from collections.abc import Sequence

import pytest

from stfc.adapters.summit.connection import Connection, Head, Request
from stfc.errors import ConnectionBrokenError

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nay!\r\n0\r\n\r\n"
GOODBYE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Peer:
    """Answers each request with the next of ``answers`` in pieces of ``step`` bytes; None hangs up instead."""

    def __init__(self, answers: Sequence[bytes | None], *, step: int = 1 << 16, farewell: bytes | None = None) -> None:
        self.answers = list(answers)
        self.heads: list[bytes] = []
        self.connections = 0
        self._step = step
        self._farewell = farewell

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; with a farewell it ends after one answer."""
        self.connections += 1
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
        await writer.wait_closed()


def asked(peer: Peer, count: int, *, proxied: bool = False) -> list[tuple[Head, bytes]]:
    """The heads and bodies of ``count`` requests over one connection."""

    async def run() -> list[tuple[Head, bytes]]:
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        here = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        base = "http://summit.test" if proxied else here
        one = Connection(here if proxied else None, ssl.create_default_context())
        found = []
        async with server:
            for number in range(count):
                request = Request("GET", f"{base}/v1/files/{number}?a=b", [(b"host", b"summit.test")])
                try:
                    head = await one.ask(request)
                    found.append((head, b"".join([piece async for piece in one.pieces()])))
                finally:
                    await one.rest()
                # Some turns of the loop: enough for a goodbye to arrive.
                for _ in range(10):
                    await asyncio.sleep(0)
            await one.close()
        return found

    return asyncio.run(run())


def test_one_connection_serves_many_requests() -> None:
    peer = Peer([OK, CHUNKED, OK])
    assert [body for _, body in asked(peer, 3)] == [b"ok", b"okay!", b"ok"]
    assert peer.connections == 1
    assert peer.heads[0].startswith(b"GET /v1/files/0?a=b HTTP/1.1\r\n")


def test_an_answer_may_come_byte_by_byte_and_after_others_that_only_inform() -> None:
    peer = Peer([b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + CHUNKED], step=1)
    ((head, body),) = asked(peer, 1)
    assert (head.status, head.headers["transfer-encoding"], body) == (200, "chunked", b"okay!")


@pytest.mark.parametrize("farewell", [b"", GOODBYE], ids=["an end", "a word and an end"])
def test_a_connection_that_the_peer_gave_up_meanwhile_is_made_anew(farewell: bytes) -> None:
    peer = Peer([OK, OK], farewell=farewell)
    assert [head.status for head, _ in asked(peer, 2)] == [200, 200]
    assert peer.connections == 2


def test_a_connection_that_the_peer_wants_closed_is_closed() -> None:
    peer = Peer([OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), OK])
    assert [body for _, body in asked(peer, 2)] == [b"ok", b"ok"]
    assert peer.connections == 2


@pytest.mark.parametrize("answer", [None, OK[:-1], OK[:20], b"SMTP ready\r\n\r\n"])
def test_an_answer_that_ends_too_early_or_is_none_is_a_broken_connection(answer: bytes | None) -> None:
    with pytest.raises(ConnectionBrokenError) as caught:
        asked(Peer([answer], farewell=b""), 1)
    assert caught.value.facts == {"cause": "cut"}


def test_nobody_there_is_a_broken_connection() -> None:
    async def run() -> None:
        server = await asyncio.start_server(Peer([]).serve, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        await server.wait_closed()
        await Connection(None, ssl.create_default_context()).ask(Request("GET", base + "/", []))

    with pytest.raises(ConnectionBrokenError) as caught:
        asyncio.run(run())
    assert caught.value.facts == {"cause": "connect"}


def test_a_proxy_is_asked_for_the_absolute_address() -> None:
    peer = Peer([OK, OK])
    assert [body for _, body in asked(peer, 2, proxied=True)] == [b"ok", b"ok"]
    assert peer.heads[0].startswith(b"GET http://summit.test/v1/files/0?a=b HTTP/1.1\r\n")
