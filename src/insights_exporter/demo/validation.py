"""Validation of query parameters, by the real server or by the API documentation."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from insights_exporter.demo.context import Pairs, ServerVersion
from insights_exporter.demo.error_responses import TWO_ZONES, ErrorResponse, Refused, bad_value, bad_values
from insights_exporter.demo.go_format import LAYOUT, parse_time, quote

API = "/api/v2"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
LATEST_TIMESTAMP = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuery:
    """The values of a valid query; those that an endpoint does not have keep their defaults.

    `start` and `end` have the offsets with which they were sent.
    """

    start: datetime = ZERO_TIME
    end: datetime = ZERO_TIME
    template_ids: tuple[str, ...] = ()
    interval: str = ""
    zone: tzinfo = UTC


def validate_query(path: str, query: Pairs, now: datetime, version: ServerVersion) -> ParsedQuery:
    """Parse the query of a GET of an insights path or of `/groups`, below `/api/v2`, at the server's time.

    Raises:
        Refused: The query is invalid.
    """
    readers = _PUBLISHED_READERS if version.published else _READERS
    return readers[path.removeprefix(API)](QueryReader(query, now, version))


def next_hour(now: datetime) -> datetime:
    """Return the next full hour in UTC, in which the server rounds in every time zone."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR


class QueryReader:
    """Reads the parameters of one request and collects the errors."""

    def __init__(self, query: Pairs, now: datetime, version: ServerVersion) -> None:
        self.now = now
        self.version = version
        self._values = dict(query)
        self._known: set[str] = set()
        self._errors: list[tuple[str, str]] = []
        for name, count in Counter(name for name, _ in query).items():
            if count > 1:
                once = "Only provide 1 instance of this query param."
                self._add_error(name, f"provided more than once, found {count} times. {once}")

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a text, empty if it is missing."""
        self._known.add(name)
        value = self._values.get(name, "")
        if required and not value:
            self._add_error(name, "is required and cannot be empty")
        return value

    def integer(self, name: str, *, required: bool = False) -> int:
        """Return an integer, 0 if it is missing."""
        text = self.text(name, required=required)
        try:
            return int(text or 0)
        except ValueError:
            self._add_error(name, "must be a valid integer")
            return 0

    def uuids(self, name: str) -> tuple[str, ...]:
        """Return a comma-separated list of UUIDs."""
        text = self.text(name)
        try:
            return tuple(str(UUID(part)) for part in text.split(",")) if text else ()
        except ValueError:
            self._add_error(name, f"has invalid values: {text}")
            return ()

    def finish(self) -> None:
        """Check that there are no errors, and no parameters that were not read.

        Raises:
            Refused: There are.
        """
        for name in [name for name in self._values if name not in self._known]:
            self._add_error(name, "is not a valid query param")
        if self._errors:
            raise Refused(bad_values(self._errors))

    def _add_error(self, name: str, text: str) -> None:
        self._errors.append((name, f"Query param {quote(name)} {text}"))


def _read_report(reader: QueryReader, *, has_interval: bool = False) -> ParsedQuery:
    start_text, end_text = (reader.text(name, required=True) for name in ("start_time", "end_time"))
    interval = reader.text("interval") if has_interval else ""
    template_ids = reader.uuids("template_ids")
    reader.finish()
    start = _check_time("start_time", start_text, reader)
    end = _check_time("end_time", end_text, reader)
    if end < start:
        raise Refused(bad_value("end_time", 'Query param "end_time" must be after than "start_time"'))
    if interval not in {"", "day"}:
        raise Refused(bad_value("interval", "must be one of [day]"))
    return ParsedQuery(start=start, end=end, template_ids=template_ids, interval=interval)


def _check_time(name: str, text: str, reader: QueryReader) -> datetime:
    try:
        time = parse_time(text)
    except ValueError as error:
        detail = f"must be a valid date format ({LAYOUT}): {error}"
        raise Refused(bad_value(name, f'Query param "{name}" {detail}')) from None
    today = reader.now.astimezone(time.tzinfo if reader.version.year >= 2024 else UTC).date()
    hour = time.hour if name == "end_time" and time.date() == today else 0
    if time > next_hour(reader.now):
        detail = "must not be in the future"
    elif (time.hour, time.minute, time.second) != (hour, 0, 0):
        detail = f"must have the clock set to {hour:02d}:00:00, got {text}"
    else:
        return time
    raise Refused(bad_value(name, f'Query param "{name}" {detail}'))


def _read_status_counts(reader: QueryReader) -> ParsedQuery:
    year = reader.version.year
    tz_offset = reader.integer("tz_offset") if year < 2027 else 0
    name = reader.text("timezone") if year >= 2026 else ""
    reader.finish()
    if name and tz_offset:
        raise Refused(TWO_ZONES)
    # The names of the zones have the sign of POSIX: positive is west.
    name = name or (f"Etc/GMT{-tz_offset:+d}" if tz_offset else "UTC")
    try:
        return ParsedQuery(zone=ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        detail = f"unknown time zone {name}"
        raise Refused(ErrorResponse(400, {"message": "Invalid timezone.", "detail": detail})) from None


def _read_nothing(reader: QueryReader) -> ParsedQuery:
    reader.finish()
    return ParsedQuery()


def _read_timestamps(reader: QueryReader) -> ParsedQuery:
    """Read the integers of the API documentation: `before` is the start, `after` the end."""
    seconds = [reader.integer(name, required=True) for name in ("before", "after")]
    reader.finish()
    start, end = (datetime.fromtimestamp(max(0, min(each, LATEST_TIMESTAMP)), UTC) for each in seconds)
    return ParsedQuery(start=start, end=end, interval="week")


_Reader = Callable[[QueryReader], ParsedQuery]
_READERS: Mapping[str, _Reader] = {
    "/insights/daus": _read_nothing,
    "/insights/templates": partial(_read_report, has_interval=True),
    "/insights/user-activity": _read_report,
    "/insights/user-latency": _read_report,
    "/insights/user-status-counts": _read_status_counts,
    "/groups": _read_nothing,
}
_PUBLISHED_READERS: Mapping[str, _Reader] = {
    "/insights/daus": _read_nothing,
    "/insights/templates": _read_timestamps,
    "/insights/user-activity": _read_timestamps,
    "/insights/user-latency": _read_timestamps,
}
