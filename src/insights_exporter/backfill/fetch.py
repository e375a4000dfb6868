"""The history of one deployment: what a live scrape would have read on a day of the past."""

import asyncio
from collections import Counter
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
from insights_exporter.config.validation import remove_missing_windows
from insights_exporter.datasets.base import ConvertResult, DailyHistory, Dataset, PollContext
from insights_exporter.datasets.registry import select_enabled
from insights_exporter.datasets.timerange import find_midnight, span_days
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.store import select_families_to_drop
from insights_exporter.exposition.text import list_sample_names, render

DaySamples = dict[str, str]
"""Sample lines by sample name, each `name{labels} value`."""

TemplatesInUse = dict[str, tuple[str, ...]]
"""Ids of the templates in use, by window."""


@dataclass(frozen=True, slots=True)
class Include:
    """What is written in addition to the default families."""

    parameters: bool = False
    users: bool = False


def restrict_config(deployment: Deployment, include: Include) -> Deployment:
    """Remove what has no history (running days) or is not included (parameters, users)."""
    parameters, templates = deployment.parameters, deployment.templates
    if not include.parameters:
        parameters = parameters.model_copy(update={"windows": ()})
    update = {
        "windows": tuple(each for each in deployment.windows if not each.include_today or each.days > 1),
        "parameters": parameters,
        "templates": templates.model_copy(update={"users": templates.users and include.users}),
    }
    return remove_missing_windows(deployment.model_copy(update=update))


def select_datasets(
    deployment: Deployment, include: Include, datasets: Mapping[str, Dataset]
) -> Iterator[Dataset]:
    """Yield the datasets that have a history, are enabled and included."""
    for dataset in select_enabled(deployment, datasets):
        if dataset.backfill == "always" or (dataset.backfill == "users" and include.users):
            yield dataset


def build_historic_requests(dataset: Dataset, context: PollContext) -> Sequence[tuple[Request, Request]]:
    """Return the live requests of a dataset, each with the one to send instead, for whole days.

    The day begins at the context's `now`.
    """
    zone, day = ZoneInfo(context.deployment.timezone), context.now.date()
    requests = (dataset.historic_requests or dataset.requests)(context)
    if context.window is None:
        return [(request, request) for request in requests]
    span = span_days(day - timedelta(days=context.window.days), day, zone)
    return [(request, msgspec.structs.replace(request, span=span)) for request in requests]


class HistoryFetcher:
    """Fetches the history of one deployment, day by day.

    `context` is what all days share: the deployment, its templates, the key
    for pseudonyms. A response about weeks and months serves all the days that
    request it. `on_invalid_rows` is called with a dataset and the reasons why
    rows of its responses were dropped.
    """

    def __init__(
        self,
        context: PollContext,
        datasets: Iterable[Dataset],
        coder: CoderClient,
        options: RequestOptions,
        on_invalid_rows: Callable[[str, Sequence[str]], None],
    ) -> None:
        self._deployment = context.deployment
        self._base = context
        self._datasets = tuple(datasets)
        self._coder = coder
        self._options = options
        self._on_invalid_rows = on_invalid_rows
        self._responses: dict[str, bytes] = {}
        self._earlier_responses: dict[str, bytes] = {}
        self._daily_users: Mapping[int, float] | None = None

    async def fetch(self, day: date) -> DaySamples:
        """Return what a live scrape would have read on `day`.

        Raises:
            ApiError: A request failed.
            InvalidResponse: A response is invalid.
        """
        self._earlier_responses, self._responses = self._responses, {}
        in_use: TemplatesInUse = {}
        lines: DaySamples = {}
        series: Counter[MetricFamily] = Counter()
        for dataset in self._datasets:
            for samples in await self._fetch_dataset(dataset, day, in_use):
                series[samples.family] += samples.series
                sections = render(samples, self._deployment.name).sections
                for name, section in zip(list_sample_names(samples.family), sections, strict=False):
                    lines[name] = lines.get(name, "") + section.decode()
        families = select_families_to_drop(series, self._deployment.max_series)
        dropped = {name for family in families for name in list_sample_names(family)}
        return {name: section for name, section in lines.items() if name not in dropped}

    async def _fetch_dataset(self, dataset: Dataset, day: date, in_use: TemplatesInUse) -> Iterable[Samples]:
        """Return the samples of a dataset on a day, and record which templates are in use."""
        if history := dataset.daily_history:
            context = self._build_context(day, None, {})
            if samples := history.convert(context, await self._fetch_users_by_day(history)):
                return samples
        results: list[ConvertResult] = []
        for window in dataset.windows(self._deployment):
            if dataset.depends_on and window is not None and window.name not in in_use:
                continue
            context = self._build_context(day, window, in_use)
            pairs = build_historic_requests(dataset, context)
            if self._coder.dialect == "published" and any(sent.needs_extra for _, sent in pairs):
                continue
            bodies = await self._request_all([sent for _, sent in pairs])
            requests = [live for live, _ in pairs]
            converted = [dataset.convert(context, each) for each in map(Response, requests, bodies)]
            results += [*converted, dataset.unrequested(context, requests)]
            self._on_invalid_rows(dataset.name, [reason for each in converted for reason in each.invalid])
            for result in converted:
                if result.in_use is not None and window is not None:
                    in_use[window.name] = result.in_use
        return [*chain.from_iterable(each.samples for each in results), *dataset.merge_windows(results)]

    async def _fetch_users_by_day(self, history: DailyHistory) -> Mapping[int, float]:
        """Return users by day, none if the days are not UTC days or the token may not read them.

        Raises:
            ApiError: The request failed, though it may succeed later.
        """
        if self._daily_users is None and history.covers(self._deployment):
            try:
                self._daily_users = history.read(await self._coder.get(history.request, self._options))
            except (ApiError, InvalidResponse) as error:
                if isinstance(error, ApiError) and (error.transient or error.reason == "unauthorized"):
                    raise
        self._daily_users = self._daily_users or {}
        return self._daily_users

    def _build_context(self, day: date, window: Window | None, in_use: TemplatesInUse) -> PollContext:
        return replace(
            self._base,
            window=window,
            now=find_midnight(day, ZoneInfo(self._deployment.timezone)),
            in_use=in_use.get(window.name, ()) if window else (),
        )

    async def _request_all(self, requests: Sequence[Request]) -> Sequence[bytes]:
        """Return the bodies of the responses to concurrent requests; raises ApiError."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._request(request)) for request in requests]
        except* ApiError as errors:
            first = errors.exceptions[0]
        else:
            return [task.result() for task in tasks]
        raise first

    async def _request(self, request: Request) -> bytes:
        """Send a request that was not sent for this day or the one before it."""
        key = repr((request.path, request.span, sorted(request.extra.items())))
        if key not in self._responses:
            earlier = self._earlier_responses.get(key)
            self._responses[key] = earlier or await self._coder.get(request, self._options)
        return self._responses[key]
