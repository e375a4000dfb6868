"""Numbers, times and durations as people read them."""

from datetime import UTC, date, datetime

from insights_exporter.config.models import Window, window_days

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
_FEW = 10
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1, 9999))
NOTHING = "–"  # noqa: RUF001 -- a dash, as in printed tables


def number(value: float | None) -> str:
    """Write a count: `12,345`, a dash where there is none."""
    return NOTHING if value is None else f"{value:,.0f}"


def count(value: float, noun: str) -> str:
    """Return a number of things: `1 user`, `12 users`."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def hours(seconds: float) -> str:
    """Write a time of use: `1,234 h`, `3.5 h`, `12 min`."""
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    amount = seconds / 3600
    return f"{amount:.1f} h" if amount < _FEW else f"{amount:,.0f} h"


def span(seconds: float) -> str:
    """Write a duration in its largest unit, rounded down: `3 min`, `2 h`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{int(max(seconds, 0))} s"


def ago(moment: float, now: float) -> str:
    """Write how long ago a moment was."""
    return f"{span(now - moment)} ago"


def took(seconds: float) -> str:
    """Write how long something took: `38 ms`, `1.2 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def clock(moment: float) -> str:
    """Write a moment in UTC, for people; one that no calendar has as the nearest that there is."""
    return _in_utc(moment).strftime("%Y-%m-%d %H:%M UTC")


def iso(moment: float) -> str:
    """Write a moment in UTC, for machines."""
    return _in_utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(ordinal: int) -> str:
    """Write a day with its weekday: `Fri 20 Nov 2026`."""
    found = date.fromordinal(ordinal)
    return f"{found:%a} {found.day} {found:%b %Y}"


def short_day(ordinal: int) -> str:
    """Write a day in short: `20 Nov`."""
    found = date.fromordinal(ordinal)
    return f"{found.day} {found:%b}"


def percent(part: float, whole: float) -> str:
    """Write a share: `6.7%`."""
    return f"{100 * part / whole:.1f}%" if whole else NOTHING


def latency(seconds: float) -> str:
    """Return a bound of latency with its unit: `150 ms`, `1 s`."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def active_time(seconds: float) -> str:
    """Return a bound of active time with its unit: `15 min`, `24 h`."""
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def window(chosen: Window) -> str:
    """Return a window in words: `today`, `last 7 days`, `quarter (last 90 days)`."""
    if chosen.days == 1:
        period = "today" if chosen.include_today else "yesterday"
    else:
        period = f"last {chosen.days} {'days' if chosen.include_today else 'whole days'}"
    return period if window_days(chosen.name) == chosen.days else f"{chosen.name} ({period})"


def week(monday: int) -> str:
    """Return the week that begins on a day: `16 Nov to 22 Nov`."""
    return f"{short_day(monday)} to {short_day(monday + 6)}"


def month(chosen: date) -> str:
    """Return a month: `Oct 2026`."""
    return f"{chosen:%b %Y}"


def _in_utc(moment: float) -> datetime:
    return datetime.fromtimestamp(min(max(moment, _FIRST), _LAST), UTC)
