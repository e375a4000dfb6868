"""Numbers, times and durations as text for readers."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from markupsafe import Markup

from insights_exporter.config.models import Window, parse_window_days

DASH = "–"  # noqa: RUF001 -- a dash, as in printed tables
"""Stands for an unknown value."""

_NAME_PARTS = re.compile(r"[^._/:-]*[._/:-]?")
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
_EARLIEST, _LATEST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1, 9999))


def format_number(value: float | None) -> str:
    """Return a count, such as `12,345`, or a dash for None."""
    return DASH if value is None else f"{value:,.0f}"


def format_count(value: float, noun: str) -> str:
    """Return a count with its noun: `1 user`, `12 users`."""
    return f"{format_number(value)} {noun}{'' if value == 1 else 's'}"


def format_percent(part: float, whole: float) -> str:
    """Return a share such as `6.7%`, or a dash if `whole` is 0."""
    return f"{100 * part / whole:.1f}%" if whole else DASH


def format_usage_time(seconds: float) -> str:
    """Return a time of use: `1,234 h`, `3.5 h`, `12 min`."""
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36000 else f"{seconds / 3600:,.0f} h"


def format_duration(seconds: float) -> str:
    """Return a duration in its largest unit, rounded down: `3 min`, `2 h`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{int(max(seconds, 0))} s"


def format_age(timestamp: float | None, now: float) -> str:
    """Return the age of a timestamp, such as `3 min ago`, or a dash for None."""
    return DASH if timestamp is None else f"{format_duration(now - timestamp)} ago"


def format_elapsed(seconds: float | None) -> str:
    """Return a short duration with its fraction, such as `38 ms` or `1.2 s`, or a dash for None."""
    if seconds is None:
        return DASH
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def format_latency(seconds: float) -> str:
    """Return a bucket bound of latency with its unit: `150 ms`, `1 s`."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def format_active_time(seconds: float) -> str:
    """Return a bucket bound of active time with its unit: `15 min`, `24 h`."""
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def format_time(timestamp: float, form: str = "%Y-%m-%d %H:%M UTC") -> str:
    """Return a timestamp in UTC, limited to the years 1 to 9999."""
    return datetime.fromtimestamp(min(max(timestamp, _EARLIEST), _LATEST), UTC).strftime(form)


def format_day(ordinal: int) -> str:
    """Return a day with its weekday: `Fri 20 Nov 2026`."""
    day = date.fromordinal(ordinal)
    return f"{day:%a} {day.day} {day:%b %Y}"


def format_short_day(ordinal: int) -> str:
    """Return a day without weekday and year: `20 Nov`."""
    day = date.fromordinal(ordinal)
    return f"{day.day} {day:%b}"


def describe_window(window: Window) -> str:
    """Return a description of a window: `today`, `last 7 days`, `quarter (last 90 days)`."""
    if window.days == 1:
        period = "today" if window.include_today else "yesterday"
    else:
        period = f"last {window.days} {'days' if window.include_today else 'whole days'}"
    return period if parse_window_days(window.name) == window.days else f"{window.name} ({period})"


def format_sentence(remedy: str) -> str:
    """Return a remedy, which the log shows in lower case, as a sentence."""
    return f"{remedy[:1].upper()}{remedy[1:]}."


def insert_breaks(name: str) -> Markup:
    """Return a name as HTML whose lines break after punctuation instead of within words."""
    return Markup("<wbr>").join(filter(None, _NAME_PARTS.findall(name)))


FILTERS: Mapping[str, Callable[..., str]] = {
    "age": format_age,
    "breakable": insert_breaks,
    "count_of": format_count,
    "duration": format_duration,
    "elapsed": format_elapsed,
    "number": format_number,
    "sentence": format_sentence,
    "time": format_time,
    "usage_time": format_usage_time,
}
"""The filters of the templates."""
