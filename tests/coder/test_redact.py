"""What is removed from the text of errors: secrets, and words that may name users."""

from base64 import b64encode
from typing import Literal

import pytest

from insights_exporter.coder.errors import build_error
from insights_exporter.coder.redact import ErrorRedactor, list_configured_secrets, redact_secrets
from tests.coder.deployments import deployment

UNNAMED: tuple[Literal["pseudonymous", "aggregate"], ...] = ("pseudonymous", "aggregate")
NAMING = b'{"message":"Cannot show alice.","detail":"alice (id 7) is not yours"}'


def test_everything_but_secrets_is_shown_if_users_are_named() -> None:
    """If users are named, only secrets are removed."""
    detail = build_error(
        403, "/insights/user-activity", NAMING, redactor=ErrorRedactor("named", ("id 7",))
    ).detail

    assert "HTTP 403 for /insights/user-activity: Cannot show alice. alice (***) is not yours" == detail


@pytest.mark.parametrize("users", UNNAMED)
def test_unknown_words_are_omitted_if_users_are_not_named(
    users: Literal["pseudonymous", "aggregate"],
) -> None:
    """The text names the reason why words are omitted."""
    detail = build_error(400, "/insights/templates", NAMING, redactor=ErrorRedactor(users)).detail

    omitted = f"(the server's own words are omitted, as users.detail is {users})"
    assert f"HTTP 400 for /insights/templates: {omitted}" == detail


@pytest.mark.parametrize("users", UNNAMED)
def test_known_sentences_are_shown(users: Literal["pseudonymous", "aggregate"]) -> None:
    """Each known sentence is shown verbatim."""
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
    """Sentences that differ only in a number, a time or a feature name no user."""
    redactor = ErrorRedactor("aggregate")

    assert sentence == redactor.redact((sentence,))
    assert sentence not in redactor.redact((f"{sentence} alice@example.com",))


@pytest.mark.parametrize("users", ["named", *UNNAMED])
def test_empty_message_stays_empty(users: Literal["named", "pseudonymous", "aggregate"]) -> None:
    """An empty message gets no note about omitted words."""
    assert "" == ErrorRedactor(users).redact(("", " "))


HEADERS = {"X-Gateway": "Bearer gateway-secret", "X-Short": "abc"}
PROXY = "http://user:pass%2Fword@proxy.example.com:3128"


@pytest.mark.parametrize(
    "echoed",
    [
        pytest.param("Bearer gateway-secret", id="a header"),
        pytest.param("gateway-secret", id="a word of a header"),
        pytest.param("pass%2Fword", id="the proxy's password as written"),
        pytest.param("pass/word", id="the proxy's password as meant"),
        pytest.param(b64encode(b"user:pass/word").decode(), id="the proxy's password as sent"),
    ],
)
def test_echoed_secret_is_masked(echoed: str) -> None:
    """A secret of the config is redacted in every form in which a server echoes it."""
    secrets = list_configured_secrets(deployment("https://coder.example.com", headers=HEADERS), PROXY)

    assert "no *** here" == redact_secrets(f"no {echoed} here", secrets)


def test_proxy_of_the_environment() -> None:
    """The password of a proxy that the environment names is a secret too."""
    proxy = "http://user:password@proxy.example.com"

    assert "password" in list_configured_secrets(deployment("https://coder.example.com"), proxy)


def test_longer_secrets_go_first() -> None:
    """A secret that begins as another one does leaves no end of itself."""
    assert "***" == redact_secrets("abcdef", ["abc", "abcdef"])
