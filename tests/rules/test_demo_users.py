"""The sample users stay within the thresholds of the alerts about users."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from grafana import thresholds
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population


def fetch(coder: EmbeddedCoder, now: datetime, path: str, query: str = "") -> Any:  # noqa: ANN401  any JSON
    """Return the response of a Coder at a time."""
    coder.now = lambda: now
    response = coder.respond("GET", f"/api/v2{path}", query, {"coder-session-token": DEMO_TOKEN})
    return json.loads(bytes(response.body))


def test_the_demo_fires_no_alert_about_its_users_in_a_year() -> None:
    """Its users, holidays included, stay within the thresholds: fall by week, empty days, and latency."""
    coder = EmbeddedCoder(population=Population())
    days: dict[date, int] = {}
    for number in range(1, 8):
        now = datetime(2026, 1, 1, 18, tzinfo=UTC) + timedelta(days=60 * number)
        entries = fetch(coder, now, "/insights/daus")["entries"]
        days |= {date.fromisoformat(one["date"]): one["amount"] for one in entries}
    first = min(days)
    weeks = [
        sum(days[first + timedelta(days=start + one)] for one in range(7)) / 7
        for start in range(len(days) - 7)
    ]

    assert 365 <= len(days)
    assert min(b / a for a, b in zip(weeks, weeks[7:], strict=False)) >= thresholds.USERS_FALLEN_TO
    assert 0 < min(days.values())
    assert max(slow_shares(coder)) <= thresholds.POOR_USERS


def slow_shares(coder: EmbeddedCoder) -> Iterator[float]:
    """Yield the share of users with a high latency in the week, every other week of a year."""
    for number in range(26):
        now = datetime(2026, 1, 7, 18, tzinfo=UTC) + timedelta(days=14 * number + number % 7)
        query = f"start_time={now - timedelta(days=6):%Y-%m-%d}T00:00:00Z&end_time={now:%Y-%m-%dT%H}:00:00Z"
        users = fetch(coder, now, "/insights/user-latency", query)["report"]["users"]
        latencies = [user["latency_ms"]["p50"] for user in users]
        yield sum(one > thresholds.LATENCY_POOR * 1000 for one in latencies) / len(latencies)
