"""The server's clock, as its `Date` headers tell it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_YEARS = range(2000, 3000)
"""What a clock may show: a step away from either end of the calendar nothing can be reckoned."""


class ServerClock:
    """Tells what time it is on the server.

    Between two answers it goes on with `monotonic`, so that a step of the
    exporter's own clock changes nothing. Before the first answer it is the
    exporter's own.
    """

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._base = datetime.fromtimestamp(wall(), UTC)
        self._base_at = monotonic()
        self.skew: float | None = None
        """Seconds by which the server is ahead of the exporter, once known."""
        self._wall = wall

    def now(self) -> datetime:
        """Give the server's time, in UTC."""
        return self._base + timedelta(seconds=self._monotonic() - self._base_at)

    def learn(self, date_header: str | None) -> None:
        """Set the clock by a `Date` header; one that is no date, or of no likely year, is ignored."""
        moment = parse_http_date(date_header)
        if moment is not None and moment.year in _YEARS:
            self._base, self._base_at = moment, self._monotonic()
            self.skew = moment.timestamp() - self._wall()


def parse_http_date(text: str | None) -> datetime | None:
    """Give the moment that an HTTP date names, in UTC, or None."""
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
