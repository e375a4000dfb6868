"""HTTP proxies of the config and of the environment, whose variables work as in Go and curl.

Where these differ: the lower-case name wins and `.domain` excludes the domain itself too, as with curl;
`localhost` and loopback addresses are always reached directly, as with Go.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from insights_exporter.config.errors import ConfigError, ConfigIssue, InvalidValue

DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}

_VARIABLES: Mapping[str, tuple[str, ...]] = {
    scheme: (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    for scheme in DEFAULT_PORTS
}
"""The variables that name the proxy for a scheme, the first one that is set wins."""

_NO_PROXY = ("no_proxy", "NO_PROXY")
_EXAMPLE = "write it as http://proxy.example.com:3128"
_NO_SOCKS = "use an HTTP proxy, written as http://proxy.example.com:3128"
_BAD_CHARACTER = re.compile(r"[\s\x00-\x1f\x7f\\]")
_SEPARATORS = re.compile(r"[,\s]+")
_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_ENTRY = re.compile(r"(\[(?P<ipv6>[^\]]+)\]|(?P<host>[^:\[\]/]+))(?P<length>/[0-9]+)?(:(?P<port>[0-9]*))?")
_ONLY_NUMBERS = re.compile(r"[0-9.]+")
_LARGEST_PORT = 65535

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An entry of `NO_PROXY`: a network, or a domain with its subdomains; without both, every host."""

    network: Network | None = None
    domain: str = ""
    subdomains_only: bool = False
    port: int | None = None

    def covers(self, host: str, port: int) -> bool:
        """Return whether requests to a host and port are excluded from the proxy."""
        if self.port not in (None, port):
            return False
        address = _parse_address(host)
        if self.network is not None:
            return address is not None and address in self.network
        if not self.domain:
            return True
        itself = host == self.domain and not self.subdomains_only
        return address is None and (itself or host.endswith(f".{self.domain}"))


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of the environment.

    `variables` has the name and the value of the variable for each scheme;
    a value may hold a password. `skipped` are the entries of `NO_PROXY` that
    are invalid, with the name of the variable.
    """

    variables: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    exclusions: tuple[Exclusion, ...] = ()
    skipped: tuple[ConfigIssue, ...] = ()

    def select_proxy(self, url: str) -> str | None:
        """Return the proxy for requests to `url`, None if they are sent directly.

        Raises:
            ConfigError: The proxy is invalid.
        """
        host = _encode_host(urlsplit(url).hostname or "")
        address = _parse_address(host)
        is_local = host == "localhost" or (address is not None and address.is_loopback)
        return None if is_local else self._select_proxy(url)

    def find_invalid(self, urls: Iterable[str]) -> Iterator[ConfigIssue]:
        """Yield what is wrong with the proxies for `urls`.

        Local hosts count too: an invalid proxy is reported unless `NO_PROXY`
        excludes the host.
        """
        for url in urls:
            try:
                self._select_proxy(url)
            except ConfigError as error:
                yield from error.problems

    def _select_proxy(self, url: str) -> str | None:
        parts = urlsplit(url)
        host, port = _encode_host(parts.hostname or ""), parts.port or DEFAULT_PORTS[parts.scheme]
        if parts.scheme not in self.variables or any(each.covers(host, port) for each in self.exclusions):
            return None
        name, value = self.variables[parts.scheme]
        try:
            return parse_proxy(value)
        except InvalidValue as wrong:
            raise ConfigError([ConfigIssue("", name, wrong.what, wrong.remedy)]) from None


def read_proxies(environ: Mapping[str, str]) -> Proxies:
    """Read the proxy variables of the environment; empty ones count as unset."""
    found = {scheme: _find_first_set(names, environ) for scheme, names in _VARIABLES.items()}
    name, value = _find_first_set(_NO_PROXY, environ) or ("", "")
    exclusions, skipped = [], []
    for entry in filter(None, _SEPARATORS.split(value)):
        try:
            exclusions.append(parse_exclusion(entry))
        except ValueError:
            what = f"{entry.rpartition('@')[2]!r} is invalid and is skipped"  # without user and password
            remedy = "write a host name, a domain, an address or a network such as 10.0.0.0/8"
            skipped.append(ConfigIssue("", name, what, remedy))
    return Proxies({scheme: one for scheme, one in found.items() if one}, tuple(exclusions), tuple(skipped))


def parse_exclusion(entry: str) -> Exclusion:
    """Parse an entry of `NO_PROXY`: `*`, a network, or a host, domain or address that may have a port.

    Raises:
        ValueError: It is none of these.
    """
    if entry == "*":
        return Exclusion()
    if network := _parse_network(entry):
        return Exclusion(network)
    found = _ENTRY.fullmatch(entry)
    port = int(found["port"]) if found and found["port"] else None
    if found is None or (port is not None and not 0 < port <= _LARGEST_PORT):
        raise ValueError(entry)
    host, length = found["ipv6"] or found["host"], found["length"] or ""
    if network := _parse_network(f"{host}{length}"):
        return Exclusion(network, port=port)
    wildcard = host.startswith("*.")
    domain = _encode_host(host.removeprefix("*." if wildcard else "."))
    if length or found["ipv6"] or not _HOST.fullmatch(domain) or _ONLY_NUMBERS.fullmatch(domain):
        raise ValueError(entry)
    return Exclusion(domain=domain, subdomains_only=wildcard, port=port)


def parse_proxy(text: str) -> str:
    """Return the URL of a proxy in the form `scheme://user:password@host:port`; the scheme may be missing.

    Raises:
        InvalidValue: It is not the URL of an HTTP proxy. The message contains nothing of it, for passwords.
    """
    url = text.strip()
    parts = _split(url if "://" in url else f"http://{url}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise InvalidValue("has no valid port", _EXAMPLE)
    user, at, _ = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user}{at}{_format_proxy_host(parts)}{f':{port}' if port else ''}"


def _split(url: str) -> SplitResult:
    """Split the URL of a proxy; raises InvalidValue. The port is not checked."""
    if _BAD_CHARACTER.search(url):
        raise InvalidValue("has a space or another character that no URL has", _EXAMPLE)
    scheme = url.partition("://")[0].lower()
    if scheme.startswith("socks"):
        raise InvalidValue("is a SOCKS proxy, which is not supported", _NO_SOCKS)
    if scheme not in DEFAULT_PORTS:
        raise InvalidValue("is not the URL of an HTTP proxy", _EXAMPLE)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InvalidValue("has no valid host", _EXAMPLE) from None
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        remedy = "write these characters as %2F, %3F and %23"
        raise InvalidValue("has a /, ? or # in its user or password", remedy)
    return parts


def _format_proxy_host(parts: SplitResult) -> str:
    """Return the host for a URL, in ASCII; raises InvalidValue."""
    with suppress(ValueError):
        host = _encode_host(parts.hostname or "")
        if _HOST.fullmatch(host):
            return host
        address = IPv6Address(host)
        if address.scope_id is None:
            return f"[{address}]"
    raise InvalidValue("has no valid host", _EXAMPLE)


def _find_first_set(names: Iterable[str], environ: Mapping[str, str]) -> tuple[str, str] | None:
    return next(((name, environ[name]) for name in names if environ.get(name, "").strip()), None)


def _parse_address(host: str) -> Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _parse_network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _encode_host(host: str) -> str:
    """Return a host in DNS' form: lower case, ASCII, no trailing dot; raises ValueError."""
    host = host.lower().rstrip(".")
    return host if host.isascii() else host.encode("idna").decode()
