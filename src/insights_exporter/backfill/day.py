"""One day of one deployment: asked, converted, rendered as lines without a time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from zoneinfo import ZoneInfo

from insights_exporter.backfill.daily import users_by_day, yesterday
from insights_exporter.backfill.past import Include, Part, datasets_of, part, past_settings
from insights_exporter.coder.client import Coder
from insights_exporter.coder.exchange import Errand
from insights_exporter.coder.failures import RequestFailed
from insights_exporter.config.settings import Window
from insights_exporter.datasets import daus
from insights_exporter.datasets.dataset import Conversion, Dataset, Question, View
from insights_exporter.datasets.spans import midnight
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.limits import withheld
from insights_exporter.exposition.render import render
from insights_exporter.exposition.samples import Samples

DayLines = dict[str, str]
"""Sample lines by the name of the sample, each `name{labels} value`."""

InUse = dict[str, tuple[str, ...]]
"""Ids of the templates in use, by window."""


def sample_names(family: Family) -> Sequence[str]:
    """Name the samples of a family: the parts of a distribution are series of their own."""
    suffixes = ("_bucket", "_gcount", "_gsum") if family.kind == "gaugehistogram" else ("",)
    return [family.name + suffix for suffix in suffixes]


class Past:
    """Asks one deployment about its past, day by day.

    `known` is what all days share: the deployment, its templates, the key of
    pseudonyms. An answer about weeks and months serves all the days that ask
    for it.
    `left_out` is called with a dataset and the reasons why rows of its
    answers could not be understood.
    """

    def __init__(
        self, known: View, include: Include, coder: Coder, left_out: Callable[[str, Sequence[str]], None]
    ) -> None:
        self._deployment = past_settings(known.deployment, include)
        self._base = replace(known, deployment=self._deployment)
        self._include = include
        self._coder = coder
        self._left_out = left_out
        self._known: Mapping[str, bytes] = {}
        self._users: Mapping[int, float] | None = None

    @property
    def has_answered(self) -> bool:
        """Whether there was an answer by now."""
        return bool(self._known)

    async def lines(self, day: date, errand: Errand) -> DayLines:
        """Give what a live scrape would have read on `day`.

        Raises:
            RequestFailed: a question has no answer.
            InvalidAnswer: an answer is not what was asked for.
        """
        asking = _Asking(self._coder, errand, self._known)
        in_use: InUse = {}
        written: DayLines = {}
        for dataset in datasets_of(self._deployment, self._include):
            self._add(written, await self._samples(dataset, day, asking, in_use))
        self._known = asking.bodies
        series = {name: block.count("\n") for name, block in written.items()}
        gone = withheld(series, self._deployment.max_series)
        return {name: block for name, block in written.items() if name not in gone}

    async def _samples(
        self, dataset: Dataset, day: date, asking: "_Asking", in_use: InUse
    ) -> Sequence[Samples]:
        """Give what a dataset says on a day; learn from it which templates are in use."""
        if dataset is daus.DATASET and (known := await self._yesterday(day, asking.errand)):
            return known
        said: list[Conversion] = []
        for window in dataset.windows(self._deployment):
            if dataset.partial and window is not None and window.name not in in_use:
                continue
            asked = part(dataset, self._view(day, window, in_use))
            if self._unsupported(asked):
                continue
            conversion = asked.conversion(await asking.all_of([question for _, question in asked.asked]))
            self._left_out(dataset.name, conversion.invalid)
            said.append(conversion)
            if conversion.in_use is not None and window is not None:
                in_use[window.name] = conversion.in_use
        return [*chain.from_iterable(each.samples for each in said), *dataset.across(said)]

    async def _yesterday(self, day: date, errand: Errand) -> Sequence[Samples]:
        if self._users is None:
            self._users = await users_by_day(self._coder, self._view(day, None, {}), errand)
        return yesterday(day, self._users)

    def _unsupported(self, asked: Part) -> bool:
        return self._coder.dialect == "published" and any(question.needs_extra for _, question in asked.asked)

    def _add(self, written: DayLines, samples: Iterable[Samples]) -> None:
        for each in samples:
            runs = render(each, self._deployment.name).runs
            for name, run in zip(sample_names(each.family), runs, strict=False):
                written[name] = written.get(name, "") + run.decode()

    def _view(self, day: date, window: Window | None, in_use: InUse) -> View:
        return replace(
            self._base,
            window=window,
            now=midnight(day, ZoneInfo(self._deployment.timezone)),
            in_use=in_use.get(window.name, ()) if window else (),
        )


class _Asking:
    """Asks what was not asked for this day or the one before it."""

    def __init__(self, coder: Coder, errand: Errand, known: Mapping[str, bytes]) -> None:
        self.bodies: dict[str, bytes] = {}
        self.errand = errand
        self._coder = coder
        self._known = known

    async def all_of(self, questions: Sequence[Question]) -> Sequence[bytes]:
        """Ask some at once, as far as the pace allows; raises RequestFailed."""
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._body(question)) for question in questions]
        except* RequestFailed as failures:
            first = failures.exceptions[0]
        else:
            return [task.result() for task in asked]
        raise first

    async def _body(self, question: Question) -> bytes:
        key = repr((question.path, question.span, sorted(question.extra.items())))
        if key not in self.bodies:
            self.bodies[key] = self._known.get(key) or await self._coder.ask(question, self.errand)
        return self.bodies[key]
