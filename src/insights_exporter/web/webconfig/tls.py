"""TLS of the server: certificates, client certificates, reload."""

import ipaddress
import ssl
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, cast

import structlog

from insights_exporter.config.errors import InvalidValue
from insights_exporter.web.concurrency import Throttle
from insights_exporter.web.webconfig.client_auth import client_auth_mode
from insights_exporter.web.webconfig.files import Files, as_file
from insights_exporter.web.webconfig.model import CURVES, MODERN_SUITES, SUITES, VERSIONS, TLSSection
from insights_exporter.web.webconfig.rules import only_tls13, pem

MAX_RECORDS_WITHOUT_DATA = 64
"""In the life of a connection, after its handshake; clients that rekey do so once in millions of records."""

_HEADER_BYTES = 5
_LENGTH = slice(3, 5)


class TLSRecords:
    """Moves records from `incoming`, where the event loop writes, to `outgoing`, where OpenSSL reads."""

    def __init__(self, incoming: ssl.MemoryBIO) -> None:
        self.outgoing = ssl.MemoryBIO()
        self._incoming = incoming
        self._header = b""
        self._missing = 0
        self._is_new = False
        self._without_data = 0

    def move(self) -> bool:
        """Move what there is of one record; return whether OpenSSL may find anything new."""
        if not self._missing:
            self._header += self._incoming.read(_HEADER_BYTES - len(self._header))
            if len(self._header) < _HEADER_BYTES:
                return False
            self.outgoing.write(self._header)
            self._missing = int.from_bytes(self._header[_LENGTH])
            self._header = b""
        elif not self._incoming.pending:
            return False
        body = self._incoming.read(self._missing)
        self.outgoing.write(body)
        self._missing -= len(body)
        self._is_new = not self._missing
        return True

    def had_data(self) -> None:
        """Record that the last record was used."""
        self._is_new = False

    def had_none(self) -> None:
        """Record that OpenSSL asks for more.

        Raises:
            ssl.SSLError: too many records had no data.
        """
        self._without_data += self._is_new
        self._is_new = False
        if self._without_data > MAX_RECORDS_WITHOUT_DATA:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, "too many TLS records without data")


Certificate = Mapping[str, Any]
"""A verified certificate as Python's TLS shows it; empty where the client showed none."""

_NAMES_SHOWN, _NAME_SHOWN = 10, 100
"""How many names of a refused certificate are logged, and how many characters of each."""
_NAMES = frozenset({"DNS", "IP Address", "email", "URI"})


class SANCheckingSSLObject(ssl.SSLObject):
    """One connection, that tells a refused client why before it ends.

    The event loop ends a connection as soon as its handshake fails, without
    sending the alert that OpenSSL has ready. So the failure is first told as
    a wait for more, which sends the alert; whatever comes then ends it.
    """

    outgoing: ssl.MemoryBIO
    records: TLSRecords
    checks: "ServerSSLContext"
    _refusal: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """Go on with the handshake.

        Raises:
            ssl.SSLWantReadError: more must come from the client first.
            ssl.SSLError: the client is refused.
        """
        if self._refusal is not None:
            raise self._take_refusal()
        try:
            self._with_records(super().do_handshake)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as refusal:
            self._refuse(refusal)
        self._check_certificate()
        self.records.had_data()

    def read(self, len: int = 1024, buffer: Any = None) -> bytes:  # noqa: A002, ANN401 -- as in the base class
        """Return the next data, or its length if it goes into a buffer.

        Raises:
            ssl.SSLWantReadError: more must come from the client first.
            ssl.SSLError: the connection must end.
        """
        while True:
            try:
                data = super().read(len, buffer)
            except ssl.SSLWantReadError:
                self.records.had_none()
                if not self.records.move():
                    raise
            else:
                self.records.had_data()
                return data

    def unwrap(self) -> None:
        """End TLS.

        Raises:
            ssl.SSLWantReadError: the client has not ended it yet.
        """
        self._with_records(super().unwrap)

    def _with_records(self, step: Callable[[], object]) -> None:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                if not self.records.move():
                    raise
            else:
                return

    def _refuse(self, refusal: ssl.SSLError) -> None:
        if not self.outgoing.pending:
            raise refusal
        self._refusal = refusal.with_traceback(None)
        raise ssl.SSLWantReadError from None

    def _take_refusal(self) -> ssl.SSLError:
        """Return the refusal, and keep it no longer: its traceback will hold this connection."""
        refusal, self._refusal = self._refusal, None
        return cast("ssl.SSLError", refusal)

    def _check_certificate(self) -> None:
        """See what OpenSSL does not: the names, and that a resumed session's certificate still holds."""
        certificate: Certificate = self.getpeercert() or {}
        allowed, names = self.checks.allowed_names, names_in(certificate)
        if self.session_reused and expired(certificate, self.checks.clock()):
            raise ssl.SSLCertVerificationError("the client's certificate has expired")
        if allowed and names.isdisjoint(allowed):
            self.checks.log_refusal(names)
            raise ssl.SSLCertVerificationError("the client's certificate has none of the allowed names")


class ServerSSLContext(ssl.SSLContext):
    """What holds for connections, as the file says it; without `allowed_names` any will do."""

    sslobject_class = SANCheckingSSLObject
    allowed_names: frozenset[str] = frozenset()
    clock: Callable[[], float] = staticmethod(time.time)
    refusals: Throttle

    def log_refusal(self, names: Iterable[str]) -> None:
        """Log that none of a certificate's names is allowed, once a minute for the same names."""
        shown = [name[:_NAME_SHOWN] for name in sorted(names)[:_NAMES_SHOWN]]
        suppressed = self.refusals.suppressed(" ".join(shown))
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
        server_side: bool = False,  # noqa: FBT001, FBT002 - as the base class has it
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> SANCheckingSSLObject:
        """Give the server's side of a new connection."""
        records = TLSRecords(incoming)
        plain = super().wrap_bio(records.outgoing, outgoing, server_side, server_hostname, session)
        made = cast("SANCheckingSSLObject", plain)
        made.outgoing, made.records, made.checks = outgoing, records, self
        return made


class ReloadingSSLContext(ssl.SSLContext):
    """Stands where a server takes one context: each new connection gets what `newest` gives then.

    Connections that are open keep the context that they began with.
    """

    newest: Callable[[], ssl.SSLContext]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as the base class has it
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Give the server's side of a new connection."""
        return self.newest().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def newest_context(newest: Callable[[], ssl.SSLContext]) -> ReloadingSSLContext:
    """Give a context for a server's whole life that hands each connection to the newest one."""
    context = ReloadingSSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.newest = newest
    return context


def names_in(certificate: Certificate) -> frozenset[str]:
    """Give the alternative names in a certificate, addresses in their usual spelling."""
    alternative: Iterable[tuple[str, str]] = certificate.get("subjectAltName", ())
    return frozenset(canonical(name) for kind, name in alternative if kind in _NAMES)


def expired(certificate: Certificate, now: float) -> bool:
    """Tell whether a certificate, if there is one, is past its time."""
    return bool(certificate) and ssl.cert_time_to_seconds(certificate["notAfter"]) < now


def canonical(name: str) -> str:
    """Spell an IP address as usual, and leave other names as they are."""
    try:
        address = ipaddress.ip_address(name.strip())
    except ValueError:
        return name
    return str(getattr(address, "ipv4_mapped", None) or address)


_WITH_OLD_VERSIONS = "@SECLEVEL=0"
"""OpenSSL speaks TLS 1.0 and 1.1 at this level alone."""

_CERTIFICATE_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "KEY_VALUES_MISMATCH": ("does not belong to the private key", "give two that belong together"),
        "EE_KEY_TOO_SMALL": ("has a key that is too short", "make an RSA key of 2048 bits, or one of P-256"),
        "CA_MD_TOO_WEAK": ("has an outdated signature", "have it signed with SHA-256"),
        "": ("is no certificate with its key", "check them with `openssl x509` and `openssl pkey`"),
    }
)
"""What OpenSSL refuses about certificate and key: what is wrong, what would be right."""


class TLSMismatch(InvalidValue):
    """OpenSSL refuses the value of `key`."""

    def __init__(self, key: str, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.key = key


def server_context(section: TLSSection, files: Files) -> ServerSSLContext:
    """Give the context of a section that keeps all the rules.

    Raises:
        Misfit: OpenSSL does not take it.
    """
    context = ServerSSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.refusals = Throttle()
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    _set_versions(context, section)
    _set_suites(context, section)
    _set_curve(context, section)
    _load_certificate(context, section, files)
    _ask_clients(context, section, files)
    return context


def _set_versions(context: ServerSSLContext, section: TLSSection) -> None:
    lowest = "TLS13" if only_tls13(section) else section.min_version
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the file's author was warned already
        context.maximum_version = VERSIONS[section.max_version]
        context.minimum_version = VERSIONS[lowest]


def _set_suites(context: ServerSSLContext, section: TLSSection) -> None:
    if not section.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if only_tls13(section):
        return
    old = VERSIONS[section.min_version] < ssl.TLSVersion.TLSv1_2
    wanted = [SUITES[name] for name in section.cipher_suites or _usual(old=old) if name in SUITES]
    with suppress(ssl.SSLError):
        context.set_ciphers(":".join([*wanted, _WITH_OLD_VERSIONS] if old else wanted))
    missing = set(wanted) - {suite["name"] for suite in context.get_ciphers()}
    if missing and (section.cipher_suites or missing == set(wanted)):
        what = f"has {', '.join(sorted(missing))}, which {ssl.OPENSSL_VERSION} does not offer"
        raise TLSMismatch("cipher_suites", what, "take it out")


def _set_curve(context: ServerSSLContext, section: TLSSection) -> None:
    for name in section.curve_preferences[:1]:
        try:
            context.set_ecdh_curve(CURVES[name])
        except (ValueError, ssl.SSLError):
            raise TLSMismatch(
                "curve_preferences", f"{name} is not in {ssl.OPENSSL_VERSION}", "take another"
            ) from None


def _usual(*, old: bool) -> Iterable[str]:
    return SUITES if old else MODERN_SUITES


def _load_certificate(context: ServerSSLContext, section: TLSSection, files: Files) -> None:
    with as_file(pem(section, "cert", files)) as certificate, as_file(pem(section, "key", files)) as key:
        try:
            context.load_cert_chain(certificate, key, password=lambda: b"")
        except ssl.SSLError as error:
            what, remedy = _CERTIFICATE_WORDS.get(error.reason, _CERTIFICATE_WORDS[""])
            raise TLSMismatch("cert_file" if section.cert_file else "cert", what, remedy) from None


def _ask_clients(context: ServerSSLContext, section: TLSSection, files: Files) -> None:
    context.verify_mode = client_auth_mode(section).verify or ssl.CERT_NONE
    if context.verify_mode == ssl.CERT_NONE:
        return
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as Go: what is given is trusted, root or not
    context.num_tickets = 0  # a session resumed by TLS 1.3 would not be verified again
    context.allowed_names = frozenset(map(canonical, section.client_allowed_sans or ()))
    authorities = pem(section, "client_ca", files)
    if not authorities:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    try:
        context.load_verify_locations(cadata=authorities.decode("ascii", "ignore"))
    except ssl.SSLError:
        key = "client_ca_file" if section.client_ca_file else "client_ca"
        raise TLSMismatch(
            key, "holds a certificate that cannot be read", "check it with `openssl x509`"
        ) from None
