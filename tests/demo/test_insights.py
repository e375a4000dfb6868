"""Reports over a window: keys, order and consistency of the values."""

from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.demo.insights import compute_percentile
from tests.demo.client import MONTH, TEMPLATES, WEEK, coder, fetch_report, load_document, seconds

BUILTINS = ["vscode", "jetbrains", "reconnecting-pty", "ssh", "sftp"]


def test_report_has_the_keys_of_the_server_in_its_order() -> None:
    """A report has the keys of the server in its order."""
    keys = ["start_time", "end_time", "template_ids", "active_users", "apps_usage", "parameters_usage"]
    app_keys = ["template_ids", "type", "display_name", "slug", "icon", "seconds", "times_used"]
    body = fetch_report(coder(server_version="2026"), "templates")

    assert keys == list(body)
    assert app_keys == list(body["apps_usage"][0])


@pytest.mark.parametrize(
    ("extra", "keys"),
    [
        ({}, {"report"}),
        ({"interval": "day"}, {"report", "interval_reports"}),
    ],
    ids=["plain", "interval"],
)
def test_unrequested_sections_are_missing(extra: dict[str, str], keys: set[str]) -> None:
    """Sections that were not requested are missing."""
    assert keys == set(load_document(coder(), TEMPLATES, WEEK | extra))


def test_empty_window_has_empty_lists() -> None:
    """Equal times are allowed; the response has zeros, empty lists and the built-in apps."""
    midnight = "2026-05-20T00:00:00Z"
    body = fetch_report(
        coder(server_version="2026"), "templates", {"start_time": midnight, "end_time": midnight}
    )

    assert (0, [], []) == (body["active_users"], body["template_ids"], body["parameters_usage"])
    assert [(slug, 0, []) for slug in BUILTINS] == [
        (app["slug"], app["seconds"], app["template_ids"]) for app in body["apps_usage"]
    ]


def test_offset_is_echoed() -> None:
    """The times of a response have the offset of the request."""
    query = {"start_time": "2026-05-19T00:00:00-03:00", "end_time": "2026-05-20T00:00:00-03:00"}
    body = fetch_report(coder(), "user-latency", query)

    assert query == {"start_time": body["start_time"], "end_time": body["end_time"]}


def test_builtin_apps_come_first_and_sftp_is_never_filled() -> None:
    """Built-in apps are all present, in their order; custom ones follow."""
    apps = fetch_report(coder(server_version="2026"), "templates", MONTH)["apps_usage"]

    assert BUILTINS == [app["slug"] for app in apps if app["type"] == "builtin"]
    assert BUILTINS == [app["slug"] for app in apps[:5]]
    assert all(app["seconds"] > 0 and app["times_used"] == 0 for app in apps[:4])
    assert apps[4]["seconds"] == 0


def test_custom_apps_are_as_irregular_as_real_ones() -> None:
    """One slug has several rows, and one custom app is called like a built-in one."""
    apps = [app for app in fetch_report(coder(), "templates", MONTH)["apps_usage"] if app["type"] == "app"]
    slugs = [app["slug"] for app in apps]

    assert slugs.count("code-server") == 3
    assert "ssh" in slugs
    assert "" in {app["icon"] for app in apps}
    assert all(app["times_used"] > 0 for app in apps)


def test_parameters_are_as_irregular_as_real_ones() -> None:
    """All types, one name twice, empty values, options or no key for them."""
    parameters = fetch_report(coder(), "templates", MONTH)["parameters_usage"]
    names = [each["name"] for each in parameters]

    assert {each["type"] for each in parameters} == {"string", "number", "bool", "list(string)"}
    assert names.count("region") == 2
    assert {True, False} == {"options" in each for each in parameters}
    assert any(value["value"] == "" for each in parameters for value in each["values"])
    assert any("@git.example.com" in value["value"] for each in parameters for value in each["values"])


def test_users_are_in_the_order_of_their_ids() -> None:
    """Both reports of users list the same users in the order of their ids."""
    activity, latency = (
        fetch_report(coder(), name, MONTH)["users"] for name in ("user-activity", "user-latency")
    )
    ids = [user["user_id"] for user in activity]

    assert sorted(ids) == ids
    assert ids == [user["user_id"] for user in latency]
    assert fetch_report(coder(), "templates", MONTH)["active_users"] == len(ids)


def test_latencies_are_plausible() -> None:
    """Some users have none, the others a p95 above their p50, and some are slow."""
    users = [user["latency_ms"] for user in fetch_report(coder(), "user-latency", MONTH)["users"]]
    measured = [each for each in users if each != {"p50": -1, "p95": -1}]

    assert 0 < len(measured) < len(users)
    assert all(0 < each["p50"] <= each["p95"] for each in measured)
    assert any(each["p95"] > 300 for each in measured)
    assert any(each["p50"] < 50 for each in measured)


@pytest.mark.parametrize("query", [WEEK, MONTH], ids=["week", "month"])
def test_deployment_is_no_more_than_its_templates(query: dict[str, str]) -> None:
    """Half hours are capped over all templates, and users are counted once."""
    server = coder(server_version="2026")
    every = fetch_report(server, "templates", query)
    single = [query | {"template_ids": each} for each in every["template_ids"]]
    parts = [fetch_report(server, "templates", each) for each in single]

    assert every["active_users"] < sum(part["active_users"] for part in parts)
    assert seconds(server, query) < sum(seconds(server, each) for each in single)
    for at, app in enumerate(every["apps_usage"][:4]):
        assert app["seconds"] <= sum(part["apps_usage"][at]["seconds"] for part in parts)
    for row in every["parameters_usage"]:
        key = (row["name"], row["description"])
        counts = [
            each["values"]
            for part in parts
            for each in part["parameters_usage"]
            if (each["name"], each["description"]) == key
        ]
        assert sum(v["count"] for v in row["values"]) == sum(v["count"] for each in counts for v in each)


def test_several_templates_at_once_are_their_union() -> None:
    """Naming every template is naming none; an unknown id adds nothing."""
    server = coder()
    every = fetch_report(server, "templates")
    unknown = "00000000-0000-4000-8000-000000000000"
    named = fetch_report(
        server, "templates", WEEK | {"template_ids": ",".join([*every["template_ids"], unknown])}
    )
    nothing = fetch_report(server, "templates", WEEK | {"template_ids": unknown})

    assert every == named
    assert (0, []) == (nothing["active_users"], nothing["template_ids"])


def test_templates_of_an_app_used_it() -> None:
    """An app lists the templates whose own report contains it."""
    server = coder()
    for app in fetch_report(server, "templates")["apps_usage"]:
        for template_id in app["template_ids"]:
            rows = fetch_report(server, "templates", WEEK | {"template_ids": template_id})["apps_usage"]
            key = (app["type"], app["slug"], app["icon"], app["display_name"])
            assert [template_id] in [
                row["template_ids"]
                for row in rows
                if key == (row["type"], row["slug"], row["icon"], row["display_name"])
            ]


@given(values=st.lists(st.floats(0, 1e6), min_size=2).map(sorted))
def test_percentiles_are_those_of_the_database(values: list[float]) -> None:
    """Percentiles are interpolated between the two nearest values."""
    expected = quantiles(values, n=100, method="inclusive")

    assert pytest.approx(expected[49]) == compute_percentile(values, 0.50)
    assert pytest.approx(expected[94]) == compute_percentile(values, 0.95)
