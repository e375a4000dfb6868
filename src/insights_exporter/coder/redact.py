"""Removal of secrets and user names from error texts."""

from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from insights_exporter.config.models import Deployment

MASK = "***"
_SHORTEST_WORD = 6


def list_configured_secrets(deployment: Deployment, proxy: str | None) -> tuple[str, ...]:
    """Return the values of headers and the proxy's password; not the token, which may change at any time."""
    headers = (value.get_secret_value() for value in deployment.headers.values())
    return find_secrets(headers, [proxy] if proxy else [])


def find_secrets(headers: Iterable[str], urls: Iterable[str]) -> tuple[str, ...]:
    """Return the secrets in headers and URLs, in each form in which a server may repeat them."""
    found: list[str] = []
    for header in headers:  # `Bearer abcdef` may come back as `abcdef`
        found += [header, *(word for word in header.split() if len(word) >= _SHORTEST_WORD)]
    for url in urls:
        with suppress(ValueError):
            parts = urlsplit(url)
            user, password = unquote(parts.username or ""), parts.password or ""
            if password:
                basic = b64encode(f"{user}:{unquote(password)}".encode()).decode()
                found += [password, unquote(password), basic]
    return tuple(dict.fromkeys(found))


def redact_secrets(text: str, secrets: Iterable[str]) -> str:
    """Replace each of `secrets` by `***`."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


@dataclass(frozen=True, slots=True)
class ErrorRedactor:
    """Removes `secrets`, and a server's own words, which may name users, if `users.detail` is not `named`."""

    users: Literal["named", "pseudonymous", "aggregate"]
    secrets: tuple[str, ...] = ()

    def redact(self, words: str, meaning: str) -> str:
        """Return what may be shown of a server's message; `meaning` replaces words that are omitted."""
        if self.users == "named" or not words:
            return redact_secrets(words, self.secrets)
        return f"treated as: {meaning} (the server's message is omitted because users.detail is {self.users})"
