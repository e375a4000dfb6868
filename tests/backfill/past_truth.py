"""What the series of a day of the past must be, asked by hand as for those of now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.end_to_end.families import TEMPLATES
from tests.end_to_end.true_series import TRUE_SERIES
from tests.end_to_end.truth import Series, Truth, series


@dataclass(frozen=True, slots=True)
class PastTruth(Truth):
    """An embedded Coder, asked about what was whole as a day began: `now` is that midnight, in its zone."""

    def of_days(self, path: str, first: int, after: int | None = None, /, **more: str) -> Any:  # noqa: ANN401
        """Give the report from `first` days before the midnight up to `after` days before it."""
        times = {
            "start_time": self.now - timedelta(days=first),
            "end_time": self.now - timedelta(days=after or 0),
        }
        return self.get(path, **{name: time.isoformat() for name, time in times.items()}, **more)

    def window(self, path: str, days: int, **more: str) -> Any:  # noqa: ANN401
        """Give the report of the whole days before the midnight."""
        return self.of_days(path, days, **more)


def day_before(truth: Truth) -> Series:
    """Give how many users there were on the day before."""
    return series([({"day": "yesterday"}, truth.of_days(TEMPLATES, 1, 0)["report"]["active_users"])])


def its_start(truth: Truth) -> Series:
    """Give when that day began."""
    return series([({"day": "yesterday"}, (truth.now - timedelta(days=1)).timestamp())])


NO_PAST = {"coder_insights_users", "coder_insights_template_info", "coder_insights_build_info"}
"""Coder tells these of this moment only."""

PAST_SERIES: Mapping[str, Callable[[Truth], Series]] = {
    **{name: told for name, told in TRUE_SERIES.items() if name not in NO_PAST},
    "coder_insights_daily_active_users": day_before,
    "coder_insights_day_start_timestamp_seconds": its_start,
}
"""For each family with a past, the series that a day of it must have."""
