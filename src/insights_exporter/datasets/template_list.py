"""Dataset `template-list`: which templates there are, and what they are called."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final

import msgspec

from insights_exporter.coder.decode import decode, decode_detail
from insights_exporter.coder.request import Request, Response
from insights_exporter.coder.resources import (
    ORGANIZATIONS_PATH,
    BuildTimeStats,
    ListedTemplate,
    build_list_request,
    build_organization_path,
    build_organization_requests,
)
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext, Template
from insights_exporter.exposition.family import MetricFamily, SampleRow, Samples

NAME: Final = "template-list"
PATH = "/templates"

TEMPLATE_INFO = MetricFamily(
    name="coder_insights_template_info",
    help="Name, organization and deprecation of a template, always 1 (API: templates name, "
    "organization_name, deprecated); cached.",
    labels=("deployment", "organization_name", "template_name", "template_id", "deprecated"),
    merge="one series per template id",
    absent="the template is deleted, or the token may not see it",
    example="coder_insights_template_active_users * on (deployment, template_id) group_left (deprecated) "
    "coder_insights_template_info",
    drop_order=8,
)
BUILD_DURATION = MetricFamily(
    name="coder_insights_template_build_duration_seconds",
    help="Run time of a template's builds, in seconds, without queueing (API: templates build_time_stats); "
    "not of a window: over the newest 100 builds, or 30 months on older servers, computed by Coder every 4 "
    "hours; cached.",
    labels=("deployment", "organization_name", "template_name", "template_id", "transition", "percentile"),
    merge="of several rows with the same template id, the longest",
    absent="no such build in the server's period, or the server has not computed it yet",
    example='topk(5, coder_insights_template_build_duration_seconds{transition="start",percentile="p95"})',
    drop_order=7,
)

_TRANSITIONS = ("start", "stop", "delete")
_PERCENTILES = ("p50", "p95")
_MILLISECONDS = 1000.0


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the templates of a list.

    A list without the names of organizations, as older servers have it, is replaced by the lists of all
    organizations, which are requested with the organization's name as their subject.
    """
    if response.request.path == ORGANIZATIONS_PATH:
        lists = build_organization_requests(response.body, PATH)
        return ConvertResult((), invalid=lists.invalid, templates={}, follow_up=lists.value)
    request, decoded = response.request, decode(response.body, list[ListedTemplate])
    rows = [row for row in decoded.value if _belongs_to(row, request)]
    templates = _index_templates(rows, request.subject, context.templates)
    nameless = request.path == PATH and any(not row.organization_name for row in rows)
    stats = [decode_detail(row.build_time_stats, BuildTimeStats, "[].build_time_stats") for row in rows]
    durations = build_durations(
        (templates[row.id], each.value) for row, each in zip(rows, stats, strict=True)
    )
    return ConvertResult(
        samples=(build_template_info(templates), durations),
        invalid=(*decoded.invalid, *(reason for each in stats for reason in each.invalid)),
        templates=templates,
        follow_up=(Request(path=ORGANIZATIONS_PATH),) if nameless else (),
    )


def _belongs_to(row: ListedTemplate, request: Request) -> bool:
    """Return whether no other list has the row too, so that no series is in two sources."""
    if request.path == PATH:
        return True
    if row.organization_id:
        return request.path == build_organization_path(row.organization_id, PATH)
    return row.organization_name == request.subject


def _index_templates(
    rows: Iterable[ListedTemplate], organization: str, known: Mapping[str, Template]
) -> dict[str, Template]:
    """Return templates by id, of several the last by name.

    If a row does not name its organization, that is `organization`, else that of the `known` template, else
    its id.
    """
    templates = []
    for row in rows:
        names = [row.organization_name, organization, known[row.id].organization if row.id in known else ""]
        organization_name = next(filter(None, (*names, row.organization_id)), "")
        templates.append(Template(row.id, row.name, organization_name, bool(row.deprecated)))
    return {each.template_id: each for each in sorted(templates, key=msgspec.structs.astuple)}


def build_template_info(templates: Mapping[str, Template]) -> Samples:
    """Return one series per template, sorted by id."""
    rows: list[SampleRow] = [
        ((each.organization, each.name, template_id, str(each.deprecated).lower()), 1.0)
        for template_id, each in sorted(templates.items())
    ]
    return Samples(TEMPLATE_INFO, rows)


def build_durations(measured: Iterable[tuple[Template, BuildTimeStats | None]]) -> Samples:
    """Return the durations of the builds of templates."""
    seconds: dict[tuple[str, ...], float] = {}
    for one, stats in measured:
        for transition, percentile in product(_TRANSITIONS, _PERCENTILES):
            milliseconds = getattr(getattr(stats, transition, None), percentile, None)
            if milliseconds is not None:
                key = (one.organization, one.name, one.template_id, transition, percentile)
                seconds[key] = max(milliseconds / _MILLISECONDS, seconds.get(key, 0.0))
    return Samples(BUILD_DURATION, list(seconds.items()))


DATASET = Dataset(
    name=NAME,
    families=(TEMPLATE_INFO, BUILD_DURATION),
    requests=lambda _context: (build_list_request(PATH),),
    convert=convert,
    names_templates=True,
    default_interval=3600.0,
)
