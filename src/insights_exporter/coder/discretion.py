"""What of a refusal's own words is told: where users are not named, only what is known to name nobody."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from insights_exporter.coder.masking import masked

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
class Discretion:
    """What must not be told: `secrets`, and people where `users` (`users.detail`) does not name them."""

    users: Literal["named", "pseudonymous", "aggregate"]
    secrets: tuple[str, ...] = ()

    def told(self, said: Iterable[str]) -> str:
        """Return what may be told of what a server said, and say so if something is omitted."""
        sentences = [sentence for sentence in said if sentence.strip()]
        if self.users == "named":
            return masked(" ".join(sentences), self.secrets)
        told = [sentence for sentence in sentences if _names_nobody(sentence)]
        omitted = f"(the server's own words are omitted, as users.detail is {self.users})"
        return " ".join(told if told == sentences else [*told, omitted])


EVERYTHING_IS_TOLD = Discretion("named")


def _names_nobody(sentence: str) -> bool:
    return sentence in _NAMES_NOBODY or _NAMES_NOBODY_IN_FORM.fullmatch(sentence) is not None
