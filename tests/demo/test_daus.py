"""Daily users and status counts over 60 days."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.demo.client import NOW, coder, fetch_report, load_document


def test_daus_are_the_reports_of_their_days() -> None:
    """Each day's amount is the number of users of that UTC day."""
    server = coder()
    entries = load_document(server, "/insights/daus")["entries"]

    assert len(entries) == 61
    for entry in entries[:5]:
        start = datetime.fromisoformat(entry["date"]).replace(tzinfo=UTC)
        end = min(start + timedelta(days=1), NOW.replace(hour=15, minute=0))
        window = {"start_time": start.isoformat(), "end_time": end.isoformat()}
        assert entry["amount"] == fetch_report(server, "templates", window)["active_users"]


def test_daus_are_unordered_and_go_back_60_days() -> None:
    """All days are there once, today last by date only."""
    dates = [entry["date"] for entry in load_document(coder(), "/insights/daus")["entries"]]
    expected = [f"{NOW - timedelta(days=back):%Y-%m-%d}" for back in range(60, -1, -1)]

    assert expected == sorted(dates)
    assert expected != dates


def test_last_hour_of_the_day_has_a_day_less() -> None:
    """In the last hour of a day, the next full hour is midnight, so the list has one day less."""
    late = coder(now=lambda: NOW.replace(hour=23))
    dates = [entry["date"] for entry in load_document(late, "/insights/daus")["entries"]]

    assert ("2026-03-22", "2026-05-20", 60) == (min(dates), max(dates), len(dates))


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, "2026-03-21T00:00:00Z", "2026-05-20T00:00:00Z"),
        ({"tz_offset": "9"}, "2026-03-21T15:00:00Z", "2026-05-20T15:00:00Z"),
        ({"tz_offset": "-3"}, "2026-03-21T03:00:00Z", "2026-05-20T03:00:00Z"),
        ({"timezone": "Asia/Tokyo"}, "2026-03-21T15:00:00Z", "2026-05-20T15:00:00Z"),
        ({"timezone": "Europe/Berlin"}, "2026-03-20T23:00:00Z", "2026-05-19T22:00:00Z"),
    ],
    ids=["utc", "midnight-is-now", "west", "zone", "clock-change"],
)
def test_status_counts_are_a_grid_of_midnights(query: dict[str, str], first: str, last: str) -> None:
    """Points are midnights of the time zone."""
    points = load_document(coder(), "/insights/user-status-counts", query)["status_counts"]["active"]

    assert (first, last, 61) == (points[0]["date"], points[-1]["date"], len(points))
