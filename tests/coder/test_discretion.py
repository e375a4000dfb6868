"""What is told of a server's own words, by what is shown of users."""

from typing import Literal

import pytest

from insights_exporter.coder.errors import error_from_response
from insights_exporter.coder.redact import ErrorRedactor

DISCREET: tuple[Literal["pseudonymous", "aggregate"], ...] = ("pseudonymous", "aggregate")
NAMING = b'{"message":"Cannot show alice.","detail":"alice (id 7) is not yours"}'


def test_where_users_are_named_everything_is_told() -> None:
    """But for secrets."""
    told = error_from_response(
        403, "/insights/user-activity", NAMING, redactor=ErrorRedactor("named", ("id 7",))
    ).detail

    assert "HTTP 403 for /insights/user-activity: Cannot show alice. alice (***) is not yours" == told


@pytest.mark.parametrize("users", DISCREET)
def test_where_users_are_not_named_unknown_words_are_omitted(
    users: Literal["pseudonymous", "aggregate"],
) -> None:
    """With the reason why, so that whoever looks for the words knows where they went."""
    told = error_from_response(400, "/insights/templates", NAMING, redactor=ErrorRedactor(users)).detail

    omitted = f"(the server's own words are omitted, as users.detail is {users})"
    assert f"HTTP 400 for /insights/templates: {omitted}" == told


@pytest.mark.parametrize("users", DISCREET)
def test_what_coder_says_to_everybody_is_told(users: Literal["pseudonymous", "aggregate"]) -> None:
    """Each sentence by itself, whole and to the letter."""
    redactor = ErrorRedactor(users)

    assert "Not Found. Template insights are disabled." == redactor.redact(
        ("Not Found.", "Template insights are disabled.")
    )
    assert "Forbidden. (the" == redactor.redact(("Forbidden.", "Ask alice."))[:15]
    assert "(the" == redactor.redact(("Forbidden. Ask alice.",))[:4]


@pytest.mark.parametrize(
    "sentence",
    [
        'API key expired at "2026-05-01 00:00:00 +0000 UTC"',
        'API key expired at "2026-05-01T00:00:00Z".',
        "Invalid API key format: incorrect amount of API key parts, expected 2 got 1",
        "Invalid API key format: invalid API key secret length, expected 22 got 7",
        'User is not active (status = "suspended"). Contact an admin to reactivate your account.',
        "Template RBAC is a Premium feature. Contact sales!",
        "You've been rate limited for sending more than 512 requests in 1m0s.",
    ],
)
def test_sentences_with_a_number_or_a_time_are_shown(sentence: str) -> None:
    """What differs in a number, a time or a feature alone names no user."""
    redactor = ErrorRedactor("aggregate")

    assert sentence == redactor.redact((sentence,))
    assert sentence not in redactor.redact((f"{sentence} alice@example.com",))


@pytest.mark.parametrize("users", ["named", *DISCREET])
def test_where_nothing_is_said_nothing_is_told(users: Literal["named", "pseudonymous", "aggregate"]) -> None:
    """Nor that something was omitted."""
    assert "" == ErrorRedactor(users).redact(("", " "))
