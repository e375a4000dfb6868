"""Validation of query parameters, by the real server or by the API documentation."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from insights_exporter.demo.error_responses import (
    NO_ROUTE,
    ONE_BAD,
    TWO_ZONES,
    ErrorResponse,
    bad_value,
    bad_values,
    bad_zone,
)
from insights_exporter.demo.go_format import LAYOUT, BadTime, parse_integer, parse_time, quote
from insights_exporter.demo.versions import VERSION_2024, VERSION_2026, ServerVersion

Query = Mapping[str, str] | Iterable[tuple[str, str]]

API = "/api/v2"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
MIN_LAST_WEEK = timedelta(days=6)
SECONDS_PER_DAY = 86400
ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_TIME = datetime(2100, 1, 1, tzinfo=UTC)
SECTIONS = frozenset({"report", "interval_reports"})
INTERVALS = ("day", "week")
PUBLISHED_WITH_TIMES = frozenset({"/insights/templates", "/insights/user-activity", "/insights/user-latency"})
PUBLISHED_WITHOUT_TIMES = frozenset({"/insights/daus"})

_ONCE = "Only provide 1 instance of this query param."
_UUID = re.compile(
    r"(?:urn:uuid:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"
    r"|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}",
    re.IGNORECASE,
)


class InvalidQuery(Exception):
    """A query that is refused with `response`."""

    def __init__(self, response: ErrorResponse) -> None:
        super().__init__(response)
        self.response = response


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuery:
    """The values of a valid query; those that an endpoint does not have keep their defaults.

    `start` and `end` have the offsets with which they were sent.
    """

    start: datetime = ZERO_TIME
    end: datetime = ZERO_TIME
    template_ids: tuple[str, ...] = ()
    interval: str = ""
    sections: frozenset[str] = SECTIONS
    tz_offset: int = 0
    zone: ZoneInfo | None = None
    step: int = SECONDS_PER_DAY
    """Seconds between two points of user-status-counts."""
    organization: str = ""
    """Id or name, as `member` is; both filter groups, as `group_ids` do."""
    member: str = ""
    group_ids: tuple[str, ...] = ()


CheckResult = ParsedQuery | ErrorResponse


def check(
    path: str, query: Query, now: datetime, server_version: ServerVersion = VERSION_2026
) -> CheckResult:
    """Validate the query of a GET of an insights path, with or without `/api/v2`, at the server's time.

    `query` is decoded.
    """
    path = path.removeprefix(API)
    is_template_days = path.startswith("/templates/") and path.endswith("/daus")
    read = _read_days if is_template_days else _READERS.get(path)
    if read is None or (read is _read_status_counts and server_version.status_counts == "absent"):
        return NO_ROUTE
    try:
        return read(QueryReader(query, server_version), now)
    except InvalidQuery as error:
        return error.response


def check_published(path: str, query: Query, _now: datetime) -> CheckResult:
    """Validate the query of a GET by the API documentation: integers `before` (start) and `after` (end)."""
    path = path.removeprefix(API)
    if path not in PUBLISHED_WITH_TIMES | PUBLISHED_WITHOUT_TIMES:
        return NO_ROUTE
    reader = QueryReader(query, VERSION_2024)
    names = ("before", "after") if path in PUBLISHED_WITH_TIMES else ()
    times = [_read_timestamp(reader, name) for name in names]
    try:
        reader.finish()
    except InvalidQuery as error:
        return error.response
    return ParsedQuery(start=times[0], end=times[1], interval="week") if times else ParsedQuery()


def _read_timestamp(reader: "QueryReader", name: str) -> datetime:
    errors = len(reader.errors)
    reader.text(name, required=True)
    seconds = reader.integer(name, 0) if len(reader.errors) == errors else 0
    latest = int((LATEST_TIME - EPOCH).total_seconds())
    return EPOCH + timedelta(seconds=max(0, min(seconds, latest)))


def next_hour(now: datetime) -> datetime:
    """Return the next full hour in UTC, in which the server rounds in every time zone."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR


@dataclass(slots=True)
class QueryReader:
    """Reads the parameters of one request and collects the errors."""

    query: Query
    server_version: ServerVersion
    errors: list[tuple[str, str]] = field(default_factory=list)
    _values: dict[str, list[str]] = field(init=False, default_factory=dict)
    _known: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Group the values by name."""
        pairs = self.query.items() if isinstance(self.query, Mapping) else self.query
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a text, empty if it is missing."""
        self._known.add(name)
        values = self._values.get(name, [""])
        if len(values) > 1 and self.server_version.refuses_repeats:
            self._add_error(name, "provided more than once, found", f"{len(values)} times.", _ONCE)
        elif required and not values[0]:
            self._add_error(
                name, "is required", "and cannot be empty" if self.server_version.says_not_empty else ""
            )
        return values[0]

    def integer(self, name: str, default: int) -> int:
        """Return an integer."""
        text = self.text(name)
        try:
            return parse_integer(text) if text else default
        except ValueError as error:
            self._add_error(name, f"must be a valid integer ({error})")
            return default

    def uuids(self, name: str) -> tuple[str, ...]:
        """Return a comma-separated list of UUIDs, spaces around them allowed."""
        text = self.text(name)
        listed = [part.strip() for part in text.split(",")] if text else []
        bad = [part for part in listed if _UUID.fullmatch(part) is None]
        if bad:
            self._add_error(name, f"has invalid values: {', '.join(bad)}")
            return ()
        return tuple(map(_canonicalize_uuid, listed))

    def words(self, name: str) -> tuple[str, ...]:
        """Return a comma-separated list."""
        text = self.text(name)
        return tuple(text.split(",")) if text else ()

    def finish(self) -> None:
        """Check that there are no errors, and no parameters that were not read.

        Raises:
            InvalidQuery: There are.
        """
        for name in self._values:
            if name not in self._known:
                self._add_error(name, "is not a valid query param")
        if self.errors:
            raise InvalidQuery(bad_values(self.errors))

    def _add_error(self, name: str, *words: str) -> None:
        self.errors.append((name, " ".join(("Query param", quote(name), *filter(None, words)))))


def _canonicalize_uuid(text: str) -> str:
    digits = text.lower().removeprefix("urn:uuid:").strip("{}").replace("-", "")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _read_days(reader: QueryReader, _now: datetime) -> ParsedQuery:
    tz_offset = reader.integer("tz_offset", 0)
    reader.finish()
    return ParsedQuery(tz_offset=tz_offset)


def _read_users(reader: QueryReader, now: datetime) -> ParsedQuery:
    times = _read_times(reader)
    template_ids = reader.uuids("template_ids")
    reader.finish()
    start, end = _check_times(times, now, reader.server_version)
    return ParsedQuery(start=start, end=end, template_ids=template_ids)


def _read_templates(reader: QueryReader, now: datetime) -> ParsedQuery:
    times = _read_times(reader)
    interval = reader.text("interval")
    template_ids = reader.uuids("template_ids")
    sections = reader.words("sections") if reader.server_version.sections else ()
    reader.finish()
    start, end = _check_times(times, now, reader.server_version)
    _check_interval(interval, start, end, reader.server_version)
    if not SECTIONS.issuperset(sections):
        raise InvalidQuery(bad_value("sections", "must be one of [interval_reports report]"))
    return ParsedQuery(
        start=start,
        end=end,
        template_ids=template_ids,
        interval=interval,
        sections=frozenset(sections) or SECTIONS,
    )


def _read_status_counts(reader: QueryReader, _now: datetime) -> ParsedQuery:
    form = reader.server_version.status_counts
    tz_offset = 0 if form == "timezone-only" else reader.integer("tz_offset", 0)
    step = reader.integer("interval", SECONDS_PER_DAY)
    if form == "interval":
        reader.finish()
        return ParsedQuery(tz_offset=tz_offset, step=max(step, 0) or SECONDS_PER_DAY)
    name = reader.text("timezone")
    reader.finish()
    if name and tz_offset:
        raise InvalidQuery(TWO_ZONES)
    # The names of the zones have the sign of POSIX: positive is west.
    name = name or (f"Etc/GMT{-tz_offset:+d}" if tz_offset else "UTC")
    try:
        return ParsedQuery(tz_offset=tz_offset, zone=ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        raise InvalidQuery(bad_zone(name)) from None


def _read_groups(reader: QueryReader, _now: datetime) -> ParsedQuery:
    organization, member = reader.text("organization"), reader.text("has_member")
    group_ids = reader.uuids("group_ids")
    reader.finish()
    return ParsedQuery(organization=organization, member=member, group_ids=group_ids)


_READERS: Mapping[str, Callable[[QueryReader, datetime], ParsedQuery]] = MappingProxyType(
    {
        "/insights/daus": _read_days,
        "/insights/templates": _read_templates,
        "/insights/user-activity": _read_users,
        "/insights/user-latency": _read_users,
        "/insights/user-status-counts": _read_status_counts,
        "/groups": _read_groups,
    }
)


def _read_times(reader: QueryReader) -> Mapping[str, str]:
    return {name: reader.text(name, required=True) for name in ("start_time", "end_time")}


def _check_times(
    times: Mapping[str, str], now: datetime, server_version: ServerVersion
) -> tuple[datetime, datetime]:
    start, end = (_check_time(name, text, now, server_version) for name, text in times.items())
    if end < start:
        detail = 'Query param "end_time" must be after than "start_time"'
        raise InvalidQuery(bad_value("end_time", detail))
    return start, end


def _check_time(name: str, text: str, now: datetime, server_version: ServerVersion) -> datetime:
    try:
        time = parse_time(text)
    except BadTime as error:
        detail = f"must be a valid date format ({LAYOUT}): {error}"
        raise InvalidQuery(bad_value(name, f'Query param "{name}" {detail}')) from None
    today = now.astimezone(time.tzinfo if server_version.today_of_request else UTC).date()
    hour = time.hour if name == "end_time" and time.date() == today else 0
    if time == ZERO_TIME:
        detail = "must not be zero"
    elif time > next_hour(now):
        detail = "must not be in the future"
    elif (time.hour, time.minute, time.second) != (hour, 0, 0):
        got = f", got {text}" if server_version.repeats_clock else ""
        detail = f"must have the clock set to {hour:02d}:00:00{got}"
    else:
        return time
    raise InvalidQuery(bad_value(name, f'Query param "{name}" {detail}'))


def _check_interval(interval: str, start: datetime, end: datetime, server_version: ServerVersion) -> None:
    known = INTERVALS if server_version.week_intervals else INTERVALS[:1]
    if interval and interval not in known:
        raise InvalidQuery(bad_value("interval", f"must be one of [{' '.join(known)}]"))
    if interval == "week" and not _ends_with_a_week(start, end):
        detail = "Last report interval should have at least 6 days."
        raise InvalidQuery(ErrorResponse(400, {"message": ONE_BAD, "detail": detail}))


def _ends_with_a_week(start: datetime, end: datetime) -> bool:
    remainder = (end - start) % WEEK
    is_shortened = end.replace(tzinfo=None) - start.replace(tzinfo=None) == MIN_LAST_WEEK
    return not remainder or remainder >= MIN_LAST_WEEK or is_shortened
