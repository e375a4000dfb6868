"""What is kept of a poll for the status page: little, and nothing about single users."""

import pytest

from insights_exporter.datasets.base import AppUsage, ConvertResult
from insights_exporter.datasets.periods import MONTHLY_ACTIVE_USERS, WEEKLY_ACTIVE_USERS
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.summary import (
    DAYS,
    ParameterUse,
    PollSummary,
    Ranking,
    combine_summaries,
    summarize,
)
from insights_exporter.datasets.template_breakdown import TEMPLATE_ACTIVE_USERS
from insights_exporter.datasets.templates import APP_USAGE, PARAMETER_WORKSPACES
from insights_exporter.exposition.family import Samples
from tests.datasets.cases import CASES, load_context, load_responses
from tests.demo.client import NOW, coder, fetch_report, send_request


def test_largest_are_kept_and_the_rest_added_up() -> None:
    """A dozen apps are kept; the others are counted and their time is added up."""
    rows = [(("7d", "app", f"app{number}"), float(number)) for number in range(16)]

    apps = summarize(ConvertResult((Samples(APP_USAGE, rows),))).apps

    assert apps
    assert [f"app{number}" for number in range(15, 3, -1)] == [name for name, _ in apps.rows]
    assert (3, 6.0) == (apps.others, apps.rest)


@pytest.mark.parametrize(("in_use", "expected"), [(None, None), ((), 0), (("a", "b"), 2)])
def test_templates_in_use_are_counted(in_use: tuple[str, ...] | None, expected: int | None) -> None:
    """None stands for a report without templates in use."""
    assert expected == summarize(ConvertResult((), in_use=in_use)).templates_in_use


def test_aggregated_and_redacted_apps_have_readable_names() -> None:
    """The status page explains itself without the markers of the metrics."""
    rows = [(("7d", "builtin", "__other__"), 2.0), (("7d", "builtin", "__redacted__"), 1.0)]
    names = tuple(AppUsage(("builtin", slug), slug, "unknown", 1.0) for slug in ("__other__", "__redacted__"))

    apps = summarize(ConvertResult((Samples(APP_USAGE, rows),), named_apps=names)).apps

    assert apps
    assert ["all other apps", "apps with a hidden name"] == [name for name, _ in apps.rows]


def test_secrets_in_names_of_apps_are_not_kept() -> None:
    """What is redacted in the metrics is redacted on the status page."""
    dataset, context = DATASETS["templates"], load_context("7d")
    (case,) = (case for case in CASES if case.name == "secrets-in-apps-are-redacted")
    response = (case / "response.json").read_bytes()

    kept = repr(summarize(dataset.convert(context, *load_responses(dataset, context, response))))

    assert "apps with a hidden name" in kept
    assert [] == [secret for secret in ("ghp_", "glpat", "jane", "Jane") if secret in kept]


@pytest.mark.parametrize(
    ("organizations", "expected"),
    [
        pytest.param(("coder", "coder"), ("docker", "vm"), id="one organization is not named"),
        pytest.param(("coder", "research"), ("coder/docker", "research/vm"), id="several are named"),
        pytest.param(("", "research"), ("docker", "research/vm"), id="a deleted template has none"),
    ],
)
def test_templates_of_two_organizations_are_separate(
    organizations: tuple[str, str], expected: tuple[str, str]
) -> None:
    """Templates with the same name in two organizations are separate."""
    rows = [(("7d", organizations[0], "docker", "1"), 5.0), (("7d", organizations[1], "vm", "2"), 3.0)]
    parts = [summarize(ConvertResult((Samples(TEMPLATE_ACTIVE_USERS, [row]),))) for row in rows]

    assert Ranking(tuple(zip(expected, (5.0, 3.0), strict=True))) == combine_summaries(parts).templates


def test_nothing_of_single_users_is_kept() -> None:
    """A report that names users leaves nothing of them in a summary."""
    server = coder()
    users = fetch_report(server, "user-latency")["users"]
    context = load_context("7d", now=NOW.isoformat())
    dataset = DATASETS["user-latency"]
    query = {"start_time": "2026-05-14T00:00:00Z", "end_time": "2026-05-20T15:00:00Z"}
    body = send_request(server, "/insights/user-latency", query).body
    result = dataset.convert(context, *load_responses(dataset, context, bytes(body)))

    kept = repr(summarize(result))

    assert {"p50", "p95"} == summarize(result).latency.keys()
    assert [] == [user for user in users if user["username"] in kept or user["user_id"] in kept]


def test_days_are_kept_over_polls() -> None:
    """If a response names but two days, those of earlier polls stay, up to 60."""
    summary = PollSummary()
    for day in range(100):
        summary = PollSummary(days={day: 1.0, day + 1: 2.0}).with_history(summary)

    assert DAYS == len(summary.days)
    assert (1.0, 2.0) == (summary.days[99], summary.days[100])


PARAMETERS = (
    Samples(
        PARAMETER_WORKSPACES,
        [
            (("7d", "region", "string", "eu"), 5.0),
            (("7d", "region", "string", "__other__"), 2.0),
            (("7d", "owner", "string", "alice"), 3.0),
            (("7d", "owner", "string", "bob"), 1.0),
        ],
    ),
)


def test_parameters_list_declared_values_only() -> None:
    """Values of free text, which may name users, are counted and not kept."""
    kept = summarize(ConvertResult(PARAMETERS, choices=("region",))).parameters

    assert (
        ParameterUse("region", Ranking((("eu", 5.0), ("all other values", 2.0)))),
        ParameterUse("owner", Ranking((), 2, 4.0), free_text=True),
    ) == kept


def test_weeks_and_months_end_with_the_day() -> None:
    """After midnight the last week and month may be other ones, so they are not shown until the next poll."""
    week, month = (
        summarize(ConvertResult((Samples(family, [(("last",), 4.0)]),)))
        for family in (WEEKLY_ACTIVE_USERS, MONTHLY_ACTIVE_USERS)
    )
    together = combine_summaries([week, month])

    assert ({"last": 4.0}, {"last": 4.0}) == (together.weeks, together.months)
    assert PollSummary() == together.drop_weeks_and_months()


def test_nothing_has_an_empty_summary() -> None:
    """A dataset and window without any entry has no values."""
    assert PollSummary() == combine_summaries([])
