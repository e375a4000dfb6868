"""What is asked about a day of the past, and what a live scrape would have read on it.

All in here is pure. A day shows what was whole at its first instant: the
day, weeks and months before it, and each window that ends at its midnight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from insights_exporter.config.settings import DatasetName, DatasetSettings, Deployment, Window
from insights_exporter.datasets import daus
from insights_exporter.datasets.dataset import Answer, Conversion, Dataset, Question, View
from insights_exporter.datasets.reports import PATH as REPORT_PATH
from insights_exporter.datasets.spans import days_span
from insights_exporter.datasets.table import DATASETS

_DEFAULT: tuple[DatasetName, ...] = ("daus", "periods", "templates", "template-breakdown")
_OF_USERS: tuple[DatasetName, ...] = ("user-activity", "user-latency")


@dataclass(frozen=True, slots=True)
class Include:
    """What is written beside the default families."""

    parameters: bool = False
    users: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A dataset and window on one day.

    `asked` gives for each question of the live dataset the one that is sent
    in its place, about whole days.
    """

    dataset: Dataset
    view: View
    asked: Sequence[tuple[Question, Question]]

    def conversion(self, bodies: Sequence[bytes]) -> Conversion:
        """Convert the answers as those to the live questions.

        Raises:
            InvalidAnswer: one is not what was asked for.
        """
        answers = [Answer(live, body) for (live, _), body in zip(self.asked, bodies, strict=True)]
        return self.dataset.convert(self.view, answers)


def past_settings(deployment: Deployment, include: Include) -> Deployment:
    """Leave out what is not to be written: running days, and unless included parameters and users."""
    windows = tuple(window for window in deployment.windows if not _is_running_day(window))
    names = {window.name for window in windows}
    shown = tuple(name for name in deployment.parameters.windows if name in names and include.parameters)
    asked = tuple(name for name in deployment.templates.windows if name in names)
    by_template = deployment.templates.model_copy(
        update={"windows": asked, "users": deployment.templates.users and include.users}
    )
    return deployment.model_copy(
        update={
            "windows": windows,
            "parameters": deployment.parameters.model_copy(update={"windows": shown}),
            "templates": by_template,
        }
    )


def datasets_of(deployment: Deployment, include: Include) -> Iterator[Dataset]:
    """Give the datasets that have a past, as far as the settings want them."""
    for name in (*_DEFAULT, *(_OF_USERS if include.users else ())):
        dataset = DATASETS[name]
        if _enabled(deployment, name) and (not dataset.partial or _enabled(deployment, "templates")):
            yield dataset


def part(dataset: Dataset, view: View) -> Part:
    """Give what is asked for a dataset on the day whose first instant is the view's `now`."""
    if dataset is daus.DATASET:
        return Part(dataset, view, [_yesterday(view)])
    questions = dataset.questions(view)
    if view.window is None:
        return Part(dataset, view, [(question, question) for question in questions])
    zone = ZoneInfo(view.deployment.timezone)
    day = view.now.date()
    span = days_span(day - timedelta(days=view.window.days), day, zone)
    return Part(
        dataset, view, [(question, msgspec.structs.replace(question, span=span)) for question in questions]
    )


def _yesterday(view: View) -> tuple[Question, Question]:
    zone = ZoneInfo(view.deployment.timezone)
    day = view.now.date()
    question = Question(REPORT_PATH, days_span(day - timedelta(days=1), day, zone), daus.YESTERDAY)
    return question, question


def _enabled(deployment: Deployment, name: DatasetName) -> bool:
    return deployment.datasets.get(name, DatasetSettings()).enabled


def _is_running_day(window: Window) -> bool:
    return window.include_today and window.days == 1
