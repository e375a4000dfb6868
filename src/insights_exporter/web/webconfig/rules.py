"""Rules over several keys of the web config file."""

import ssl
from collections.abc import Callable, Iterator

from insights_exporter.config.errors import Finding, InvalidValue
from insights_exporter.web.webconfig.client_auth import client_auth_mode
from insights_exporter.web.webconfig.files import Files, check_certificates, check_key
from insights_exporter.web.webconfig.model import (
    HEADERS,
    SUITES,
    TLS13_SUITES,
    VERSIONS,
    TLSSection,
    WebConfigModel,
)


def headers_have_known_values(file: WebConfigModel) -> Iterator[Finding]:
    """A header of few values has one of them."""
    for name, value in file.http_server_config.headers.items():
        if HEADERS[name] and value not in HEADERS[name]:
            place = ("http_server_config", "headers", name)
            yield place, "is not a known value", f"write {' or '.join(HEADERS[name])}"


def limit_lets_somebody_in(file: WebConfigModel) -> Iterator[Finding]:
    """A limit has at least one request at a time."""
    if file.rate_limit.interval and not file.rate_limit.burst:
        yield ("rate_limit", "burst"), "is 0, so every request would be refused", "write 1 or more"


HTTP_RULES = (headers_have_known_values, limit_lets_somebody_in)


def http_warnings(file: WebConfigModel) -> Iterator[Finding]:
    """Tell what has no effect here, or is unwise."""
    if file.http_server_config.http2:
        what = "has no effect: the exporter speaks HTTP/1.1 alone"
        yield ("http_server_config", "http2"), what, "remove it or set it to false"
    if file.rate_limit.burst and not file.rate_limit.interval:
        yield ("rate_limit", "burst"), "has no effect without an interval", "write rate_limit.interval"
    if file.basic_auth_users and file.tls_server_config is None:
        what = "without TLS, passwords cross the network readable"
        yield ("basic_auth_users",), what, "set tls_server_config, or listen on loopback alone"
    costs = sorted({int(text.split("$")[2]) for text in file.basic_auth_users.values()})
    if len(costs) > 1:
        listed = ", ".join(map(str, costs))
        what = f"has hashes of the costs {listed}: the time that a login takes shows which users exist"
        yield ("basic_auth_users",), what, "make all of them with `htpasswd -nBC 10`"


Rule = Callable[[TLSSection, Files], Iterator[Finding]]

_PARTS: tuple[tuple[str, Callable[[bytes], None]], ...] = (
    ("cert", check_certificates),
    ("key", check_key),
    ("client_ca", check_certificates),
)
_NEEDED = ("cert", "key")


def inline(section: TLSSection, part: str) -> str:
    """Give the PEM text of a part that stands in the web config file itself, or nothing."""
    return section.key.get_secret_value() if part == "key" else str(getattr(section, part))


def pem(section: TLSSection, part: str, files: Files) -> bytes:
    """Give the PEM text of `cert`, `key` or `client_ca`, or nothing.

    Raises:
        Wrong: its file cannot be read.
    """
    name = getattr(section, f"{part}_file")
    return files.read(name) if name else inline(section, part).encode()


def parts_are_usable(section: TLSSection, files: Files) -> Iterator[Finding]:
    """Certificate and key are there, each part comes from one place and holds what it should."""
    for part, check in _PARTS:
        in_file, in_here = bool(getattr(section, f"{part}_file")), bool(inline(section, part))
        if in_file and in_here:
            yield (part,), f"is set beside {part}_file", "keep one of the two"
        elif in_file or in_here:
            try:
                check(pem(section, part, files))
            except InvalidValue as wrong:
                yield (f"{part}_file" if in_file else part,), wrong.what, wrong.remedy
        elif part in _NEEDED:
            remedy = f"write it, or {part} with the PEM text itself; without TLS leave out tls_server_config"
            yield (f"{part}_file",), "is missing", remedy


def versions_in_order(section: TLSSection, _files: Files) -> Iterator[Finding]:
    """The versions leave at least one."""
    if VERSIONS[section.min_version] > VERSIONS[section.max_version]:
        what = f"is lower than min_version, {section.min_version}, so nobody could connect"
        yield ("max_version",), what, "raise it, or lower min_version"


def versions_exist(section: TLSSection, _files: Files) -> Iterator[Finding]:
    """The OpenSSL in use speaks the versions."""
    for key, has in (("TLS10", ssl.HAS_TLSv1), ("TLS11", ssl.HAS_TLSv1_1)):
        if key in (section.min_version, section.max_version) and not has:
            yield ("min_version",), f"{key} is not in {ssl.OPENSSL_VERSION}", "write TLS12"


def suites_fit_versions(section: TLSSection, _files: Files) -> Iterator[Finding]:
    """Suites of TLS 1.3 alone need TLS 1.3."""
    if only_tls13(section) and section.max_version != "TLS13":
        what = f"has suites of TLS 1.3 alone, and max_version is {section.max_version}: nobody could connect"
        yield ("cipher_suites",), what, "add a suite of TLS 1.2, or raise max_version"


def names_are_given(section: TLSSection, _files: Files) -> Iterator[Finding]:
    """A list of allowed names lets somebody in."""
    names = section.client_allowed_sans
    if names is not None and not (names and all(names)):
        yield ("client_allowed_sans",), "has an empty entry or none", "list names, or leave the key out"


def client_auth_can_be_kept(section: TLSSection, _files: Files) -> Iterator[Finding]:
    """The way clients prove who they are can be kept, and has an effect."""
    row = client_auth_mode(section)
    if row.verify is None:
        yield (_as_written(row.key, section),), row.what, row.remedy


def only_tls13(section: TLSSection) -> bool:
    """Tell whether the suites leave no version below TLS 1.3."""
    return bool(section.cipher_suites) and not SUITES.keys() & set(section.cipher_suites)


TLS_RULES: tuple[Rule, ...] = (
    parts_are_usable,
    versions_in_order,
    versions_exist,
    suites_fit_versions,
    names_are_given,
    client_auth_can_be_kept,
)


def tls_warnings(section: TLSSection) -> Iterator[Finding]:
    """Tell what has another meaning here than elsewhere, or is unwise."""
    row = client_auth_mode(section)
    if row.what:
        yield (_as_written(row.key, section),), f"{section.client_auth_type} {row.what}", row.remedy
    if VERSIONS[section.min_version] < ssl.TLSVersion.TLSv1_2:
        yield ("min_version",), f"{section.min_version} is outdated and insecure", "write TLS12"
    if len(section.curve_preferences) > 1:
        what = f"only the first, {section.curve_preferences[0]}, is offered: Python's TLS takes one curve"
        yield ("curve_preferences",), what, "put first what all clients have, or leave the key out"
    if TLS13_SUITES - set(section.cipher_suites) and TLS13_SUITES & set(section.cipher_suites):
        what = "cannot choose among the suites of TLS 1.3: all of them are offered, as by Go"
        yield ("cipher_suites",), what, "leave out those that begin with TLS_AES or TLS_CHACHA20"


def _as_written(key: str, section: TLSSection) -> str:
    return "client_ca" if key == "client_ca_file" and section.client_ca else key
