"""Secrets and user names are removed from error texts."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from insights_exporter.config.models import Deployment

MASK = "***"
_SHORTEST_WORD = 6


def configured_secrets(deployment: Deployment, proxy: str | None) -> tuple[str, ...]:
    """Return what must not be shown: values of headers, and the password for the proxy in use.

    The token is not among them, since it may change at any time.
    """
    headers = (value.get_secret_value() for value in deployment.headers.values())
    return secrets_in(headers, [proxy] if proxy else [])


def secrets_in(headers: Iterable[str], urls: Iterable[str]) -> tuple[str, ...]:
    """Return what must not be shown of the values of headers and of URLs with a password."""
    words = [word for header in headers for word in _words(header)]
    return tuple(dict.fromkeys([*words, *(secret for url in urls for secret in _credentials(url))]))


def redact_secrets(text: str, secrets: Iterable[str]) -> str:
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


_NAMES_NOBODY = frozenset(
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
"""What Coder says to everybody alike."""
_NAMES_NOBODY_IN_FORM = re.compile(
    r"Invalid API key format: incorrect amount of API key parts, expected \d+ got \d+"
    r"|Invalid API key format: invalid API key (?:ID|secret) length, expected \d+ got \d+"
    r'|API key expired at "\d{4}-\d\d-\d\d[T ][0-9:.]+ ?(?:Z|[+-]\d\d:?\d\d)(?: UTC)?"\.?'
    r'|User is not active \(status = "[a-z]+"\)\. Contact an admin to reactivate your account\.'
    r"|[A-Za-z][A-Za-z ]{1,40} is an? (?:Premium|Enterprise) feature\. Contact sales!"
    r"|You've been rate limited for sending more than \d+ requests in [0-9hms]+\.",
    re.ASCII,
)
"""What Coder says to everybody but for a number, a time, or the name of a feature."""


@dataclass(frozen=True, slots=True)
class ErrorRedactor:
    """What must not be told: `secrets`, and people where `users` (`users.detail`) does not name them."""

    users: Literal["named", "pseudonymous", "aggregate"]
    secrets: tuple[str, ...] = ()

    def told(self, said: Iterable[str]) -> str:
        """Return what may be told of what a server said, and say so if something is omitted."""
        sentences = [sentence for sentence in said if sentence.strip()]
        if self.users == "named":
            return redact_secrets(" ".join(sentences), self.secrets)
        told = [sentence for sentence in sentences if _names_nobody(sentence)]
        omitted = f"(the server's own words are omitted, as users.detail is {self.users})"
        return " ".join(told if told == sentences else [*told, omitted])


REDACT_NOTHING = ErrorRedactor("named")


def _names_nobody(sentence: str) -> bool:
    return sentence in _NAMES_NOBODY or _NAMES_NOBODY_IN_FORM.fullmatch(sentence) is not None
