"""What is known of a server beside its insights: names, version, how long the token lives."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from insights_exporter.datasets.dataset import Template
from insights_exporter.datasets.dates import read_instant
from insights_exporter.datasets.decode import Decoded, Envelope, Row, decode
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.samples import Samples

TEMPLATE_INFO = Family(
    name="coder_insights_template_info",
    kind="gauge",
    help="A template that Coder lists, always 1 (API: templates name, organization_name, deprecated); "
    "cached.",
    labels=("deployment", "organization_name", "template_name", "template_id", "deprecated"),
    source="list of templates: id, name, organization_name, deprecated; list of organizations: name",
    merge="one series a template id",
    absent="the template is deleted, the token may not see it, or the list could not be had for three hours",
    example="coder_insights_template_active_users * on (deployment, template_id) group_left (deprecated) "
    "coder_insights_template_info",
)
BUILD_INFO = Family(
    name="coder_insights_build_info",
    kind="gauge",
    help="The version of Coder, always 1 (API: buildinfo version); cached.",
    labels=("deployment", "version"),
    source="buildinfo: version",
    merge="not merged",
    absent="buildinfo was not answered yet, or not for three hours",
    example="count by (version) (coder_insights_build_info)",
)
TOKEN_EXPIRY = Family(
    name="insights_exporter_token_expiry_timestamp_seconds",
    kind="gauge",
    help="When the token expires unless it is used until then (API: users/me/keys expires_at), in Unix "
    "seconds; cached.",
    labels=("deployment",),
    source="users/me/keys/{id}: expires_at",
    merge="not merged",
    absent="the server does not tell, or the token may not ask about itself, or not for three hours",
    example="insights_exporter_token_expiry_timestamp_seconds - time()",
)
TOKEN_LIFETIME = Family(
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
FAMILIES = (TEMPLATE_INFO, BUILD_INFO)
TOKEN_FAMILIES = (TOKEN_EXPIRY, TOKEN_LIFETIME)


class ListedTemplate(Row, frozen=True):
    """One row of `/templates` or `/organizations/{organization}/templates`."""

    id: str
    name: str
    organization_id: str | None = None
    organization_name: str | None = None
    deprecated: bool | None = None

    def __post_init__(self) -> None:
        """Reject a template of no organization.

        Raises:
            ValueError: Neither the id nor the name of its organization is there.
        """
        if not (self.organization_id or self.organization_name):
            text = "organization_id: missing"
            raise ValueError(text)


class ListedOrganization(Row, frozen=True):
    """One row of `/organizations`."""

    id: str
    name: str


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


def read_templates(body: bytes) -> Decoded[list[ListedTemplate]]:
    """Read a list of templates.

    Raises:
        InvalidAnswer: The answer is no list.
    """
    return decode(body, list[ListedTemplate])


def read_organizations(body: bytes) -> dict[str, str]:
    """Read the names of organizations by id.

    Raises:
        InvalidAnswer: The answer is no list.
    """
    return {row.id: row.name for row in decode(body, list[ListedOrganization]).value}


def organizations_needed(listed: Iterable[ListedTemplate]) -> bool:
    """Tell whether a server is so old that its templates lack their organization's name."""
    return any(not row.organization_name for row in listed)


def templates_by_id(
    listed: Iterable[ListedTemplate], organizations: Mapping[str, str]
) -> dict[str, Template]:
    """Give each template a name of its organization, which is its id where nothing else is known."""
    return {
        row.id: Template(
            template_id=row.id,
            name=row.name,
            organization=_organization(row, organizations),
            deprecated=bool(row.deprecated),
        )
        for row in listed
    }


def template_info(templates: Mapping[str, Template]) -> Samples:
    """Give the series that say what templates there are."""
    listed = sorted(templates.values(), key=lambda template: template.template_id)
    return Samples(
        TEMPLATE_INFO,
        [
            ((one.organization, one.name, one.template_id, "true" if one.deprecated else "false"), 1.0)
            for one in listed
        ],
    )


def read_version(body: bytes) -> str | None:
    """Read the server's version.

    Raises:
        InvalidAnswer: The answer is no object.
    """
    return decode(body, BuildInfo).value.version


def build_info(version: str | None) -> Samples:
    """Give the series that says which version the server has."""
    return Samples(BUILD_INFO, [((version,), 1.0)] if version else [])


def read_token(body: bytes) -> Token:
    """Read how long the token lives.

    Raises:
        InvalidAnswer: The answer is no object.
    """
    key = decode(body, ApiKey).value
    return Token(read_instant(key.expires_at), key.lifetime_seconds)


def read_user(body: bytes) -> str | None:
    """Read the name of the token's own user.

    Raises:
        InvalidAnswer: The answer is no object.
    """
    return decode(body, CurrentUser).value.username


def token_samples(token: Token) -> tuple[Samples, Samples]:
    """Give the gauges about the token, as far as they are known."""
    return tuple(  # type: ignore[return-value]  # one for each of the two families
        Samples(family, [] if seconds is None else [((), seconds)])
        for family, seconds in zip(TOKEN_FAMILIES, token, strict=True)
    )


def _organization(row: ListedTemplate, organizations: Mapping[str, str]) -> str:
    return row.organization_name or organizations.get(row.organization_id or "") or row.organization_id or ""
