"""The series of a Prometheus that has watched for three weeks: what was backfilled, then what was scraped."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tests.integration.promtool import Promtool

STEP: Final = 240
"""Seconds between samples: Prometheus looks back five minutes."""

WHOLE: Final = "744h"
"""As few blocks as can be, so that promtool reads the file a few times only."""

REQUEST_DURATION: Final = "insights_exporter_request_duration_seconds_bucket"

Target = Mapping[str, str]
"""The labels that a scrape adds."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series of a page."""

    name: str
    labels: Mapping[str, str]
    value: float

    def format(self, target: Target) -> str:
        """Return its name and labels as stored by a scrape of `target`."""
        labels = [f'{name}="{_escape(value)}"' for name, value in {**self.labels, **target}.items()]
        return f"{self.name}{{{','.join(labels)}}}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def read(page: str) -> list[Series]:
    """Return the series of a page in the text format."""
    return [
        Series(sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]


def repeat_samples(series: Iterable[Series], target: Target, since: int, until: int) -> Iterator[str]:
    """Yield the samples of a target that showed `series` all the time, with a request in each step."""
    for one in series:
        series_text, growth = one.format(target), one.name == REQUEST_DURATION
        for count, at in enumerate(range(since, until, STEP)):
            yield f"{series_text} {one.value + growth * count} {at}\n"


def shift_samples(backfilled: Path, target: Target, seconds: int) -> Iterator[str]:
    """Yield the samples of a backfilled file, `seconds` later and with the labels of `target`."""
    labels = "".join(f'{name}="{_escape(value)}",' for name, value in target.items())
    with backfilled.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                series, value, at = line.rsplit(" ", 2)
                yield f"{series.replace('{', '{' + labels, 1)} {value} {int(at) + seconds}\n"


def store(promtool: Promtool, lines: Iterable[str], folder: Path) -> None:
    """Make blocks of samples that a Prometheus can be started on: in `folder/data`."""
    folder.mkdir(parents=True)
    file = folder / "history.txt"
    with file.open("w", encoding="utf-8") as text:
        text.writelines(lines)
        text.write("# EOF\n")
    command = ("tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={WHOLE}", "--quiet")
    done = promtool.run(*command, str(file), str(folder / "data"), seconds=200)
    file.unlink()
    assert 0 == done.returncode, done.stderr
