"""The view: which deployment and window it shows, its links and its numbers."""

import re
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from insights_exporter.coder.errors import REASONS
from insights_exporter.datasets.summary import PollSummary
from insights_exporter.polling.problems import Problem, Urgency
from insights_exporter.web.status.details import Details, build_details, build_tiles
from insights_exporter.web.status.handler import render_html
from insights_exporter.web.status.state import HEADINGS, DeploymentState
from insights_exporter.web.status.view import PageView, build_view
from tests.web.status.states import NOW, TODAY, deployment, failing, poll


def view(*names: str, **request: str) -> PageView:
    """Return the view of healthy deployments."""
    return build_view([deployment(name) for name in names], "/metrics", NOW, **request)


def details(**different: Any) -> Details:  # noqa: ANN401 -- any field of the state
    """Return the details of a deployment in the default window."""
    return build_details(deployment(**different), "7d")


def text(*states: DeploymentState) -> str:
    """Return the text of the page of deployments."""
    return strip_tags(render_html(build_view(states, "/metrics", NOW)))


def section(state: DeploymentState, name: str) -> str:
    """Return the HTML of a section of the page of a deployment."""
    html = render_html(build_view([state], "/metrics", NOW))
    return html.partition(f'<section class="card" id="{name}">')[2].partition("</section>")[0]


def strip_tags(html: str) -> str:
    """Return the text of HTML."""
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def test_one_deployment_is_shown_at_once() -> None:
    """A single deployment is shown in detail, without a link to an overview."""
    single = view("main")

    assert ("main", "", ()) == (single.title, single.overview_href, single.rows)
    assert single.details


def test_many_deployments_are_a_table() -> None:
    """Several are a table, the worst first, each with a link to its details."""
    states = [deployment("b"), deployment("a"), deployment("z", polls=(failing(),))]

    overview = build_view(states, "/metrics", NOW, window="7d")

    assert overview.details is None
    assert ["z", "a", "b"] == [row.name for row in overview.rows]
    assert '<a href="?deployment=z&amp;window=7d">z</a>' in render_html(overview)
    assert "1 failing, 2 healthy" == overview.summary


def test_requested_deployment() -> None:
    """One of several is shown in detail, and a link leads back to all of them."""
    one = view("a", "b", deployment="b", window="today")

    assert ("b", "?window=today", "today") == (one.title, one.overview_href, one.window)


@pytest.mark.parametrize("request_", [{"deployment": "c"}, {"window": "90d"}, {"deployment": ""}])
def test_unknown_deployment_or_window(request_: dict[str, str]) -> None:
    """A deployment or window that does not exist is not found."""
    with pytest.raises(HTTPException):
        view("a", "b", **request_)


def test_default_window_is_a_week() -> None:
    """Without a window in the request a week is shown, or the first window if there is no week."""
    states = [deployment(windows={"30d": "last 30 days", "90d": "last 90 days"})]
    month = build_view(states, "/metrics", NOW)

    assert ("7d", "30d") == (view("a").window, month.window)


def test_window_links_keep_the_deployment() -> None:
    """Links to the other windows keep the deployment, with its name escaped."""
    one = view("a", "b & c", deployment="b & c")

    assert [f"?deployment=b+%26+c&amp;window={name}" for name in ("today", "7d", "30d")] == re.findall(
        r'<li><a href="([?].+?)"', render_html(one)
    )


def test_path_of_the_metrics() -> None:
    """The link to the metrics has the configured path."""
    assert "./some%20path" == build_view([deployment()], "/some path", NOW).metrics_href


def test_no_deployment_at_all() -> None:
    """The status page of a shard without deployments states this."""
    assert " 0 deployments No deployment is polled " in text()


def test_numbers_of_a_deployment() -> None:
    """Each tile names its day, week, month or window."""
    tiles = {tile.name: (tile.value, tile.remark) for tile in details().tiles}

    assert {
        "Active today": ("3", "so far, Wed 20 May 2026 in UTC"),
        "Active yesterday": ("12", "Tue 19 May 2026 in UTC"),
        "Weekly active users": ("14", "11 May to 17 May; 13 the week before"),
        "Monthly active users": ("21", "Apr 2026; 22 the month before"),
        "Active users": ("15", "distinct, last 7 days"),
        "Time in apps": ("2.8 h", "all apps, last 7 days"),
        "Active accounts": ("20", "2 dormant"),
        "Licensed seats": ("20 of 25", "5 left"),
        "AI seats": ("12 of 12", "0 left"),
    } == tiles


@pytest.mark.parametrize(
    ("status", "limit", "expected"),
    [
        pytest.param(
            "grace_period", 10.0, ("12 of 10", "license expired, in its grace period"), id="expired"
        ),
        pytest.param("not_entitled", None, None, id="no license"),
        pytest.param("entitled", 10.0, ("12 of 10", "0 left"), id="more than allowed"),
    ],
)
def test_seats_of_a_license(status: str, limit: float | None, expected: tuple[str, str] | None) -> None:
    """Seats are shown if there is a limit; an expired license is named."""
    summary = PollSummary(seats={"user_limit": (12.0, limit)}, license_status=status)
    tiles = build_tiles(deployment(summaries={("license", ""): summary}), "7d")

    assert expected == next(
        ((tile.value, tile.remark) for tile in tiles if tile.name == "Licensed seats"), None
    )


def test_ranking_of_apps() -> None:
    """Bars are relative to the longest one; values without a bar are counted."""
    apps = section(deployment(), "apps")

    assert ["100.00", "25.00"] == re.findall(r'<rect width="(.+?)%"', apps)
    assert strip_tags(apps).endswith(" SSH 2.0 h code-server 30 min and 2 more apps")


def test_distribution_of_activity() -> None:
    """The chart counts users by active time, and a sentence counts the levels of the metrics."""
    activity = details().activity

    assert activity
    assert "30 min to 1 h: 1 user" == activity.chart.columns[2].title
    assert (
        "Of 10 users, 2 (20.0%) were active up to 1 h, 2 (20.0%) for 1 to 4 h, 4 (40.0%) for 4 to 16 h "
        "and 2 (20.0%) over 16 h." == activity.sentence
    )


def test_parameters() -> None:
    """Parameters have a bar per value; values without a bar are counted, and free text is never listed."""
    assert (
        " region Value Workspaces eu 8 us 2 3 more values in 4 workspaces "
        "dotfiles free text in 5 workspaces Datasets " in text(deployment())
    )


def test_latency_above_the_limits() -> None:
    """A sentence per percentile counts the users above Coder's two limits."""
    latency = details().latency

    assert latency
    assert (
        "By their median, 4 (40.0%) of 10 users are above 150 ms and 2 (20.0%) above 300 ms."
        == (latency.sentences[0])
    )


def test_failure_of_a_dataset() -> None:
    """A failing dataset shows since when, how often and why."""
    assert " failing forbidden since 2 h ago, 24 in a row " in text(deployment(polls=(failing(),)))


def test_poll_that_has_not_finished() -> None:
    """A dataset without a finished poll has no last success and no duration."""
    waiting = poll(state="waiting", since=None, last_success=0.0, duration=None, series=0)

    assert " not polled yet never – 5 min 0 " in text(deployment(polls=(waiting,)))  # noqa: RUF001 -- a dash


@pytest.mark.parametrize(
    ("reason", "state"),
    [("unsupported", "not on this server"), ("not_licensed", "needs a Premium license")],
)
def test_dataset_that_is_unavailable(reason: str, state: str) -> None:
    """A dataset that needs a license is not reported as missing from the server."""
    assert state == poll(state="unavailable", reason=reason).description


REFUSED = Problem("forbidden", ("daus", "templates"), "HTTP 403", "grant the role Auditor")
OFF = Problem("disabled", ("daus",), "HTTP 404", "enable usage statistics in Coder")


@pytest.mark.parametrize(
    ("different", "kind", "expected"),
    [
        pytest.param(
            {"problems": (REFUSED,)},
            "failing",
            "The token may not read this data forbidden: daus, templates Grant the role Auditor. HTTP 403",
            id="a problem of two datasets",
        ),
        pytest.param(
            {"problems": (OFF,)},
            "off",
            "Usage statistics are switched off in Coder disabled: daus Enable usage statistics in Coder. "
            "HTTP 404",
            id="statistics off",
        ),
        pytest.param(
            {"expiry_urgency": "warning", "expiry_warning": "the token expires in 1d 0h; replace it"},
            "bad",
            "Token expires in 1d 0h The token expires in 1d 0h; replace it.",
            id="token near its end",
        ),
    ],
)
def test_problems(different: dict[str, Any], kind: str, expected: str) -> None:
    """Each problem is shown once with its remedy."""
    problems = section(deployment(**different), "problems")

    assert [kind] == re.findall('class="state (.*?)"', problems)
    assert f"Needs attention {expected}" == strip_tags(problems)


def test_no_problem() -> None:
    """A healthy deployment needs no attention."""
    assert "Needs attention" not in text(deployment())


def test_each_reason_has_a_heading() -> None:
    """Every failure reason has a heading."""
    assert set(REASONS) == HEADINGS.keys()


@pytest.mark.parametrize(("urgency", "kind"), [("none", ""), ("info", "partly"), ("warning", "bad")])
def test_token_is_colored_by_urgency(urgency: Urgency, kind: str) -> None:
    """The expiry of the token stands out when it is near, in the details and in the overview."""
    state = deployment(expiry_urgency=urgency)

    assert kind == state.token_class
    assert " Token expires in 1d 0h (2026-05-21 14:31 UTC) " in text(state)
    assert bool(kind) == (" token expires in 1d 0h " in text(state, deployment("b")))


def test_row_has_version_and_time_zone() -> None:
    """The overview shows the version of Coder, and the zone of the days if it is not UTC."""
    states = [deployment("a", timezone="Asia/Kolkata"), deployment("b", version=None)]

    assert ["Coder v2.30.0, days of Asia/Kolkata", ""] == [state.facts for state in states]


def test_no_data_yet() -> None:
    """Before the first responses there is a page too."""
    empty = details(summaries={}, polls=(), version=None, token_expires=None)

    assert (None, None) == (empty.activity, empty.latency)
    assert " Coder version unknown Time zone UTC Series 0 " in text(empty.state)
    assert "–" in {tile.value for tile in empty.tiles}  # noqa: RUF001 -- the dash of an unknown number


def test_chart_of_utc_days() -> None:
    """The chart shows 60 UTC days, with a note, if the zone has few; the tiles are those of the zone."""
    today = TODAY + 1
    days = {today - number: 5.0 for number in range(60)}
    utc = details(utc_days=days, timezone="Asia/Kolkata")
    zone = details(timezone="Asia/Kolkata")

    assert 60 == len(utc.days.columns)
    assert ("UTC", "Asia/Kolkata") == (utc.state.chart_timezone, zone.state.chart_timezone)
    assert "The tiles above show days of Asia/Kolkata" in utc.days_remark
    assert "UTC" not in zone.days_remark
    assert "Tue 19 May 2026 in Asia/Kolkata" == utc.tiles[1].remark
    assert zone.tiles == utc.tiles
