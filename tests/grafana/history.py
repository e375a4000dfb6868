"""Three weeks of series for a Prometheus: what a page of the exporter shows, held over that time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tests.peers.promtool import Promtool

STEP: Final = 240
"""Seconds between samples: Prometheus looks back five minutes."""

WEEKS: Final = 22 * 86400
HOURS: Final = 2 * 3600

OVER_WEEKS: Final = (
    "coder_insights_daily_active_users",
    "coder_insights_template_daily_active_users",
    "coder_insights_template_active_users",
    "coder_insights_weekly_active_users",
    "coder_insights_monthly_active_users",
)
"""What queries look back at for days; of all else the last hours will do."""

BLOCK: Final = "486h"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A series of a page."""

    name: str
    labels: Labels
    value: float

    def of(self, target: dict[str, str]) -> "Series":
        """Give it as a scrape of `target` names it."""
        return Series(self.name, (*self.labels, *target.items()), self.value)


def read(page: str) -> list[Series]:
    """Give the series of a page in the text format."""
    return [
        Series(sample.name, tuple(sample.labels.items()), sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]


def lines(series: Iterable[Series], now: int) -> Iterator[str]:
    """Give the samples of `series` up to `now`, as OpenMetrics."""
    for one in series:
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in one.labels)
        start = now - (WEEKS if one.name in OVER_WEEKS else HOURS)
        for at in range(start, now, STEP):
            yield f"{one.name}{{{labels}}} {one.value} {at}\n"
    yield "# EOF\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def store(promtool: Promtool, series: Iterable[Series], now: int, folder: Path) -> Path:
    """Make blocks of `series` that a Prometheus can be started on, and give their folder."""
    folder.mkdir(parents=True)
    text, blocks = folder / "history.txt", folder / "data"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(lines(series, now))
    command = ("tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={BLOCK}", "--quiet")
    done = promtool.run(*command, str(text), str(blocks), seconds=100)
    assert 0 == done.returncode, done.stderr
    return blocks
