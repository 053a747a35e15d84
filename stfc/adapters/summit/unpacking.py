"""Bodies put together piece by piece, unpacked if need be, and never beyond a limit."""

import zlib


class BrokenBodyError(Exception):
    """A body that cannot be had whole; ``cause`` is ``too_large``, ``gzip`` or ``gzip_cut``."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Unpacker:
    """Collects a body of at most ``limit`` decoded bytes; what would go beyond is never unpacked, let alone kept."""

    def __init__(self, limit: int, *, is_packed: bool) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_packed = is_packed
        self._member = zlib.decompressobj(wbits=31)
        self._is_inside = is_packed

    def feed(self, piece: bytes) -> None:
        """Take the next piece as it came; ``BrokenBodyError``."""
        if not self._is_packed:
            self._keep(piece)
            return
        while piece:
            if not self._is_inside:
                self._member, self._is_inside = zlib.decompressobj(wbits=31), True
            try:
                self._keep(self._member.decompress(piece, self._limit - self._size + 1))
            except zlib.error as cause:
                raise BrokenBodyError("gzip") from cause
            if self._member.eof:
                # A gzip file may have several members, one after the other.
                piece, self._is_inside = self._member.unused_data, False
            else:
                piece = self._member.unconsumed_tail

    def body(self) -> bytes:
        """The whole body; ``BrokenBodyError`` when the packed form ended too early."""
        if self._is_inside:
            raise BrokenBodyError("gzip_cut")
        return b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise BrokenBodyError("too_large")
        if piece:
            self._pieces.append(piece)


def unpacked(packed: bytes, limit: int) -> bytes:
    """The decoded bytes of a gzip file; ``BrokenBodyError``."""
    unpacker = Unpacker(limit, is_packed=True)
    unpacker.feed(packed)
    return unpacker.body()
