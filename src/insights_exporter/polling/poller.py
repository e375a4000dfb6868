"""Polls one deployment: asks, converts, publishes, and knows how it goes."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.clock import ServerClock
from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.request import Request, Response
from insights_exporter.config.models import Deployment
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.timerange import midnight
from insights_exporter.exposition.store import Source
from insights_exporter.polling.availability import Availability
from insights_exporter.polling.event_log import StateChangeLogger
from insights_exporter.polling.expiry import ExpiryTimers
from insights_exporter.polling.fetch import (
    PollResult,
    ask_in_steps,
    convert,
    convert_partial,
    error_location,
    fetch_each,
)
from insights_exporter.polling.jobs import Job
from insights_exporter.polling.publisher import Publisher, RequestObserver
from insights_exporter.polling.server_info import TemplateIndex
from insights_exporter.polling.summary import SummaryStore

P = ParamSpec("P")
T = TypeVar("T")

_SHORTEST_DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class PollerContext:
    """What a poller works with: the parts of one deployment, and those that all share."""

    deployment: Deployment
    coder: CoderClient
    clock: ServerClock
    names: TemplateIndex
    publisher: Publisher
    converter: Executor
    pseudonym_key: bytes | None = None


class Poller:
    """Polls the datasets of one deployment, each when its one of `jobs` is run.

    `advance` is called with a job that has to run again soon.
    """

    def __init__(self, bench: PollerContext, jobs: Iterable[Job], advance: Callable[[Job], None]) -> None:
        self._bench = bench
        self._zone = ZoneInfo(bench.deployment.timezone)
        self.glances = SummaryStore()
        self.patience = math.inf
        """Seconds that a poll may take at most, whatever its interval."""
        self._publisher = bench.publisher
        self._advance = advance
        self._availability = Availability(jobs, advance)
        self._news = StateChangeLogger(bench.deployment.name)
        self._said: dict[str, dict[str, ConvertResult]] = {}
        self._ages = ExpiryTimers(self._stale)
        self._days = ExpiryTimers(self._day_over)
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        """Held while kept answers are looked at, converted and served, so that no older ones come later."""

    async def poll(self, job: Job) -> None:
        """Poll once, and let the health tell how it went."""
        loop = asyncio.get_running_loop()
        if loop.time() < job.requests.not_before:
            return
        if job.dataset.partial:
            await self._bench.names.known(job.poll.window)
        started = loop.time()
        try:
            await self._collect(job)
        except ApiError as failure:
            self._failed(job, failure, started)
        except Exception as error:  # noqa: BLE001 -- no answer, however odd, may end a job
            self._failed(job, ApiError("exporter_bug", error_location(error)), started)
        else:
            self._succeeded(job, started)
        if job.dataset.names_templates:
            self._bench.names.listed(None)
        self._publisher.health(*self._availability.told_with(job))

    def give_up(self, job: Job, failure: ApiError) -> None:
        """Let the health tell that a job was not even begun."""
        self._failed(job, failure, asyncio.get_running_loop().time())
        self._publisher.health(job.dataset.name)

    def close(self) -> None:
        """Take nothing away any more, and begin nothing."""
        self._ages.close()
        self._days.close()

    async def _collect(self, job: Job) -> None:
        context = self.context(job)
        if job.dataset.partial:
            await self._collect_each(job, context, job.dataset.requests(context))
            return
        asked = await ask_in_steps(
            self._bench.coder, job.dataset, context, self._errand(job), self._bench.converter
        )
        if asked.responses or not asked.failure:
            result = await self._converted(job, context, asked.responses)
            self._note_rows(job, result.said.invalid)
            self._serve(job, context, result, job.poll.pace.max_age)
        if asked.failure:
            raise asked.failure

    async def _collect_each(self, job: Job, before: PollContext, requests: Sequence[Request]) -> None:
        """Take the answers that there are, and serve kept ones for the others."""
        asked = await fetch_each(self._bench.coder, requests, self._errand(job))
        async with self._turn:
            now, context = asyncio.get_running_loop().time(), self.context(job)
            beside = partial(job.kept.beside, requests, now)
            partly = await self._in_thread(convert_partial, job.dataset, context, asked.responses, beside)
            job.requests.failures["invalid"] += len(asked.responses) - len(partly.good)
            job.kept.renew(requests, partly.good, now)
            self._note_rows(job, partly.invalid)
            failure = asked.failure or partly.failure
            if partly.good or not failure:
                self._serve(job, before, partly.result, job.kept.next_death(now))
        if failure:
            raise failure

    async def _serve_kept(self, job: Job) -> None:
        """Serve the kept answers that are still good."""
        async with self._turn:
            now, context = asyncio.get_running_loop().time(), self.context(job)
            try:
                result = await self._converted(job, context, job.kept.alive(now))
                self._serve(job, context, result, job.kept.next_death(now))
            except Exception:
                self._withdraw(job)  # its deadline is over, and no other is set
                raise

    async def _converted(self, job: Job, context: PollContext, responses: Sequence[Response]) -> PollResult:
        try:
            return await self._in_thread(convert, job.dataset, context, responses)
        except ApiError as failure:
            job.requests.failures[failure.reason] += 1
            raise

    def _note_rows(self, job: Job, reasons: tuple[str, ...]) -> None:
        job.requests.rows_invalid += len(reasons)
        self._news.rows_invalid(job.poll.dataset, reasons)

    def _serve(self, job: Job, context: PollContext, result: PollResult, lives: float) -> None:
        """Serve what was asked when `view` was taken, for the day of which it is."""
        job.poll.folded = result.said.folded
        self._publisher.data(self._source(job), result.chunks)
        self.glances.saw(job.poll.dataset, job.poll.window, result.seen)
        self._ages.put(job, lives)
        self._pass_on(job, result.said)
        if job.names_a_day or any(family.expires_at_midnight for family in result.chunks):
            self._days.put(job, self._left_of_day(context))

    def _pass_on(self, job: Job, said: ConvertResult) -> None:
        """Tell what other jobs wait for, and what the windows of a dataset say together."""
        if said.templates is not None:
            self._bench.names.listed(said.templates)
        if said.in_use is not None:
            self._bench.names.reported(job.poll.window, said.in_use)
        if job.window is not None:
            self._said.setdefault(job.dataset.name, {})[job.poll.window] = said
            self._show_across(job.dataset)

    def _show_across(self, dataset: Dataset) -> None:
        samples = dataset.merge_windows(self._said[dataset.name].values())
        self._publisher.show(self._publisher.source(dataset.name, ""), samples)

    def _stale(self, job: Job) -> None:
        """Serve a job's data no longer, but for kept answers that are still good."""
        if job.kept.alive(asyncio.get_running_loop().time()):
            self._background(self._serve_kept(job))
        else:
            self._withdraw(job)

    def _day_over(self, job: Job) -> None:
        """Serve nothing more of the day that is over, and poll soon what named it."""
        if job.names_a_day:
            job.kept.forget()
            self._withdraw(job)
        else:
            self._publisher.withdraw(self._source(job), rolling_only=True)
            self.glances.end_day(job.poll.dataset, job.poll.window)
        self._advance(job)

    def _withdraw(self, job: Job) -> None:
        self._publisher.withdraw(self._source(job))
        self.glances.forget(job.poll.dataset, job.poll.window)
        if self._said.get(job.dataset.name, {}).pop(job.poll.window, None):
            self._show_across(job.dataset)

    def _source(self, job: Job) -> Source:
        return self._publisher.source(job.poll.dataset, job.poll.window)

    def _failed(self, job: Job, failure: ApiError, started: float) -> None:
        now = asyncio.get_running_loop().time()
        self._availability.failed(job, failure, started)
        job.poll.failed(time.time(), now - started, failure)
        self._news.failed(job.name, job.dataset.name, failure, now)

    def _succeeded(self, job: Job, started: float) -> None:
        now = asyncio.get_running_loop().time()
        self._availability.there(job)
        job.poll.succeeded(time.time(), now - started)
        self._news.succeeded(job.name, now)

    def context(self, job: Job) -> PollContext:
        """Return what a poll of a job goes by, as of now."""
        return PollContext(
            deployment=self._bench.deployment,
            window=job.window,
            now=self._bench.clock.now().astimezone(self._zone),
            templates=self._bench.names.templates,
            in_use=self._bench.names.in_use(job.poll.window),
            pseudonym_key=self._bench.pseudonym_key,
        )

    def _left_of_day(self, context: PollContext) -> float:
        tomorrow = midnight(context.now.date() + timedelta(days=1), self._zone)
        return (tomorrow - self._bench.clock.now()).total_seconds()

    def _errand(self, job: Job) -> RequestOptions:
        seconds = min(max(job.poll.pace.every, _SHORTEST_DEADLINE), self.patience)
        deadline = asyncio.get_running_loop().time() + seconds
        observer = RequestObserver(job.requests, self._publisher)
        return RequestOptions(
            observer,
            deadline,
            priority=2 if job.dataset.partial else 0,
            missing_route=job.dataset.missing_route,
        )

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._bench.converter, call)

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
