"""The server's side of TLS connections: who gets in, what the others are told."""

import ipaddress
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import structlog

from insights_exporter.web.throttle import Throttle
from insights_exporter.web.webconfig.tls_records import TLSRecords

Certificate = Mapping[str, Any]
"""A verified certificate as Python's TLS shows it; empty where the client showed none."""

_NAMES_SHOWN, _NAME_SHOWN = 10, 100
"""How many names of a refused certificate are logged, and how many characters of each."""
_NAMES = frozenset({"DNS", "IP Address", "email", "URI"})


class Handshake(ssl.SSLObject):
    """One connection, that tells a refused client why before it ends.

    The event loop ends a connection as soon as its handshake fails, without
    sending the alert that OpenSSL has ready. So the failure is first told as
    a wait for more, which sends the alert; whatever comes then ends it.
    """

    outgoing: ssl.MemoryBIO
    records: TLSRecords
    checks: "ServerContext"
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


class ServerContext(ssl.SSLContext):
    """What holds for connections, as the file says it; without `allowed_names` any will do."""

    sslobject_class = Handshake
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
    ) -> Handshake:
        """Give the server's side of a new connection."""
        records = TLSRecords(incoming)
        plain = super().wrap_bio(records.outgoing, outgoing, server_side, server_hostname, session)
        made = cast("Handshake", plain)
        made.outgoing, made.records, made.checks = outgoing, records, self
        return made


class NewestContext(ssl.SSLContext):
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


def newest_context(newest: Callable[[], ssl.SSLContext]) -> NewestContext:
    """Give a context for a server's whole life that hands each connection to the newest one."""
    context = NewestContext(ssl.PROTOCOL_TLS_SERVER)
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
