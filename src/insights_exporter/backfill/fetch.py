"""What a live scrape would have read on a day of the past."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

import msgspec

from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.request import InvalidResponse, Request, Response
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets import daus
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.report_schema import PATH as REPORT_PATH
from insights_exporter.datasets.timerange import day_seconds, midnight, whole_days
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.store import families_to_drop
from insights_exporter.exposition.text import render


@dataclass(frozen=True, slots=True)
class Include:
    """What is written beside the default families."""

    parameters: bool = False
    users: bool = False


@dataclass(frozen=True, slots=True)
class DayRequests:
    """A dataset and window on one day.

    `asked` gives for each question of the live dataset the one that is sent
    in its place, about whole days.
    """

    dataset: Dataset
    context: PollContext
    asked: Sequence[tuple[Request, Request]]

    def conversion(self, bodies: Sequence[bytes]) -> ConvertResult:
        """Convert the answers as those to the live questions.

        Raises:
            InvalidAnswer: one is not what was asked for.
        """
        responses = [Response(live, body) for (live, _), body in zip(self.asked, bodies, strict=True)]
        return self.dataset.convert(self.context, responses)


def backfill_config(deployment: Deployment, include: Include) -> Deployment:
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
    """Yield the datasets that have history, as far as the config and `include` want them."""
    for dataset in DATASETS.values():
        needed = [dataset, DATASETS[dataset.depends_on]] if dataset.depends_on else [dataset]
        is_included = dataset.backfill == "always" or (dataset.backfill == "users" and include.users)
        if is_included and all(each.is_enabled(deployment) for each in needed):
            yield dataset


def part(dataset: Dataset, context: PollContext) -> DayRequests:
    """Give what is asked for a dataset on the day whose first instant is the view's `now`."""
    if dataset is daus.DATASET:
        return DayRequests(dataset, context, [_yesterday(context)])
    requests = dataset.requests(context)
    if context.window is None:
        return DayRequests(dataset, context, [(request, request) for request in requests])
    zone = ZoneInfo(context.deployment.timezone)
    day = context.now.date()
    span = whole_days(day - timedelta(days=context.window.days), day, zone)
    return DayRequests(
        dataset, context, [(request, msgspec.structs.replace(request, span=span)) for request in requests]
    )


def _yesterday(context: PollContext) -> tuple[Request, Request]:
    zone = ZoneInfo(context.deployment.timezone)
    day = context.now.date()
    request = Request(REPORT_PATH, whole_days(day - timedelta(days=1), day, zone), daus.YESTERDAY)
    return request, request


def _is_running_day(window: Window) -> bool:
    return window.include_today and window.days == 1


async def users_by_day(
    coder: CoderClient, context: PollContext, options: RequestOptions
) -> Mapping[int, float]:
    """Ask for what live scraping shows as `yesterday`, and give it by the day's ordinal.

    It is empty where live scraping asks for a report too, and where the
    token may not ask for it.

    Raises:
        RequestFailed: there is no answer for now.
    """
    request, *others = daus.DATASET.requests(context)
    if others or request.path != daus.PATH:
        return {}
    try:
        body = await coder.ask(request, options)
        return dict(daus.DATASET.convert(context, [Response(request, body)]).daily_users)
    except ApiError as failure:
        if failure.transient or failure.reason == "unauthorized":
            raise
        return {}
    except InvalidResponse:
        return {}


def yesterday(today: date, users: Mapping[int, float]) -> tuple[Samples, ...]:
    """Give what was shown on `today` of the day before it, nothing where it is not known."""
    day = today.toordinal() - 1
    if day not in users:
        return ()
    return (
        Samples(daus.DAILY_ACTIVE_USERS, [((daus.YESTERDAY,), users[day])]),
        Samples(daus.DAY_START, [((daus.YESTERDAY,), day_seconds(day))]),
    )


DayLines = dict[str, str]
"""Sample lines by the name of the sample, each `name{labels} value`."""

InUse = dict[str, tuple[str, ...]]
"""Ids of the templates in use, by window."""


def sample_names(family: MetricFamily) -> Sequence[str]:
    """Name the samples of a family: the parts of a distribution are series of their own."""
    suffixes = ("_bucket", "_gcount", "_gsum") if family.kind == "gaugehistogram" else ("",)
    return [family.name + suffix for suffix in suffixes]


class HistoryFetcher:
    """Asks one deployment about its past, day by day.

    `known` is what all days share: the deployment, its templates, the key of
    pseudonyms. An answer about weeks and months serves all the days that ask
    for it.
    `left_out` is called with a dataset and the reasons why rows of its
    answers could not be understood.
    """

    def __init__(
        self,
        known: PollContext,
        include: Include,
        coder: CoderClient,
        left_out: Callable[[str, Sequence[str]], None],
    ) -> None:
        self._deployment = backfill_config(known.deployment, include)
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

    async def lines(self, day: date, options: RequestOptions) -> DayLines:
        """Give what a live scrape would have read on `day`.

        Raises:
            RequestFailed: a question has no answer.
            InvalidAnswer: an answer is not what was asked for.
        """
        asking = _Asking(self._coder, options, self._known)
        in_use: InUse = {}
        written: DayLines = {}
        for dataset in datasets_of(self._deployment, self._include):
            self._add(written, await self._samples(dataset, day, asking, in_use))
        self._known = asking.bodies
        series = {name: block.count("\n") for name, block in written.items()}
        gone = families_to_drop(series, self._deployment.max_series)
        return {name: block for name, block in written.items() if name not in gone}

    async def _samples(
        self, dataset: Dataset, day: date, asking: "_Asking", in_use: InUse
    ) -> Sequence[Samples]:
        """Give what a dataset says on a day; learn from it which templates are in use."""
        if dataset is daus.DATASET and (known := await self._yesterday(day, asking.options)):
            return known
        said: list[ConvertResult] = []
        for window in dataset.windows(self._deployment):
            if dataset.partial and window is not None and window.name not in in_use:
                continue
            asked = part(dataset, self._view(day, window, in_use))
            if self._unsupported(asked):
                continue
            conversion = asked.conversion(await asking.all_of([request for _, request in asked.asked]))
            self._left_out(dataset.name, conversion.invalid)
            said.append(conversion)
            if conversion.in_use is not None and window is not None:
                in_use[window.name] = conversion.in_use
        return [*chain.from_iterable(each.samples for each in said), *dataset.merge_windows(said)]

    async def _yesterday(self, day: date, options: RequestOptions) -> Sequence[Samples]:
        if self._users is None:
            self._users = await users_by_day(self._coder, self._view(day, None, {}), options)
        return yesterday(day, self._users)

    def _unsupported(self, asked: DayRequests) -> bool:
        return self._coder.dialect == "published" and any(request.needs_extra for _, request in asked.asked)

    def _add(self, written: DayLines, samples: Iterable[Samples]) -> None:
        for each in samples:
            runs = render(each, self._deployment.name).runs
            for name, run in zip(sample_names(each.family), runs, strict=False):
                written[name] = written.get(name, "") + run.decode()

    def _view(self, day: date, window: Window | None, in_use: InUse) -> PollContext:
        return replace(
            self._base,
            window=window,
            now=midnight(day, ZoneInfo(self._deployment.timezone)),
            in_use=in_use.get(window.name, ()) if window else (),
        )


class _Asking:
    """Asks what was not asked for this day or the one before it."""

    def __init__(self, coder: CoderClient, options: RequestOptions, known: Mapping[str, bytes]) -> None:
        self.bodies: dict[str, bytes] = {}
        self.options = options
        self._coder = coder
        self._known = known

    async def all_of(self, requests: Sequence[Request]) -> Sequence[bytes]:
        """Ask some at once, as far as the pace allows; raises RequestFailed."""
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._body(request)) for request in requests]
        except* ApiError as failures:
            first = failures.exceptions[0]
        else:
            return [task.result() for task in asked]
        raise first

    async def _body(self, request: Request) -> bytes:
        key = repr((request.path, request.span, sorted(request.extra.items())))
        if key not in self.bodies:
            self.bodies[key] = self._known.get(key) or await self._coder.ask(request, self.options)
        return self.bodies[key]
