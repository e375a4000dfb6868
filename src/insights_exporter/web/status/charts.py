"""The geometry of the charts: values in, places out.

Across, everything is in percent of the width, so that a chart fits any
screen while its text keeps its size; heights are in pixels.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from insights_exporter.polling.summary import DAYS
from insights_exporter.web.status import format as words

HEIGHT = 180.0
_SPARK_HEIGHT = 24.0
_GAP = 0.22
_LABEL_EVERY = 14


@dataclass(frozen=True, slots=True)
class Column:
    """A column with what is told of it."""

    x: float
    width: float
    y: float
    height: float
    title: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place: across in percent, down in pixels; a `minor` one is hidden if space is short."""

    x: float
    y: float
    text: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """A chart of columns with its scale, and the table that says the same."""

    columns: tuple[Column, ...]
    grid: tuple[Label, ...]
    labels: tuple[Label, ...]
    table: tuple[tuple[str, ...], ...]


def top_of_scale(largest: float) -> float:
    """Give an even number from `largest` on, the rounder the larger it is."""
    unit = max(10.0 ** math.floor(math.log10(max(largest, 1.0))) / 5, 2.0)
    return max(math.ceil(largest / unit), 1) * unit


def days_chart(users: Mapping[int, float], today: int) -> Columns:
    """Draw users by day: the last 60 days, today among them if it is known."""
    days = _last_days(users, today)
    top = top_of_scale(max(users.values(), default=0.0))
    step = 100 / DAYS
    shown = [(at, day) for at, day in enumerate(days) if day in users]
    columns = tuple(
        _column(at * step, step, users[day] / top, _day_title(day, users[day], today), _kind(day, today))
        for at, day in shown
    )
    labels = tuple(
        Label(at * step, HEIGHT, words.short_day(day)) for at, day in enumerate(days) if _is_labelled(at, day)
    )
    table = tuple((words.day(day), words.number(users[day])) for _, day in reversed(shown))
    return Columns(columns, _grid(top), labels, table)


def sparkline(users: Mapping[int, float], today: int) -> str:
    """Give the points of a small line of the last 60 days, today left out as it is not over."""
    known = [
        (at, users[day]) for at, day in enumerate(_last_days(users, today)) if day in users and day != today
    ]
    top = max((value for _, value in known), default=0.0) or 1.0
    room = _SPARK_HEIGHT - 2
    return " ".join(f"{at * 2},{1 + room * (1 - value / top):.1f}" for at, value in known)


def histogram_chart(
    bounds: Sequence[float],
    counts: Mapping[str, Sequence[int]],
    names: Mapping[str, str],
    write: Callable[[float], str],
) -> Columns:
    """Draw how many users lie between two bounds, a column for each kind of count; `write` adds the unit."""
    width = 100 / (len(bounds) + 1)
    top = top_of_scale(max((max(each) for each in counts.values()), default=0))
    part = width / max(len(counts), 1)
    columns = tuple(
        _column(
            at * width + place * part,
            part,
            count / top,
            f"{_between(bounds, at, write)}: {words.count(count, 'user')}{names[kind]}",
            kind,
        )
        for place, (kind, each) in enumerate(counts.items())
        for at, count in enumerate(each)
    )
    labels = tuple(
        Label((at + 1) * width, HEIGHT, write(bound), minor=at % 2 == 1) for at, bound in enumerate(bounds)
    )
    table = tuple(
        (_between(bounds, at, write), *(words.number(each[at]) for each in counts.values()))
        for at in range(len(bounds) + 1)
    )
    return Columns(columns, _grid(top), labels, table)


def edge(bounds: Sequence[float], bound: float) -> float:
    """Give where a bound of `bins_chart` lies, in percent of the width."""
    return (bounds.index(bound) + 1) * 100 / (len(bounds) + 1)


def _last_days(users: Iterable[int], today: int) -> range:
    newest = max(users, default=today)
    return range(max(newest - DAYS, 0) + 1, newest + 1)


def _column(x: float, step: float, share: float, title: str, kind: str) -> Column:
    height = share * HEIGHT
    gap = step * _GAP
    return Column(x + gap / 2, step - gap, HEIGHT - height, height, title, kind)


def _grid(top: float) -> tuple[Label, ...]:
    return tuple(Label(0, HEIGHT * (1 - share), words.number(top * share)) for share in (0.0, 0.5, 1.0))


def _kind(day: int, today: int) -> str:
    if day == today:
        return "today"
    return "weekend" if date.fromordinal(day).isoweekday() > 5 else ""


def _day_title(day: int, users: float, today: int) -> str:
    return f"{words.day(day)}: {words.count(users, 'user')}{' so far' if day == today else ''}"


def _is_labelled(at: int, day: int) -> bool:
    """Name every other Monday, but none so far right that its name has no room."""
    return day % _LABEL_EVERY == 1 and at < DAYS - 4


def _between(bounds: Sequence[float], at: int, write: Callable[[float], str]) -> str:
    if at == len(bounds):
        return f"over {write(bounds[-1])}"
    if at == 0:
        return f"up to {write(bounds[0])}"
    return f"{write(bounds[at - 1])} to {write(bounds[at])}"
