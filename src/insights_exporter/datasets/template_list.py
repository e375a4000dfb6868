"""Dataset `template-list`: which templates there are, and what they are called."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from insights_exporter.coder.decode import NonNegative, Row, decode
from insights_exporter.coder.request import Request, Response
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext, Template
from insights_exporter.exposition.family import MetricFamily, Samples

NAME: Final = "template-list"
PATH = "/templates"
ORGANIZATIONS_PATH = "/organizations"

TEMPLATE_INFO = MetricFamily(
    name="coder_insights_template_info",
    kind="gauge",
    help="A template that Coder lists, always 1 (API: templates name, organization_name, deprecated); "
    "cached.",
    labels=("deployment", "organization_name", "template_name", "template_id", "deprecated"),
    source="template-list: id, name, organization_name, deprecated; list of organizations: name",
    merge="one series per template id",
    absent="the template is deleted, or the token may not see it",
    example="coder_insights_template_active_users * on (deployment, template_id) group_left (deprecated) "
    "coder_insights_template_info",
)
BUILD_DURATION = MetricFamily(
    name="coder_insights_template_build_duration_seconds",
    kind="gauge",
    help="How long builds of a template ran, in seconds, without waiting in the queue (API: templates "
    "build_time_stats), over the server's own period, not a window: the template's newest 100 builds, or the "
    "builds of 30 months on older servers; computed by the server every 4 hours; cached.",
    labels=("deployment", "organization_name", "template_name", "template_id", "transition", "percentile"),
    source="template-list: build_time_stats.start, .stop, .delete: P50, P95",
    merge="of several rows of one template id the longest",
    absent="no such build in the server's period, or the server has not computed it yet",
    example='topk(5, coder_insights_template_build_duration_seconds{transition="start",percentile="p95"})',
)
FAMILIES = (TEMPLATE_INFO, BUILD_DURATION)

_TRANSITIONS = ("start", "stop", "delete")
_PERCENTILES = ("p50", "p95")
_MILLISECONDS = 1000.0


class BuildTimes(msgspec.Struct, frozen=True, gc=False):
    """Percentiles in milliseconds, None if there were no builds."""

    p50: NonNegative | None = msgspec.field(name="P50", default=None)
    p95: NonNegative | None = msgspec.field(name="P95", default=None)


class BuildTimeStats(msgspec.Struct, frozen=True, gc=False):
    """How long builds took, by their kind."""

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
    """Read by `build_durations`: a template is listed even if these are not understood."""

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


def windows(_deployment: Deployment) -> Sequence[Window | None]:
    """Return no window: the list is that of now."""
    return (None,)


def requests(_view: PollContext) -> Sequence[Request]:
    """Return the request for the list of all templates."""
    return (Request(path=PATH),)


def follow_up(responses: Sequence[Response]) -> Sequence[Request]:
    """Return the requests that older servers need.

    They list templates without the organization's name, or by organization only.

    Raises:
        InvalidAnswer: A response cannot be read.
    """
    bodies = {response.request.path: response.body for response in responses}
    if PATH in bodies:
        listed = decode(bodies[PATH], list[ListedTemplate]).value
        nameless = any(not row.organization_name for row in listed)
        return (Request(path=ORGANIZATIONS_PATH),) if nameless else ()
    if ORGANIZATIONS_PATH not in bodies:
        return (Request(path=ORGANIZATIONS_PATH),)
    organizations = decode(bodies[ORGANIZATIONS_PATH], list[ListedOrganization]).value
    return [Request(path=_list_path(row.id)) for row in organizations]


def convert(context: PollContext, responses: Sequence[Response]) -> ConvertResult:
    """Return the templates; those of an organization whose list is missing stay as they are known.

    So do names of organizations if their list is missing.

    Raises:
        InvalidAnswer: A response cannot be read.
    """
    bodies = {response.request.path: response.body for response in responses}
    organizations = decode(bodies.pop(ORGANIZATIONS_PATH, b"[]"), list[ListedOrganization])
    names = {row.id: row.name for row in organizations.value}
    lists = [decode(body, list[ListedTemplate]) for body in bodies.values()]
    kept = {name: one.organization for name, one in context.templates.items()} if not names else {}
    complete = PATH in bodies or all(_list_path(organization) in bodies for organization in names)
    known = {} if complete else dict(context.templates)
    listed = [row for each in lists for row in each.value]
    templates = known | templates_by_id(listed, names, kept)
    durations, invalid = build_durations(listed, templates)
    return ConvertResult(
        samples=(template_info(templates), durations),
        invalid=(*organizations.invalid, *(reason for each in lists for reason in each.invalid), *invalid),
        templates=templates,
    )


def templates_by_id(
    listed: Iterable[ListedTemplate], organizations: Mapping[str, str], kept: Mapping[str, str]
) -> dict[str, Template]:
    """Return templates by id, of several the last by name.

    An organization without a known name is called as in `kept`, by template, else by its id.
    """
    templates = (
        Template(
            template_id=row.id,
            name=row.name,
            organization=_organization(row, organizations) or kept.get(row.id) or row.organization_id or "",
            deprecated=bool(row.deprecated),
        )
        for row in listed
    )
    return {each.template_id: each for each in sorted(templates, key=msgspec.structs.astuple)}


def template_info(templates: Mapping[str, Template]) -> Samples:
    """Return one series per template, sorted by id."""
    listed = sorted(templates.values(), key=lambda template: template.template_id)
    return Samples(
        TEMPLATE_INFO,
        [
            ((one.organization, one.name, one.template_id, "true" if one.deprecated else "false"), 1.0)
            for one in listed
        ],
    )


def build_durations(
    listed: Iterable[ListedTemplate], templates: Mapping[str, Template]
) -> tuple[Samples, Sequence[str]]:
    """Return the durations of the builds of the templates listed, and a reason for each not understood."""
    seconds: dict[tuple[str, ...], float] = {}
    invalid: list[str] = []
    for row in listed:
        try:
            stats = msgspec.convert(row.build_time_stats, BuildTimeStats | None)
        except msgspec.ValidationError:
            invalid.append("[].build_time_stats: not understood")
            continue
        one = templates[row.id]
        labels = (one.organization, one.name, one.template_id)
        for transition, percentile, value in _durations(stats):
            key = (*labels, transition, percentile)
            seconds[key] = max(value, seconds.get(key, 0.0))
    return Samples(BUILD_DURATION, list(seconds.items())), invalid


def _durations(stats: BuildTimeStats | None) -> Iterator[tuple[str, str, float]]:
    for transition in _TRANSITIONS:
        times = getattr(stats, transition, None)
        for percentile in _PERCENTILES:
            value = getattr(times, percentile, None)
            if value is not None:
                yield transition, percentile, value / _MILLISECONDS


def _list_path(organization: str) -> str:
    return f"{ORGANIZATIONS_PATH}/{quote(organization, safe='')}/templates"


def _organization(row: ListedTemplate, organizations: Mapping[str, str]) -> str:
    return row.organization_name or organizations.get(row.organization_id or "") or ""


DATASET = Dataset(
    name=NAME,
    families=FAMILIES,
    windows=windows,
    requests=requests,
    convert=convert,
    follow_up=follow_up,
    names_templates=True,
    default_interval=3600.0,
)
