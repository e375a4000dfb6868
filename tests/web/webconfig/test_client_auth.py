"""Each client_auth_type without, with an untrusted and with a trusted client certificate."""

import errno
import socket
import ssl
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from structlog.testing import capture_logs

from insights_exporter.web.webconfig.loader import CHECK_INTERVAL
from insights_exporter.web.webconfig.tls import ServerSSLContext
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.programs import require
from tests.integration.waiting import eventually
from tests.web.webconfig.certificates import Authorities, load, write_case
from tests.web.webconfig.server import ServedApp, client_context, connect, send_request, serving

TLS12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
TLS13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
NAME = "prometheus.example.com"
NONE_SHOWN = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
NOT_TRUSTED = "TLSV1_ALERT_UNKNOWN_CA"


class Outcome(NamedTuple):
    """The results of clients by certificate: why they are refused, empty if they are accepted."""

    none: str
    strangers: str
    known: str


ALL = Outcome("", "", "")
ONLY_TRUSTED = Outcome(NONE_SHOWN, NOT_TRUSTED, "")
ALL_BUT_UNTRUSTED = Outcome("", NOT_TRUSTED, "")

OUTCOMES = {
    "good-tls.yml": ALL,
    "good-client-no-client-cert.yml": ALL,
    "good-client-request.yml": ALL,
    "good-client-request-with-ca.yml": ALL,
    "good-client-require-any.yml": ONLY_TRUSTED,
    "good-client-require-old-name.yml": ONLY_TRUSTED,
    "good-client-verify-if-given.yml": ALL_BUT_UNTRUSTED,
    "good-client-verify-if-given-without-ca.yml": Outcome("", NOT_TRUSTED, NOT_TRUSTED),
    "good-client-require-and-verify.yml": ONLY_TRUSTED,
    "good-client-require-and-verify-without-ca.yml": Outcome(NONE_SHOWN, NOT_TRUSTED, NOT_TRUSTED),
}


def certificates(authorities: Authorities, name: str = NAME) -> tuple[trustme.LeafCert | None, ...]:
    """Return the client certificates in the order of `Outcome`."""
    return (None, authorities.stranger.issue_cert(name), authorities.client.issue_cert(name))


def outcome(port: int, authorities: Authorities, versions: tuple[ssl.TLSVersion, ssl.TLSVersion]) -> Outcome:
    """Return the results of all clients."""
    contexts = [
        client_context(authorities.server, shown, versions=versions) for shown in certificates(authorities)
    ]
    return Outcome(*(connect(port, context).refused for context in contexts))


def find_accepted(outcome: Outcome) -> list[bool]:
    """Return which clients are accepted."""
    return [not reason for reason in outcome]


@pytest.mark.parametrize("name", OUTCOMES)
def test_accepted_clients(name: str, directory: Path, authorities: Authorities) -> None:
    """Each type accepts the expected clients; refused ones get a TLS alert."""
    with serving(write_case(directory, name)) as served:
        assert OUTCOMES[name] == outcome(served.port, authorities, TLS13)


@pytest.mark.parametrize("name", OUTCOMES)
def test_accepted_clients_of_tls12(name: str, directory: Path, authorities: Authorities) -> None:
    """TLS 1.2 accepts the same clients."""
    with serving(write_case(directory, name)) as served:
        old = outcome(served.port, authorities, TLS12)

    assert find_accepted(OUTCOMES[name]) == find_accepted(old)


def test_only_unverified_certificates_are_kept_out_beyond_the_toolkit(
    directory: Path, authorities: Authorities
) -> None:
    """Prometheus, which uses exporter-toolkit, accepts the same clients.

    Except for types that accept unverified certificates.
    """
    any_certificate = [False, True, True]
    expected = {name: find_accepted(ours) for name, ours in OUTCOMES.items()}
    for name in ("good-client-require-any.yml", "good-client-require-old-name.yml"):
        expected[name] = any_certificate

    assert expected == find_accepted_by_prometheus(directory, authorities)


def find_accepted_by_prometheus(directory: Path, authorities: Authorities) -> dict[str, list[bool]]:
    """Return which clients Prometheus accepts, which reads its web config file for each connection."""
    web, port, found = directory / "web.yml", free_port(), {}
    (directory / "prometheus.yml").touch()
    web.write_bytes(write_case(directory, "good-tls.yml").read_bytes())
    words = (
        require("prometheus"),
        f"--web.config.file={web}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
    )
    with running(words, directory, clean_environment(directory, {})) as toolkit:
        client = client_context(authorities.server)
        eventually(lambda: not connect(port, client).refused)
        for name in OUTCOMES:
            web.write_bytes(write_case(directory, name).read_bytes())
            found[name] = find_accepted(outcome(port, authorities, TLS13))
        toolkit.stop()
    return found


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        pytest.param(NAME, "", id="dns"),
        pytest.param("192.0.2.7", "", id="ip"),
        pytest.param("2001:db8::7", "", id="ipv6 in another form"),
        pytest.param("prometheus@example.com", "", id="e-mail"),
        pytest.param("grafana.example.com", "closed", id="another name"),
        pytest.param("*.example.com", "closed", id="a wildcard is a name like others"),
        pytest.param("192.0.2.70", "closed", id="another address"),
    ],
)
def test_only_allowed_names_get_in(
    name: str, refused: str, directory: Path, authorities: Authorities
) -> None:
    """A trusted certificate must have one of client_allowed_sans."""
    shown = authorities.client.issue_cert(name)
    with serving(write_case(directory, "good-client-allowed-sans.yml")) as served:
        assert refused == connect(served.port, client_context(authorities.server, shown)).refused


def test_system_authorities_without_client_ca(
    directory: Path, authorities: Authorities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without client CAs the authorities of the system are trusted, as in Go."""
    file = write_case(directory, "good-client-require-and-verify-without-ca.yml")
    monkeypatch.setenv("SSL_CERT_FILE", str(directory / "client-ca.crt"))
    with serving(file) as served:
        assert ONLY_TRUSTED == outcome(served.port, authorities, TLS13)


def test_optional_certificates_are_not_optional_with_allowed_names(
    directory: Path, authorities: Authorities
) -> None:
    """A client without a certificate has no allowed name."""
    file = write_case(directory, "good-client-verify-if-given.yml")
    file.write_text(f"{file.read_text()}  client_allowed_sans: [{NAME}]\n", encoding="utf-8")
    with serving(file) as served:
        assert ONLY_TRUSTED == outcome(served.port, authorities, TLS13)


def test_tls13_sessions_are_not_resumed_where_clients_are_verified(
    directory: Path, authorities: Authorities
) -> None:
    """Each TLS 1.3 connection verifies the client."""
    shown = authorities.client.issue_cert(NAME)
    context = client_context(authorities.server, shown, versions=TLS13)
    with serving(write_case(directory, "good-client-require-and-verify.yml")) as served:
        first = send_request(served.port, context)

        assert not send_request(served.port, context, first.session).resumed


def test_a_resumed_session_ends_with_its_certificate(directory: Path, authorities: Authorities) -> None:
    """A resumed TLS 1.2 session is refused once its certificate has expired."""
    shown = authorities.client.issue_cert(NAME)
    context = client_context(authorities.server, shown, versions=TLS12)
    with serving(write_case(directory, "good-client-require-and-verify.yml")) as served:
        server = served.config.get_current().tls
        assert server is not None
        first = send_request(served.port, context)
        assert send_request(served.port, context, first.session) == first._replace(resumed=True)

        server.clock = lambda: ssl.cert_time_to_seconds("Jan  1 00:00:00 4000 GMT")

        assert "" == send_request(served.port, context, first.session).response
        assert "" == connect(served.port, context).refused


def test_a_session_without_certificate_is_resumed(directory: Path, authorities: Authorities) -> None:
    """A client that needs no certificate can resume its session."""
    context = client_context(authorities.server, versions=TLS12)
    with serving(write_case(directory, "good-client-verify-if-given.yml")) as served:
        first = send_request(served.port, context)

        assert send_request(served.port, context, first.session) == first._replace(resumed=True)


def test_sessions_without_tickets_are_limited(
    directory: Path, authorities: Authorities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server forgets the sessions of TLS 1.2 clients without tickets once they are too many."""
    monkeypatch.setattr("insights_exporter.web.webconfig.tls.MAX_SESSIONS", 3)
    context = client_context(authorities.server, versions=TLS12)
    context.options |= ssl.OP_NO_TICKET
    with serving(write_case(directory, "good-tls.yml")) as served:
        first = send_request(served.port, context)
        resumed = [send_request(served.port, context, first.session).resumed]
        for _ in range(3):
            send_request(served.port, context)
        served.clock.now += CHECK_INTERVAL
        resumed += [send_request(served.port, context, first.session).resumed]

    assert [True, False] == resumed


def test_open_connections_keep_the_sessions_of_one_context(
    directory: Path, authorities: Authorities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that keeps forgotten sessions is drained, and until it ends no others are forgotten."""
    monkeypatch.setattr("insights_exporter.web.webconfig.tls.MAX_SESSIONS", 3)
    context = client_context(authorities.server, versions=TLS12)
    context.options |= ssl.OP_NO_TICKET

    def is_forgotten(served: ServedApp) -> bool:
        sessions = [send_request(served.port, context).session for _ in range(3)]
        served.clock.now += CHECK_INTERVAL
        return not send_request(served.port, context, sessions[0]).resumed

    with serving(write_case(directory, "good-tls.yml")) as served:
        with (
            socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            forgotten = [is_forgotten(served), served.config.is_draining, is_forgotten(served)]

        eventually(lambda: is_forgotten(served))

    assert [True, True, False] == forgotten


def test_sessions_are_kept_while_no_file_can_be_opened(
    directory: Path, authorities: Authorities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients are served, also if their sessions cannot be forgotten now."""
    monkeypatch.setattr("insights_exporter.web.webconfig.tls.MAX_SESSIONS", 1)
    context = client_context(authorities.server, versions=TLS12)
    context.options |= ssl.OP_NO_TICKET

    def refuse() -> ServerSSLContext:
        raise OSError(errno.EMFILE, "no file descriptor")

    with serving(write_case(directory, "good-tls.yml")) as served:
        tls = served.config.get_current().tls
        assert tls
        monkeypatch.setattr(tls, "recreate", refuse)
        first = send_request(served.port, context)
        served.clock.now += CHECK_INTERVAL

        assert send_request(served.port, context, first.session) == first._replace(resumed=True)


@pytest.mark.parametrize("kind", ["intermediate", "the certificate itself"])
def test_what_is_given_as_authority_is_trusted(kind: str, directory: Path, authorities: Authorities) -> None:
    """Each certificate of client_ca_file is trusted, root or not, as in Go."""
    issuer = authorities.client.create_child_ca()
    shown = issuer.issue_cert(NAME)
    trusted = issuer.cert_pem if kind == "intermediate" else shown.cert_chain_pems[0]
    file = write_case(directory, "good-client-require-and-verify.yml")
    trusted.write_to_path(str(directory / "client-ca.crt"))
    with serving(file) as served:
        assert "" == connect(served.port, client_context(authorities.server, shown)).refused
        assert NOT_TRUSTED == outcome(served.port, authorities, TLS13).strangers


def test_refused_certificates_are_logged_once_a_minute(directory: Path) -> None:
    """Refusals of a certificate are logged once a minute, with a limited number of names."""
    context = load(write_case(directory, "good-tls.yml")).tls
    assert context
    names = [f"{number:03}.{'x' * 200}" for number in range(50)]
    with capture_logs() as logged:
        for _ in range(5):
            context.log_refusal(names)
        context.log_refusal(["other.example.com"])

    assert [10, 1] == [len(line["names"]) for line in logged]
    assert {100} == {len(name) for name in logged[0]["names"]}


def test_certificate_with_many_names_is_one_short_line(directory: Path, authorities: Authorities) -> None:
    """A certificate with thousands of names, none of them allowed, is logged once and with ten of them."""
    shown = authorities.client.issue_cert(*(f"n{number:04}.example.org" for number in range(3000)))
    client = client_context(authorities.server, shown)
    with (
        capture_logs() as logged,
        serving(write_case(directory, "good-client-allowed-sans.yml")) as served,
    ):
        refused = [connect(served.port, client).refused for _ in range(2)]

    assert ["closed", "closed"] == refused
    assert [[f"n{number:04}.example.org" for number in range(10)]] == [line["names"] for line in logged]


def test_large_certificate_is_refused(directory: Path, authorities: Authorities) -> None:
    """The certificates that a client sends are read up to a limit of bytes."""
    shown = authorities.client.issue_cert(*(f"n{number:04}.{'x' * 60}.example.org" for number in range(2000)))
    with serving(write_case(directory, "good-client-require-and-verify.yml")) as served:
        refused = connect(served.port, client_context(authorities.server, shown)).refused
        after = connect(served.port, client_context(authorities.server, authorities.client.issue_cert(NAME)))

    assert refused in {"closed", "SSLV3_ALERT_ILLEGAL_PARAMETER"}
    assert "" == after.refused
