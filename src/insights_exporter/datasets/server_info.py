"""Metrics of a server in addition to its insights: version, lifetime of the token."""

from typing import NamedTuple

from insights_exporter.coder.decode import Envelope, decode
from insights_exporter.datasets.timerange import read_instant
from insights_exporter.exposition.family import MetricFamily, Samples

BUILD_INFO = MetricFamily(
    name="coder_insights_build_info",
    kind="gauge",
    help="The version of Coder, always 1 (API: buildinfo version); cached.",
    labels=("deployment", "version"),
    source="buildinfo: version",
    merge="not merged",
    absent="before the first response of buildinfo, or three hours after the last",
    example="count by (version) (coder_insights_build_info)",
)
TOKEN_EXPIRY = MetricFamily(
    name="insights_exporter_token_expiry_timestamp_seconds",
    kind="gauge",
    help="When the token expires unless it is used until then (API: users/me/keys expires_at), in Unix "
    "seconds; cached.",
    labels=("deployment",),
    source="users/me/keys/{id}: expires_at",
    merge="not merged",
    absent="the server does not report it, the token may not read it, or three hours after the last response",
    example="insights_exporter_token_expiry_timestamp_seconds - time()",
)
TOKEN_LIFETIME = MetricFamily(
    name="insights_exporter_token_lifetime_seconds",
    kind="gauge",
    help="How long the token lives after its last use (API: users/me/keys lifetime_seconds); cached.",
    labels=("deployment",),
    source="users/me/keys/{id}: lifetime_seconds",
    merge="not merged",
    absent="as insights_exporter_token_expiry_timestamp_seconds",
    example="(insights_exporter_token_expiry_timestamp_seconds - time()) / "
    "insights_exporter_token_lifetime_seconds",
)
FAMILIES = (BUILD_INFO,)
TOKEN_FAMILIES = (TOKEN_EXPIRY, TOKEN_LIFETIME)


class BuildInfo(Envelope, frozen=True):
    """The answer of `/buildinfo`."""

    version: str | None = None


class ApiKey(Envelope, frozen=True):
    """The answer of `/users/me/keys/{id}`."""

    expires_at: str | None = None
    lifetime_seconds: float | None = None


class CurrentUser(Envelope, frozen=True):
    """The answer of `/users/me`."""

    username: str | None = None


class Token(NamedTuple):
    """When a token expires, in Unix seconds, and for how long a use prolongs it; None where untold."""

    expires: float | None
    lifetime: float | None


def read_version(body: bytes) -> str | None:
    """Read the server's version.

    Raises:
        InvalidResponse: The response is no object.
    """
    return decode(body, BuildInfo).value.version


def build_info(version: str | None) -> Samples:
    """Give the series that says which version the server has."""
    return Samples(BUILD_INFO, [((version,), 1.0)] if version else [])


def read_token(body: bytes) -> Token:
    """Read how long the token lives.

    Raises:
        InvalidResponse: The response is no object.
    """
    key = decode(body, ApiKey).value
    return Token(read_instant(key.expires_at), key.lifetime_seconds)


def read_user(body: bytes) -> str | None:
    """Read the name of the token's own user.

    Raises:
        InvalidResponse: The response is no object.
    """
    return decode(body, CurrentUser).value.username


def token_samples(token: Token) -> tuple[Samples, Samples]:
    """Give the gauges about the token, as far as they are known."""
    return tuple(  # type: ignore[return-value]  # one for each of the two families
        Samples(family, [] if seconds is None else [((), seconds)])
        for family, seconds in zip(TOKEN_FAMILIES, token, strict=True)
    )
