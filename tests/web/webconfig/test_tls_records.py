"""TLS records without data are limited; all others are passed to OpenSSL unchanged."""

import socket
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.attacks.key_updates import generate_key_updates
from insights_exporter.web.webconfig.tls import MAX_RECORDS_WITHOUT_DATA, TLSRecords
from tests.web.webconfig.certificates import Authorities, write_case
from tests.web.webconfig.server import METRICS, client_context, connect, serving

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def record(body: bytes) -> bytes:
    """Return a record of application data."""
    return b"\x17\x03\x03" + len(body).to_bytes(2) + body


def has_ended(connection: socket.socket) -> bool:
    """Read until the server ends the connection."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    return True


@given(records=st.lists(st.binary(max_size=50).map(record)), cuts=st.lists(st.integers(0, 200)))
def test_all_bytes_arrive_in_order(records: list[bytes], cuts: list[int]) -> None:
    """OpenSSL gets all bytes in order, however they are split."""
    sent, incoming = b"".join(records), ssl.MemoryBIO()
    moved = TLSRecords(incoming)
    ends = sorted({min(cut, len(sent)) for cut in cuts} | {len(sent)})
    for start, end in zip([0, *ends], ends, strict=False):
        incoming.write(sent[start:end])
        while moved.move():
            pass

    assert sent == moved.outgoing.read()


@given(bodies=st.lists(st.binary(min_size=1, max_size=50), min_size=1))
def test_one_record_moves_at_a_time(bodies: list[bytes]) -> None:
    """One record is moved at a time."""
    incoming = ssl.MemoryBIO()
    incoming.write(b"".join(map(record, bodies)))
    moved = TLSRecords(incoming)
    moved.move()

    assert record(bodies[0]) == moved.outgoing.read()


def test_records_without_data_are_limited() -> None:
    """Records with data, and parts of one, do not count."""
    incoming = ssl.MemoryBIO()
    moved = TLSRecords(incoming)
    incoming.write(record(b"x") * (2 * MAX_RECORDS_WITHOUT_DATA + 2))
    for _ in range(MAX_RECORDS_WITHOUT_DATA):
        moved.move()
        moved.record_no_data()
        moved.record_no_data()
        moved.move()
        moved.record_data()
    moved.move()

    with pytest.raises(ssl.SSLError, match="too many TLS records"):
        moved.record_no_data()


def test_client_that_requests_key_updates_is_disconnected(directory: Path, authorities: Authorities) -> None:
    """A client that requests new keys is disconnected; others are served."""
    client = client_context(authorities.server)
    with serving(write_case(directory, "good-tls.yml")) as served:
        with (
            socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection,
            generate_key_updates(connection) as batches,
        ):
            connection.settimeout(8)  # less than the time for a whole head
            connection.sendall(next(batches))
            read_to_end = has_ended(connection)
        after = connect(served.port, client)

    assert read_to_end
    assert "HTTP/1.1 200" == after.response


def test_data_in_tiny_records_is_served(directory: Path, authorities: Authorities) -> None:
    """A connection may have any number of records with data, of a byte each."""
    client = client_context(authorities.server)
    with (
        serving(write_case(directory, "good-tls.yml")) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain,
        client.wrap_socket(plain, server_hostname="localhost") as connection,
        connection.makefile("rb") as responses,
    ):
        for _ in range(5):
            for byte in REQUEST:
                connection.send(bytes([byte]))
            status = responses.readline()
            while responses.readline() != b"\r\n":
                pass
            body = responses.read(len(METRICS))

            assert b"HTTP/1.1 200 OK\r\n" == status
            assert METRICS.encode() == body
