"""Polls the datasets of one deployment: fetch, convert, publish, and record the status."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.clock import ServerClock
from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.request import Request
from insights_exporter.config.intervals import ROLLUP_INTERVAL
from insights_exporter.config.models import Deployment
from insights_exporter.datasets.base import PollContext
from insights_exporter.datasets.summary import PollSummary, combine_summaries
from insights_exporter.datasets.timerange import find_midnight
from insights_exporter.exposition.store import Source, StoreEntry
from insights_exporter.exposition.text import render_all
from insights_exporter.log import describe_exception
from insights_exporter.polling.event_log import StateChangeLogger
from insights_exporter.polling.fetch import Converted, Fetch, Outcome, render_result
from insights_exporter.polling.jobs import Availability, Job
from insights_exporter.polling.publisher import PollEntry, Publisher
from insights_exporter.polling.template_index import TemplateIndex

_SHORTEST_DEADLINE = 60.0
_LOOKUP_PATIENCE = 15.0


@dataclass(eq=False, kw_only=True)
class Poller:
    """Polls the datasets of one deployment, each when its one of `jobs` is run.

    `advance` is called with a job that has to run again in so many seconds,
    if it is not due sooner. Its other objects are those of the deployment; all deployments share `executor`.
    """

    deployment: Deployment
    coder: CoderClient
    clock: ServerClock
    templates: TemplateIndex
    publisher: Publisher
    executor: Executor
    pseudonym_key: bytes | None
    jobs: Sequence[Job]
    advance: Callable[[Job, float], None]
    max_seconds: float | None = None
    """Seconds that a poll may take, None for its interval."""
    lookup_patience: float = _LOOKUP_PATIENCE
    """Seconds for which a poll waits for the first poll of the dataset that it looks up."""

    def __post_init__(self) -> None:
        """Prepare what is kept from poll to poll."""
        self._zone = ZoneInfo(self.deployment.timezone)
        self._polled = {job.dataset.name: asyncio.Event() for job in self.jobs}
        """Set after the first poll of a dataset, in any window."""
        self._without_lookup = set[Job]()
        """Jobs that did not wait any longer for the dataset that they look up."""
        self._availability = Availability(self.jobs, lambda job: self.advance(job, 0.0))
        self._log = StateChangeLogger(self.deployment.name)

    async def poll(self, job: Job) -> None:
        """Poll once, publish the results, and record the status."""
        clock = asyncio.get_running_loop().time
        if clock() < job.request_stats.not_before:
            return
        if job.dataset.depends_on:
            await self.templates.wait_ready(job.status.window)
        await self._wait_for_lookup(job)
        started, context = clock(), self.build_context(job)
        entries: Mapping[Source, PollEntry] = {}
        try:
            requests = job.dataset.requests(context)
            options = self._build_request_options(job)
            fetch = Fetch(job.dataset, context, self.coder, options, self.executor)
            outcomes = await fetch.send(requests)
            self._record_rows(job, fetch)
            failure = fetch.failure
            if failure is None or any(outcome.converted for outcome in outcomes):
                built, gone = self._build_entries(job, context, requests, outcomes)
                self.publisher.publish(built, gone)
                entries = built
        except Exception as error:  # noqa: BLE001 -- no response, however odd, may end a job
            failure = ApiError("exporter_bug", describe_exception(error))
        self._record(job, failure, started)
        self.publisher.publish_statuses(self._availability.list_affected_datasets(job))
        self._update_index(job, entries)
        self._polled[job.dataset.name].set()
        if entries:
            self._advance_without_lookup(job.dataset.name)
        if failure and failure.transient and not job.dataset.depends_on:
            # twice as long after each failure in a row, for a slow server
            pause = ROLLUP_INTERVAL * 2.0 ** min(job.status.failures - 1, 10)
            self.advance(job, max(pause, failure.retry_after or 0.0))
        if job.ends_at_midnight:
            self.advance(job, max(self._find_day_end(context) - clock(), 0.0))

    def mark_unreachable(self, job: Job, failure: ApiError) -> None:
        """Expose a failure for a job that was not even started."""
        self._record(job, failure, asyncio.get_running_loop().time())
        self.publisher.publish_statuses([job.dataset.name])

    def get_summary(self, dataset: str, window: str) -> PollSummary:
        """Return the summary of the newest poll of a dataset and window."""
        entries = self.publisher.store.find_entries(dataset, window).values()
        return combine_summaries(
            entry.details.summary.drop_weeks_and_months() if entry.day_is_over else entry.details.summary
            for entry in entries
            if entry.details
        )

    def build_context(self, job: Job) -> PollContext:
        """Return the context of a poll that starts now."""
        looked_up = self.publisher.get_results(job.dataset.looks_up) if job.dataset.looks_up else ()
        return PollContext(
            deployment=self.deployment,
            window=job.window,
            now=self.clock.now().astimezone(self._zone),
            templates=self.templates.templates,
            in_use=self.templates.get_in_use(job.status.window),
            groups=tuple(group for result in looked_up for group in result.groups),
            pseudonym_key=self.pseudonym_key,
        )

    async def _wait_for_lookup(self, job: Job) -> None:
        polled = self._polled.get(job.dataset.looks_up or "")
        if polled:
            try:
                async with asyncio.timeout(self.lookup_patience):
                    await polled.wait()
            except TimeoutError:
                self._without_lookup.add(job)

    def _advance_without_lookup(self, dataset: str) -> None:
        """Let the jobs run again soon that were polled before the dataset that they look up."""
        for job in [each for each in self._without_lookup if each.dataset.looks_up == dataset]:
            self._without_lookup.remove(job)
            self.advance(job, 0.0)

    def _build_entries(
        self, job: Job, context: PollContext, requests: Sequence[Request], outcomes: Sequence[Outcome]
    ) -> tuple[Mapping[Source, PollEntry], Sequence[Source]]:
        """Return the entries to publish, and the sources of the job that are no longer requested."""
        source_of = partial(self.publisher.name_source, job.status.dataset, job.status.window)
        requested = {
            source_of(f"{each.request.subject} {each.request.path}"): each.converted for each in outcomes
        }
        unrequested = job.dataset.unrequested(context, requests)
        if unrequested.samples:
            requested[source_of()] = render_result(unrequested, context)
        present = self.publisher.store.find_entries(job.status.dataset, job.status.window)
        new = {
            source: self._build_entry(job, context, converted, present.get(source))
            for source, converted in requested.items()
            if converted
        }
        return {**new, **self._merge_windows(job, new)}, [each for each in present if each not in requested]

    def _build_entry(
        self, job: Job, context: PollContext, converted: Converted, earlier: PollEntry | None
    ) -> PollEntry:
        expires = asyncio.get_running_loop().time() + job.status.interval.max_age
        day_ends = self._find_day_end(context)
        if earlier and earlier.details and converted.summary.days:
            summary = converted.summary.with_history(earlier.details.summary)
            converted = replace(converted, summary=summary)
        return StoreEntry(
            families=converted.families,
            expires=min(expires, day_ends) if job.covers_single_day else expires,
            day_ends=day_ends if job.ends_at_midnight else math.inf,
            details=converted,
        )

    def _merge_windows(self, job: Job, new: Mapping[Source, PollEntry]) -> Mapping[Source, PollEntry]:
        """Return the entry of what the windows of a dataset say together; it expires with its last part."""
        entries = {**self.publisher.store.find_entries(job.dataset.name), **new}
        parts = [(entry.details.result, entry.expires) for entry in entries.values() if entry.details]
        samples = job.dataset.merge_windows(result for result, _ in parts)
        if not samples:
            return {}
        families = render_all(samples, self.deployment.name)
        entry: PollEntry = StoreEntry(families=families, expires=max(end for _, end in parts), details=None)
        return {self.publisher.name_source(job.dataset.name): entry}

    def _update_index(self, job: Job, entries: Mapping[Source, PollEntry]) -> None:
        """Let other jobs use what this one learned about templates."""
        index = self.templates
        results = [entry.details.result for entry in entries.values() if entry.details]
        for result in results:
            if result.in_use is not None:
                index.set_in_use(job.status.window, result.in_use)
        if job.dataset.names_templates:
            listed = self.publisher.get_results(job.dataset.name)
            templates = {name: each for result in listed for name, each in (result.templates or {}).items()}
            index.set_templates(templates if results else None)

    def _record_rows(self, job: Job, fetch: Fetch) -> None:
        job.request_stats.failures["invalid"] += fetch.invalid_responses
        job.request_stats.rows_invalid += len(fetch.invalid_rows)
        self._log.log_invalid_rows(job.status.dataset, fetch.invalid_rows)

    def _record(self, job: Job, failure: ApiError | None, started: float) -> None:
        now = asyncio.get_running_loop().time()
        if failure:
            self._availability.record_failure(job, failure, started)
            job.status.record_failure(time.time(), now - started, failure)
            self._log.log_failure(job.name, job.dataset.name, failure, now)
        else:
            self._availability.mark_available(job)
            job.status.record_success(time.time(), now - started)
            self._log.log_recovery(job.name, now)

    def _find_day_end(self, context: PollContext) -> float:
        """Return when the day of a context ends, in the loop's time."""
        tomorrow = find_midnight(context.now.date() + timedelta(days=1), self._zone)
        left = tomorrow - self.clock.now()
        return asyncio.get_running_loop().time() + left.total_seconds()

    def _build_request_options(self, job: Job) -> RequestOptions:
        seconds = self.max_seconds or max(job.status.interval.every, _SHORTEST_DEADLINE)
        deadline = asyncio.get_running_loop().time() + seconds
        return RequestOptions(
            partial(self.publisher.record_request, job.request_stats),
            deadline,
            priority=2 if job.dataset.depends_on else 0,
            missing_route=job.dataset.missing_route,
            read_before=job.status.last_success > 0,
        )
