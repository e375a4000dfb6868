"""Resources of Coder's API besides insights: version, token, user, templates and organizations."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from insights_exporter.coder.clock import get_unix_time
from insights_exporter.coder.decode import Decoded, Detail, Envelope, NonNegative, Row, decode
from insights_exporter.coder.request import Request

ORGANIZATIONS_PATH = "/organizations"


class BuildInfo(Envelope, frozen=True):
    """The response of `/buildinfo`."""

    version: str | None = None


class CurrentUser(Envelope, frozen=True):
    """The response of `/users/me`."""

    username: str | None = None


class ApiKey(Envelope, frozen=True):
    """The response of `/users/me/keys/{id}`."""

    expires_at: datetime | None = None
    lifetime_seconds: float | None = None


class TokenLifetime(NamedTuple):
    """When a token expires, in Unix seconds, and for how long a use prolongs it; None if unknown."""

    expires: float | None
    lifetime: float | None


def read_token(body: bytes) -> TokenLifetime:
    """Return how long the token is valid.

    Raises:
        InvalidResponse: The response is not an object.
    """
    key = decode(body, ApiKey).value
    return TokenLifetime(get_unix_time(key.expires_at), key.lifetime_seconds)


class BuildTimes(Detail, frozen=True):
    """Percentiles in milliseconds, None if there were no builds."""

    p50: NonNegative | None = msgspec.field(name="P50", default=None)
    p95: NonNegative | None = msgspec.field(name="P95", default=None)


class BuildTimeStats(Detail, frozen=True):
    """How long builds took, by transition."""

    start: BuildTimes | None = None
    stop: BuildTimes | None = None
    delete: BuildTimes | None = None


class ListedTemplate(Row, frozen=True):
    """One row of `/templates` or `/organizations/{organization}/templates`."""

    id: str
    name: str
    organization_id: str | None = None
    organization_name: str | None = None
    deprecated: bool | None = None
    build_time_stats: object = None
    """BuildTimeStats, for `decode_detail`: whatever it is, the template is listed."""

    def __post_init__(self) -> None:
        """Reject a template of no organization."""
        if not (self.organization_id or self.organization_name):
            text = "organization_id: missing"
            raise ValueError(text)


class ListedOrganization(Row, frozen=True):
    """One row of `/organizations`."""

    id: str
    name: str


def build_list_request(path: str) -> Request:
    """Return the request for a list of all organizations; older servers list by organization only."""
    return Request(path, if_refused=(Request(ORGANIZATIONS_PATH),))


def build_organization_path(organization_id: str, path: str) -> str:
    """Return the path of the part of a list that belongs to one organization."""
    return f"{ORGANIZATIONS_PATH}/{quote(organization_id, safe='')}{path}"


def build_organization_requests(body: bytes, path: str) -> Decoded[tuple[Request, ...]]:
    """Return the requests for the list of each organization, whose name is their subject.

    Raises:
        InvalidResponse: The response cannot be read.
    """
    decoded = decode(body, list[ListedOrganization])
    requests = (Request(build_organization_path(row.id, path), subject=row.name) for row in decoded.value)
    return Decoded(tuple(requests), decoded.invalid)
