"""The geometry of the charts.

Horizontal positions and widths are percentages of the width, so that a chart
fits any screen while its text keeps its size; heights are in pixels.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from insights_exporter.datasets.summary import DAYS
from insights_exporter.exposition.family import HistogramValue
from insights_exporter.web.status.format import format_count, format_day, format_number, format_short_day

HEIGHT = 180.0
_SPARKLINE_HEIGHT = 24.0
_GAP = 0.22
"""Share of its width that a column leaves free."""
_LABEL_INTERVAL = 14
_DAYS_WITHOUT_LABEL = 4
"""Days at the right edge, where a label has no space."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a chart with its tooltip and its CSS class."""

    x: float
    width: float
    y: float
    height: float
    title: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a position; a `minor` one is hidden if space is short."""

    x: float
    y: float
    text: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """A chart of columns with its scale, and a table of the same values."""

    columns: tuple[Column, ...]
    grid: tuple[Label, ...]
    labels: tuple[Label, ...]
    table: tuple[tuple[str, ...], ...]


def build_days_chart(users: Mapping[int, float], today: int) -> ColumnChart:
    """Return the chart of users by day for the last 60 days."""
    days = _list_last_days(users, today)
    top = round_up_scale(max(users.values(), default=0.0))
    step = 100 / DAYS
    known = [(index, day) for index, day in enumerate(days) if day in users]
    columns = []
    for index, day in known:
        weekend = "weekend" if date.fromordinal(day).isoweekday() > 5 else ""
        suffix, kind = (" so far", "today") if day == today else ("", weekend)
        title = f"{format_day(day)}: {format_count(users[day], 'user')}{suffix}"
        columns.append(_build_column(index * step, step, users[day] / top, title, kind))
    labels = tuple(
        Label(index * step, HEIGHT, format_short_day(day))
        for index, day in enumerate(days)
        if day % _LABEL_INTERVAL == 1 and index < DAYS - _DAYS_WITHOUT_LABEL  # every other Monday
    )
    table = tuple((format_day(day), format_number(users[day])) for _, day in reversed(known))
    return ColumnChart(tuple(columns), _build_grid(top), labels, table)


def build_sparkline(users: Mapping[int, float], today: int) -> str:
    """Return the points of a line of the last 60 days, without today, which is not over."""
    known = [
        (index, users[day])
        for index, day in enumerate(_list_last_days(users, today))
        if day in users and day != today
    ]
    top = max((value for _, value in known), default=0.0) or 1.0
    height = _SPARKLINE_HEIGHT - 2
    return " ".join(f"{index * 2},{1 + height * (1 - value / top):.1f}" for index, value in known)


def _list_last_days(users: Iterable[int], today: int) -> range:
    newest = max(users, default=today)
    return range(max(newest - DAYS, 0) + 1, newest + 1)


def build_histogram_chart(
    bounds: Sequence[float],
    histograms: Mapping[str, HistogramValue],
    names: Mapping[str, str],
    write: Callable[[float], str],
) -> ColumnChart:
    """Return the chart of users by bucket, with one column per histogram.

    `names` are what tooltips add for a histogram; `write` formats a bound.
    """
    counts = {
        kind: [count - below for below, count in pairwise((0, *histogram.counts))]
        for kind, histogram in histograms.items()
    }
    width = 100 / (len(bounds) + 1)
    part = width / max(len(counts), 1)
    top = round_up_scale(max((max(each) for each in counts.values()), default=0))
    buckets = [
        f"up to {write(bounds[0])}",
        *(f"{write(lower)} to {write(upper)}" for lower, upper in pairwise(bounds)),
        f"over {write(bounds[-1])}",
    ]
    columns = tuple(
        _build_column(
            index * width + position * part,
            part,
            count / top,
            f"{buckets[index]}: {format_count(count, 'user')}{names[kind]}",
            kind,
        )
        for position, (kind, each) in enumerate(counts.items())
        for index, count in enumerate(each)
    )
    labels = tuple(
        Label((index + 1) * width, HEIGHT, write(bound), minor=index % 2 == 1)
        for index, bound in enumerate(bounds)
    )
    table = tuple(
        (bucket, *(format_number(each[index]) for each in counts.values()))
        for index, bucket in enumerate(buckets)
    )
    return ColumnChart(columns, _build_grid(top), labels, table)


def locate_bound(bounds: Sequence[float], bound: float) -> float:
    """Return the position of a bound in `build_histogram_chart`, in percent of the width."""
    return (bounds.index(bound) + 1) * 100 / (len(bounds) + 1)


def round_up_scale(largest: float) -> float:
    """Return the top of a scale: an even number not below `largest`, the rounder the larger it is."""
    unit = max(10.0 ** math.floor(math.log10(max(largest, 1.0))) / 5, 2.0)
    return max(math.ceil(largest / unit), 1) * unit


def _build_column(x: float, step: float, share: float, title: str, kind: str) -> Column:
    height, gap = share * HEIGHT, step * _GAP
    return Column(x + gap / 2, step - gap, HEIGHT - height, height, title, kind)


def _build_grid(top: float) -> tuple[Label, ...]:
    return tuple(Label(0, HEIGHT * (1 - share), format_number(top * share)) for share in (0.0, 0.5, 1.0))
