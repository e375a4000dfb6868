"""Secrets that a server or a proxy may echo."""

from base64 import b64encode

import pytest

from insights_exporter.coder.redact import configured_secrets, redact_secrets
from tests.coder.deployments import deployment

HEADERS = {"X-Gateway": "Bearer gateway-secret", "X-Short": "abc"}
PROXY = "http://user:pass%2Fword@proxy.example.com:3128"


@pytest.mark.parametrize(
    "echoed",
    [
        pytest.param("Bearer gateway-secret", id="a header"),
        pytest.param("gateway-secret", id="a header's word"),
        pytest.param("pass%2Fword", id="the proxy's password as written"),
        pytest.param("pass/word", id="the proxy's password as meant"),
        pytest.param(b64encode(b"user:pass/word").decode(), id="the proxy's password as sent"),
    ],
)
def test_echoed_secret_is_masked(echoed: str) -> None:
    """Whatever form a secret of the settings comes back in, it is masked."""
    secrets = configured_secrets(deployment("https://coder.example.com", headers=HEADERS), PROXY)

    assert redact_secrets(f"no {echoed} here", secrets) == "no *** here"


def test_proxy_of_the_environment() -> None:
    """The password of a proxy that the environment names is a secret too."""
    proxy = "http://user:password@proxy.example.com"

    assert "password" in configured_secrets(deployment("https://coder.example.com"), proxy)


def test_longer_secrets_go_first() -> None:
    """A secret that begins as another one does leaves no end of itself."""
    assert redact_secrets("abcdef", ["abc", "abcdef"]) == "***"
