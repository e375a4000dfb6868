"""Validation of query parameters, by the real server or by the API documentation."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from insights_exporter.demo.context import Pairs, ServerVersion
from insights_exporter.demo.error_responses import (
    TWO_ZONES,
    ErrorResponse,
    Refused,
    refuse_value,
    refuse_values,
)
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
    endpoint = path.removeprefix(API)
    if version.published and endpoint != "/insights/daus":
        return _read_timestamps(query)
    return _READERS[endpoint](query, now, version)


def find_next_hour(now: datetime) -> datetime:
    """Return the next full hour in UTC, in which the server rounds in every time zone."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR


def _read_values(
    query: Pairs, parsers: Mapping[str, Callable[[str], Any]], required: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the values of the known parameters; raises Refused with all errors at once.

    A parameter that is missing is parsed as an empty text.
    """
    given, counts = dict(query), Counter(name for name, _ in query)
    once = "Only provide 1 instance of this query param."
    errors = [
        (name, f"provided more than once, found {count} times. {once}")
        for name, count in counts.items()
        if count > 1
    ]
    values = {}
    for name, parse in parsers.items():
        text = given.get(name, "")
        if name in required and not text:
            errors.append((name, "is required and cannot be empty"))
        try:
            values[name] = parse(text)
        except ValueError as error:
            errors.append((name, str(error)))
    errors += [(name, "is not a valid query param") for name in given if name not in parsers]
    if errors:
        raise Refused(refuse_values([(name, f"Query param {quote(name)} {text}") for name, text in errors]))
    return values


def _parse_integer(text: str) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise ValueError("must be a valid integer") from None


def _parse_uuids(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(UUID(part)) for part in text.split(",")) if text else ()
    except ValueError:
        raise ValueError(f"has invalid values: {text}") from None


def _read_report(
    query: Pairs, now: datetime, version: ServerVersion, *, has_interval: bool = False
) -> ParsedQuery:
    parsers: dict[str, Callable[[str], Any]] = {"start_time": str, "end_time": str}
    parsers |= {"interval": str} if has_interval else {}
    values = _read_values(query, parsers | {"template_ids": _parse_uuids}, ("start_time", "end_time"))
    start, end = (_check_time(name, values[name], now, version) for name in ("start_time", "end_time"))
    interval = values.get("interval", "")
    if end < start:
        raise Refused(refuse_value("end_time", 'Query param "end_time" must be after than "start_time"'))
    if interval not in {"", "day"}:
        raise Refused(refuse_value("interval", "must be one of [day]"))
    return ParsedQuery(start=start, end=end, template_ids=values["template_ids"], interval=interval)


def _check_time(name: str, text: str, now: datetime, version: ServerVersion) -> datetime:
    try:
        time = parse_time(text)
    except ValueError as error:
        detail = f"must be a valid date format ({LAYOUT}): {error}"
        raise Refused(refuse_value(name, f'Query param "{name}" {detail}')) from None
    today = now.astimezone(time.tzinfo if version.year >= 2024 else UTC).date()
    hour = time.hour if name == "end_time" and time.date() == today else 0
    if time > find_next_hour(now):
        detail = "must not be in the future"
    elif (time.hour, time.minute, time.second) != (hour, 0, 0):
        detail = f"must have the clock set to {hour:02d}:00:00, got {text}"
    else:
        return time
    raise Refused(refuse_value(name, f'Query param "{name}" {detail}'))


def _read_status_counts(query: Pairs, _now: datetime, version: ServerVersion) -> ParsedQuery:
    parsers: dict[str, Callable[[str], Any]] = {"tz_offset": _parse_integer} if version.year < 2027 else {}
    values = _read_values(query, parsers | ({"timezone": str} if version.year >= 2026 else {}))
    tz_offset, name = values.get("tz_offset", 0), values.get("timezone", "")
    if name and tz_offset:
        raise Refused(TWO_ZONES)
    # The names of the zones have the sign of POSIX: positive is west.
    name = name or (f"Etc/GMT{-tz_offset:+d}" if tz_offset else "UTC")
    try:
        return ParsedQuery(zone=ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        detail = f"unknown time zone {name}"
        raise Refused(ErrorResponse(400, {"message": "Invalid timezone.", "detail": detail})) from None


def _read_nothing(query: Pairs, _now: datetime, _version: ServerVersion) -> ParsedQuery:
    _read_values(query, {})
    return ParsedQuery()


def _read_timestamps(query: Pairs) -> ParsedQuery:
    """Read the integers of the API documentation: `before` is the start, `after` the end."""
    names = ("before", "after")
    values = _read_values(query, dict.fromkeys(names, _parse_integer), names)
    start, end = (datetime.fromtimestamp(max(0, min(values[name], LATEST_TIMESTAMP)), UTC) for name in names)
    return ParsedQuery(start=start, end=end, interval="week")


_READERS: Mapping[str, Callable[[Pairs, datetime, ServerVersion], ParsedQuery]] = {
    "/insights/daus": _read_nothing,
    "/insights/templates": partial(_read_report, has_interval=True),
    "/insights/user-activity": _read_report,
    "/insights/user-latency": _read_report,
    "/insights/user-status-counts": _read_status_counts,
    "/groups": _read_nothing,
}
