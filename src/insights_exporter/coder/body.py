"""Reading an answer's body, and never more of it than was allowed."""

import zlib
from collections.abc import AsyncIterator, Callable

from insights_exporter.coder.failures import RequestFailed

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_OTHER_COMPRESSIONS = frozenset({"br", "compress", "zstd"})
"""What a header may say and be repeated; anything else may be data of people."""


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> bytes:
    """Join `chunks`, decompressed if `encoding` says so.

    Raises:
        RequestFailed: `too_large` past `limit` bytes, `invalid` where the
            compression is broken or of a kind that was not asked for.
    """
    inflate = _inflater(encoding)
    body = bytearray()
    try:
        async for chunk in chunks:
            body += inflate(chunk, limit + 1 - len(body))
            if len(body) > limit:
                detail = f"the answer has more than {limit} bytes"
                raise RequestFailed("too_large", detail)
        return bytes(body)
    finally:
        body.clear()  # a failure's traceback would keep it


def _inflater(encoding: str) -> Callable[[bytes, int], bytes]:
    if encoding in {"", "identity"}:
        return lambda chunk, _: chunk
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        which = f": {encoding}" if encoding in _OTHER_COMPRESSIONS else ""
        raise RequestFailed("invalid", f"the answer is compressed in a way that was not asked for{which}")
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def inflate(chunk: bytes, most: int) -> bytes:
        if stream.eof:  # zlib would keep all that comes after it
            raise RequestFailed("invalid", "the answer goes on after the end of its compression")
        try:
            return stream.decompress(chunk, most)
        except zlib.error as error:
            raise RequestFailed("invalid", f"the answer's compression is broken: {error}") from None

    return inflate
