"""Compressed answers, unpacked piece by piece, so that a bomb is met by the size limit and not by the memory."""

import zlib
from collections.abc import Iterator
from typing import Protocol

from libs.fetch.errors import FetchError

ACCEPTED = "gzip, deflate"
PIECE_BYTES = 65_536
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class Decoder(Protocol):
    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The content that the piece yields, in pieces of bounded size."""
        ...

    def finish(self) -> None:
        """Raises FetchError where the answer ended in the middle."""
        ...


class Plain:
    def feed(self, piece: bytes) -> Iterator[bytes]:
        yield piece

    def finish(self) -> None:
        pass


class Inflated:
    def __init__(self) -> None:
        self._decompress = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._begun = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        self._begun = True
        waiting = piece
        try:
            while waiting and not self._decompress.eof:
                unpacked = self._decompress.decompress(waiting, PIECE_BYTES)
                waiting = self._decompress.unconsumed_tail
                if unpacked:
                    yield unpacked
        except zlib.error as error:
            raise FetchError("The page's compression is damaged.") from error

    def finish(self) -> None:
        if self._begun and not self._decompress.eof:
            raise FetchError("The page ended in the middle of its compressed content.")


def decoder_for(encoding: str) -> Decoder:
    """Raises FetchError for an encoding that wasn't asked for; several on top of each other are refused too."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return Plain()
    if name in {"gzip", "x-gzip", "deflate"}:
        return Inflated()
    raise FetchError(f"The page is compressed as {name[:40]!r}, which isn't read.")
