"""New connections get what the file says now; open ones go on as they began."""

import asyncio
import os
import socket
import ssl
import threading
from pathlib import Path

from starlette.types import Receive, Scope, Send

from tests.web.webconfig.certificates import Authorities, chain, write_case
from tests.web.webconfig.server import Served, client_context, serving, speak

NAME = "prometheus.example.com"


def rewrite(served: Served, file: Path, text: str) -> None:
    """Write a file anew, as editors and orchestrators do, and let the next look find it."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
    served.clock.now += 1


def serial(served: Served, context: ssl.SSLContext) -> int:
    """Give the serial number of the certificate that the server shows."""
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        certificate = connection.getpeercert()
        assert certificate is not None
        return int(str(certificate["serialNumber"]), 16)


def test_a_new_certificate_is_shown_to_new_connections(directory: Path, authorities: Authorities) -> None:
    """Certificate and key are renewed as their files are, one after the other."""
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
    """Client certificates, names and versions all change without a restart."""
    file = write_case(directory, "good-tls.yml")
    base = file.read_text(encoding="utf-8")
    verify = f"{base}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: client-ca.crt\n"
    nobody = client_context(authorities.server)
    known = client_context(authorities.server, authorities.client.issue_cert(NAME))
    old = client_context(authorities.server, versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2))
    with serving(file) as served:
        assert "" == speak(served.port, nobody).refused

        rewrite(served, file, verify)
        assert "TLSV13_ALERT_CERTIFICATE_REQUIRED" == speak(served.port, nobody).refused
        assert "" == speak(served.port, known).refused

        rewrite(served, file, f"{verify}  client_allowed_sans: [grafana.example.com]\n")
        assert "closed" == speak(served.port, known).refused

        rewrite(served, file, f"{base}  min_version: TLS13\n")
        assert "TLSV1_ALERT_PROTOCOL_VERSION" == speak(served.port, old).refused

        rewrite(served, file, base)
        assert "" == speak(served.port, old).refused


def test_a_scrape_that_runs_is_not_cut(directory: Path, authorities: Authorities) -> None:
    """An answer begun before a change is sent to its end, and then the connection is given up."""
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


def test_connections_end_with_their_next_answer_after_a_change(
    directory: Path, authorities: Authorities
) -> None:
    """A client that is no longer known does not stay by never letting go."""
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
    assert second.endswith(b"answer 42\n")
