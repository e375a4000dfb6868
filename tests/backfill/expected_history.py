"""The expected series of a day of the past, from Coder's own responses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from insights_exporter.datasets import server_info
from insights_exporter.datasets.registry import DATASETS
from tests.end_to_end.families import TEMPLATES
from tests.end_to_end.true_series import TRUE_SERIES
from tests.end_to_end.truth import Series, Truth, series


@dataclass(frozen=True, slots=True)
class ExpectedHistory(Truth):
    """An embedded Coder, requested for whole days before `now`, which is a midnight in its time zone."""

    def of_days(self, path: str, first: int, after: int | None = None, /, **more: str) -> Any:  # noqa: ANN401
        """Return the report from `first` days before the midnight up to `after` days before it."""
        times = {
            "start_time": self.now - timedelta(days=first),
            "end_time": self.now - timedelta(days=after or 0),
        }
        return self.get(path, **{name: time.isoformat() for name, time in times.items()}, **more)

    def window(self, path: str, days: int, **more: str) -> Any:  # noqa: ANN401
        """Return the report of the whole days before the midnight."""
        return self.of_days(path, days, **more)


def day_before(truth: Truth) -> Series:
    """Return the number of users on the day before."""
    return series([({"day": "yesterday"}, truth.of_days(TEMPLATES, 1, 0)["report"]["active_users"])])


def start_of_day_before(truth: Truth) -> Series:
    """Return when that day began."""
    return series([({"day": "yesterday"}, (truth.now - timedelta(days=1)).timestamp())])


LIVE_ONLY = {
    family.name
    for families in (
        *(dataset.families for dataset in DATASETS.values() if dataset.backfill == "never"),
        server_info.FAMILIES,
    )
    for family in families
}
"""Families that Coder reports only for the current moment."""


def _has_past(name: str) -> bool:
    return name not in LIVE_ONLY and not name.startswith("coder_insights_group_")


PAST_SERIES: Mapping[str, Callable[[Truth], Series]] = {
    **{name: function for name, function in TRUE_SERIES.items() if _has_past(name)},
    "coder_insights_daily_active_users": day_before,
    "coder_insights_day_start_timestamp_seconds": start_of_day_before,
}
"""The expected series of a day, for each family with history."""
