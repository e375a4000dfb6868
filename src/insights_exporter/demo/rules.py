"""The real server's rules for query parameters: a pure function of path, query and clock.

Nothing here knows HTTP or the population, so that a million requests can be
judged in a minute.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from insights_exporter.demo.generations import GENERATION_2026, Generation
from insights_exporter.demo.golang import LAYOUT, BadTime, parse_time
from insights_exporter.demo.query import Query, QueryReader
from insights_exporter.demo.refusals import (
    NO_ROUTE,
    ONE_BAD,
    TWO_ZONES,
    Refusal,
    bad_value,
    bad_values,
    bad_zone,
)

API = "/api/v2"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
MOST_OF_A_WEEK = timedelta(days=6)
ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
SECTIONS = frozenset({"report", "interval_reports"})
INTERVALS = ("day", "week")
SECONDS_OF_A_DAY = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A request that passed, with what it asks for; what an endpoint lacks keeps its default.

    `start` and `end` are in the offsets in which they were sent.
    """

    start: datetime = ZERO_TIME
    end: datetime = ZERO_TIME
    template_ids: tuple[str, ...] = ()
    interval: str = ""
    sections: frozenset[str] = SECTIONS
    tz_offset: int = 0
    zone: ZoneInfo | None = None
    step: int = SECONDS_OF_A_DAY
    """Seconds between two points of user-status-counts."""


Verdict = Accepted | Refusal
Check = Callable[[QueryReader, datetime], Verdict]


def check(path: str, query: Query, now: datetime, generation: Generation = GENERATION_2026) -> Verdict:
    """Judge a GET of an insights path, with or without `/api/v2`, at the server's `now`.

    `query` is decoded: no `%2B` in it.
    """
    rule = CHECKS.get(path.removeprefix(API)) or (_check_days if _is_template_days(path) else None)
    if rule is None or (rule is _check_status_counts and generation.status_counts == "absent"):
        return NO_ROUTE
    return rule(QueryReader(query, generation), now)


def next_hour(now: datetime) -> datetime:
    """Give the next full hour, in UTC: hours are cut there, whatever the zone."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR


def _check_days(reader: QueryReader, _now: datetime) -> Verdict:
    tz_offset = reader.integer("tz_offset", 0)
    return _complaints(reader) or Accepted(tz_offset=tz_offset)


def _check_users(reader: QueryReader, now: datetime) -> Verdict:
    times = _read_times(reader)
    template_ids = reader.uuids("template_ids")
    span = _complaints(reader) or _check_times(times, now, reader.generation)
    if isinstance(span, Refusal):
        return span
    return Accepted(start=span[0], end=span[1], template_ids=template_ids)


def _check_templates(reader: QueryReader, now: datetime) -> Verdict:
    times = _read_times(reader)
    interval = reader.text("interval")
    template_ids = reader.uuids("template_ids")
    sections = reader.words("sections") if reader.generation.sections else ()
    span = _complaints(reader) or _check_times(times, now, reader.generation)
    if isinstance(span, Refusal):
        return span
    start, end = span
    return (
        _check_interval(interval, start, end, reader.generation)
        or _check_sections(sections)
        or Accepted(
            start=start,
            end=end,
            template_ids=template_ids,
            interval=interval,
            sections=frozenset(sections) or SECTIONS,
        )
    )


def _check_status_counts(reader: QueryReader, _now: datetime) -> Verdict:
    habits = reader.generation.status_counts
    tz_offset = 0 if habits == "timezone-only" else reader.integer("tz_offset", 0)
    step = reader.integer("interval", SECONDS_OF_A_DAY)
    if habits == "interval":
        return _complaints(reader) or Accepted(tz_offset=tz_offset, step=max(step, 0) or SECONDS_OF_A_DAY)
    name = reader.text("timezone")
    return _complaints(reader) or _check_zone(name, tz_offset)


def _check_zone(name: str, tz_offset: int) -> Verdict:
    if name and tz_offset:
        return TWO_ZONES
    # The names of the zones have the sign of POSIX: positive is west.
    name = name or (f"Etc/GMT{-tz_offset:+d}" if tz_offset else "UTC")
    try:
        return Accepted(tz_offset=tz_offset, zone=ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return bad_zone(name)


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "/insights/daus": _check_days,
        "/insights/templates": _check_templates,
        "/insights/user-activity": _check_users,
        "/insights/user-latency": _check_users,
        "/insights/user-status-counts": _check_status_counts,
    }
)


def _is_template_days(path: str) -> bool:
    return path.removeprefix(API).startswith("/templates/") and path.endswith("/daus")


def _read_times(reader: QueryReader) -> Mapping[str, str]:
    return {name: reader.text(name, required=True) for name in ("start_time", "end_time")}


def _complaints(reader: QueryReader) -> Refusal | None:
    reader.refuse_unknown()
    return bad_values(reader.complaints) if reader.complaints else None


def _check_times(
    times: Mapping[str, str], now: datetime, generation: Generation
) -> tuple[datetime, datetime] | Refusal:
    moments = []
    for name, text in times.items():
        moment = _check_time(name, text, now, generation)
        if isinstance(moment, Refusal):
            return moment
        moments.append(moment)
    start, end = moments
    if end < start:
        return bad_value("end_time", 'Query param "end_time" must be after than "start_time"')
    return start, end


def _check_time(name: str, text: str, now: datetime, generation: Generation) -> datetime | Refusal:
    try:
        moment = parse_time(text)
    except BadTime as error:
        return bad_value(name, f'Query param "{name}" must be a valid date format ({LAYOUT}): {error}')
    if moment == ZERO_TIME:
        return bad_value(name, f'Query param "{name}" must not be zero')
    if moment > next_hour(now):
        return bad_value(name, f'Query param "{name}" must not be in the future')
    hour = moment.hour if name == "end_time" and _is_today(moment, now, generation) else 0
    if (moment.hour, moment.minute, moment.second) == (hour, 0, 0):
        return moment
    got = f", got {text}" if generation.repeats_clock else ""
    return bad_value(name, f'Query param "{name}" must have the clock set to {hour:02d}:00:00{got}')


def _is_today(moment: datetime, now: datetime, generation: Generation) -> bool:
    zone = moment.tzinfo if generation.today_of_request else UTC
    return moment.date() == now.astimezone(zone).date()


def _check_interval(interval: str, start: datetime, end: datetime, generation: Generation) -> Refusal | None:
    known = INTERVALS if generation.week_intervals else INTERVALS[:1]
    if interval and interval not in known:
        return bad_value("interval", f"must be one of [{' '.join(known)}]")
    if interval == "week" and not _ends_with_a_week(start, end):
        return Refusal(
            400, {"message": ONE_BAD, "detail": "Last report interval should have at least 6 days."}
        )
    return None


def _ends_with_a_week(start: datetime, end: datetime) -> bool:
    rest = (end - start) % WEEK
    shortened = end.replace(tzinfo=None) - start.replace(tzinfo=None) == MOST_OF_A_WEEK
    return not rest or rest >= MOST_OF_A_WEEK or shortened


def _check_sections(sections: tuple[str, ...]) -> Refusal | None:
    if SECTIONS.issuperset(sections):
        return None
    return bad_value("sections", "must be one of [interval_reports report]")
