"""Which deployment and window the page shows, and where its links lead."""

from typing import Any

import pytest

from insights_exporter.coder.errors import REASONS
from insights_exporter.polling.causes import Cause, Urgency
from insights_exporter.web.status.details import Details, details
from insights_exporter.web.status.health import HEADINGS, Problem
from insights_exporter.web.status.view import NotFound, Page, PageRequest, page
from tests.web.status.sightings import DAY, NOW, failing, poll, sight


def shown(*names: str, **asked: str) -> Page:
    """Give the page of healthy deployments."""
    return page(PageRequest(**asked), [sight(name) for name in names], "/metrics", NOW)


def of(**different: Any) -> Details:  # noqa: ANN401 -- any field of a sight
    """Give the details of a deployment in the usual window."""
    return details(sight(**different), "7d", NOW)


def test_one_deployment_is_shown_at_once() -> None:
    """Where there is but one, it is shown in detail, with nothing to go back to."""
    made = shown("main")

    assert ("main", "", ()) == (made.title, made.back, made.lines)
    assert made.details


def test_many_deployments_are_a_table() -> None:
    """Several are a table, the worst first, each with a link to its details."""
    seen = [sight("b"), sight("a"), sight("z", polls=(failing(),))]

    made = page(PageRequest(window="7d"), seen, "/metrics", NOW)

    assert made.details is None
    assert ["z", "a", "b"] == [line.name for line in made.lines]
    assert "?deployment=z&window=7d" == made.lines[0].href
    assert "1 failing, 2 healthy" == made.summary


def test_chosen_deployment() -> None:
    """One of several is shown in detail, and a link leads back to all of them."""
    made = shown("a", "b", deployment="b", window="today")

    assert ("b", "?window=today", "today") == (made.title, made.back, made.window)


@pytest.mark.parametrize("asked", [{"deployment": "c"}, {"window": "90d"}, {"deployment": ""}])
def test_what_is_not_there(asked: dict[str, str]) -> None:
    """A deployment or window that there is not is not found."""
    with pytest.raises(NotFound):
        shown("a", "b", **asked)


def test_usual_window_is_a_week() -> None:
    """Without a choice a week is shown, or the first window where there is no week."""
    month = page(PageRequest(), [sight(windows=("30d", "90d"))], "/metrics", NOW)

    assert ("7d", "30d") == (shown("a").window, month.window)


def test_links_keep_what_is_chosen_and_are_escaped() -> None:
    """The other windows are offered for the deployment that is shown, whatever its name."""
    made = shown("a", "b & c", deployment="b & c")

    assert [f"?deployment=b+%26+c&window={name}" for name in ("today", "7d", "30d")] == [
        choice.href for choice in made.windows
    ]


def test_path_of_the_metrics() -> None:
    """The link to the metrics leads where they are served."""
    assert "./some%20path" == page(PageRequest(), [sight()], "/some path", NOW).metrics


def test_no_deployment_at_all() -> None:
    """A shard without any deployment has a page that says so."""
    made = page(PageRequest(), [], "/metrics", NOW)

    assert ("0 deployments", "Nothing is polled here") == (made.title, made.summary)


def test_numbers_of_a_deployment() -> None:
    """The tiles name their day, week, month or window, so that no two of them can be mixed up."""
    tiles = {tile.name: (tile.value, tile.remark) for tile in of().tiles}

    assert {
        "Active today": ("3", "so far, Wed 20 May 2026 in UTC"),
        "Active yesterday": ("12", "Tue 19 May 2026 in UTC"),
        "Weekly active users": ("14", "11 May to 17 May; 13 the week before"),
        "Monthly active users": ("21", "Apr 2026; 22 the month before"),
        "Active users": ("15", "distinct, last 7 days"),
        "Time in apps": ("2.8 h", "all apps, last 7 days"),
        "Active accounts": ("20", "2 dormant"),
    } == tiles


def test_ranking_of_apps() -> None:
    """Bars are as long as their share of the longest, and what has no bar is counted."""
    apps = of().apps

    assert apps
    assert [("SSH", "2.0 h", 100.0), ("code-server", "30 min", 25.0)] == [
        (bar.name, bar.value, bar.share) for bar in apps.bars
    ]
    assert "and 2 more apps" == apps.others


def test_distribution_of_activity() -> None:
    """The chart counts users by active time, and a sentence counts the levels of the metrics."""
    activity = of().activity

    assert activity
    assert "30 min to 1 h: 1 user" == activity.chart.columns[2].title
    assert (
        "Of 10 users, 2 (20.0%) were active up to 1 h, 2 (20.0%) for 1 to 4 h, 4 (40.0%) for 4 to 16 h "
        "and 2 (20.0%) over 16 h." == activity.sentence
    )


def test_parameters() -> None:
    """Parameters have a bar per value; what has no bar is counted, and free text is never listed."""
    region, dotfiles = of().parameters

    assert [("eu", "8", 100.0), ("us", "2", 25.0)] == [
        (bar.name, bar.value, bar.share) for bar in region.bars.bars
    ]
    assert "3 more values in 4 workspaces" == region.bars.others
    assert ((), "free text in 5 workspaces") == (dotfiles.bars.bars, dotfiles.bars.others)


def test_latency_above_the_limits() -> None:
    """A sentence a percentile counts the users above Coder's two limits."""
    latency = of().latency

    assert latency
    assert (
        "By their median, 4 (40.0%) of 10 users are above 150 ms and 2 (20.0%) above 300 ms."
        == (latency.sentences[0])
    )


def test_failure_of_a_dataset() -> None:
    """A dataset that fails shows since when, how often and why."""
    (row,) = of(polls=(failing(),)).polls

    assert ("forbidden", "since 2 h ago, 24 in a row") == (row.poll.reason, row.failing)


@pytest.mark.parametrize(
    ("reason", "state"),
    [("unsupported", "not on this server"), ("not_licensed", "needs a Premium license")],
)
def test_dataset_that_is_unavailable(reason: str, state: str) -> None:
    """A dataset without a license is not said to be missing from the server."""
    (row,) = of(polls=(poll(state="unavailable", reason=reason),)).polls

    assert state == row.state


REFUSED = Cause("forbidden", ("daus", "templates"), "HTTP 403", "grant the role Auditor")
OFF = Cause("disabled", ("daus",), "HTTP 404", "enable usage statistics in Coder")


@pytest.mark.parametrize(
    ("different", "expected"),
    [
        pytest.param({}, (), id="nothing is wrong"),
        pytest.param(
            {"causes": (REFUSED,)},
            (
                Problem(
                    "failing",
                    HEADINGS["forbidden"],
                    "Grant the role Auditor.",
                    "HTTP 403",
                    "forbidden: daus, templates",
                ),
            ),
            id="a cause of two datasets",
        ),
        pytest.param(
            {"causes": (OFF,)},
            (
                Problem(
                    "off",
                    HEADINGS["disabled"],
                    "Enable usage statistics in Coder.",
                    "HTTP 404",
                    "disabled: daus",
                ),
            ),
            id="statistics off",
        ),
        pytest.param(
            {"expiry_urgency": "warning", "expiry_warning": "the token expires in 1d 0h; replace it"},
            (Problem("bad", "Token expires in 1d 0h", "The token expires in 1d 0h; replace it."),),
            id="token near its end",
        ),
    ],
)
def test_problems(different: dict[str, Any], expected: tuple[Problem, ...]) -> None:
    """Each cause is shown once with its remedy, above all numbers."""
    assert expected == of(**different).problems


def test_each_reason_has_a_heading() -> None:
    """Every reason of a failure is put into words."""
    assert set(REASONS) == HEADINGS.keys()


@pytest.mark.parametrize(("urgency", "kind"), [("none", ""), ("info", "partly"), ("warning", "bad")])
def test_token_is_coloured_by_urgency(urgency: Urgency, kind: str) -> None:
    """The expiry of the token stands out when it is near, in the details and in the overview."""
    seen = sight(expiry_urgency=urgency)
    (token,) = [fact for fact in details(seen, "7d", NOW).facts if fact.name == "Token"]
    line = page(PageRequest(), [seen, sight("b")], "/metrics", NOW).lines[1]

    assert ("expires in 1d 0h (2026-05-21 14:31 UTC)", kind) == (token.value, token.kind)
    assert (kind, "token expires in 1d 0h" if kind else "") == (line.token_kind, line.token)


def test_line_names_version_and_foreign_days() -> None:
    """The overview shows the version of Coder, and the zone of the days if it is not UTC."""
    seen = [sight("a", timezone="Asia/Kolkata"), sight("b", version=None)]

    facts = [line.facts for line in page(PageRequest(), seen, "/metrics", NOW).lines]

    assert ["Coder v2.30.0, days of Asia/Kolkata", ""] == facts


def test_nothing_known_yet() -> None:
    """Before the first answers there is a page too."""
    empty = of(glances={}, polls=(), version=None, token_expires=None)

    assert (None, None, None, None) == (empty.apps, empty.templates, empty.activity, empty.latency)
    assert () == empty.parameters
    assert "–" in {tile.value for tile in empty.tiles}  # noqa: RUF001 -- the dash of an unknown number


def test_days_of_utc_stand_in_where_a_zone_has_few() -> None:
    """The chart has sixty days of UTC then and says so; tiles and their names stay those of the zone."""
    today = DAY + 1
    days = {today - number: 5.0 for number in range(60)}
    seen = of(utc_days=days, timezone="Asia/Kolkata")
    without = of(timezone="Asia/Kolkata")

    assert 60 == len(seen.days.columns)
    assert ("UTC", "Asia/Kolkata") == (seen.days_zone, without.days_zone)
    assert "The tiles above show days of Asia/Kolkata" in seen.days_remark
    assert "UTC" not in without.days_remark
    assert "Tue 19 May 2026 in Asia/Kolkata" == seen.tiles[1].remark
    assert without.tiles == seen.tiles
