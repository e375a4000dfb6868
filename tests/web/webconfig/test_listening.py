"""New connections use the current config; open ones keep the previous one for a while."""

import asyncio
import os
import socket
import ssl
import threading
from pathlib import Path

from starlette.types import Receive, Scope, Send

from tests.web.webconfig.certificates import Authorities, chain, write_case
from tests.web.webconfig.server import ServedApp, client_context, connect, serving

NAME = "prometheus.example.com"


def rewrite(served: ServedApp, file: Path, text: str) -> None:
    """Replace a file, as editors and orchestrators do, and let the next check find it."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
    served.clock.now += 1


def serial(served: ServedApp, context: ssl.SSLContext) -> int:
    """Return the serial number of the certificate that the server shows."""
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        certificate = connection.getpeercert()
        assert certificate is not None
        return int(str(certificate["serialNumber"]), 16)


def test_a_new_certificate_is_shown_to_new_connections(directory: Path, authorities: Authorities) -> None:
    """New connections get a certificate whose files were replaced one after the other."""
    renewed = authorities.server.issue_cert("localhost")
    context = client_context(authorities.server)
    with serving(write_case(directory, "good-tls.yml")) as served:
        before = serial(served, context)
        rewrite(served, directory / "server.crt", chain(renewed).decode())
        between = serial(served, context)
        rewrite(served, directory / "server.key", renewed.private_key_pem.bytes().decode())
        after = serial(served, context)

    assert before == between
    assert before != after
    assert 1 == served.config.reload_failures


def test_new_rules_hold_for_new_connections(directory: Path, authorities: Authorities) -> None:
    """Versions change without a restart, and stricter rules for client certificates and names."""
    file = write_case(directory, "good-tls.yml")
    base = file.read_text(encoding="utf-8")
    verify = f"{base}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: client-ca.crt\n"
    without_certificate = client_context(authorities.server)
    known = client_context(authorities.server, authorities.client.issue_cert(NAME))
    old = client_context(authorities.server, versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2))
    with serving(file) as served:
        rewrite(served, file, f"{base}  min_version: TLS13\n")
        assert "TLSV1_ALERT_PROTOCOL_VERSION" == connect(served.port, old).refused

        rewrite(served, file, base)
        assert "" == connect(served.port, old).refused
        assert "" == connect(served.port, without_certificate).refused

        rewrite(served, file, verify)
        assert "TLSV13_ALERT_CERTIFICATE_REQUIRED" == connect(served.port, without_certificate).refused
        assert "" == connect(served.port, known).refused

        rewrite(served, file, f"{verify}  client_allowed_sans: [grafana.example.com]\n")
        assert "closed" == connect(served.port, known).refused


def test_running_response_is_completed(directory: Path, authorities: Authorities) -> None:
    """A response that began before a change is completed, and then its connection is closed."""
    begun, go_on = threading.Event(), threading.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        begun.set()
        await asyncio.to_thread(go_on.wait)
        await send({"type": "http.response.body", "body": b" last"})

    file = write_case(directory, "good-tls.yml")
    renewed = authorities.stranger.issue_cert("localhost")
    with (
        serving(file, slow) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain,
        client_context(authorities.server).wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        begun.wait()
        rewrite(served, directory / "server.key", renewed.private_key_pem.bytes().decode())
        rewrite(served, directory / "server.crt", chain(renewed).decode())
        served.clock.now += 1
        with (
            socket.create_connection(("127.0.0.1", served.port), timeout=20) as other,
            client_context(authorities.stranger).wrap_socket(other, server_hostname="localhost"),
        ):
            go_on.set()
            got = b""
            while part := connection.recv(4096):
                got += part

    assert got.endswith(b"first last")


def test_connections_close_after_a_change(directory: Path, authorities: Authorities) -> None:
    """Persistent connections close with their next response after a change."""
    file = write_case(directory, "good-tls.yml")
    context = client_context(authorities.server)
    with (
        serving(file) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = connection.recv(4096)
        os.utime(file)
        served.clock.now += 1
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        second = b""
        while part := connection.recv(4096):
            second += part

    assert b"connection: close" not in first
    assert b"connection: close" in second
    assert second.endswith(b"test_metric 42\n")
