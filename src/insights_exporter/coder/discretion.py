"""What of a refusal's own words is told: where users are not named, only what is known to name nobody."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from insights_exporter.coder.masking import masked

_NAMES_NOBODY = frozenset(
    {
        "API key is invalid.",
        "API key secret is invalid.",
        'Cookie "coder_session_token" or query parameter must be provided.',
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


@dataclass(frozen=True, slots=True)
class Discretion:
    """What must not be told: `secrets`, and people where `users` (`users.detail`) does not name them."""

    users: Literal["named", "pseudonymous", "aggregate"]
    secrets: tuple[str, ...] = ()

    def told(self, said: Iterable[str]) -> str:
        """Give what may be told of what a server said, and say so where something is left out."""
        sentences = [sentence for sentence in said if sentence.strip()]
        if self.users == "named":
            return masked(" ".join(sentences), self.secrets)
        told = [sentence for sentence in sentences if sentence in _NAMES_NOBODY]
        left_out = f"(the server's own words are left out, as users.detail is {self.users})"
        return " ".join(told if told == sentences else [*told, left_out])


EVERYTHING_IS_TOLD = Discretion("named")
