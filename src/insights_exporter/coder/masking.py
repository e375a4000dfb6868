"""Keeps secrets out of what is told, should a server or a proxy have echoed them."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from insights_exporter.config.settings import Deployment

MASK = "***"
_SHORTEST_WORD = 6


def secrets_of(deployment: Deployment, proxy: str | None) -> tuple[str, ...]:
    """Return what must not be shown: values of headers, and the password for the proxy in use.

    The token is not among them, since it may change at any time.
    """
    headers = (value.get_secret_value() for value in deployment.headers.values())
    return secrets_in(headers, [proxy] if proxy else [])


def secrets_in(headers: Iterable[str], urls: Iterable[str]) -> tuple[str, ...]:
    """Return what must not be shown of the values of headers and of URLs with a password."""
    words = [word for header in headers for word in _words(header)]
    return tuple(dict.fromkeys([*words, *(secret for url in urls for secret in _credentials(url))]))


def masked(text: str, secrets: Iterable[str]) -> str:
    """Give `text` with `***` in the place of every one of `secrets`."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _words(header: str) -> Iterator[str]:
    """Give a header's value whole, and its words, since `Bearer abcdef` may come back as `abcdef`."""
    yield header
    yield from (word for word in header.split() if len(word) >= _SHORTEST_WORD)


def _credentials(url: str) -> Iterator[str]:
    """Give a password as it stands in a URL, as it is meant, and as HTTP sends it."""
    try:
        parts = urlsplit(url)
        user, password = parts.username or "", parts.password or ""
    except ValueError:
        return
    if password:
        yield from (password, unquote(password))
        yield b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
