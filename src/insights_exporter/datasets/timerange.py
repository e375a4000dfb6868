"""Time ranges of windows, with midnights that exist and offsets, and checks of times."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from insights_exporter.coder.clock import get_unix_time
from insights_exporter.coder.request import Request, TimeRange
from insights_exporter.config.models import Window
from insights_exporter.datasets.base import PollContext


def read_day(text: str) -> int:
    """Return the ordinal of the day in `2006-01-02` or `2006-01-02T00:00:00Z`.

    Raises:
        ValueError: It is not a day.
    """
    return date.fromisoformat(text[: len("2006-01-02")]).toordinal()


def compute_day_start(ordinal: int) -> float:
    """Return the Unix seconds at which a day begins in UTC."""
    return datetime.fromordinal(ordinal).replace(tzinfo=UTC).timestamp()


def require_time(name: str, moment: datetime) -> None:
    """Reject the zero time of Go in a field that must have a time.

    Raises:
        ValueError: It is the zero time; the message begins with the field's name.
    """
    if get_unix_time(moment) is None:
        problem = f"{name}: expected a time"
        raise ValueError(problem)


def find_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return 00:00:00 of `day` with the offset valid just before it.

    The offset is fixed, not the zone: if clocks jump over midnight, 00:00:00
    is still the instant at which the day begins.
    """
    offset = datetime.combine(day, time.min, zone).utcoffset()
    return datetime.combine(day, time.min, timezone(offset or timedelta()))


def find_next_full_hour(now: datetime) -> datetime:
    """Return the end of the running hour in UTC, as the server counts hours."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def compute_window_range(window: Window, now: datetime, zone: ZoneInfo) -> TimeRange:
    """Return what `window` covers at `now`: whole days of `zone`."""
    today = now.astimezone(zone).date()
    if window.include_today:
        return TimeRange(
            find_midnight(today - timedelta(days=window.days - 1), zone), find_next_full_hour(now)
        )
    return span_days(today - timedelta(days=window.days), today, zone)


def span_days(first: date, after: date, zone: ZoneInfo) -> TimeRange:
    """Return the whole days from `first` up to, not including, `after`."""
    return TimeRange(find_midnight(first, zone), find_midnight(after, zone))


def compute_time_range(context: PollContext) -> TimeRange:
    """Return what the window of `context` covers now.

    Raises:
        ValueError: It has none.
    """
    return compute_window_range(context.require_window(), context.now, context.zone)


def build_window_request(path: str, context: PollContext) -> Request:
    """Return the request for the window of `context`, without further parameters."""
    return Request(path=path, span=compute_time_range(context))
