"""Dataset `groups`: which groups there are, and what their members do in the windows of users.

Only ids are read of the members, who come with names and e-mail addresses.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from heapq import nsmallest

import msgspec

from insights_exporter.coder.decode import NonNegative, Row, decode
from insights_exporter.coder.request import Response
from insights_exporter.coder.resources import (
    ORGANIZATIONS_PATH,
    build_list_request,
    build_organization_path,
    build_organization_requests,
)
from insights_exporter.config.models import Deployment
from insights_exporter.datasets.aggregate import LATENCY, sum_exactly
from insights_exporter.datasets.base import ConvertResult, Dataset, Group, PollContext
from insights_exporter.datasets.parameters import is_included
from insights_exporter.exposition.family import MetricFamily, SampleRow, Samples

PATH = "/groups"
GROUP_LABELS = ("organization_name", "group_name", "group_id")

_ABSENT = (
    "the dataset groups is off (as it is by default), there is no license for groups, or the group is beyond "
    "groups.limit"
)

_group_family = partial(MetricFamily, stable=False)

GROUP_MEMBERS = _group_family(
    name="coder_insights_group_members",
    help="Number of members of a group (API: groups total_member_count, else members); a user in several "
    "groups counts in each; cached.",
    labels=("deployment", *GROUP_LABELS),
    merge="of several rows with the same group id, the last by name",
    absent=f"{_ABSENT}; fewer members than groups.min_users",
    example='topk(10, coder_insights_group_members{group_name!="Everyone"})',
)
GROUP_ACTIVE_USERS = _group_family(
    name="coder_insights_group_active_users",
    help="Number of members of a group active in the window (API: user-activity report.users, groups "
    "members); a user in several groups counts in each; cached.",
    labels=("deployment", "window", *GROUP_LABELS),
    merge="every user id counts once in a group",
    absent=f"{_ABSENT}; the window is not among groups.windows; fewer active users than groups.min_users",
    example='coder_insights_group_active_users{window="7d"} / on (deployment, group_id) '
    "coder_insights_group_members",
)
GROUP_ACTIVITY = _group_family(
    name="coder_insights_group_activity_seconds",
    help="Active time of the members of a group in the window, in seconds (API: user-activity "
    "report.users.seconds, groups members); a user in several groups counts in each; cached.",
    labels=("deployment", "window", *GROUP_LABELS),
    merge="the seconds of all members are summed",
    absent="as coder_insights_group_active_users",
    example='coder_insights_group_activity_seconds{window="7d"} / coder_insights_group_active_users / 3600',
)
GROUP_CONNECTION_QUALITY = _group_family(
    name="coder_insights_group_connection_quality_users",
    help="Number of members of a group by connection quality in the window: good up to 0.15 s, fair up to "
    "0.3 s, poor above (API: user-latency report.users.latency_ms, groups members); a user in several "
    "groups counts in each; select one window and one percentile; cached.",
    labels=("deployment", "window", *GROUP_LABELS, "percentile", "quality"),
    merge="every user id counts once in a group and percentile",
    absent=f"{_ABSENT}; the window is not among groups.windows; fewer users with a latency than "
    "groups.min_users; a quality that no user has is 0",
    example='coder_insights_group_connection_quality_users{window="7d",percentile="p95",quality="poor"}',
)


class Member(Row, frozen=True):
    """A member, by its id alone."""

    id: str


class ListedGroup(Row, frozen=True):
    """One row of `/groups` or `/organizations/{organization}/groups`."""

    id: str
    name: str
    organization_id: str
    members: list[Member] | None
    organization_name: str | None = None
    total_member_count: NonNegative | None = None


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the groups with their members, or the requests for the groups of each organization."""
    request = response.request
    if request.path == ORGANIZATIONS_PATH:
        lists = build_organization_requests(response.body, PATH)
        return ConvertResult((), invalid=lists.invalid, follow_up=lists.value)
    decoded = decode(response.body, list[ListedGroup])
    listed = [
        row
        for row in decoded.value
        if request.path in {PATH, build_organization_path(row.organization_id, PATH)}
    ]
    groups, dropped = _select(context.deployment, _index_groups(listed, request.subject).values())
    members: list[SampleRow] = [
        (_list_labels(group), group.member_count)
        for group in groups
        if group.member_count >= context.deployment.groups.min_users
    ]
    return ConvertResult(
        (Samples(GROUP_MEMBERS, members),), aggregated=dropped, invalid=decoded.invalid, groups=groups
    )


def group_activity(context: PollContext, seconds: Mapping[str, float]) -> Iterator[Samples]:
    """Yield how many members of each group were active, and for how long."""
    active = [
        (labels, [seconds[user] for user in group.members if user in seconds])
        for labels, group in _select_groups(context)
    ]
    exposed = [
        (labels, values) for labels, values in active if len(values) >= context.deployment.groups.min_users
    ]
    yield Samples(GROUP_ACTIVE_USERS, [(labels, float(len(values))) for labels, values in exposed])
    yield Samples(GROUP_ACTIVITY, [(labels, sum_exactly(values)) for labels, values in exposed])


def group_quality(context: PollContext, latencies: Mapping[str, Mapping[str, float]]) -> Samples:
    """Return the quality of the connections of each group; `latencies` are seconds by percentile and user."""
    rows: list[SampleRow] = []
    for labels, group in _select_groups(context):
        for percentile, seconds in latencies.items():
            values = [seconds[user] for user in group.members if user in seconds]
            if len(values) >= context.deployment.groups.min_users:
                histogram = LATENCY.build_histogram(values)
                rows += LATENCY.build_band_rows((*labels, percentile), histogram)
    return Samples(GROUP_CONNECTION_QUALITY, rows)


def _select_groups(context: PollContext) -> Iterator[tuple[tuple[str, ...], Group]]:
    if context.window_name in context.deployment.groups.windows:
        yield from (((context.window_name, *_list_labels(group)), group) for group in context.groups)


def _list_labels(group: Group) -> tuple[str, str, str]:
    return group.organization, group.name, group.group_id


def _index_groups(listed: Iterable[ListedGroup], organization: str) -> dict[str, Group]:
    """Return groups by id, of several the last by name; `organization` is of rows that do not name theirs."""
    groups = []
    for row in listed:
        members = tuple(sorted({member.id for member in row.members or ()}))
        count = float(len(members)) if row.total_member_count is None else row.total_member_count
        organization_name = row.organization_name or organization or row.organization_id
        groups.append(Group(row.id, row.name, organization_name, members, count))
    return {each.group_id: each for each in sorted(groups, key=msgspec.structs.astuple)}


def _select(deployment: Deployment, groups: Iterable[Group]) -> tuple[tuple[Group, ...], int]:
    """Return the largest groups within the limit, of equal ones the lower id, and how many are beyond it."""
    options = deployment.groups
    included = [group for group in groups if is_included(group.name, options.include, options.exclude)]
    largest = nsmallest(options.limit, included, key=lambda group: (-group.member_count, group.group_id))
    return tuple(largest), len(included) - len(largest)


DATASET = Dataset(
    name="groups",
    families=(GROUP_MEMBERS,),
    requests=lambda _context: (build_list_request(PATH),),
    convert=convert,
    default_interval=3600.0,
    roles=("Auditor", "User Admin", "Template Admin", "Owner"),
    missing_route="not_licensed",
    enabled_by_default=False,
)
