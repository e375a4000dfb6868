"""Summaries of polls for the status page.

Samples are dropped once they are rendered. A few small values of deployments
and templates, never of single users, are kept.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import nlargest
from operator import itemgetter
from typing import Any

import msgspec

from insights_exporter.datasets import (
    daus,
    periods,
    template_breakdown,
    templates,
    user_activity,
    user_latency,
    user_status_counts,
)
from insights_exporter.datasets import license as license_dataset
from insights_exporter.datasets.base import ConvertResult
from insights_exporter.datasets.parameters import EMPTY, OTHER, REDACTED
from insights_exporter.exposition.family import HistogramValue, MetricFamily

DAYS = 60
_MOST_ROWS = 12
_MOST_PARAMETERS = 8
_MOST_VALUES = 4
_LONGEST_NAME = 80

_READABLE = {OTHER: "all other apps", REDACTED: "apps with a hidden name"}
_READABLE_VALUES = {OTHER: "all other values", REDACTED: "hidden values", EMPTY: "(empty)"}

_Labels = tuple[str, ...]
_Rows = Mapping[MetricFamily, Iterable[tuple[_Labels, Any]]]


class Ranking(msgspec.Struct, frozen=True, gc=False):
    """The largest values by name, and how many others there are, with their sum."""

    rows: tuple[tuple[str, float], ...] = ()
    others: int = 0
    rest: float = 0.0


class ParameterUse(msgspec.Struct, frozen=True, gc=False):
    """A parameter with the number of workspaces by value; values that are free text are only counted."""

    name: str
    values: Ranking
    free_text: bool = False


TemplateUsers = tuple[str, str, float]
"""Organization, name and users of a template."""


class PollSummary(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The values of one poll that the status page shows; a field without data is empty or None.

    `days` are users by the day's ordinal, `apps` seconds, `templates` users, `templates_in_use` how many
    templates the report names, `users` accounts by status. `latency` has users by percentile, `activity` by
    their active time, in the buckets of the metrics. `weeks` and `months` are users by `last` and
    `before_last`. `seats` are those of the license by feature, used and allowed (None without a limit).
    """

    active_users: float | None = None
    days: Mapping[int, float] = {}
    apps: Ranking | None = None
    templates: Ranking | None = None
    template_users: tuple[TemplateUsers, ...] | None = None
    templates_in_use: int | None = None
    users: Mapping[str, float] = {}
    latency: Mapping[str, HistogramValue] = {}
    weeks: Mapping[str, float] = {}
    months: Mapping[str, float] = {}
    parameters: tuple[ParameterUse, ...] = ()
    seats: Mapping[str, tuple[float, float | None]] = {}
    license_status: str = ""
    activity: HistogramValue | None = None

    def drop_weeks_and_months(self) -> "PollSummary":
        """Return the summary without weeks and months: after midnight they may be those before."""
        return msgspec.structs.replace(self, weeks={}, months={})

    def with_history(self, earlier: "PollSummary") -> "PollSummary":
        """Return the summary with the days of an earlier one that it does not have."""
        days = sorted({**earlier.days, **self.days}.items())[-DAYS:]
        return msgspec.structs.replace(self, days=dict(days))


SOURCES: Mapping[str, str] = {
    "days": daus.DATASET.name,
    "weeks": periods.DATASET.name,
    "months": periods.DATASET.name,
    "active_users": templates.NAME,
    "apps": templates.NAME,
    "parameters": templates.NAME,
    "templates_in_use": templates.NAME,
    "templates": template_breakdown.NAME,
    "activity": user_activity.NAME,
    "latency": user_latency.NAME,
    "users": user_status_counts.DATASET.name,
    "seats": license_dataset.DATASET.name,
}
"""The dataset whose polls fill a field of the summary."""


def summarize(result: ConvertResult) -> PollSummary:
    """Return the summary of a response."""
    rows: _Rows = {samples.family: samples.rows for samples in result.samples}
    names = {app.app: _READABLE.get(app.name, app.name) for app in result.named_apps}
    apps = rows.get(templates.APP_USAGE)
    template_users = rows.get(template_breakdown.TEMPLATE_ACTIVE_USERS)
    limits = _index_by_first_label(rows, license_dataset.SEATS_LIMIT)
    return PollSummary(
        active_users=next((value for _, value in rows.get(templates.ACTIVE_USERS, ())), None),
        days=dict(result.daily_users[-DAYS:]),
        apps=None
        if apps is None
        else _rank(((names.get((kind, slug), slug), use) for (_, kind, slug), use in apps), _MOST_ROWS),
        template_users=None
        if template_users is None
        else tuple((organization, name, users) for (_, organization, name, _), users in template_users),
        templates_in_use=None if result.in_use is None else len(result.in_use),
        users=_index_by_first_label(rows, user_status_counts.USERS),
        weeks=_index_by_first_label(rows, periods.WEEKLY_ACTIVE_USERS),
        months=_index_by_first_label(rows, periods.MONTHLY_ACTIVE_USERS),
        parameters=_summarize_parameters(rows, result.choices),
        seats={
            feature: (value, limits.get(feature))
            for feature, value in _index_by_first_label(rows, license_dataset.SEATS_USED).items()
        },
        license_status=next(
            (labels[0] for labels, value in rows.get(license_dataset.LICENSE_STATUS, ()) if value), ""
        ),
        activity=next((value for _, value in rows.get(user_activity.ACTIVITY_DISTRIBUTION, ())), None),
        latency={labels[1]: value for labels, value in rows.get(user_latency.LATENCY_DISTRIBUTION, ())},
    )


def _rank(values: Iterable[tuple[str, float]], limit: int) -> Ranking:
    used = [(name[:_LONGEST_NAME], value) for name, value in values if value > 0]
    most = nlargest(limit, used, key=itemgetter(1))
    rest = max(sum(value for _, value in used) - sum(value for _, value in most), 0.0)
    return Ranking(tuple(most), len(used) - len(most), rest if len(used) > len(most) else 0.0)


def _index_by_first_label(rows: _Rows, family: MetricFamily) -> Mapping[str, float]:
    return {labels[0]: value for labels, value in rows.get(family, ())}


def _summarize_parameters(rows: _Rows, choices: Collection[str]) -> tuple[ParameterUse, ...]:
    """Return the parameters of most workspaces; free text, which may name users, leaves no value."""
    by_name = defaultdict[str, list[tuple[str, float]]](list)
    for (_, name, _, value), workspaces in rows.get(templates.PARAMETER_WORKSPACES, ()):
        by_name[name].append((_READABLE_VALUES.get(value, value), workspaces))
    most = nlargest(_MOST_PARAMETERS, by_name.items(), key=lambda item: sum(count for _, count in item[1]))
    return tuple(
        ParameterUse(
            name[:_LONGEST_NAME], _rank(values, _MOST_VALUES if name in choices else 0), name not in choices
        )
        for name, values in most
    )


def combine_summaries(summaries: Iterable[PollSummary]) -> PollSummary:
    """Return the summary of a dataset and window from those of its responses."""
    parts = list(summaries) or [PollSummary()]
    days = {day: users for part in parts for day, users in part.days.items()}
    users = [row for part in parts for row in part.template_users or ()]
    return msgspec.structs.replace(
        parts[0],
        days=dict(sorted(days.items())[-DAYS:]),
        weeks={name: value for part in parts for name, value in part.weeks.items()},
        months={name: value for part in parts for name, value in part.months.items()},
        templates=_rank_templates(users) if any(part.template_users is not None for part in parts) else None,
    )


def _rank_templates(users: Sequence[TemplateUsers]) -> Ranking:
    """Return the templates of most users, with the names of their organizations if there are several."""
    is_one_organization = len({organization for organization, _, _ in users}) <= 1
    named = [
        (name if is_one_organization else "/".join(filter(None, (organization, name))), value)
        for organization, name, value in users
    ]
    return _rank(named, _MOST_ROWS)
