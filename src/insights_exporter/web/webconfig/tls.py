"""From `tls_server_config` to the context that holds for connections."""

import ssl
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType

from insights_exporter.config.problems import Wrong
from insights_exporter.web.throttle import Throttle
from insights_exporter.web.webconfig.client_auth import meaning
from insights_exporter.web.webconfig.files import Files
from insights_exporter.web.webconfig.handshake import ServerContext, canonical
from insights_exporter.web.webconfig.names import CURVES, MODERN_SUITES, SUITES, VERSIONS
from insights_exporter.web.webconfig.pem import as_file
from insights_exporter.web.webconfig.tls_rules import only_tls13, pem
from insights_exporter.web.webconfig.written import TlsSection

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


class Misfit(Wrong):
    """OpenSSL refuses the value of `key`."""

    def __init__(self, key: str, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.key = key


def server_context(section: TlsSection, files: Files) -> ServerContext:
    """Give the context of a section that keeps all the rules.

    Raises:
        Misfit: OpenSSL does not take it.
    """
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.refusals = Throttle()
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    _set_versions(context, section)
    _set_suites(context, section)
    _set_curve(context, section)
    _load_certificate(context, section, files)
    _ask_clients(context, section, files)
    return context


def _set_versions(context: ServerContext, section: TlsSection) -> None:
    lowest = "TLS13" if only_tls13(section) else section.min_version
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the file's author was warned already
        context.maximum_version = VERSIONS[section.max_version]
        context.minimum_version = VERSIONS[lowest]


def _set_suites(context: ServerContext, section: TlsSection) -> None:
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
        raise Misfit("cipher_suites", what, "take it out")


def _set_curve(context: ServerContext, section: TlsSection) -> None:
    for name in section.curve_preferences[:1]:
        try:
            context.set_ecdh_curve(CURVES[name])
        except (ValueError, ssl.SSLError):
            raise Misfit(
                "curve_preferences", f"{name} is not in {ssl.OPENSSL_VERSION}", "take another"
            ) from None


def _usual(*, old: bool) -> Iterable[str]:
    return SUITES if old else MODERN_SUITES


def _load_certificate(context: ServerContext, section: TlsSection, files: Files) -> None:
    with as_file(pem(section, "cert", files)) as certificate, as_file(pem(section, "key", files)) as key:
        try:
            context.load_cert_chain(certificate, key, password=lambda: b"")
        except ssl.SSLError as error:
            what, remedy = _CERTIFICATE_WORDS.get(error.reason, _CERTIFICATE_WORDS[""])
            raise Misfit("cert_file" if section.cert_file else "cert", what, remedy) from None


def _ask_clients(context: ServerContext, section: TlsSection, files: Files) -> None:
    context.verify_mode = meaning(section).verify or ssl.CERT_NONE
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
        raise Misfit(key, "holds a certificate that cannot be read", "check it with `openssl x509`") from None
