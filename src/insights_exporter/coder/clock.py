"""Times of the server: its clock, as its `Date` headers show it, and times in its responses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_YEARS = range(2000, 3000)
"""Plausible years: dates near either end of the calendar cannot be calculated with."""


class ServerClock:
    """Returns the time of the server.

    Between two responses it goes on with `monotonic`, so that a step of the
    exporter's own clock changes nothing. Before the first response it is the
    exporter's own.
    """

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._base = datetime.fromtimestamp(wall(), UTC)
        self._base_at = monotonic()
        self.skew: float | None = None
        """Seconds by which the server is ahead of the exporter, once known."""

    def now(self) -> datetime:
        """Return the server's time, in UTC."""
        return self._base + timedelta(seconds=self._monotonic() - self._base_at)

    def update(self, date_header: str | None) -> None:
        """Set the clock by a `Date` header; one without a plausible date is ignored."""
        moment = parse_http_date(date_header)
        if moment is not None and moment.year in _YEARS:
            self._base, self._base_at = moment, self._monotonic()
            self.skew = moment.timestamp() - self._wall()


def parse_http_date(text: str | None) -> datetime | None:
    """Return the time of an HTTP date, in UTC, None if it is not one."""
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def get_unix_time(moment: datetime | None) -> float | None:
    """Return the Unix seconds of a time in a response, UTC if it has no offset; None if there is none.

    Go writes the year 1 if there is no time.
    """
    if moment is None or moment.year == 1:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
