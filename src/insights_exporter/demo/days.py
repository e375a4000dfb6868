"""The answers about days: active users by day, users by status."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from insights_exporter.demo.golang import format_time
from insights_exporter.demo.insights import as_stored
from insights_exporter.demo.population.spans import span_between
from insights_exporter.demo.population.tallies import Filter
from insights_exporter.demo.rules import DAY, Accepted, next_hour
from insights_exporter.demo.view import Document, View

DAYS_BACK = 60
FARTHEST_OFFSET = 1000
STATUSES = ("active", "dormant", "suspended")


def answer_days(view: View, asked: Accepted, template_id: str = "") -> Document:
    """Answer `/insights/daus`, or `/templates/{id}/daus` with the template's id.

    The buckets are days of UTC whatever the offset, which only shifts their
    labels: the server does so.
    """
    chosen = view.population.indexes((template_id,) if template_id else ())
    end = next_hour(view.now)
    start = end.replace(hour=0) - DAYS_BACK * DAY
    entries = [_entry(view, asked, day, min(day + DAY, end), chosen) for day in _steps(start, end, DAY)]
    return {"entries": as_stored(entries), "tz_hour_offset": asked.tz_offset}


_OWN_STATUS = "active"
"""The status of the token's own user, which every server reports."""


def answer_status_counts(view: View, asked: Accepted) -> Document:
    """Answer `/insights/user-status-counts`: from midnight 60 days ago to the next full hour, day by day."""
    end = next_hour(view.now)
    grid = [*(_midnights(asked.zone, end) if asked.zone else _fixed_grid(asked, end))]
    counts = [view.population.statuses(point.toordinal()) for point in grid]
    return {
        "status_counts": {
            status: [
                {"date": format_time(point), "count": count.get(status, 0)}
                for point, count in zip(grid, counts, strict=True)
            ]
            for status in STATUSES
            if status == _OWN_STATUS or any(status in count for count in counts)
        }
    }


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    while start < end:
        yield start
        start += step


def _entry(view: View, asked: Accepted, start: datetime, end: datetime, chosen: Filter) -> Document:
    span = span_between(start, end, view.now)
    population = view.population
    amount = population.active(span) if chosen is None else population.tally(span, chosen).users.bit_count()
    label = start + timedelta(hours=_sane(asked.tz_offset))
    date = f"{label:%Y-%m-%d}" if view.generation.plain_day_dates else format_time(start)
    return {"date": date, "amount": amount}


def _midnights(zone: ZoneInfo, end: datetime) -> Iterator[datetime]:
    last = end.astimezone(zone).date()
    for back in range(DAYS_BACK, -1, -1):
        yield datetime.combine(last - back * DAY, time.min, zone).astimezone(UTC)


def _fixed_grid(asked: Accepted, end: datetime) -> Iterator[datetime]:
    ahead = timedelta(hours=_sane(asked.tz_offset))
    start = (end + ahead).replace(hour=0) - ahead - DAYS_BACK * DAY
    return _steps(start, end + timedelta(microseconds=1), timedelta(seconds=asked.step))


def _sane(hours: int) -> int:
    return max(-FARTHEST_OFFSET, min(hours, FARTHEST_OFFSET))
