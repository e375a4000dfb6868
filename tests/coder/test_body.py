"""Reading answers, and no more of them than was allowed."""

import gzip
import traceback
import zlib
from collections.abc import AsyncIterator, Callable

import pytest

from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.http import read_body


async def pieces(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    """Give data as a network does."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        pytest.param("", b"some text", id="plain"),
        pytest.param("identity", b"some text", id="identity"),
        pytest.param("gzip", gzip.compress(b"some text"), id="gzip"),
        pytest.param("deflate", zlib.compress(b"some text"), id="deflate"),
    ],
)
async def test_body_is_read_whole(encoding: str, data: bytes) -> None:
    """A body comes whole, compressed or not."""
    assert await read_body(pieces(data), encoding, 9) == b"some text"


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        pytest.param("", b"x" * 100, id="plain"),
        pytest.param("gzip", gzip.compress(b"x" * 100_000_000), id="bomb"),
    ],
)
async def test_body_that_is_too_large(encoding: str, data: bytes) -> None:
    """Reading stops at the limit, before a bomb has gone off."""
    with pytest.raises(ApiError, match="more than 99 bytes") as failed:
        await read_body(pieces(data, 64), encoding, 99)

    assert failed.value.reason == "too_large"


async def broken_off(data: bytes) -> AsyncIterator[bytes]:
    """Give data until the connection breaks."""
    yield data
    raise ConnectionResetError


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(lambda: pieces(b"x" * 2_000_000, 500_000), id="too large"),
        pytest.param(lambda: broken_off(b"x" * 900_000), id="broken off"),
    ],
)
async def test_failure_keeps_nothing_of_the_body(chunks: Callable[[], AsyncIterator[bytes]]) -> None:
    """What was read so far is not kept by the traceback of the failure that ended it."""
    with pytest.raises((ApiError, ConnectionResetError)) as failed:
        await read_body(chunks(), "", 1_000_000)
    kept = {
        name: len(value)
        for frame, _ in traceback.walk_tb(failed.value.__traceback__)
        for name, value in frame.f_locals.items()
        if isinstance(value, bytearray)
    }

    assert {"body": 0} == kept


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        pytest.param("gzip", b"no gzip at all", id="broken"),
        pytest.param("br", b"anything", id="not asked for"),
        pytest.param("gzip", gzip.compress(b"some text") + b"x" * 100, id="something after its end"),
    ],
)
async def test_body_that_cannot_be_unpacked(encoding: str, data: bytes) -> None:
    """Broken compression, or one that nobody asked for, is an invalid answer."""
    with pytest.raises(ApiError) as failed:
        await read_body(pieces(data), encoding, 1000)

    assert failed.value.reason == "invalid"
