"""The version and the lifetime of the token, from servers of all ages."""

import pytest

from insights_exporter.coder.decode import decode
from insights_exporter.coder.resources import BuildInfo, TokenLifetime, read_token
from insights_exporter.datasets.server_info import build_info, build_token_samples
from tests.datasets.cases import sort_lines

VERSIONS = {
    "reported": (b'{"version":"v2.20.0+abc","external_url":"x"}', 1),
    "missing": (b"{}", 0),
    "empty": (b'{"version":""}', 0),
    "null": (b'{"version":null}', 0),
    "not a string": (b'{"version":2}', 0),
}


@pytest.mark.parametrize(("body", "expected"), VERSIONS.values(), ids=VERSIONS)
def test_build_info_exists_if_the_version_is_known(body: bytes, expected: int) -> None:
    """A server that does not report its version has no such series."""
    assert expected == len(build_info(decode(body, BuildInfo).value.version).rows)


TOKENS = {
    "both": (
        b'{"expires_at":"2026-05-21T00:00:00Z","lifetime_seconds":86400}',
        TokenLifetime(1779321600.0, 86400.0),
    ),
    "neither": (b"{}", TokenLifetime(None, None)),
    "never": (b'{"expires_at":"0001-01-01T00:00:00Z","lifetime_seconds":null}', TokenLifetime(None, None)),
}


@pytest.mark.parametrize(("body", "expected"), TOKENS.values(), ids=TOKENS)
def test_token_is_exposed_as_far_as_it_is_known(body: bytes, expected: TokenLifetime) -> None:
    """Unknown times have no series."""
    token = read_token(body)

    assert expected == token
    assert sum(value is not None for value in expected) == len(sort_lines(build_token_samples(token)))
