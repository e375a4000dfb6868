"""Faults below HTTP: closed ports, streams, certificates."""

import socket
import zlib
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response, StreamingResponse

from insights_exporter.demo import FAULTS, faults, serve
from tests.demo.certificates import Authority
from tests.demo.client import coder
from tests.demo.faulty_server import DAUS, FaultyServer, client


def test_refused_closes_the_port() -> None:
    """Open connections are closed, new ones are refused, and the port stays the same."""
    server = coder()
    with serve(server) as url, client(url) as http:
        assert http.get("/buildinfo").status_code == 200
        server.fail("refused")
        with pytest.raises(httpx.TransportError):
            http.get("/buildinfo")
        with pytest.raises(httpx.ConnectError):
            http.get("/buildinfo")
        server.clear_faults()
        assert http.get("/buildinfo").status_code == 200


def test_server_that_is_down_may_be_served() -> None:
    """A fault can begin before the server."""
    server = coder()
    server.fail("refused")
    with serve(server) as url, client(url) as http:
        with pytest.raises(httpx.ConnectError):
            http.get("/buildinfo")
        server.clear_faults()
        assert http.get("/buildinfo").status_code == 200


def test_refused_on_a_shared_port_is_a_reset() -> None:
    """On a shared port `refused` resets connections."""
    broken, healthy = coder(), coder()
    broken.fail("refused")
    with serve({"broken": broken, "healthy": healthy}) as url, httpx.Client() as http:
        with pytest.raises(httpx.TransportError):
            http.get(f"{url}/broken/api/v2/buildinfo")
        assert http.get(f"{url}/healthy/api/v2/buildinfo").status_code == 200


def test_no_response_sends_nothing(failing: FaultyServer) -> None:
    """The request is accepted, and no byte is sent."""
    failing.server.fail("no-response")
    with pytest.raises(httpx.ReadTimeout):
        failing.client.get(DAUS, timeout=0.2)


def test_slow_sends_a_byte_at_a_time(failing: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head is sent at once, then the body byte by byte."""
    monkeypatch.setattr(faults, "SECONDS_PER_BYTE", 0.01)
    with failing.stream("slow") as response:
        pieces = response.iter_raw()

        assert response.status_code == 200
        assert [b"{", b'"'] == [next(pieces), next(pieces)]


async def test_slow_ends_with_the_body() -> None:
    """A slow response ends with its body."""
    response = FAULTS["slow"].effect(Response(b""))

    assert isinstance(response, StreamingResponse)
    assert [] == [piece async for piece in response.body_iterator]


def test_endless_does_not_end(failing: FaultyServer) -> None:
    """An endless response does not end after ten megabytes."""
    with failing.stream("endless") as response:
        read = 0
        for chunk in response.iter_raw():
            read += len(chunk)
            if read > 10_000_000:
                break

    assert read > 10_000_000


def test_gzip_bomb_unpacks_a_hundredfold_without_end(failing: FaultyServer) -> None:
    """Twenty kilobytes become two megabytes and more."""
    unpacker = zlib.decompressobj(31)
    packed = unpacked = 0
    with failing.stream("gzip-bomb") as response:
        for chunk in response.iter_raw():
            packed += len(chunk)
            unpacked += len(unpacker.decompress(chunk))
            if packed > 20_000:
                break

    assert response.headers["Content-Encoding"] == "gzip"
    assert unpacked > 100 * packed
    assert not unpacker.eof


def test_wrong_length_is_half(failing: FaultyServer) -> None:
    """The declared length ends in the middle of the JSON."""
    half = failing.get("wrong-length")
    whole = failing.get_cleared().content

    assert whole[: len(whole) // 2] == half.content
    assert half.headers["Connection"] == "close"


def test_certificate_is_read_again_by_a_restart(tmp_path: Path) -> None:
    """A good certificate is trusted; an expired and a self-signed one are refused by any client."""
    authority = Authority(tmp_path)
    server = coder()
    with (
        serve(server, certificate=authority.good()) as url,
        httpx.Client(verify=authority.context()) as http,
    ):
        buildinfo = f"{url}/api/v2/buildinfo"
        assert http.get(buildinfo).status_code == 200
        for certificate, reason in (
            (authority.expired(), "certificate has expired"),
            (authority.self_signed(), "unable to get local issuer certificate"),
        ):
            authority.install(certificate, server)
            with pytest.raises(httpx.TransportError):
                http.get(buildinfo)
            with pytest.raises(httpx.ConnectError, match=reason):
                http.get(buildinfo)
        authority.install(authority.good(), server)
        assert http.get(buildinfo).status_code == 200


def test_waiting_client_does_not_delay_the_end() -> None:
    """A request without a response does not delay the end of the server."""
    server = coder()
    server.fail("no-response")
    with serve(server) as url:
        waiting = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        waiting.sendall(b"GET /api/v2/buildinfo HTTP/1.1\r\nHost: localhost\r\n\r\n")

    with waiting, suppress(ConnectionResetError):
        assert waiting.recv(1) == b""
