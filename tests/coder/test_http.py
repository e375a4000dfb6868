"""The HTTP client: response bodies, the root of the API, trust."""

import gzip
import ssl
import traceback
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import trustme

from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.http import build_api_root, create_tls_context, read_body
from insights_exporter.config.models import TLSConfig
from tests.coder.deployments import deployment


def response(chunks: AsyncIterator[bytes], encoding: str = "") -> httpx.Response:
    """Return a response with this body, before it is read."""
    return httpx.Response(200, headers={"Content-Encoding": encoding}, content=chunks)


async def split_chunks(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    """Yield data in chunks, as a network does."""
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
async def test_body_is_read_completely(encoding: str, data: bytes) -> None:
    """A body is read completely, compressed or not."""
    assert b"some text" == await read_body(response(split_chunks(data), encoding), 9)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        pytest.param("", b"x" * 100, id="plain"),
        pytest.param("gzip", gzip.compress(b"x" * 100_000_000), id="bomb"),
    ],
)
async def test_body_that_is_too_large(encoding: str, data: bytes) -> None:
    """Reading stops at the size limit, so a compression bomb is not unpacked."""
    with pytest.raises(ApiError, match="more than 99 bytes") as failed:
        await read_body(response(split_chunks(data, 64), encoding), 99)

    assert "too_large" == failed.value.reason


async def break_off(data: bytes) -> AsyncIterator[bytes]:
    """Yield data until the connection breaks."""
    yield data
    raise ConnectionResetError


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(lambda: split_chunks(b"x" * 2_000_000, 500_000), id="too large"),
        pytest.param(lambda: break_off(b"x" * 900_000), id="broken off"),
    ],
)
async def test_failure_keeps_nothing_of_the_body(chunks: Callable[[], AsyncIterator[bytes]]) -> None:
    """The traceback of a failed read does not keep the bytes read so far."""
    with pytest.raises((ApiError, ConnectionResetError)) as failed:
        await read_body(response(chunks()), 1_000_000)
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
        pytest.param("br", b"anything", id="not requested"),
        pytest.param("gzip", gzip.compress(b"some text") + b"x" * 100, id="something after its end"),
    ],
)
async def test_body_that_cannot_be_unpacked(encoding: str, data: bytes) -> None:
    """Broken compression, or one that was not requested, is an invalid response."""
    with pytest.raises(ApiError) as failed:
        await read_body(response(split_chunks(data), encoding), 1000)

    assert "invalid" == failed.value.reason


@pytest.mark.parametrize(
    ("url", "api_path", "expected"),
    [
        ("https://coder.example.com", "/api/v2", "https://coder.example.com/api/v2"),
        ("https://coder.example.com/", "/api/v2", "https://coder.example.com/api/v2"),
        ("https://coder.example.com/api/v2", "/api/v2", "https://coder.example.com/api/v2"),
        ("https://example.com/coder", "/api/v2", "https://example.com/coder/api/v2"),
        ("https://example.com/mock", "/", "https://example.com/mock"),
    ],
)
def test_root_of_the_api(url: str, api_path: str, expected: str) -> None:
    """The API path is appended to the URL unless it ends in it."""
    assert expected == build_api_root(deployment(url, api_path=api_path))


def test_ca_file_replaces_the_default_authorities(tmp_path: Path) -> None:
    """With `ca_file`, only its authorities are trusted."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    own = create_tls_context(TLSConfig(ca_file=tmp_path / "ca.pem"))

    assert 1 == len(own.get_ca_certs())
    assert len(create_tls_context(TLSConfig()).get_ca_certs()) > 50


def test_certificates_are_checked_by_default() -> None:
    """Only `insecure_skip_verify` takes any certificate."""
    assert ssl.CERT_REQUIRED == create_tls_context(TLSConfig()).verify_mode
    assert ssl.CERT_NONE == create_tls_context(TLSConfig(insecure_skip_verify=True)).verify_mode
