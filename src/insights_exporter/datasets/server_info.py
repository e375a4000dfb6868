"""Metrics of a server in addition to its insights: version, lifetime of the token."""

from insights_exporter.coder.resources import TokenLifetime
from insights_exporter.exposition.family import MetricFamily, Samples

BUILD_INFO = MetricFamily(
    name="coder_insights_build_info",
    help="Version of Coder, always 1 (API: buildinfo version); cached.",
    labels=("deployment", "version"),
    absent="before the first response of buildinfo, or three hours after the last",
    example="count by (version) (coder_insights_build_info)",
)
TOKEN_EXPIRY = MetricFamily(
    name="insights_exporter_token_expiry_timestamp_seconds",
    help="Unix time at which the token expires unless it is used before then, in seconds (API: "
    "users/me/keys expires_at); cached.",
    labels=("deployment",),
    absent="the server does not report it, the token may not read it, or three hours after the last response",
    example="insights_exporter_token_expiry_timestamp_seconds - time()",
)
TOKEN_LIFETIME = MetricFamily(
    name="insights_exporter_token_lifetime_seconds",
    help="Time that the token stays valid after its last use, in seconds (API: users/me/keys "
    "lifetime_seconds); cached.",
    labels=("deployment",),
    absent="as insights_exporter_token_expiry_timestamp_seconds",
    example="(insights_exporter_token_expiry_timestamp_seconds - time()) / "
    "insights_exporter_token_lifetime_seconds",
)
FAMILIES = (BUILD_INFO,)
TOKEN_FAMILIES = (TOKEN_EXPIRY, TOKEN_LIFETIME)


def build_info(version: str | None) -> Samples:
    """Return the series with the server's version."""
    return Samples(BUILD_INFO, [((version,), 1.0)] if version else [])


def build_token_samples(token: TokenLifetime) -> tuple[Samples, ...]:
    """Return the gauges about the token, as far as they are known."""
    return tuple(
        Samples(family, [] if seconds is None else [((), seconds)])
        for family, seconds in zip(TOKEN_FAMILIES, token, strict=True)
    )
