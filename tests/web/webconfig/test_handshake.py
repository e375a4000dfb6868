"""TLS versions, suites and protocols that clients may use."""

import socket
import ssl
from pathlib import Path

import httpx
import pytest

from insights_exporter.web.webconfig.tls import canonicalize_name, list_certificate_names
from tests.web.webconfig.certificates import Authorities, load, write_case
from tests.web.webconfig.server import METRICS, ConnectionResult, client_context, connect, serving

V10, V11, V12, V13 = (
    ssl.TLSVersion.TLSv1,
    ssl.TLSVersion.TLSv1_1,
    ssl.TLSVersion.TLSv1_2,
    ssl.TLSVersion.TLSv1_3,
)
ANY_SUITE = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
OLD = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")  # the scanner speaks it


@OLD
@pytest.mark.parametrize(
    ("name", "version", "refused"),
    [
        pytest.param("good-tls.yml", V10, "TLSV1_ALERT_PROTOCOL_VERSION", id="1.0"),
        pytest.param("good-tls.yml", V11, "TLSV1_ALERT_PROTOCOL_VERSION", id="1.1"),
        pytest.param("good-tls.yml", V12, "", id="1.2"),
        pytest.param("good-tls.yml", V13, "", id="1.3"),
        pytest.param(
            "good-tls12-only.yml", V11, "TLSV1_ALERT_PROTOCOL_VERSION", id="1.1 if only 1.2 is allowed"
        ),
        pytest.param("good-tls12-only.yml", V12, "", id="1.2 if only it is allowed"),
        pytest.param(
            "good-tls12-only.yml", V13, "TLSV1_ALERT_PROTOCOL_VERSION", id="1.3 if only 1.2 is allowed"
        ),
        pytest.param(
            "good-tls13-only.yml", V12, "TLSV1_ALERT_PROTOCOL_VERSION", id="1.2 if only 1.3 is allowed"
        ),
        pytest.param("good-tls13-only.yml", V13, "", id="1.3 if only it is allowed"),
        pytest.param(
            "good-suites-of-tls13.yml", V12, "TLSV1_ALERT_PROTOCOL_VERSION", id="1.2 without suites"
        ),
        pytest.param("good-suites-of-tls13.yml", V13, "", id="1.3 with suites of it"),
        pytest.param("good-tls10.yml", V10, "", id="1.0 if it is allowed"),
        pytest.param("good-tls10.yml", V12, "", id="1.2 if 1.0 is allowed"),
    ],
)
def test_only_allowed_versions_get_in(
    name: str, version: ssl.TLSVersion, refused: str, directory: Path, authorities: Authorities
) -> None:
    """Only allowed versions are accepted, by default TLS 1.2 and 1.3."""
    client = client_context(authorities.server, versions=(version, version), suites=ANY_SUITE)
    with serving(write_case(directory, name)) as served:
        assert refused == connect(served.port, client).refused


@pytest.mark.parametrize(
    ("name", "suites", "suite"),
    [
        pytest.param(
            "good-tls.yml", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", id="modern"
        ),
        pytest.param("good-tls.yml", "ECDHE-ECDSA-AES128-SHA", None, id="CBC"),
        pytest.param("good-tls.yml", "AES128-GCM-SHA256:AES256-SHA", None, id="without forward secrecy"),
        pytest.param("good-tls.yml", "aNULL:eNULL", None, id="without authentication or encryption"),
        pytest.param("good-suites.yml", "ECDHE-ECDSA-AES128-GCM-SHA256", None, id="not listed"),
        pytest.param(
            "good-suites.yml", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", id="listed"
        ),
        pytest.param(
            "good-suites-all.yml", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA", id="CBC, listed"
        ),
    ],
)
def test_only_allowed_suites_get_in(
    name: str, suites: str, suite: str | None, directory: Path, authorities: Authorities
) -> None:
    """Only allowed suites are accepted, by default with forward secrecy and authenticated encryption."""
    client = client_context(authorities.server, versions=(V12, V12), suites=f"{suites}:@SECLEVEL=0")
    with serving(write_case(directory, name)) as served:
        response = connect(served.port, client)

    assert suite == response.suite
    assert ("" if suite else "SSLV3_ALERT_HANDSHAKE_FAILURE") == response.refused


@pytest.mark.parametrize(
    ("name", "suite"),
    [
        pytest.param("good-suites-all.yml", "ECDHE-ECDSA-AES128-GCM-SHA256", id="the server's first"),
        pytest.param(
            "good-suites-clients-choice.yml", "ECDHE-ECDSA-CHACHA20-POLY1305", id="the client's first"
        ),
    ],
)
def test_order_of_suites(name: str, suite: str, directory: Path, authorities: Authorities) -> None:
    """The order of the file is used unless prefer_server_cipher_suites is false."""
    wishes = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"
    client = client_context(authorities.server, versions=(V12, V12), suites=wishes)
    with serving(write_case(directory, name)) as served:
        assert suite == connect(served.port, client).suite


@pytest.mark.parametrize(
    ("name", "curve", "refused"),
    [
        pytest.param("good-curve.yml", "secp384r1", "", id="the one"),
        pytest.param("good-curve.yml", "prime256v1", "SSLV3_ALERT_HANDSHAKE_FAILURE", id="another"),
        pytest.param("good-curves.yml", "X25519", "", id="the first of a list"),
        pytest.param("good-curves.yml", "prime256v1", "SSLV3_ALERT_HANDSHAKE_FAILURE", id="the second of it"),
        pytest.param("good-curves.yml", "secp521r1", "SSLV3_ALERT_HANDSHAKE_FAILURE", id="not in the list"),
        pytest.param("good-tls.yml", "secp521r1", "", id="any"),
    ],
)
def test_only_the_first_curve_gets_in(
    name: str, curve: str, refused: str, directory: Path, authorities: Authorities
) -> None:
    """Of a list of curves only the first is accepted."""
    client = client_context(authorities.server, versions=(V13, V13), curve=curve)
    with serving(write_case(directory, name)) as served:
        assert refused == connect(served.port, client).refused


def test_plain_http_is_refused(directory: Path) -> None:
    """Plain HTTP gets a response that names HTTPS, and nothing of the application."""
    with serving(write_case(directory, "good-tls.yml")) as served:
        response = httpx.get(served.url("http"), trust_env=False)

    assert httpx.codes.BAD_REQUEST == response.status_code
    assert "This port speaks HTTPS: begin the address with https://\n" == response.text


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"CONNECT localhost:443 HTTP/1.1\r\n\r\n", id="a proxy's request"),
        pytest.param(b"SSH-2.0-scanner\r\n", id="ssh"),
        pytest.param(b"\x00" * 600, id="zeros"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 600, id="a broken hello"),
        pytest.param(
            bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0"), id="SSL 2"
        ),
    ],
)
def test_other_protocols_get_nothing_of_the_application(
    sent: bytes, directory: Path, authorities: Authorities
) -> None:
    """Other protocols are refused, and the server continues."""
    with serving(write_case(directory, "good-tls.yml")) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            got = read_all(connection)
        assert METRICS.encode() not in got
        assert b"200 OK" not in got
        assert "" == connect(served.port, client_context(authorities.server)).refused


def read_all(connection: socket.socket) -> bytes:
    """Read until the server closes, maybe by a reset."""
    got = b""
    try:
        while part := connection.recv(4096):
            got += part
    except ConnectionError:
        return got
    return got


@pytest.mark.parametrize("name", [None, "localhost"], ids=["without SNI", "with SNI"])
def test_clients_need_no_server_name(name: str | None, directory: Path, authorities: Authorities) -> None:
    """Clients such as Prometheus need no server name."""
    with serving(write_case(directory, "good-tls.yml")) as served:
        assert ConnectionResult("", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "HTTP/1.1 200") == connect(
            served.port, client_context(authorities.server), name
        )


def test_http2_is_not_negotiated(directory: Path, authorities: Authorities) -> None:
    """A client that offers HTTP/2 gets HTTP/1.1 by ALPN."""
    client = client_context(authorities.server)
    client.set_alpn_protocols(["h2", "http/1.1"])
    with (
        serving(write_case(directory, "good-tls.yml")) as served,
        socket.create_connection(("127.0.0.1", served.port)) as plain,
        client.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert "http/1.1" == connection.selected_alpn_protocol()


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="IPv4"),
        pytest.param("2001:DB8:0:0:0:0:0:7", "2001:db8::7", id="IPv6 as OpenSSL has it"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="IPv4 in IPv6"),
        pytest.param("Prometheus.example.com", "Prometheus.example.com", id="a name stays"),
        pytest.param("spiffe://example.com/a", "spiffe://example.com/a", id="a URI stays"),
    ],
)
def test_addresses_are_canonicalized(written: str, canonical: str) -> None:
    """IP addresses are compared in canonical form."""
    assert canonical == canonicalize_name(written)


def test_all_kinds_of_names_count() -> None:
    """DNS names, addresses, e-mail addresses and URIs are names; others are not."""
    certificate = {
        "subjectAltName": (
            ("DNS", "a.example.com"),
            ("IP Address", "2001:DB8:0:0:0:0:0:7"),
            ("email", "a@example.com"),
            ("URI", "spiffe://example.com/a"),
            ("DirName", "b.example.com"),
        )
    }

    expected = {"a.example.com", "2001:db8::7", "a@example.com", "spiffe://example.com/a"}
    assert expected == list_certificate_names(certificate)


def test_no_certificate_has_no_names() -> None:
    """A missing certificate has no names."""
    assert frozenset() == list_certificate_names({})


def test_renegotiation_is_off(directory: Path) -> None:
    """Clients of TLS 1.2 cannot repeat the handshake, which costs a signature each time."""
    context = load(write_case(directory, "good-tls.yml")).tls

    assert context
    assert context.options & ssl.OP_NO_RENEGOTIATION
