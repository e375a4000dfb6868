"""Pieces of one gzip member, each compressed once and used again.

A deflate stream may be flushed so that what follows does not look back
(RFC 1951); such pieces can be joined in any order, as long as the last one
ends the stream and the trailer holds the CRC-32 and size of the whole.
"""

import struct
from collections.abc import Iterable

import msgspec
from isal import isal_zlib

_RAW = -15  # deflate without a header of its own
_LEVEL = 1  # 14 times faster than zlib's level 6 and as small; higher ones gain nothing
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, no time, any system


class CompressedPiece(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Bytes, their deflated form and their CRC-32."""

    data: bytes
    packed: bytes
    crc: int


def compress(data: bytes) -> CompressedPiece:
    """Return bytes with their deflated form, which others may follow."""
    return CompressedPiece(data, _deflated(data, isal_zlib.Z_FULL_FLUSH), isal_zlib.crc32(data))


def compress_last(data: bytes) -> CompressedPiece:
    """Return bytes with their deflated form, which ends the stream."""
    return CompressedPiece(data, _deflated(data, isal_zlib.Z_FINISH), isal_zlib.crc32(data))


def combine_crcs(pieces: Iterable[CompressedPiece]) -> int:
    """Return the CRC-32 of all pieces' bytes in a row."""
    crc = 0
    for part in pieces:
        crc = isal_zlib.crc32_combine(crc, part.crc, len(part.data))
    return crc


def trailer(crc: int, length: int) -> bytes:
    """Return the last eight bytes of a gzip member."""
    return struct.pack("<II", crc, length & 0xFFFFFFFF)


def _deflated(data: bytes, flush: int) -> bytes:
    compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW)
    return compressor.compress(data) + compressor.flush(flush)
