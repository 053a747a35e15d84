"""What it takes to ask the platform, whichever client asks: a request, its answer as it comes in, and their times."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Patience:
    """Seconds: for a connection to be made, for the next piece of an answer, and that an idle connection is kept."""

    connect: float = 5.0
    read: float = 30.0
    idle: float = 5.0


@dataclass(frozen=True)
class Request:
    """What to ask: ``address`` is absolute and quoted; ``headers`` are all that are sent, but for host and length."""

    method: str
    address: str
    headers: Mapping[str, str]
    content: bytes | None = None


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers with their names in lower case, and the body as it comes in, still packed."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


class Connections(Protocol):
    """A bounded number of connections, made when needed and again when the peer has gone; for one event loop."""

    def ask(self, request: Request) -> AbstractAsyncContextManager[Reply]:
        """Send a request and give its answer, redirects too. The connection is kept if the body was read to its end.

        Raises:
            PlatformTimeoutError: no connection, or no data, in time; also while ``pieces`` are read.
            ConnectionBrokenError: no connection, or one that broke off; also while ``pieces`` are read.
        """
        ...

    async def close(self) -> None:
        """Close them all."""
        ...
