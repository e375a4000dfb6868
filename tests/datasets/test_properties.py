"""Properties that hold for every response, including malformed ones."""

import json
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from insights_exporter.coder.request import InvalidResponse
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.exposition.family import MetricFamily, Samples
from tests.datasets import responses
from tests.datasets.cases import convert_all, find_default_window, load_context, load_responses, sort_lines

OFTEN = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

each_dataset = pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)


LISTED = st.dictionaries(
    responses.IDS,
    responses.generate_complete(name=responses.TEXTS, organization=responses.TEXTS, deprecated=st.booleans()),
    max_size=3,
)
IN_USE = st.lists(responses.IDS, max_size=2) | st.just(["t1", "t2"])


def create_context(dataset: Dataset, **more: Any) -> PollContext:  # noqa: ANN401 - what JSON holds
    """Return a context with two templates in use and one that is not, unless `more` says otherwise."""
    listed = {name: {"name": "docker", "organization": "acme"} for name in ("t1", "t2", "t3")}
    return load_context(
        find_default_window(dataset), **({"templates": listed, "in_use": ["t1", "t2"]} | more)
    )


def draw_context(data: st.DataObject, dataset: Dataset, **more: Any) -> PollContext:  # noqa: ANN401 - what JSON holds
    """Generate which templates are listed, with what names, and which are in use."""
    return create_context(dataset, templates=data.draw(LISTED), in_use=data.draw(IN_USE), **more)


def convert_bodies(dataset: Dataset, context: PollContext, bodies: Iterable[Any]) -> ConvertResult:
    """Convert responses to all requests."""
    return convert_all(
        dataset, context, load_responses(dataset, context, *(json.dumps(body).encode() for body in bodies))
    )


def convert_valid_bodies(dataset: Dataset, context: PollContext, bodies: Iterable[Any]) -> ConvertResult:
    """Convert responses to all requests; invalid ones are no example."""
    try:
        return convert_bodies(dataset, context, bodies)
    except InvalidResponse:
        reject()


def list_series(
    dataset: Dataset, conversion: ConvertResult
) -> list[tuple[MetricFamily, tuple[str, ...], Any]]:
    """Return all series, with those over all windows."""
    every: tuple[Samples, ...] = (*conversion.samples, *dataset.merge_windows([conversion]))
    return [(samples.family, labels, value) for samples in every for labels, value in samples.rows]


def draw_bodies(data: st.DataObject, dataset: Dataset, context: PollContext) -> list[Any]:
    """Generate a response to each request; those that differ only in their times have the same."""
    subjects = [(request.path, request.extra.get("template_ids")) for request in dataset.requests(context)]
    bodies = {subject: data.draw(responses.generate_bodies(*subject)) for subject in dict.fromkeys(subjects)}
    return [bodies[subject] for subject in subjects]


@each_dataset
@given(data=st.data(), seed=st.integers(0, 2**32))
@OFTEN
def test_no_series_repeats_and_order_changes_nothing(
    dataset: Dataset, data: st.DataObject, seed: int
) -> None:
    """The same response becomes the same series, each once, in any order of its rows."""
    deployment = {"templates": {"users": True}, "users": {"limit": 2}, "parameters": {"limit": 1}}
    context = draw_context(data, dataset, deployment=deployment)
    bodies = draw_bodies(data, dataset, context)
    random = Random(seed)  # noqa: S311 - nothing secret
    conversion = convert_valid_bodies(dataset, context, bodies)
    again = convert_bodies(dataset, context, [responses.shuffled(body, random) for body in bodies])
    series = list_series(dataset, conversion)

    assert [] == [
        key for key, times in Counter((family, labels) for family, labels, _ in series).items() if times > 1
    ]
    assert sorted(map(repr, series)) == sorted(map(repr, list_series(dataset, again)))
    assert (conversion.aggregated, sorted(conversion.invalid)) == (again.aggregated, sorted(again.invalid))
    assert conversion.in_use == again.in_use


@given(
    apps=st.lists(
        responses.generate_complete(type=st.just("app"), slug=responses.SLUGS, seconds=responses.SUMMABLE)
    )
)
@OFTEN
def test_rows_of_one_app_add_up(apps: list[dict[str, Any]]) -> None:
    """The seconds of a series are the float nearest to the sum over the response."""
    dataset = DATASETS["templates"]
    conversion = convert_bodies(
        dataset, create_context(dataset), [responses.generate_report(apps_usage=apps)]
    )
    expected: dict[tuple[str, ...], Fraction] = {}
    for app in apps:
        key = ("7d", "app", app["slug"])
        expected[key] = expected.get(key, Fraction()) + Fraction(float(app["seconds"]))
    shown = list_values(conversion, "coder_insights_app_usage_seconds")

    assert {key: float(total) for key, total in expected.items()} == {
        key: value for key, value in shown.items() if key[1] == "app"
    }


@given(
    values=st.lists(responses.generate_complete(value=responses.TEXTS, count=responses.COUNTS), max_size=12),
    limit=st.integers(0, 6),
)
@OFTEN
def test_limit_of_parameters_keeps_totals(values: list[dict[str, Any]], limit: int) -> None:
    """The sum over a parameter's values is the same with a limit as without."""
    dataset = DATASETS["templates"]
    context = create_context(dataset, deployment={"parameters": {"limit": limit}})
    parameters = [{"name": name, "type": "string", "values": values} for name in ("p", "p", "q")]
    conversion = convert_bodies(dataset, context, [responses.generate_report(parameters_usage=parameters)])
    shown = list_values(conversion, "coder_insights_parameter_workspaces")
    per_parameter = Counter(labels[1] for labels in shown if labels[3] != "__other__")

    assert sum(value["count"] for value in values) * 3 == sum(shown.values())
    assert all(count <= limit for count in per_parameter.values())


SESSION_APPS = st.sampled_from(["vscode", "reconnecting_pty", "overflow", "unknown", "__other__"])


@given(
    apps=st.lists(
        responses.generate_complete(
            type=st.sampled_from(["app", "builtin"]),
            slug=SESSION_APPS | st.text("abc", min_size=1, max_size=2),
            seconds=responses.COUNTS,
            times_used=responses.COUNTS,
        )
    ),
    limit=st.integers(0, 4),
)
@OFTEN
def test_limit_of_apps_keeps_totals(apps: list[dict[str, Any]], limit: int) -> None:
    """The sums over an app type are the same with a limit as without, and at most `limit` apps are shown."""
    dataset = DATASETS["templates"]
    context = create_context(dataset, deployment={"apps": {"limit": limit}})
    conversion = convert_bodies(dataset, context, [responses.generate_report(apps_usage=apps)])
    usage = list_values(conversion, "coder_insights_app_usage_seconds")
    times = list_values(conversion, "coder_insights_app_times_used")
    always = {"vscode", "jetbrains", "reconnecting-pty", "ssh", "overflow", "unknown", "__other__"}

    for app_type in ("app", "builtin"):
        shown = {labels[2]: seconds for labels, seconds in usage.items() if labels[1] == app_type}
        counted = set(shown) - (always if app_type == "builtin" else {"__other__"})
        assert sum(app["seconds"] for app in apps if app["type"] == app_type) == sum(shown.values())
        assert len(counted) <= limit
    assert sum(app["times_used"] for app in apps if app["type"] == "app") == sum(times.values())


def test_thousands_of_invented_apps_are_few_series() -> None:
    """Names of session apps are free text of clients."""
    dataset = DATASETS["templates"]
    apps = [
        {"type": "builtin", "family": "unknown", "slug": f"invented_{number}", "seconds": 60 + number}
        for number in range(3000)
    ]
    conversion = convert_bodies(
        dataset, create_context(dataset), [responses.generate_report(apps_usage=apps)]
    )
    shown = list_values(conversion, "coder_insights_app_usage_seconds")
    names = dataset.merge_windows([conversion])[0].rows

    assert 50 + len(["__other__", "vscode", "jetbrains", "reconnecting-pty", "ssh"]) == len(shown)
    assert sum(range(60, 3060)) == sum(shown.values())
    assert 51 == len(names)
    assert 2950 == conversion.aggregated


@given(users=st.lists(responses.generate_complete(user_id=responses.USER_IDS, seconds=responses.COUNTS)))
@OFTEN
def test_distribution_counts_each_user_once(users: list[dict[str, Any]]) -> None:
    """Each user counts once, independently of the number of rows and of exposed users."""
    dataset = DATASETS["user-activity"]
    context = create_context(dataset, deployment={"users": {"limit": 1}})
    conversion = convert_bodies(dataset, context, [{"report": {"users": users, **responses.EDGES}}])
    distribution = list_values(conversion, "coder_insights_user_activity_distribution_seconds")[("7d",)]
    ids = {user["user_id"] for user in users}

    assert len(ids) == distribution.counts[-1]
    assert sum(user["seconds"] for user in users) == distribution.total
    assert max(len(ids) - 1, 0) == conversion.aggregated


GROUP_FAMILIES = {
    "user-activity": ("group_active_users", "group_activity_seconds"),
    "user-latency": ("group_connection_quality_users",),
}
MEMBERS = st.lists(st.sampled_from([f"user-id-{number}" for number in range(1, 5)]), unique=True)


@pytest.mark.parametrize("detail", ["named", "pseudonymous", "aggregate"])
@pytest.mark.parametrize("name", GROUP_FAMILIES)
@given(data=st.data(), groups=st.dictionaries(st.sampled_from("abc"), MEMBERS), min_users=st.integers(1, 4))
@settings(OFTEN, max_examples=25)
def test_group_of_few_users_is_not_exposed(
    detail: str, name: str, data: st.DataObject, groups: dict[str, list[str]], min_users: int
) -> None:
    """In every privacy mode each family counts at least `min_users` users, of the group's members."""
    key = "a key of some length"
    deployment = {"users": {"detail": detail, "key": key}, "groups": {"min_users": min_users}}
    dataset = DATASETS[name]
    context = create_context(dataset, deployment=deployment, pseudonym_key=key, groups=groups)
    conversion = convert_valid_bodies(dataset, context, draw_bodies(data, dataset, context))
    counted: Counter[tuple[str, ...]] = Counter()
    for labels, value in list_values(conversion, f"coder_insights_{GROUP_FAMILIES[name][0]}").items():
        counted[labels[:5]] += value

    assert all(min_users <= users <= len(groups[labels[3]]) for labels, users in counted.items())
    for family in GROUP_FAMILIES[name]:
        shown = list_values(conversion, f"coder_insights_{family}")
        assert {labels[:5] for labels in shown} == counted.keys()


BANDED = {
    "user-activity": [("user_activity_distribution_seconds", "activity_level_users", 4)],
    "user-latency": [("user_latency_distribution_seconds", "connection_quality_users", 3)],
    "template-breakdown": [
        ("template_user_activity_distribution_seconds", "template_activity_level_users", 4),
        ("template_user_latency_distribution_seconds", "template_connection_quality_users", 3),
    ],
}
"""Distributions with the families of their bands, and how many bands there are."""


@pytest.mark.parametrize("name", BANDED)
@given(data=st.data())
@OFTEN
def test_bands_sum_to_the_count_of_their_distribution(name: str, data: st.DataObject) -> None:
    """Every band is there, and each user in exactly one."""
    dataset = DATASETS[name]
    context = create_context(dataset, deployment={"templates": {"users": True}, "users": {"limit": 1}})
    conversion = convert_valid_bodies(dataset, context, draw_bodies(data, dataset, context))

    for distribution, bands, number in BANDED[name]:
        shown = list_values(conversion, f"coder_insights_{bands}")
        totals: Counter[tuple[str, ...]] = Counter()
        for labels, value in shown.items():
            totals[labels[:-1]] += value
        counts = list_values(conversion, f"coder_insights_{distribution}")
        assert {labels: value.counts[-1] for labels, value in counts.items()} == totals
        assert number * len(counts) == len(shown)
        assert all(value >= 0 for value in shown.values())


@pytest.mark.parametrize("detail", ["pseudonymous", "aggregate"])
@pytest.mark.parametrize("name", ["user-activity", "user-latency", "template-breakdown", "groups"])
@given(data=st.data())
@settings(OFTEN, max_examples=25)
def test_no_user_is_named_unless_configured(detail: str, name: str, data: st.DataObject) -> None:
    """Neither ids nor names of users appear where they must not be exposed."""
    dataset = DATASETS[name]
    users = {"detail": detail, "key": "a key of some length"}
    context = draw_context(
        data,
        dataset,
        pseudonym_key="a key of some length",
        deployment={"users": users, "templates": {"users": True}},
    )
    conversion = convert_valid_bodies(dataset, context, draw_bodies(data, dataset, context))
    shown = "\n".join((*sort_lines(conversion.samples), *conversion.invalid))

    assert "user-id-" not in shown
    assert "user-name-" not in shown


def list_values(conversion: ConvertResult, family: str) -> dict[tuple[str, ...], Any]:
    """Return the values of a family by labels."""
    return {
        labels: value
        for samples in conversion.samples
        if samples.family.name == family
        for labels, value in samples.rows
    }
