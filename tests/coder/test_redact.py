"""What is removed from the text of errors: secrets, and words that may name users."""

from base64 import b64encode
from typing import Literal

import pytest

from insights_exporter.coder.errors import build_error
from insights_exporter.coder.redact import ErrorRedactor, list_configured_secrets, redact_secrets
from tests.coder.deployments import deployment

UNNAMED: tuple[Literal["pseudonymous", "aggregate"], ...] = ("pseudonymous", "aggregate")
NAMING = b'{"message":"Cannot show alice.","detail":"alice (id 7) is not yours"}'
EXPIRED = b'{"message":"Signed out, alice.","detail":"API key expired at \\"2026-05-01\\"."}'


def test_everything_but_secrets_is_shown_if_users_are_named() -> None:
    """If users are named, only secrets are removed."""
    detail = build_error(
        403, "/insights/user-activity", NAMING, redactor=ErrorRedactor("named", ("id 7",))
    ).detail

    assert "HTTP 403 for /insights/user-activity: Cannot show alice. alice (***) is not yours" == detail


@pytest.mark.parametrize("users", UNNAMED)
def test_words_of_the_server_are_replaced_if_users_are_not_named(
    users: Literal["pseudonymous", "aggregate"],
) -> None:
    """The meaning of the response replaces them, with the reason why they are omitted."""
    detail = build_error(401, "/insights/daus", EXPIRED, redactor=ErrorRedactor(users)).detail

    meaning = "401 `API key expired at ...`"
    omitted = f"the server's message is omitted because users.detail is {users}"
    assert f"HTTP 401 for /insights/daus: treated as: {meaning} ({omitted})" == detail


@pytest.mark.parametrize("users", ["named", *UNNAMED])
def test_empty_message_stays_empty(users: Literal["named", "pseudonymous", "aggregate"]) -> None:
    """An empty message gets no note about omitted words."""
    body = b'{"message":" "}'

    assert "HTTP 404 for /groups" == build_error(404, "/groups", body, redactor=ErrorRedactor(users)).detail


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
