"""The answers: keys, order, and how the numbers hang together."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.demo import GENERATIONS, EmbeddedCoder
from insights_exporter.demo.insights import percentile
from tests.demo.asking import NOW, SMALL, WEEK, ask, coder, document, report, utc_days

BUILTINS = ["vscode", "jetbrains", "reconnecting-pty", "ssh", "sftp"]
TEMPLATES = "/insights/templates"
MONTH = utc_days(30)


def seconds(server: EmbeddedCoder, query: Mapping[str, str]) -> int:
    """Give the seconds of all users."""
    return sum(user["seconds"] for user in report(server, "user-activity", query)["users"])


def test_report_has_the_keys_of_the_server_in_its_order() -> None:
    """The report is written as Go writes its struct."""
    keys = ["start_time", "end_time", "template_ids", "active_users", "apps_usage", "parameters_usage"]
    app_keys = ["template_ids", "type", "display_name", "slug", "icon", "seconds", "times_used"]
    body = report(coder(), "templates")

    assert keys == list(body)
    assert app_keys == list(body["apps_usage"][0])


@pytest.mark.parametrize(
    ("extra", "keys"),
    [
        ({}, {"report"}),
        ({"interval": "day"}, {"report", "interval_reports"}),
        ({"sections": "report", "interval": "day"}, {"report"}),
        ({"sections": "interval_reports", "interval": "day"}, {"interval_reports"}),
        ({"sections": "interval_reports"}, set()),
    ],
    ids=["plain", "interval", "report-only", "intervals-only", "neither"],
)
def test_what_was_not_asked_for_is_absent(extra: dict[str, str], keys: set[str]) -> None:
    """Empty parts have no key at all."""
    assert keys == set(document(coder(), TEMPLATES, WEEK | extra))


def test_empty_window_has_empty_lists() -> None:
    """Equal times are allowed and give zeros, lists and built-in apps."""
    midnight = "2026-05-20T00:00:00Z"
    body = report(coder(), "templates", {"start_time": midnight, "end_time": midnight})

    assert (0, [], []) == (body["active_users"], body["template_ids"], body["parameters_usage"])
    assert [(slug, 0, []) for slug in BUILTINS] == [
        (app["slug"], app["seconds"], app["template_ids"]) for app in body["apps_usage"]
    ]


def test_offset_is_echoed() -> None:
    """The answer speaks in the offset of the question."""
    query = {"start_time": "2026-05-19T00:00:00-03:00", "end_time": "2026-05-20T00:00:00-03:00"}
    body = report(coder(), "user-latency", query)

    assert query == {"start_time": body["start_time"], "end_time": body["end_time"]}


def test_builtin_apps_come_first_and_sftp_is_never_filled() -> None:
    """Built-in apps are all present, in their order; custom ones follow."""
    apps = report(coder(), "templates", MONTH)["apps_usage"]

    assert BUILTINS == [app["slug"] for app in apps if app["type"] == "builtin"]
    assert BUILTINS == [app["slug"] for app in apps[:5]]
    assert all(app["seconds"] > 0 and app["times_used"] == 0 for app in apps[:4])
    assert apps[4]["seconds"] == 0


def test_custom_apps_are_as_odd_as_in_life() -> None:
    """One slug has several rows, and one custom app is called like a built-in one."""
    apps = [app for app in report(coder(), "templates", MONTH)["apps_usage"] if app["type"] == "app"]
    slugs = [app["slug"] for app in apps]

    assert slugs.count("code-server") == 3
    assert "ssh" in slugs
    assert "" in {app["icon"] for app in apps}
    assert all(app["times_used"] > 0 for app in apps)


def test_parameters_are_as_odd_as_in_life() -> None:
    """All types, one name twice, empty values, options or no key for them."""
    parameters = report(coder(), "templates", MONTH)["parameters_usage"]
    names = [each["name"] for each in parameters]

    assert {each["type"] for each in parameters} == {"string", "number", "bool", "list(string)"}
    assert names.count("region") == 2
    assert {True, False} == {"options" in each for each in parameters}
    assert any(value["value"] == "" for each in parameters for value in each["values"])
    assert any("@git.example.com" in value["value"] for each in parameters for value in each["values"])


def test_retired_template_is_named_but_not_listed() -> None:
    """Insights keep naming a template that the list no longer has."""
    used = set(report(coder(), "templates", MONTH)["template_ids"])
    listed = {each["id"] for each in document(coder(), "/templates")}

    assert {SMALL.catalog.templates[-1].id} == used - listed


def test_template_names_repeat_over_organizations() -> None:
    """Two templates share a name, one is deprecated, one is used by nobody."""
    listed = document(coder(), "/templates")
    pairs = [(each["organization_name"], each["name"]) for each in listed]
    used = report(coder(), "templates", MONTH)["template_ids"]

    assert [("coder", "docker"), ("research", "docker")] == [pair for pair in pairs if pair[1] == "docker"]
    assert ["aws-windows"] == [each["name"] for each in listed if each["deprecated"]]
    assert ["sandbox"] == [each["name"] for each in listed if each["id"] not in used]


def test_organizations_list_their_templates() -> None:
    """By id or by name, an organization has its own."""
    server = coder()
    organizations = document(server, "/organizations")
    by_id = [document(server, f"/organizations/{each['id']}/templates") for each in organizations]
    by_name = [document(server, f"/organizations/{each['name']}/templates") for each in organizations]

    assert by_id == by_name
    assert len(document(server, "/templates")) == sum(map(len, by_id))


def test_users_are_in_the_order_of_their_ids() -> None:
    """Both reports about users list the same people in the same order."""
    activity, latency = (report(coder(), name, MONTH)["users"] for name in ("user-activity", "user-latency"))
    ids = [user["user_id"] for user in activity]

    assert sorted(ids) == ids
    assert ids == [user["user_id"] for user in latency]
    assert report(coder(), "templates", MONTH)["active_users"] == len(ids)


def test_latencies_are_plausible() -> None:
    """Some users have none, the others a p95 above their p50, and some are slow."""
    users = [user["latency_ms"] for user in report(coder(), "user-latency", MONTH)["users"]]
    measured = [each for each in users if each != {"p50": -1, "p95": -1}]

    assert 0 < len(measured) < len(users)
    assert all(0 < each["p50"] <= each["p95"] for each in measured)
    assert any(each["p95"] > 300 for each in measured)
    assert any(each["p50"] < 50 for each in measured)


def test_names_return_and_ids_do_not() -> None:
    """A username may be taken again; an id never."""
    names = [person.username for person in SMALL.people]
    ids = [person.id for person in SMALL.people]

    assert len(set(names)) < len(names)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("query", [WEEK, MONTH], ids=["week", "month"])
def test_deployment_is_no_more_than_its_templates(query: dict[str, str]) -> None:
    """Half hours are capped over all templates, and users are counted once."""
    server = coder()
    every = report(server, "templates", query)
    single = [query | {"template_ids": each} for each in every["template_ids"]]
    parts = [report(server, "templates", each) for each in single]

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
    every = report(server, "templates")
    unknown = "00000000-0000-4000-8000-000000000000"
    named = report(server, "templates", WEEK | {"template_ids": ",".join([*every["template_ids"], unknown])})
    nothing = report(server, "templates", WEEK | {"template_ids": unknown})

    assert every == named
    assert (0, []) == (nothing["active_users"], nothing["template_ids"])


def test_templates_of_an_app_used_it() -> None:
    """An app names the templates where asking for that template alone finds it used."""
    server = coder()
    for app in report(server, "templates")["apps_usage"]:
        for template_id in app["template_ids"]:
            rows = report(server, "templates", WEEK | {"template_ids": template_id})["apps_usage"]
            key = (app["type"], app["slug"], app["icon"], app["display_name"])
            assert [template_id] in [
                row["template_ids"]
                for row in rows
                if key == (row["type"], row["slug"], row["icon"], row["display_name"])
            ]


@pytest.mark.parametrize(("interval", "count"), [("day", 14), ("week", 2)])
def test_intervals_cover_the_window(interval: str, count: int) -> None:
    """Rows follow each other without gaps once sorted, and come in no order."""
    query = {"start_time": "2026-05-04T00:00:00+02:00", "end_time": "2026-05-18T00:00:00+02:00"}
    rows = document(coder(), TEMPLATES, query | {"interval": interval})["interval_reports"]
    ordered = sorted(rows, key=lambda row: str(row["start_time"]))

    assert count == len(rows)
    assert query == {"start_time": ordered[0]["start_time"], "end_time": ordered[-1]["end_time"]}
    assert all(before["end_time"] == after["start_time"] for before, after in pairwise(ordered))
    assert (interval == "day") == (ordered != rows)


def test_last_interval_may_be_short() -> None:
    """The running day ends with the window."""
    rows = document(coder(), TEMPLATES, WEEK | {"interval": "day"})["interval_reports"]

    assert WEEK["end_time"] == max(row["end_time"] for row in rows)
    assert len(rows) == 7


def test_interval_row_is_the_report_of_its_own_window() -> None:
    """A row says what a request for that window alone says."""
    server = coder()
    for row in document(server, TEMPLATES, WEEK | {"interval": "day"})["interval_reports"]:
        window = {"start_time": row["start_time"], "end_time": row["end_time"]}
        alone = report(server, "templates", window)

        assert (row["active_users"], row["template_ids"]) == (alone["active_users"], alone["template_ids"])


def test_daus_are_the_reports_of_their_days() -> None:
    """Each day's amount is the number of users of that UTC day."""
    server = coder()
    entries = document(server, "/insights/daus")["entries"]

    assert len(entries) == 61
    for entry in entries[:5]:
        start = datetime.fromisoformat(entry["date"]).replace(tzinfo=UTC)
        end = min(start + timedelta(days=1), NOW.replace(hour=15, minute=0))
        window = {"start_time": start.isoformat(), "end_time": end.isoformat()}
        assert entry["amount"] == report(server, "templates", window)["active_users"]


def test_daus_are_unordered_and_go_back_60_days() -> None:
    """All days are there once, today last by date only."""
    dates = [entry["date"] for entry in document(coder(), "/insights/daus")["entries"]]
    expected = [f"{NOW - timedelta(days=back):%Y-%m-%d}" for back in range(60, -1, -1)]

    assert expected == sorted(dates)
    assert expected != dates


def test_last_hour_of_the_day_has_a_day_less() -> None:
    """At 23:xx the next full hour is tomorrow's midnight."""
    late = coder(now=lambda: NOW.replace(hour=23))
    dates = [entry["date"] for entry in document(late, "/insights/daus")["entries"]]

    assert ("2026-03-22", "2026-05-20", 60) == (min(dates), max(dates), len(dates))


@pytest.mark.parametrize(
    ("offset", "newest"), [("0", "2026-05-20"), ("-3", "2026-05-19"), ("5", "2026-05-20")]
)
def test_offset_of_daus_moves_labels_only(offset: str, newest: str) -> None:
    """The days stay those of UTC; west of it every label is a day early."""
    plain = document(coder(), "/insights/daus")
    moved = document(coder(), "/insights/daus", {"tz_offset": offset})

    assert int(offset) == moved["tz_hour_offset"]
    assert newest == max(entry["date"] for entry in moved["entries"])
    assert [each["amount"] for each in plain["entries"]] == [each["amount"] for each in moved["entries"]]


def test_daus_of_a_template() -> None:
    """A template has days of its own, no higher than the deployment's."""
    server = coder()
    template = SMALL.catalog.templates[0].id
    every, own = (
        {entry["date"]: entry["amount"] for entry in document(server, path)["entries"]}
        for path in ("/insights/daus", f"/templates/{template}/daus")
    )

    assert every.keys() == own.keys()
    assert all(own[day] <= every[day] for day in every)
    assert sum(own.values()) > 0


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, "2026-03-21T00:00:00Z", "2026-05-20T00:00:00Z"),
        ({"tz_offset": "9"}, "2026-03-21T15:00:00Z", "2026-05-20T15:00:00Z"),
        ({"tz_offset": "-3"}, "2026-03-21T03:00:00Z", "2026-05-20T03:00:00Z"),
        ({"timezone": "Asia/Tokyo"}, "2026-03-21T15:00:00Z", "2026-05-20T15:00:00Z"),
    ],
    ids=["utc", "midnight-is-now", "west", "zone"],
)
def test_status_counts_are_a_grid_of_midnights(query: dict[str, str], first: str, last: str) -> None:
    """Points lie at the zone's midnights; the last is now where the next hour is midnight."""
    points = document(coder(), "/insights/user-status-counts", query)["status_counts"]["active"]

    assert (first, last, 61) == (points[0]["date"], points[-1]["date"], len(points))


def test_status_counts_agree_with_the_list_of_users() -> None:
    """The newest point counts those that the list finds."""
    server = coder()
    counts = document(server, "/insights/user-status-counts")["status_counts"]
    query = {"limit": "1", "q": "status:active"}
    users = document(server, "/users", query)

    assert counts["active"][-1]["count"] == users["count"]
    assert len(users["users"]) == 1
    assert sum(points[-1]["count"] for points in counts.values()) == document(server, "/users")["count"]


def test_member_sees_only_himself_among_users() -> None:
    """Who may not read users is alone."""
    assert document(coder(role="member"), "/users")["count"] == 1


def test_today_grows_with_the_clock() -> None:
    """The same window says more five minutes later, and never less."""
    query = utc_days(1)
    clocks = [partial(NOW.replace, hour=14, minute=minute) for minute in range(0, 60, 5)]
    sums = [seconds(coder(now=clock), query) for clock in clocks]

    assert sorted(sums) == sums
    assert sums[0] < sums[-1]


def test_hour_in_progress_counts_only_in_whole_half_hours() -> None:
    """A window that ends with the current hour hides what happens in it."""
    past, running = (
        seconds(coder(), {"start_time": "2026-05-20T00:00:00Z", "end_time": f"2026-05-20T{hour}:00:00Z"})
        for hour in (14, 15)
    )

    assert past < running


def test_users_have_no_more_seconds_than_the_window() -> None:
    """Nobody is active for longer than the time that went by."""
    users = report(coder(), "user-activity", utc_days(1))["users"]

    assert max(user["seconds"] for user in users) <= 14.5 * 3600


def test_large_answers_are_kept_until_the_next_roll_up() -> None:
    """The same question within five minutes has the same bytes; a setting or the clock makes new ones."""
    clock = [NOW]
    server = coder(now=lambda: clock[0])
    first = ask(server, "/insights/user-activity", MONTH).body
    server.role = "member"

    assert ask(server, "/insights/user-activity", MONTH).status == 404
    server.role = "owner"
    assert first == ask(server, "/insights/user-activity", MONTH).body
    clock[0] = NOW + timedelta(minutes=15)
    assert first != ask(server, "/insights/user-activity", MONTH).body


@pytest.mark.parametrize(
    ("generation", "builtins", "name", "times"),
    [
        ("2023", 4, "Visual Studio Code", False),
        ("2024", 5, "Visual Studio Code", False),
        ("2025", 5, "Visual Studio Code", True),
        ("2026", 5, "VS Code Family", True),
    ],
)
def test_generations_differ(generation: str, builtins: int, name: str, times: bool) -> None:
    """Apps grew a field and changed a name over the years."""
    apps = report(coder(generation=generation), "templates")["apps_usage"]

    assert builtins == sum(app["type"] == "builtin" for app in apps)
    assert (name, times) == (apps[0]["display_name"], "times_used" in apps[0])


def test_oldest_servers_answer_otherwise() -> None:
    """In 2023 days were instants, intervals a key of every answer, apps had everybody's templates."""
    server = coder(generation="2023")
    body = document(server, TEMPLATES, WEEK)

    assert document(server, "/insights/daus")["entries"][0]["date"].endswith("T00:00:00Z")
    assert body["interval_reports"] == []
    assert all(
        body["report"]["template_ids"] == app["template_ids"] for app in body["report"]["apps_usage"][:4]
    )
    assert ask(server, "/templates").status == 404
    assert "organization_name" not in document(server, "/organizations/coder/templates")[0]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_generations_agree_about_users(generation: str) -> None:
    """What people did does not depend on the server's age."""
    assert report(coder(), "user-activity") == report(coder(generation=generation), "user-activity")


def test_published_server_gives_both_parts() -> None:
    """A server made from the page answers in the page's shape, with weeks."""
    server = coder(rules="published")
    query = {"before": "1778457600", "after": "1779289200"}
    body = document(server, TEMPLATES, query)

    assert ["report", "interval_reports"] == list(body)
    assert {row["interval"] for row in body["interval_reports"]} == {"week"}
    assert "times_used" not in body["report"]["apps_usage"][0]
    assert ask(server, "/buildinfo").status == 404
    assert ask(server, TEMPLATES, query, token="").status == 401


@given(values=st.lists(st.floats(0, 1e6), min_size=2).map(sorted))
def test_percentiles_are_those_of_the_database(values: list[float]) -> None:
    """Percentiles are interpolated between the two nearest values."""
    expected = quantiles(values, n=100, method="inclusive")

    assert pytest.approx(expected[49]) == percentile(values, 0.50)
    assert pytest.approx(expected[94]) == percentile(values, 0.95)


def test_percentile_of_nothing_is_no_data() -> None:
    """No value is -1, as the server has it."""
    assert percentile([], 0.5) == -1


def test_answers_are_compact_json() -> None:
    """Go writes no spaces and one newline, and escapes HTML."""
    body = ask(coder(), TEMPLATES, MONTH).body

    assert (
        body
        == json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .encode()
        + b"\n"
    )
