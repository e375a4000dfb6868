"""Proxies of the environment, with the meaning they have for Go and curl."""

from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.config.errors import ConfigError, InvalidValue
from insights_exporter.config.loader import load_config
from insights_exporter.config.proxies import Proxies, parse_proxy, read_proxies
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import HIDDEN, load_text

PROXY = "http://proxy.example.com:3128"
OTHER = "http://other.example.com:8080"
TOKEN = "hidden0000-secretsecretsecretsec0"  # noqa: S105 - no token of any server
URL = "https://coder.example.com"
ENVIRON = {"CODER_URL": URL, "CODER_SESSION_TOKEN": TOKEN}

NO_PROXY = {
    "host": ("coder.example.com", "https://coder.example.com", True),
    "host in upper case": ("CODER.example.com", "https://coder.EXAMPLE.com", True),
    "host with a dot at its end": ("coder.example.com.", "https://coder.example.com", True),
    "dot at the end of the target": ("coder.example.com", "https://coder.example.com.", True),
    "another host": ("coder.example.com", "https://other.example.com", False),
    "subdomain of a host": ("example.com", "https://coder.example.com", True),
    "part of a label": ("example.com", "https://coder-example.com", False),
    "longer than the domain": ("example.com", "https://example.com.evil.net", False),
    "leading dot": (".example.com", "https://coder.example.com", True),
    "leading dot, the domain itself": (".example.com", "https://example.com", True),
    "leading dot, part of a label": (".example.com", "https://coderexample.com", False),
    "wildcard domain": ("*.example.com", "https://coder.example.com", True),
    "wildcard domain, the domain itself": ("*.example.com", "https://example.com", False),
    "one label": ("coder", "http://coder:3000", True),
    "top-level domain": ("internal", "https://coder.internal", True),
    "name in Unicode": ("bücher.example", "https://xn--bcher-kva.example", True),
    "target in Unicode": ("xn--bcher-kva.example", "https://bücher.example", True),
    "list": ("a.example.com,coder.example.com,b.example.com", URL, True),
    "list with spaces": (" a.example.com , coder.example.com ", URL, True),
    "list of spaces only": ("a.example.com coder.example.com", URL, True),
    "empty entries": (",,coder.example.com,", URL, True),
    "not in the list": ("a.example.com,b.example.com", URL, False),
    "nothing": ("", URL, False),
    "everything": ("*", URL, True),
    "everything, for an address": ("*", "https://[2001:db8::1]", True),
    "everything, in a list": ("a.example.com, *", URL, True),
    "port of the target": ("coder.example.com:8443", "https://coder.example.com:8443", True),
    "another port": ("coder.example.com:8443", "https://coder.example.com", False),
    "usual port": ("coder.example.com:443", "https://coder.example.com", True),
    "usual port of HTTP": ("coder.example.com:80", "http://coder.example.com", True),
    "port of a domain": (".example.com:443", "https://coder.example.com", True),
    "address": ("192.0.2.1", "https://192.0.2.1", True),
    "another address": ("192.0.2.1", "https://192.0.2.10", False),
    "address with port": ("192.0.2.1:8443", "https://192.0.2.1:8443", True),
    "address with another port": ("192.0.2.1:8443", "https://192.0.2.1", False),
    "network": ("192.0.2.0/24", "https://192.0.2.77", True),
    "network, outside": ("192.0.2.0/24", "https://192.0.3.77", False),
    "network with host bits": ("192.0.2.9/24", "https://192.0.2.77", True),
    "network and a name": ("192.0.2.0/24", URL, False),
    "IPv6 address": ("2001:db8::1", "https://[2001:db8::1]", True),
    "IPv6 address in brackets": ("[2001:db8::1]", "https://[2001:db8::1]", True),
    "IPv6 address in another form": ("2001:DB8:0::1", "https://[2001:db8::1]", True),
    "another IPv6 address": ("2001:db8::1", "https://[2001:db8::2]", False),
    "IPv6 address with port": ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443", True),
    "IPv6 address with another port": ("[2001:db8::1]:8443", "https://[2001:db8::1]", False),
    "IPv6 network": ("fd00::/8", "https://[fd12::1]", True),
    "IPv6 network in brackets": ("[fd00::]/8", "https://[fd12::1]", True),
    "IPv6 network, outside": ("fd00::/8", "https://[2001:db8::1]", False),
    "IPv4 inside IPv6": ("192.0.2.0/24", "https://[::ffff:192.0.2.1]", True),
    "unreadable entry": ("http://x, coder.example.com", URL, True),
    "localhost": ("", "http://localhost:3000", True),
    "loopback": ("", "http://127.0.0.1:3000", True),
    "another loopback address": ("", "http://127.8.9.1", True),
    "IPv6 loopback": ("", "http://[::1]:3000", True),
    "private address": ("", "http://10.0.0.1", False),
}


@pytest.mark.parametrize(("entries", "url", "excluded"), NO_PROXY.values(), ids=NO_PROXY)
def test_no_proxy(entries: str, url: str, excluded: bool) -> None:
    """`NO_PROXY` decides per target whether a request goes through the proxy."""
    proxies = read_proxies({"ALL_PROXY": PROXY, "NO_PROXY": entries})

    assert (None if excluded else PROXY) == proxies.select_proxy(url)


CHOICES: dict[str, tuple[dict[str, str], str, str | None]] = {
    "none": ({}, URL, None),
    "HTTPS": ({"HTTPS_PROXY": PROXY}, URL, PROXY),
    "HTTPS in lower case": ({"https_proxy": PROXY}, URL, PROXY),
    "HTTPS for HTTP": ({"HTTPS_PROXY": PROXY}, "http://coder.example.com", None),
    "HTTP for HTTPS": ({"HTTP_PROXY": PROXY}, URL, None),
    "HTTP": ({"HTTP_PROXY": PROXY}, "http://coder.example.com", PROXY),
    "all": ({"ALL_PROXY": PROXY}, URL, PROXY),
    "all in lower case": ({"all_proxy": PROXY}, "http://coder.example.com", PROXY),
    "own before all": ({"ALL_PROXY": OTHER, "HTTPS_PROXY": PROXY}, URL, PROXY),
    "own before all in lower case": ({"all_proxy": OTHER, "HTTPS_PROXY": PROXY}, URL, PROXY),
    "lower case wins": ({"HTTPS_PROXY": OTHER, "https_proxy": PROXY}, URL, PROXY),
    "lower-case exclusions win": (
        {"HTTPS_PROXY": PROXY, "NO_PROXY": "x.example.com", "no_proxy": "coder.example.com"},
        URL,
        None,
    ),
    "empty counts as unset": ({"https_proxy": "", "HTTPS_PROXY": PROXY}, URL, PROXY),
    "no scheme": ({"HTTPS_PROXY": "proxy.example.com:3128"}, URL, PROXY),
    "spaces around": ({"HTTPS_PROXY": f" {PROXY}\r\n"}, URL, PROXY),
    "unused and unusable": ({"HTTPS_PROXY": PROXY, "ALL_PROXY": "socks5://x"}, URL, PROXY),
    "unusable but excluded": ({"ALL_PROXY": "socks5://x", "NO_PROXY": "example.com"}, URL, None),
}


@pytest.mark.parametrize(("environ", "url", "expected"), CHOICES.values(), ids=CHOICES)
def test_choice_of_the_variable(environ: dict[str, str], url: str, expected: str | None) -> None:
    """The scheme of the request chooses the variable; `ALL_PROXY` is the fallback."""
    assert expected == read_proxies(environ).select_proxy(url)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PROXY, PROXY),
        ("HTTPS://Proxy.Example.com", "https://proxy.example.com"),
        ("proxy", "http://proxy"),
        ("me:p%40ss@proxy:3128", "http://me:p%40ss@proxy:3128"),
        ("http://me:p@ss@proxy:3128/", "http://me:p@ss@proxy:3128"),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("http://192.0.2.1:3128/path", "http://192.0.2.1:3128"),
        ("http://bücher.example:3128", "http://xn--bcher-kva.example:3128"),
    ],
)
def test_proxy_is_parsed(text: str, expected: str) -> None:
    """A proxy is an HTTP URL, whose scheme may be missing, as for curl."""
    assert expected == parse_proxy(text)


BAD = {
    "SOCKS": (f"socks5://me:{HIDDEN}@proxy.example.com:1080", "is a SOCKS proxy, which is not supported"),
    "SOCKS with names": (f"SOCKS5H://me:{HIDDEN}@proxy", "is a SOCKS proxy, which is not supported"),
    "another scheme": (f"ftp://me:{HIDDEN}@proxy", "is not the URL of an HTTP proxy"),
    "port too large": (f"http://me:{HIDDEN}@proxy:99999", "has no valid port"),
    "port zero": (f"http://me:{HIDDEN}@proxy:0", "has no valid port"),
    "port in words": (f"http://me:{HIDDEN}@proxy:squid", "has no valid port"),
    "no host": (f"http://me:{HIDDEN}@:3128", "has no valid host"),
    "bad host": (f"http://me:{HIDDEN}@pro,xy:3128", "has no valid host"),
    "bad brackets": (f"http://me:{HIDDEN}@[::1:3128", "has no valid host"),
    "scope of an address": (f"http://me:{HIDDEN}@[fe80::1%25eth0]:3128", "has no valid host"),
    "label too long": (f"http://me:{HIDDEN}@{'ü' * 80}:3128", "has no valid host"),
    "slash in the password": (f"http://me:{HIDDEN}/x@proxy:3128", "has a /, ? or # in its user or password"),
    "number and slash": (f"http://me:12/{HIDDEN}@proxy:3128", "has a /, ? or # in its user or password"),
    "space": (f"http://me:{HIDDEN} x@proxy:3128", "has a space or another character that no URL has"),
}


@pytest.mark.parametrize(("value", "what"), BAD.values(), ids=BAD)
def test_invalid_proxy_is_a_config_error(value: str, what: str) -> None:
    """The error names the variable, the cause and the remedy, and no password."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, {**ENVIRON, "HTTPS_PROXY": value}, DATASETS)

    assert [("HTTPS_PROXY", what)] == [(one.place, one.what) for one in caught.value.problems]
    assert all(one.remedy for one in caught.value.problems)
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize(("value", "what"), BAD.values(), ids=BAD)
def test_invalid_proxy_of_the_config_has_the_same_error(value: str, what: str, tmp_path: Path) -> None:
    """`proxy` is checked like the variables."""
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, f"deployments: [{{url: {URL}, token_env: TOKEN, proxy: '{value}'}}]")

    assert [("deployments[0].proxy", what)] == [(one.place, one.what) for one in caught.value.problems]
    assert HIDDEN not in str(caught.value)


def test_unused_proxy_is_not_checked(tmp_path: Path) -> None:
    """A variable that no deployment uses causes no warning."""
    path = tmp_path / "config.yml"
    text = f"deployments: [{{url: {URL}, token_env: TOKEN, proxy: '{PROXY}'}}]"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)

    environ = {"TOKEN": TOKEN, "ALL_PROXY": "socks5://proxy.example.com"}
    assert () == load_config(path, environ, DATASETS).warnings


def test_invalid_proxy_for_a_local_server_is_found() -> None:
    """It is reported, although local hosts are reached directly."""
    environ = {**ENVIRON, "CODER_URL": "http://127.0.0.1:3000", "ALL_PROXY": "socks5://proxy.example.com"}
    with pytest.raises(ConfigError, match=r"^ALL_PROXY: is a SOCKS proxy"):
        load_config(None, environ, DATASETS)


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ("192.0.2.0/33", "192.0.2.0/33"),
        ("fd00::/129", "fd00::/129"),
        ("10.0.*", "10.0.*"),
        ("10.0.", "10.0."),
        ("coder*", "coder*"),
        ("*example.com", "*example.com"),
        ("coder.example.com:99999", "coder.example.com:99999"),
        ("coder.example.com:https", "coder.example.com:https"),
        ("http://coder.example.com", "http://coder.example.com"),
        (f"http://me:{HIDDEN}@coder.example.com", "coder.example.com"),
        ("[::1", "[::1"),
        ("[coder.example.com]", "[coder.example.com]"),
        (".", "."),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_invalid_entry_is_skipped_with_a_warning(name: str, entry: str, shown: str) -> None:
    """The warning names the variable and the entry; the other entries count."""
    environ = {**ENVIRON, "HTTPS_PROXY": PROXY, name: f"{entry},other.example.com"}
    (warning,) = load_config(None, environ, DATASETS).warnings
    proxies = read_proxies(environ)

    assert (name, f"{shown!r} is invalid and is skipped") == (warning.place, warning.what)
    assert (PROXY, None) == (proxies.select_proxy(URL), proxies.select_proxy("https://other.example.com"))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_any_value_is_accepted_or_refused(text: str) -> None:
    """Any value is either an error with its variable, or a proxy that a client accepts."""
    proxies = read_proxies({"HTTPS_PROXY": text, "NO_PROXY": text[::-1]})
    problems = list(proxies.find_invalid([URL]))

    assert {"HTTPS_PROXY"} >= {problem.place for problem in problems}
    if not problems:
        proxy = proxies.select_proxy(URL)
        assert proxy is None or httpx.Proxy(proxy)


@given(st.text(alphabet="abz019.-:/@[]%#?_ü", max_size=30))
def test_parsing_is_idempotent(text: str) -> None:
    """A checked proxy stays the same when it is parsed again."""
    try:
        once = parse_proxy(text)
    except InvalidValue:
        return

    assert once == parse_proxy(once)
    assert httpx.Proxy(once).url.raw_host


def test_values_are_not_in_the_repr() -> None:
    """A proxy's password does not reach a log by accident."""
    assert HIDDEN not in repr(Proxies({"https": ("HTTPS_PROXY", f"http://me:{HIDDEN}@proxy")}))
