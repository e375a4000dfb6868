"""Removal of secrets and user names from error texts."""

import re
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


_KNOWN_SENTENCES = frozenset(
    {
        "API key is invalid.",
        "API key secret is invalid.",
        'Cookie "coder_session_token" or query parameter must be provided.',
        "Could not refresh expired Oauth token.",
        "Forbidden.",
        "Last report interval should have at least 6 days.",
        "Not Found.",
        "Query parameter has invalid value.",
        "Query parameters have invalid values.",
        "Resource not found or you do not have access to this resource",
        "Route not found.",
        "Template insights are disabled.",
        "You are signed out or your session has expired. Please sign in again to continue.",
        (
            "You don't have permission to view this content. If you believe this is a mistake, please "
            "contact your administrator or try signing in with different credentials."
        ),
        "You've been rate limited for sending too many requests!",
    }
)
"""Messages of Coder that name no user."""
_KNOWN_PATTERNS = re.compile(
    r"Invalid API key format: incorrect amount of API key parts, expected \d+ got \d+"
    r"|Invalid API key format: invalid API key (?:ID|secret) length, expected \d+ got \d+"
    r'|API key expired at "\d{4}-\d\d-\d\d[T ][0-9:.]+ ?(?:Z|[+-]\d\d:?\d\d)(?: UTC)?"\.?'
    r'|User is not active \(status = "[a-z]+"\)\. Contact an admin to reactivate your account\.'
    r"|[A-Za-z][A-Za-z ]{1,40} is an? (?:Premium|Enterprise) feature\. Contact sales!"
    r"|You've been rate limited for sending more than \d+ requests in [0-9hms]+\.",
    re.ASCII,
)
"""The same with a number, a time, or the name of a feature."""


@dataclass(frozen=True, slots=True)
class ErrorRedactor:
    """Removes `secrets`, and everything that may name users if `users` (`users.detail`) is not `named`."""

    users: Literal["named", "pseudonymous", "aggregate"]
    secrets: tuple[str, ...] = ()

    def redact(self, sentences: Iterable[str]) -> str:
        """Return what may be shown of a server's message, with a note if something is omitted."""
        sentences = [sentence for sentence in sentences if sentence.strip()]
        if self.users == "named":
            return redact_secrets(" ".join(sentences), self.secrets)
        shown = [
            sentence
            for sentence in sentences
            if sentence in _KNOWN_SENTENCES or _KNOWN_PATTERNS.fullmatch(sentence)
        ]
        omitted = f"(the server's own words are omitted, as users.detail is {self.users})"
        return " ".join(shown if shown == sentences else [*shown, omitted])
