"""Rules over several keys of the web config file."""

import re
import ssl
from collections.abc import Callable, Iterator

from insights_exporter.config.errors import Finding, InvalidValue
from insights_exporter.web.webconfig.files import Files
from insights_exporter.web.webconfig.model import (
    AUTH_TYPES,
    HEADERS,
    SUITES,
    TLS13_SUITES,
    VERSIONS,
    TLSSection,
    WebConfigModel,
)

_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")

_VERIFY_INSTEAD = "set client_ca_file and client_auth_type: RequireAndVerifyClientCert"
_NO_EFFECT = "has no effect without client certificates"
_UNVERIFIED = "Python's TLS accepts no client certificate that it cannot verify"


def select_verify_mode(section: TLSSection) -> ssl.VerifyMode:
    """Return how the `ssl` module verifies clients if the section is valid."""
    return AUTH_TYPES[section.client_auth_type][section.client_allowed_sans is not None]


def list_client_restrictions(section: TLSSection) -> frozenset[str]:
    """Return the keys that refuse clients, of which a reload must not remove any."""
    if select_verify_mode(section) != ssl.CERT_REQUIRED:
        return frozenset()
    keys = ("client_ca", "client_allowed_sans")
    return frozenset({"client_auth_type", *(key for key in keys if _is_set(section, key))})


def _is_set(section: TLSSection, key: str) -> bool:
    return bool(getattr(section, key) or getattr(section, f"{key}_file", ""))


def has_only_tls13_suites(section: TLSSection) -> bool:
    """Return whether the suites leave no version below TLS 1.3."""
    return bool(section.cipher_suites) and not SUITES.keys() & set(section.cipher_suites)


def read_pem(section: TLSSection, part: str, files: Files) -> bytes:
    """Return the PEM text of `cert`, `key` or `client_ca`, empty if it is not set.

    Raises:
        InvalidValue: Its file cannot be read.
    """
    name = getattr(section, f"{part}_file")
    return files.read(name) if name else str(getattr(section, part)).encode()


def check_http(file: WebConfigModel) -> Iterator[Finding]:
    """Yield errors in headers and in the rate limit."""
    for name, value in file.http_server_config.headers.items():
        if HEADERS[name] and value not in HEADERS[name]:
            place = ("http_server_config", "headers", name)
            yield place, "is not a known value", f"write {' or '.join(HEADERS[name])}"
    if file.rate_limit.interval and not file.rate_limit.burst:
        yield ("rate_limit", "burst"), "is 0, so every request would be refused", "write 1 or more"


def warn_of_http(file: WebConfigModel) -> Iterator[Finding]:
    """Yield warnings of values that have no effect here, or are unwise."""
    if file.http_server_config.http2:
        what = "has no effect: the exporter speaks HTTP/1.1 only"
        yield ("http_server_config", "http2"), what, "remove it or set it to false"
    if file.rate_limit.burst and not file.rate_limit.interval:
        yield ("rate_limit", "burst"), "has no effect without an interval", "write rate_limit.interval"
    if file.basic_auth_users and file.tls_server_config is None:
        what = "without TLS, passwords are sent in plain text"
        yield ("basic_auth_users",), what, "set tls_server_config, or listen on loopback only"
    costs = sorted({int(text.split("$")[2]) for text in file.basic_auth_users.values()})
    if len(costs) > 1:
        listed = ", ".join(map(str, costs))
        what = f"has hashes of the costs {listed}: the duration of a login shows which users exist"
        yield ("basic_auth_users",), what, "create all of them with `htpasswd -nBC 10`"


def check_tls(section: TLSSection, files: Files) -> Iterator[Finding]:
    """Yield errors in `tls_server_config` and in the files that it names."""
    for part, check, required in _PARTS:
        yield from _check_part(section, files, part, check, required=required)
    yield from _check_versions(section)
    names = section.client_allowed_sans
    if names is not None and not (names and all(names)):
        yield ("client_allowed_sans",), "has an empty entry or none", "list names, or remove the key"
    yield from _check_client_auth(section)


def _check_client_auth(section: TLSSection) -> Iterator[Finding]:
    has_ca, has_names = _is_set(section, "client_ca"), section.client_allowed_sans is not None
    match section.client_auth_type:
        case "NoClientCert" if has_ca:
            key = "client_ca" if section.client_ca else "client_ca_file"
            yield (key,), _NO_EFFECT, "set client_auth_type: RequireAndVerifyClientCert, or remove it"
        case "NoClientCert" if has_names:
            yield ("client_allowed_sans",), _NO_EFFECT, _VERIFY_INSTEAD
        case "RequestClientCert" if has_names and not has_ca:
            what = "is not possible: Python's TLS does not show names of certificates that it cannot verify"
            yield ("client_auth_type",), what, _VERIFY_INSTEAD
        case "RequireAnyClientCert" if not has_ca:
            yield ("client_auth_type",), f"is not possible: {_UNVERIFIED}", _VERIFY_INSTEAD


def _check_part(
    section: TLSSection, files: Files, part: str, check: Callable[[bytes], None], *, required: bool
) -> Iterator[Finding]:
    file, inline = getattr(section, f"{part}_file"), getattr(section, part)
    if file and inline:
        yield (part,), f"is set in addition to {part}_file", "keep one of the two"
    elif file or inline:
        try:
            check(read_pem(section, part, files))
        except InvalidValue as error:
            yield (f"{part}_file" if file else part,), error.what, error.remedy
    elif required:
        remedy = f"write it, or {part} with the PEM text itself; without TLS remove tls_server_config"
        yield (f"{part}_file",), "is missing", remedy


def _check_certificates(pem: bytes) -> None:
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise InvalidValue("contains no certificate", "use PEM with a line of BEGIN CERTIFICATE")


def _check_key(pem: bytes) -> None:
    if not _KEY.search(pem):
        raise InvalidValue("contains no private key", "use PEM with a line of BEGIN PRIVATE KEY")
    if _ENCRYPTED.search(pem):
        raise InvalidValue("is encrypted", "remove its passphrase with `openssl pkey`, and protect the file")


_PARTS = (
    ("cert", _check_certificates, True),
    ("key", _check_key, True),
    ("client_ca", _check_certificates, False),
)


def _check_versions(section: TLSSection) -> Iterator[Finding]:
    if VERSIONS[section.min_version] > VERSIONS[section.max_version]:
        what = f"is lower than min_version, {section.min_version}, so no client could connect"
        yield ("max_version",), what, "raise it, or lower min_version"
    for version, has_version in (("TLS10", ssl.HAS_TLSv1), ("TLS11", ssl.HAS_TLSv1_1)):
        if version in (section.min_version, section.max_version) and not has_version:
            yield ("min_version",), f"{version} is not in {ssl.OPENSSL_VERSION}", "write TLS12"
    if has_only_tls13_suites(section) and section.max_version != "TLS13":
        what = (
            f"has suites of TLS 1.3 only, and max_version is {section.max_version}: no client could connect"
        )
        yield ("cipher_suites",), what, "add a suite of TLS 1.2, or raise max_version"


def warn_of_tls(section: TLSSection) -> Iterator[Finding]:
    """Yield warnings of values with another meaning here than in other exporters, and of unwise ones."""
    if warning := _warn_of_client_auth(section):
        what, remedy = warning
        yield ("client_auth_type",), f"{section.client_auth_type} {what}", remedy
    if VERSIONS[section.min_version] < ssl.TLSVersion.TLSv1_2:
        yield ("min_version",), f"{section.min_version} is outdated and insecure", "write TLS12"
    if len(section.curve_preferences) > 1:
        what = f"only the first, {section.curve_preferences[0]}, is offered: Python's TLS takes one curve"
        yield ("curve_preferences",), what, "put the curve that all clients support first, or remove the key"
    suites = set(section.cipher_suites)
    if TLS13_SUITES - suites and TLS13_SUITES & suites:
        what = "cannot select suites of TLS 1.3: all of them are offered, as by Go"
        yield ("cipher_suites",), what, "remove those that begin with TLS_AES or TLS_CHACHA20"


def _warn_of_client_auth(section: TLSSection) -> tuple[str, str] | None:
    """Return how the type differs from other exporters, and the remedy."""
    mode = select_verify_mode(section)
    if section.client_auth_type == "RequestClientCert" and mode == ssl.CERT_NONE:
        what = "accepts every client, so certificates are not requested here"
        return what, f"{_VERIFY_INSTEAD} to accept only some"
    if section.client_auth_type in {"RequestClientCert", "RequireAnyClientCert"}:
        return f"is stricter here: {_UNVERIFIED}", "write RequireAndVerifyClientCert, which is what it does"
    if mode != ssl.CERT_NONE and not _is_set(section, "client_ca"):
        what = "has no client CAs, so a certificate of any authority that the system trusts is accepted"
        return what, "set client_ca_file"
    return None
