"""TLS of the server: one SSL context per version of the web config, client certificates, reload."""

import ipaddress
import ssl
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, cast

import structlog

from insights_exporter.config.errors import InvalidValue
from insights_exporter.web.concurrency import LogThrottle
from insights_exporter.web.webconfig.files import Files, as_file
from insights_exporter.web.webconfig.model import CURVES, MODERN_SUITES, SUITES, VERSIONS, TLSSection
from insights_exporter.web.webconfig.rules import (
    has_only_tls13_suites,
    list_client_restrictions,
    read_pem,
    select_verify_mode,
)

MAX_RECORDS_WITHOUT_DATA = 64
"""In the life of a connection, after its handshake; clients that rekey do so once in millions of records."""

MAX_SESSIONS = 1000
"""TLS 1.2 sessions of clients without tickets; OpenSSL keeps 20,480 of a kilobyte each, for two hours."""

_RECORD_HEADER_BYTES = 5
_RECORD_LENGTH = slice(3, 5)
LOGGED_NAMES, _LOGGED_NAME_LENGTH = 10, 100
_SAN_TYPES = frozenset({"DNS", "IP Address", "email", "URI"})
_ALLOW_OLD_VERSIONS = "@SECLEVEL=0"
"""OpenSSL speaks TLS 1.0 and 1.1 at this security level only."""

_CERTIFICATE_ERRORS: Mapping[str, tuple[str, str]] = {
    "KEY_VALUES_MISMATCH": ("does not belong to the private key", "use a matching pair"),
    "EE_KEY_TOO_SMALL": ("has a key that is too short", "create an RSA key of 2048 bits or a P-256 key"),
    "CA_MD_TOO_WEAK": ("has an outdated signature", "have it signed with SHA-256"),
}
"""What OpenSSL refuses about certificate and key: what is wrong, and the remedy."""
_INVALID_CERTIFICATE = (
    "is not a certificate with its key",
    "check them with `openssl x509` and `openssl pkey`",
)

PeerCertificate = Mapping[str, Any]
"""A verified certificate as the `ssl` module shows it; empty if the client sent none."""


class TLSMismatch(InvalidValue):
    """OpenSSL refuses the value of `key`."""

    def __init__(self, key: str, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.key = key


class TLSRecords:
    """Moves records from `incoming`, where the event loop writes, to `outgoing`, where OpenSSL reads.

    OpenSSL gets one record at a time, so that records without data can be counted and limited.
    """

    def __init__(self, incoming: ssl.MemoryBIO) -> None:
        self.outgoing = ssl.MemoryBIO()
        self._incoming = incoming
        self._header = b""
        self._missing = 0
        self._is_new = False
        self._without_data = 0

    def move(self) -> bool:
        """Move what has arrived of one record; return whether OpenSSL may find anything new."""
        if not self._missing:
            self._header += self._incoming.read(_RECORD_HEADER_BYTES - len(self._header))
            if len(self._header) < _RECORD_HEADER_BYTES:
                return False
            self.outgoing.write(self._header)
            self._missing = int.from_bytes(self._header[_RECORD_LENGTH])
            self._header = b""
        elif not self._incoming.pending:
            return False
        body = self._incoming.read(self._missing)
        self.outgoing.write(body)
        self._missing -= len(body)
        self._is_new = not self._missing
        return True

    def record_data(self) -> None:
        """Record that the last record had data."""
        self._is_new = False

    def record_no_data(self) -> None:
        """Record that OpenSSL needs more.

        Raises:
            ssl.SSLError: Too many records had no data.
        """
        self._without_data += self._is_new
        self._is_new = False
        if self._without_data > MAX_RECORDS_WITHOUT_DATA:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, "too many TLS records without data")


class SANCheckingSSLObject(ssl.SSLObject):
    """One connection; checks the names of the client's certificate too, and sends alerts to refused clients.

    The event loop closes a connection as soon as its handshake fails, without
    sending the alert that OpenSSL has ready. So the failure is first reported as
    a wait for more data, which sends the alert; the next call raises it.
    """

    outgoing: ssl.MemoryBIO
    records: TLSRecords
    checks: "ServerSSLContext"
    _refusal: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """Continue the handshake.

        Raises:
            ssl.SSLWantReadError: More data of the client is needed.
            ssl.SSLError: The client is refused.
        """
        if self._refusal is not None:
            raise self._take_refusal()
        try:
            self._run_with_records(super().do_handshake)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as refusal:
            if not self.outgoing.pending:
                raise
            self._refusal = refusal.with_traceback(None)
            raise ssl.SSLWantReadError from None
        self._check_certificate()
        self.records.record_data()

    def read(self, len: int = 1024, buffer: Any = None) -> bytes:  # noqa: A002, ANN401 -- as in the base class
        """Return the next data, or its length if it is read into a buffer.

        Raises:
            ssl.SSLWantReadError: More data of the client is needed.
            ssl.SSLError: The connection must end.
        """
        while True:
            try:
                data = super().read(len, buffer)
            except ssl.SSLWantReadError:
                self.records.record_no_data()
                if not self.records.move():
                    raise
            else:
                self.records.record_data()
                return data

    def unwrap(self) -> None:
        """End TLS.

        Raises:
            ssl.SSLWantReadError: The client has not ended it yet.
        """
        self._run_with_records(super().unwrap)

    def _run_with_records(self, step: Callable[[], object]) -> None:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                if not self.records.move():
                    raise
            else:
                return

    def _take_refusal(self) -> ssl.SSLError:
        """Return the refusal and drop it; a local variable in `do_handshake` would be a reference cycle."""
        refusal, self._refusal = self._refusal, None
        return cast("ssl.SSLError", refusal)

    def _check_certificate(self) -> None:
        """Check what OpenSSL does not: the names, and the expiry of a resumed session's certificate."""
        certificate: PeerCertificate = self.getpeercert() or {}
        allowed, names = self.checks.allowed_names, list_certificate_names(certificate)
        expiry = certificate.get("notAfter")
        if self.session_reused and expiry and ssl.cert_time_to_seconds(expiry) < self.checks.clock():
            raise ssl.SSLCertVerificationError("the client's certificate has expired")
        if allowed and names.isdisjoint(allowed):
            self.checks.log_refusal(names)
            raise ssl.SSLCertVerificationError("the client's certificate has none of the allowed names")


class ServerSSLContext(ssl.SSLContext):
    """The context of one version of the web config; empty `allowed_names` allow any name."""

    sslobject_class = SANCheckingSSLObject
    allowed_names: frozenset[str] = frozenset()
    restrictions: frozenset[str] = frozenset()
    """The keys of the config that refuse clients."""
    clock: Callable[[], float] = staticmethod(time.time)
    refusals: LogThrottle
    recreate: "Callable[[], ServerSSLContext]"
    """Returns a context of the same config without the sessions of clients; may raise OSError."""

    @property
    def has_too_many_sessions(self) -> bool:
        """Whether more clients than `MAX_SESSIONS` allows could resume their sessions without a ticket."""
        return self.session_stats()["number"] >= MAX_SESSIONS

    def log_refusal(self, names: Iterable[str]) -> None:
        """Log that none of a certificate's names is allowed, once a minute for the same names."""
        shown = [name[:_LOGGED_NAME_LENGTH] for name in sorted(names)[:LOGGED_NAMES]]
        suppressed = self.refusals.admit(" ".join(shown))
        if suppressed is not None:
            structlog.get_logger("insights_exporter").warning(
                "client certificate refused",
                names=shown,
                suppressed=suppressed,
                remedy="see client_allowed_sans",
            )

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        *arguments: Any,  # noqa: ANN401 -- as in the base class
        **named: Any,  # noqa: ANN401 -- as in the base class
    ) -> SANCheckingSSLObject:
        """Return the server's side of a new connection."""
        records = TLSRecords(incoming)
        wrapped = super().wrap_bio(records.outgoing, outgoing, *arguments, **named)
        connection = cast("SANCheckingSSLObject", wrapped)
        connection.outgoing, connection.records, connection.checks = outgoing, records, self
        return connection


class ReloadingSSLContext(ssl.SSLContext):
    """Passes each new connection to the context that `current` returns; open ones keep theirs."""

    current: Callable[[], ssl.SSLContext]

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:  # noqa: ANN401 -- as in the base class
        """Return the server's side of a new connection."""
        return self.current().wrap_bio(*arguments, **named)


def list_certificate_names(certificate: PeerCertificate) -> frozenset[str]:
    """Return the alternative names of a certificate, with IP addresses in canonical form."""
    alternative: Iterable[tuple[str, str]] = certificate.get("subjectAltName", ())
    return frozenset(canonicalize_name(name) for type_, name in alternative if type_ in _SAN_TYPES)


def canonicalize_name(name: str) -> str:
    """Return an IP address in its canonical form, and other names unchanged."""
    try:
        address = ipaddress.ip_address(name.strip())
    except ValueError:
        return name
    return str(getattr(address, "ipv4_mapped", None) or address)


def create_context(section: TLSSection, files: Files) -> ServerSSLContext:
    """Return the context of a section that satisfies the rules.

    Raises:
        TLSMismatch: OpenSSL refuses a value.
    """
    context = ServerSSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.refusals = LogThrottle()
    context.recreate = partial(create_context, section, files)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of old versions; a rule warns of them
        context.maximum_version = VERSIONS[section.max_version]
        context.minimum_version = VERSIONS["TLS13" if has_only_tls13_suites(section) else section.min_version]
    _set_suites(context, section)
    _set_curve(context, section)
    _load_certificate(context, section, files)
    _verify_clients(context, section, files)
    return context


def _set_suites(context: ServerSSLContext, section: TLSSection) -> None:
    if not section.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if has_only_tls13_suites(section):
        return
    old = VERSIONS[section.min_version] < ssl.TLSVersion.TLSv1_2
    names = section.cipher_suites or (SUITES if old else MODERN_SUITES)
    wanted = [SUITES[name] for name in names if name in SUITES]
    with suppress(ssl.SSLError):
        context.set_ciphers(":".join([*wanted, _ALLOW_OLD_VERSIONS] if old else wanted))
    missing = set(wanted) - {suite["name"] for suite in context.get_ciphers()}
    if missing and (section.cipher_suites or missing == set(wanted)):
        what = f"has {', '.join(sorted(missing))}, which {ssl.OPENSSL_VERSION} does not offer"
        raise TLSMismatch("cipher_suites", what, "remove it")


def _set_curve(context: ServerSSLContext, section: TLSSection) -> None:
    for name in section.curve_preferences[:1]:
        try:
            context.set_ecdh_curve(CURVES[name])
        except (ValueError, ssl.SSLError):
            what = f"{name} is not in {ssl.OPENSSL_VERSION}"
            raise TLSMismatch("curve_preferences", what, "use another") from None


def _load_certificate(context: ServerSSLContext, section: TLSSection, files: Files) -> None:
    cert, key = read_pem(section, "cert", files), read_pem(section, "key", files)
    with as_file(cert) as cert_path, as_file(key) as key_path:
        try:
            context.load_cert_chain(cert_path, key_path, password=lambda: b"")
        except ssl.SSLError as error:
            what, remedy = _CERTIFICATE_ERRORS.get(error.reason, _INVALID_CERTIFICATE)
            raise TLSMismatch("cert_file" if section.cert_file else "cert", what, remedy) from None


def _verify_clients(context: ServerSSLContext, section: TLSSection, files: Files) -> None:
    context.verify_mode = select_verify_mode(section)
    if context.verify_mode == ssl.CERT_NONE:
        return
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as Go: each given certificate is trusted
    context.num_tickets = 0  # a session resumed by TLS 1.3 would not be verified again
    context.restrictions = list_client_restrictions(section)
    context.allowed_names = frozenset(map(canonicalize_name, section.client_allowed_sans or ()))
    authorities = read_pem(section, "client_ca", files)
    if not authorities:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    try:
        context.load_verify_locations(cadata=authorities.decode("ascii", "ignore"))
    except ssl.SSLError:
        key = "client_ca_file" if section.client_ca_file else "client_ca"
        what = "contains a certificate that cannot be read"
        raise TLSMismatch(key, what, "check it with `openssl x509`") from None
