"""The geometry of the charts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.datasets.summary import DAYS
from insights_exporter.exposition.family import HistogramValue
from insights_exporter.web.status.charts import (
    HEIGHT,
    build_days_chart,
    build_histogram_chart,
    build_sparkline,
    locate_bound,
    round_up_scale,
)
from insights_exporter.web.status.format import format_latency

BOUNDS = (0.1, 0.15, 0.3, 1.0)
TODAY = 740_000


@given(st.floats(0, 1e9))
def test_scale_reaches_the_largest_value(largest: float) -> None:
    """The scale ends at an even number that is not below the largest value, and not far above."""
    top = round_up_scale(largest)

    assert top >= largest
    assert top % 2 == pytest.approx(0, abs=1e-6)
    assert top <= max(2 * largest, 4)


@given(st.dictionaries(st.integers(TODAY - 200, TODAY), st.floats(0, 1e6)))
def test_days_stay_within_the_plot(users: dict[int, float]) -> None:
    """All columns are within the plot, for any days and numbers of users."""
    for column in build_days_chart(users, TODAY).columns:
        assert column.x >= 0
        assert column.x + column.width <= 100
        assert column.y >= -1e-6
        assert column.y + column.height == pytest.approx(HEIGHT)


def test_last_sixty_days_are_shown() -> None:
    """The last 60 days are shown, and an unknown day leaves a gap."""
    users = {day: 1.0 for day in range(TODAY - 99, TODAY + 1) if day != TODAY - 5}

    assert DAYS - 1 == len(build_days_chart(users, TODAY).columns)


@pytest.mark.parametrize("day", [1, 3, date.max.toordinal()])
def test_first_and_last_days_of_the_calendar(day: int) -> None:
    """Any day of the calendar can be drawn."""
    assert 1 == len(build_days_chart({day: 1.0}, TODAY).columns)
    assert build_sparkline({day: 1.0}, TODAY).endswith(",1.0")


def test_height_is_the_share_of_the_scale() -> None:
    """A column is as high as its value is on the scale."""
    (column,) = build_days_chart({TODAY: 5.0}, TODAY).columns

    assert HEIGHT * 5 / 6 == pytest.approx(column.height)


def test_today_and_weekends_are_marked() -> None:
    """The day that is not over looks different, and so do Saturday and Sunday."""
    friday = date(2026, 5, 15).toordinal()

    kinds = [
        column.kind
        for column in build_days_chart({friday + offset: 1.0 for offset in range(4)}, friday + 3).columns
    ]

    assert ["", "weekend", "weekend", "today"] == kinds


def test_table_has_the_newest_day_first() -> None:
    """The table of a chart has the same values, newest first."""
    chart = build_days_chart({TODAY - 1: 12.0, TODAY: 3.0}, TODAY)

    assert ("3", "12") == tuple(users for _, users in chart.table)


def test_sparkline_ends_before_today() -> None:
    """The sparkline ends with the last whole day."""
    assert 2 == len(build_sparkline({TODAY - 2: 1.0, TODAY - 1: 2.0, TODAY: 9.0}, TODAY).split())


def test_nothing_known_draws_nothing() -> None:
    """Without a day there is no column and no line."""
    assert () == build_days_chart({}, TODAY).columns
    assert "" == build_sparkline({}, TODAY)


def test_histogram_buckets() -> None:
    """Each bucket has a column per percentile, side by side, and buckets meet at their bounds."""
    chart = build_histogram_chart(
        BOUNDS,
        {"p50": HistogramValue((1, 1, 1, 1, 1), 0.0), "p95": HistogramValue((0, 2, 2, 2, 2), 0.0)},
        {"p50": " (a)", "p95": " (b)"},
        format_latency,
    )

    heights = {column.title: column.height for column in chart.columns if column.height}

    assert {"up to 100 ms: 1 user (a)": HEIGHT / 2, "100 ms to 150 ms: 2 users (b)": HEIGHT} == heights
    assert [20.0, 40.0, 60.0, 80.0] == [locate_bound(BOUNDS, bound) for bound in BOUNDS]
    assert ("over 1 s", "0", "0") == chart.table[-1]
